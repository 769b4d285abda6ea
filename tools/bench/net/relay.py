# SPDX-License-Identifier: Apache-2.0
"""The bare limit of request and reply through one hop: TCP, three processes, nothing else.

A client sends frames (four bytes of length, then the payload) to a relay, which passes bytes on
without looking at them, to a server that answers each frame with an equal one. Whatever a switch
does for its users comes on top of this. uvloop is used where it is to be had.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, cast

from typing_extensions import override

from tools.bench.net._load import OUTSTANDING, SIZES, WARM_UP, figure
from tools.bench.net._process import process, until_end_of_input

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.platform == "win32":
    from asyncio import run
else:
    from uvloop import run

LENGTH: Final = struct.Struct("!I")
MODULE: Final = "tools.bench.net.relay"


class Link(asyncio.Protocol):
    """One connection that can be written to; the base of all ends."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.lost.set()

    def send(self, data: bytes) -> None:
        """Write, unless the connection is gone."""
        if self.transport is not None:
            self.transport.write(data)


class Pipe(Link):
    """One side of the relay: what it reads is written to the other side."""

    def __init__(self, other: Pipe | None = None) -> None:
        super().__init__()
        self.other = other
        if other is not None:
            other.other = self

    @override
    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.send(data)


class Frames(Link):
    """Cuts what arrives into frames and hands them on, as many at a time as there are."""

    def __init__(self, handle: Callable[[Frames, bytes, int], None]) -> None:
        super().__init__()
        self._handle = handle
        self._rest = b""

    @override
    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data if self._rest else data
        start = count = 0
        while len(buffer) - start >= LENGTH.size:
            end = start + LENGTH.size + LENGTH.unpack_from(buffer, start)[0]
            if end > len(buffer):
                break
            start, count = end, count + 1
        self._rest = buffer[start:]
        if count:
            self._handle(self, buffer[:start], count)


class Client:
    """Keeps a number of requests outstanding and counts the replies."""

    def __init__(self, size: int) -> None:
        self.frame = LENGTH.pack(size) + bytes(size)
        self.replies = 0

    def handle(self, link: Frames, _data: bytes, count: int) -> None:
        """Count the replies and send as many new requests."""
        self.replies += count
        link.send(self.frame * count)


async def listen(protocol: Callable[[], Link]) -> None:
    """Serve on a free port, print it, and go on until standard input ends."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    await until_end_of_input(server.sockets[0].getsockname()[1])
    server.close()


async def serve_echo() -> None:
    """Answer every frame with an equal one."""
    await listen(lambda: Frames(lambda link, data, _count: link.send(data)))


async def serve_relay(port: int) -> None:
    """Pass the bytes of one client on to a port, and back."""
    loop = asyncio.get_running_loop()
    _, upstream = await loop.create_connection(Pipe, "127.0.0.1", port)
    await listen(lambda: Pipe(upstream))


async def count_replies(port: int, outstanding: int, size: int, seconds: float) -> float:
    """Return the replies per second that a client gets."""
    client = Client(size)
    loop = asyncio.get_running_loop()
    _, link = await loop.create_connection(lambda: Frames(client.handle), "127.0.0.1", port)
    link.send(client.frame * outstanding)
    await asyncio.sleep(WARM_UP)
    before, begin = client.replies, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (client.replies - before) / (time.perf_counter() - begin)
    if link.transport is None:
        raise RuntimeError("the relay closed the connection before the time was over")
    link.transport.close()
    await link.lost.wait()
    return rate


def measure(seconds: float) -> dict[str, float]:
    """Return the replies per second for each load."""
    figures = {}
    for size in SIZES:
        for outstanding in OUTSTANDING:
            with ExitStack() as started:
                echo = started.enter_context(process(MODULE, "echo"))
                relay = started.enter_context(process(MODULE, "relay", echo.port))
                rate = run(count_replies(relay.port, outstanding, size, seconds))
            figures[figure(outstanding, size)] = rate
    return figures


if __name__ == "__main__":
    run(serve_echo() if sys.argv[1] == "echo" else serve_relay(int(sys.argv[2])))
