# SPDX-License-Identifier: Apache-2.0
"""Flow control of answers in parts: who sends spends credit, who reads grants it.

Both sides begin with the credit of this module, so that the first parts need no round trip. A
part may be larger than the credit in bytes that is left: it is sent while there is any, so that
no part is too large to be sent at all. The sender then waits until the reader made up for it.
"""

from __future__ import annotations

import struct
from typing import Final

from l8types.errors import DecodeError, RemoteProtocolError

__all__ = [
    "CREDIT",
    "INITIAL_BYTES",
    "INITIAL_PARTS",
    "MAX_CREDIT",
    "Credit",
    "Window",
    "decode_credit",
]

INITIAL_PARTS: Final = 64
"""Parts that may be on their way to a reader: enough to fill the time of a grant to travel."""
INITIAL_BYTES: Final = 1_048_576
"""Bytes that may be on their way; what a reader that does not read costs it in memory, plus the
excess of one part."""
MAX_CREDIT: Final = 0xFFFF_FFFF
CREDIT: Final = struct.Struct(">II")
"""A grant: parts, bytes."""


def decode_credit(data: bytes) -> tuple[int, int]:
    """Parts and bytes of a grant.

    Raises:
        DecodeError: It is no grant.
    """
    if len(data) != CREDIT.size:
        raise DecodeError(f"grant of {len(data)} bytes where {CREDIT.size} are needed")
    parts, size = CREDIT.unpack(data)
    return parts, size


class Credit:
    """What the sender of a stream may send."""

    __slots__ = ("_bytes", "_parts")

    def __init__(self) -> None:
        self._parts = INITIAL_PARTS
        self._bytes = INITIAL_BYTES

    @property
    def ready(self) -> bool:
        """Whether a part may be sent."""
        return self._parts > 0 and self._bytes > 0

    def spend(self, size_bytes: int) -> None:
        """A part was sent."""
        self._parts -= 1
        self._bytes -= size_bytes

    def grant(self, parts: int, size_bytes: int) -> None:
        """The reader has room; no grant, however often repeated, raises it without bound."""
        self._parts = min(MAX_CREDIT, self._parts + parts)
        self._bytes = min(MAX_CREDIT, self._bytes + size_bytes)


class Window:
    """What the reader of a stream has granted and got."""

    __slots__ = ("_bytes", "_parts", "_used_bytes", "_used_parts")

    def __init__(self) -> None:
        self._parts = INITIAL_PARTS
        self._bytes = INITIAL_BYTES
        self._used_parts = 0
        self._used_bytes = 0

    def receive(self, size_bytes: int) -> None:
        """A part came.

        Raises:
            RemoteProtocolError: The sender had no credit for it.
        """
        if self._parts < 1 or self._bytes < 1:
            raise RemoteProtocolError(
                f"the sender of a stream sent {size_bytes} bytes beyond its credit"
            )
        self._parts -= 1
        self._bytes -= size_bytes

    def consume(self, size_bytes: int) -> tuple[int, int] | None:
        """A part was read: what to grant now, ``None`` while it is too little to be worth it.

        Args:
            size_bytes: Size of the part.
        """
        self._used_parts += 1
        self._used_bytes += size_bytes
        if 2 * self._used_parts < INITIAL_PARTS and 2 * self._used_bytes < INITIAL_BYTES:
            return None
        grant = self._used_parts, min(MAX_CREDIT, self._used_bytes)
        self._parts += grant[0]
        self._bytes += grant[1]
        self._used_parts = 0
        self._used_bytes -= grant[1]
        return grant
