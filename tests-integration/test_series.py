# SPDX-License-Identifier: Apache-2.0
"""Time series with the parts of a real node: property ids, queries, changes and the store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from l8orm import OrmService, orm_sla
from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType, NotificationType, UpdateMode
from l8types.pb import L8TimeSeriesPoint, L8TSDBNotification
from l8types.protocols.services import Call
from l8types.settings import NodeSettings
from l8types.values import ItemChange, ServiceKey, TimeSeriesPoint
from l8utils import NodeResources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.stores import OrmFactory

KEY = ServiceKey("boxes", 1)


@dataclass
class Slot:
    """A part with a series."""

    name: str = ""
    heat: list[TimeSeriesPoint] = field(default_factory=list)


@dataclass
class Box:
    """An item whose key is hard to write down."""

    id: str
    rack: int
    name: str = ""
    usage: list[TimeSeriesPoint] = field(default_factory=list)
    slots: dict[str, Slot] = field(default_factory=dict)


BOX = Box(
    "a<b>.c'd",
    -7,
    usage=[TimeSeriesPoint(stamp, stamp / 2) for stamp in (60, 120, 180)],
    slots={"x>y.z": Slot("s", [TimeSeriesPoint(60, 40.0)])},
)


class Served:
    """A service on a node, called as the manager calls it."""

    def __init__(self, resources: NodeResources, service: OrmService) -> None:
        self.resources = resources
        self.service = service

    def call(self, action: Action) -> Call:
        """A call from the node itself."""
        return Call(_vnic(self.resources), action, KEY)

    async def ask(self, text: str, **parameters: object) -> list[object]:
        """The values of an answer to a query that came over the wire."""
        query = self.resources.queries.parse(text, **parameters)
        asked = self.resources.elements.query(query.to_wire())
        asked = self.resources.elements.decode(asked.encode())
        answer = await self.service.get(asked, self.call(Action.GET))
        values = self.resources.elements.decode(answer.encode()).values
        return [value for value in values if value is not None]

    def sent(self, *values: object) -> Elements:
        """A container as it is after a trip over the wire."""
        return self.resources.elements.decode(self.resources.elements.of(*values).encode())


def _vnic(resources: NodeResources) -> VNic:
    return cast("VNic", SimpleNamespace(resources=resources))


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    """Serve boxes from a file."""
    resources = NodeResources(NodeSettings(alias="series"))
    resources.register(Box)
    resources.introspector.decorate(Box, DecoratorType.PRIMARY, "id", "rack")
    factory = cast("OrmFactory", resources.create(Plugin.ORM))
    orm = await factory.open(f"sqlite:///{folder}/boxes.db")
    service = OrmService(orm)
    await service.activate(orm_sla(KEY, Box, orm), _vnic(resources))
    yield Served(resources, service)
    await service.deactivate()
    await orm.aclose()


@pytest.mark.feature("ORM-33", "ORM-35")
async def test_samples_of_items_are_asked_for_in_the_query_language(tmp_path: Path) -> None:
    """Keys of several parts and any characters; what the item brings along is the same."""
    async with serving(tmp_path) as served:
        await served.service.post(served.sent(BOX), served.call(Action.POST))
        assert await served.ask("select * from Box") == [BOX]
        introspector = served.resources.introspector
        usage = introspector.property_for(BOX, "usage").id
        text = "select * from L8TSDBQuery where propertyId=:id and tsdbstart>=61 and tsdbend<=180"
        assert await served.ask(text, id=usage) == [
            L8TimeSeriesPoint(stamp=120, value=60.0),
            L8TimeSeriesPoint(stamp=180, value=90.0),
        ]


@pytest.mark.feature("ORM-36")
async def test_changes_of_another_node_bring_samples(tmp_path: Path) -> None:
    """As they are told on the wire: a new sample of a series, at any depth, and plain ones."""
    async with serving(tmp_path) as served:
        await served.service.post(served.sent(BOX), served.call(Action.POST))
        more = replace(
            BOX,
            name="ignored: the database has it from its writer",
            usage=[*BOX.usage, TimeSeriesPoint(240, 120.0)],
            slots={"x>y.z": Slot("s", [TimeSeriesPoint(120, 41.0)])},
        )
        changes = served.resources.updater.diff(BOX, more, mode=UpdateMode.PATCH)
        change = ItemChange(
            NotificationType.PATCH, "Box", changes.key, changes=changes, source="other", sequence=1
        )
        told = served.resources.notifications.encode(change, service=KEY.name, area=KEY.area)
        plain = L8TSDBNotification(
            property_id=served.resources.introspector.property_for(BOX, "usage").id,
            point=L8TimeSeriesPoint(stamp=300, value=1.0),
        )
        await served.service.notify(served.sent(told, plain), served.call(Action.NOTIFY))
        (found,) = await served.ask("select * from Box")
        box = cast("Box", found)
        assert [point.stamp for point in box.usage] == [60, 120, 180, 240, 300]
        assert [point.stamp for point in box.slots["x>y.z"].heat] == [60, 120]
        assert box.name == ""
