# SPDX-License-Identifier: Apache-2.0
"""The writes of a base service: hooks, row-level permission, store, cache, notification."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from l8services._locks import KeyLocks
from l8services._reads import parse_query
from l8services._rebase import rebase
from l8types.enums import Action, UpdateMode
from l8types.errors import InvalidInputError, L8Error, NotFoundError, PermissionDeniedError
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from l8services._rebase import Created
    from l8services._replica import Replica
    from l8services._store import StoreWriter
    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHook
    from l8types.protocols.stores import Storage
    from l8types.values import ChangeSet

__all__ = ["Writer"]

_log = logging.getLogger(__name__)


class Writer:
    """Writes items one after the other; each has its own result.

    Args:
        replica: Where the items are.
        resources: The parts of the node.
        hook: User code around each write.
        through: The store to write to before the cache, ``None`` without or with write-behind.
        behind: The store writer, ``None`` without a store.
        changed: Called after each change.
    """

    def __init__(
        self,
        replica: Replica,
        resources: Resources,
        *,
        hook: ServiceHook | None,
        through: Storage | None,
        behind: StoreWriter | None,
        changed: Callable[[], None],
    ) -> None:
        self._replica = replica
        self._cache = replica.cache
        self._resources = resources
        self._hook = hook
        self._through = through
        self._behind = behind
        self._changed = changed
        self._untold = False
        """Whether something changed since the others were last told to expect it."""
        self._peek: Callable[[str], object | None] = getattr(
            replica.cache, "peek", replica.cache.get
        )
        self._locks = KeyLocks()

    async def write(self, action: Action, items: Iterable[object], call: Call) -> Elements:
        """Write items; a refused one does not keep the others from being written.

        Returns:
            One entry per item: its key, or what was wrong with it. One that a hook ended has
            neither, as nothing was written.
        """
        if self._hook is not None or self._through is not None:
            return self._resources.elements.entries(
                [await self._entry(action, item, call) for item in items]
            )
        entries: list[Element] = []
        try:
            for item in items:
                entry = self._entry_at_once(action, item, call)
                if entry is None:
                    self._tell()
                    entry = await self._entry(action, item, call)
                entries.append(entry)
        finally:
            # What was changed is told, whatever ends the rest; together, as one turn made it.
            self._tell()
        return self._resources.elements.entries(entries)

    async def delete_matching(self, elements: Elements, call: Call) -> Elements:
        """Delete the items that the query of ``elements`` matches and the caller may see.

        Raises:
            QueryError: It is no query of the model.
        """
        if elements.query is None:
            raise InvalidInputError(f"service {call.key} was asked to delete without a query")
        query = parse_query(elements.query, self._cache.model, self._resources)
        visible = self._resources.security.scope_item
        items = [
            item
            for item in dict(self._cache.items()).values()
            if query.matches(item) and visible(call.identity, item) is not None
        ]
        return await self.write(Action.DELETE, items, call)

    async def repeat(self, key: str, change: ChangeSet | Created) -> None:
        """Make an own change again, on the state that replaced it."""
        try:
            async with self._locks.hold(key):
                present = self._cache.get(key)
                if present is None:
                    return
                merged = rebase(
                    change, present, self._resources.introspector, self._resources.updater
                )
                if merged is not None:
                    await self._commit(Action.PUT, key, merged)
        except L8Error as error:
            _log.warning("%s: a replaced change is not repeated: %s", self._replica.key, error)

    def _tell(self) -> None:
        if self._untold:
            self._untold = False
            self._changed()

    def _entry_at_once(self, action: Action, item: object, call: Call) -> Element | None:
        """As :meth:`_entry` where nothing has to be waited for; ``None`` when the key is locked."""
        try:
            key = self._key(action, item)
            if key in self._locks:
                return None
            self._permit(key, call)
            self._change(action, key, item)
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)
        if self._behind is not None:
            self._behind.mark(key)
        return Element(key=key)

    async def _entry(self, action: Action, item: object, call: Call) -> Element:
        try:
            return Element(key=await self._one(action, item, call))
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)

    async def _one(self, action: Action, item: object, call: Call) -> str | None:
        key = self._key(action, item)
        if self._hook is not None:
            decision = await self._hook.before(item, call)
            if not decision.proceed:
                return None
            item = item if decision.item is None else decision.item
            key = self._key(action, item)
        async with self._locks.hold(key):
            self._permit(key, call)
            await self._commit(action, key, item)
        if self._hook is not None:
            await self._hook.after(item, call)
        return key

    def _key(self, action: Action, item: object) -> str:
        if isinstance(item, str) and action is Action.DELETE:
            return item
        if not isinstance(item, self._cache.model):
            raise InvalidInputError(
                f"service {self._replica.key} keeps {self._cache.model.__name__}, "
                f"not {type(item).__name__}"
            )
        return self._cache.key_of(item)

    def _permit(self, key: str, call: Call) -> None:
        """Refuse to change what the caller may not see."""
        present = self._peek(key)
        scope = self._resources.security.scope_item
        if present is not None and scope(call.identity, present) is None:
            raise PermissionDeniedError(
                f"{call.identity or 'nobody'!r} may not {call.action.name} item {key!r} "
                f"of service {call.key}"
            )

    async def _commit(self, action: Action, key: str, item: object) -> None:
        """Make one change; the lock of the key is held."""
        if self._through is not None:
            try:
                await self._store_first(self._through, action, key, item)
            except asyncio.CancelledError:
                # Whether the store took it is not known: what the cache has is stored again.
                if self._behind is not None:
                    self._behind.mark(key)
                raise
            return
        self._change(action, key, item)
        self._tell()
        if self._behind is not None:
            self._behind.mark(key)

    def _change(self, action: Action, key: str, item: object) -> None:
        change = self._replica.commit(action, item)
        if change is not None:
            self._untold = True
        elif action is Action.DELETE:
            raise NotFoundError(f"service {self._replica.key} has no item {key!r} to delete")

    async def _store_first(self, store: Storage, action: Action, key: str, item: object) -> None:
        """Store the new state, then let it be that of the cache; a failing store changes nothing.

        A change of the item that arrives from another node while the store works makes the new
        state out of date; it is then made and stored again.
        """
        while True:
            version = self._replica.versions.current(key)
            before = self._cache.get(key)
            after = self._after(action, before, item)
            if after is None:
                if before is None:
                    raise NotFoundError(
                        f"service {self._replica.key} has no item {key!r} to delete"
                    )
                await store.delete(key)
            else:
                await store.put(key, after)
            if self._replica.versions.current(key) == version:
                break
        try:
            self._change(action, key, item)
        except L8Error:
            await self._restore(store, key, before)
            raise
        self._tell()

    def _after(self, action: Action, before: object | None, item: object) -> object | None:
        if action is Action.DELETE:
            return None
        if action is not Action.PATCH or before is None:
            return item
        updater = self._resources.updater
        after = self._resources.cloner.clone(before)
        return updater.apply(updater.diff(before, item, mode=UpdateMode.PATCH), after)

    @staticmethod
    async def _restore(store: Storage, key: str, before: object | None) -> None:
        """Undo in the store what the cache refused (a unique key that is taken, a full cache)."""
        if before is None:
            await store.delete(key)
        else:
            await store.put(key, before)
