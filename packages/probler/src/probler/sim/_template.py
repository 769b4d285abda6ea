# SPDX-License-Identifier: Apache-2.0
"""Templates: any number of different devices from one recording.

What tells devices apart is changed (names, places, addresses, interfaces); all else stays as it
was recorded, so that a poller meets what a real agent sends.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from l8types.errors import InvalidInputError
from probler.sim import _interfaces as mib
from probler.sim._load import readings
from probler.sim._recording import load_recording
from probler.sim._values import Kind, Oid, Value, parse_oid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probler.sim._identity import Identity
    from probler.sim._mib import Source

__all__ = ["Ports", "Template"]

_SYS_DESCR = parse_oid("1.3.6.1.2.1.1.1.0")
_SYS_NAME = parse_oid("1.3.6.1.2.1.1.5.0")
_SYS_LOCATION = parse_oid("1.3.6.1.2.1.1.6.0")
_IP_GROUP = parse_oid("1.3.6.1.2.1.4")

_DOWN = Value(Kind.INTEGER, 2)
_DOWN_SHARE = 0.2
_MAX_GAUGE = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Ports:
    """A row of similar interfaces, made from a recorded one.

    Attributes:
        like: The ifName of the recorded interface.
        names: Name with a place for the number, such as ``eth{}``.
        count: How many.
        first: Number of the first.
        speed_mbps: Speed in Mbit/s.
        if_type: IANA interface type; 6 is Ethernet, 71 is wireless.
    """

    like: str
    names: str
    count: int
    first: int = 0
    speed_mbps: int = 1000
    if_type: int = 6

    def all_names(self) -> list[str]:
        """The ifName of each."""
        return [self.names.format(self.first + offset) for offset in range(self.count)]


@dataclass(frozen=True, slots=True)
class Template:
    """Devices that differ in identity, interfaces and load.

    Attributes:
        name: Short name.
        recording: Name or path of the recording to start from.
        ports: Interfaces to add; a fifth of them is without a link.
        without: The ifNames of recorded interfaces to leave out.
        own_ipv4: Address of the recorded machine, which becomes the device's own. The default is
            what ``recordings/lab.sh`` gives to ``eth0``.
        own_ipv6: The same for IPv6.
    """

    name: str
    recording: str
    ports: tuple[Ports, ...] = ()
    without: frozenset[str] = frozenset()
    own_ipv4: str = "198.18.0.10"
    own_ipv6: str = "2001:db8:10::10"

    def sources(self, identity: Identity) -> Mapping[Oid, Source]:
        """Value or reading of each object instance of one device.

        Args:
            identity: Which device; the same one gives the same answer.

        Raises:
            NotFoundError: The recording is not there.
            InvalidInputError: The recording is malformed, or lacks an interface of the template.
        """
        records = dict(_layout(self))
        for old, new in ((self.own_ipv4, identity.ipv4), (self.own_ipv6, identity.ipv6)):
            records = _readdressed(records, ipaddress.ip_address(old).packed, new.packed)
        _introduce(records, identity)
        _plug(records, identity, {name for ports in self.ports for name in ports.all_names()})
        return {**records, **readings(records, identity)}


@cache
def _layout(template: Template) -> Mapping[Oid, Value]:
    """Records with the template's interfaces; the same for all its devices."""
    records = dict(load_recording(template.recording).records)
    recorded = mib.interface_names(records)
    wanted = {*template.without, *(ports.like for ports in template.ports)}
    if missing := sorted(wanted - recorded.keys()):
        msg = f"profile {template.name}: no interface {missing[0]!r} in {template.recording!r}"
        raise InvalidInputError(msg)
    index = max(recorded.values())
    for ports in template.ports:
        for name in ports.all_names():
            index += 1
            mib.copy_interface(records, recorded[ports.like], index)
            _shape(records, index, name, ports)
    mib.remove_interfaces(records, frozenset(recorded[name] for name in template.without))
    records[mib.IF_NUMBER] = Value(Kind.INTEGER, len(mib.interface_names(records)))
    return records


def _shape(records: mib.Records, index: int, name: str, ports: Ports) -> None:
    """Give a copied interface its name, type and speed."""
    octets = Value(Kind.OCTET_STRING, name.encode())
    speed = min(ports.speed_mbps * 1_000_000, _MAX_GAUGE)
    records[*mib.IF_DESCR, index] = octets
    records[*mib.IF_NAME, index] = octets
    records[*mib.IF_TYPE, index] = Value(Kind.INTEGER, ports.if_type)
    records[*mib.IF_SPEED, index] = Value(Kind.GAUGE32, speed)
    records[*mib.IF_HIGH_SPEED, index] = Value(Kind.GAUGE32, ports.speed_mbps)


def _readdressed(records: mib.Records, old: bytes, new: bytes) -> mib.Records:
    """Records with one IP address in place of another, in values and in indexes."""
    depth = len(_IP_GROUP)
    return {
        _substituted(oid, tuple(old), tuple(new)) if oid[:depth] == _IP_GROUP else oid: (
            Value(value.kind, new) if value.content == old else value
        )
        for oid, value in records.items()
    }


def _substituted(oid: Oid, old: Oid, new: Oid) -> Oid:
    """The OID with the first run of some arcs replaced by others."""
    for start in range(len(_IP_GROUP), len(oid) - len(old) + 1):
        if oid[start : start + len(old)] == old:
            return (*oid[:start], *new, *oid[start + len(old) :])
    return oid


def _introduce(records: mib.Records, identity: Identity) -> None:
    """Set the system group."""
    for oid, text in ((_SYS_NAME, identity.sys_name), (_SYS_LOCATION, identity.location)):
        recorded = records.get(oid)
        if oid == _SYS_NAME and recorded is not None:
            _mention(records, recorded.content, identity.id)
        records[oid] = Value(Kind.OCTET_STRING, text.encode())


def _mention(records: mib.Records, old: object, new: str) -> None:
    """Put the new name where the description mentions the recorded one, as uname does."""
    described = records.get(_SYS_DESCR)
    if described is not None and isinstance(described.content, bytes) and isinstance(old, bytes):
        words = [new.encode() if word == old else word for word in described.content.split(b" ")]
        records[_SYS_DESCR] = Value(Kind.OCTET_STRING, b" ".join(words))


def _plug(records: mib.Records, identity: Identity, added: set[str]) -> None:
    """Give each interface a MAC address of its own, and unplug some of the added ones."""
    for name, index in mib.interface_names(records).items():
        mac = records.get((*mib.IF_PHYS_ADDRESS, index))
        if mac is not None and mac.content:
            records[*mib.IF_PHYS_ADDRESS, index] = Value(Kind.OCTET_STRING, identity.mac(index))
        if name in added and identity.random(f"link {name}").random() < _DOWN_SHARE:
            records[*mib.IF_OPER_STATUS, index] = _DOWN
