# SPDX-License-Identifier: Apache-2.0
"""The clear part of a message frame: all that a switch reads to forward it.

Integers are big-endian; a frame is handled with its length in front, as it travels::

    offset size  field
         0    8  bytes that follow this field
         8   36  source
        44   36  switch of the source
        80   36  destination; NUL in one of the first two bytes means none
       116   10  service name, padded with NUL
       126    1  area of the service
       127    1  priority << 4 | multicast mode
       128    n  encrypted body
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from l8types.enums import MulticastMode, Priority
from l8types.errors import DecodeError

__all__ = [
    "BODY",
    "HEADER_SIZE",
    "LENGTH",
    "LENGTH_SIZE",
    "NO_NODE",
    "Header",
    "pack_header",
    "read_header",
    "read_mode",
    "read_priority",
    "redirected",
]

LENGTH: Final = struct.Struct(">Q")
"""The peers write it signed; read without a sign, what is negative is above every limit."""
LENGTH_SIZE: Final = LENGTH.size
NO_NODE: Final = bytes(36)

_HEADER: Final = struct.Struct(">Q36s36s36s10sBB")
BODY: Final = _HEADER.size
"""Where the body starts."""
HEADER_SIZE: Final = BODY - LENGTH_SIZE
_PRIORITY: Final = BODY - 1
_DESTINATION: Final = slice(80, 116)
_MODES: Final = {int(mode): mode for mode in MulticastMode if mode < 16}


class Header(NamedTuple):
    """The clear part of a frame as it stands there; ids and the name are padded with NUL."""

    length: int
    source: bytes
    vnet: bytes
    destination: bytes
    name: bytes
    area: int
    priority_mode: int

    @property
    def service(self) -> tuple[bytes, int]:
        """Name up to its first NUL, and area."""
        return self.name.partition(b"\0")[0], self.area

    @property
    def anywhere(self) -> bool:
        """Whether no destination is named."""
        return not (self.destination[0] and self.destination[1])


def read_header(frame: bytes) -> Header:
    """Header of a complete frame.

    Raises:
        DecodeError: The frame is too short to be a message.
    """
    if len(frame) <= BODY:
        raise DecodeError(
            f"message of {len(frame) - LENGTH_SIZE} bytes is not longer than its header",
            offset=len(frame),
        )
    return Header._make(_HEADER.unpack_from(frame))


def read_mode(header: Header) -> MulticastMode:
    """Multicast mode of a message.

    Raises:
        DecodeError: There is no such mode.
    """
    mode = _MODES.get(header.priority_mode & 15)
    if mode is None:
        raise DecodeError(f"unknown multicast mode {header.priority_mode & 15}", offset=_PRIORITY)
    return mode


def read_priority(frame: bytes) -> int:
    """Level of a frame in the send queue; what is out of range counts as the highest."""
    return min(frame[_PRIORITY] >> 4, Priority.P1) if len(frame) > _PRIORITY else Priority.P1


def pack_header(
    body_size: int,
    source: bytes,
    vnet: bytes,
    destination: bytes,
    name: bytes,
    area: int,
    priority: int,
    mode: int,
) -> bytes:
    """Header in front of a body of ``body_size`` bytes."""
    return _HEADER.pack(
        HEADER_SIZE + body_size, source, vnet, destination, name, area, priority << 4 | mode
    )


def redirected(frame: bytes, destination: bytes) -> bytes:
    """The same frame with another destination; the body stays as it is."""
    return b"".join((frame[: _DESTINATION.start], destination, frame[_DESTINATION.stop :]))
