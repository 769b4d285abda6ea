# SPDX-License-Identifier: Apache-2.0
"""One end of a simulated connection: bytes in order, with delays, back-pressure and an end.

Behaves towards its protocol as the transports of asyncio do, and towards the other end as TCP does
through two kernels: what was sent before the end arrives, a limited window is on its way, what is
lost is repeated and holds up what follows, and a peer that is gone answers with a reset or, if its
host is gone too, not at all.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Context

    from l8test.sim._network import Network
    from l8test.sim._process import Process
    from l8test.sim._sockets import SimSocket

__all__ = ["SimTransport"]

_WINDOW: Final = 262_144
"""Bytes that may be on their way or wait at a receiver that does not read."""
_HIGH: Final = 65_536
"""Default mark of a transport's buffer above which its protocol is asked to pause."""

_Segment = list[bytes]
"""Pieces that arrive together; the empty list is the end of the stream."""


class SimTransport(asyncio.Transport):
    """One end of a connection.

    Args:
        network: Carries the bytes.
        process: Whose end it is.
        ends: Both addresses.
        context: In which its protocol is called.
    """

    def __init__(
        self, network: Network, process: Process, ends: SimSocket, context: Context
    ) -> None:
        super().__init__(
            {"socket": ends, "sockname": ends.getsockname(), "peername": ends.getpeername()}
        )
        self.process = process
        self.host = process.host
        self.context = context
        self.peer: SimTransport = self
        self.gone = False
        """Whether this end exists no more: closed, reset, or its process is dead."""
        self.severed = False
        """Whether nothing passes any more, without either end being told."""
        self._network = network
        self._loop = network.loop
        self._protocol: asyncio.Protocol | None = None
        self._buffered_protocol: asyncio.BufferedProtocol | None = None
        self._closing = False
        self._eof = False
        self._fin_sent = False
        # Sending
        self._buffer: deque[bytes] = deque()
        self._buffer_size = 0
        self._high = _HIGH
        self._low = _HIGH // 4
        self._paused_protocol = False
        self._in_flight = 0
        self._pumping = False
        self._line_free = 0.0
        self._last_arrival = 0.0
        self._open_segment: _Segment | None = None
        self._stalled: list[bytes] = []
        self._stalled_fin = False
        # Receiving
        self._reading = True
        self._received: deque[_Segment] = deque()
        process.connections[self] = None

    # What asyncio's users see

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)
        buffered = isinstance(protocol, asyncio.BufferedProtocol)
        self._buffered_protocol = cast("asyncio.BufferedProtocol", protocol) if buffered else None

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None  # noqa: S101 - set before anybody sees the transport
        return self._protocol

    @override
    def is_closing(self) -> bool:
        return self._closing

    @override
    def is_reading(self) -> bool:
        return self._reading and not self._closing

    @override
    def get_write_buffer_size(self) -> int:
        return self._buffer_size

    @override
    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = _HIGH if low is None else 4 * low
        self._low = high // 4 if low is None else low
        self._high = high
        if not 0 <= self._low <= high:
            raise ValueError(f"high ({high}) must be >= low ({self._low}) must be >= 0")
        self._weigh()

    @override
    def can_write_eof(self) -> bool:
        return True

    # Sending

    @override
    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing or not data:
            return
        piece = bytes(data)
        if not self._buffer:
            room = _WINDOW - self._in_flight
            if len(piece) <= room:
                self._transmit(piece)
                return
            if room > 0:
                self._transmit(piece[:room])
                piece = piece[room:]
        self._buffer.append(piece)
        self._buffer_size += len(piece)
        self._weigh()

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    @override
    def write_eof(self) -> None:
        if self._closing or self._eof:
            return
        self._eof = True
        if not self._buffer:
            self._send_fin()

    def _weigh(self) -> None:
        if not self._paused_protocol and self._buffer_size > self._high:
            self._paused_protocol = True
            self.get_protocol().pause_writing()
        elif self._paused_protocol and self._buffer_size <= self._low:
            self._paused_protocol = False
            self.get_protocol().resume_writing()

    def _pump(self) -> None:
        """Send of the buffer what the window has room for."""
        self._pumping = False
        if self.gone:
            return
        while self._buffer and (room := _WINDOW - self._in_flight) > 0:
            piece = self._buffer.popleft()
            if len(piece) > room:
                self._buffer.appendleft(piece[room:])
                piece = piece[:room]
            self._buffer_size -= len(piece)
            self._transmit(piece)
        self._weigh()
        if not self._buffer:
            if self._closing:
                self._finish(None)
            elif self._eof:
                self._send_fin()

    def consumed(self, size: int) -> None:
        """The other end has read; the news of it takes a way back."""
        self._in_flight -= size
        if self._buffer and not self._pumping and not self.gone:
            self._pumping = True
            way_back = self._network.quality(self.peer.host, self.host)
            self._loop.call_later(way_back.latency, self._pump, context=self.context)

    # On the way

    def reachable(self) -> bool:
        """Whether something sent now would arrive at the other host."""
        there = self.peer.host
        if self.severed or not there.powered:
            return False
        return not self._network.quality(self.host, there).cut

    def _transmit(self, piece: bytes) -> None:
        self._in_flight += len(piece)
        if self._stalled or not self.reachable():
            self._stalled.append(piece)
            self._network.stall(self)
        else:
            self._launch(piece)

    def _launch(self, piece: bytes) -> None:
        peer, loop = self.peer, self._loop
        quality = self._network.quality(self.host, peer.host)
        if peer.gone:
            # Its kernel does not know the connection and says so.
            loop.call_later(2 * quality.latency, self.reset, context=self.context)
            return
        now = loop.time()
        when = now + self._network.stream_delay(quality, len(piece))
        if quality.bandwidth:
            self._line_free = max(self._line_free, now) + len(piece) / quality.bandwidth
            when = max(when, self._line_free + quality.latency)
        if when <= self._last_arrival:
            segment = self._open_segment
            if segment:
                segment.append(piece)
                return
            when = self._last_arrival
        self._last_arrival = when
        self._open_segment = segment = [piece]
        loop.call_at(when, peer.arrive, segment, context=peer.context)

    def _send_fin(self) -> None:
        if self._fin_sent or self.peer.gone:
            return
        self._fin_sent = True
        if self._stalled or not self.reachable():
            self._stalled_fin = True
            self._network.stall(self)
        else:
            self._launch_fin()

    def _launch_fin(self) -> None:
        quality = self._network.quality(self.host, self.peer.host)
        when = max(self._last_arrival, self._loop.time() + self._network.stream_delay(quality, 0))
        self._last_arrival = when
        self._open_segment = None
        self._loop.call_at(when, self.peer.arrive, [], context=self.peer.context)

    def _send_reset(self) -> None:
        """Tell the other end that this one is gone; a reset that is lost is not repeated."""
        if self.peer.gone or not self.reachable():
            return
        quality = self._network.quality(self.host, self.peer.host)
        if quality.loss and self._network.random.random() < quality.loss:
            return
        delay = self._network.delay(quality)
        self._loop.call_later(delay, self.peer.reset, context=self.peer.context)

    def retry(self) -> None:
        """Send again what did not get through."""
        if not self.reachable():
            self._network.stall(self)
            return
        pieces, self._stalled = self._stalled, []
        for piece in pieces:
            self._launch(piece)
        if self._stalled_fin:
            self._stalled_fin = False
            if not self.peer.gone:
                self._launch_fin()

    # Receiving

    def arrive(self, segment: _Segment) -> None:
        """Something came from the other end."""
        if self.gone:
            if segment:
                self.peer.answer_reset()
            return
        if self._reading and not self._received:
            self._take(segment)
        else:
            self._received.append(segment)

    def answer_reset(self) -> None:
        """What was sent met nobody at the other end."""
        if self.reachable():
            quality = self._network.quality(self.peer.host, self.host)
            self._loop.call_later(quality.latency, self.reset, context=self.context)

    def _take(self, segment: _Segment) -> None:
        if not segment:
            if not self._closing and not self._told_eof():
                self.close()
            return
        data = segment[0] if len(segment) == 1 else b"".join(segment)
        # An empty segment is closed to later pieces: they would never be seen.
        segment.clear()
        self.peer.consumed(len(data))
        if self._closing:
            return
        try:
            if self._buffered_protocol is not None:
                _feed(self._buffered_protocol, data)
            else:
                cast("asyncio.Protocol", self._protocol).data_received(data)
        except Exception as error:  # noqa: BLE001 - as asyncio does: the connection is lost
            self._loop.call_exception_handler(
                {
                    "message": "Fatal error: protocol.data_received() call failed.",
                    "exception": error,
                    "transport": self,
                    "protocol": self._protocol,
                }
            )
            self._abort(error)

    def _told_eof(self) -> bool:
        """Whether the protocol wants to keep its side open."""
        return bool(cast("asyncio.Protocol", self._protocol).eof_received())

    @override
    def pause_reading(self) -> None:
        self._reading = False

    @override
    def resume_reading(self) -> None:
        if not self._reading and not self._closing:
            self._reading = True
            self._loop.call_soon(self._catch_up, context=self.context)

    def _catch_up(self) -> None:
        while self._received and self._reading and not self._closing:
            self._take(self._received.popleft())

    # The end

    @override
    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if not self._buffer:
            self._loop.call_soon(self._finish, None, context=self.context)

    @override
    def abort(self) -> None:
        self._abort(None)

    # What the TLS of asyncio asks of a transport beside its public functions.
    _start_tls_compatible = True

    def _force_close(self, error: Exception | None) -> None:
        self._abort(error)

    def _abort(self, error: Exception | None) -> None:
        if self.gone:
            return
        self._closing = True
        self._send_reset()
        self._leave()
        self._loop.call_soon(self.get_protocol().connection_lost, error, context=self.context)

    def _finish(self, error: Exception | None) -> None:
        if self.gone:
            return
        self._send_fin()
        self._leave()
        self.get_protocol().connection_lost(error)

    def reset(self) -> None:
        """The other end, or the network, cut the connection."""
        if self.gone:
            return
        self._closing = True
        self._leave()
        self.get_protocol().connection_lost(
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        )

    def die(self, *, fin: bool, reset: bool) -> None:
        """The process is dead; its kernel says goodbye for it, or not."""
        self._closing = True
        if reset:
            self._send_reset()
        elif fin:
            self._send_fin()
        if not fin:
            self._stalled.clear()
        self._leave()

    def _leave(self) -> None:
        self.gone = True
        self._buffer.clear()
        self._buffer_size = 0
        self._received.clear()
        self.process.connections.pop(self, None)

    def reset_soon(self) -> None:
        """Cut the connection from the outside, at both ends."""
        for end in (self, self.peer):
            self._loop.call_soon(end.reset, context=end.context)

    @override
    def __repr__(self) -> str:
        ends = f"{self.get_extra_info('sockname')} -> {self.get_extra_info('peername')}"
        return f"<SimTransport {ends}{' closing' if self._closing else ''}>"


def _feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Give data to a protocol that brings its own buffer."""
    rest = memoryview(data)
    while rest:
        buffer = memoryview(protocol.get_buffer(len(rest)))
        size = min(len(buffer), len(rest))
        buffer[:size] = rest[:size]
        protocol.buffer_updated(size)
        rest = rest[size:]
