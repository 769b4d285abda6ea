# SPDX-License-Identifier: Apache-2.0
"""Tokens of a query to a raw query, with the grammar of ``_grammar.lark``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gsql._lexer import KEYWORDS, Token, tokens
from gsql._machine import END, Machine, UnexpectedError
from gsql._problems import did_you_mean, problem, shown
from gsql._tree import (
    COUNT_DISTINCT,
    MAX_TEXT_CHARS,
    Chain,
    Column,
    Negation,
    Operand,
    RawAggregate,
    RawComparison,
    RawQuery,
    RawSort,
    Unit,
)
from l8types.enums import Operator, Quantifier

if TYPE_CHECKING:
    from l8types.errors import QueryError

__all__ = ["AGGREGATES", "default_alias", "parse_text"]

AGGREGATES: Final = ("count", "sum", "avg", "min", "max")

_WORDS: Final = {kind: word for word, kind in KEYWORDS.items()}
_EXPECTED: Final = {
    END: "the end of the query",
    "NAME": "a name",
    "STAR": "'*'",
    "COMMA": "','",
    "LPAR": "'('",
    "RPAR": "')'",
    "INT": "a whole number",
    "PARAMETER": "a parameter",
    "LEFT": "a condition",
    "NOT": "'not'",
    "ANY_ALL": "'any' or 'all'",
}
_CLAUSES: Final = frozenset(_WORDS) - {"DISTINCT", "AND", "OR", "AS", "TRUE", "FALSE"}

_RawUnit: TypeAlias = "Unit[RawComparison]"
_Joined: TypeAlias = "tuple[list[_RawUnit], list[bool]]"
"""Units side by side, and for each place between two whether ``or`` stands there."""
_Clause: TypeAlias = "tuple[Token, dict[str, object]]"
"""The word that begins a clause, and what the clause says of the query."""


def default_alias(function: str, column: str) -> str:
    """Name of an aggregate's result: ``count``, ``sumSalary``."""
    return function if column == "*" else f"{function}{column[:1].upper()}{column[1:]}"


