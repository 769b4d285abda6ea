# SPDX-License-Identifier: Apache-2.0
"""Request and reply through our switch, to be held against the bare relay.

Three processes, put together by the composition root as a user's nodes are: an interface that asks,
a switch, and a service that answers with what it was sent. What a request costs is therefore all of
it: elements are encoded and decoded at both ends, the call is authorized and dispatched, the switch
routes it and the reply.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from l8types.enums import Action, MulticastMode
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, load_settings, make_switch, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.settings import NodeSettings
    from l8types.values import DirectoryEvent

PAYLOAD: Final = bytes(100)
OUTSTANDING: Final = (1, 64)
"""How many requests wait for their replies at a time."""
WARM_UP: Final = 0.3
"""Seconds of traffic before the clock is started."""
SERVICE: Final = ServiceKey("Echo")


class Echo:
    """The least of a service: it answers with what it was sent."""

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Nothing is needed."""

    async def deactivate(self) -> None:
        """Nothing is held."""

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Answer with a container of the same value."""
        return call.vnic.resources.elements.of(*elements.values)

    put = patch = delete = get = post

    async def notify(self, elements: Elements, call: Call) -> None:
        """Nobody notifies it."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """It sends nothing that could come back."""


class Client:
    """Keeps a number of requests outstanding and counts the replies."""

    def __init__(self, vnic: VNic) -> None:
        self._vnic = vnic
        self.replies = 0

    async def ask(self) -> None:
        """Send requests, one after the other, for ever."""
        while True:
            answer = await self._vnic.request(
                MulticastMode.PROXIMITY, SERVICE.name, SERVICE.area, Action.POST, PAYLOAD
            )
            if len(answer) != 1:
                raise RuntimeError(f"one value was sent, {len(answer)} came back")
            self.replies += 1


def settings(alias: str, directory: str, port: int) -> NodeSettings:
    """Settings of one of the processes; they share a directory, and so the network's secret."""
    return load_settings(alias=alias, port=port, data_directory=Path(directory))


async def until_end_of_input(told: object) -> None:
    """Print what the parent process waits for, and go on until standard input ends."""
    print(told, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def serve_switch(directory: str) -> None:
    """Be the switch; the port is printed."""
    async with make_switch(settings("bench", directory, 0)) as switch:
        await until_end_of_input(switch.port)


async def serve_echo(directory: str, port: int) -> None:
    """Be the node that offers the service."""
    async with Node(settings=settings("echo", directory, port), bring_switch=False) as node:
        await node.activate(
            ServiceLevelAgreement(
                name=SERVICE.name, area=SERVICE.area, handler=Echo, stateful=False, voter=False
            )
        )
        await until_end_of_input(port)


@contextmanager
def process(*arguments: str) -> Iterator[int]:
    """Start this module as a process and yield the port that it prints; end it afterwards."""
    command = [sys.executable, "-m", "tools.bench.switch", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        stdin, stdout = started.stdin, started.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process was started without pipes")
        try:
            yield int(stdout.readline())
        finally:
            stdin.close()


async def found(vnic: VNic) -> None:
    """Wait until the service is in the directory."""
    there = asyncio.Event()

    def look(_event: DirectoryEvent | None = None) -> None:
        if vnic.directory.providers(SERVICE):
            there.set()

    watching = vnic.directory.watch(look)
    look()
    async with asyncio.timeout(10):
        await there.wait()
    watching.close()


async def count_replies(directory: str, port: int, outstanding: int, seconds: float) -> float:
    """Return the replies per second that a client gets."""
    async with Node(settings=settings("client", directory, port), bring_switch=False) as node:
        await found(node.vnic)
        client = Client(node.vnic)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(client.ask(), name=f"bench: request {number}")
                for number in range(outstanding)
            ]
            await asyncio.sleep(WARM_UP)
            before, begin = client.replies, time.perf_counter()
            await asyncio.sleep(seconds)
            rate = (client.replies - before) / (time.perf_counter() - begin)
            for task in tasks:
                task.cancel()
    return rate


def measure(seconds: float) -> dict[str, float]:
    """Return the replies per second for each number of outstanding requests."""
    figures = {}
    for outstanding in OUTSTANDING:
        with ExitStack() as started:
            directory = started.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
            port = started.enter_context(process("switch", directory))
            started.enter_context(process("echo", directory, str(port)))
            rate = run(count_replies(directory, port, outstanding, seconds))
        figures[f"{outstanding} outstanding"] = rate
    return figures


if __name__ == "__main__":
    role, folder, *rest = sys.argv[1:]
    run(serve_switch(folder) if role == "switch" else serve_echo(folder, int(rest[0])))
