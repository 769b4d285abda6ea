# SPDX-License-Identifier: Apache-2.0
"""Net-snmp's own tools as clients: the judge of what a real poller sees."""

from __future__ import annotations

import asyncio
import re
import shutil
import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from probler.sim import (
    Kind,
    Recording,
    Replay,
    SimDevice,
    SimulatedFleet,
    Value,
    format_oid,
    load_recording,
    profiles_named,
)

from .snmp_wire import EVERY_KIND

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.feature("SIM-04"),
    pytest.mark.skipif(
        shutil.which("snmpbulkwalk") is None,
        reason="net-snmp's tools are not installed",
    ),
]

# Numeric names, octets in hexadecimal, no MIBs: nothing depends on how net-snmp is set up.
_OUTPUT = ("-m", "", "-On", "-Ox", "-Oe", "-OU")

_NAMES = {
    Kind.INTEGER: "INTEGER",
    Kind.COUNTER32: "Counter32",
    Kind.GAUGE32: "Gauge32",
    Kind.COUNTER64: "Counter64",
}


@pytest.fixture(autouse=True)
def _quiet_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place of their own for the tools; on their first run they tell which folders they made."""
    for name in ("cert_indexes", "mib_indexes"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("SNMP_PERSISTENT_DIR", str(tmp_path))


async def run(
    tool: str,
    device: SimDevice,
    *arguments: str,
    version: str = "2c",
    community: str = "public",
    timeout: float = 5.0,
) -> tuple[int | None, str]:
    """Exit code and output of a tool."""
    process = await asyncio.create_subprocess_exec(
        *(tool, f"-v{version}", "-c", community, "-t", str(timeout), "-r", "0", *_OUTPUT),
        *(f"{device.host}:{device.port}", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode("latin-1")


def shown(value: Value) -> str:
    """A value as the tools print it."""
    match value.kind, value.content:
        case Kind.TIME_TICKS, int(content):
            text = f"Timeticks: ({content})"
        case _, int(content):
            text = f"{_NAMES[value.kind]}: {content}"
        case _, tuple(arcs):
            text = f"OID: .{format_oid(arcs)}"
        case Kind.IP_ADDRESS, bytes(octets):
            text = f"IpAddress: {IPv4Address(octets)}"
        case Kind.OPAQUE, bytes(octets):
            text = f"Opaque: Float: {struct.unpack('>f', octets[3:])[0]:f}"
        case _, bytes(octets):
            text = f"Hex-STRING: {octets.hex(' ').upper()}" if octets else '""'
        case _:
            text = "NULL"
    return text


def lines(output: str) -> list[str]:
    """Lines with continuations joined and the readable form of times left out."""
    joined = re.sub(r"\n(?!\.)", " ", output.strip())
    joined = re.sub(r"(Timeticks: \(\d+\))[^\n]*", r"\1", joined)
    return [re.sub(r"\s+", " ", line).strip() for line in joined.split("\n")]


@pytest.mark.parametrize("tool", ["snmpwalk", "snmpbulkwalk"])
@pytest.mark.parametrize(
    "recording",
    [
        Recording("every_kind", EVERY_KIND),
        load_recording("linux_server"),
        load_recording("linux_router"),
    ],
    ids=lambda recording: recording.name,
)
async def test_a_walk_shows_every_oid_type_and_value(tool: str, recording: Recording) -> None:
    """What net-snmp prints is the recording, line by line, to the end of the view."""
    async with SimulatedFleet([Replay(recording)]) as fleet:
        code, output = await run(tool, fleet.devices[0], ".1")
    expected = [f".{format_oid(oid)} = {shown(value)}" for oid, value in recording.records.items()]
    walked = lines(output)
    if "No more variables left" in walked[-1]:
        del walked[-1]
    assert code == 0
    assert walked == expected


async def test_version_1_walks_without_counter64() -> None:
    """A version 1 client is spared the type it does not know."""
    async with SimulatedFleet(profiles_named(["server"], 1)) as fleet:
        code, output = await run("snmpwalk", fleet.devices[0], "1.3.6.1.2.1.31.1.1", version="1")
    assert code == 0
    assert "Gauge32" in output
    assert "Counter64" not in output


@pytest.mark.parametrize(
    ("oid", "message"),
    [
        ("1.3.6.1.2.1.1.5.9", "No Such Instance currently exists at this OID"),
        ("1.3.6.1.2.1.99.1.0", "No Such Object available on this agent at this OID"),
    ],
)
async def test_an_absent_instance_is_told(oid: str, message: str) -> None:
    """Version 2 says what is absent; version 1 fails with noSuchName."""
    async with SimulatedFleet(profiles_named(["server"], 1)) as fleet:
        code, output = await run("snmpget", fleet.devices[0], oid)
        assert (code, output.strip()) == (0, f".{oid} = {message}")
        code, output = await run("snmpget", fleet.devices[0], oid, version="1")
        assert code == 2
        assert "noSuchName" in output


async def test_a_wrong_community_and_a_stopped_device_time_out() -> None:
    """Both look to the tool as if nobody were there."""
    async with SimulatedFleet(profiles_named(["server"], 1)) as fleet:
        device = fleet.devices[0]
        name = "1.3.6.1.2.1.1.5.0"
        code, output = await run("snmpget", device, name, community="private", timeout=0.1)
        assert code == 1
        assert "Timeout: No Response" in output
        fleet.stop_device(device.id)
        code, output = await run("snmpget", device, name, timeout=0.1)
        assert code == 1
        assert "Timeout: No Response" in output


async def test_set_is_refused() -> None:
    """A read-only agent denies access."""
    async with SimulatedFleet(profiles_named(["server"], 1)) as fleet:
        code, output = await run("snmpset", fleet.devices[0], "1.3.6.1.2.1.1.5.0", "s", "x")
    assert code == 2
    assert "noAccess" in output
