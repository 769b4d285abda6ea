# SPDX-License-Identifier: Apache-2.0
"""The series inside items: taken out when an item is written, put back when it is read.

Rows never hold samples. When the store of samples is in the database of the items, both are written
in one transaction. When it is another one, it is written last before the commit: a failure there
keeps the items out as well, and a failure of the commit itself leaves samples behind that the next
attempt writes again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING, Final

from l8orm._series._routes import series_in, series_routes
from l8orm._series._samples import MAX_ANSWER, checked_batch
from l8orm._series._store import SqlTimeSeriesStore
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._database import Database
    from l8orm._layout import Layout
    from l8orm._series._routes import Route
    from l8orm._series._samples import Batch
    from l8types.protocols.models import Introspector, ModelNode
    from l8types.protocols.stores import TimeSeriesStore

__all__ = ["LATEST", "ItemSeries"]

LATEST: Final = 100
"""Samples of each series that an item brings along when it is read."""

_PASSING: Final = ("://", ":///", ":memory:")
"""Ends of the names of databases of which every one is another."""

PART: Final = MAX_ANSWER // LATEST
"""Series that a store is asked for at once."""


class ItemSeries:
    """The samples of items of any model.

    Args:
        introspector: Knows models and property ids.
        database: Where the items are.
        store: Where the samples are, by default there as well; whoever opened it closes it.
        keep_history: Whether the samples of an item outlive it.
    """

    def __init__(
        self,
        introspector: Introspector,
        database: Database,
        store: TimeSeriesStore | None = None,
        *,
        keep_history: bool = False,
    ) -> None:
        self._introspector = introspector
        self._keep_history = keep_history
        self._own = store is None
        self._routes: dict[type, tuple[Route, ...]] = {}
        self.store: TimeSeriesStore = store or SqlTimeSeriesStore(database, owned=False)
        """Where the samples are."""
        self._inside: SqlTimeSeriesStore | None = None
        """The same by the connections of the items, when it is in their database."""
        if isinstance(self.store, SqlTimeSeriesStore):
            if self.store.database is database:
                self._inside = self.store
            elif _is_same(self.store.database, database):
                # Its own connections would wait for the transaction of the items, and that for it.
                self._inside = SqlTimeSeriesStore(database, owned=False)

    async def aclose(self) -> None:
        """Close the store if it is not somebody else's; idempotent."""
        if self._own:
            await self.store.aclose()

    def completing(self, layout: Layout) -> Layout:
        """The layout of a model, which gives items that are read their newest samples."""
        node = layout.root.body.node
        if not self._routes_of(node):
            return layout
        return replace(layout, complete=partial(self.fill, node))

    async def taken(self, items: Iterable[object]) -> Batch:
        """The samples of items that are going to be written.

        Raises:
            InvalidInputError: What is in a series is no sample.
        """
        series: dict[str, list[TimeSeriesPoint]] = {}
        for item in items:
            routes = self._routes_of(self._introspector.inspect(type(item)))
            for found in series_in(item, routes, self._introspector):
                series.setdefault(found.property_id, []).extend(found.samples)
        batch = checked_batch(series)
        if batch and self._inside is not None:
            # Tables cannot be made within the transaction of the items.
            await self._inside.prepare()
        return batch

    async def write(self, connection: AsyncConnection, batch: Batch) -> None:
        """Add samples at the end of the transaction of their items."""
        if not batch:
            return
        if self._inside is not None:
            await self._inside.insert_on(connection, batch)
        else:
            await self.store.append_many(
                {name: list(starmap(TimeSeriesPoint, by.items())) for name, by in batch.items()}
            )

    async def fill(
        self, node: ModelNode, connection: AsyncConnection, items: Iterable[object]
    ) -> None:
        """Give items of a model that were just read, with empty series, their newest samples."""
        routes = self._routes_of(node)
        if not routes:
            return
        found = {
            each.property_id: each
            for item in items
            for each in series_in(item, routes, self._introspector)
        }
        for property_id, points in (await self._newest(connection, list(found))).items():
            each = found[property_id]
            make = each.node.model
            assert make is not None  # noqa: S101 - samples are models
            # In place: the item itself may be frozen.
            each.samples.extend(make(stamp=point.stamp, value=point.value) for point in points)

    async def forget(
        self, node: ModelNode, connection: AsyncConnection, items: Iterable[object]
    ) -> None:
        """Remove the samples of items that are deleted, at the end of the transaction."""
        routes = self._routes_of(node)
        if not routes or self._keep_history:
            return
        attribute = routes[0][0].field_name.lower()
        owners = [
            self._introspector.property_for(item, attribute).id.rpartition(".")[0] for item in items
        ]
        if self._inside is None:
            await self.store.forget(owners)
        elif await self._inside.is_there_on(connection):
            await self._inside.forget_on(connection, owners)

    async def _newest(
        self, connection: AsyncConnection, property_ids: Sequence[str]
    ) -> dict[str, list[TimeSeriesPoint]]:
        if self._inside is None:
            return await self._newest_elsewhere(property_ids)
        if not await self._inside.is_there_on(connection):
            return {}
        return await self._inside.latest_on(connection, property_ids, LATEST)

    async def _newest_elsewhere(
        self, property_ids: Sequence[str]
    ) -> dict[str, list[TimeSeriesPoint]]:
        found: dict[str, list[TimeSeriesPoint]] = {}
        for start in range(0, len(property_ids), PART):
            part = property_ids[start : start + PART]
            found.update(await self.store.latest_many(part, LATEST))
        return found

    def _routes_of(self, node: ModelNode) -> tuple[Route, ...]:
        assert node.model is not None  # noqa: S101 - roots are models
        routes = self._routes.get(node.model)
        if routes is None:
            routes = self._routes[node.model] = series_routes(node)
        return routes


def _is_same(one: Database, other: Database) -> bool:
    """Whether two connections lead to one database, as far as their URLs tell."""
    return one.name == other.name and not one.name.endswith(_PASSING)
