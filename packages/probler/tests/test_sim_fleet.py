# SPDX-License-Identifier: Apache-2.0
"""Fleets on real sockets, asked by gufo-snmp."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise

import pytest

from l8types.errors import (
    BusyError,
    ClosedError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
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

pytest.importorskip("gufo.snmp", reason="gufo-snmp is not installed")
from gufo.snmp import SnmpVersion
from gufo.snmp.aio import SnmpSession

SYS_NAME = "1.3.6.1.2.1.1.5.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
IF_IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6"

_ABSENT_OR_SILENT = 0.05
"""Seconds to wait for an answer that is not expected."""


def session(
    device: SimDevice, *, community: str | None = None, timeout: float = 5.0, v1: bool = False
) -> SnmpSession:
    """Client for a device."""
    return SnmpSession(
        addr=device.host,
        port=device.port,
        community=device.community if community is None else community,
        timeout=timeout,
        version=SnmpVersion.v1 if v1 else SnmpVersion.v2c,
    )


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.feature("SIM-01", "SIM-02", "SIM-08")
async def test_every_device_answers_with_its_own_identity() -> None:
    """Five devices in one process are told apart by port and by what they say."""
    async with SimulatedFleet(profiles_named([], 5), seed=1) as fleet:
        assert [device.id for device in fleet.devices] == [
            *("router-01", "switch-02", "server-03", "firewall-04", "wifi-05"),
        ]
        assert len({device.port for device in fleet.devices}) == 5
        for device in fleet.devices:
            async with session(device) as snmp:
                name = await snmp.get(SYS_NAME)
                assert isinstance(name, bytes)
                assert name.decode().startswith(f"{device.id}.")
                interfaces = [value async for _, value in snmp.getbulk("1.3.6.1.2.1.2.2.1.2")]
                assert b"eth0" in interfaces


@pytest.mark.feature("SIM-04")
@pytest.mark.parametrize("v1", [False, True], ids=["v2c", "v1"])
async def test_every_type_reaches_the_client(*, v1: bool) -> None:
    """A walk by GETNEXT gives all instances in order; version 1 leaves Counter64 out."""
    # gufo-snmp takes a NULL for the end of a walk, so there is none here.
    served = {oid: value for oid, value in EVERY_KIND.items() if value.kind is not Kind.NULL}
    expected = [
        format_oid(oid)
        for oid, value in served.items()
        if not (v1 and value.kind is Kind.COUNTER64)
    ]
    async with (
        SimulatedFleet([Replay(Recording("all", served))]) as fleet,
        session(fleet.devices[0], v1=v1) as snmp,
    ):
        walked = {oid: value async for oid, value in snmp.getnext("1.3.6.1.9")}
    assert list(walked) == expected
    assert walked["1.3.6.1.9.1.0"] == -(2**31)
    assert walked["1.3.6.1.9.2.0"] == b"text \x00\xff"
    assert walked["1.3.6.1.9.4.0"] == "1.3.6.1.4.1.8072.4294967295"
    assert walked["1.3.6.1.9.5.0"] == "192.0.2.1"
    assert walked["1.3.6.1.9.6.0"] == 2**32 - 1
    assert walked["1.3.6.1.9.8.0"] == 3_444_780_908
    assert walked.get("1.3.6.1.9.10.0") == (None if v1 else 2**64 - 1)


@pytest.mark.parametrize("repetitions", [1, 7, 25, 100])
async def test_a_bulk_walk_yields_the_whole_recording(repetitions: int) -> None:
    """No instance is lost or doubled, whatever the client asks for at a time."""
    recording = load_recording("linux_server")
    async with SimulatedFleet([Replay(recording)]) as fleet, session(fleet.devices[0]) as snmp:
        walked = [oid async for oid, _ in snmp.getbulk("1.3", max_repetitions=repetitions)]
    assert walked == [format_oid(oid) for oid in recording.records]


@pytest.mark.feature("SIM-04")
async def test_a_wrong_community_is_silence() -> None:
    """The client times out; the device counted the request and still answers the right one."""
    async with SimulatedFleet(profiles_named(["server"], 1), community="s3cret") as fleet:
        device = fleet.devices[0]
        async with session(device, community="public", timeout=_ABSENT_OR_SILENT) as snmp:
            with pytest.raises(TimeoutError):
                await snmp.get(SYS_NAME)
        assert fleet.statistics(device.id).refused == 1
        async with session(device) as snmp:
            assert await snmp.get(SYS_NAME)
        assert fleet.statistics(device.id).answered == 1


async def test_a_stopped_device_is_silent_and_comes_back_on_the_same_port() -> None:
    """Silence is no refusal: the port stays open; the other devices are not disturbed."""
    async with SimulatedFleet(profiles_named(["server"], 2)) as fleet:
        first, second = fleet.devices
        async with session(first, timeout=_ABSENT_OR_SILENT) as snmp, session(second) as other:
            fleet.stop_device(first.id)
            with pytest.raises(TimeoutError):
                await snmp.get(SYS_NAME)
            assert await other.get(SYS_NAME)
            fleet.start_device(first.id)
        assert fleet.devices == (first, second)
        async with session(first) as snmp:
            assert await snmp.get(SYS_NAME)


@pytest.mark.feature("SIM-07")
async def test_counters_grow_with_the_clock_alone() -> None:
    """Reading twice at one time gives one answer; later readings are higher."""
    clock = FakeClock()
    async with (
        SimulatedFleet(profiles_named(["router"], 1), clock=clock) as fleet,
        session(fleet.devices[0]) as snmp,
    ):
        seen = []
        for _ in range(4):
            rows = {oid: value async for oid, value in snmp.getbulk(IF_IN_OCTETS)}
            assert rows == {oid: value async for oid, value in snmp.getbulk(IF_IN_OCTETS)}
            octets = sum(value for value in rows.values() if isinstance(value, int))
            up_time = await snmp.get(SYS_UP_TIME)
            assert isinstance(up_time, int)
            seen.append((up_time, octets))
            clock.now += 30.0
    assert all(early[0] + 3000 == late[0] for early, late in pairwise(seen))
    assert all(early[1] < late[1] for early, late in pairwise(seen))


async def test_a_value_can_be_set_added_and_removed() -> None:
    """The next request sees the change, with the type that the instance had."""
    if_oper_status, fresh = "1.3.6.1.2.1.2.2.1.8.2", "1.3.6.1.4.1.99999.1.0"
    async with SimulatedFleet(profiles_named(["server"], 1)) as fleet:
        device = fleet.devices[0]
        async with session(device) as snmp:
            fleet.set(device.id, if_oper_status, 2)
            assert await snmp.get(if_oper_status) == 2
            fleet.set(device.id, SYS_NAME, "renamed")
            assert await snmp.get(SYS_NAME) == b"renamed"
            fleet.set(device.id, SYS_UP_TIME, 5)
            assert fleet.value(device.id, SYS_UP_TIME) == Value(Kind.TIME_TICKS, 5)
            fleet.set(device.id, fresh, Value(Kind.GAUGE32, 7))
            assert await snmp.get(fresh) == 7
            assert [value async for _, value in snmp.getbulk("1.3.6.1.4.1.99999")] == [7]
            fleet.remove(device.id, fresh)
            assert [value async for _, value in snmp.getbulk("1.3.6.1.4.1.99999")] == []


async def test_misuse_is_told_in_one_line() -> None:
    """Unknown devices and instances, and values that do not fit, are named."""
    fleet = SimulatedFleet(profiles_named(["server"], 1))
    with pytest.raises(ClosedError, match="enter its context first"):
        fleet.stop_device("server-01")
    async with fleet:
        with pytest.raises(NotFoundError, match="no device 'server-02': there are server-01"):
            fleet.start_device("server-02")
        with pytest.raises(NotFoundError, match=r"has no instance '1\.3\.9'"):
            fleet.remove("server-01", "1.3.9")
        with pytest.raises(NotFoundError, match=r"has no instance \(1, 3, 9\)"):
            fleet.value("server-01", (1, 3, 9))
        with pytest.raises(InvalidInputError, match="is no TIME_TICKS"):
            fleet.set("server-01", SYS_UP_TIME, "text")
        with pytest.raises(BusyError, match="already runs"):
            await fleet.__aenter__()
        assert fleet.devices
    assert fleet.devices == ()


async def test_a_port_in_use_is_named_and_nothing_stays_open() -> None:
    """The devices that were opened before the failure are closed again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        # The fleet's second device meets the taken port.
        fleet = SimulatedFleet(profiles_named(["server"], 2), base_port=port - 1)
        with pytest.raises(BusyError, match=f"udp port {port} on 127.0.0.1 is in use"):
            await fleet.__aenter__()
        assert fleet.devices == ()
    async with SimulatedFleet(profiles_named(["server"], 2), base_port=port - 1) as free:
        assert [device.port for device in free.devices] == [port - 1, port]


