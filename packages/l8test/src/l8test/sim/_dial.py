# SPDX-License-Identifier: Apache-2.0
"""Making a connection: from the first packet until both ends have their protocols."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
from asyncio import sslproto
from typing import TYPE_CHECKING, Any, Final

from l8test.sim._sockets import LOOPBACK, Address, SimSocket
from l8test.sim._stream import SimTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from l8test.sim._host import Host
    from l8test.sim._network import Network
    from l8test.sim._process import Process
    from l8test.sim._server import SimServer

__all__ = ["Security", "attach", "dial"]

_ATTEMPTS: Final = 7
"""First packets until a peer that does not answer is given up, after 127 s as Linux does."""


async def dial(network: Network, process: Process, target: Address) -> SimTransport:
    """Connect to an address; the end of this side.

    Raises:
        ConnectionRefusedError: Nobody listens there.
        TimeoutError: Nothing answers.
    """
    here = process.host
    there = network.host_at(here, target[0])
    pause = 1.0
    for _ in range(_ATTEMPTS):
        if there is not None and await _knock(network, here, there):
            server = there.ports.listener(target)
            if server is None:
                text = f"Connect call failed {target}"
                raise ConnectionRefusedError(errno.ECONNREFUSED, text)
            return _joined(network, process, server, target)
        await asyncio.sleep(pause)
        pause *= 2
    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


async def _knock(network: Network, here: Host, there: Host) -> bool:
    """Send the first packet and wait for its answer; whether there was one."""
    out, back = network.quality(here, there), network.quality(there, here)
    if out.cut or back.cut or not there.powered:
        return False
    loss = 1 - (1 - out.loss) * (1 - back.loss)
    if loss and network.random.random() < loss:
        return False
    await asyncio.sleep(network.delay(out) + network.delay(back))
    return there.powered


def _joined(network: Network, process: Process, server: SimServer, target: Address) -> SimTransport:
    own = LOOPBACK if target[0] == LOOPBACK else process.host.address
    local = (own, process.host.ports.free())
    near = SimTransport(network, process, SimSocket(local, target), contextvars.copy_context())
    far = SimTransport(network, server.process, SimSocket(target, local), server.context.copy())
    near.peer, far.peer = far, near
    if process.host is not server.process.host:
        text = f"connected to {server.process.host.name}:{target[1]}"
        network.timeline.note(text, process.host.name)
    network.loop.call_soon(server.connected, far, context=far.context)
    return near


class Security:
    """TLS for one side of a connection.

    Args:
        context: Certificates and rules; ``None`` for none.
        server_side: Whether this side accepted the connection.
        hostname: Whom the other side has to be, "" for anybody.
        handshake_timeout: Seconds until the handshake is given up, ``None`` for asyncio's limit.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        *,
        server_side: bool = False,
        hostname: str | None = None,
        handshake_timeout: float | None = None,
    ) -> None:
        self.context = context
        self.server_side = server_side
        self.hostname = hostname
        self.handshake_timeout = handshake_timeout

    def wrap(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BaseProtocol,
        ready: asyncio.Future[None] | None,
    ) -> sslproto.SSLProtocol:
        """The protocol that encrypts what ``protocol`` writes."""
        make: Any = sslproto.SSLProtocol
        wrapped: sslproto.SSLProtocol = make(
            loop,
            protocol,
            self.context,
            ready,
            self.server_side,
            self.hostname,
            ssl_handshake_timeout=self.handshake_timeout,
        )
        return wrapped


def attach(
    transport: SimTransport,
    factory: Callable[[], asyncio.BaseProtocol],
    security: Security,
    ready: asyncio.Future[None] | None = None,
) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
    """Give an end of a connection its protocol.

    Args:
        transport: The end.
        factory: Makes the protocol.
        security: TLS, if any.
        ready: Set when the protocol can be used.

    Returns:
        What the protocol writes to, and the protocol.
    """
    loop = transport.process.host.loop
    protocol = factory()
    outer: asyncio.Transport = transport
    if security.context is None:
        transport.set_protocol(protocol)
        loop.call_soon(protocol.connection_made, transport, context=transport.context)
        if ready is not None:
            loop.call_soon(_set, ready, context=transport.context)
    else:
        wrapped: Any = security.wrap(loop, protocol, ready)
        outer = wrapped._get_app_transport()  # noqa: SLF001 - as asyncio's own transports do
        transport.set_protocol(wrapped)
        loop.call_soon(wrapped.connection_made, transport, context=transport.context)
    return outer, protocol


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
