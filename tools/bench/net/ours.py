# SPDX-License-Identifier: Apache-2.0
"""Our network under load: request and reply, one way, to many, and with many nodes.

Separate processes, put together by the composition root as a user's nodes are: interfaces that
ask, a switch, and nodes with a service. What a message costs is therefore all of it: elements are
encoded and decoded at the ends, calls are authorized and dispatched, the switch routes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from l8types.enums import Action, MulticastMode
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, load_settings, make_switch, run
from tools.bench.net._load import OUTSTANDING, SIZES, figure, replies_per_second
from tools.bench.net._process import Process, process, until_end_of_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.settings import NodeSettings
    from l8types.values import DirectoryEvent

MODULE: Final = "tools.bench.net.ours"
SERVICE: Final = ServiceKey("Echo")
BURST: Final = 2_000
"""Messages sent between two looks at the clock."""
CROWD: Final = 1_000
"""Interfaces of the test with many nodes."""
IDLE_SECONDS: Final = 10.0
"""How long the CPU of the switch is watched while nobody sends."""


class Echo:
    """The least of a service: it answers a POST with what it was sent, a GET with its count."""

    def __init__(self) -> None:
        self.patched = 0

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Nothing is needed."""

    async def deactivate(self) -> None:
        """Nothing is held."""

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Answer with a container of the same value."""
        return call.vnic.resources.elements.of(*elements.values)

    put = delete = post

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Count."""
        self.patched += len(elements)
        return call.vnic.resources.elements.of()

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Tell the count."""
        return call.vnic.resources.elements.of(self.patched)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Nobody notifies it."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """It sends nothing that could come back."""


AGREEMENT: Final = ServiceLevelAgreement(
    name=SERVICE.name, area=SERVICE.area, handler=Echo, stateful=False, voter=False
)


def settings(alias: str, directory: str, port: int) -> NodeSettings:
    """Settings of one of the nodes; they share a directory, and so the network's secret."""
    return load_settings(alias=alias, port=port, data_directory=Path(directory))


def node(alias: str, directory: str, port: int) -> Node:
    """A node of the network."""
    return Node(settings=settings(alias, directory, port), bring_switch=False)


# The roles of the processes


async def be_switch(directory: str) -> None:
    """Be the switch; the port is printed."""
    async with make_switch(settings("bench", directory, 0)) as switch:
        await until_end_of_input(switch.port)


async def be_service(directory: str, port: int, count: int) -> None:
    """Be nodes that offer the service."""
    async with AsyncExitStack() as stack:
        for number in range(count):
            one = await stack.enter_async_context(node(f"echo-{number}", directory, port))
            await one.activate(AGREEMENT)
        await until_end_of_input(port)


async def be_crowd(directory: str, port: int, count: int) -> None:
    """Be many nodes without services; the seconds until all were connected are printed."""
    begin = time.perf_counter()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        nodes = [node(f"crowd-{number}", directory, port) for number in range(count)]
        entering = [group.create_task(stack.enter_async_context(one)) for one in nodes]
        await asyncio.wait(entering)
        await until_end_of_input(time.perf_counter() - begin)


# What is measured


@dataclass(frozen=True, slots=True)
class Network:
    """The processes of one measurement."""

    directory: str
    switch: Process


@contextmanager
def network(services: int = 1) -> Iterator[Network]:
    """Start a switch and, in one process, nodes with the service."""
    with ExitStack() as started:
        directory = started.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        switch = started.enter_context(process(MODULE, "switch", directory))
        if services:
            started.enter_context(process(MODULE, "service", directory, switch.port, services))
        yield Network(directory, switch)


async def found(vnic: VNic, count: int = 1) -> None:
    """Wait until that many nodes with the service are in the directory."""
    there = asyncio.Event()

    def look(_event: DirectoryEvent | None = None) -> None:
        if len(vnic.directory.providers(SERVICE)) >= count:
            there.set()

    watching = vnic.directory.watch(look)
    look()
    async with asyncio.timeout(10):
        await there.wait()
    watching.close()


async def ask_for(net: Network, outstanding: int, size: int, seconds: float) -> float:
    """Return the replies per second that a client gets."""
    async with node("client", net.directory, net.switch.port) as client:
        vnic = client.vnic
        await found(vnic)
        payload = bytes(size)

        async def ask() -> None:
            answer = await vnic.request(
                MulticastMode.PROXIMITY, SERVICE.name, SERVICE.area, Action.POST, payload
            )
            if len(answer) != 1:
                raise RuntimeError(f"one value was sent, {len(answer)} came back")

        return await replies_per_second(ask, outstanding, seconds)


