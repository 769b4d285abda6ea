# SPDX-License-Identifier: Apache-2.0
"""Bound criteria to generated Python: one function for an item, one comprehension for many."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from gsql._compare import NEGATIVE, default_quantifier, tests_whole
from gsql._paths import fans_out
from gsql._patterns import pattern_pieces, pattern_regex
from gsql._source import Leaf, Source
from gsql._values import is_text
from l8types.criteria import And, AttributePath, Comparison, Criteria, Not
from l8types.enums import Container, Kind, Operator, Presence, Quantifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["filter_function", "predicate_function", "predicate_source"]

_ORDER: Final = {
    Operator.EQ: "==",
    Operator.NE: "!=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}


def predicate_function(criteria: Criteria, *, rows: bool = False) -> Callable[[object], bool]:
    """Function that tells whether an item, or a row of results, satisfies the criteria."""
    source = Source(rows=rows)
    text = f"def matches(x):\n    return bool({_Writer(source).condition(criteria)})\n"
    return cast("Callable[[object], bool]", source.function("matches", text))


def predicate_source(criteria: Criteria) -> str:
    """The generated Python, with the constants that it reads in comments; for people."""
    source = Source()
    condition = _Writer(source).condition(criteria)
    constants = "".join(f"# {name} = {value!r}\n" for name, value in source.constants.items())
    return f"{constants}def matches(x):\n    return bool({condition})\n"


def filter_function(criteria: Criteria, *, guarded: bool) -> Callable[[object], list[object]]:
    """Function that takes the matching items out of many, as one comprehension.

    Without guards it relies on everything being there; where it is not, it raises ``TypeError`` or
    ``AttributeError``, never gives a wrong answer.
    """
    source = Source(guarded=guarded)
    condition = _Writer(source).condition(criteria)
    text = f"def select(items):\n    return [x for x in items if {condition}]\n"
    return cast("Callable[[object], list[object]]", source.function("select", text))


class _Writer:
    """Writes the condition of one query."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._item = "x"

    def condition(self, criteria: Criteria) -> str:
        """Expression of any criteria."""
        if isinstance(criteria, Comparison):
            return self._comparison(criteria)
        if isinstance(criteria, Not):
            return f"(not {self.condition(criteria.term)})"
        word = " and " if isinstance(criteria, And) else " or "
        return f"({word.join(self.condition(term) for term in criteria.terms)})"

    def _comparison(self, comparison: Comparison) -> str:
        _path, operator, value = comparison.path, comparison.operator, comparison.value
        if operator is Operator.MATCHES:
            return self._element(comparison)
        if tests_whole(operator, value):
            return self._absence(comparison)
        return self._with_value(comparison)

    def _with_value(self, comparison: Comparison) -> str:
        path, operator, value = comparison.path, comparison.operator, comparison.value
        if isinstance(value, AttributePath):
            return self._two_paths(comparison, value)
        negated = operator in NEGATIVE
        if negated and comparison.quantifier is default_quantifier(operator, path, value):
            if operator is Operator.NE and self._is_plain(path):
                return self._leaf(comparison, operator)(self.source.read(self._item, path.node))
            positive = self._leaf(comparison, NEGATIVE[operator])
            return f"(not {self._walk(path, positive, every=False)})"
        every = comparison.quantifier is Quantifier.ALL
        if negated:
            return self._some_differs(comparison)
        return self._walk(path, self._leaf(comparison, operator), every=every)

    def _element(self, comparison: Comparison) -> str:
        """``any(path: …)``: all of the inner condition holds for one and the same object."""

        def holds(read: str) -> str:
            before, self._item = self._item, read
            try:
                return self.condition(cast("Criteria", comparison.value))
            finally:
                self._item = before

        every = comparison.quantifier is Quantifier.ALL
        return self._walk(comparison.path, holds, every=every)

    def _walk(self, path: AttributePath, leaf: Leaf, *, every: bool, whole: bool = False) -> str:
        return self.source.walk(self._item, path, leaf, every=every, whole=whole)

    def _some_differs(self, comparison: Comparison) -> str:
        """``any path != value``: an element without a value differs as well."""
        positive = self._leaf(comparison, NEGATIVE[comparison.operator])
        return f"(not {self._walk(comparison.path, positive, every=True)})"

    def _is_plain(self, path: AttributePath) -> bool:
        """Whether reading the path is all there is to it."""
        node = path.node
        return (
            len(path.nodes) == 1
            and node.container is Container.SINGLE
            and node.presence is not Presence.HAS_FIELD
            and not is_text(node)
            and not self.source.rows
        )

    def _leaf(self, comparison: Comparison, operator: Operator) -> Leaf:
        """The condition of one operator on one value."""
        fold = is_text(comparison.path.node) and not comparison.match_case
        value = comparison.value
        if operator is Operator.LIKE:
            return self._like(str(value), fold=fold)
        if operator is Operator.IN:
            members = value if isinstance(value, tuple) else ()
            name = self.source.constant(frozenset(_folded(each, fold=fold) for each in members))
            return lambda read: f"{_low(read, fold=fold)} in {name}"
        if operator is Operator.BETWEEN:
            low, high = value if isinstance(value, tuple) else (None, None)
            first = self.source.constant(_folded(low, fold=fold))
            last = self.source.constant(_folded(high, fold=fold))
            return lambda read: f"{first} <= {_low(read, fold=fold)} <= {last}"
        sign = _ORDER[operator]
        name = self.source.constant(_folded(value, fold=fold))
        return lambda read: f"{_low(read, fold=fold)} {sign} {name}"

    def _like(self, pattern: str, *, fold: bool) -> Leaf:
        folded = pattern.lower() if fold else pattern
        pieces = pattern_pieces(folded)
        start = int(pieces[:1] == ["%"])
        inner = pieces[start : len(pieces) - int(pieces[start:][-1:] == ["%"])]
        if "%" in inner or "_" in inner:
            match = self.source.constant(pattern_regex(folded).fullmatch)
            return lambda read: f"{match}({_low(read, fold=fold)}) is not None"
        name = self.source.constant("".join(piece[1:] for piece in inner))
        starts, ends = pieces[:1] != ["%"], pieces[-1:] != ["%"]
        if starts and ends:
            return lambda read: f"{_low(read, fold=fold)} == {name}"
        if starts or ends:
            method = "startswith" if starts else "endswith"
            return lambda read: f"{_low(read, fold=fold)}.{method}({name})"
        return lambda read: f"{name} in {_low(read, fold=fold)}"

    def _two_paths(self, comparison: Comparison, other: AttributePath) -> str:
        fold = is_text(comparison.path.node) and not comparison.match_case
        negated = comparison.operator is Operator.NE
        sign = _ORDER[Operator.EQ if negated else comparison.operator]
        # "No element is equal" and "some element is not" are negations of conditions with "=".
        every = (comparison.quantifier is Quantifier.ALL) is not (
            negated and fans_out(comparison.path)
        )
        with self._looking():

            def against(left: str) -> str:
                return self._walk(
                    other,
                    lambda right: f"{_low(left, fold=fold)} {sign} {_low(right, fold=fold)}",
                    every=False,
                )

            found = self._walk(comparison.path, against, every=every)
        return f"(not {found})" if negated else found

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Look for ``None`` within this block: absence would not raise there but go unnoticed."""
        before, self.source.guarded = self.source.guarded, True
        try:
            yield
        finally:
            self.source.guarded = before

    def _absence(self, comparison: Comparison) -> str:
        """``is null`` and ``= nil`` with their negations.

        By default a path is null when it reaches nothing or something null; ``all a = nil`` wants
        nothing that is not null, ``any a != nil`` is its negation.
        """
        path, operator = comparison.path, comparison.operator
        default = default_quantifier(operator, path, comparison.value)
        leaf = self._is_there(path) if operator in _NULLS else self._is_something(path)
        with self._looking():
            if comparison.quantifier is default:
                there = self._all_there(path, leaf)
            else:
                there = self._walk(path, leaf, every=False, whole=True)
        return there if operator in NEGATIVE else f"(not {there})"

    def _all_there(self, path: AttributePath, leaf: Leaf) -> str:
        there = self._walk(path, leaf, every=True, whole=True)
        if not fans_out(path, whole=True):
            return there
        return f"({self._walk(path, lambda _: 'True', every=False, whole=True)} and {there})"

    def _is_there(self, path: AttributePath) -> Leaf:
        if path.node.container is not Container.SINGLE:
            return lambda read: f"bool({read})"
        return lambda read: f"{read} is not None"

    def _is_something(self, path: AttributePath) -> Leaf:
        node = path.node
        if node.kind is Kind.MESSAGE and node.container is Container.SINGLE:
            return lambda read: f"{read} is not None"
        return lambda read: f"bool({read})"


_NULLS: Final = frozenset((Operator.IS_NULL, Operator.IS_NOT_NULL))


def _low(read: str, *, fold: bool) -> str:
    return f"{read}.lower()" if fold else read


def _folded(value: object, *, fold: bool) -> object:
    return value.lower() if fold and isinstance(value, str) else value
