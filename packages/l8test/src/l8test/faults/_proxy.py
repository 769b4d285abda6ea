# SPDX-License-Identifier: Apache-2.0
"""Stands between two ends of a TCP connection, and breaks it in the ways in which networks do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Proxy", "Way"]

_PIECE: Final = 65_536


class Way(Enum):
    """A direction."""

    FORTH = auto()
    """From who connected."""
    BACK = auto()
    """To who connected."""


class Proxy:
    """Passes connections to a port on, until it is told to do otherwise.

    Args:
        port: Where connections go.
        host: Its host.
        listen_port: Where it listens, 0 for any free port.

    Attributes:
        port: Where it listens, on loopback.
        accepted: How many connections came.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1", listen_port: int = 0) -> None:
        self._target = host, port
        self.port = listen_port
        self.accepted = 0
        self._pairs: set[_Pair] = set()
        self._refusing = False
        self._silent: frozenset[Way] = frozenset()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Cut what is connected and stop listening."""
        self._refusing = True
        self._server.close()
        self.cut()
        await self._tasks.__aexit__(None, None, None)

    @property
    def connections(self) -> int:
        """How many connections stand now."""
        return len(self._pairs)

    def cut(self) -> None:
        """Break all connections; both ends notice at once, and may connect again."""
        for pair in self._pairs:
            pair.cut()

    def refuse(self) -> None:
        """Break all connections, and those that come until :meth:`heal`."""
        self._refusing = True
        self.cut()

    def silence(self, *ways: Way) -> None:
        """Let all bytes vanish from now on, on new connections too.

        Neither end is told: this is what a pulled cable or a lost route looks like.

        Args:
            *ways: In which directions, both by default; the other one passes on.
        """
        self._silent = frozenset(ways or Way)
        for pair in self._pairs:
            pair.silent |= self._silent

    def heal(self) -> None:
        """Pass on again; connections that lost bytes are of no use any more and are cut."""
        self._refusing = False
        self._silent = frozenset()
        for pair in self._pairs:
            if pair.silent:
                pair.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._tasks.create_task(self._connect(reader, writer), name="proxy: connection")

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _abort(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _abort(writer)
            return
        pair = _Pair((reader, far_writer), (far_reader, writer), silent=self._silent)
        self._pairs.add(pair)
        try:
            if self._refusing:
                pair.cut()
            await pair.run()
        finally:
            self._pairs.discard(pair)


class _Pair:
    """One connection from end to end: what is read on one side is written on the other."""

    def __init__(
        self,
        *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        silent: frozenset[Way],
    ) -> None:
        self._ways = ways
        self.silent = silent

    async def run(self) -> None:
        """Until one side closes."""
        try:
            async with asyncio.TaskGroup() as group:
                for way, (reader, writer) in zip(Way, self._ways, strict=True):
                    group.create_task(self._pass_on(way, reader, writer), name="proxy: one way")
        finally:
            self.cut()
            for _, writer in self._ways:
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _pass_on(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                if way not in self.silent:
                    writer.write(data)
                    await writer.drain()
        if way not in self.silent:
            # Whatever the other direction still has to say is lost, as when a process is killed.
            self.cut()

    def cut(self) -> None:
        """Break both sides."""
        for _, writer in self._ways:
            _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, not with a polite end of the stream."""
    own = writer.get_extra_info("socket")
    if own is not None and own.fileno() >= 0:
        # Linger for no time at all: the kernel resets instead of finishing.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()
