# SPDX-License-Identifier: Apache-2.0
"""The cache: items of one model by key, with unique keys, answers of queries and change events.

A synchronous core without clock, tasks or storage. Stored items are snapshots: a change stores a
new object, the old one stays as it was. That is what makes events and kept answers safe to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from l8types.enums import NotificationType, UpdateMode
from l8types.errors import InvalidInputError, PropertyError
from l8types.values import ItemChange, Page
from l8utils._cache_answers import Answer, Answers
from l8utils._cache_arrivals import Arrivals
from l8utils._cache_counters import Totals
from l8utils._cache_events import CacheEvents
from l8utils._cache_items import CacheItems
from l8utils._cache_view import answer_aggregates, answer_items, visible_items
from l8utils._names import short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from l8types.pb import L8MetaData
    from l8types.protocols.data import CacheListener, Counter, Query, Scope, Subscription
    from l8types.protocols.models import Cloner, KeyExtractor, Updater
    from l8types.protocols.runtime import Clock
    from l8types.values import ChangeSet
    from l8utils._cache_events import CacheWatcher

T = TypeVar("T")

DEFAULT_ANSWERS: Final = 64
"""Answers kept per cache; each holds one reference per match."""

ANSWER_TTL: Final = 30.0
"""Seconds after which an answer that nobody asked for again is dropped, at the next fetch."""


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """State of a cache.

    Attributes:
        items: Items it holds.
        answers: Answers of queries that are kept.
        listeners: Listeners and watchers.
        revision: Items it was made with, and all changes since.
    """

    items: int
    answers: int
    listeners: int
    revision: int


class MemoryCache:
    """Items of one model in memory.

    Items are copied on their way in and out. Events carry the stored snapshot itself: the cache
    never changes it, and neither may a listener. For PUT and PATCH, too, ``item`` of an event is
    the state after the change, so that a listener need not ask.

    One event loop owns a cache; there is no locking.

    Args:
        model: Model of the items.
        keys: Tells the keys of items.
        cloner: Makes the copies.
        updater: Finds and applies differences.
        name: Short type name in events; by default the one that the model has on the wire.
        items: What to start with; no events are sent for these.
        indexed: Attributes to search by: field name in lower case to attribute on an instance.
        unique_fields: Gives the names of the attributes of the unique key, for errors.
        max_items: Items the cache may hold, 0 for any number.
        max_answers: Answers of queries that are kept.
        clock: Tells how long an answer was not asked for, which ends it; without one none ages.

    Raises:
        PropertyError: A starting item has no primary key, or holds what its model does not declare.
        ConflictError: Two starting items share a unique key.
    """

    def __init__(  # noqa: PLR0913 - the parts of a node and what has a default, all by name
        self,
        model: type,
        *,
        keys: KeyExtractor,
        cloner: Cloner,
        updater: Updater,
        name: str = "",
        items: Iterable[object] = (),
        indexed: Mapping[str, str] | None = None,
        unique_fields: Callable[[], Sequence[str]] = tuple,
        max_items: int = 0,
        max_answers: int = DEFAULT_ANSWERS,
        clock: Clock | None = None,
    ) -> None:
        self._model = model
        self._name = name or short_name(model)
        self._keys = keys
        self._cloner = cloner
        self._updater = updater
        self._items = CacheItems(
            self._name,
            keys,
            indexed=indexed or {},
            unique_fields=unique_fields,
            max_items=max_items,
        )
        self._answers = Answers(max_answers, ttl=ANSWER_TTL, clock=clock)
        self._counters: dict[str, Counter] = {}
        self._totals = Totals()
        self._events = CacheEvents(self._name)
        self._arrivals = Arrivals(
            model,
            self._name,
            keys=keys,
            cloner=cloner,
            updater=updater,
            items=self._items,
            shortened=self._drop_answers,
            events=self._events,
        )
        self._sequence = 0
        for item in items:
            self._updater.check(item)
            key = self.key_of(item)
            self._store(key, self._items.by_key.get(key), self._cloner.clone(item))

    @property
    def model(self) -> type:
        """The model of the items."""
        return self._model

    @property
    def name(self) -> str:
        """Short type name of the model in events and queries."""
        return self._name

    def __len__(self) -> int:
        return len(self._items)

    def post(self, item: object) -> ItemChange | None:
        """Add an item or replace the one with its key.

        Returns:
            POST for a new item, PUT with the differences for a replaced one, ``None`` when nothing
            changed.

        Raises:
            PropertyError: The item has no primary key, or holds what its model does not declare.
            ConflictError: Its unique key belongs to another item.
            InvalidInputError: It is not of the model.
            OverloadedError: The cache is full.
        """
        return self.put(item)

    def put(self, item: object) -> ItemChange | None:
        """Replace an item as a whole, or add it; returns and raises as :meth:`post`."""
        key = self.key_of(item)
        old = self._items.by_key.get(key)
        if old is None:
            return self._added(key, item)
        changes = self._updater.diff(old, item, mode=UpdateMode.PUT)
        return self._changed(NotificationType.PUT, old, changes, lambda: self._cloner.clone(item))

    def adopt(self, item: object) -> None:
        """As :meth:`put` for an item that the caller gives away: it is stored itself, not a copy.

        What changed is worked out only when somebody listens.
        """
        if self._events.wanted:
            self.put(item)
            return
        key = self.key_of(item)
        self._updater.check(item)
        self._store(key, self._items.by_key.get(key), item)

    def patch(self, item: object) -> ItemChange | None:
        """Merge what is present in ``item`` into the stored one, or add it.

        Returns:
            POST for a new item, PATCH with the differences for a merged one, ``None`` when nothing
            changed.

        Raises:
            PropertyError: The item has no primary key, or holds what its model does not declare.
            ConflictError: Its unique key belongs to another item.
            InvalidInputError: It is not of the model.
            OverloadedError: The cache is full.
        """
        key = self.key_of(item)
        old = self._items.by_key.get(key)
        if old is None:
            return self._added(key, item)
        changes = self._updater.diff(old, item, mode=UpdateMode.PATCH)
        return self._changed(
            NotificationType.PATCH,
            old,
            changes,
            lambda: self._updater.apply(changes, self._cloner.clone(old)),
        )

    def delete(self, item: object) -> ItemChange | None:
        """Remove the item with the key of ``item`` (an example or a key text).

        Returns:
            The event with the last state, ``None`` when there was no such item.
        """
        key = self._find(item)
        old = None if key is None else self._items.by_key.get(key)
        if key is None or old is None:
            return None
        self._store(key, old, None)
        return self._emit(self._event(NotificationType.DELETE, key, old), old)

    def apply(self, change: ItemChange) -> ItemChange | None:
        """Apply what happened on another node; source and sequence of the change are kept.

        A POST adds or replaces, a DELETE of an absent item is nothing, and a change that leads to
        the state that is here already is nothing.

        Returns:
            The change with the snapshot stored here, ``None`` when nothing changed.

        Raises:
            NotFoundError: Changes of an item that is not here; the caller has missed something.
            ConflictError: A unique key belongs to another item here.
            PropertyError: A change does not fit the model or would change the primary key.
            InvalidInputError: The change is of another model or lacks what its type carries.
        """
        return self._arrivals.apply(change, own=False)

    def apply_own(self, change: ItemChange) -> ItemChange | None:
        """As :meth:`apply` for a change whose item the caller gives away: that one is stored."""
        return self._arrivals.apply(change, own=True)

    def apply_all(self, changes: Sequence[ItemChange]) -> int:
        """As :meth:`apply_own` for many changes, in their order.

        Returns:
            How many were applied: all, or those before the first that cannot be, which is left to
            the caller as it was.
        """
        return self._arrivals.apply_all(changes)

    def get(self, key: object) -> object | None:
        """Copy of the item with this key text or example, ``None`` when absent.

        An example without a primary key is looked up by its unique key.
        """
        found = self._find(key)
        item = None if found is None else self._items.by_key.get(found)
        return None if item is None else self._cloner.clone(item)

    def peek(self, key: str) -> object | None:
        """The item with this key text as it is stored; not to be changed, nor kept for long."""
        return self._items.by_key.get(key)

    def fetch(self, query: Query, *, scope: Scope | None = None) -> Page:
        """Answer of a query: filtered, sorted, one page, copied and projected, with counters.

        With a ``scope`` the answer is the one of a cache that holds only what the caller may see:
        hidden items are in no page, counter or aggregate, and a redacted item must match as it is
        shown. ``scope`` is asked about every match on each call, and must not change its argument.

        The page of an aggregate query has one mapping per group; its counters are the values under
        ``alias``, or ``alias:group`` with the values of the group joined by ``|``.

        Raises:
            InvalidInputError: The query is about another model.
        """
        if query.root.type_name != self._name:
            raise InvalidInputError(
                f"query about {query.root.type_name!r} in a cache of {self._name!r}"
            )
        answer = self._answer(query)
        items = answer.items
        if scope is not None:
            items = visible_items(query, items, scope, self._keys.primary_key)
        if query.aggregates:
            return answer_aggregates(query, items)
        untouched = answer.counters if scope is None else None
        return answer_items(query, items, self._cloner, self._counters, untouched)

    def items(self) -> Iterator[tuple[str, object]]:
        """Keys and copies of all items at the time of the call."""
        snapshot = list(self._items.by_key.items())
        return ((key, self._cloner.clone(item)) for key, item in snapshot)

    def collect(
        self,
        transform: Callable[[object], T | None],
        *,
        where: Callable[[object], bool] | None = None,
    ) -> dict[str, T]:
        """What a function makes of the items, by key.

        Args:
            transform: Called with a copy of each item; ``None`` leaves the item out.
            where: Which items to copy at all. It sees what is stored and must not change it.
        """
        found = (
            (key, item)
            for key, item in list(self._items.by_key.items())
            if not where or where(item)
        )
        made = ((key, transform(self._cloner.clone(item))) for key, item in found)
        return {key: value for key, value in made if value is not None}

    def metadata(self) -> L8MetaData:
        """Total and counters over all items, whoever may see them."""
        return self._totals.metadata(self._counters, self._items.by_key, self._items.journal)

    def statistics(self) -> CacheStatistics:
        """What the cache holds now."""
        return CacheStatistics(
            len(self._items), len(self._answers), len(self._events), self._items.journal.revision
        )

    def key_of(self, item: object) -> str:
        """Primary key text of an item.

        Raises:
            PropertyError: It has none.
            InvalidInputError: It is not of the model.
        """
        if not isinstance(item, self._model):
            raise InvalidInputError(f"a cache of {self._name!r} takes no {type(item).__name__}")
        return self._keys.primary_key(item)

    def add_counter(self, name: str, counter: Counter) -> None:
        """Maintain a metadata counter over the items of each answer.

        Args:
            name: Name of the counter in the metadata; an earlier one of the name is replaced.
            counter: Whether an item counts and in which bucket; must depend on the item alone.
        """
        self._counters[name] = counter
        self._answers.clear()
        self._totals.clear()

    def subscribe(self, listener: CacheListener) -> Subscription:
        """Be told of changes from now on, those by :meth:`apply` included.

        Listeners are called in order of subscription, for one change after the other: a change that
        a listener makes is told after the present one.
        """
        return self.watch(lambda change, _before: listener(change))

    def watch(self, watcher: CacheWatcher) -> Subscription:
        """The same for a watcher, which is also given the state before the change.

        Both states are snapshots of the cache and must not be changed.
        """
        return self._events.watch(watcher)

    def _find(self, key: object) -> str | None:
        if isinstance(key, str):
            return key
        try:
            return self.key_of(key)
        except PropertyError:
            return self._items.owner(key)

    def _answer(self, query: Query) -> Answer:
        answer = self._answers.take(query, self._items.journal)
        if answer is None:
            answer = Answer(
                query,
                self._items.searched(query),
                self._keys.primary_key,
                dict(self._counters),
                self._items.journal.revision,
            )
        self._answers.put(query, answer)
        return answer

    def _added(self, key: str, item: object) -> ItemChange:
        self._updater.check(item)
        stored = self._cloner.clone(item)
        self._store(key, None, stored)
        return self._emit(self._event(NotificationType.POST, key, stored), None)

    def _changed(
        self,
        kind: NotificationType,
        old: object,
        changes: ChangeSet,
        make: Callable[[], object],
    ) -> ItemChange | None:
        if not changes:
            return None
        key, stored = self._keys.primary_key(old), make()
        self._store(key, old, stored)
        return self._emit(self._event(kind, key, stored, changes), old)

    def _store(self, key: str, old: object | None, new: object | None) -> None:
        """Let the item of a key become ``new``, ``None`` for absence; all or nothing."""
        items = self._items
        shortened = items.remove(key, old) if new is None else items.store(key, old, new)
        if shortened:
            self._drop_answers()

    def _drop_answers(self) -> None:
        self._answers.drop_older(self._items.journal.oldest)

    def _event(
        self, kind: NotificationType, key: str, item: object, changes: ChangeSet | None = None
    ) -> ItemChange:
        self._sequence += 1
        return ItemChange(kind, self._name, key, item, changes, sequence=self._sequence)

    def _emit(self, event: ItemChange, before: object | None) -> ItemChange:
        if self._events.wanted:
            self._events.tell(event, before)
        return event
