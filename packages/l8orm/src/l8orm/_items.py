# SPDX-License-Identifier: Apache-2.0
"""Where a service finds its items: in the store, or in a cache of all of them that follows it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from l8types.enums import NotificationType
from l8types.errors import InvalidInputError
from l8types.values import ItemChange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from l8orm._orm import Written
    from l8types.enums import Action
    from l8types.protocols.data import Cache, CacheFactory, Query, Scope
    from l8types.protocols.stores import Orm
    from l8types.values import Page

__all__ = ["CachedItems", "Followed", "Items", "StoredItems"]


class Items(Protocol):
    """The items of one model."""

    async def read(self, query: Query, scope: Scope | None) -> Page:
        """Answer of a query."""
        ...

    async def get(self, key: str) -> object | None:
        """The item with a key."""
        ...

    async def write(self, action: Action, items: Sequence[object]) -> None:
        """Write items in one transaction."""
        ...

    async def delete(self, query: Query, scope: Scope | None) -> int:
        """Delete the matches of a query; how many there were."""
        ...

    async def take(self, key: str) -> object | None:
        """Delete the item with a key and return it."""
        ...


class StoredItems:
    """Asks the store each time."""

    def __init__(self, orm: Orm, model: type) -> None:
        self._orm = orm
        self._storage = orm.storage(model)

    async def read(self, query: Query, scope: Scope | None) -> Page:
        """Answer of a query."""
        return await self._orm.read(query, scope=scope)

    async def get(self, key: str) -> object | None:
        """The item with a key."""
        return await self._storage.get(key)

    async def write(self, action: Action, items: Sequence[object]) -> None:
        """Write items in one transaction."""
        await self._orm.write(action, items)

    async def delete(self, query: Query, scope: Scope | None) -> int:
        """Delete the matches of a query; how many there were."""
        return await self._orm.delete(query, scope=scope)

    async def take(self, key: str) -> object | None:
        """Delete the item with a key and return it."""
        return await self._storage.delete(key)


@runtime_checkable
class Followed(Protocol):
    """What a cache needs of a store to know whether it is up to date."""

    async def written(self, action: Action, items: Sequence[object]) -> Mapping[type, Written]:
        """Write items; what is stored now."""
        ...

    async def generation(self, model: type) -> int:
        """A number that is another one after every write."""
        ...

    async def everything(self, model: type) -> Written:
        """All items in one state of the database."""
        ...


class CachedItems:
    """Answers from memory as long as that is what the database holds.

    The database is written first. Each answer begins with a look at the number of writes in the
    database, so a write by another node or process is never missed: until it has been quiet for
    two questions the store answers, then all items are read again.

    Args:
        orm: The store.
        model: The model.
        caches: Makes the cache.
        name: Short name of the model in the changes, by default that of the class.
        changed: Called with each change that a write through this object made.

    Raises:
        InvalidInputError: The store does not tell when its items were written.
    """

    def __init__(
        self,
        orm: Orm,
        model: type,
        caches: CacheFactory,
        *,
        name: str = "",
        changed: Callable[[ItemChange], None] = lambda _change: None,
    ) -> None:
        if not isinstance(orm, Followed):
            raise InvalidInputError(
                f"a {type(orm).__name__} does not tell when its items were written, so they cannot "
                "be cached"
            )
        self._orm = orm
        self._followed: Followed = orm
        self._model = model
        self._caches = caches
        self._name = name or model.__name__
        self._changed = changed
        self._stored = StoredItems(orm, model)
        self._cache: Cache | None = None
        self._generation = -1
        """Of what is in the cache."""
        self._seen = -1
        """What was seen last in the database."""
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Fill the cache from the database.

        Raises:
            UnavailableError: It cannot be reached.
        """
        found = await self._followed.everything(self._model)
        self._cache = self._caches.create(self._model, items=found.items.values())
        self._generation = self._seen = found.generation

    async def read(self, query: Query, scope: Scope | None) -> Page:
        """Answer of a query."""
        cache = await self._current()
        if cache is None:
            return await self._stored.read(query, scope)
        return cache.fetch(query, scope=scope)

    async def get(self, key: str) -> object | None:
        """The item with a key."""
        cache = await self._current()
        return await self._stored.get(key) if cache is None else cache.get(key)

    async def write(self, action: Action, items: Sequence[object]) -> None:
        """Write items in one transaction, then take over what is stored."""
        written = (await self._followed.written(action, items)).get(self._model)
        if written is None or self._cache is None or not self._follows(written.generation):
            return
        for item in written.items.values():
            change = self._cache.put(item)
            if change is not None:
                self._changed(change)

    async def delete(self, query: Query, scope: Scope | None) -> int:
        """Delete the matches of a query; how many there were."""
        before = await self._current()
        # Which they were is for the database to know; what is left is read again.
        count = await self._stored.delete(query, scope)
        if count and before is not None:
            await self.load()
            for key, item in before.items():
                if self._cache is not None and self._cache.get(key) is None:
                    self._deleted(key, item)
        return count

    async def take(self, key: str) -> object | None:
        """Delete the item with a key and return it."""
        item = await self._stored.take(key)
        if item is not None:
            self._deleted(key, item)
        return item

    def _deleted(self, key: str, item: object) -> None:
        self._changed(ItemChange(NotificationType.DELETE, self._name, key, item))

    def _follows(self, generation: int) -> bool:
        """Whether nobody else wrote between what is in the cache and a write of this service."""
        if generation != self._generation + 1:
            return False
        self._generation = self._seen = generation
        return True

    async def _current(self) -> Cache | None:
        """The cache when it is up to date, ``None`` when the store has to answer."""
        now = await self._followed.generation(self._model)
        if now == self._generation:
            return self._cache
        if now != self._seen:
            self._seen = now
            return None
        async with self._loading:
            if self._generation != now:
                await self.load()
        return self._cache
