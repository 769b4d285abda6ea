# SPDX-License-Identifier: Apache-2.0
"""Bound query to its message and received message to a raw query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from gsql._parser import AGGREGATES, default_alias
from gsql._portable import NotPortableError, comparator, lowered
from gsql._print import query_text
from gsql._problems import problem, shown
from gsql._tree import (
    MAX_COMPARISONS,
    MAX_DEPTH,
    MAX_LIST_ITEMS,
    Chain,
    Column,
    Form,
    Operand,
    RawAggregate,
    RawComparison,
    RawQuery,
    RawSort,
    Unit,
)
from l8types.criteria import Comparison
from l8types.enums import Operator
from l8types.pb import L8AggregateFunction, L8Comparator, L8Condition, L8Expression, L8Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gsql._bind import Bound
    from l8types.protocols.models import ModelNode

__all__ = ["from_message", "is_text_only", "to_message", "travels_as_tree"]

_MAX_MESSAGE_DEPTH: Final = 80
"""Nesting of a message that every implementation of protobuf still reads (the least allow 100)."""
_WORDS: Final = {True: " or ", False: " and "}
_OPERATORS: Final = {
    operator.value: operator
    for operator in (
        Operator.EQ,
        Operator.NE,
        Operator.GT,
        Operator.LT,
        Operator.GE,
        Operator.LE,
        Operator.IN,
        Operator.NOT_IN,
    )
}
_ALIAS: Final = re.compile(r"[^\W\d][\w.]*")

_RawUnit: TypeAlias = "Unit[RawComparison]"


def to_message(bound: Bound, text: str, identity: str) -> L8Query:
    """The message that means the same on every node.

    A query that other nodes cannot evaluate travels as text only: they refuse it, we parse it.
    """
    try:
        plain = lowered(bound)
        message = _head(plain, identity)
        where = plain.as_written or plain.where
        if where is not None:
            _write(plain.root, _shallow(where), message.criteria)
    except NotPortableError:
        # A text that was read by other rules is written anew: the receiver may not have them.
        anew = bound.by_shape or bound.loose
        return L8Query(text=query_text(bound) if anew else text, aaa_id=identity)
    keep = plain is bound and (not bound.by_shape or bound.as_written is not None)
    message.text = text if keep else query_text(plain)
    return message


def _shallow(chain: Chain[Comparison]) -> Chain[Comparison]:
    if _depth(chain) > _MAX_MESSAGE_DEPTH:
        raise NotPortableError("the conditions are nested too deeply for a message")
    return chain


def travels_as_tree(bound: Bound) -> str:
    """Why a query cannot travel as a tree, "" when it can."""
    try:
        where = lowered(bound).where
        if where is not None:
            _shallow(where)
    except NotPortableError as error:
        return str(error)
    return ""


def _head(bound: Bound, identity: str) -> L8Query:
    everything = not bound.columns and not bound.aggregates
    return L8Query(
        rootType=bound.root_text,
        properties=["*"] if everything else bound.column_texts,
        sort_by=bound.sort_texts[0] if bound.sort_texts else "",
        descending=bool(bound.sort_keys) and bound.sort_keys[0].descending,
        limit=bound.limit,
        page=bound.page,
        match_case=bound.match_case,
        map_reduce=bound.map_reduce,
        group_by=bound.group_texts,
        aggregates=[
            L8AggregateFunction(function=each.function, field=text, alias=each.alias)
            for each, text in zip(bound.aggregates, bound.aggregate_texts, strict=True)
        ],
        register=bound.register,
        aaa_id=identity,
    )


def _runs(chain: Chain[Comparison]) -> Iterator[tuple[list[Comparison], list[bool], bool | None]]:
    """Runs of comparisons, with the words between them and the word after the run."""
    run: list[Comparison] = []
    words: list[bool] = []
    for index, unit in enumerate(chain.units):
        word = chain.or_after[index] if index < len(chain.or_after) else None
        following = chain.units[index + 1 : index + 2]
        if isinstance(unit, Comparison):
            run.append(unit)
            if word is not None and isinstance(following[0], Comparison):
                words.append(word)
                continue
        yield run, words, word
        run, words = [], []


def _groups(chain: Chain[Comparison]) -> list[Chain[Comparison] | None]:
    """For each run the nested chain that stands in its place, if it is one."""
    found: list[Chain[Comparison] | None] = []
    for index, unit in enumerate(chain.units):
        if isinstance(unit, Chain):
            found.append(unit)
        elif index == 0 or isinstance(chain.units[index - 1], Chain):
            found.append(None)
    return found


def _depth(chain: Chain[Comparison]) -> int:
    """Nesting of the messages of a chain."""
    deepest = 0
    for index, ((run, _, _), group) in enumerate(zip(_runs(chain), _groups(chain), strict=True)):
        below = len(run) + 2 if group is None else _depth(group) + 1
        deepest = max(deepest, index + below)
    return deepest


def _write(root: ModelNode, chain: Chain[Comparison], into: L8Expression) -> None:
    at = into
    for (run, words, word), group in zip(_runs(chain), _groups(chain), strict=True):
        if group is None:
            _write_run(root, run, words, at.condition)
        else:
            _write(root, group, at.child)
        if word is not None:
            at.and_or = _WORDS[word]
            at = at.next


def _write_run(
    root: ModelNode, run: list[Comparison], words: list[bool], into: L8Condition
) -> None:
    at = into
    for index, comparison in enumerate(run):
        at.comparator.CopyFrom(comparator(root, comparison))
        if index < len(words):
            at.oper = _WORDS[words[index]]
            at = at.next


def is_text_only(message: L8Query) -> bool:
    """Whether a message has nothing but a text to be parsed."""
    return not message.rootType and not message.HasField("criteria")


def from_message(message: L8Query) -> RawQuery:
    """What a received tree says, in the structure in which it says it.

    Raises:
        QueryError: The tree makes no sense.
    """
    names = [name.strip() for name in message.properties if name.strip()]
    reader = _Reader()
    return RawQuery(
        text="",
        root=Column(message.rootType.strip()),
        columns=tuple(Column(name) for name in names if name != "*"),
        everything="*" in names,
        aggregates=tuple(_aggregate(each) for each in message.aggregates),
        where=reader.read(message.criteria) if message.HasField("criteria") else None,
        group_by=tuple(Column(name.strip()) for name in message.group_by if name.strip()),
        having=reader.read(message.having) if message.HasField("having") else None,
        sort_by=(RawSort(Column(message.sort_by.strip())),) if message.sort_by.strip() else (),
        descending=message.descending,
        limit=Operand(Form.BARE, str(message.limit)),
        page=Operand(Form.BARE, str(message.page)),
        match_case=message.match_case,
        map_reduce=message.map_reduce,
        register=message.register,
        identity=message.aaa_id,
    )


def _aggregate(message: L8AggregateFunction) -> RawAggregate:
    function, field = message.function.strip().lower(), message.field.strip() or "*"
    if function not in AGGREGATES:
        raise problem(f"{shown(function)} is no function; there are {', '.join(AGGREGATES)}")
    alias = message.alias.strip() or default_alias(function, field)
    if not _ALIAS.fullmatch(alias):
        raise problem(f"{shown(alias)} cannot be the name of a result; use letters and digits")
    return RawAggregate(function, Column(field), alias)


def _word(text: str) -> bool:
    word = text.strip().lower()
    if word not in {"", "and", "or"}:
        raise problem(f"{shown(text)} joins no conditions; use ' and ' or ' or '")
    return word == "or"


class _Reader:
    """Reads the trees of one message, with limits on their size."""

    def __init__(self) -> None:
        self._comparisons = 0

    def read(self, message: L8Expression) -> Chain[RawComparison] | None:
        """A condition; ``None`` when the tree is empty."""
        found = self._expression(message, 0)
        return found if found is None or isinstance(found, Chain) else Chain((found,))

    def _expression(self, message: L8Expression, depth: int) -> _RawUnit | None:
        if depth > MAX_DEPTH:
            raise problem(f"the conditions are nested deeper than {MAX_DEPTH}")
        parts: list[_RawUnit] = []
        words: list[bool] = []
        at: L8Expression | None = message
        while at is not None:
            word = _word(at.and_or)
            if at.HasField("condition"):
                parts.append(self._run(at.condition))
                words.append(word)
            if at.HasField("child"):
                child = self._expression(at.child, depth + 1)
                if child is not None:
                    parts.append(child if isinstance(child, Chain) else Chain((child,)))
                    words.append(word)
            at = at.next if at.HasField("next") else None
            self._count()
        return _leaning(parts, words)

    def _run(self, message: L8Condition) -> _RawUnit:
        parts: list[_RawUnit] = []
        words: list[bool] = []
        at: L8Condition | None = message
        while at is not None:
            self._count()
            words.append(_word(at.oper))
            parts.append(_comparison(at.comparator))
            at = at.next if at.HasField("next") else None
        return _leaning(parts, words) or parts[0]

    def _count(self) -> None:
        self._comparisons += 1
        if self._comparisons > 2 * MAX_COMPARISONS:
            raise problem(f"there are more than {MAX_COMPARISONS} comparisons")


def _leaning(parts: list[_RawUnit], words: list[bool]) -> _RawUnit | None:
    """Join parts as their shape says: each with all that follows it.

    A change of the word opens a bracket, so the depth grows with each change; it is limited.
    """
    if not parts:
        return None
    *first, result = parts
    open_units: list[_RawUnit] = [result]
    open_word: bool | None = None
    changes = 0
    for part, word in zip(reversed(first), reversed(words[:-1]), strict=True):
        if open_word is not None and word is not open_word:
            open_units = [_chain(open_units, is_or=open_word)]
            changes += 1
            if changes > MAX_DEPTH:
                raise problem(f"the conditions are nested deeper than {MAX_DEPTH}")
        open_units.append(part)
        open_word = word
    return result if open_word is None else _chain(open_units, is_or=open_word)


def _chain(backwards: list[_RawUnit], *, is_or: bool) -> Chain[RawComparison]:
    return Chain(tuple(reversed(backwards)), (is_or,) * (len(backwards) - 1))


def _comparison(message: L8Comparator) -> RawComparison:
    operator = _OPERATORS.get(" ".join(message.oper.lower().split()))
    if operator is None:
        known = ", ".join(_OPERATORS)
        raise problem(f"{shown(message.oper)} is no operator; there are {known}")
    if operator in {Operator.IN, Operator.NOT_IN}:
        return RawComparison(_operand(message.left), operator, _list(message.right))
    return RawComparison(_operand(message.left), operator, _operand(message.right))


def _operand(text: str) -> Operand:
    """A value of the tree; there are no escapes in it, only stars and enclosing quotes."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in {"'", '"'}:
        return Operand(Form.QUOTED, text[1:-1].replace("\\", "\\\\"))
    return Operand(Form.BARE, text.replace("\\", "\\\\"))


def _list(text: str) -> Operand:
    inner = text.strip().removeprefix("[").removesuffix("]")
    items = tuple(_operand(item.strip()) for item in inner.split(",")) if inner.strip() else ()
    if len(items) > MAX_LIST_ITEMS:
        raise problem(f"the list has more than {MAX_LIST_ITEMS} values")
    return Operand(Form.LIST, text, items=items)
