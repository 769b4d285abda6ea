# SPDX-License-Identifier: Apache-2.0
"""The network interfaces and the operating system of this machine."""

from __future__ import annotations

import ipaddress
import platform
import socket
from dataclasses import dataclass

import psutil

from layer8_net._core.addresses import Interface, Interfaces

__all__ = ["System", "this_machine", "this_system"]


@dataclass(frozen=True, slots=True)
class System:
    """The operating system."""

    name: str
    version: str
    architecture: str


def this_system() -> System:
    """The operating system of this machine."""
    return System(platform.system(), platform.release(), platform.machine())


def this_machine() -> Interfaces:
    """The addresses of this machine as they are now."""
    states = psutil.net_if_stats()
    found = []
    for name, addresses in psutil.net_if_addrs().items():
        is_up = name in states and states[name].isup
        for one in addresses:
            if one.family not in {socket.AF_INET, socket.AF_INET6}:
                continue
            address = one.address.partition("%")[0]
            mask = _prefix(one.netmask)
            network = ipaddress.ip_interface(address if mask is None else f"{address}/{mask}")
            found.append(Interface(name, network, is_up))
    return Interfaces(found)


def _prefix(mask: str | None) -> int | None:
    """Length of a mask; a system that tells none means the address alone."""
    if not mask:
        return None
    return int(ipaddress.ip_address(mask)).bit_count()
