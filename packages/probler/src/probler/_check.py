# SPDX-License-Identifier: Apache-2.0
"""Verifies the running example step by step and reports."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
import time
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final, TypeVar, cast

import httpx
from rich.table import Table

from collect.model import NetworkDevice
from collect.model.inventory_pb2 import DEVICE_STATUS_OFFLINE, DEVICE_STATUS_ONLINE, DeviceStatus
from l8types.enums import Action
from l8types.errors import AuthenticationError, L8Error, NotFoundError, QueryError
from l8types.values import Credential
from layer8 import Node
from probler._console import CONSOLE
from probler._demo import Demo, DemoOptions, by_id
from probler._roles import DEVICES, INVENTORY, ROLES
from probler._targets import COMMUNITY, target_of
from probler.sim.record import run_snmpd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8secure import LocalSecurity
    from l8types.values import ServiceKey

__all__ = ["check"]

T = TypeVar("T")

_PATIENCE: Final = 45.0
"""Seconds until a condition counts as missed; a restart of a node takes a few."""


def named(prefix: str) -> str:
    """Query for devices with interfaces whose names start so."""
    where = f"interfaces.name={prefix}*"
    return f"select * from NetworkDevice where {where} sort-by id limit 10"  # noqa: S608 - no SQL


@dataclass(frozen=True, slots=True)
class _Outcome:
    step: str
    result: str
    seconds: float
    passed: bool


class _MissedError(Exception):
    """A step did not show what it should; the message says what was seen instead."""


async def check(options: DemoOptions) -> bool:
    """Start the example, run all steps, print the report; whether all passed."""
    async with Demo(options) as demo:
        async with Node(settings=demo.settings("check"), bring_switch=False) as node:
            node.resources.register(NetworkDevice)
            outcomes = [await _run(name, step) for name, step in _steps(_Checker(demo, node))]
        before = await demo.devices()
    # A second start on the same directory, with nothing to poll: what it has, it kept.
    async with Demo(dataclasses.replace(options, devices=0)) as demo:
        outcomes.append(await _run("restart of everything", lambda: _kept(demo, before)))
    _report(outcomes)
    return all(outcome.passed for outcome in outcomes)


async def _kept(demo: Demo, before: list[NetworkDevice]) -> str:
    after = _shapes(await demo.devices())
    if after != _shapes(before):
        raise _MissedError(f"there were {len(before)} devices, there are {len(after)} or others")
    return f"{len(after)} devices are back"


def _steps(checker: _Checker) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
    kills = [(f"kill -9 {role}", _killing(checker, role)) for role in ROLES]
    return [
        ("nodes find each other", checker.nodes),
        ("devices are polled", checker.polled),
        ("query of the inventory", checker.query),
        ("the database has the same", checker.stored),
        ("a change arrives on both copies", checker.replicated),
        ("a silent device is offline", checker.silent),
        ("a live agent is polled", checker.live),
        *kills,
        ("nothing was lost", checker.stored),
        ("wrong password", checker.wrong_password),
        ("malformed query", checker.malformed_query),
        ("unknown device and service", checker.unknown),
        ("wrong community", checker.wrong_community),
        ("port in use", checker.port_in_use),
    ]


def _killing(checker: _Checker, role: str) -> Callable[[], Awaitable[str]]:
    return lambda: checker.killed(role)


async def _run(name: str, step: Callable[[], Awaitable[str]]) -> _Outcome:
    begin = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE * 2):
            result, passed = await step(), True
    except (_MissedError, L8Error, httpx.HTTPError, TimeoutError) as error:
        result, passed = str(error) or type(error).__name__, False
    mark = "[green]ok[/]    " if passed else "[red]FAILED[/]"
    seconds = time.monotonic() - begin
    CONSOLE.print(f"{mark} {name}: {result} ({seconds:.1f} s)", soft_wrap=True)
    return _Outcome(name, result, seconds, passed)


def _report(outcomes: list[_Outcome]) -> None:
    table = Table("step", "seconds", "result", title="demo --check")
    for outcome in outcomes:
        style = "" if outcome.passed else "red"
        table.add_row(outcome.step, f"{outcome.seconds:.1f}", outcome.result, style=style)
    CONSOLE.print(table)
    failed = sum(not outcome.passed for outcome in outcomes)
    CONSOLE.print(f"{len(outcomes) - failed} passed, {failed} failed")


class _Checker:
    """The steps; each returns what it saw or raises."""

    def __init__(self, demo: Demo, node: Node) -> None:
        self._demo = demo
        self._node = node

    async def nodes(self) -> str:
        """Every role is in the directory of a node that just joined, found through the switch."""
        expected = set(ROLES) - {"switch"}

        async def seen() -> set[str]:
            return {info.alias for info in self._node.vnic.directory.nodes()}

        await _until(seen, lambda aliases: expected <= aliases)
        return f"{len(expected)} nodes through one switch"

    async def polled(self) -> str:
        """Every simulated device is online and has interfaces."""
        ids = {device.id for device in self._demo.fleet.devices}

        def complete(devices: list[NetworkDevice]) -> bool:
            ready = {d.id for d in devices if _online(d) and d.interfaces}
            return ids <= ready

        devices = await _until(self._demo.devices, complete)
        interfaces = sum(len(device.interfaces) for device in devices)
        return f"{len(devices)} devices, {interfaces} interfaces"

    async def query(self) -> str:
        """The query of the guide and one that leaves devices out, against all devices."""
        everything = await self._demo.devices()
        counts = []
        for prefix in ("eth", "swp"):
            found = [device.id for device in await self._demo.devices(named(prefix))]
            expected = sorted(d.id for d in everything if _has_port(d, prefix))[:10]
            if found != expected or not found:
                raise _MissedError(f"{named(prefix)}: expected {expected}, got {found}")
            counts.append(f"{len(found)} of {len(everything)} devices have {prefix}*")
        return ", ".join(counts)

    async def stored(self) -> str:
        """The database answers with the same devices as the inventory."""

        async def both() -> tuple[dict[str, str], dict[str, str]]:
            cached = await self._demo.devices()
            kept = await self._demo.rest.get(
                DEVICES.name,
                "select * from NetworkDevice sort-by id",
                NetworkDevice,
                area=DEVICES.area,
            )
            return _shapes(cached), _shapes(kept)

        cached, _ = await _until(both, lambda pair: bool(pair[0]) and pair[0] == pair[1])
        return f"{len(cached)} devices with equal interfaces in both"

    async def replicated(self) -> str:
        """A write on one node of the inventory is seen on each of them."""
        holders = self._node.vnic.directory.providers(INVENTORY)
        if len(holders) < 2:
            raise _MissedError(f"{len(holders)} node holds the inventory")
        device = self._demo.fleet.devices[0].id
        note = f"moved at {time.time():.0f}"
        change = NetworkDevice(id=device)
        change.equipmentinfo.asset_id = note
        await self._ask(holders[0], INVENTORY, Action.PATCH, change)

        async def notes() -> list[str]:
            query = by_id(device)
            copies = [await self._ask(h, INVENTORY, Action.GET, query) for h in holders]
            return [copy[0].equipmentinfo.asset_id for copy in copies if copy]

        await _until(notes, lambda seen: seen == [note] * len(holders))
        return f"on {len(holders)} copies"

    async def silent(self) -> str:
        """A device that stops answering becomes offline, and online again when it answers."""
        device = self._demo.fleet.devices[-1].id
        self._demo.fleet.stop_device(device)
        await self._status(device, DEVICE_STATUS_OFFLINE)
        self._demo.fleet.start_device(device)
        await self._status(device, DEVICE_STATUS_ONLINE)
        return f"{device} went and came back"

    async def live(self) -> str:
        """Debian's snmpd, where it is installed."""
        with as_file(files("probler").joinpath("recordings", "snmpd.conf")) as config:
            try:
                async with run_snmpd(config) as port:
                    return await self._poll_live(port)
            except NotFoundError as error:
                return f"not checked: {error.message}"

    async def _poll_live(self, port: int) -> str:
        await self._demo.add_targets([target_of("live-snmpd", "127.0.0.1", port)])
        device = await self._status("live-snmpd", DEVICE_STATUS_ONLINE)
        names = sorted(interface.name for interface in device.interfaces.values())
        return f"{device.equipmentinfo.sys_name}: {', '.join(names)}"

    async def killed(self, role: str) -> str:
        """A killed process comes back by itself and the example goes on."""
        before = self._demo.supervisor.nodes[role]
        os.kill(before.pid, signal.SIGKILL)

        async def again() -> bool:
            now = self._demo.supervisor.nodes[role]
            return now.restarts > before.restarts and now.alive

        await _until(again, bool)
        await self.nodes()
        device = self._demo.fleet.devices[0].id
        note = f"after {role} {time.time():.3f}"

        async def written() -> str:
            change = NetworkDevice(id=device)
            change.equipmentinfo.asset_id = note
            try:
                await self._demo.rest.patch(INVENTORY.name, change, area=INVENTORY.area)
                found = await self._demo.devices(by_id(device))
            except L8Error as error:
                return error.message
            return found[0].equipmentinfo.asset_id if found else ""

        await _until(written, lambda seen: seen == note)
        return f"process {before.pid} became {self._demo.supervisor.nodes[role].pid}"

    async def wrong_password(self) -> str:
        """Refused in one line."""
        async with self._demo.client() as stranger:
            return await _refused(stranger.login("admin", "wrong"), AuthenticationError)

    async def malformed_query(self) -> str:
        """Refused with the place of the mistake."""
        return await _refused(self._demo.devices("select * form NetworkDevice"), QueryError)

    async def unknown(self) -> str:
        """An unknown device is an empty answer, an unknown service an error."""
        if await self._demo.devices("select * from NetworkDevice where id=nobody"):
            raise _MissedError("a device 'nobody' was found")
        call = self._demo.rest.get("Nothing", named("eth"), NetworkDevice)
        return await _refused(call, NotFoundError)

    async def wrong_community(self) -> str:
        """The device is offline and the collector's log says in one line what to check."""
        security = cast("LocalSecurity", self._node.resources.security)
        security.credentials.put("wrong", "snmp", Credential(secret=COMMUNITY[::-1]))
        device = self._demo.fleet.devices[0]
        await self._demo.add_targets(
            [target_of("wrong-community", device.host, device.port, credential_set="wrong")]
        )
        await self._status("wrong-community", DEVICE_STATUS_OFFLINE)
        log = self._demo.supervisor.log_file("collector").read_text(encoding="utf-8")
        lines = [line for line in log.splitlines() if "wrong-community" in line]
        if not lines or "Traceback" in log:
            raise _MissedError("the collector's log has no line about it, or a traceback")
        return lines[-1].partition(": ")[2]

    async def port_in_use(self) -> str:
        """A second switch on the same port ends with one line."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "layer8", "vnet", "--port", str(self._demo.port)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await process.communicate()
        lines = told.decode().strip().splitlines()
        if process.returncode != 2 or len(lines) != 1:
            raise _MissedError(f"exit code {process.returncode}: {told.decode()}")
        return lines[0]

    async def _ask(
        self, node: str, service: ServiceKey, action: Action, payload: object
    ) -> list[NetworkDevice]:
        vnic = self._node.vnic
        answer = await vnic.request(node, service.name, service.area, action, payload)
        return [value for value in answer.values if isinstance(value, NetworkDevice)]

    async def _status(self, device: str, status: DeviceStatus.ValueType) -> NetworkDevice:
        async def found() -> list[NetworkDevice]:
            return await self._demo.devices(by_id(device))

        def reached(devices: list[NetworkDevice]) -> bool:
            return bool(devices) and devices[0].equipmentinfo.device_status == status

        return (await _until(found, reached))[0]


async def _until(look: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    """Look again and again until it is good; what was seen last when time is up."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            seen = await look()
            if good(seen):
                return seen
            last = repr(seen)
        except L8Error as error:
            last = error.message
        if time.monotonic() > end:
            raise _MissedError(f"still {last[:300]} after {_PATIENCE:.0f} s")
        await asyncio.sleep(0.2)


async def _refused(call: Awaitable[object], kind: type[L8Error]) -> str:
    try:
        await call
    except kind as error:
        return error.message.splitlines()[0]
    raise _MissedError(f"it was accepted; expected {kind.__name__}")


def _has_port(device: NetworkDevice, prefix: str) -> bool:
    return any(port.name.startswith(prefix) for port in device.interfaces.values())


def _online(device: NetworkDevice) -> bool:
    return device.equipmentinfo.device_status == DEVICE_STATUS_ONLINE


def _shapes(devices: list[NetworkDevice]) -> dict[str, str]:
    """What must be equal in two copies; counters move on between two looks."""
    return {
        device.id: f"{device.equipmentinfo.sys_name} {device.equipmentinfo.asset_id} "
        + " ".join(sorted(port.name for port in device.interfaces.values()))
        for device in devices
    }
