# SPDX-License-Identifier: Apache-2.0
"""The SNMP collector over real sockets: against the daemon of this machine, and against silence."""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collect import Catalogue, create_snmp
from l8types.errors import ConfigurationError, RequestTimeoutError, UnavailableError
from l8types.protocols.collection import HostAddress, PollOperation, PollRequest
from l8types.values import Credential

from .fakes import WAIT, FakeResources

SNMPD = shutil.which("snmpd") or shutil.which("snmpd", path="/usr/sbin:/sbin")
RESOURCES = FakeResources().real
SYSTEM = Catalogue.builtin().profile("network").poll("system").request

pytest.importorskip("gufo.snmp", reason="the extra snmp is not installed")


def free_port() -> int:
    """A UDP port of the loopback that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def host_at(port: int, community: str = "lab", timeout: float = 3.0) -> HostAddress:
    """An agent on the loopback."""
    return HostAddress("127.0.0.1", port, Credential(secret=community), timeout)


@asynccontextmanager
async def running_agent(folder: Path) -> AsyncIterator[int]:
    """The daemon of this machine on a free port; gives the port once it answers."""
    assert SNMPD is not None
    port = free_port()
    config = folder / "snmpd.conf"
    config.write_text("rocommunity lab 127.0.0.1\nsyslocation Rack 7\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        SNMPD,
        *("-f", "-Lo", "-C", "-c", str(config), "-p", str(folder / "pid")),
        f"udp:127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"SNMP_PERSISTENT_DIR": str(folder)},
    )
    try:
        async with (
            asyncio.timeout(WAIT),
            create_snmp(RESOURCES)(host_at(port, timeout=0.3)) as probe,
        ):
            while True:
                try:
                    await probe.poll(SYSTEM)
                    break
                except (RequestTimeoutError, UnavailableError):
                    assert process.returncode is None, "snmpd ended at once"
                    await asyncio.sleep(0.01)
        yield port
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(SNMPD is None, reason="snmpd is not installed on this machine")
@pytest.mark.feature("SNM-01", "SNM-02", "SNM-03", "SNM-04")
async def test_a_real_agent_is_asked(tmp_path: Path) -> None:
    """Values, a subtree and a table of this machine, typed as they should be."""
    async with (
        running_agent(tmp_path) as port,
        create_snmp(RESOURCES)(host_at(port)) as session,
    ):
        system = (await session.poll(SYSTEM)).values
        assert system["sysLocation"] == "Rack 7"
        assert str(system["sysObjectID"]).startswith(".1.3.6.1.4.1.8072.")
        assert isinstance(system["sysUpTime"], int)
        walk = PollRequest("walk", PollOperation.WALK, ("1.3.6.1.2.1.1",))
        assert ".1.3.6.1.2.1.1.6.0" in (await session.poll(walk)).values
        ifx = Catalogue.builtin().profile("network").poll("ifx").request
        rows = (await session.poll(ifx)).rows
        assert "lo" in {row["ifName"] for row in rows.values()}
        assert all(isinstance(row["ifHCInOctets"], int) for row in rows.values())


@pytest.mark.skipif(SNMPD is None, reason="snmpd is not installed on this machine")
async def test_a_real_agent_is_silent_about_a_wrong_community(tmp_path: Path) -> None:
    """The error says what to check."""
    async with (
        running_agent(tmp_path) as port,
        create_snmp(RESOURCES)(host_at(port, "wrong", 0.3)) as session,
    ):
        with pytest.raises(RequestTimeoutError, match="check address and community"):
            await session.poll(SYSTEM)


async def test_nobody_at_an_address_is_told() -> None:
    """As a time-out, since datagrams into the void do not come back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        port = mute.getsockname()[1]
        async with create_snmp(RESOURCES)(host_at(port, timeout=0.15)) as session:
            with pytest.raises(RequestTimeoutError, match=f"127.0.0.1:{port} within 0.15 s"):
                await session.poll(SYSTEM)


async def test_a_port_at_which_nobody_listens_is_told_at_once() -> None:
    """The host says so itself."""
    port = free_port()
    async with create_snmp(RESOURCES)(host_at(port, timeout=60.0)) as session:
        for request in (SYSTEM, PollRequest("walk", PollOperation.WALK, ("1.3.6.1",))):
            with pytest.raises(UnavailableError, match=f"{port} cannot be reached: connection re"):
                await session.poll(request)


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.delitem(sys.modules, "collect._snmp._session", raising=False)
    monkeypatch.setitem(sys.modules, "gufo.snmp", None)
    with pytest.raises(ConfigurationError, match=r"install layer8-collect\[snmp\]"):
        create_snmp(RESOURCES)
