# SPDX-License-Identifier: Apache-2.0
"""Tells peers on this host, or on its internal networks, from those outside.

Nothing is looked up at import: the interfaces are an argument, :meth:`IpSegment.detect` reads them.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
)
from typing import Final

import psutil

from l8types.errors import InvalidInputError

VIRTUAL_PREFIXES: Final = (
    "lo", "br-", "cali", "cni", "docker", "flannel", "lxc", "lxd", "podman", "veth", "virbr",
)  # fmt: skip
"""Names of interfaces that lead to containers and virtual machines of this host."""

_FALLBACK: Final = IPv4Address("127.0.0.1")

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One address of one interface of this host.

    Attributes:
        name: Name of the interface, such as ``eth0``.
        address: The address with its network.
    """

    name: str
    address: IPv4Interface | IPv6Interface

    @property
    def internal(self) -> bool:
        """Whether the interface stays within this host."""
        return self.address.is_loopback or self.name.startswith(VIRTUAL_PREFIXES)


@dataclass(frozen=True, slots=True)
class IpSegment:
    """Where addresses are, seen from this host.

    Attributes:
        interfaces: Interfaces of this host.
        local_networks: Networks that count as local besides the internal ones of this host.
    """

    interfaces: tuple[NetworkInterface, ...] = ()
    local_networks: tuple[IpNetwork, ...] = ()

    @classmethod
    def detect(cls, *, local_networks: tuple[IpNetwork, ...] = ()) -> IpSegment:
        """Segment of this host with the interfaces that are up now."""
        states = psutil.net_if_stats()
        found = [
            NetworkInterface(name, _interface(one.address, one.netmask))
            for name, addresses in psutil.net_if_addrs().items()
            for one in addresses
            if one.family in {socket.AF_INET, socket.AF_INET6}
            and one.netmask
            and name in states
            and states[name].isup
        ]
        return cls(tuple(found), local_networks)

    @property
    def machine_ip(self) -> IpAddress:
        """The address by which others reach this host.

        The first that fits: a private IPv4 address of a physical interface, another IPv4 address of
        one, an IPv6 address that is not link-local, 127.0.0.1.
        """
        outside: list[IpAddress] = [one.address.ip for one in self.interfaces if not one.internal]
        fourth = [address for address in outside if address.version == 4]
        private = [one for one in fourth if one.is_private and not one.is_link_local]
        sixth = [one for one in outside if one.version == 6 and not one.is_link_local]
        ranked: list[IpAddress] = [*private, *fourth, *sixth, _FALLBACK]
        return ranked[0]

    @property
    def external_network(self) -> IpNetwork | None:
        """Network of :attr:`machine_ip`, ``None`` when no interface has that address."""
        address = self.machine_ip
        networks = (one.address.network for one in self.interfaces if one.address.ip == address)
        return next(networks, None)

    def is_local(self, address: str) -> bool:
        """Whether a peer is on this host or one of its internal networks.

        Args:
            address: An IPv4 or IPv6 address, also with port, brackets, zone or mask.

        Raises:
            InvalidInputError: Not an address.
        """
        parsed = parse_address(address)
        if parsed.is_loopback or any(one.address.ip == parsed for one in self.interfaces):
            return True
        internal = (one.address.network for one in self.interfaces if one.internal)
        return any(parsed in network for network in (*internal, *self.local_networks))


def parse_address(text: str) -> IpAddress:
    """The address in a text, also with port, brackets, zone or mask.

    IPv4 addresses in IPv6 form are unwrapped, since a dual-stack socket reports them so.

    Raises:
        InvalidInputError: Not an address.
    """
    bare = text.strip().partition("/")[0]
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(_without_zone(bare))
    except ValueError as error:
        raise InvalidInputError(f"{text!r} is no IP address") from error
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _interface(address: str, netmask: str) -> IPv4Interface | IPv6Interface:
    # The length of the prefix, since the standard library takes no mask for IPv6.
    length = int(ip_address(netmask)).bit_count()
    return ip_interface(f"{_without_zone(address)}/{length}")


def _without_zone(address: str) -> str:
    return address.partition("%")[0]
