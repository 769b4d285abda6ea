# SPDX-License-Identifier: Apache-2.0
"""Instances of a service over a real network repair what no count of changes shows."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from l8services import BaseService
from l8types.sla import ServiceLevelAgreement
from layer8 import Node, load_settings, make_switch

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Measured:
    """What is kept."""

    name: str = ""
    level: int = 0


async def test_copy_that_lost_an_item_has_it_again_within_5_seconds(tmp_path: Path) -> None:
    """An item that vanished from one copy, with nothing told of it, comes back from another one."""
    async with AsyncExitStack() as stack:
        settings = load_settings(alias="switch", port=0, data_directory=tmp_path, environment={})
        switch = await stack.enter_async_context(make_switch(settings))
        services: list[BaseService] = []
        nodes: list[Node] = []
        for number in range(3):
            own = load_settings(
                alias=f"node-{number}",
                port=switch.port,
                data_directory=tmp_path,
                environment={},
            )
            node = await stack.enter_async_context(Node(settings=own, bring_switch=False))
            sla = ServiceLevelAgreement(
                name="measured", handler=BaseService, model=Measured, primary_keys=("name",)
            )
            services.append(cast("BaseService", await node.activate(sla)))
            nodes.append(node)
        await nodes[0].post("measured", [Measured(f"m-{n}", n) for n in range(20)])
        async with asyncio.timeout(10):
            while not all(len(one) == 20 and one.settled for one in services):
                await asyncio.sleep(0.01)
        for damaged in services:
            replica = damaged._running.replica
            replica.cache.delete("m-7")
            replica.versions._live.pop("m-7")
            replica.digests.touch("m-7")
            assert len(damaged) == 19
            async with asyncio.timeout(5):
                while len(damaged) < 20 or any(one.divergence for one in services):
                    await asyncio.sleep(0.01)
            assert damaged.item("m-7") == Measured("m-7", 7)
        for node in nodes:
            assert "layer8_cache_divergence" in node.resources.metrics.render()
