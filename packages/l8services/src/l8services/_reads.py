# SPDX-License-Identifier: Apache-2.0
"""The reads of a base service: by query, by example, and the copy for another instance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from l8services import _copies as copies
from l8services._digests.frames import answer_question, is_question
from l8types.errors import InvalidInputError, L8Error, NotFoundError
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from l8services._replica import Replica
    from l8types.pb import L8Query
    from l8types.protocols.data import Cache, Elements, Query, Scope
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHook
    from l8types.values import Page

__all__ = ["Reader", "parse_query"]


def parse_query(message: L8Query, model: type, resources: Resources) -> Query:
    """The query of a request to the service of a model.

    Raises:
        QueryError: It is no query.
        InvalidInputError: It is about another model.
    """
    query = resources.queries.from_wire(message)
    if query.root.model is not model:
        raise InvalidInputError(
            f"a query about {query.root.type_name} reached a service that keeps {model.__name__}"
        )
    return query


class Reader:
    """Answers from the items of one replica.

    Args:
        replica: Where the items are.
        resources: The parts of the node.
        hook: User code around the reads.
        page_size: Items in an answer about ranges of keys, after which no further range is begun.
    """

    def __init__(
        self,
        replica: Replica,
        resources: Resources,
        hook: ServiceHook | None,
        *,
        page_size: int = 500,
    ) -> None:
        self._page_size = page_size
        self._replica = replica
        self._cache = replica.cache
        self._resources = resources
        self._hook = hook

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find the items given as examples or key texts.

        Raises:
            InvalidInputError: Neither a query nor an example, or one of another model.
        """
        factory = self._resources.elements
        if copies.is_marked(elements) and call.message is not None and not call.identity:
            return self._copy(elements, call)
        asked = await self.asked(elements, call)
        if asked is None:
            return factory.of()
        if asked.query is not None:
            query = parse_query(asked.query, self._cache.model, self._resources)
            return await self.answer(query, call, self._cache)
        if not len(asked):
            raise InvalidInputError(f"service {call.key} was asked neither a query nor an example")
        return factory.entries([await self._find(example, call) for example in asked.values])

    async def asked(self, elements: Elements, call: Call) -> Elements | None:
        """What the hook makes of a question; ``None`` when it ends the read with nothing."""
        if self._hook is None:
            return elements
        decision = await self._hook.before(elements, call)
        if not decision.proceed:
            return None
        return elements if decision.item is None else cast("Elements", decision.item)

    async def answer(self, query: Query, call: Call, cache: Cache) -> Elements:
        """Answer of a query from the items of a cache, as the caller may see it."""
        return await self.shown(cache.fetch(query, scope=self.scope(call)), call)

    async def shown(self, page: Page, call: Call) -> Elements:
        """The answer with a page, as the hook leaves it."""
        return self._resources.elements.page(await self._shown_page(page, call))

    def scope(self, call: Call) -> Scope:
        """What the caller may see of an item."""
        scope_item = self._resources.security.scope_item
        return lambda item: scope_item(call.identity, item)

    def _copy(self, elements: Elements, call: Call) -> Elements:
        factory = self._resources.elements
        if elements.query is None:
            return copies.answer_examples(elements.values, self._replica, factory, self.scope(call))
        schema = elements.query.schema
        if is_question(schema):
            scope = self.scope(call)
            return answer_question(schema, self._replica, factory, scope, size=self._page_size)
        query = parse_query(elements.query, self._cache.model, self._resources)
        return copies.answer_page(self._page(query, call), query, self._replica, factory)

    def _page(self, query: Query, call: Call) -> Page:
        return self._cache.fetch(query, scope=self.scope(call))

    async def _shown_page(self, page: Page, call: Call) -> Page:
        if self._hook is None:
            return page
        return replace(page, items=[item async for item in self._shown(page.items, call)])

    async def _shown(self, items: Iterable[object], call: Call) -> AsyncIterator[object]:
        """The items of an answer as the hook leaves them."""
        for item in items:
            decision = await self._hook.after(item, call) if self._hook is not None else None
            if decision is None:
                yield item
            elif decision.proceed:
                yield item if decision.item is None else decision.item

    async def _find(self, example: object, call: Call) -> Element:
        try:
            return Element(await self._found(example, call))
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)

    async def _found(self, example: object, call: Call) -> object:
        model = self._cache.model
        if not isinstance(example, (str, model)):
            raise InvalidInputError(
                f"service {call.key} finds {model.__name__} items, not {type(example).__name__}"
            )
        item = self._cache.get(example)
        if item is not None:
            item = self._resources.security.scope_item(call.identity, item)
        shown = [] if item is None else [entry async for entry in self._shown([item], call)]
        if not shown:
            raise NotFoundError(f"service {call.key} has no such item")
        return shown[0]
