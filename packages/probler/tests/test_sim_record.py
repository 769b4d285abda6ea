# SPDX-License-Identifier: Apache-2.0
"""Making recordings: of simulated devices, and of a live agent where net-snmp is installed."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import probler
from l8types.errors import NotFoundError, RequestTimeoutError, UnavailableError
from probler.sim import (
    Kind,
    Recording,
    Replay,
    SimulatedFleet,
    Value,
    load_recording,
    record,
    write_recording,
)

from .snmp_wire import EVERY_KIND

pytest.importorskip("pysnmp", reason="the extra 'record' is not installed")

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIG = Path(probler.__file__).parent / "recordings" / "snmpd.conf"

needs_snmpd = pytest.mark.skipif(
    not any(Path(folder, "snmpd").exists() for folder in ("/usr/sbin", "/usr/local/sbin")),
    reason="net-snmp's snmpd is not installed",
)


async def walked(port: int, root: str = "1.3") -> dict[tuple[int, ...], Value]:
    """Everything below a root."""
    return {oid: value async for oid, value in record.walk("127.0.0.1", port, root=root)}


async def test_a_walk_gives_every_type() -> None:
    """An independent client decodes each instance with the type it was served with."""
    async with SimulatedFleet([Replay(Recording("all", EVERY_KIND))]) as fleet:
        assert await walked(fleet.devices[0].port) == EVERY_KIND


async def test_a_recording_of_a_replay_is_the_recording(tmp_path: Path) -> None:
    """The command line records a device; recording and replaying are inverse."""
    source, copy = load_recording("linux_router"), tmp_path / "copy.snmprec"
    async with SimulatedFleet([Replay(source)]) as fleet:
        device = fleet.devices[0]
        code, out, err = await run_command(
            *("--agent", f"{device.host}:{device.port}", "--output", str(copy))
        )
    assert (code, err) == (0, "")
    assert out == f"{len(source.records)} records in {copy}\n"
    assert load_recording(copy).records == source.records
    again = tmp_path / "again.snmprec"
    write_recording(again, source.records.items())
    assert copy.read_bytes() == again.read_bytes()


async def test_an_agent_that_does_not_answer_is_named() -> None:
    """Silence ends in one line after the retries."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with pytest.raises(RequestTimeoutError, match=f"no answer from 127.0.0.1:{port}"):
            await anext(record.walk("127.0.0.1", port, timeout=0.02))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "f"], "one of the arguments --agent --snmpd is required"),
        (["--agent", "localhost", "--output", "f"], "'localhost' is not HOST:PORT"),
        (["--agent", "localhost:0", "--output", "f"], "'localhost:0' is not HOST:PORT"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(
    arguments: Sequence[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Argparse tells the usage and the reason."""
    with pytest.raises(SystemExit) as ended:
        record.main(arguments)
    assert ended.value.code == 2
    assert message in capfd.readouterr().err


def test_a_missing_configuration_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """What is missing is named, be it snmpd or its file."""
    assert record.main(["--snmpd", "/nowhere/snmpd.conf", "--output", "f"]) == 2
    err = capfd.readouterr().err
    assert err.startswith("record: cannot find ")
    assert err.count("\n") == 1


def test_mount_points_are_left_out() -> None:
    """The storage rows of the recording machine's mounts go, but for the root and the memory."""
    entry = (1, 3, 6, 1, 2, 1, 25, 2, 3, 1)
    names = {1: b"Physical memory", 31: b"/", 32: b"/srv/private"}
    records = [
        *(((*entry, 3, row), Value(Kind.OCTET_STRING, name)) for row, name in names.items()),
        *(((*entry, 5, row), Value(Kind.INTEGER, 1)) for row in names),
        ((1, 3, 6, 1, 2, 1, 1, 32), Value(Kind.INTEGER, 1)),
    ]
    kept = {oid for oid, _ in record._without_mounts(records)}
    assert kept == {oid for oid, _ in records if oid[: len(entry)] != entry or oid[-1] != 32}


async def test_settling_ends_when_the_load_is_there() -> None:
    """An agent that shows the processor load is ready to be recorded."""
    async with SimulatedFleet([Replay(load_recording("linux_server"))]) as fleet:
        device = fleet.devices[0]
        await record._settle(device.port, device.community)
        assert fleet.statistics(device.id).answered == 1


@needs_snmpd
async def test_a_live_agent_is_started_walked_and_stopped() -> None:
    """The real snmpd runs with our configuration, shows our names, and is gone afterwards."""
    async with record.run_snmpd(CONFIG) as port:
        system = await walked(port, "1.3.6.1.2.1.1")
        hidden = await walked(port, "1.3.6.1.2.1.25.4")
    assert system[1, 3, 6, 1, 2, 1, 1, 5, 0] == Value(Kind.OCTET_STRING, b"lab")
    assert system[1, 3, 6, 1, 2, 1, 1, 4, 0] == Value(Kind.OCTET_STRING, b"noc@example.net")
    assert hidden == {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port))


@needs_snmpd
async def test_an_agent_that_cannot_start_tells_why(tmp_path: Path) -> None:
    """What snmpd says becomes the message."""
    config = tmp_path / "snmpd.conf"
    config.write_text("agentaddress udp:192.0.2.1:1161\n")
    with pytest.raises(UnavailableError, match=r"snmpd ended at once: .*192\.0\.2\.1"):
        async with record.run_snmpd(config):
            pytest.fail("that address is not ours")


async def test_the_extra_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pysnmp the message tells what to install."""
    monkeypatch.setitem(sys.modules, "pysnmp.hlapi.v1arch", None)
    with pytest.raises(NotFoundError, match=r"pip install probler\[record\]"):
        await anext(record.walk("127.0.0.1", 1))


async def run_command(*arguments: str) -> tuple[int | None, str, str]:
    """Exit code, output and errors of the command line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "probler.sim.record", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
