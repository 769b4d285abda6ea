# SPDX-License-Identifier: Apache-2.0
"""Finding other switches: by datagrams on the local network, and by a name that lists them."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from typing_extensions import override

from l8types.errors import ConfigurationError
from layer8_net._addresses import this_machine
from layer8_net._core.addresses import AddressKind
from layer8_net._core.discovery import Announcer, DiscoveryCounters
from layer8_net._exposure import is_loopback

if TYPE_CHECKING:
    import random

    from l8types.protocols.runtime import Resources
    from l8types.settings import NodeSettings

__all__ = ["Discovery"]

_log = logging.getLogger(__name__)

Learn = Callable[[str, int, str], None]
"""Told of host, port and id of a switch; the id is empty when it is not known."""

_SocketAddress = tuple[str, int] | tuple[str, int, int, int]

_GROUP: Final = "ff02::4c38"
"""Link-local multicast group of the announcements over IPv6."""
_LOOPBACK: Final = "127.255.255.255"
"""Broadcast address of the loopback network."""
_RESOLVE_SECONDS: Final = 5.0
"""Between two questions for the name that lists the switches."""


class Discovery:
    """Tells other switches of this one, and this one of the others.

    Args:
        resources: The parts of the node.
        learn: Whom to tell.
        dice: Spreads the announcements of several switches.
    """

    def __init__(self, resources: Resources, learn: Learn, dice: random.Random) -> None:
        self._settings = resources.settings
        self._guard = resources.security
        self._now = resources.clock.monotonic
        self._learn = learn
        self._random = dice
        self._announcer: Announcer | None = None
        self._channels: list[asyncio.DatagramTransport] = []

    @property
    def counters(self) -> DiscoveryCounters:
        """What was sent and heard."""
        return DiscoveryCounters() if self._announcer is None else self._announcer.counters

    async def open(self) -> None:
        """Listen for announcements, if the settings want it.

        Raises:
            ConfigurationError: The port or the address of discovery cannot be used.
        """
        if not self._settings.discovery:
            return
        self._announcer = Announcer(self._settings.uuid, self._guard.network_secret(), _is_near)
        loop = asyncio.get_running_loop()
        for sock in _sockets(self._settings):
            channel, _ = await loop.create_datagram_endpoint(
                lambda: _Receiver(self._heard), sock=sock
            )
            self._channels.append(channel)

    def close(self) -> None:
        """Stop listening; closing twice is harmless."""
        for channel in self._channels:
            channel.close()
        self._channels.clear()

    async def run(self, port: int) -> None:
        """Announce this switch and ask for others, for ever.

        Args:
            port: TCP port on which it listens.
        """
        async with asyncio.TaskGroup() as tasks:
            if self._announcer is not None:
                tasks.create_task(
                    self._announce(self._announcer, port), name="switch: announcements"
                )
            if self._settings.dns_name:
                tasks.create_task(self._resolve(port), name="switch: name of the switches")

    async def _announce(self, announcer: Announcer, port: int) -> None:
        while True:
            for channel in self._channels:
                datagram = announcer.announcement(port, secrets.token_bytes(16))
                for target in self._targets(channel):
                    # A network that is down now may be up the next time.
                    with suppress(OSError):
                        channel.sendto(datagram, target)
                        announcer.counters.sent += 1
            await asyncio.sleep(announcer.pause(self._random.random()))

    def _targets(self, channel: asyncio.DatagramTransport) -> list[_SocketAddress]:
        """Where announcements go; asked each time, since interfaces come and go."""
        port = self._settings.discovery_port
        if self._settings.discovery_address:
            return [_numeric(self._settings.discovery_address, port)]
        is_v6 = cast("socket.socket", channel.get_extra_info("socket")).family == socket.AF_INET6
        if is_loopback(self._settings.host):
            # Who is not reached from elsewhere need not be known there.
            return [] if is_v6 else [(_LOOPBACK, port)]
        if is_v6:
            return [(_GROUP, port, 0, index) for index, _ in socket.if_nameindex()]
        return [(host, port) for host in this_machine().broadcasts()]

    def _heard(self, datagram: bytes, host: str) -> None:
        if self._announcer is None:
            return
        found = self._announcer.receive(datagram, host, self._now())
        if found is not None:
            self._learn(found.host, found.port, found.uuid)

    async def _resolve(self, own_port: int) -> None:
        host, port = _name_and_port(self._settings.dns_name, self._settings.port or own_port)
        news = ""
        while True:
            try:
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
            except OSError as error:
                if news != str(error):
                    _log.warning("cannot resolve the name of the switches %r: %s", host, error)
                news = str(error)
            else:
                news = ""
                for _, _, _, _, address in found:
                    self._learn(str(address[0]), port, "")
            await asyncio.sleep(_RESOLVE_SECONDS)


def _numeric(host: str, port: int) -> _SocketAddress:
    """Address of a socket, with the scope that an IPv6 address may name."""
    [(_, _, _, _, address), *_] = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )
    return cast("_SocketAddress", address)


class _Receiver(asyncio.DatagramProtocol):
    """Passes on what comes; errors of single datagrams are of no interest."""

    def __init__(self, heard: Callable[[bytes, str], None]) -> None:
        self._heard = heard

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        self._heard(data, str(addr[0]))


def _is_near(host: str) -> bool:
    """Whether a datagram comes from this machine or one of its networks."""
    try:
        return this_machine().kind(host) is not AddressKind.PUBLIC
    except ValueError:
        return False


def _name_and_port(name: str, port: int) -> tuple[str, int]:
    """Host and port of a name; an IPv6 address with a port stands in brackets."""
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdigit() else port
    host, colon, number = name.rpartition(":")
    if colon and number.isdigit() and ":" not in host:
        return host, int(number)
    return name, port


def _sockets(settings: NodeSettings) -> list[socket.socket]:
    """Sockets that hear announcements: one for IPv4, one for IPv6 where there is any."""
    address = settings.discovery_address
    try:
        version = ipaddress.ip_address(address.partition("%")[0]).version if address else 0
        opened = [] if version == 6 else [_socket_v4(settings)]
        if version == 6:
            opened.append(_socket_v6(settings))
        elif version == 0 and socket.has_ipv6:
            # Without IPv6 the other one does.
            with suppress(OSError):
                opened.append(_socket_v6(settings))
    except ValueError as error:
        raise ConfigurationError(f"discovery_address {address!r} is no address") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"discovery cannot use port {settings.discovery_port} with address "
            f"{address or 'of all interfaces'!r}: {reason}"
        ) from error
    return opened


def _socket(family: int, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        # Several switches of one machine hear the same announcements.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("", port))
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _socket_v4(settings: NodeSettings) -> socket.socket:
    sock = _socket(socket.AF_INET, settings.discovery_port)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    address = settings.discovery_address
    if is_loopback(settings.host):
        loopback = socket.inet_aton("127.0.0.1")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
    if address and ipaddress.ip_address(address).is_multicast:
        for network in ("127.0.0.1", this_machine().machine_address()):
            with suppress(OSError):
                member = socket.inet_aton(address) + socket.inet_aton(network)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    return sock


def _socket_v6(settings: NodeSettings) -> socket.socket:
    sock = _socket(socket.AF_INET6, settings.discovery_port)
    group = settings.discovery_address.partition("%")[0] or _GROUP
    if ipaddress.ip_address(group).is_multicast:
        for index, _ in socket.if_nameindex():
            with suppress(OSError):
                member = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
    return sock
