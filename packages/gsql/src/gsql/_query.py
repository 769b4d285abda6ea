# SPDX-License-Identifier: Apache-2.0
"""A query that was parsed and bound: its facts and its evaluation."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from gsql._aggregate import Aggregator, aggregator
from gsql._chains import criteria_of
from gsql._cursor import Pager
from gsql._explain import explanation
from gsql._lint import Finding, findings
from gsql._order import Sorter, sorter
from gsql._paths import UnknownNameError, resolve
from gsql._pinned import int32_hash, pinned_key, value_of
from gsql._predicate import filter_function, predicate_function, predicate_source
from gsql._print import criteria_text, query_text
from gsql._project import projection
from gsql._wire import to_message
from l8types.pb import L8Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gsql._bind import Bound
    from l8types.criteria import Aggregate, AttributePath, Criteria, SortKey
    from l8types.protocols.models import ModelNode

__all__ = ["BoundQuery"]

_ODD = (TypeError, AttributeError, ValueError)
"""What reading an item raises when it is not what its model promises."""


class BoundQuery:
    """A query bound to its model; implements ``l8types`` ``Query``. Immutable.

    Functions are generated when they are first needed. Two queries are equal when they ask the
    same of the same model for the same caller, however they were written.
    """

    def __init__(
        self, bound: Bound, text: str = "", *, identity: str = "", message: L8Query | None = None
    ) -> None:
        self._bound = bound
        self._text = text
        self._identity = identity
        self._message = message
        self._absent_seen = False

    @cached_property
    def text(self) -> str:
        """The text it came from, or a canonical one."""
        return self._text or self.to_text()

    @property
    def root(self) -> ModelNode:
        """The queried model."""
        return self._bound.root

    @property
    def columns(self) -> tuple[AttributePath, ...]:
        """Selected attributes, empty for all."""
        return self._bound.columns

    @cached_property
    def criteria(self) -> Criteria | None:
        """The bound condition, ``None`` without one."""
        return criteria_of(self._bound.where)

    @property
    def sort_keys(self) -> tuple[SortKey, ...]:
        """Sort order; of an aggregate query that of its rows."""
        return self._bound.sort_keys

    @property
    def limit(self) -> int:
        """Page size, 0 for everything."""
        return self._bound.limit

    @property
    def page(self) -> int:
        """Zero-based page number."""
        return self._bound.page

    @property
    def distinct(self) -> bool:
        """Whether equal results are returned once."""
        return self._bound.distinct

    @property
    def match_case(self) -> bool:
        """Whether texts compare case-sensitively."""
        return self._bound.match_case

    @property
    def map_reduce(self) -> bool:
        """Whether every provider answers for its part and the parts are merged."""
        return self._bound.map_reduce

    @property
    def register(self) -> bool:
        """Whether the caller wants the changes of the answer from now on."""
        return self._bound.register

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Aggregates, empty for a query of items."""
        return self._bound.aggregates

    @property
    def group_by(self) -> tuple[AttributePath, ...]:
        """Grouping attributes of an aggregate query."""
        return self._bound.group_by

    @cached_property
    def having(self) -> Criteria | None:
        """Condition on the groups; the results are attributes named by their aliases."""
        return criteria_of(self._bound.having)

    @property
    def identity(self) -> str:
        """Who asks, "" when not said."""
        return self._identity

    @cached_property
    def key(self) -> str | None:
        """Plain text of the primary key that every match must have, ``None`` when not pinned.

        A text pins the key only with ``match-case`` or when it has no letters, since ``id=r1`` also
        matches ``R1``. Whether the item with the key matches is still for ``matches`` to tell.
        """
        return pinned_key(self._bound.root, self.criteria)

    @cached_property
    def hash(self) -> int:
        """Signed 32-bit hash of the text, as nodes of the first make compute it.

        For diagnostics: different queries may share it. Python's ``hash()`` and ``==`` compare what
        queries ask.
        """
        return int32_hash(self.text)

    def value_of(self, path: str) -> object:
        """Value that an attribute is compared with in the criteria (queries as parameters).

        The first comparison with a value counts, whatever its operator; ``None`` without one, also
        when the model has no such attribute.
        """
        try:
            return value_of(self.criteria, resolve(self._bound.root, path))
        except UnknownNameError:
            return None

    def cursor(self, item: object) -> str:
        """Opaque text of the item's place in the answer, to be handed back for the next page.

        Raises:
            QueryError: The model has no primary key, or the query is one of aggregates.
        """
        return self._pager.cursor(item)

    def after(self, items: Iterable[object], cursor: str = "") -> list[object]:
        """The next ``limit`` of the (matching) items in the order of the query, ties by key.

        Args:
            items: What matches; more items may have come or gone since the last page.
            cursor: Where to go on; "" begins at the first.

        Raises:
            QueryError: Not a cursor, or one of another query; limit and page do not make a query
                another one. Also when the query has no cursors.
        """
        return self._pager.after(items, cursor)

    def portability(self) -> tuple[Finding, ...]:
        """What nodes of another make refuse, are told in other words, or may stumble over."""
        return findings(self._bound, self._text)

    def explain(self, *, source: bool = False) -> str:
        """What the query does, in plain text of several lines; for people, the form may change.

        Args:
            source: Also show the generated Python of the condition.
        """
        code = predicate_source(self.criteria) if source and self.criteria is not None else ""
        return explanation(self._bound, self.criteria, self.having, self.portability(), code)

    def matches(self, item: object) -> bool:
        """Whether the item is of the queried model and satisfies the criteria; never raises."""
        model = self._bound.root.model
        if model is not None and not isinstance(item, model):
            return False
        if self._predicate is None:
            return True
        try:
            return self._predicate(item)
        except _ODD:
            return False

    def filter(self, items: Iterable[object]) -> list[object]:
        """The items that match, in the given order.

        The items are taken to be of the queried model; the type of each is looked at only when
        one of them turns out to lack something.
        """
        if self.criteria is None:
            return list(items)
        held: Sequence[object] = items if isinstance(items, list | tuple) else list(items)
        if not self._absent_seen:
            try:
                return self._fast_filter(held)
            except _ODD:
                # From now on it pays to look first.
                self._absent_seen = True
        try:
            return self._careful_filter(held)
        except _ODD:
            return [item for item in held if self.matches(item)]

    def sort(self, items: Iterable[object]) -> list[object]:
        """The items in the order of the sort keys; stable, absent values last."""
        if self._bound.aggregates:
            return list(items)
        return self._sorter.sort(items)

    def project(self, item: object) -> object:
        """The item reduced to the selected columns (the same item when all are selected).

        Nested values are shared with the item where the model allows it.
        """
        return item if self._project is None else self._project(item)

    def aggregate(self, items: Iterable[object]) -> list[dict[str, object]]:
        """One mapping per group that satisfies ``having``, in the order of the sort keys.

        The items are those that match; a mapping has the grouping attributes by their lower-case
        path and the results by their alias.
        """
        rows = self._aggregator.rows(items)
        if self._having is not None:
            rows = [row for row in rows if self._holds(row)]
        if self._bound.sort_keys:
            return cast("list[dict[str, object]]", self._sorter.sort(rows))
        return rows

    def to_wire(self) -> L8Query:
        """The message that means the same on every node.

        What nodes of another make cannot evaluate travels as text only, which they refuse.
        """
        message = L8Query()
        message.CopyFrom(self._wire)
        return message

    def to_text(self) -> str:
        """Canonical text; parsing it gives an equal query."""
        return query_text(self._bound)

    def _holds(self, row: dict[str, object]) -> bool:
        try:
            return self._having is None or self._having(row)
        except _ODD:
            return False

    @cached_property
    def _wire(self) -> L8Query:
        if self._message is not None:
            return self._message
        return to_message(self._bound, self.text, self._identity)

    @cached_property
    def _predicate(self) -> Callable[[object], bool] | None:
        return None if self.criteria is None else predicate_function(self.criteria)

    @cached_property
    def _fast_filter(self) -> Callable[[object], list[object]]:
        assert self.criteria is not None  # noqa: S101 - asked for only with one
        return filter_function(self.criteria, guarded=False)

    @cached_property
    def _careful_filter(self) -> Callable[[object], list[object]]:
        assert self.criteria is not None  # noqa: S101 - asked for only with one
        return filter_function(self.criteria, guarded=True)

    @cached_property
    def _sorter(self) -> Sorter:
        bound = self._bound
        return sorter(bound.sort_keys, match_case=bound.match_case, rows=bool(bound.aggregates))

    @cached_property
    def _pager(self) -> Pager:
        bound = self._bound
        root = bound.root.type_name
        facts = (
            root,
            criteria_text(self.criteria, root),
            tuple((key.path.text, key.descending) for key in bound.sort_keys),
            bound.match_case,
        )
        return Pager(bound, self._sorter, repr(facts))

    @cached_property
    def _project(self) -> Callable[[object], object] | None:
        bound = self._bound
        if not bound.columns or bound.aggregates:
            return None
        return projection(bound.root, bound.columns)

    @cached_property
    def _aggregator(self) -> Aggregator:
        return aggregator(self._bound.group_by, self._bound.aggregates)

    @cached_property
    def _having(self) -> Callable[[object], bool] | None:
        return None if self.having is None else predicate_function(self.having, rows=True)

    @cached_property
    def _facts(self) -> tuple[object, ...]:
        """What the query asks, whatever brackets and words it was written with."""
        bound = self._bound
        root = bound.root.type_name
        return (
            root,
            tuple(path.text for path in bound.columns),
            criteria_text(self.criteria, root),
            tuple((key.path.text, key.descending) for key in bound.sort_keys),
            (bound.limit, bound.page, bound.distinct, bound.match_case),
            (bound.map_reduce, bound.register, self._identity),
            tuple((each.function, each.path and each.path.text) for each in bound.aggregates),
            tuple(each.alias for each in bound.aggregates),
            tuple(path.text for path in bound.group_by),
            criteria_text(self.having, root),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundQuery):
            return NotImplemented
        return self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self._facts)

    def __repr__(self) -> str:
        return f"<BoundQuery {self.text!r}>"
