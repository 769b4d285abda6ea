# SPDX-License-Identifier: Apache-2.0
"""Values on the wire, queries, caches and stores."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Protocol

from l8types.criteria import Aggregate, AttributePath, Criteria, SortKey
from l8types.enums import Kind
from l8types.pb import L8MetaData, L8NotificationSet, L8Query
from l8types.protocols.models import ModelNode
from l8types.values import Element, ItemChange, Page

__all__ = [
    "Cache",
    "CacheFactory",
    "CacheListener",
    "Counter",
    "Elements",
    "ElementsFactory",
    "NotificationCodec",
    "ObjectCodec",
    "ParsedQuery",
    "Query",
    "QueryFactory",
    "Scope",
    "Subscription",
]

Scope = Callable[[object], object | None]
"""Row-level visibility: the item as the caller may see it, possibly redacted; ``None`` hides it."""

Counter = Callable[[object], tuple[bool, str]]
"""Metadata counter: whether the item counts, and in which bucket ("" for none)."""


class Subscription(Protocol):
    """A registered listener; closing it is idempotent."""

    def close(self) -> None:
        """Stop listening."""
        ...


class ObjectCodec(Protocol):
    """Self-describing bytes of one value: scalar, list, map, model instance or ``None``."""

    def encode(
        self, value: object, *, kind: Kind | None = None, key_kind: Kind | None = None
    ) -> bytes:
        """Bytes of a value.

        Args:
            value: What to encode.
            kind: Exact kind of a scalar, or of the items of a list or map; by default ``int`` is
                ``INT`` and ``float`` ``FLOAT64``.
            key_kind: Exact kind of the keys of a map.

        Raises:
            EncodeError: Unsupported type or out of range; names where in the value.
        """
        ...

    def decode(self, data: bytes | memoryview) -> object:
        """The value of the bytes; any input gives a value or the error, nothing else.

        Raises:
            DecodeError: Not a value, above the limits, or of a type that is not registered.
        """
        ...


class Elements(Protocol):
    """Request and response container: entries, an optional query, metadata. Immutable.

    A request holds the items of a write, or a query, or an example item as a filter. A response
    holds results, each with its own error, and the metadata of the whole answer.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Element]: ...

    @property
    def values(self) -> Sequence[object]:
        """The values of all entries, in order."""
        ...

    @property
    def first(self) -> object:
        """The first value, ``None`` when there is none."""
        ...

    @property
    def error(self) -> str:
        """The first error text, "" when there is none."""
        ...

    @property
    def query(self) -> L8Query | None:
        """The query in wire form, if this is a request by query."""
        ...

    @property
    def metadata(self) -> L8MetaData | None:
        """Counters of a result."""
        ...

    @property
    def notification(self) -> bool:
        """Whether this came from a peer's notification; local, never on the wire."""
        ...

    @property
    def replica(self) -> int | None:
        """Replica number of a replicated request, ``None`` otherwise; local."""
        ...

    def raise_for_error(self) -> Elements:
        """This container.

        Raises:
            L8Error: The first error, as the class that its code names.
        """
        ...

    def to_page(self) -> Page:
        """Values and metadata as a page."""
        ...

    def encode(self) -> bytes:
        """Wire form.

        Raises:
            EncodeError: A value cannot be represented.
        """
        ...


class ElementsFactory(Protocol):
    """Makes containers."""

    def of(self, *values: object, notification: bool = False) -> Elements:
        """Container of the values in order (none gives an empty container)."""
        ...

    def entries(
        self, entries: Iterable[Element], *, metadata: L8MetaData | None = None
    ) -> Elements:
        """Container of ready entries."""
        ...

    def error(self, error: BaseException | str) -> Elements:
        """Container of one error; an ``L8Error`` keeps its code across the wire."""
        ...

    def query(self, query: str | L8Query) -> Elements:
        """Request by query; text is sent as it is and parsed by the receiver."""
        ...

    def page(self, page: Page) -> Elements:
        """Result with metadata."""
        ...

    def replica(self, elements: Elements, number: int) -> Elements:
        """The same content addressed to one replica."""
        ...

    def decode(self, data: bytes | memoryview) -> Elements:
        """Container from its wire form.

        Raises:
            DecodeError: The bytes are no container.
        """
        ...


