# SPDX-License-Identifier: Apache-2.0
"""Answers in parts over real sockets: order, credit, ends of every kind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ConflictError,
    OverloadedError,
    RemoteError,
    RemoteProtocolError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.settings import NodeSettings
from l8types.values import Message, ServiceKey
from layer8_net import VNicOptions
from layer8_net._core.stream import INITIAL_BYTES, INITIAL_PARTS
from layer8_net._streams import Inlet
from layer8_net.errors import LinkLostError, PayloadTooLargeError, PeerLostError

from .fakes import FakeElements, cut_off, make_switch, node, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from layer8_net import TcpVNic

BOOKS = ServiceKey("Books", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)


class Source:
    """Makes parts as long as they are wanted."""

    def __init__(self, count: int = 1_000_000, size: int = 10) -> None:
        self.count = count
        self.size = size
        self.made = 0
        self.closed = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def is_closed(self, times: int) -> bool:
        return self.closed == times

    async def __call__(
        self, elements: FakeElements, message: Message
    ) -> AsyncIterator[FakeElements]:
        try:
            while self.made < self.count:
                await self.gate.wait()
                self.made += 1
                yield FakeElements((self.made, bytes(self.size)))
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1


async def _read(vnic: TcpVNic, target: str | MulticastMode, **more: float) -> list[object]:
    return [part.first async for part in vnic.stream(target, *ASK, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "size"), [(0, 0), (1, 0), (5000, 10), (40, 200_000)])
async def test_complete_and_in_order(count: int, size: int) -> None:
    """All parts arrive in order, however many and large, and nothing is left behind."""
    source = Source(count, size)
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source) as provider,
        node(switch) as reader,
    ):
        await until(lambda: bool(reader.directory.providers(BOOKS)))
        for target in (provider.uuid, MulticastMode.ROUND_ROBIN):
            source.made = 0
            assert await _read(reader, target) == list(range(1, count + 1))
        assert reader.statistics().pending_requests == 0
        await until(lambda: provider.statistics().active_streams == 0)
        assert source.closed == 2
        controls = reader._core.controls
        assert controls is not None
        assert controls.windows == {}


@pytest.mark.parametrize("size", [10, 50_000, 3 * INITIAL_BYTES])
async def test_slow_reader_holds_the_maker_back(size: int) -> None:
    """No more is made than the window holds, in parts and in bytes, while nobody reads."""
    source = Source(size=size)
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source) as provider,
        node(switch) as reader,
    ):
        async with aclosing(reader.stream(provider.uuid, *ASK)) as stream:
            assert (await anext(stream)).first == 1
            # Answers to requests behind the parts: all that was on its way has arrived.
            for _ in range(5):
                await reader.request(provider.uuid, *ASK, "x")
            assert source.made <= min(INITIAL_PARTS, INITIAL_BYTES // max(size, 1) + 1) + 1
            for expected in range(2, 200 if size < INITIAL_BYTES else 10):
                assert (await anext(stream)).first == expected
        await until(lambda: source.closed == 1)


async def test_reader_that_stops() -> None:
    """The maker's iterator is closed when the reader leaves the loop, is cancelled, or forgets."""
    source = Source()
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source) as provider,
        node(switch) as reader,
    ):
        async for _ in reader.stream(provider.uuid, *ASK):
            break
        await until(lambda: source.closed == 1)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(reader, provider.uuid))
            await until(lambda: source.made > 1000)
            reading.cancel()
        await until(lambda: source.closed == 2)
        assert reader.statistics().pending_requests == 0


async def test_idle_maker() -> None:
    """The time-out is for each part: it ends a stream that stands still, and frees the maker."""
    source = Source()
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source) as provider,
        node(switch) as reader,
    ):
        async with aclosing(reader.stream(provider.uuid, *ASK, timeout=0.05)) as stream:
            for _ in range(5):
                # Reading slowly is not waiting: it does not use up the time.
                await asyncio.sleep(0.03)
                await anext(stream)
            source.gate.clear()
            with pytest.raises(RequestTimeoutError, match=r"within 0\.05 s"):
                await _drain(stream)
        await until(lambda: source.closed == 1)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ConflictError("no more"), ConflictError, "no more"),
        (ZeroDivisionError("inside"), RemoteError, "the service failed: ZeroDivisionError"),
    ],
)
async def test_error_at_the_end(error: Exception, kind: type[Exception], text: str) -> None:
    """The parts before an error are read, then it is raised as the class that it names."""
    source = Source(3)
    source.error = error
    async with make_switch() as switch, node(switch, BOOKS, streamer=source) as one:
        stream = one.stream(one.uuid, *ASK)
        assert [(await anext(stream)).first for _ in range(3)] == [1, 2, 3]
        with pytest.raises(kind, match=text):
            await anext(stream)


