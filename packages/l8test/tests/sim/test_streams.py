# SPDX-License-Identifier: Apache-2.0
"""Connections behave as those of TCP do, in good and in bad networks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
from typing_extensions import override

from l8test.sim import BrokenPromiseError, Death, Host, LinkQuality, World, simulate
from l8test.sim._sockets import ANY

from .programs import PORT, Pair, Peer, forever

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

MEGABYTE = 1_000_000
WINDOW = 262_144
"""Bytes that may be on their way or unread."""


def play(
    story: Callable[[Pair], Coroutine[object, object, None]],
    *,
    keep_open: bool = False,
    quality: LinkQuality | None = None,
) -> World:
    """Tell a story about one connection."""

    async def scenario(world: World) -> None:
        pair = Pair(world, keep_open=keep_open)
        await pair.open()
        await story(pair)

    with simulate(1, quality=quality or LinkQuality(latency=0.01)) as world:
        world.run(scenario)
    return world


def test_bytes_arrive_in_order_after_a_while() -> None:
    """What is written arrives complete and in order, one latency later."""

    async def story(pair: Pair) -> None:
        started = pair.world.now
        for number in range(100):
            pair.near.transport.write(bytes([number]))
        pair.near.transport.writelines([b"x", b"y"])
        await pair.world.sleep(1)
        assert pair.far.received == bytes(range(100)) + b"xy"
        assert pair.far.times[0] == pytest.approx(started + 0.01)
        pair.far.transport.write(b"back")
        await pair.world.sleep(1)
        assert pair.near.received == b"back"

    play(story)


def test_lost_segments_are_repeated() -> None:
    """Loss costs a connection time, not bytes."""

    async def story(pair: Pair) -> None:
        for number in range(200):
            pair.near.transport.write(bytes([number]) * 10)
            await pair.world.sleep(0.01)
        await pair.world.sleep(60)
        assert pair.far.received == b"".join(bytes([number]) * 10 for number in range(200))
        assert max(b - a for a, b in zip(pair.far.times, pair.far.times[1:], strict=False)) > 0.15

    play(story, quality=LinkQuality(latency=0.01, jitter=0.01, loss=0.2))


def test_slow_readers_hold_up_writers() -> None:
    """When the other side does not read, the writer is asked to pause, and later to go on."""

    async def story(pair: Pair) -> None:
        near, far = pair.near, pair.far
        near.transport.set_write_buffer_limits(high=50_000)
        far.transport.pause_reading()
        assert not far.transport.is_reading()
        for _ in range(10):
            near.transport.write(b"x" * 100_000)
        await pair.world.sleep(10)
        assert near.events == ["made", "pause"]
        assert not far.received
        assert near.transport.get_write_buffer_size() == MEGABYTE - WINDOW
        far.transport.resume_reading()
        await pair.world.sleep(10)
        assert near.events == ["made", "pause", "resume"]
        assert (len(far.received), near.transport.get_write_buffer_size()) == (MEGABYTE, 0)

    play(story)


def test_bandwidth() -> None:
    """A slow line takes its time."""

    async def story(pair: Pair) -> None:
        started = pair.world.now
        pair.near.transport.write(b"x" * MEGABYTE)
        await pair.world.until(lambda: len(pair.far.received) == MEGABYTE, 60)
        assert pair.world.now - started == pytest.approx(10, rel=0.05)

    play(story, quality=LinkQuality(latency=0.01, bandwidth=100_000))


def test_closing_delivers_what_was_written() -> None:
    """The other side gets all bytes, then the end; both protocols are told once."""

    async def story(pair: Pair) -> None:
        pair.near.transport.write(b"x" * MEGABYTE)
        pair.near.transport.close()
        pair.near.transport.close()
        pair.near.transport.write(b"too late")
        assert pair.near.transport.is_closing()
        await pair.world.sleep(5)
        assert len(pair.far.received) == MEGABYTE
        assert (pair.far.events, pair.far.error) == (["made", "eof", "lost"], None)
        assert (pair.near.events[-1], pair.near.error) == ("lost", None)

    play(story)


def test_half_closing() -> None:
    """One side may end and still receive, when the other one wants to go on."""

    async def story(pair: Pair) -> None:
        assert pair.near.transport.can_write_eof()
        pair.near.transport.write(b"question")
        pair.near.transport.write_eof()
        pair.near.transport.write_eof()
        with pytest.raises(RuntimeError, match="write_eof"):
            pair.near.transport.write(b"more")
        await pair.world.sleep(1)
        assert pair.far.events == ["made", "eof"]
        pair.far.transport.write(b"answer")
        pair.far.transport.close()
        await pair.world.sleep(1)
        assert pair.near.received == b"answer"
        assert pair.near.events == ["made", "eof", "lost"]

    play(story, keep_open=True)


def test_aborting_resets() -> None:
    """The other side sees a reset; who aborts is told of no error."""

    async def story(pair: Pair) -> None:
        pair.near.transport.abort()
        pair.near.transport.abort()
        await pair.world.sleep(1)
        assert (pair.near.events, pair.near.error) == (["made", "lost"], None)
        assert isinstance(pair.far.error, ConnectionResetError)

    play(story)


def test_a_kill_is_seen_by_the_peers() -> None:
    """The kernel of a killed process ends its connections, in the way that was chosen."""

    async def closed(pair: Pair) -> None:
        pair.far.transport.write(b"last words")
        pair.server.kill()
        await pair.world.sleep(1)
        assert pair.near.received == b"last words"
        assert (pair.near.events, pair.near.error) == (["made", "eof", "lost"], None)
        assert pair.far.events == ["made"]

    async def reset(pair: Pair) -> None:
        pair.server.kill(Death.RESET)
        await pair.world.sleep(1)
        assert isinstance(pair.near.error, ConnectionResetError)

    play(closed)
    play(reset)


def test_a_lost_machine_is_not_seen() -> None:
    """A peer without power says nothing; when it is back, its kernel resets what it is sent."""

    async def story(pair: Pair) -> None:
        pair.server.kill(Death.SILENT)
        pair.near.transport.write(b"hello?")
        await pair.world.sleep(30)
        assert pair.near.events == ["made"]
        pair.server.restart()
        await pair.world.sleep(5)
        assert isinstance(pair.near.error, ConnectionResetError)
        await pair.connect()

    play(story)


def test_a_reset_can_be_lost() -> None:
    """Aborted during a partition, the other side learns it only when it sends something."""

    async def story(pair: Pair) -> None:
        cut = pair.world.partition(["client"])
        pair.near.transport.abort()
        await pair.world.sleep(1)
        pair.world.heal(cut)
        await pair.world.sleep(30)
        assert pair.far.events == ["made"]
        pair.far.transport.write(b"still there?")
        await pair.world.sleep(1)
        assert isinstance(pair.far.error, ConnectionResetError)

    play(story)


def test_partitions_hold_up_and_heal() -> None:
    """What is sent during a partition arrives after it, in order; so does an end."""

    async def story(pair: Pair) -> None:
        cut = pair.world.partition(["client"], ["server"])
        pair.near.transport.write(b"one ")
        await pair.world.sleep(10)
        pair.near.transport.write(b"two")
        pair.near.transport.close()
        await pair.world.sleep(10)
        assert pair.far.received == b""
        pair.world.heal(cut)
        pair.world.heal(cut)
        await pair.world.sleep(5)
        assert pair.far.received == b"one two"
        assert pair.far.events == ["made", "eof", "lost"]

    play(story)


def test_one_way() -> None:
    """Only one direction may be cut."""

    async def story(pair: Pair) -> None:
        pair.world.cut_one_way(["client"], ["server"])
        pair.near.transport.write(b"ping")
        pair.far.transport.write(b"pong")
        await pair.world.sleep(10)
        assert pair.near.received == b"pong"
        assert not pair.far.received
        pair.world.heal()
        await pair.world.sleep(5)
        assert pair.far.received == b"ping"

    play(story)


def test_connections_cut_from_outside() -> None:
    """Connections can be reset at both ends, or go dead at both without notice."""

    async def reset(pair: Pair) -> None:
        pair.world.reset(["client"])
        await pair.world.sleep(1)
        assert isinstance(pair.near.error, ConnectionResetError)
        assert isinstance(pair.far.error, ConnectionResetError)

    async def half_open(pair: Pair) -> None:
        pair.world.sever(["server"])
        pair.near.transport.write(b"x")
        pair.far.transport.write(b"y")
        await pair.world.sleep(100)
        assert not pair.near.received
        assert not pair.far.received
        assert pair.near.events == pair.far.events == ["made"]
        other = await pair.connect()
        other.transport.write(b"z")
        await pair.world.sleep(1)
        assert pair.accepted[1].received == b"z"

    play(reset)
    play(half_open)


def test_paused_peers() -> None:
    """A connection to a paused process stands and fills up; resumed, it reads what came."""

    async def story(pair: Pair) -> None:
        pair.server.pause()
        other = await pair.connect()
        other.transport.write(b"x" * MEGABYTE)
        await pair.world.sleep(10)
        assert other.events == ["made", "pause"]
        pair.server.resume()
        await pair.world.sleep(10)
        assert len(pair.accepted[1].received) == MEGABYTE

    play(story)


def test_nobody_listens() -> None:
    """Dialling a host without a listener is refused; one that does not answer is given up."""

    async def scenario(world: World) -> None:
        a, b = world.host("a"), world.host("b")
        a.start(forever)
        b.start(forever)

        async def dial(name: str = "b") -> None:
            await asyncio.open_connection(name, PORT)

        with pytest.raises(ConnectionRefusedError):
            await a.call(dial)
        with pytest.raises(OSError, match="no host 'c'"):
            await a.call(lambda: dial("c"))
        b.kill(Death.SILENT)
        started = world.now
        with pytest.raises(TimeoutError):
            await a.call(dial)
        assert world.now - started == pytest.approx(127)

    with simulate() as world:
        world.run(scenario)


def test_dialling_gets_through_when_the_way_is_good_again() -> None:
    """A connection is made at the next attempt after a partition."""

    async def story(pair: Pair) -> None:
        cut = pair.world.partition(["client"])
        pair.world.loop.call_later(2, pair.world.heal, cut)
        started = pair.world.now
        await pair.connect()
        assert pair.world.now - started == pytest.approx(3.02)

    play(story)


def test_a_failing_protocol_loses_its_connection() -> None:
    """An exception in ``data_received`` is told and cuts the connection, as asyncio does it."""

    async def story(pair: Pair) -> None:
        def fail(data: bytes) -> None:
            raise ValueError(data)

        pair.far.data_received = fail  # type: ignore[method-assign]
        pair.near.transport.write(b"x")
        await pair.world.sleep(1)

    with pytest.raises(BrokenPromiseError, match=r"no exception escapes on server.*ValueError"):
        play(story)


def test_buffered_protocols() -> None:
    """A protocol may bring its own buffer, of whatever size."""
    seen = bytearray()

    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self._buffer = bytearray(3)

        @override
        def get_buffer(self, sizehint: int) -> bytearray:
            return self._buffer

        @override
        def buffer_updated(self, nbytes: int) -> None:
            seen.extend(self._buffer[:nbytes])

    async def story(pair: Pair) -> None:
        pair.far.transport.set_protocol(Buffered())
        assert isinstance(pair.far.transport.get_protocol(), Buffered)
        pair.near.transport.write(b"0123456789")
        await pair.world.sleep(1)
        assert seen == b"0123456789"

    play(story)


def test_streams_of_asyncio() -> None:
    """``start_server`` and ``open_connection`` work, on names, addresses and the own loopback."""

    async def serve(host: Host) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(answer, None, PORT)
        async with server:
            assert server.sockets[0].getsockname() == (ANY, PORT)
            await server.serve_forever()

    async def scenario(world: World) -> None:
        a, b = world.host("a"), world.host("b")
        a.start(serve)
        b.start(forever)
        await world.sleep(1)

        async def ask(name: str) -> bytes:
            reader, writer = await asyncio.open_connection(name, PORT)
            writer.write(b"hello\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

        assert await b.call(lambda: ask("a")) == b"HELLO\n"
        assert await b.call(lambda: ask(a.address)) == b"HELLO\n"
        assert await a.call(lambda: ask("localhost")) == b"HELLO\n"
        with pytest.raises(ConnectionRefusedError):
            await b.call(lambda: ask("localhost"))

    with simulate() as world:
        world.run(scenario)


def test_what_transports_tell() -> None:
    """Addresses, limits and stand-ins for sockets are there for who asks."""

    async def story(pair: Pair) -> None:
        transport, other = pair.near.transport, pair.far.transport
        assert transport.get_extra_info("peername") == (pair.server.address, PORT)
        assert other.get_extra_info("peername") == transport.get_extra_info("sockname")
        sock = transport.get_extra_info("socket")
        sock.setsockopt(6, 1, 1)
        assert (sock.getsockopt(6, 1), sock.getsockopt(6, 2), sock.fileno()) == (1, 0, -1)
        assert sock.getpeername() == (pair.server.address, PORT)
        assert transport.get_write_buffer_limits() == (16_384, 65_536)
        transport.set_write_buffer_limits(low=10)
        assert transport.get_write_buffer_limits() == (10, 40)
        with pytest.raises(ValueError, match="must be >="):
            transport.set_write_buffer_limits(high=1, low=2)
        assert "SimTransport" in repr(transport)
        assert cast("Peer", transport.get_protocol()) is pair.near

    play(story)