class Query(Protocol):
    """A query parsed and bound to its model. Immutable, may be shared and cached.

    Missing values: ``= nil`` holds for absent, empty and zero; every other operator with an absent
    operand is false, but ``!=``, ``not in`` and ``not like`` are true.
    """

    @property
    def text(self) -> str:
        """The text it came from, or a canonical one."""
        ...

    @property
    def root(self) -> ModelNode:
        """The queried model."""
        ...

    @property
    def columns(self) -> tuple[AttributePath, ...]:
        """Selected attributes, empty for all."""
        ...

    @property
    def criteria(self) -> Criteria | None:
        """The bound condition, ``None`` without one."""
        ...

    @property
    def sort_keys(self) -> tuple[SortKey, ...]:
        """Sort order; ties are broken by primary key."""
        ...

    @property
    def limit(self) -> int:
        """Page size, 0 for everything."""
        ...

    @property
    def page(self) -> int:
        """Zero-based page number."""
        ...

    @property
    def distinct(self) -> bool:
        """Whether equal results are returned once."""
        ...

    @property
    def match_case(self) -> bool:
        """Whether texts compare case-sensitively."""
        ...

    @property
    def map_reduce(self) -> bool:
        """Whether every provider answers for its part and the parts are merged."""
        ...

    @property
    def register(self) -> bool:
        """Whether the caller wants the changes of the answer from now on."""
        ...

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Aggregates, empty for a query of items."""
        ...

    @property
    def group_by(self) -> tuple[AttributePath, ...]:
        """Grouping attributes of an aggregate query."""
        ...

    @property
    def having(self) -> Criteria | None:
        """Condition on the groups."""
        ...

    @property
    def identity(self) -> str:
        """Who asks, "" when not said."""
        ...

    def matches(self, item: object) -> bool:
        """Whether the item satisfies the criteria."""
        ...

    def filter(self, items: Iterable[object]) -> list[object]:
        """The items that match, in the given order."""
        ...

    def sort(self, items: Iterable[object]) -> list[object]:
        """The items in the order of the sort keys; stable."""
        ...

    def project(self, item: object) -> object:
        """The item reduced to the selected columns (the same item when all are selected)."""
        ...

    def aggregate(self, items: Iterable[object]) -> list[dict[str, object]]:
        """One mapping per group: group attributes and aggregate aliases to values."""
        ...

    def to_wire(self) -> L8Query:
        """The message that means the same on every node."""
        ...


class ParsedQuery(Query, Protocol):
    """What a query of the query language knows beyond what every query does."""

    @property
    def key(self) -> str | None:
        """Plain text of the primary key that every match must have, ``None`` when not pinned.

        Whether the item with the key matches is still for ``matches`` to tell.
        """
        ...

    @property
    def hash(self) -> int:
        """Signed 32-bit hash of the text, as nodes of the first make compute it; for diagnostics.

        Different queries may share it, so it is no key of a cache.
        """
        ...

    def value_of(self, path: str) -> object:
        """Value that an attribute is compared with in the criteria (queries as parameters).

        The first comparison with a value counts, whatever its operator; ``None`` without one.
        """
        ...

    def cursor(self, item: object) -> str:
        """Opaque text of the item's place in the answer, to be handed back for the next page.

        Raises:
            QueryError: The model has no primary key, or the query is one of aggregates.
        """
        ...

    def after(self, items: Iterable[object], cursor: str = "") -> list[object]:
        """The next ``limit`` of the (matching) items in the order of the query, ties by key.

        Args:
            items: What matches.
            cursor: Where to go on; "" begins at the first.

        Raises:
            QueryError: Not a cursor, or one of another query.
        """
        ...


class QueryFactory(Protocol):
    """Parses and binds queries."""

    def parse(self, text: str, **parameters: object) -> Query:
        """Query from text; ``:name`` in the text is bound to ``parameters``.

        Raises:
            QueryError: Not a query or not of a known model; tells line, column, what was expected.
        """
        ...

    def from_wire(self, message: L8Query) -> Query:
        """Query from its message; a message with only text is parsed.

        Raises:
            QueryError: The tree makes no sense or names an unknown model or attribute.
        """
        ...


CacheListener = Callable[[ItemChange], None]
"""Told of every change of a cache, in order; must not block or raise."""


class Cache(Protocol):
    """In-memory items of one model by key, with indexes and change events.

    Items go in and come out as copies. One event loop owns a cache; there is no locking.
    """

    @property
    def model(self) -> type:
        """The model of the items."""
        ...

    def __len__(self) -> int: ...

    def post(self, item: object) -> ItemChange | None:
        """Add an item or replace the one with its key; ``None`` when nothing changed.

        Raises:
            PropertyError: The item has no primary key.
            ConflictError: Its unique key belongs to another item.
        """
        ...

    def put(self, item: object) -> ItemChange | None:
        """Replace an item as a whole, or add it; the event carries the differences."""
        ...

    def patch(self, item: object) -> ItemChange | None:
        """Merge what is present in ``item`` into the stored one, or add it."""
        ...

    def delete(self, item: object) -> ItemChange | None:
        """Remove the item with the key of ``item`` (an example or a key text).

        Returns:
            The event, ``None`` when there was no such item.
        """
        ...

    def apply(self, change: ItemChange) -> ItemChange | None:
        """Apply what happened on another node.

        Raises:
            NotFoundError: Changes of an item that is not here; the caller has missed something.
        """
        ...

    def get(self, key: object) -> object | None:
        """Copy of the item with this key text or example, ``None`` when absent."""
        ...

    def fetch(self, query: Query, *, scope: Scope | None = None) -> Page:
        """Answer of a query: filtered, sorted, one page, copied and projected, with counters."""
        ...

    def items(self) -> Iterator[tuple[str, object]]:
        """Keys and copies of all items at the time of the call."""
        ...

    def key_of(self, item: object) -> str:
        """Primary key text of an item.

        Raises:
            PropertyError: It has none.
        """
        ...

    def add_counter(self, name: str, counter: Counter) -> None:
        """Maintain a metadata counter over all items."""
        ...

    def subscribe(self, listener: CacheListener) -> Subscription:
        """Be told of changes from now on, those by :meth:`apply` included."""
        ...


class CacheFactory(Protocol):
    """Makes caches."""

    def create(self, model: type, *, items: Iterable[object] = ()) -> Cache:
        """Cache of a model whose keys are declared in the introspector."""
        ...


class NotificationCodec(Protocol):
    """Item changes to and from the notification message."""

    def encode(self, change: ItemChange, *, service: str, area: int) -> L8NotificationSet:
        """Message of a change."""
        ...

    def decode(self, message: L8NotificationSet) -> ItemChange:
        """Change of a message.

        Raises:
            DecodeError: A value cannot be decoded or the type is unknown.
        """
        ...
