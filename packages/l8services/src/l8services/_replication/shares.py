# SPDX-License-Identifier: Apache-2.0
"""The reads of a base service whose items are spread: shares of an answer, and the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._reads import parse_query
from l8types.errors import InvalidInputError
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8services._reads import Reader
    from l8types.protocols.data import Cache, Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import AskAll, Call
    from l8types.sla import ServiceLevelAgreement

__all__ = ["Shares"]


class Shares:
    """Works out what one instance has of an answer, and answers from what all have.

    An instance gives all items that match; sorting, pages, sizes, aggregates and what the caller
    may see are worked out once, over all of them, as if they were in one cache.

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

    def share(self, elements: Elements, mine: Callable[[str], bool]) -> Elements:
        """The items here that match a query and have a key that is ``mine``."""
        if elements.query is None:
            raise InvalidInputError(f"service {self._sla.key} has a share of queries only")
        query = parse_query(elements.query, self._cache.model, self._resources)
        found: list[Element] = []

        def take(item: object) -> None:
            key = self._cache.key_of(item)
            if mine(key):
                found.append(Element(item, key=key))

        # The scope is asked about every match; hiding them all leaves nothing to sort or to copy.
        self._cache.fetch(query, scope=take)
        return self._resources.elements.entries(found)

    async def whole(self, elements: Elements, call: Call, ask: AskAll) -> Elements:
        """Answer a query from the shares of all instances.

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
        items = {entry.key: entry.value for share in await ask(asked) for entry in share}
        merged = self._resources.caches.create(self._cache.model, items=items.values())
        for name, counter in self._sla.counters.items():
            merged.add_counter(name, counter)
        return await self._reader.answer(query, call, merged)
