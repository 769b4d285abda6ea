# SPDX-License-Identifier: Apache-2.0
"""A cache as somebody outside the project would write it: it knows the interfaces, nothing else.

Every query looks at every item, and nothing is indexed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from l8types.enums import NotificationType, UpdateMode
from l8types.errors import NotFoundError
from l8types.pb import L8MetaData
from l8types.values import ItemChange, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from l8types.protocols.data import Cache, CacheListener, Counter, Query, Scope, Subscription
    from l8types.protocols.runtime import Resources

_log = logging.getLogger(__name__)


class PlainCache:
    """Items of one model in a dictionary."""

    def __init__(self, model: type, resources: Resources) -> None:
        self.model = model
        self._resources = resources
        self._name = resources.registry.info_of(model).name
        self._items: dict[str, object] = {}
        self._listeners: list[CacheListener] = []
        self._counters: dict[str, Counter] = {}

    def __len__(self) -> int:
        return len(self._items)

    def post(self, item: object) -> ItemChange | None:
        """Add an item or replace it."""
        return self.put(item)

    def put(self, item: object) -> ItemChange | None:
        """Replace an item as a whole, or add it."""
        return self._write(item, UpdateMode.PUT, NotificationType.PUT)

    def patch(self, item: object) -> ItemChange | None:
        """Merge what is present into an item, or add it."""
        return self._write(item, UpdateMode.PATCH, NotificationType.PATCH)

    def delete(self, item: object) -> ItemChange | None:
        """Remove an item."""
        key = self._key(item)
        gone = self._items.pop(key, None)
        if gone is None:
            return None
        return self._tell(ItemChange(NotificationType.DELETE, self._name, key, gone))

    def apply(self, change: ItemChange) -> ItemChange | None:
        """Do what another node did."""
        if change.type is NotificationType.DELETE:
            return self.delete(change.key)
        if change.changes is None:
            return self.put(change.item)
        old = self._items.get(change.key)
        if old is None:
            raise NotFoundError(f"{self._name} {change.key!r} is not here")
        new = self._resources.updater.apply(change.changes, self._resources.cloner.clone(old))
        return self.put(new)

    def get(self, key: object) -> object | None:
        """Copy of an item."""
        item = self._items.get(self._key(key))
        return None if item is None else self._resources.cloner.clone(item)

    def fetch(self, query: Query, *, scope: Scope | None = None) -> Page:
        """Matches of a query; limits and pages are left to those who need them."""
        found = query.sort(query.filter(self._items.values()))
        if scope is not None:
            found = [seen for item in found if (seen := scope(item)) is not None]
        metadata = L8MetaData()
        metadata.key_count.counts["Total"] = len(found)
        return Page([query.project(self._resources.cloner.clone(one)) for one in found], metadata)

    def items(self) -> Iterator[tuple[str, object]]:
        """Keys and copies of all items."""
        return iter([(key, self._resources.cloner.clone(it)) for key, it in self._items.items()])

    def key_of(self, item: object) -> str:
        """Primary key of an item."""
        return self._resources.introspector.primary_key(item)

    def add_counter(self, name: str, counter: Counter) -> None:
        """Keep a counter for those who ask."""
        self._counters[name] = counter

    def subscribe(self, listener: CacheListener) -> Subscription:
        """Tell somebody of changes."""
        self._listeners.append(listener)
        return _Listening(self._listeners, listener)

    def _key(self, item: object) -> str:
        return item if isinstance(item, str) else self.key_of(item)

    def _write(self, item: object, mode: UpdateMode, kind: NotificationType) -> ItemChange | None:
        key = self.key_of(item)
        old = self._items.get(key)
        if old is None:
            self._items[key] = self._resources.cloner.clone(item)
            added = ItemChange(NotificationType.POST, self._name, key, self._items[key])
            return self._tell(added)
        changes = self._resources.updater.diff(old, item, mode=mode)
        if not changes:
            return None
        new = self._resources.updater.apply(changes, self._resources.cloner.clone(old))
        self._items[key] = new
        return self._tell(ItemChange(kind, self._name, key, new, changes))

    def _tell(self, change: ItemChange) -> ItemChange:
        for listener in tuple(self._listeners):
            listener(change)
        return change


class _Listening:
    def __init__(self, listeners: list[CacheListener], listener: CacheListener) -> None:
        self._listeners = listeners
        self._listener = listener

    def close(self) -> None:
        """Stop telling."""
        if self._listener in self._listeners:
            self._listeners.remove(self._listener)


class PlainCaches:
    """Makes plain caches, and says so."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def create(self, model: type, *, items: Iterable[object] = ()) -> Cache:
        """A cache that holds copies of these items."""
        _log.warning("a plain cache keeps %s", model.__name__)
        cache = PlainCache(model, self._resources)
        for item in items:
            cache.put(item)
        return cache


def create_caches(resources: Resources) -> PlainCaches:
    """What the entry point names."""
    return PlainCaches(resources)
