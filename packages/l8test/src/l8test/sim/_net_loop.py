# SPDX-License-Identifier: Apache-2.0
"""The functions of an event loop that reach a network, on the simulated one."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

from typing_extensions import override

from l8test.sim._datagram import SimDatagramTransport
from l8test.sim._dial import Security, attach, dial
from l8test.sim._errors import SimulationError
from l8test.sim._loop import SimLoop
from l8test.sim._process import CURRENT, Process
from l8test.sim._server import SimServer
from l8test.sim._sockets import ANY, Address

if TYPE_CHECKING:
    import asyncio
    import ssl as tls
    from collections.abc import Callable, Iterable

    from l8test.sim._network import Network

__all__ = ["NetworkLoop"]

_AddressInfo = list[tuple[int, int, int, str, Address]]


class NetworkLoop(SimLoop):
    """Event loop whose connections lead through a :class:`Network`.

    Attributes:
        network: Carries everything; set by the world.
    """

    network: Network

    @override
    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | None = None,
        port: int | None = None,
        *,
        ssl: tls.SSLContext | bool | None = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        **options: Any,
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to a host of the simulation.

        Raises:
            OSError: Nobody listens there, nothing answers, or there is no such host.
        """
        _refuse_sockets(options)
        process = _process("create_connection")
        if port is None:
            raise ValueError("host and port was not specified and no sock specified")
        context = _context(ssl)
        transport = await dial(self.network, process, (self.network.resolve(host), int(port)))
        ready = self.create_future()
        name = server_hostname if server_hostname is not None else host
        security = Security(context, hostname=name, handshake_timeout=ssl_handshake_timeout)
        pair = attach(transport, protocol_factory, security, ready)
        try:
            await ready
        except BaseException:
            transport.close()
            raise
        return pair

    @override
    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | Iterable[str] | None = None,
        port: int | None = None,
        *,
        ssl: tls.SSLContext | None = None,
        ssl_handshake_timeout: float | None = None,
        start_serving: bool = True,
        **options: Any,
    ) -> SimServer:
        """Listen on a host of the simulation.

        Raises:
            OSError: The port is taken, or the address belongs to another host.
        """
        _refuse_sockets(options)
        process = _process("create_server")
        names = [host or ANY] if host is None or isinstance(host, str) else list(host)
        number = port or process.host.ports.free()
        addresses = [(self.network.resolve(name), number) for name in names]
        security = Security(ssl, server_side=True, handshake_timeout=ssl_handshake_timeout)
        accept = partial(attach, factory=protocol_factory, security=security)
        server = SimServer(process, addresses, accept)
        if start_serving:
            server.listen()
        return server

    @override
    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        local_addr: Address | None = None,
        remote_addr: Address | None = None,
        *,
        reuse_port: bool | None = None,
        allow_broadcast: bool | None = None,
        **options: Any,
    ) -> tuple[SimDatagramTransport, asyncio.BaseProtocol]:
        """Send and receive datagrams on a host of the simulation.

        Raises:
            OSError: The port is taken, or the address belongs to another host.
        """
        _refuse_sockets(options)
        process = _process("create_datagram_endpoint")
        name, port = local_addr or (ANY, 0)
        local = (self.network.resolve(name), port or process.host.ports.free())
        remote = None
        if remote_addr is not None:
            remote = (self.network.resolve(remote_addr[0]), remote_addr[1])
        transport = SimDatagramTransport(
            self.network, process, local, remote, broadcast=bool(allow_broadcast)
        )
        try:
            process.host.ports.bind(local, transport, share=bool(reuse_port))
        except OSError:
            transport.die()
            raise
        protocol = protocol_factory()
        transport.set_protocol(protocol)
        ready = self.create_future()
        self.call_soon(protocol.connection_made, transport, context=transport.context)
        self.call_soon(ready.set_result, None)
        await ready
        return transport, protocol

    @override
    async def getaddrinfo(  # type: ignore[override]
        self,
        host: str | bytes | None,
        port: str | int | None,
        *,
        type: int = 0,
        **_: Any,
    ) -> _AddressInfo:
        """Address of a host of the simulation.

        Raises:
            socket.gaierror: There is no such host.
        """
        name = host.decode() if isinstance(host, bytes) else host
        kind = type or socket.SOCK_STREAM
        address = (self.network.resolve(name), int(port or 0))
        return [(socket.AF_INET, kind, 0, "", address)]

    @override
    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        process = _process("getnameinfo")
        there = self.network.host_at(process.host, sockaddr[0])
        numeric = flags & socket.NI_NUMERICHOST or there is None
        return (sockaddr[0] if numeric or there is None else there.name), str(sockaddr[1])


def _process(what: str) -> Process:
    process = CURRENT.get()
    if process is None:
        raise SimulationError(f"{what} outside of a host; use Host.start or Host.call")
    return process


def _context(ssl: tls.SSLContext | bool | None) -> tls.SSLContext | None:
    if isinstance(ssl, bool):
        if ssl:
            raise SimulationError("ssl=True needs the certificates of this machine; give a context")
        return None
    return ssl


def _refuse_sockets(options: dict[str, Any]) -> None:
    if options.get("sock") is not None:
        raise SimulationError("a real socket leads out of the simulation; give host and port")


def _no_sockets(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise SimulationError(
            f"{name} takes a real socket, which leads out of the simulation; use create_connection,"
            " create_server or create_datagram_endpoint"
        )

    return refuse


for _name in (
    "sock_accept",
    "sock_connect",
    "sock_recv",
    "sock_recv_into",
    "sock_recvfrom",
    "sock_sendall",
    "sock_sendto",
    "add_reader",
    "add_writer",
):
    setattr(NetworkLoop, _name, cast("Any", staticmethod(_no_sockets(_name))))
