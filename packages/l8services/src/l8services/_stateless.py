# SPDX-License-Identifier: Apache-2.0
"""A base service that keeps nothing in memory: its call-backs, and its store if it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from l8services._reads import parse_query
from l8types.enums import Action, UpdateMode
from l8types.errors import InvalidInputError, L8Error, NotFoundError, PermissionDeniedError
from l8types.pb import L8MetaData
from l8types.values import Element, Page

if TYPE_CHECKING:
    from l8types.pb import L8Query
    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHook
    from l8types.protocols.stores import Storage
    from l8types.sla import ServiceLevelAgreement

__all__ = ["StatelessParts"]


class StatelessParts:
    """Answers without a cache.

    With a store, writes go to it and reads are answered from it. Without one the hook is the
    service: what it leaves of a question is the answer, and a write is what it makes of it.

    Raises:
        InvalidInputError: The agreement has neither hook nor store, so that there is nothing to do,
            or a store without a model.
    """

    def __init__(self, sla: ServiceLevelAgreement, resources: Resources) -> None:
        if sla.hook is None and sla.store is None:
            raise InvalidInputError(
                f"service {sla.key} keeps no items and has neither a hook nor a store; "
                "it needs a handler of its own"
            )
        if sla.store is not None and sla.model is None:
            raise InvalidInputError(f"service {sla.key} has a store, but no model of its items")
        self._sla = sla
        self._hook: ServiceHook | None = sla.hook
        self._store: Storage | None = sla.store
        self._resources = resources

    async def write(self, action: Action, elements: Elements, call: Call) -> Elements:
        """Write items; each has its own result, as with a cache."""
        if elements.query is not None:
            raise InvalidInputError(
                f"service {call.key} keeps no items: name those to {action.name} one by one"
            )
        entries = [await self._entry(action, item, call) for item in elements.values]
        return self._resources.elements.entries(entries)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer from the store, or with what the hook leaves of the question."""
        if self._hook is not None:
            decision = await self._hook.before(elements, call)
            if not decision.proceed:
                return self._resources.elements.of()
            if decision.item is not None:
                elements = cast("Elements", decision.item)
        if self._store is None:
            return elements
        if elements.query is not None:
            return await self._page(self._store, elements.query, call)
        entries = [await self._found(self._store, example, call) for example in elements.values]
        return self._resources.elements.entries(entries)

    async def _entry(self, action: Action, item: object, call: Call) -> Element:
        try:
            return Element(key=await self._one(action, item, call))
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)

    async def _one(self, action: Action, item: object, call: Call) -> str | None:
        if item is None:
            raise InvalidInputError(f"service {call.key} was asked to {action.name} nothing")
        if self._hook is not None:
            decision = await self._hook.before(item, call)
            if not decision.proceed:
                return None
            item = item if decision.item is None else decision.item
        key = None if self._store is None else await self._put(self._store, action, item, call)
        if self._hook is not None:
            await self._hook.after(item, call)
        return key

    async def _put(self, store: Storage, action: Action, item: object, call: Call) -> str:
        key = self._key(item)
        before = await store.get(key)
        if before is not None and self._scoped(before, call) is None:
            raise PermissionDeniedError(
                f"{call.identity or 'nobody'!r} may not {action.name} item {key!r} "
                f"of service {call.key}"
            )
        if action is Action.DELETE:
            if before is None:
                raise NotFoundError(f"service {call.key} has no item {key!r} to delete")
            await store.delete(key)
            return key
        if isinstance(item, str):
            raise InvalidInputError(f"service {call.key} takes no key text to {action.name}")
        if action is Action.PATCH and before is not None:
            updater = self._resources.updater
            item = updater.apply(updater.diff(before, item, mode=UpdateMode.PATCH), before)
        await store.put(key, item)
        return key

    async def _page(self, store: Storage, message: L8Query, call: Call) -> Elements:
        """The answer of a query, by a look at all items of the store."""
        query = parse_query(message, cast("type", self._sla.model), self._resources)
        found = []
        async for entry in store.items():
            item = entry[1]
            shown = self._scoped(item, call) if query.matches(item) else None
            if shown is not None and (shown is item or query.matches(shown)):
                found.append(shown)
        if query.aggregates:
            return self._resources.elements.of(*query.aggregate(found))
        metadata = L8MetaData()
        metadata.key_count.counts["Total"] = len(found)
        begin = query.page * query.limit
        window = query.sort(found)[begin : begin + query.limit if query.limit else None]
        shown_items = [query.project(item) for item in window]
        if self._hook is not None:
            shown_items = [i for item in shown_items for i in await self._shaped(item, call)]
        return self._resources.elements.page(Page(shown_items, metadata))

    async def _found(self, store: Storage, example: object, call: Call) -> Element:
        try:
            item = await store.get(self._key(example))
            shown = None if item is None else self._scoped(item, call)
            for one in [] if shown is None else await self._shaped(shown, call):
                return Element(one)
            raise NotFoundError(f"service {call.key} has no such item")
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)

    async def _shaped(self, item: object, call: Call) -> list[object]:
        """An item as the hook leaves it, or nothing."""
        if self._hook is None:
            return [item]
        decision = await self._hook.after(item, call)
        if not decision.proceed:
            return []
        return [item if decision.item is None else decision.item]

    def _scoped(self, item: object, call: Call) -> object | None:
        return self._resources.security.scope_item(call.identity, item)

    def _key(self, item: object) -> str:
        if isinstance(item, str):
            return item
        model = cast("type", self._sla.model)
        if not isinstance(item, model):
            raise InvalidInputError(
                f"service {self._sla.key} keeps {model.__name__}, not {type(item).__name__}"
            )
        key = self._resources.introspector.primary_key(item)
        if not key:
            raise InvalidInputError(f"an item of {model.__name__} without a key cannot be kept")
        return key