async def test_an_address_of_another_machine_is_refused() -> None:
    """Only addresses of this machine can be listened on."""
    with pytest.raises(UnavailableError, match=r"cannot listen on 192\.0\.2\.1"):
        await SimulatedFleet(profiles_named(["server"], 1), host="192.0.2.1").__aenter__()


async def test_an_answer_that_udp_cannot_carry_is_lost_and_the_device_lives_on() -> None:
    """A failure to send concerns one answer only."""
    huge, fine = (1, 3, 6, 1, 9, 1, 0), (1, 3, 6, 1, 9, 2, 0)
    recording = Recording(
        "huge",
        {huge: Value(Kind.OCTET_STRING, b"x" * 65_520), fine: Value(Kind.INTEGER, 1)},
    )
    async with SimulatedFleet([Replay(recording)], max_message_bytes=100_000) as fleet:
        async with session(fleet.devices[0], timeout=_ABSENT_OR_SILENT) as snmp:
            with pytest.raises(TimeoutError):
                await snmp.get(format_oid(huge))
        async with session(fleet.devices[0]) as snmp:
            assert await snmp.get(format_oid(fine)) == 1


@pytest.mark.parametrize("base_port", [-1, 65_535])
def test_a_base_port_without_room_is_refused(base_port: int) -> None:
    """The ports of all devices have to exist."""
    with pytest.raises(InvalidInputError, match=f"no 2 ports from {base_port} on"):
        SimulatedFleet(profiles_named(["server"], 2), base_port=base_port)


async def test_many_devices_are_polled_side_by_side() -> None:
    """Twenty devices answer concurrent walks of their interface tables, each with its own rows."""

    async def rows(device: SimDevice) -> int:
        async with session(device) as snmp:
            return len(
                [oid async for oid, _ in snmp.getbulk("1.3.6.1.2.1.2.2", max_repetitions=50)]
            )

    async with SimulatedFleet(profiles_named([], 20)) as fleet, asyncio.TaskGroup() as group:
        counts = [group.create_task(rows(device)) for device in fleet.devices]
    assert [task.result() for task in counts] == [22 * count for count in (12, 31, 3, 9, 5)] * 4
