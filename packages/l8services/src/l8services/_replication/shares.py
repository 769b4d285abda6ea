# SPDX-License-Identifier: Apache-2.0
"""The reads of a base service whose items are spread: shares of an answer, and the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._reads import parse_query
from l8services._replication.merging import beginning, in_pages, in_parts, merged, of_all
from l8services._replication.pinned import pinned
from l8services._replication.reading import MATCH
from l8types.errors import InvalidInputError, PropertyError
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8services._reads import Reader
    from l8types.protocols.data import Cache, Elements, Query, Scope
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import AskAll, Call
    from l8types.sla import ServiceLevelAgreement

__all__ = ["Shares"]


class Shares:
    """Works out what one instance has of an answer, and answers from what all have.

    Of a page of items an instance gives no more than the page can need, sorted, and counts the
    rest; counts, sums, least and greatest values it works out for its items. Other aggregates and
    distinct results are worked out once, over all items that match, as if they were in one cache.

    Args:
        sla: The agreement of the service.
        cache: The items of this instance.
        reader: Knows the hook and the scope of callers.
        resources: The parts of the node.
    """

    def __init__(
        self, sla: ServiceLevelAgreement, cache: Cache, reader: Reader, resources: Resources
    ) -> None:
        self._sla = sla
        self._cache = cache
        self._reader = reader
        self._resources = resources

    def keys_of(self, elements: Elements) -> list[str]:
        """Keys of items, examples and key texts.

        Raises:
            InvalidInputError: Something in it is neither, or there is nothing in it.
            PropertyError: An item has no key.
        """
        model = self._cache.model
        for value in elements.values:
            if not isinstance(value, (str, model)):
                raise InvalidInputError(
                    f"service {self._sla.key} keeps {model.__name__}, not {type(value).__name__}"
                )
        return [v if isinstance(v, str) else self._cache.key_of(v) for v in elements.values]

    def share(self, elements: Elements, call: Call, mine: Callable[[str], bool]) -> Elements:
        """What is here of the answer to a query, of the items with a key that is ``mine``.

        For a page of items that is the beginning of the answer as the caller may see it, with its
        counters; for other answers all that match. For a deletion it is their keys.
        """
        if elements.query is None:
            raise InvalidInputError(f"service {self._sla.key} has a share of queries only")
        query = parse_query(elements.query, self._cache.model, self._resources)
        if call.action is MATCH:
            keys = self._matching(query, mine, self._reader.scope(call))
            return self._resources.elements.entries(Element(key=key) for key in keys)
        if in_pages(query) or in_parts(query):
            return self._page(query, mine, self._reader.scope(call))
        found: list[Element] = []

        def take(item: object) -> None:
            key = self._cache.key_of(item)
            if mine(key):
                found.append(Element(item, key=key))

        # The scope is asked about every match; hiding them all leaves nothing to sort or to copy.
        self._cache.fetch(query, scope=take)
        return self._resources.elements.entries(found)

    def _matching(self, query: Query, mine: Callable[[str], bool], scope: Scope) -> list[str]:
        keys: list[str] = []

        def take(item: object) -> None:
            key = self._cache.key_of(item)
            if mine(key) and scope(item) is not None:
                keys.append(key)

        self._cache.fetch(query, scope=take)
        return keys

    def _page(self, query: Query, mine: Callable[[str], bool], scope: Scope) -> Elements:
        key_of = self._cache.key_of
        page = self._cache.fetch(
            beginning(query), scope=lambda item: scope(item) if mine(key_of(item)) else None
        )
        if query.aggregates:
            return self._resources.elements.of(*page.items)
        return self._resources.elements.entries(
            [Element(item, key=self._key(item)) for item in page.items], metadata=page.metadata
        )

    def _key(self, item: object) -> str:
        """The key of an item, "" when that is not shown to the caller."""
        try:
            return self._cache.key_of(item)
        except PropertyError:
            return ""

    async def whole(self, elements: Elements, call: Call, ask: AskAll) -> Elements:
        """Answer a query from the shares of all instances, or of one that has all of it.

        Raises:
            QueryError: It is no query.
            InvalidInputError: It is about another model, or is to stay live.
        """
        asked = await self._reader.asked(elements, call)
        if asked is None:
            return self._resources.elements.of()
        if asked.query is None:
            raise InvalidInputError(f"the hook of service {call.key} made no query of a query")
        query = parse_query(asked.query, self._cache.model, self._resources)
        if query.register:
            raise InvalidInputError(
                f"service {call.key} is replicated, and an answer of it cannot stay live"
            )
        shares = await ask(asked, key=pinned(query))
        if in_pages(query):
            return await self._reader.shown(merged(query, shares), call)
        items = {}
        if in_parts(query):
            query = of_all(query, shares)
        else:
            items = {entry.key: entry.value for share in shares for entry in share}
        cache = self._resources.caches.create(self._cache.model, items=items.values())
        for name, counter in self._sla.counters.items():
            cache.add_counter(name, counter)
        return await self._reader.answer(query, call, cache)
