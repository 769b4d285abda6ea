# SPDX-License-Identifier: Apache-2.0
"""Members of a topology: what a test lets them do besides, and the books on a load."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8test.sim import simulate
from l8test.topology import COUNTED, Local, Place, Topology
from l8test.topology._load import Load

from .fake_node import FakeNodeResources, LedServices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8test.sim import Host, World
    from l8test.topology import Member


class Parts(FakeNodeResources):
    """Parts of a member, which makes its services itself."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings, services=LedServices())


@pytest.mark.feature("l8test:TST-01")
async def test_nodes_are_extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node enters what the test names, offers its commands, and leaves it first."""
    steps: list[str] = []

    @asynccontextmanager
    async def extend(member: Member) -> AsyncIterator[dict[str, object]]:
        steps.append(f"{member.vnic.alias} serves: {member.serving}")

        async def greet(name: str) -> str:
            return f"{member.vnic.alias} greets {name}"

        yield {"greet": greet}
        steps.append(f"{member.vnic.alias} leaves")

    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(Parts=Parts, extend=extend))
    async with Local() as local:
        net = Topology[Any](
            local,
            tmp_path,
            resources="mine:Parts",
            switches=1,
            nodes=2,
            linked=False,
            extension="mine:extend",
        )
        net.ports = [1]
        await net.start(Place(1))
        net.ports = [(await net.switch(1).ask("about"))["port"]]
        await net.start(Place(1, 1))
        await net.start(Place(1, 2))
        assert await net.node(1, 2).ask("greet", name="you") == "switch-1-node-2 greets you"
        with pytest.raises(KeyError):
            await net.switch(1).ask("greet", name="you")
        for place in (Place(1, 2), Place(1, 1), Place(1)):
            await net.members[place].aclose()
    assert steps == [
        "switch-1-node-1 serves: True",
        "switch-1-node-2 serves: False",
        "switch-1-node-2 leaves",
        "switch-1-node-1 leaves",
    ]


class SlowNic:
    """Answers after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.uuid = "a"
        self.directory = SimpleNamespace(providers=lambda _: ())

    async def request(self, *call: Any, **options: Any) -> Any:
        await asyncio.sleep(self._seconds)
        return SimpleNamespace(values=call[4])


def faults(seconds: float, *, paused: float) -> list[str]:
    """What the books say of requests that take so long, on a host that stands still for a while."""
    found: list[list[str]] = []

    async def program(host: Host) -> None:
        load = Load(cast("Any", SlowNic(seconds)), COUNTED, pace=0.5, timeout=5.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await asyncio.sleep(2)
            load.stop()
        found.append(load.report()["faults"])

    async def scenario(world: World) -> None:
        host = world.host("a")
        host.start(program)
        await world.sleep(1.2)
        if paused:
            host.pause()
            await world.sleep(paused)
            host.resume()
        await world.until(lambda: bool(found), 60)

    with simulate(seed=1) as world:
        world.run(scenario)
    return found[0]


def test_a_late_end_is_a_fault() -> None:
    """A request that ends long after its time-out is told."""
    assert faults(1.0, paused=0) == []
    late = faults(8.0, paused=0)
    assert late
    assert all("ended with reply after 8.0 s" in fault for fault in late)


def test_a_process_that_stood_still_is_not_late() -> None:
    """What it could not do while it was paused is no fault of the network."""
    assert faults(1.0, paused=30.0) == []
    assert faults(8.0, paused=30.0)
