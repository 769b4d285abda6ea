# SPDX-License-Identifier: Apache-2.0
"""The smallest cache, storage and relational store that keep their promises."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from l8types.enums import Action, DecoratorType, NotificationType, UpdateMode
from l8types.errors import ConflictError, NotFoundError
from l8types.values import ItemChange, Page

from .fake_models import FakeIntrospector, FakeUpdater
from .fake_wire import metadata_of
from .harness import RECORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence


def declared() -> FakeIntrospector:
    """Introspector that knows the keys of the sample model."""
    introspector = FakeIntrospector()
    introspector.decorate(RECORD.model, DecoratorType.PRIMARY, "MyString")
    introspector.decorate(RECORD.model, DecoratorType.UNIQUE, "MyInt64")
    return introspector


def answer(query: Any, items: Sequence[Any], scope: Any = None) -> Page:
    """One page of the items that match and may be seen."""
    seen = items if scope is None else [one for item in items if (one := scope(item)) is not None]
    found = query.sort(query.filter(seen))
    start = query.page * query.limit
    rows = found[start : start + query.limit] if query.limit else found
    return Page([query.project(row) for row in rows], metadata_of(len(found)))


class Subscription:
    """A listener."""

    def __init__(self, listeners: list[Any], listener: Any) -> None:
        self.listeners, self.listener = listeners, listener
        listeners.append(listener)

    def close(self) -> None:
        if self.listener in self.listeners:
            self.listeners.remove(self.listener)


class FakeCache:
    """Items by key."""

    def __init__(self) -> None:
        self.model = RECORD.model
        self.introspector = declared()
        self.updater = FakeUpdater(self.introspector)
        self.content: dict[str, Any] = {}
        self.counters: dict[str, Any] = {}
        self.listeners: list[Any] = []
        self.sequence = 0

    def __len__(self) -> int:
        return len(self.content)

    def copied(self, item: Any) -> Any:
        """A copy."""
        return copy.deepcopy(item)

    def key_of(self, item: object) -> str:
        return self.introspector.primary_key(item)

    def write(self, item: Any, kind: NotificationType, mode: UpdateMode) -> ItemChange | None:
        """Add or change an item."""
        key = self.key_of(item)
        self.check_unique(key, item)
        old = self.content.get(key)
        if old is None:
            self.content[key] = self.copied(item)
            return self.tell(NotificationType.POST, key, item=self.copied(item))
        changes = self.updater.diff(old, item, mode=mode)
        if not changes:
            return None
        self.content[key] = self.updater.apply(changes, self.copied(old))
        return self.tell(kind, key, changes=changes)

    def check_unique(self, key: str, item: Any) -> None:
        """Refuse the unique key of another item."""
        unique = self.introspector.unique_key
        if unique(item) in {unique(one) for other, one in self.content.items() if other != key}:
            raise ConflictError(f"{unique(item)} is taken")

    def tell(self, kind: NotificationType, key: str, **content: Any) -> ItemChange:
        """Tell the listeners."""
        self.sequence += 1
        change = ItemChange(kind, RECORD.name, key, **content, sequence=self.sequence)
        for listener in tuple(self.listeners):
            listener(change)
        return change

    def post(self, item: Any) -> ItemChange | None:
        return self.write(item, NotificationType.PUT, UpdateMode.PUT)

    def put(self, item: Any) -> ItemChange | None:
        return self.write(item, NotificationType.PUT, UpdateMode.PUT)

    def patch(self, item: Any) -> ItemChange | None:
        return self.write(item, NotificationType.PATCH, UpdateMode.PATCH)

    def delete(self, item: Any) -> ItemChange | None:
        key = item if isinstance(item, str) else self.key_of(item)
        old = self.content.pop(key, None)
        return None if old is None else self.tell(NotificationType.DELETE, key, item=old)

    def apply(self, change: ItemChange) -> ItemChange | None:
        if change.type is NotificationType.DELETE:
            return self.delete(change.key)
        if change.changes is None:
            return self.post(change.item)
        if change.key not in self.content:
            raise NotFoundError(f"no {change.key}")
        self.updater.apply(change.changes, self.content[change.key])
        return self.tell(change.type, change.key, changes=change.changes)

    def get(self, key: Any) -> Any:
        return self.copied(self.content.get(key if isinstance(key, str) else self.key_of(key)))

    def fetch(self, query: Any, *, scope: Any = None) -> Page:
        page = answer(query, list(self.content.values()), scope)
        for name, counter in self.counters.items():
            counted = sum(counter(item)[0] for item in query.filter(self.content.values()))
            page.metadata.key_count.counts[name] = counted
        return Page([self.copied(item) for item in page.items], page.metadata)

    def items(self) -> Iterator[tuple[str, Any]]:
        return iter([(key, self.copied(item)) for key, item in self.content.items()])

    def add_counter(self, name: str, counter: Any) -> None:
        self.counters[name] = counter

    def subscribe(self, listener: Any) -> Subscription:
        return Subscription(self.listeners, listener)


class FakeStorage:
    """Items by key on what stands for a disk."""

    def __init__(self, disk: dict[str, Any]) -> None:
        self.disk = disk

    async def put(self, key: str, item: object) -> None:
        self.disk[key] = item

    async def get(self, key: str) -> Any:
        return self.disk.get(key)

    async def delete(self, key: str) -> Any:
        return self.disk.pop(key, None)

    async def put_many(self, items: Sequence[tuple[str, Any]]) -> None:
        self.disk |= dict(items)

    async def delete_many(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.disk.pop(key, None)

    async def items(self) -> AsyncIterator[tuple[str, Any]]:
        for key in sorted(self.disk):
            yield key, self.disk[key]

    async def aclose(self) -> None:
        return None


class FakeOrm:
    """Items by query."""

    def __init__(self) -> None:
        self.introspector = declared()
        self.updater = FakeUpdater(self.introspector)
        self.rows: dict[str, Any] = {}

    async def prepare(self, model: type) -> None:
        return None

    async def write(self, action: Action, items: Sequence[Any]) -> None:
        rows = dict(self.rows)
        for item in items:
            key, new = self.introspector.primary_key(item), copy.deepcopy(item)
            if action is Action.PATCH and key in rows:
                changes = self.updater.diff(rows[key], item, mode=UpdateMode.PATCH)
                new = self.updater.apply(changes, copy.deepcopy(rows[key]))
            rows[key] = new
        self.rows.clear()
        self.rows |= rows

    async def read(self, query: Any, *, scope: Any = None) -> Page:
        return answer(query, list(self.rows.values()), scope)

    async def stream(self, query: Any, *, scope: Any = None) -> AsyncIterator[Any]:
        for item in answer(query, list(self.rows.values()), scope).items:
            yield item

    async def delete(self, query: Any) -> int:
        gone = [key for key, item in self.rows.items() if query.matches(item)]
        for key in gone:
            del self.rows[key]
        return len(gone)

    def storage(self, model: type) -> FakeStorage:
        return FakeStorage(self.rows)

    async def aclose(self) -> None:
        return None
