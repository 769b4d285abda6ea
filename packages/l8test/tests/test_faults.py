# SPDX-License-Identifier: Apache-2.0
"""The tools that break things break what they say, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from l8test import until
from l8test.faults import ChildError, Lan, Nursery, Proxy, Refused, Way, lasting_port
from l8test.topology import audit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROGRAM = "faulty:live"
NO_LAN = Lan.unavailable()


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a new interpreter find the program."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)


def exists(pid: int) -> bool:
    """Whether there is a process, be it one that only waits to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """Port of a server that sends back what it gets."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_child_answers(tmp_path: Path) -> None:
    """It carries out commands, tells their errors, and two at the same time."""
    async with Nursery(tmp_path, ["faulty"]) as nursery:
        child = await nursery.start("one", PROGRAM, greeting="hello")
        assert await child.ask("greet", name="you") == "hello you"
        with pytest.raises(Refused, match="one: LookupError: as told"):
            await child.ask("fail")
        with pytest.raises(ChildError, match="did not answer 'hang' in"):
            await child.ask("hang", within=0.01)
        assert await child.ask("greet", name="again") == "hello again"


async def test_a_child_is_paused(tmp_path: Path) -> None:
    """It says nothing until it goes on, and the late answer is taken for no other's."""
    async with Nursery(tmp_path, ["faulty"]) as nursery:
        child = await nursery.start("one", PROGRAM, greeting="hello")
        child.pause()
        with pytest.raises(ChildError):
            await child.ask("greet", within=0.05, name="late")
        child.resume()
        assert await child.ask("greet", name="soon") == "hello soon"


async def test_nobody_is_left(tmp_path: Path) -> None:
    """Killed, asked to leave, paused or running: afterwards there is no process, and no zombie."""
    async with Nursery(tmp_path, ["faulty"]) as nursery:
        names = ("killed", "asked", "paused", "running")
        children = [await nursery.start(name, PROGRAM, greeting="") for name in names]
        await children[0].kill()
        assert not children[0].alive
        with pytest.raises(ChildError, match="killed has ended"):
            await children[0].ask("greet", name="")
        await children[1].aclose()
        children[2].pause()
    for child in children:
        await until(lambda child=child: not exists(child.pid), 10)  # type: ignore[misc]


async def test_what_does_not_load_is_told(tmp_path: Path) -> None:
    """A module that is not there is the error, and nothing is left open."""
    with pytest.raises(ChildError, match="no_such_module could not be loaded"):
        async with Nursery(tmp_path, ["no_such_module"]):
            pass


async def test_a_proxy_breaks_connections() -> None:
    """It passes on, cuts, refuses, swallows, and passes on again."""
    async with echo() as port, Proxy(port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        proxy.cut()
        with pytest.raises(OSError, match="reset"):
            await reader.readexactly(1)
        writer.close()

        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"two")
        assert await reader.readexactly(3) == b"two"
        proxy.silence()
        writer.write(b"lost")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read(1)
        proxy.heal()
        with pytest.raises(OSError, match="reset"):
            await reader.readexactly(1)
        writer.close()
        await until(lambda: proxy.connections == 0)
        assert proxy.accepted == 2


@pytest.mark.parametrize(("way", "heard"), [(Way.FORTH, b""), (Way.BACK, b"twice")])
async def test_a_proxy_falls_silent_one_way(way: Way, heard: bytes) -> None:
    """What goes the other way arrives, and nobody is told of what does not."""
    arrived = bytearray()
    told = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"once")
        arrived.extend(await reader.readexactly(4))
        await told.wait()
        writer.write(b"again")
        arrived.extend(await reader.read(9))
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"once")
        assert await reader.readexactly(4) == b"once"
        await until(lambda: arrived == b"once")
        proxy.silence(way)
        told.set()
        writer.write(b"twice")
        if way is Way.FORTH:
            assert await reader.readexactly(5) == b"again"
        else:
            await until(lambda: arrived == b"oncetwice")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read(1)
        assert arrived == b"once" + heard
        proxy.cut()
        writer.close()


def test_a_lasting_port_is_below_those_of_connections() -> None:
    """No connecting socket gets it while its owner is down."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    assert 10_000 <= lasting_port() < max(first, 10_001)


def test_the_audit_finds_what_is_broken(tmp_path: Path) -> None:
    """Two executions, an answer out of nothing, and a request without an end."""
    ledger = tmp_path / "ledger"
    ledger.write_text("n POST a/0\nn POST a/1\nm POST a/1\nn PATCH a/0\n")
    report = {
        "sent": 4,
        "ended": 3,
        "outcomes": {"reply": 3},
        "replied": ["a/0", "a/1", "a/2"],
        "faults": [],
    }
    books = audit(ledger, [report])
    assert (books.sent, books.executed, books.failed) == (4, 2, 0)
    assert books.problems == [
        "a/1 was executed 2 times",
        "1 requests have no end",
        "a/2 was answered but not executed",
        "4 requests ended 3 times",
    ]


@pytest.mark.skipif(bool(NO_LAN), reason=NO_LAN)
async def test_hosts_are_parted_and_joined(tmp_path: Path) -> None:
    """Processes of two hosts reach each other exactly while there is no partition between."""
    with Lan(2) as lan:
        async with Nursery(tmp_path, ["faulty"]) as nursery:
            one, two = [
                await nursery.start(name, PROGRAM, namespace=name, greeting="")
                for name in lan.namespaces
            ]
            assert await one.ask("links") == ["eth0", "lo"]
            host = lan.addresses[1]
            port = await two.ask("listen", host=host)
            assert await one.ask("reach", host=host, port=port)
            lan.partition([0])
            assert not await one.ask("reach", host=host, port=port)
            lan.heal()
            assert await until(lambda: one.ask("reach", host=host, port=port), 10)
            # Who calls is heard, and hears no answer.
            lan.cut_one_way(1, 0)
            assert not await one.ask("reach", host=host, port=port)
            lan.heal()
            assert await until(lambda: one.ask("reach", host=host, port=port), 10)
