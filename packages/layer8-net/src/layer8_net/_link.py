# SPDX-License-Identifier: Apache-2.0
"""One TCP connection: bytes to frames, frames to bytes, and back-pressure in both directions.

A callback protocol rather than streams: whole batches of frames go to the owner in one call, and
what is written during one turn of the event loop leaves in few pieces.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from typing_extensions import override

from layer8_net._core.framing import LENGTH_SIZE
from layer8_net._core.pack import ENTRY_SIZE, packed
from layer8_net._core.priority import FairQueue
from layer8_net._core.switch_events import Pressure
from layer8_net._profiles import NATIVE, Profile

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from layer8_net._core.usual import Letter

__all__ = ["Link"]

_WRITE_HIGH: Final = 262_144
"""Bytes in the transport above which frames wait here, where their priority still counts."""
_FULL_SLACK: Final = 1_048_576
"""What single reads of several senders may add before they are held back, however low the limit."""
_MANY: Final = 32
"""Messages that are written without waiting for the end of the turn: the peer works on them while
this side makes the next ones. Two nodes with much to say would otherwise wait for each other."""
_QUIET: Final = 4
"""Turns with one message each after which the next is written at once."""
_PACK_BYTES: Final = 4096
"""Largest frame of several messages. No node has a lower limit, so whoever takes each of them takes
them together."""
_LARGE: Final = 65_536
"""Frames of this size are written on their own: copying them together costs more than it saves."""


class Link(asyncio.Protocol):
    """One connection.

    Args:
        on_frames: Told of complete frames, in order.
        on_closed: Told once that the connection is gone, with the reason in one line.
        frame_limit: Largest frame in bytes, until :meth:`raise_limit`.
        queue_bytes: Bytes that may wait to be written before the pressure is high.
        on_open: Told that the connection stands.
        on_pressure: Told whenever the pressure changes.
        profile: How the peer speaks.
    """

    def __init__(
        self,
        on_frames: Callable[[Link, list[bytes]], None],
        on_closed: Callable[[Link, str], None],
        *,
        frame_limit: int,
        queue_bytes: int,
        on_open: Callable[[Link], None] | None = None,
        on_pressure: Callable[[Link, Pressure], None] | None = None,
        profile: Profile = NATIVE,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_frames = on_frames
        self._on_closed = on_closed
        self._on_open = on_open
        self._on_pressure = on_pressure
        self._queue_bytes = queue_bytes
        self._decoder = profile.decoder(frame_limit)
        self._priority = profile.priority
        self._transport: asyncio.Transport | None = None
        self._batch: list[bytes] = []
        self._letters: list[Letter] = []
        """The last messages of the batch while they are alike; they are to be one frame."""
        self._letters_bytes = 0
        self._batch_bytes = 0
        self._count = 0
        """Messages in the batch."""
        self._waiting: FairQueue[bytes] = FairQueue()
        self._paused = False
        self._scheduled = False
        """Whether what is written until the end of the turn leaves together."""
        self._lone_turns = 0
        """The last turns in which there was one message only."""
        self._reason = ""
        self.error: Exception | None = None
        """What broke the connection, ``None`` while it stands and when it was closed."""
        self.unsent: list[bytes] = []
        """What waited here when the connection was gone; nothing of it reached the peer."""
        self._drained: list[asyncio.Future[None]] = []
        self._gone = self._loop.create_future()
        self._pressure = Pressure.NONE
        self.rx_frames = 0
        self.rx_bytes = 0
        self.tx_frames = 0
        self.tx_bytes = 0

    @property
    def open(self) -> bool:
        """Whether frames can be written."""
        return self._transport is not None and not self._reason

    @property
    def address(self) -> str:
        """Host of the peer."""
        name = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) else "?"

    @property
    def socket(self) -> socket.socket | None:
        """The socket, ``None`` when there is none any more."""
        return None if self._transport is None else self._transport.get_extra_info("socket")

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH)
        if self._on_open is not None:
            self._on_open(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        reason = self._reason or (str(exc) if exc else "closed by the peer")
        self._reason = reason
        self._transport = None
        if self._letters:
            self._seal()
        self.unsent = [*self._waiting.clear(), *self._batch]
        self._batch = []
        self._wake()
        if not self._gone.done():
            self._gone.set_result(None)
        self._on_closed(self, reason)

    # Reading

    @override
    def data_received(self, data: bytes) -> None:
        if self._reason:
            return
        self.rx_bytes += len(data)
        frames = self._decoder.feed(data)
        if frames:
            self.rx_frames += len(frames)
            self._on_frames(self, frames)
        self._check_limit()

    def raise_limit(self, limit_bytes: int) -> None:
        """Accept larger frames, and hand out those that came already."""
        self._decoder.raise_limit(limit_bytes)
        frames = self._decoder.feed(b"")
        if frames:
            self.rx_frames += len(frames)
            self._on_frames(self, frames)
        self._check_limit()

    def _check_limit(self) -> None:
        error = self._decoder.error
        if error is not None:
            self.abort(f"{error.code}: {error.message}")

    def hold(self) -> None:
        """Stop reading."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # Writing

    @property
    def pressure(self) -> Pressure:
        """How much waits to be written."""
        return self._pressure

    def send(self, frames: list[bytes]) -> None:
        """Write frames in this order, at the latest at the end of this turn; never waits."""
        if not self.open:
            return
        self.tx_frames += len(frames)
        if self._paused:
            for frame in frames:
                self._waiting.push(frame, self._priority(frame), len(frame))
            self._weigh()
        else:
            if self._letters:
                self._seal()
            self._batch += frames
            self._count += len(frames)
            self._batch_bytes += sum(map(len, frames))
            self._write_soon()

    def post(self, message: bytes | Letter) -> None:
        """Write one message as :meth:`send` does; messages that are alike may share a frame."""
        if isinstance(message, bytes) or self._paused or not self.open:
            self.send([bytes(message)])
            return
        letters = self._letters
        size = ENTRY_SIZE + len(message.data)
        if letters and (
            letters[0].template is not message.template or self._letters_bytes + size > _PACK_BYTES
        ):
            self._seal()
            letters = self._letters
        if not letters:
            self._letters_bytes = LENGTH_SIZE + message.template.size
        letters.append(message)
        self._letters_bytes += size
        self._batch_bytes += size
        self.tx_frames += 1
        self._count += 1
        self._write_soon()

    def _write_soon(self) -> None:
        if self._count >= _MANY or self._batch_bytes > _WRITE_HIGH:
            # Not later: a sender that never lets the loop turn must feel the pressure too.
            self._flush_now()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)
            if self._lone_turns >= _QUIET:
                # It will be the only one again: waiting would make nothing cheaper, only later.
                self._flush_now()

    def _seal(self) -> None:
        """Nothing is added any more to the messages that are alike."""
        letters, self._letters = self._letters, []
        self._batch.append(packed(letters) if len(letters) > 1 else bytes(letters[0]))

    async def drain(self, *, empty: bool = False) -> None:
        """Wait while more than the limit waits to be written, or until the connection is gone.

        Args:
            empty: Wait until nothing waits any more.
        """
        while self.open and (self._pressure or (empty and self._waiting)):
            waiter = self._loop.create_future()
            self._drained.append(waiter)
            await waiter

    def _flush(self) -> None:
        """The turn ends."""
        self._scheduled = False
        # Where it is quiet the one message has left already.
        expected = 0 if self._lone_turns >= _QUIET else 1
        self._lone_turns = self._lone_turns + 1 if self._count == expected else 0
        if self._count:
            self._flush_now()

    def _flush_now(self) -> None:
        if self._letters:
            self._seal()
        batch, self._batch, self._batch_bytes, self._count = self._batch, [], 0, 0
        self._write(batch)

    def _write(self, batch: list[bytes]) -> None:
        transport = self._transport
        if transport is None:
            return
        start = 0
        for index, frame in enumerate(batch):
            if len(frame) >= _LARGE:
                self._write_small(transport, batch[start:index])
                self.tx_bytes += len(frame)
                transport.write(frame)
                start = index + 1
        self._write_small(transport, batch[start:] if start else batch)

    def _write_small(self, transport: asyncio.Transport, frames: list[bytes]) -> None:
        if frames:
            data = frames[0] if len(frames) == 1 else b"".join(frames)
            self.tx_bytes += len(data)
            transport.write(data)

    @override
    def pause_writing(self) -> None:
        self._paused = True

    @override
    def resume_writing(self) -> None:
        self._paused = False
        while self._waiting and not self._paused:
            batch: list[bytes] = []
            size = 0
            while self._waiting and size < _WRITE_HIGH:
                frame = self._waiting.pop()
                size += len(frame)
                batch.append(frame)
            # The transport may call pause_writing in here, which ends the outer loop.
            self._write(batch)
        self._weigh()
        if self._pressure is Pressure.NONE:
            self._wake()

    def _weigh(self) -> None:
        waiting, limit = self._waiting.size_bytes, self._queue_bytes
        if waiting >= 2 * limit + _FULL_SLACK:
            pressure = Pressure.FULL
        elif waiting >= limit:
            pressure = Pressure.HIGH
        elif waiting < limit / 2:
            pressure = Pressure.NONE
        else:
            # Between half the limit and the limit nothing changes, so that it does not flutter.
            pressure = min(self._pressure, Pressure.HIGH)
        if pressure is not self._pressure:
            self._pressure = pressure
            if self._on_pressure is not None:
                self._on_pressure(self, pressure)

    def _wake(self) -> None:
        waiters, self._drained = self._drained, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # Closing

    def close(self, reason: str) -> None:
        """Write what the transport has, then close; the queue is given up."""
        if self._transport is not None and not self._reason:
            self._flush_now()
            self._reason = reason
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once."""
        if self._transport is not None:
            self._reason = self._reason or reason
            self._transport.abort()

    async def wait_closed(self, timeout: float) -> None:
        """Wait until the connection is gone; after ``timeout`` seconds it is cut."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wait([self._gone])
        except TimeoutError:
            self.abort("closed")
            await asyncio.wait([self._gone])
