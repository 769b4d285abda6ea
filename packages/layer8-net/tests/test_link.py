# SPDX-License-Identifier: Apache-2.0
"""One connection, against a transport that the test controls."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from l8types.enums import Priority
from l8types.values import Message
from layer8_net._core.frame import encode_message
from layer8_net._core.framing import FrameDecoder
from layer8_net._core.pack import count_of, messages_of
from layer8_net._core.switch_events import Pressure
from layer8_net._core.usual import Letter, Repeated
from layer8_net._link import Link


class FakeTransport:
    """Keeps what is written and calls back like a real one."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.written: list[bytes] = []
        self.reading = True
        self.closed = ""
        self.block_after = -1

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.7", 1234) if name == "peername" else None

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if len(self.written) == self.block_after and self.link is not None:
            self.link.pause_writing()

    def is_closing(self) -> bool:
        return bool(self.closed)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, how: str) -> None:
        if not self.closed and self.link is not None:
            self.closed = how
            asyncio.get_running_loop().call_soon(self.link.connection_lost, None)


class Side:
    """A link with everything that it told."""

    def __init__(self, frame_limit: int = 1000, queue_bytes: int = 1000) -> None:
        self.transport = FakeTransport()
        self.frames: list[bytes] = []
        self.reasons: list[str] = []
        self.pressures: list[Pressure] = []
        self.link = Link(
            lambda _, frames: self.frames.extend(frames),
            lambda _, reason: self.reasons.append(reason),
            frame_limit=frame_limit,
            queue_bytes=queue_bytes,
            on_pressure=lambda _, pressure: self.pressures.append(pressure),
        )
        self.transport.link = self.link
        self.link.connection_made(cast("asyncio.BaseTransport", self.transport))


def _frame(size: int, priority: int = 0, mark: int = 0) -> bytes:
    body = bytes([1, 16, priority << 4, mark]) + bytes(size - 8)
    return (size - 4).to_bytes(4, "big") + body


async def _turn() -> None:
    await asyncio.sleep(0)


async def test_many_small_frames_do_not_wait_for_the_end_of_the_turn() -> None:
    """The peer gets the first of them while the others are made."""
    side = Side()
    frames = [_frame(10, mark=mark) for mark in range(40)]
    for frame in frames:
        side.link.send([frame])
    [first] = side.transport.written
    await _turn()
    [_, second] = side.transport.written
    assert len(first) == 32 * 10
    assert first + second == b"".join(frames)


async def test_writes_are_coalesced() -> None:
    """What is sent in one turn of the loop leaves in one piece, large frames on their own."""
    side = Side()
    small, large = _frame(10), _frame(70_000)
    side.link.send([small])
    side.link.send([small, large, small])
    assert side.transport.written == []
    await _turn()
    assert side.transport.written == [small + small, large, small]
    assert (side.link.tx_frames, side.link.tx_bytes) == (4, 70_030)


async def test_a_lone_message_does_not_wait_for_the_end_of_the_turn() -> None:
    """Where one message at a time is said, it leaves at once; where more are, together."""
    side = Side()
    written = side.transport.written
    one = _frame(10)
    for number in range(4):
        side.link.send([one])
        assert len(written) == number
        await _turn()
    side.link.send([one])
    assert len(written) == 5
    side.link.send([one])
    side.link.send([one])
    assert len(written) == 5
    await _turn()
    assert written == [one] * 5 + [one + one]
    side.link.send([one])
    assert len(written) == 6
    await _turn()
    assert written[6:] == [one]


async def test_a_sender_that_never_lets_go() -> None:
    """Much in one turn is written at once, so that the sender feels the pressure."""
    side = Side()
    side.transport.block_after = 1
    for _ in range(60):
        side.link.send([_frame(10_000)])
    assert len(side.transport.written) == 1
    assert side.link.pressure is Pressure.HIGH