def measure(seconds: float) -> dict[str, float]:
    """Return the replies per second for each load."""
    figures = {}
    for size in SIZES:
        for outstanding in OUTSTANDING:
            with network() as net:
                rate = run(ask_for(net, outstanding, size, seconds))
            figures[figure(outstanding, size)] = rate
    return figures


async def send_to(
    net: Network, receivers: int, seconds: float, *, batched: bool = False
) -> tuple[float, float]:
    """Return deliveries per second to one or several receivers, and the switch's CPU for each.

    Args:
        net: The processes.
        receivers: How many there are; messages go to all of them.
        seconds: How long to send.
        batched: Whether what is sent is collected by the interface, as ``VNic.batch`` does.
    """
    async with node("client", net.directory, net.switch.port) as client:
        vnic = client.vnic
        await found(vnic, receivers)
        ids = vnic.directory.providers(SERVICE)
        target = ids[0] if receivers == 1 else MulticastMode.ALL
        payload, sent = bytes(100), 0
        batch = vnic.batch(target, SERVICE.name, SERVICE.area) if batched else None
        cpu, begin = net.switch.cpu_seconds(), time.perf_counter()
        while time.perf_counter() < begin + seconds:
            for _ in range(BURST):
                if batch is not None:
                    await batch.add(Action.PATCH, payload)
                else:
                    await vnic.send(target, SERVICE.name, SERVICE.area, Action.PATCH, payload)
            sent += BURST
        if batch is not None:
            await batch.aclose()
        for one in ids:
            await counted(vnic, one, sent)
        elapsed = time.perf_counter() - begin
        deliveries = sent * receivers
        return deliveries / elapsed, (net.switch.cpu_seconds() - cpu) / deliveries


async def counted(vnic: VNic, uuid: str, sent: int) -> None:
    """Wait until a node has handled all that was sent to it."""
    async with asyncio.timeout(120):
        while True:
            answer = await vnic.request(
                uuid, SERVICE.name, SERVICE.area, Action.GET, None, timeout=60
            )
            if answer.values in ([sent], (sent,)):
                return


def measure_one_way(seconds: float) -> dict[str, float]:
    """Return messages per second to one node, and what the switch forwards per CPU second."""
    with network() as net:
        rate, cpu = run(send_to(net, 1, seconds))
    with network() as net:
        batched, _ = run(send_to(net, 1, seconds, batched=True))
    return {
        "one way, 100 B": rate,
        "in batches, 100 B": batched,
        "forwarded per CPU s": 1 / cpu,
    }


def measure_multicast(seconds: float) -> dict[str, float]:
    """Return the deliveries per second of messages to ten nodes."""
    with network(services=10) as net:
        rate, cpu = run(send_to(net, 10, seconds))
    with network(services=10) as net:
        batched, _ = run(send_to(net, 10, seconds, batched=True))
    return {
        "to 10, 100 B": rate,
        "to 10 in batches, 100 B": batched,
        "copied per CPU s": 1 / cpu,
    }


def measure_crowd(_seconds: float) -> dict[str, float]:
    """Return how a thousand interfaces come in, what they weigh, and what the idle switch does."""
    with network(services=0) as net, ExitStack() as started:
        before = net.switch.memory_bytes()
        crowd = started.enter_context(
            process(MODULE, "crowd", net.directory, net.switch.port, CROWD)
        )
        weight = net.switch.memory_bytes() - before
        own = crowd.memory_bytes()
        cpu, begin = net.switch.cpu_seconds(), time.perf_counter()
        time.sleep(IDLE_SECONDS)
        idle = (net.switch.cpu_seconds() - cpu) / (time.perf_counter() - begin)
        return {
            "connected per s": CROWD / float(crowd.said),
            "idle CPU, 1/1000": idle * 1000,
            "switch B per node": weight / CROWD,
            "node B": own / CROWD,
        }


if __name__ == "__main__":
    role, folder, *rest = sys.argv[1:]
    numbers = [int(one) for one in rest]
    if role == "switch":
        run(be_switch(folder))
    else:
        be = be_service if role == "service" else be_crowd
        run(be(folder, *numbers))