class _Builder:
    """Called by the parser for each finished rule; one builder serves all parses."""

    def none(self, _parts: list[object]) -> list[object]:
        """The beginning of a list that may stay empty."""
        return []

    def another(self, parts: list[Any]) -> object:
        """A list with one more behind it."""
        parts[0].append(parts[1])
        return parts[0]

    def first(self, parts: list[object]) -> list[object]:
        """The beginning of a list."""
        return parts

    def next(self, parts: list[Any]) -> object:
        """A list with one more behind a comma."""
        parts[0].append(parts[2])
        return parts[0]

    def start(self, parts: list[list[_Clause]]) -> RawQuery:
        """The query of its clauses."""
        query = RawQuery()
        seen: set[str] = set()
        for token, facts in parts[0]:
            kind = "ASCENDING" if token.type == "DESCENDING" else token.type
            if kind in seen:
                raise _Twice(token)
            seen.add(kind)
            for name, value in facts.items():
                setattr(query, name, value)
        return query

    def select(self, parts: list[object]) -> tuple[object, dict[str, object]]:
        """``select`` with its items."""
        items = parts[-1]
        assert isinstance(items, list)  # noqa: S101 - what the rule below returns
        return parts[0], {
            "distinct": len(parts) == 3,
            "everything": "*" in items,
            "columns": tuple(item for item in items if isinstance(item, Column)),
            "aggregates": tuple(item for item in items if isinstance(item, RawAggregate)),
        }

    def everything(self, _parts: list[Token]) -> str:
        """``*``."""
        return "*"

    def column(self, parts: list[Token]) -> Column:
        """A path that is selected or grouped by."""
        return Column(parts[0].text, parts[0].offset)

    def aggregate(self, parts: list[Token]) -> RawAggregate:
        """A function of the select list."""
        name, _, inner = parts[:3]
        function = name.text.lower()
        if function not in AGGREGATES:
            raise _NoFunction(name)
        alias = parts[5].text if len(parts) > 4 else default_alias(function, inner.text)
        return RawAggregate(function, Column(inner.text, inner.offset), alias, name.offset)

    def once(self, parts: list[Token]) -> RawAggregate:
        """``count(distinct path)``."""
        name, _, _, inner = parts[:4]
        if name.text.lower() != "count":
            raise _OnlyCount(name)
        alias = parts[6].text if len(parts) > 5 else default_alias("countDistinct", inner.text)
        return RawAggregate(COUNT_DISTINCT, Column(inner.text, inner.offset), alias, name.offset)

    def root(self, parts: list[Token]) -> _Clause:
        """``from``."""
        return parts[0], {"root": Column(parts[1].text, parts[1].offset)}

    def where(self, parts: list[Any]) -> _Clause:
        """``where``."""
        return parts[0], {"where": _chain(parts[1])}

    def having(self, parts: list[Any]) -> _Clause:
        """``having``."""
        return parts[0], {"having": _chain(parts[1])}

    def group_by(self, parts: list[Any]) -> _Clause:
        """``group-by``."""
        return parts[0], {"group_by": tuple(parts[1])}

    def sort_by(self, parts: list[Any]) -> _Clause:
        """``sort-by``."""
        return parts[0], {"sort_by": tuple(parts[1])}

    def sort_key(self, parts: list[Token]) -> RawSort:
        """A path with its own direction, if any."""
        column = Column(parts[0].text, parts[0].offset)
        return RawSort(column, parts[1].type == "DESCENDING" if len(parts) > 1 else None)

    def number(self, parts: list[Token]) -> Operand | None:
        """A number, or a parameter that stands for one."""
        return parts[0].operand

    def limit(self, parts: list[Any]) -> _Clause:
        """``limit``."""
        return parts[0], {"limit": parts[1]}

    def page(self, parts: list[Any]) -> _Clause:
        """``page``."""
        return parts[0], {"page": parts[1]}

    def offset(self, parts: list[Any]) -> _Clause:
        """``offset``."""
        return parts[0], {"offset": parts[1]}

    def direction(self, parts: list[Token]) -> _Clause:
        """``ascending`` or ``descending`` that follows no sort key."""
        return parts[0], {"descending": parts[0].type == "DESCENDING"}

    def flag(self, parts: list[Token]) -> _Clause:
        """A flag, perhaps with its value."""
        name = {"MATCH_CASE": "match_case", "MAPREDUCE": "map_reduce", "REGISTER": "register"}
        return parts[0], {name[parts[0].type]: len(parts) == 1 or parts[1].type == "TRUE"}

    def alone(self, parts: list[_RawUnit]) -> _Joined:
        """The first unit of an expression."""
        return parts, []

    def joined(self, parts: list[Any]) -> _Joined:
        """An expression with one more unit, and what joins it."""
        units, words = parts[0]
        units.append(parts[2])
        words.append(parts[1].type == "OR")
        return units, words

    def comparison(self, parts: list[Token]) -> RawComparison:
        """``a = 1`` and the like."""
        *_, left, operator, value = parts
        return _compare(parts, left, Operator(operator.text), value.operand)

    def null_test(self, parts: list[Token]) -> RawComparison:
        """``a is null``."""
        *_, left, test = parts
        operator = Operator.IS_NOT_NULL if " not " in test.text else Operator.IS_NULL
        return _compare(parts, left, operator, None)

    def between(self, parts: list[Token]) -> _RawUnit:
        """``a between 1 and 2``."""
        *_, left, word, low, _, high = parts
        bounds = tuple(token.operand for token in (low, high) if token.operand is not None)
        assert low.operand is not None  # noqa: S101 - values have operands
        value = Operand(low.operand.form, "", low.offset, bounds)
        found = _compare(parts, left, Operator.BETWEEN, value)
        return Negation(found) if word.text.startswith("not") else found

    def element(self, parts: list[Any]) -> RawComparison:
        """``any(ports: name=x and speed>1)``."""
        quantifier, element, inner, _ = parts
        assert element.operand is not None  # noqa: S101 - the path has one
        return RawComparison(
            element.operand,
            Operator.MATCHES,
            quantifier=Quantifier(quantifier.text.lower()),
            inner=_chain(inner),
        )

    def group(self, parts: list[Any]) -> Chain[RawComparison]:
        """An expression in brackets."""
        return _chain(parts[1])

    def negation(self, parts: list[object]) -> Negation[object]:
        """``not`` and a unit."""
        return Negation(parts[1])


