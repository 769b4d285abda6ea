# SPDX-License-Identifier: Apache-2.0
"""Which addresses belong to this machine, to its networks, or to the rest of the world.

Decided by the real masks of the interfaces, not by their names or by the look of an address.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AddressKind", "Interface", "Interfaces"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class AddressKind(Enum):
    """Where an address is, seen from this machine."""

    MACHINE = "machine"
    """One of its own addresses, or loopback."""
    LOCAL = "local"
    """On a network that one of its interfaces is on."""
    PUBLIC = "public"
    """Anywhere else."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One address of one network interface."""

    name: str
    address: Network
    """The address with the mask of its network."""
    is_up: bool = True


class Interfaces:
    """The addresses of a machine.

    Args:
        interfaces: All of them; those that are down do not count.
    """

    def __init__(self, interfaces: Iterable[Interface]) -> None:
        self._all = [one for one in interfaces if one.is_up]

    def kind(self, host: str) -> AddressKind:
        """Where an address is.

        Args:
            host: IPv4 or IPv6 address, with or without a scope.

        Raises:
            ValueError: It is no address.
        """
        address = _parse(host)
        if address.is_loopback or any(address == one.address.ip for one in self._all):
            return AddressKind.MACHINE
        near = any(
            one.address.version == address.version and address in one.address.network
            for one in self._all
        )
        return AddressKind.LOCAL if near else AddressKind.PUBLIC

    def machine_address(self) -> str:
        """The address by which other machines reach this one best, loopback when there is none.

        Private addresses go before public ones, IPv4 before IPv6: the machines of a network have
        those in common more often.
        """
        usable = [
            one.address.ip
            for one in self._all
            if not one.address.ip.is_loopback and not one.address.ip.is_link_local
        ]
        best = min(
            usable,
            key=lambda ip: (not ip.is_private, ip.version, int(ip)),
            default=ipaddress.ip_address("127.0.0.1"),
        )
        return str(best)

    def broadcasts(self) -> tuple[str, ...]:
        """Broadcast addresses of the IPv4 networks that have one, loopback left out."""
        found = {
            str(one.address.network.broadcast_address)
            for one in self._all
            if one.address.version == 4
            and not one.address.ip.is_loopback
            and one.address.network.prefixlen < 31
        }
        return tuple(sorted(found))


def _parse(host: str) -> Address:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
