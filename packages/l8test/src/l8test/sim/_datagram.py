# SPDX-License-Identifier: Apache-2.0
"""Datagrams: lost, doubled and overtaken as the way is bad."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
import socket
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from l8test.sim._sockets import ANY, LOOPBACK, Address, SimSocket

if TYPE_CHECKING:
    from l8test.sim._host import Host
    from l8test.sim._network import Network
    from l8test.sim._process import Process

__all__ = ["BROADCAST", "SimDatagramTransport"]

BROADCAST: Final = "255.255.255.255"
_LIMIT: Final = 65_507
"""Bytes of the largest datagram."""
_HOLD: Final = 0.02
"""Mean of the seconds for which a datagram that is to be overtaken is held up."""


class SimDatagramTransport(asyncio.DatagramTransport):
    """An endpoint for datagrams.

    Args:
        network: Carries them.
        process: Whose it is.
        local: Where it is bound.
        remote: The only one it talks to, if any.
        broadcast: Whether it may send to all hosts.
    """

    def __init__(
        self,
        network: Network,
        process: Process,
        local: Address,
        remote: Address | None,
        *,
        broadcast: bool,
    ) -> None:
        ends = SimSocket(local, remote, socket.SOCK_DGRAM)
        super().__init__({"socket": ends, "sockname": local, "peername": remote})
        self.process = process
        self.context = contextvars.copy_context()
        self._network = network
        self._host = process.host
        self._local = local
        self._remote = remote
        self._broadcast = broadcast
        self._closing = False
        self._protocol: asyncio.DatagramProtocol | None = None
        process.endpoints[self] = None

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.DatagramProtocol", protocol)

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None  # noqa: S101 - set before anybody sees the transport
        return self._protocol

    @override
    def is_closing(self) -> bool:
        return self._closing

    @override
    def sendto(  # type: ignore[override]  # addresses of IPv4 alone
        self, data: bytes | bytearray | memoryview[Any], addr: Address | None = None
    ) -> None:
        if self._closing:
            return
        target = addr or self._remote
        if target is None:
            raise ValueError("a datagram needs an address; the endpoint has no remote one")
        if self._remote is not None and target != self._remote:
            raise ValueError(f"Invalid address: must be None or {self._remote}")
        if len(data) > _LIMIT:
            self._error(errno.EMSGSIZE)
        elif target[0] == BROADCAST:
            self._send_to_all(bytes(data), target[1])
        else:
            there = self._network.host_at(self._host, self._network.resolve(target[0]))
            if there is not None:
                self._send(bytes(data), there, (self._network.resolve(target[0]), target[1]))

    def _send_to_all(self, data: bytes, port: int) -> None:
        if not self._broadcast:
            self._error(errno.EACCES)
            return
        for host in self._network.hosts():
            self._send(data, host, (host.address, port))

    def _send(self, data: bytes, there: Host, target: Address) -> None:
        network = self._network
        quality = network.quality(self._host, there)
        rolled = network.random.random
        if quality.cut or not there.powered or (quality.loss and rolled() < quality.loss):
            return
        own = LOOPBACK if target[0] == LOOPBACK else self._host.address
        source = (own if self._local[0] == ANY else self._local[0], self._local[1])
        copies = 2 if quality.duplicate and rolled() < quality.duplicate else 1
        for _ in range(copies):
            delay = network.delay(quality)
            if quality.reorder and rolled() < quality.reorder:
                delay += network.random.expovariate(1 / _HOLD)
            for endpoint in there.ports.bound(target):
                network.loop.call_later(
                    delay, endpoint.arrive, data, source, context=endpoint.context
                )
            if self._remote is not None and not there.ports.bound(target):
                network.loop.call_later(
                    2 * delay, self._error, errno.ECONNREFUSED, context=self.context
                )

    def arrive(self, data: bytes, source: Address) -> None:
        """A datagram came."""
        if self._closing or (self._remote is not None and source != self._remote):
            return
        cast("asyncio.DatagramProtocol", self._protocol).datagram_received(data, source)

    def _error(self, number: int) -> None:
        if not self._closing:
            error = OSError(number, os.strerror(number))
            cast("asyncio.DatagramProtocol", self._protocol).error_received(error)

    @override
    def close(self) -> None:
        if not self._closing:
            self.die()
            self._network.loop.call_soon(
                self.get_protocol().connection_lost, None, context=self.context
            )

    @override
    def abort(self) -> None:
        self.close()

    def die(self) -> None:
        """Free the port."""
        self._closing = True
        self._host.ports.unbind(self)
        self.process.endpoints.pop(self, None)