class _Refusal(Exception):  # noqa: N818 - never leaves this module
    """What the grammar allows and the language does not; becomes an error with the text."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token


class _Twice(_Refusal):
    """A clause that was there before."""


class _NoFunction(_Refusal):
    """A function that does not exist."""


class _OnlyCount(_Refusal):
    """``distinct`` in another function."""


def _chain(joined: _Joined) -> Chain[RawComparison]:
    units, or_after = joined
    return Chain(tuple(units), tuple(or_after))


def _compare(
    parts: list[Token], left: Token, operator: Operator, right: Operand | None
) -> RawComparison:
    quantifier = Quantifier(parts[0].text.lower()) if parts[0].type == "ANY_ALL" else None
    assert left.operand is not None  # noqa: S101 - the left side has one
    return RawComparison(left.operand, operator, right, quantifier)


@cache
def _machine() -> Machine:
    """The parser, built at first use: its tables take longer than all imports together."""
    grammar = resources.files("gsql").joinpath("_grammar.lark").read_text("utf-8")
    return Machine(grammar, _Builder())


def parse_text(text: str) -> RawQuery:
    """Parse a query.

    Raises:
        QueryError: Not a query; tells where and what was expected.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise problem(f"the query has {len(text)} characters, {MAX_TEXT_CHARS} are allowed")
    try:
        query = _machine().run(tokens(text))
    except UnexpectedError as error:
        raise _unexpected(text, error) from None
    except _Refusal as error:
        raise _refused(text, error) from None
    assert isinstance(query, RawQuery)  # noqa: S101 - what the builder makes
    if not (query.columns or query.everything or query.aggregates):
        raise problem("the query has no 'select'; write 'select * from T' for everything", text, 0)
    if not query.root.text:
        raise problem("the query has no 'from'; write 'select * from T'", text, 0)
    query.text = text
    return query


def _refused(text: str, error: _Refusal) -> QueryError:
    token = error.token
    if isinstance(error, _Twice):
        message = f"{shown(token.text.lower())} is said twice"
    elif isinstance(error, _OnlyCount):
        message = f"{shown(token.text.lower())} takes no 'distinct', only count does"
    else:
        hint = did_you_mean(token.text, AGGREGATES) or f"; there are {', '.join(AGGREGATES)}"
        message = f"{shown(token.text)} is no function{hint}"
    return problem(message, text, token.offset, len(token.text))


def _unexpected(text: str, error: UnexpectedError) -> QueryError:
    token, expected = error.token, error.expected
    words = [_WORDS[kind] for kind in sorted(expected) if kind in _WORDS]
    names = [_EXPECTED[kind] for kind in sorted(expected) if kind in _EXPECTED]
    if len(expected & _CLAUSES) > 3:
        names.append("a clause")
        names += [repr(_WORDS[kind]) for kind in sorted(expected - _CLAUSES) if kind in _WORDS]
    else:
        names += [repr(word) for word in words]
    wanted = " or ".join(names)
    if not isinstance(token, Token):
        return problem(f"the query ends where {wanted} is expected", text, len(text.rstrip()))
    hint = did_you_mean(token.text, words) if token.type == "NAME" else ""
    message = f"expected {wanted}, found {shown(token.text)}{hint}"
    return problem(message, text, token.offset, len(token.text))
