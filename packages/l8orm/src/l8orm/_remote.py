# SPDX-License-Identifier: Apache-2.0
"""A store that is a service on another node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8orm._storage import check_item
from l8types.enums import Action, Container, DecoratorType, Kind, MulticastMode
from l8types.errors import ClosedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from l8types.pb import L8Query
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.values import Page, ServiceKey

__all__ = ["RemoteStorage"]

PAGE_SIZE: Final = 500
"""Items that are fetched with one request."""

MAX_RESTARTS: Final = 16
"""How often reading pages begins again because items were deleted meanwhile."""


class RemoteStorage:
    """Items of one model in a service such as ``OrmService``; implements ``l8types`` ``Storage``.

    So a service on one node keeps its items in the database of another.

    Args:
        vnic: The way there.
        service: The service that keeps the items.
        model: Their model, whose primary key is declared on this node too.
        timeout: Seconds that a request may take, ``None`` for the default of the interface.
    """

    def __init__(
        self, vnic: VNic, service: ServiceKey, model: type, *, timeout: float | None = None
    ) -> None:
        self._vnic = vnic
        self._service = service
        self._model = model
        self._timeout = timeout
        self._closed = False

    async def put(self, key: str, item: object) -> None:
        """Store an item; durable when it returns.

        Raises:
            InvalidInputError: It is of another model, or the key is not its own.
            UnavailableError: The service or its database cannot be reached.
            RequestTimeoutError: No answer in time; it may have been stored.
        """
        await self.put_many([(key, item)])

    async def put_many(self, items: Sequence[tuple[str, object]]) -> None:
        """Store items; those of each 500 are one request, and stored all or none.

        Raises:
            InvalidInputError: One is of another model, or its key is not its own.
            UnavailableError: The service or its database cannot be reached.
            RequestTimeoutError: No answer in time; they may have been stored.
        """
        resources = self._vnic.resources
        for key, item in items:
            check_item(self._model, resources.introspector.primary_key, key, item)
        for start in range(0, len(items), PAGE_SIZE):
            part = [item for _, item in items[start : start + PAGE_SIZE]]
            await self._request(Action.PUT, resources.elements.of(*part))

    async def get(self, key: str) -> object | None:
        """The item, ``None`` when absent."""
        return (await self._request(Action.GET, self._example(key))).first

    async def delete(self, key: str) -> object | None:
        """Remove and return the item, ``None`` when absent."""
        return (await self._request(Action.DELETE, self._example(key))).first

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove items, 500 with one request; those that are absent do not matter."""
        for start in range(0, len(keys), PAGE_SIZE):
            part = self._vnic.resources.elements.of(*keys[start : start + PAGE_SIZE])
            await self._request(Action.DELETE, part)

    async def items(self) -> AsyncIterator[tuple[str, object]]:
        """All keys and items in key order, fetched page by page.

        An item that is added or changed meanwhile may be given in its old or new state.

        Raises:
            UnavailableError: The service cannot be reached, or items are deleted all the time.
        """
        attribute = self._text_key()
        pages = self._numbered_pages() if attribute is None else self._pages_after(attribute)
        async for page in pages:
            for item in page.items:
                yield self._vnic.resources.introspector.primary_key(item), item

    async def aclose(self) -> None:
        """Refuse further calls; the interface stays up. Idempotent."""
        self._closed = True

    def _example(self, key: str) -> Elements:
        return self._vnic.resources.elements.of(key)

    async def _request(self, action: Action, payload: object) -> Elements:
        if self._closed:
            raise ClosedError(f"the store of {self._model.__name__} was closed")
        return await self._vnic.request(
            MulticastMode.PROXIMITY,
            self._service.name,
            self._service.area,
            action,
            payload,
            timeout=self._timeout,
        )

    def _text_key(self) -> str | None:
        """The attribute that is the key, if it is a single text: then keys have its order."""
        introspector = self._vnic.resources.introspector
        names = introspector.fields(self._model, DecoratorType.PRIMARY) or ()
        if len(names) != 1:
            return None
        node = introspector.inspect(self._model).attributes[names[0].lower()]
        is_text = node.kind is Kind.STRING and node.container is Container.SINGLE
        return node.field_name.lower() if is_text else None

    def _query(self, text: str, **parameters: object) -> L8Query:
        resources = self._vnic.resources
        name = resources.introspector.inspect(self._model).type_name
        # Made of names of the model and of values that are bound.
        text = f"select * from {name} {text}"  # noqa: S608
        return resources.queries.parse(text, **parameters).to_wire()

    async def _page(self, query: L8Query) -> Page:
        page = (await self._request(Action.GET, query)).to_page()
        # Some nodes answer with one empty entry when there is nothing.
        found = [item for item in page.items if isinstance(item, self._model)]
        return type(page)(found, page.metadata)

    async def _pages_after(self, attribute: str) -> AsyncIterator[Page]:
        """Pages, each of which begins after the last key of the one before."""
        rest = f"limit {PAGE_SIZE} match-case"
        page = await self._page(self._query(rest))
        while page.items:
            yield page
            if len(page.items) < PAGE_SIZE:
                return
            last = self._vnic.resources.introspector.primary_key(page.items[-1])
            page = await self._page(self._query(f"where {attribute} > :last {rest}", last=last))

    async def _numbered_pages(self) -> AsyncIterator[Page]:
        """Pages by number, read again when items were deleted, which moves the others."""
        seen: set[str] = set()
        for _ in range(MAX_RESTARTS):
            number, total = 0, 0
            while True:
                page = await self._page(self._query(f"limit {PAGE_SIZE} page {number}"))
                if page.total < total:
                    break
                fresh = [item for item in page.items if self._is_new(item, seen)]
                yield type(page)(fresh, page.metadata)
                if len(page.items) < PAGE_SIZE:
                    return
                number, total = number + 1, page.total
        raise UnavailableError(
            f"the items of service {self._service} cannot be read: they are deleted meanwhile; "
            "try again later"
        )

    def _is_new(self, item: object, seen: set[str]) -> bool:
        key = self._vnic.resources.introspector.primary_key(item)
        if key in seen:
            return False
        seen.add(key)
        return True