@pytest.mark.feature("NIC-05", "WIR-07")
async def test_pressure_and_priority() -> None:
    """While the transport is full frames wait by priority, and the pressure is told."""
    side = Side()
    side.link.pause_writing()
    side.link.send([_frame(600, mark=1), _frame(600, mark=2), _frame(600, priority=7, mark=3)])
    assert side.pressures == [Pressure.HIGH]
    waiting = asyncio.create_task(side.link.drain())  # noqa: TID251 - awaited below
    await _turn()
    assert not waiting.done()
    side.link.resume_writing()
    await waiting
    assert side.pressures == [Pressure.HIGH, Pressure.NONE]
    data = b"".join(side.transport.written)
    assert [data[start + 7] for start in range(0, 1800, 600)] == [3, 1, 2]


async def test_full() -> None:
    """Far above the limit the pressure is full, and it eases step by step."""
    side = Side()
    side.link.pause_writing()
    side.link.send([_frame(600_000), _frame(600_000)])
    assert side.pressures == [Pressure.FULL]
    side.transport.block_after = 1
    side.link.resume_writing()
    assert side.pressures == [Pressure.FULL, Pressure.HIGH]
    side.transport.block_after = -1
    side.link.resume_writing()
    assert side.pressures[-1] is Pressure.NONE


async def test_drain_to_the_end() -> None:
    """Who leaves waits until nothing waits any more."""
    side = Side()
    side.link.pause_writing()
    side.link.send([_frame(10)])
    await side.link.drain()
    waiting = asyncio.create_task(side.link.drain(empty=True))  # noqa: TID251 - awaited below
    await _turn()
    assert not waiting.done()
    side.link.resume_writing()
    await waiting


async def test_drain_ends_with_the_connection() -> None:
    """Nobody waits for a connection that is gone."""
    side = Side()
    side.link.pause_writing()
    side.link.send([_frame(2000)])
    waiting = asyncio.create_task(side.link.drain())  # noqa: TID251 - awaited below
    await _turn()
    side.link.connection_lost(OSError("reset"))
    await waiting
    assert side.reasons == ["reset"]
    side.link.send([_frame(10)])
    assert side.transport.written == []


@pytest.mark.feature("WIR-01")
async def test_frame_above_the_limit() -> None:
    """A frame above the limit cuts the connection, after the good frames before it."""
    side = Side(frame_limit=20)
    good = _frame(10)
    side.link.data_received(good + _frame(100))
    assert side.frames == [good]
    assert side.transport.closed == "aborted"
    side.link.data_received(good)
    await _turn()
    assert side.frames == [good]
    assert side.reasons == ["frame-too-large: frame of 96 bytes is above the limit of 20"]


async def test_raised_limit() -> None:
    """Frames that came before the limit was raised are handed out then."""
    side = Side(frame_limit=20)
    large = _frame(100)

    def shake(_: Link, frames: list[bytes]) -> None:
        side.frames += frames
        if len(side.frames) == 1:
            side.link.raise_limit(200)

    side.link._on_frames = shake
    side.link.data_received(_frame(10) + large)
    assert side.frames == [_frame(10), large]
    side.link.data_received(_frame(300))
    assert side.transport.closed == "aborted"


async def test_reading_stops() -> None:
    """Reading stops and goes on as the owner says, and not on a closed transport."""
    side = Side()
    side.link.hold()
    assert not side.transport.reading
    side.link.release()
    assert side.transport.reading
    side.link.abort("over")
    side.link.hold()
    assert side.transport.reading


@pytest.mark.feature("NIC-17")
async def test_close() -> None:
    """Closing writes what was sent before, tells the first reason once, and may be repeated."""
    side = Side()
    side.link.send([_frame(10)])
    side.link.close("done")
    side.link.close("again")
    assert not side.link.open
    await side.link.wait_closed(1.0)
    assert side.transport.written == [_frame(10)]
    assert side.reasons == ["done"]
    side.link.abort("late")


