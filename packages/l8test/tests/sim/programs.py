# SPDX-License-Identifier: Apache-2.0
"""Small programs that run on simulated hosts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from l8test.sim import Host, World

PORT = 7


class Peer(asyncio.Protocol):
    """Remembers what it is told, with the times.

    Args:
        keep_open: Whether it goes on sending after the end of what it receives.
    """

    def __init__(self, *, keep_open: bool = False) -> None:
        self.received = bytearray()
        self.times: list[float] = []
        self.events: list[str] = []
        self.error: Exception | None = None
        self.transport: Any = None
        self._keep_open = keep_open

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.events.append("made")

    @override
    def data_received(self, data: bytes) -> None:
        self.received += data
        self.times.append(asyncio.get_running_loop().time())

    @override
    def eof_received(self) -> bool:
        self.events.append("eof")
        return self._keep_open

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.events.append("lost")

    @override
    def pause_writing(self) -> None:
        self.events.append("pause")

    @override
    def resume_writing(self) -> None:
        self.events.append("resume")


async def forever(host: Host) -> None:
    """Do nothing, without end."""
    await asyncio.Event().wait()


class Pair:
    """A client on one host, connected to a server on another.

    Args:
        world: Where they are.
        keep_open: Whether the server goes on sending after the end of what it receives.
    """

    def __init__(self, world: World, *, keep_open: bool = False) -> None:
        self.world = world
        self.client = world.host("client")
        self.server = world.host("server")
        self.accepted: list[Peer] = []
        self.near = Peer()
        self._keep_open = keep_open

    @property
    def far(self) -> Peer:
        """The server's end of the first connection."""
        return self.accepted[0]

    async def open(self) -> None:
        """Start both hosts and connect."""
        self.server.start(self.serve)
        self.client.start(forever)
        await self.world.sleep(0.1)
        self.near = await self.connect()

    async def serve(self, host: Host) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        await loop.create_server(self._accept, host.address, PORT)
        await asyncio.Event().wait()

    async def connect(self) -> Peer:
        """One more connection; the client's end of it."""

        async def dial() -> Peer:
            loop = asyncio.get_running_loop()
            _, peer = await loop.create_connection(Peer, "server", PORT)
            return peer

        return await self.client.call(dial)

    def _accept(self) -> Peer:
        peer = Peer(keep_open=self._keep_open)
        self.accepted.append(peer)
        return peer
