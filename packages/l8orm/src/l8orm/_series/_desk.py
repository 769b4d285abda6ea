# SPDX-License-Identifier: Apache-2.0
"""What a service does with samples: takes and gives those of the items that it serves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from l8orm._answers import page_of
from l8orm._kinds import value_type
from l8orm._series._questions import question_of
from l8orm._series._routes import is_series
from l8orm._series._samples import checked_batch
from l8types.constants import METADATA_TOTAL
from l8types.enums import Container, Kind, Presence
from l8types.errors import InvalidInputError, L8Error, PermissionDeniedError
from l8types.pb import (
    L8MetaData,
    L8NotificationSet,
    L8TimeSeriesPoint,
    L8TSDBNotification,
    L8TSDBQuery,
)
from l8types.values import Page, TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from l8types.protocols.data import Query
    from l8types.protocols.models import ModelNode, Property
    from l8types.protocols.runtime import Resources
    from l8types.protocols.stores import Storage, TimeSeriesStore

__all__ = ["SeriesDesk"]

_log = logging.getLogger(__name__)

_Series = dict[str, list[TimeSeriesPoint]]


class SeriesDesk:
    """Samples of the items of one model, as a service has them.

    Args:
        store: Where the samples are.
        node: The model.
        items: The items, whose visibility is that of their samples.
        resources: The parts of the node.
    """

    def __init__(
        self, store: TimeSeriesStore, node: ModelNode, items: Storage, resources: Resources
    ) -> None:
        self._store = store
        self._node = node
        self._items = items
        self._resources = resources
        # What a query names and what travels has to be known by name.
        resources.register(L8TSDBQuery, L8TSDBNotification, L8TimeSeriesPoint)

    async def add(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        """Store samples of an item.

        Raises:
            InvalidInputError: The property is no series of the model, or a point is no sample.
            UnavailableError: The store is down, locked or full; nothing was added.
        """
        await self._store.append(self._property(property_id).id, points)

    async def points(self, property_id: str, start: int, end: int) -> list[TimeSeriesPoint]:
        """Samples from ``start`` to ``end`` (Unix seconds, both included), ascending."""
        return await self._store.range(self._property(property_id).id, start, end)

    async def page(self, query: Query, identity: str) -> Page:
        """The answer of a query about samples, none when the caller may not see the item."""
        asked = question_of(query)
        found = self._property(asked.property_id)
        points: list[TimeSeriesPoint] = []
        if asked.start <= asked.end and await self._may_see(found, identity):
            points = await self._store.range(found.id, asked.start, asked.end)
        metadata = L8MetaData()
        metadata.key_count.counts[METADATA_TOTAL] = float(len(points))
        shown = page_of(query, points)
        return Page(
            [L8TimeSeriesPoint(stamp=each.stamp, value=each.value) for each in shown], metadata
        )

    def are_samples(self, values: Sequence[object]) -> bool:
        """Whether a request brings samples instead of items."""
        return bool(values) and all(isinstance(each, L8TSDBNotification) for each in values)

    async def write(self, values: Sequence[Any], identity: str) -> None:
        """Store the samples of a request, all or none; one without a point is nothing.

        Raises:
            PermissionDeniedError: The caller may not see an item.
            InvalidInputError: A property is no series of the model, or a point is no sample.
            UnavailableError: The store is down, locked or full; nothing was added.
        """
        series: _Series = {}
        for each in values:
            found = self._property(each.property_id)
            if each.HasField("point"):
                point = TimeSeriesPoint(each.point.stamp, each.point.value)
                series.setdefault(found.id, []).append(point)
        for property_id in series:
            if not await self._may_add(self._property(property_id), identity):
                raise PermissionDeniedError(f"{identity!r} may not add samples to {property_id}")
        await self._store.append_many(series)

    async def notice(self, values: Iterable[object]) -> None:
        """Store the samples among the changes that another node tells.

        What is no sample is left to others. What is wrong is logged and keeps nothing else out.

        Raises:
            UnavailableError: The store is down, locked or full; nothing was added.
        """
        series: _Series = {}
        for value in values:
            try:
                found = self._told(value)
            except L8Error as error:
                _log.warning("samples of a notification are left out: %s", error)
                continue
            for property_id, points in found.items():
                series.setdefault(property_id, []).extend(points)
        if series:
            await self._store.append_many(series)

    def _told(self, value: object) -> _Series:
        """The samples of one notification."""
        series: _Series = {}
        if isinstance(value, L8TSDBNotification):
            if value.HasField("point"):
                point = TimeSeriesPoint(value.point.stamp, value.point.value)
                series[self._property(value.property_id).id] = [point]
        elif isinstance(value, L8NotificationSet):
            change = self._resources.notifications.decode(value)
            for each in change.changes or ():
                points = _points(each.new)
                if points:
                    series.setdefault(self._property(each.property_id).id, []).extend(points)
        checked_batch(series)
        return series

    def _property(self, property_id: str) -> Property:
        """The series of a property id, in whichever form it is written."""
        found = self._resources.introspector.property(property_id)
        root = found.node.path.partition(".")[0]
        if root != self._node.path or not is_series(found.node) or found.id.endswith(">"):
            raise InvalidInputError(
                f"{property_id} is no time series of {self._node.type_name}, which is served here"
            )
        return found

    async def _may_see(self, found: Property, identity: str) -> bool:
        """Whether samples are visible: as the item is, and not taken out of it for the caller."""
        if not identity:
            return True
        item = await self._item(found)
        if item is None:
            return False
        shown = self._resources.security.scope_item(identity, item)
        return shown is item or (shown is not None and bool(found.get(shown)))

    async def _may_add(self, found: Property, identity: str) -> bool:
        item = await self._item(found) if identity else None
        if item is None:
            return True
        return self._resources.security.scope_item(identity, item) is not None

    async def _item(self, found: Property) -> object | None:
        """The item that a series belongs to."""
        example = _blank(self._node)
        # Setting anything below an item sets its key as well.
        found.set(example, [])
        key = self._resources.introspector.primary_key(example)
        return await self._items.get(key)


def _points(value: object) -> list[TimeSeriesPoint]:
    """The samples that a changed value is, none when it is something else."""
    values: list[Any] = value if isinstance(value, list) else [value]
    kinds = (L8TimeSeriesPoint, TimeSeriesPoint)
    if not all(isinstance(each, kinds) for each in values):
        return []
    return [TimeSeriesPoint(each.stamp, each.value) for each in values]


def _blank(node: ModelNode) -> object:
    """An instance of a model in which everything is zero, empty or absent."""
    assert node.model is not None  # noqa: S101 - only models have instances
    return node.model(
        **{
            each.attribute: _zero(each)
            for each in node.attributes.values()
            if each.presence is not Presence.HAS_FIELD
        }
    )


def _zero(node: ModelNode) -> object:
    if node.presence is Presence.NONE:
        return None
    if node.container is not Container.SINGLE:
        return [] if node.container is Container.LIST else {}
    if node.kind is Kind.MESSAGE:
        return _blank(node)
    return value_type(node.kind, sqlite=True).zero
