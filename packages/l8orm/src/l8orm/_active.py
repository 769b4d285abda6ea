# SPDX-License-Identifier: Apache-2.0
"""What an active service does with a request."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from l8orm._items import CachedItems, Items
from l8orm._parts import answer
from l8orm._series._desk import SeriesDesk
from l8orm._series._questions import is_about_samples
from l8orm._series._routes import series_routes
from l8types.constants import METADATA_TOTAL
from l8types.enums import Action
from l8types.errors import InvalidInputError, L8Error, NotFoundError, PermissionDeniedError
from l8types.naming import list_type_name
from l8types.pb import L8MetaData, L8Query
from l8types.values import Element, Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from l8types.protocols.data import Elements, Query, Scope
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHook
    from l8types.protocols.stores import Orm, TimeSeriesStore
    from l8types.values import ItemChange

__all__ = ["Active", "filled_cache"]


async def filled_cache(
    orm: Orm, model: type, resources: Resources, changed: Callable[[ItemChange], None]
) -> Items:
    """The items of a model in a cache, read from the store; what is written is told.

    Raises:
        InvalidInputError: They cannot be cached.
        UnavailableError: The database cannot be reached.
    """
    if series_routes(resources.introspector.inspect(model)):
        raise InvalidInputError(
            f"items of {model.__name__} have time series, which change by themselves; they cannot "
            "be cached"
        )
    name = resources.registry.info_of(model).name
    items = CachedItems(orm, model, resources.caches, name=name, changed=changed)
    await items.load()
    return items


class Active:
    """The work of an active service."""

    def __init__(
        self,
        orm: Orm,
        items: Items,
        model: type,
        resources: Resources,
        hook: ServiceHook | None,
        series: TimeSeriesStore | None,
    ) -> None:
        self._orm = orm
        self._items = items
        self._model = model
        self._resources = resources
        self._hook = hook
        node = resources.introspector.inspect(model)
        self.series: SeriesDesk | None = None
        """What is done with samples, ``None`` when the items have none."""
        if series is not None and series_routes(node):
            self.series = SeriesDesk(series, node, orm.storage(model), resources)

    @property
    def samples(self) -> SeriesDesk:
        """What is done with samples.

        Raises:
            InvalidInputError: The items have none.
        """
        if self.series is None:
            raise InvalidInputError(f"items of {self._model.__name__} have no time series here")
        return self.series

    async def write(self, action: Action, elements: Elements, call: Call) -> Elements:
        """Write items; the answer has the key of each."""
        if self.series is not None and self.series.are_samples(elements.values):
            await self.series.write(elements.values, call.identity)
            return self._resources.elements.of()
        items: list[object] = []
        keys: list[str] = []
        for given in self._unpacked(elements.values):
            item = self._checked(given, call)
            if self._hook is not None:
                decision = await self._hook.before(item, call)
                if not decision.proceed:
                    continue
                item = item if decision.item is None else self._checked(decision.item, call)
            key = self._resources.introspector.primary_key(item)
            await self._permit(key, call)
            items.append(item)
            keys.append(key)
        await self._items.write(action, items)
        if self._hook is not None:
            for item in items:
                await self._hook.after(item, call)
        return self._resources.elements.entries([Element(key=key) for key in keys])

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find items by example or key text."""
        factory = self._resources.elements
        if self._hook is not None:
            decision = await self._hook.before(elements, call)
            if not decision.proceed:
                return factory.of()
            elements = elements if decision.item is None else cast("Elements", decision.item)
        if elements.query is not None:
            query = self._query(elements.query, call)
            if is_about_samples(query):
                return factory.page(await self.samples.page(query, call.identity))
            page = await self._items.read(query, self._scope(call))
            shown = [each for item in page.items for each in await self._shown(item, call)]
            return factory.page(replace(page, items=shown))
        self._check_asked(elements, call)
        return factory.entries([await self._entry(each, call) for each in elements.values])

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """Answer a query in parts."""
        factory = self._resources.elements
        if self._hook is not None:
            decision = await self._hook.before(elements, call)
            if not decision.proceed:
                yield factory.of()
                return
            elements = elements if decision.item is None else cast("Elements", decision.item)
        assert elements.query is not None  # noqa: S101 - the service looked
        query = self._query(elements.query, call)
        if is_about_samples(query):
            yield factory.page(await self.samples.page(query, call.identity))
            return
        async with aclosing(answer(self._orm, query, self._scope(call))) as parts:
            async for part in parts:
                yield factory.of(*[each for item in part for each in await self._shown(item, call)])

    def key_of(self, item: object) -> str:
        """Primary key of an item or key text, "" when it has none."""
        if isinstance(item, str):
            return item
        try:
            return self._resources.introspector.primary_key(item)
        except L8Error:
            return ""

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Delete the matches of a query, or items by example or key text."""
        factory = self._resources.elements
        if elements.query is not None:
            query = self._query(elements.query, call)
            count = await self._items.delete(query, self._scope(call))
            metadata = L8MetaData()
            metadata.key_count.counts[METADATA_TOTAL] = float(count)
            return factory.page(Page((), metadata))
        self._check_asked(elements, call)
        return factory.entries(
            [await self._entry(each, call, delete=True) for each in elements.values]
        )

    async def _entry(self, example: object, call: Call, *, delete: bool = False) -> Element:
        """What is found by an example or key text, or what is wrong."""
        try:
            item = await self._found(example, call, delete=delete)
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)
        return Element(item, key=self._key(example, call))

    async def _found(self, example: object, call: Call, *, delete: bool) -> object | None:
        key = self._key(example, call)
        item = await self._items.get(key)
        shown = None if item is None else self._resources.security.scope_item(call.identity, item)
        if delete and shown is not None:
            if self._hook is not None:
                decision = await self._hook.before(item, call)
                if not decision.proceed:
                    return shown
            await self._items.take(key)
        found = [] if shown is None else await self._shown(shown, call)
        if found:
            return found[0]
        if isinstance(example, str):
            return None
        raise NotFoundError(f"service {call.key} has no item with the key {key!r}")

    async def _shown(self, item: object, call: Call) -> list[object]:
        """An item of an answer as the hook leaves it, if it does."""
        if self._hook is None:
            return [item]
        decision = await self._hook.after(item, call)
        if not decision.proceed:
            return []
        return [item if decision.item is None else decision.item]

    def _query(self, message: L8Query, call: Call) -> Query:
        query = self._resources.queries.from_wire(message)
        samples = self.series is not None and call.action is Action.GET and is_about_samples(query)
        if query.root.model is not self._model and not samples:
            raise InvalidInputError(
                f"a query about {query.root.type_name} reached service {call.key}, which keeps "
                f"{self._model.__name__}"
            )
        return query

    def _scope(self, call: Call) -> Scope | None:
        """What the caller may see; the network itself may see everything."""
        if not call.identity:
            return None
        scope_item, identity = self._resources.security.scope_item, call.identity
        return lambda item: scope_item(identity, item)

    async def _permit(self, key: str, call: Call) -> None:
        """Refuse to change what the caller may not see."""
        scope = self._scope(call)
        if scope is None:
            return
        present = await self._items.get(key)
        if present is not None and scope(present) is None:
            raise PermissionDeniedError(
                f"{call.identity!r} may not {call.action.name} item {key!r} of service {call.key}"
            )

    def _key(self, example: object, call: Call) -> str:
        if isinstance(example, str):
            return example
        return self._resources.introspector.primary_key(self._checked(example, call))

    def _checked(self, item: object, call: Call) -> object:
        if not isinstance(item, self._model):
            raise InvalidInputError(
                f"service {call.key} keeps {self._model.__name__}, not {type(item).__name__}"
            )
        return item

    def _check_asked(self, elements: Elements, call: Call) -> None:
        if not len(elements):
            raise InvalidInputError(f"service {call.key} was asked neither a query nor an example")

    def _unpacked(self, values: Sequence[object]) -> Sequence[object]:
        """The items of a list message, which is how one request of the web brings several."""
        if len(values) != 1 or isinstance(values[0], self._model):
            return values
        only: Any = values[0]
        if type(only).__name__ != list_type_name(
            self._resources.registry.info_of(self._model).name
        ):
            return values
        return list(only.list)
