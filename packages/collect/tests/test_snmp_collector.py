# SPDX-License-Identifier: Apache-2.0
"""The SNMP collector over a library in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from collect import Catalogue
from collect._snmp._collector import SnmpCollector, SnmpLimits
from l8types.errors import (
    BusyError,
    ClosedError,
    InvalidInputError,
    L8Error,
    RemoteError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.protocols.collection import (
    HostAddress,
    PollOperation,
    PollRequest,
    PollResult,
)
from l8types.values import Credential

from .fakes import FakeSession, FakeWalk, until

MIB = {
    "1.3.6.1.2.1.1.1.0": b"a router",
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.8072",
    "1.3.6.1.2.1.2.2.1.2.1": b"lo",
    "1.3.6.1.2.1.2.2.1.2.600000000": b"eth0",
    "1.3.6.1.2.1.2.2.1.5.600000000": 4_294_967_295,
    "1.3.6.1.2.1.2.2.1.6.1": b"",
    "1.3.6.1.2.1.2.2.1.6.600000000": b"\x00\x1b\x2c\x3d\x4e\x5f",
}
GET = PollRequest(
    "get", PollOperation.GET, ("descr=1.3.6.1.2.1.1.1.0:text", "oid=1.3.6.1.2.1.1.2.0:oid")
)
TABLE = PollRequest(
    "table",
    PollOperation.TABLE,
    (
        "name=1.3.6.1.2.1.2.2.1.2:text",
        "speed=1.3.6.1.2.1.2.2.1.5:number",
        "mac=1.3.6.1.2.1.2.2.1.6:mac",
    ),
)
HOST = HostAddress("127.0.0.1", 1161, Credential(secret="hush"), timeout=0.9)


def make(session: FakeSession, limits: SnmpLimits | None = None) -> SnmpCollector:
    """A collector over a session."""
    return SnmpCollector(HOST, lambda *_: session, limits)


async def ask(session: FakeSession, request: PollRequest, **limits: Any) -> PollResult:
    """One poll with a collector of its own."""
    async with make(session, SnmpLimits(**limits)) as collector:
        return await collector.poll(request)


@pytest.mark.feature("SNM-02")
async def test_values_come_by_name() -> None:
    """A value that the agent does not have is left out."""
    wanted = (*GET.what, "none=1.3.6.1.99.0")
    result = await ask(FakeSession(MIB), PollRequest("get", PollOperation.GET, wanted))
    assert result.values == {"descr": "a router", "oid": ".1.3.6.1.4.1.8072"}


async def test_many_values_are_asked_in_several_packets() -> None:
    """So that the answers fit a datagram."""
    mib = {f"1.3.6.1.{number}.0": number for number in range(40)}
    what = tuple(f"v{number}=1.3.6.1.{number}.0" for number in range(40))
    session = FakeSession(mib)
    async with make(session) as collector:
        result = await collector.poll(PollRequest("get", PollOperation.GET, what))
    assert result.values == {f"v{number}": number for number in range(40)}
    assert session.packets == 3


@pytest.mark.feature("SNM-04")
async def test_a_table_comes_by_row_and_column() -> None:
    """The index is that of the instance; a cell that the agent does not have is left out."""
    async with make(FakeSession(MIB)) as collector:
        result = await collector.poll(TABLE)
    assert result.rows == {
        "1": {"name": "lo", "mac": ""},
        "600000000": {"name": "eth0", "speed": 4_294_967_295, "mac": "00:1b:2c:3d:4e:5f"},
    }


@pytest.mark.feature("SNM-03")
async def test_a_walk_comes_by_oid() -> None:
    """Everything below the start, nothing beside it."""
    walk = PollRequest("walk", PollOperation.WALK, ("1.3.6.1.2.1.1",))
    async with make(FakeSession(MIB)) as collector:
        result = await collector.poll(walk)
    assert result.values == {
        ".1.3.6.1.2.1.1.1.0": "a router",
        ".1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.8072",
    }


async def test_an_empty_subtree_is_no_error() -> None:
    """Many agents lack optional tables."""
    walk = PollRequest("walk", PollOperation.WALK, ("1.3.6.1.2.1.99",))
    async with make(FakeSession(MIB)) as collector:
        assert (await collector.poll(walk)).values == {}


@pytest.mark.feature("SNM-05")
@pytest.mark.parametrize("request_", [GET, TABLE], ids=lambda one: str(one.name))
async def test_lost_packets_are_sent_again(request_: PollRequest) -> None:
    """Two losses in a row are borne anywhere."""
    whole = await ask(FakeSession(MIB), request_)
    assert await ask(FakeSession(MIB, lost=2), request_) == whole


@pytest.mark.feature("SNM-05")
async def test_a_silent_agent_is_told_from_an_address_or_community_that_is_wrong() -> None:
    """One line that says what to check, after a limited number of packets."""
    session = FakeSession(MIB, lost=100)
    with pytest.raises(
        RequestTimeoutError,
        match=r"no answer from 127\.0\.0\.1:1161 within 0\.9 s; check address and community",
    ):
        await ask(session, GET)
    assert session.packets == 3


class Looping(FakeSession):
    """Gives the first value again and again."""

    def getbulk(self, oid: str) -> AsyncIterator[tuple[str, Any]]:
        first = min(arcs for arcs in self.mib if arcs > tuple(map(int, oid.split("."))))
        return FakeWalk(self, [first] * 3)


@pytest.mark.parametrize(
    ("mib", "limits", "message"),
    [
        ({f"1.3.6.1.2.1.2.2.1.2.{number}": b"" for number in range(9)}, {"rows": 8}, "more than 8"),
        ({}, {}, "OIDs must increase"),
    ],
)
async def test_a_walk_that_has_no_end_is_given_up(
    mib: dict[str, Any], limits: dict[str, Any], message: str
) -> None:
    """Too many rows, or the same OID again and again."""
    with pytest.raises(RemoteError, match=message):
        await ask(FakeSession(mib) if mib else Looping(MIB), TABLE, **limits)


class Stuck(FakeSession):
    """Never answers and never gives up."""

    async def get_many(self, oids: object) -> dict[str, Any]:
        self.packets += 1
        await asyncio.Event().wait()
        return {}


async def test_a_poll_has_a_time_limit() -> None:
    """Whatever the library does."""
    with pytest.raises(RequestTimeoutError, match=r"poll 'get' of .* did not end within 0\.01 s"):
        await ask(Stuck(MIB), GET, total=0.01)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ConnectionRefusedError("refused"), UnavailableError, "cannot be reached: refused"),
        (RemoteError("tooBig"), RemoteError, "tooBig"),
    ],
)
async def test_errors_come_in_the_terms_of_the_ecosystem(
    error: Exception, kind: type[L8Error], message: str
) -> None:
    """Those of the system and those of the agent."""
    session = FakeSession(MIB)
    session.error = error
    with pytest.raises(kind, match=message):
        await ask(session, GET)


async def test_a_host_that_nobody_knows_is_unavailable() -> None:
    """Before anything is sent."""
    host = HostAddress("no-such-host.invalid")
    with pytest.raises(UnavailableError, match=r"'no-such-host\.invalid' is not known"):
        async with SnmpCollector(host, lambda *_: FakeSession(MIB)):
            raise AssertionError("must not be entered")


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (PollRequest("c", PollOperation.COMMAND, ("1.3.6.1",)), InvalidInputError),
        (PollRequest("c", PollOperation.GET, ("show version",)), InvalidInputError),
    ],
)
async def test_what_snmp_cannot_ask_is_refused(request_: PollRequest, error: type[L8Error]) -> None:
    """Commands, and texts that are no OIDs."""
    with pytest.raises(error):
        await ask(FakeSession(MIB), request_)


async def test_a_session_serves_one_task_at_a_time_and_only_while_open() -> None:
    """Anything else is a mistake of the caller."""
    session = Stuck(MIB)
    collector = make(session)
    with pytest.raises(ClosedError, match="is not open"):
        await collector.poll(GET)
    async with collector, asyncio.TaskGroup() as group:
        assert collector.running
        first = group.create_task(collector.poll(GET))
        await until(lambda: session.packets)
        with pytest.raises(BusyError, match="one task at a time"):
            await collector.poll(GET)
        first.cancel()
    assert not collector.running


async def test_the_credential_and_the_address_reach_the_library() -> None:
    """The community, the port of the credential or the usual one, a share of the time."""
    opened: list[tuple[object, ...]] = []

    def remember(address: str, port: int, community: str, timeout: float) -> FakeSession:
        opened.append((address, port, community, timeout))
        return FakeSession(MIB)

    for port, credential_port in ((1161, 0), (0, 1162), (0, 0)):
        host = HostAddress("127.0.0.1", port, Credential(secret="hush", port=credential_port), 3.0)
        async with SnmpCollector(host, remember) as collector:
            assert collector.name == "snmp"
    assert opened == [("127.0.0.1", port, "hush", 1.0) for port in (1161, 1162, 161)]


async def test_a_session_over_ipv6_is_written_with_brackets() -> None:
    """So that the port can be told apart."""
    host = HostAddress("::1", 1161, timeout=0.3)
    async with SnmpCollector(host, lambda *_: FakeSession(MIB, lost=9)) as collector:
        with pytest.raises(RequestTimeoutError, match=r"no answer from \[::1\]:1161"):
            await collector.poll(GET)


async def test_the_built_in_polls_can_be_asked() -> None:
    """Their questions are in the language of SNMP."""
    polls = Catalogue.builtin().profile("network").polls.values()
    async with make(FakeSession(MIB)) as collector:
        for poll in polls:
            if poll.protocol == "snmp":
                result = await collector.poll(poll.request)
                assert result.rows or result.values
