# SPDX-License-Identifier: Apache-2.0
"""A server of the simulated network: accepts connections to the ports of its host."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Self

from typing_extensions import override

from l8test.sim._sockets import Address, SimSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8test.sim._process import Process
    from l8test.sim._stream import SimTransport

__all__ = ["SimServer"]


class SimServer(asyncio.AbstractServer):
    """Listens on one or more addresses of a host.

    Args:
        process: Who listens.
        addresses: Where.
        accept: Makes a protocol for a connection; called in the context of who made the server.
    """

    def __init__(
        self,
        process: Process,
        addresses: list[Address],
        accept: Callable[[SimTransport], object],
    ) -> None:
        self._process = process
        self._addresses = addresses
        self._accept = accept
        self.context = contextvars.copy_context()
        self._serving = False
        self._closed: asyncio.Future[None] | None = None

    @property
    def process(self) -> Process:
        """Who listens."""
        return self._process

    @property
    def sockets(self) -> tuple[SimSocket, ...]:
        """Stand-ins that know the addresses; none once it is closed."""
        return tuple(SimSocket(address) for address in self._addresses) if self._serving else ()

    def listen(self) -> None:
        """Take the ports.

        Raises:
            OSError: One is taken already.
        """
        if self._serving:
            return
        try:
            for address in self._addresses:
                self._process.host.ports.listen(address, self)
        except OSError:
            self._process.host.ports.unlisten(self)
            raise
        self._serving = True
        self._process.servers[self] = None

    def connected(self, transport: SimTransport) -> None:
        """Take over this end of a new connection."""
        self._accept(transport)

    @override
    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._process.host.loop

    @override
    def is_serving(self) -> bool:
        return self._serving

    @override
    async def start_serving(self) -> None:
        self.listen()

    @override
    async def serve_forever(self) -> None:
        self.listen()
        self._closed = self.get_loop().create_future()
        try:
            await self._closed
        finally:
            self.close()

    @override
    def close(self) -> None:
        self.die()
        if self._closed is not None and not self._closed.done():
            self._closed.cancel()

    def die(self) -> None:
        """Free the ports."""
        self._serving = False
        self._process.host.ports.unlisten(self)
        self._process.servers.pop(self, None)

    @override
    async def wait_closed(self) -> None:
        """Nothing to wait for: its connections live on by themselves."""

    @override
    async def __aenter__(self) -> Self:
        return self

    @override
    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.wait_closed()
