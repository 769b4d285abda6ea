# SPDX-License-Identifier: Apache-2.0
"""The example's nodes as processes: what happens when one is killed, or told to stop."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest

from collect.model import NetworkDevice
from l8secure import ADMIN_PASSWORD_FILE
from l8test import budget
from l8types.enums import Action, SerializerMode
from l8web import RestClient
from layer8 import Node, load_settings
from probler._roles import DEVICES, INVENTORY, ROLES
from probler._supervisor import NodeSpec, Supervisor

from .network import EVERYTHING, know_models
from .support import (
    CONVERGENCE,
    START,
    alive,
    environment,
    free_port,
    kill,
    program,
    run_program,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from .support import Program

KILLED: Final = ("switch", "inventory-1", "store", "web")
KEPT: Final = ("switch", "store", "inventory-1", "inventory-2", "web")
"""Roles that keep and show devices; the others only bring some."""
UP: Final = re.compile(r"(\S+) is up \(process (\d+)\)")
STOPPED: Final = re.compile(r"^(\S+ \S+) INFO .*service \S+ is stopped$", re.MULTILINE)

HOLDER: Final = """\
import asyncio
import pathlib
import sys

from probler._supervisor import NodeSpec, Supervisor


async def main():
    data, port = sys.argv[1:]
    async with Supervisor(pathlib.Path(data) / "logs") as supervisor:
        for role in ("switch", "parser", "collector"):
            arguments = ("-m", "probler", "node", role, "--data", data, "--port", port)
            node = await supervisor.start(NodeSpec(role, arguments))
            print(node.pid, flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
"""
"""Holds a few nodes until it is killed, and tells their process ids."""


class Cluster:
    """Nodes as processes, and how they look from outside and from inside."""

    def __init__(self, supervisor: Supervisor, rest: RestClient, node: Node) -> None:
        self.supervisor = supervisor
        self.rest = rest
        self.node = node

    async def write(self, notes: dict[str, str]) -> None:
        """Have notes taken for devices, over REST; returns once they were acknowledged."""
        devices = [NetworkDevice(id=device) for device in notes]
        for device in devices:
            device.equipmentinfo.asset_id = notes[device.id]
        await self.rest.patch(INVENTORY.name, *devices, area=INVENTORY.area)

    async def notes(self) -> list[dict[str, str]]:
        """What each copy of the inventory, the gateway and the database have as notes."""
        found = []
        for copy in self.node.vnic.directory.providers(INVENTORY):
            answer = await self.node.vnic.request(
                copy, INVENTORY.name, INVENTORY.area, Action.GET, EVERYTHING, timeout=3
            )
            found.append(notes_of(answer.values))
        for key in (INVENTORY, DEVICES):
            answered = await self.rest.get(key.name, EVERYTHING, NetworkDevice, area=key.area)
            found.append(notes_of(answered))
        return found

    async def everywhere(self, notes: dict[str, str]) -> None:
        """Wait until both copies, the gateway and the database have exactly these notes."""
        await until(self.notes, lambda found: found == [notes] * 4)

    async def roles(self) -> set[str]:
        """Roles that can be seen from inside."""
        return {info.alias for info in self.node.vnic.directory.nodes()} & set(ROLES)

    async def restarts(self, role: str) -> int:
        """How often a process was started again; -1 while it does not run."""
        node = self.supervisor.nodes[role]
        return node.restarts if node.alive else -1

    async def kill(self, role: str) -> float:
        """Kill a process, write while it is gone, wait until everything is everywhere again.

        Returns:
            Seconds until it was.
        """
        notes = dict.fromkeys(("one", "two", "three"), f"before the end of {role}")
        await until(lambda: self.write(notes), returned)
        await self.everywhere(notes)
        restarts = await self.restarts(role)

        begin = time.monotonic()
        kill(self.supervisor.nodes[role].pid)
        changed = {"two": f"after the end of {role}"}
        await until(lambda: self.write(changed), returned)
        await until(lambda: self.restarts(role), lambda count: count == restarts + 1)
        await until(self.roles, lambda seen: seen == set(KEPT))
        await self.everywhere(notes | changed)
        return time.monotonic() - begin


def returned(_: None) -> bool:
    """A call that returns nothing is good when it returns."""
    return True


def notes_of(devices: Iterable[object]) -> dict[str, str]:
    """Note of each device."""
    return {
        device.id: device.equipmentinfo.asset_id
        for device in devices
        if isinstance(device, NetworkDevice)
    }


def spec(role: str, data: Path, port: int, web_port: int) -> NodeSpec:
    """How a role is started."""
    arguments = ("-m", "probler", "node", role, "--data", str(data), "--port", str(port))
    return NodeSpec(role, (*arguments, "--web-port", str(web_port)), start_timeout=START)


@asynccontextmanager
async def cluster(data: Path, lines: list[str]) -> AsyncIterator[Cluster]:
    """Start the nodes that keep and show devices, join them, and log in."""
    port, web_port = free_port(), free_port()
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(data / "logs", lines.append))
        # A copy of the inventory does not start without the database behind it.
        for role in KEPT[:2]:
            await supervisor.start(spec(role, data, port, web_port))
        async with asyncio.TaskGroup() as group:
            for role in KEPT[2:]:
                start = supervisor.start(spec(role, data, port, web_port))
                group.create_task(start, name=f"test: start {role}")
        settings = load_settings(alias="observer", port=port, data_directory=data, keep_alive=1.0)
        node = await stack.enter_async_context(Node(settings=settings, bring_switch=False))
        know_models(node)
        client = RestClient(
            f"http://127.0.0.1:{web_port}",
            node.resources.serializer(SerializerMode.JSON),
            timeout=5,
        )
        rest = await stack.enter_async_context(client)
        password = (data / "security" / ADMIN_PASSWORD_FILE).read_text(encoding="ascii").strip()
        await rest.login("admin", password)
        yield Cluster(supervisor, rest, node)


def tracebacks(data: Path) -> dict[str, str]:
    """Logs of nodes in which there is a traceback."""
    logs = {file.stem: file.read_text(encoding="utf-8") for file in (data / "logs").iterdir()}
    assert logs
    return {role: log for role, log in logs.items() if "Traceback" in log}


@pytest.mark.feature("layer8-net:NET-18", "layer8-net:NIC-06", "l8services:REC-01")
@pytest.mark.feature("l8services:PAR-04", "probler:PRB-09")
@pytest.mark.timeout(300)
async def test_the_network_converges_after_any_kill(tmp_path: Path) -> None:
    """Within the promised time all is back, and what was acknowledged is in every place."""
    lines: list[str] = []
    async with cluster(tmp_path, lines) as running:
        seconds = {role: await running.kill(role) for role in KILLED}
        pids = [process.pid for process in running.supervisor.nodes.values()]
    limit = budget(CONVERGENCE)
    assert {role: took for role, took in seconds.items() if took > limit} == {}
    assert len([line for line in lines if "(signal 9)" in line]) == len(KILLED)
    assert [pid for pid in pids if alive(pid)] == []
    assert tracebacks(tmp_path) == {}


@pytest.mark.feature("layer8-net:NIC-17", "l8web:SRV-04")
async def test_the_example_stops_in_order(tmp_path: Path) -> None:
    """Whoever was started last ends first, each withdraws its services, and nothing is left."""
    data = tmp_path / "data"
    arguments = ("-m", "probler", "demo", "--data", str(data), "--devices", "1")
    async with program(*arguments, cwd=tmp_path, env=environment(tmp_path)) as running:
        pids = await started(running)
        end = await running.end(signal.SIGTERM)
    assert (end.code, end.err, end.lines[-1]) == (0, "", "stopped")
    assert [role for role, pid in pids.items() if alive(pid)] == []
    assert tracebacks(data) == {}
    times = [last_stop(data, role) for role in ROLES if role != "switch"]
    assert times == sorted(times, reverse=True)


async def started(running: Program) -> dict[str, int]:
    """Wait until the example is up; its processes by role."""
    pids: dict[str, int] = {}
    while line := await running.line():
        if found := UP.match(line):
            pids[found[1]] = int(found[2])
        if line.startswith("Look at"):
            break
    assert list(pids) == list(ROLES)
    return pids


def last_stop(data: Path, role: str) -> str:
    """When a node said that its last service is stopped."""
    log = (data / "logs" / f"{role}.log").read_text(encoding="utf-8")
    stops: list[str] = STOPPED.findall(log)
    assert stops, f"{role} stopped no service: {log}"
    return stops[-1]


async def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    """The nodes notice that nobody holds them any more, and end by themselves."""
    data = tmp_path / "data"
    arguments = ("-c", HOLDER, str(data), str(free_port()))
    async with program(*arguments, cwd=tmp_path, env=environment(tmp_path)) as holder:
        pids = [int(await holder.line()) for _ in range(3)]
        try:
            assert [alive(pid) for pid in pids] == [True] * 3
            await holder.end(signal.SIGKILL)

            async def left() -> list[int]:
                return [pid for pid in pids if alive(pid)]

            await until(left, lambda found: not found)
        finally:
            for pid in pids:
                kill(pid)
    assert tracebacks(data) == {}


async def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    """One line that lists the roles."""
    arguments = ("-m", "probler", "node", "nothing", "--data", str(tmp_path), "--port", "1")
    refused = await run_program(*arguments, cwd=tmp_path, env=environment(tmp_path))
    assert "no role 'nothing'" in refused.refused()
