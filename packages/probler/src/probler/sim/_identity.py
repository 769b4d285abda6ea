# SPDX-License-Identifier: Apache-2.0
"""Who a simulated device is: name, place, addresses, age; all drawn from a seed and its number."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from random import Random

from l8types.errors import InvalidInputError

__all__ = ["MAX_DEVICES", "Identity", "identify"]

MAX_DEVICES = 2**16 - 512
"""Devices that one plan of addresses can number."""

_DAY = 86_400.0

_NETWORK = ipaddress.IPv4Address("198.18.0.0")  # RFC 2544: for benchmarks, never routed
_NETWORK6 = ipaddress.IPv6Address("2001:db8:10::")  # RFC 3849: for documentation
_FIRST_HOST = 256

_SITES = (
    ("ams", "Amsterdam, NL"),
    ("bog", "Bogota, CO"),
    ("cai", "Cairo, EG"),
    ("cpt", "Cape Town, ZA"),
    ("del", "Delhi, IN"),
    ("dub", "Dublin, IE"),
    ("fra", "Frankfurt am Main, DE"),
    ("gru", "Sao Paulo, BR"),
    ("hel", "Helsinki, FI"),
    ("icn", "Seoul, KR"),
    ("jfk", "New York, US"),
    ("lhr", "London, GB"),
    ("mex", "Mexico City, MX"),
    ("nbo", "Nairobi, KE"),
    ("ord", "Chicago, US"),
    ("prg", "Prague, CZ"),
    ("sfo", "San Francisco, US"),
    ("sin", "Singapore, SG"),
    ("syd", "Sydney, AU"),
    ("yyz", "Toronto, CA"),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of one device.

    Attributes:
        id: Short unique name, such as ``router-01``.
        number: Position in the fleet, from 1.
        sys_name: Fully qualified name.
        location: City, country, room and rack.
        ipv4: The device's own address, distinct for each number.
        ipv6: The same for IPv6.
        uptime: Seconds between its boot and the start of the simulation.
        seed: Seed of everything else that is drawn for the device.
    """

    id: str
    number: int
    sys_name: str
    location: str
    ipv4: ipaddress.IPv4Address
    ipv6: ipaddress.IPv6Address
    uptime: float
    seed: str

    def mac(self, if_index: int) -> bytes:
        """Locally administered MAC address of one of its interfaces."""
        return b"\x02\x00" + self.number.to_bytes(2, "big") + (if_index % 2**16).to_bytes(2, "big")

    def random(self, topic: str) -> Random:
        """Generator for one topic, independent of what is drawn for others and in which order."""
        return Random(f"{self.seed}/{topic}")  # noqa: S311 - simulation, not cryptography


def identify(profile: str, number: int, seed: int) -> Identity:
    """Identity of a device.

    Args:
        profile: Name of its profile, the first part of its id.
        number: Position in the fleet, from 1.
        seed: Seed of the fleet.

    Returns:
        The same identity for the same arguments, on every machine.

    Raises:
        InvalidInputError: The number is not between 1 and ``MAX_DEVICES``.
    """
    if not 1 <= number <= MAX_DEVICES:
        msg = f"device number {number} is not between 1 and {MAX_DEVICES}: simulate fewer devices"
        raise InvalidInputError(msg)
    device_id = f"{profile}-{number:02d}"
    own_seed = f"{seed}/{device_id}"
    random = Random(own_seed)  # noqa: S311 - simulation, not cryptography
    site, city = random.choice(_SITES)
    return Identity(
        id=device_id,
        number=number,
        sys_name=f"{device_id}.{site}.example.net",
        location=f"{city}, room {random.randint(1, 9)}, rack {random.randint(1, 40)}",
        ipv4=_NETWORK + _FIRST_HOST + number,
        ipv6=_NETWORK6 + _FIRST_HOST + number,
        uptime=random.uniform(_DAY, 200 * _DAY),
        seed=own_seed,
    )