async def test_lost_connections() -> None:
    """A stream whose maker dies, or whose own connection breaks, ends with an error by name."""
    for who, kind in (("provider", PeerLostError), ("reader", LinkLostError)):
        source = Source()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, streamer=source) as provider,
            node(switch) as reader,
        ):
            stream = reader.stream(provider.uuid, *ASK)
            await anext(stream)
            cut_off(provider if who == "provider" else reader)
            with pytest.raises(kind):
                await _drain(stream)
            await until(partial(source.is_closed, 1))


async def test_provider_that_is_left() -> None:
    """A node that is left breaks its streams off, and their readers are told."""
    source = Source()
    async with make_switch() as switch, node(switch) as reader:
        async with node(switch, BOOKS, streamer=source) as provider:
            stream = reader.stream(provider.uuid, *ASK)
            await anext(stream)
        assert source.closed == 1
        with pytest.raises(UnavailableError, match="shutting down"):
            await _drain(stream)


async def test_part_that_is_too_large() -> None:
    """A part above the limit of a message ends the stream by name; the connection stands."""
    small = NodeSettings(max_frame_bytes=4096)
    source = Source(size=5000)
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source, settings=small) as one,
    ):
        with pytest.raises(PayloadTooLargeError, match="above max_frame_bytes 4096"):
            await _read(one, one.uuid)
        assert one.connected


async def test_too_many() -> None:
    """More streams than the limit are refused by name; the others go on."""
    source = Source()
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source, options=VNicOptions(max_streams=1)) as provider,
        node(switch) as reader,
        aclosing(reader.stream(provider.uuid, *ASK)) as first,
    ):
        await anext(first)
        with pytest.raises(OverloadedError, match="no more than 1 streams"):
            await _read(reader, provider.uuid)
        await anext(first)


async def test_maker_that_ignores_credit() -> None:
    """W-16: a peer that sends beyond its credit loses the stream, not our memory."""

    async def wait(elements: FakeElements, message: Message) -> AsyncIterator[FakeElements]:
        asked.append(message)
        await asyncio.Event().wait()
        yield elements

    asked: list[Message] = []
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=wait) as provider,
        node(switch) as reader,
        asyncio.TaskGroup() as tasks,
    ):
        reading = tasks.create_task(_fails(reader, provider.uuid))
        await until(lambda: len(asked) == 1)
        controls, link = provider._core.controls, provider._session.link
        assert controls is not None
        assert link is not None
        part = reader.resources.elements.of(1).encode()
        link.send([controls.part_frame(asked[0], part)] * (3 * INITIAL_PARTS))
        assert isinstance(await reading, RemoteProtocolError)
        await until(lambda: provider.statistics().active_streams == 0)


async def test_order_beside_requests() -> None:
    """Streams and requests of the same nodes do not disturb each other."""
    source = Source(300)
    async with (
        make_switch() as switch,
        node(switch, BOOKS, streamer=source) as provider,
        node(switch) as reader,
    ):
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(reader, provider.uuid))
            asked = [tasks.create_task(reader.request(provider.uuid, *ASK, n)) for n in range(100)]
        assert reading.result() == list(range(1, 301))
        assert [one.result().first for one in asked] == list(range(100))


async def test_inlet_gives_parts_before_the_error() -> None:
    """What came before an error is read before it is raised."""
    inlet = Inlet()
    inlet.push("a", b"1")
    inlet.push("b", b"2")
    inlet.set_exception(ConflictError("x"))
    assert inlet.done()
    assert (inlet.source, await inlet.next(), await inlet.next()) == ("b", b"1", b"2")
    with pytest.raises(ConflictError):
        await inlet.next()


async def _drain(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


async def _fails(reader: TcpVNic, target: str) -> Exception | None:
    try:
        await _read(reader, target)
    except RemoteProtocolError as error:
        return error
    return None
