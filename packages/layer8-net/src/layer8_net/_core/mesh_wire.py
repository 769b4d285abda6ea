# SPDX-License-Identifier: Apache-2.0
"""What switches tell each other, as the body of a system message between two of them.

``PUT`` carries all that a switch owns, ``PATCH`` what is new or changed, ``DELETE`` what is gone;
``GET`` asks for a ``PUT`` and has no body::

    offset size  field
         0    8  incarnation of the switch
         8    8  number of the change, one more with each PATCH and DELETE
        16    2  A, number of addresses
        18    2  P, number of pressures
        20       A addresses: 36 bytes switch id, 2 port, 1 H, H bytes host
                 P pressures: 36 bytes node id, 1 level
                 records as in ``records``, up to the end
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from l8types.errors import DecodeError, EncodeError
from l8types.pb import L8Health
from layer8_net._core import records
from layer8_net._core.frame import node_bytes
from layer8_net._core.switch_events import Pressure

__all__ = ["Address", "Change", "decode_change", "encode_change"]

_HEAD: Final = struct.Struct(">QQHH")
_ADDRESS: Final = struct.Struct(">36sHB")
_PRESSURE: Final = struct.Struct(">36sB")
_LEVELS: Final = {int(level): level for level in Pressure}


class Address(NamedTuple):
    """Where a switch can be dialled; without a host it is where its messages come from."""

    uuid: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Change:
    """One statement of a switch about what it owns."""

    incarnation: int
    number: int
    records: list[L8Health] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    """Switches that it knows, itself among them."""
    pressures: list[tuple[bytes, Pressure]] = field(default_factory=list)
    """How much waits for its nodes, by node id in wire form."""


def encode_change(change: Change) -> bytes:
    """Body of a statement.

    Raises:
        EncodeError: A host is longer than 255 bytes.
    """
    parts = [
        _HEAD.pack(change.incarnation, change.number, len(change.addresses), len(change.pressures))
    ]
    for address in change.addresses:
        host = address.host.encode()
        if len(host) > 255:
            raise EncodeError(f"host {address.host[:64]!r} has {len(host)} bytes, 255 are allowed")
        parts.append(_ADDRESS.pack(node_bytes(address.uuid), address.port, len(host)) + host)
    parts += [_PRESSURE.pack(node, level) for node, level in change.pressures]
    parts.append(records.encode_records(change.records))
    return b"".join(parts)


def decode_change(data: bytes) -> Change:
    """Statement of a body.

    Raises:
        DecodeError: The bytes are none.
    """
    try:
        incarnation, number, address_count, pressure_count = _HEAD.unpack_from(data)
        offset = _HEAD.size
        addresses = []
        for _ in range(address_count):
            address, offset = _address(data, offset)
            addresses.append(address)
        pressures = []
        for _ in range(pressure_count):
            node, level = _PRESSURE.unpack_from(data, offset)
            pressures.append((node, _LEVELS[level]))
            offset += _PRESSURE.size
    except (struct.error, LookupError, UnicodeDecodeError) as error:
        raise DecodeError(f"statement of {len(data)} bytes of a switch: {error}") from error
    found = records.decode_records(data[offset:])
    return Change(incarnation, number, found, addresses, pressures)


def _address(data: bytes, offset: int) -> tuple[Address, int]:
    node, port, size = _ADDRESS.unpack_from(data, offset)
    start = offset + _ADDRESS.size
    host = data[start : start + size]
    if len(host) != size:
        raise struct.error("host is cut off")
    return Address(node.rstrip(b"\0").decode("ascii"), host.decode(), port), start + size
