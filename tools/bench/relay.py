# SPDX-License-Identifier: Apache-2.0
"""The bare limit of request and reply through one hop: TCP, three processes, nothing else.

A client sends frames (four bytes of length, then the payload) to a relay, which passes bytes on
without looking at them, to a server that answers each frame with an equal one. Whatever a switch
does for its users comes on top of this. uvloop is used where it is to be had.
"""

import asyncio
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, cast

from typing_extensions import override

if sys.platform == "win32":
    from asyncio import run
else:
    from uvloop import run

PAYLOAD: Final = bytes(100)
OUTSTANDING: Final = (1, 64)
"""How many requests wait for their replies at a time."""
WARM_UP: Final = 0.3
"""Seconds of traffic before the clock is started."""
LENGTH: Final = struct.Struct("!I")
FRAME: Final = LENGTH.pack(len(PAYLOAD)) + PAYLOAD


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

    def __init__(self, other: "Pipe | None" = None) -> None:
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

    def __init__(self, handle: Callable[["Frames", bytes, int], None]) -> None:
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

    def __init__(self) -> None:
        self.replies = 0

    def handle(self, link: Frames, _data: bytes, count: int) -> None:
        """Count the replies and send as many new requests."""
        self.replies += count
        link.send(FRAME * count)


async def listen(protocol: Callable[[], Link]) -> None:
    """Serve on a free port, print it, and go on until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


async def serve_echo() -> None:
    """Answer every frame with an equal one."""
    await listen(lambda: Frames(lambda link, data, _count: link.send(data)))


async def serve_relay(port: int) -> None:
    """Pass the bytes of one client on to a port, and back."""
    loop = asyncio.get_running_loop()
    _, upstream = await loop.create_connection(Pipe, "127.0.0.1", port)
    await listen(lambda: Pipe(upstream))


@contextmanager
def process(*arguments: str) -> Iterator[int]:
    """Start this module as a process and yield the port that it prints; end it afterwards."""
    command = [sys.executable, "-m", "tools.bench.relay", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        stdin, stdout = started.stdin, started.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process was started without pipes")
        try:
            yield int(stdout.readline())
        finally:
            stdin.close()


async def count_replies(port: int, outstanding: int, seconds: float) -> float:
    """Return the replies per second that a client gets."""
    client = Client()
    loop = asyncio.get_running_loop()
    _, link = await loop.create_connection(lambda: Frames(client.handle), "127.0.0.1", port)
    link.send(FRAME * outstanding)
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
    """Return the replies per second for each number of outstanding requests."""
    figures = {}
    for outstanding in OUTSTANDING:
        with ExitStack() as started:
            echo = started.enter_context(process("echo"))
            relay = started.enter_context(process("relay", str(echo)))
            rate = run(count_replies(relay, outstanding, seconds))
        figures[f"{outstanding} outstanding"] = rate
    return figures


if __name__ == "__main__":
    run(serve_echo() if sys.argv[1] == "echo" else serve_relay(int(sys.argv[2])))
