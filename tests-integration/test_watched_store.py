# SPDX-License-Identifier: Apache-2.0
"""Those who watch a store with a cache, with the real parts of two nodes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from l8orm import orm_sla
from l8types.enums import Action, MulticastMode, NotificationType
from l8types.pb import L8NotificationSet
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, load_settings, make_switch

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.protocols.stores import Orm, OrmFactory
    from l8types.settings import NodeSettings


@dataclass
class Lamp:
    """What is kept."""

    id: str = ""
    watts: int = 0


class Watcher:
    """Passes changes on to people; here to a list."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[tuple[Action, object]] = asyncio.Queue()

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Know the messages."""
        vnic.resources.register(L8NotificationSet, Lamp)

    async def deactivate(self) -> None:
        """Nothing is held."""

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Take changes."""
        for value in elements.values:
            await self.seen.put((call.action, value))
        return call.vnic.resources.elements.of()

    put = patch = delete = get = post

    async def notify(self, elements: Elements, call: Call) -> None:
        """Nobody notifies it."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """It sends nothing."""


@pytest.mark.feature("ORM-39")
async def test_writes_reach_those_who_watch_on_another_node(tmp_path: Path) -> None:
    """A write and a delete arrive as the changes that they were, under their actions."""

    def settings(alias: str, port: int) -> NodeSettings:
        return load_settings(alias=alias, port=port, data_directory=tmp_path, environment={})

    watcher = Watcher()
    watch = ServiceLevelAgreement(name="websock", handler=lambda: watcher, stateful=False)
    async with (
        make_switch(settings("hub", 0)) as switch,
        Node(settings=settings("store", switch.port)) as store,
        Node(settings=settings("page", switch.port)) as page,
    ):
        await page.activate(watch)
        factory = cast("OrmFactory", store.resources.create("layer8.orm"))
        orm: Orm = await factory.open(f"sqlite:///{tmp_path / 'lamps.db'}")
        key = ServiceKey("Lamps")
        sla = orm_sla(key, Lamp, orm, primary_keys=("id",), cached=True, owned=True)
        await store.activate(sla)
        async with asyncio.timeout(10):
            while not store.vnic.directory.providers(watch.key):
                await asyncio.sleep(0.01)
            for action, item in ((Action.POST, Lamp("a", 5)), (Action.DELETE, Lamp("a"))):
                await store.vnic.request(MulticastMode.PROXIMITY, key.name, key.area, action, item)
            told = [await watcher.seen.get() for _ in range(2)]
    codec = page.resources.notifications
    changes = [codec.decode(cast("L8NotificationSet", message)) for _, message in told]
    assert [action for action, _ in told] == [Action.POST, Action.DELETE]
    assert [change.type for change in changes] == [NotificationType.POST, NotificationType.DELETE]
    assert [change.item for change in changes] == [Lamp("a", 5), Lamp("a", 5)]
