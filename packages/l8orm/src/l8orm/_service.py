# SPDX-License-Identifier: Apache-2.0
"""A relational store as a service of the network."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from l8orm._active import Active, filled_cache
from l8orm._bulletin import Bulletin
from l8orm._items import Items, StoredItems
from l8orm._orm import SqlOrm
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    InvalidInputError,
)
from l8types.sla import ServiceLevelAgreement

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ServiceHook
    from l8types.protocols.stores import Orm, TimeSeriesStore
    from l8types.protocols.web import WebService
    from l8types.values import ServiceKey, TimeSeriesPoint

__all__ = ["OrmService", "orm_sla"]

_log = logging.getLogger(__name__)


def orm_sla(
    service: ServiceKey,
    model: type,
    orm: Orm,
    *,
    primary_keys: tuple[str, ...] = (),
    unique_keys: tuple[str, ...] = (),
    non_unique_keys: tuple[str, ...] = (),
    hook: ServiceHook | None = None,
    web: WebService | None = None,
    cached: bool = False,
    owned: bool = False,
) -> ServiceLevelAgreement:
    """Agreement under which a store serves one model.

    Args:
        service: Name and area.
        model: Model of the items.
        orm: The store; whoever opened it closes it, unless it is ``owned``.
        primary_keys: Attributes that identify an item; without any, what is declared already.
        unique_keys: Attributes that no two items share.
        non_unique_keys: Attributes to index.
        hook: User code around the operations.
        web: How the service shows on the web; ``None`` keeps it off.
        cached: Whether all items are also kept in memory, where queries are answered from. What is
            written is then told to the service ``websock``, area 0, for those who watch.
        owned: Whether the store is closed when the service is deactivated.
    """
    return ServiceLevelAgreement(
        name=service.name,
        area=service.area,
        handler=lambda: OrmService(orm, cached=cached, owned=owned),
        model=model,
        primary_keys=primary_keys,
        unique_keys=unique_keys,
        non_unique_keys=non_unique_keys,
        stateful=False,
        hook=hook,
        web=web,
    )


class OrmService:
    """Serves the items of one model from a store; implements ``l8types`` ``ServiceHandler``.

    For a model with time series it is a ``TimeSeriesService``, too: samples are written as
    ``L8TSDBNotification``, asked for by a query about ``L8TSDBQuery``, and those that other nodes
    tell of are stored.

    A write is one transaction: all items of a request are written or none. Any number of instances
    may serve one database, also with a cache, which notices what others write.

    It is a ``TransactionConfig`` as well: every instance may lead, and what decides about the place
    of an item is its primary key. And a ``StreamingService``, for answers of any size.

    Args:
        orm: The store; whoever opened it closes it, unless it is ``owned``.
        series: Where the samples of the items are, by default where a ``SqlOrm`` keeps them;
            whoever opened it closes it.
        cached: Whether all items are also kept in memory, where queries are answered from.
        owned: Whether the store is closed when the service is deactivated.
    """

    def __init__(
        self,
        orm: Orm,
        *,
        series: TimeSeriesStore | None = None,
        cached: bool = False,
        owned: bool = False,
    ) -> None:
        self._orm = orm
        self._cached = cached
        self._owned = owned
        self._series = orm.series if series is None and isinstance(orm, SqlOrm) else series
        self._active: Active | None = None
        self._bulletin: Bulletin | None = None

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the tables of the model, and fill the cache if there is to be one.

        Raises:
            InvalidInputError: The agreement has no model, or its items cannot be cached.
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
        """
        if sla.model is None:
            raise InvalidInputError(f"service {sla.key} has no model to keep; name one")
        await self._orm.prepare(sla.model)
        items: Items = StoredItems(self._orm, sla.model)
        if self._cached:
            self._bulletin = Bulletin(sla.key, vnic)
            note = self._bulletin.note
            items = await filled_cache(self._orm, sla.model, vnic.resources, note)
        self._active = Active(self._orm, items, sla.model, vnic.resources, sla.hook, self._series)

    async def deactivate(self) -> None:
        """Refuse further calls and drop the cache; a store that is owned is closed."""
        self._active = None
        if self._owned:
            await self._orm.aclose()

    @property
    def voter(self) -> bool:
        """Every instance may lead: they share a database."""
        return True

    def replication(self) -> None:
        """The database holds every item once, for all instances."""

    def key_of(self, elements: Elements) -> str:
        """Primary key of the first item, "" for a query and for what has none."""
        first = elements.first
        if self._active is None or elements.query is not None or first is None:
            return ""
        return self._active.key_of(first)

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Add items or replace those with their keys; the answer has the key of each."""
        return await self._write(Action.POST, elements, call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Replace items as a whole, or add them; answer as for :meth:`post`."""
        return await self._write(Action.PUT, elements, call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Merge what is present into items, or add them; answer as for :meth:`post`."""
        return await self._write(Action.PATCH, elements, call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Delete the matches of a query, or items by example or key text.

        The answer of a query tells the number as ``Total``. Otherwise it has one entry per item:
        what was deleted, an error for an example without an item, ``None`` for such a key text.
        """
        answer = await self._running.delete(elements, call)
        if self._bulletin is not None:
            await self._bulletin.tell()
        return answer

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find items by example or key text; entries as for :meth:`delete`."""
        return await self._running.get(elements, call)

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """Answer a query in parts of some hundred items; anything else in one part."""
        if elements.query is None:
            yield await self.get(elements, call)
            return
        async with aclosing(self._running.stream(elements, call)) as parts:
            async for part in parts:
                yield part

    async def notify(self, elements: Elements, call: Call) -> None:
        """Changes on another instance: all but samples are in the database already."""
        _log.debug("%s: %d changes on another instance", call.key, len(elements))
        if self._active is not None and self._active.series is not None:
            await self._active.series.notice(elements.values)

    async def add_points(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        """Append samples; one with a known stamp replaces the old one.

        Raises:
            InvalidInputError: The property is no series of the model, or a point is no sample.
            UnavailableError: The store is down, locked or full; none was added.
        """
        await self._running.samples.add(property_id, points)

    async def points(self, property_id: str, start: int, end: int) -> list[TimeSeriesPoint]:
        """Samples from ``start`` to ``end`` (Unix seconds, both included), ascending.

        Raises:
            InvalidInputError: The property is no series of the model, or there are too many.
            UnavailableError: The store cannot be reached.
        """
        return await self._running.samples.points(property_id, start, end)

    async def failed(self, elements: Elements, call: Call) -> None:
        """A message came back undelivered: log it, the database holds the truth."""
        _log.warning("%s: a message came back undelivered: %s", call.key, elements.error)

    async def _write(self, action: Action, elements: Elements, call: Call) -> Elements:
        answer = await self._running.write(action, elements, call)
        if self._bulletin is not None:
            await self._bulletin.tell()
        return answer

    @property
    def _running(self) -> Active:
        if self._active is None:
            raise ClosedError("the service is not active; activate it first")
        return self._active