async def test_close_that_hangs() -> None:
    """A connection that does not close in time is cut."""
    side = Side()
    side.transport.close = lambda: None  # type: ignore[method-assign]
    side.link.close("done")
    await side.link.wait_closed(0.01)
    assert side.transport.closed == "aborted"


async def test_address() -> None:
    """The address of the peer is its host."""
    assert Side().link.address == "192.0.2.7"


def _letters(count: int, size: int, service: str = "S") -> list[Letter]:
    repeated, message = Repeated(), Message(source="a" * 36, service=service)
    repeated.learn((), encode_message(message), b"")
    made = [repeated.letter((), number, 0.0, bytes(size)) for number in range(count)]
    return [one for one in made if one is not None]


async def test_messages_that_are_alike_share_frames() -> None:
    """What is posted in one turn leaves in packs, in its order with what is sent between."""
    side = Side()
    ones, others = _letters(3, 10), _letters(1, 10, "Other")
    plain = _frame(10)
    for one in (*ones[:2], *others, *ones[2:]):
        side.link.post(one)
    side.link.send([plain])
    side.link.post(plain)
    await _turn()
    [written] = side.transport.written
    frames = FrameDecoder(10_000).feed(written)
    assert list(map(count_of, frames[:3])) == [2, 1, 1]
    cut = [one for frame in frames[:3] for one in messages_of(frame)]
    assert cut == list(map(bytes, (*ones[:2], *others, *ones[2:])))
    assert frames[3:] == [plain, plain]
    assert side.link.tx_frames == 6


async def test_a_shared_frame_is_small() -> None:
    """A frame of several messages is as small as any peer takes."""
    side = Side()
    letters = _letters(9, 1000)
    for one in letters:
        side.link.post(one)
    await _turn()
    frames = FrameDecoder(10_000).feed(b"".join(side.transport.written))
    assert max(map(len, frames)) <= 4096
    assert len(frames) == 3
    assert [one for frame in frames for one in messages_of(frame)] == list(map(bytes, letters))


async def test_messages_that_are_alike_wait_one_by_one() -> None:
    """Where the transport is full, each message keeps its own priority."""
    side = Side(queue_bytes=100_000)
    first, *later = _letters(3, 10)
    side.link.post(first)
    side.link.pause_writing()
    for one in later:
        side.link.post(one)
    await _turn()
    side.link.resume_writing()
    assert b"".join(side.transport.written) == b"".join(map(bytes, (first, *later)))


async def test_what_was_posted_is_written_before_the_end() -> None:
    """Closing loses nothing of what was posted."""
    side = Side()
    letters = _letters(2, 10)
    for one in letters:
        side.link.post(one)
    side.link.close("the end")
    [frame] = side.transport.written
    assert messages_of(frame) == list(map(bytes, letters))
    side.link.post(letters[0])
    await _turn()
    assert side.transport.written == [frame]


async def test_what_never_left() -> None:
    """What waited when the connection broke is told, in order; what was written is not."""
    side = Side()
    sent, waiting, urgent = (
        encode_message(Message(service="S", sequence=number, priority=priority))
        for number, priority in enumerate((Priority.P8, Priority.P8, Priority.P1))
    )
    side.transport.block_after = 1
    side.link.send([sent])
    await asyncio.sleep(0)
    side.link.send([waiting])
    side.link.send([urgent])
    side.transport.abort()
    await asyncio.sleep(0)
    assert (side.transport.written, side.link.unsent) == ([sent], [waiting, urgent])


async def test_what_was_not_written_yet() -> None:
    """Nor is what the end of the turn would have written lost without a word."""
    side = Side()
    frames = [encode_message(Message(service="S", sequence=number)) for number in range(3)]
    side.link.send(frames[:1])
    side.link.send(frames[1:])
    side.link.connection_lost(None)
    assert [*side.transport.written, *side.link.unsent] == frames
