# SPDX-License-Identifier: Apache-2.0
"""The numbers of the object format: lengths with a meaning, the one kind of our own, limits."""

import struct
from dataclasses import dataclass
from typing import Final

from l8types.enums import Kind

NATIVE_MODEL: Final = 64
"""Kind of a dataclass or ``msgspec.Struct`` instance.

The other kinds are the numbers of Go's reflection package, 0 to 26 today; 64 leaves them room to
grow and still reads as an unknown kind, an ordinary error, at a Go node.
"""

NIL: Final = -1
"""Instead of a length or count: nothing, or nothing in it."""

EMPTY: Final = -2
"""Instead of the length of a message: every attribute has its default, no payload follows."""

FLAG_VALUES: Final = 0
FLAG_BYTES: Final = 1

MIN_VALUE_BYTES: Final = 5
"""The smallest value: a kind and one byte. Bounds every announced count by what has arrived."""

MIN_ENTRY_BYTES: Final = 2 * MIN_VALUE_BYTES + 8
"""The smallest entry of a container: a value, a key, and an empty error text."""

I32: Final = struct.Struct(">i")
HEAD: Final = struct.Struct(">ii")
"""A kind with a length or count."""
BYTE: Final = struct.Struct(">iB")
BYTES_HEAD: Final = struct.Struct(">iiB")
"""Kind and length of a byte string, and the flag that it is one."""
INDEX_TAIL: Final = struct.Struct(">iqii")
"""What most entries of a container end with: a whole number as the key, and an empty error text."""

NUMBERS: Final[dict[Kind, struct.Struct]] = {
    Kind.INT: struct.Struct(">iq"),
    Kind.INT32: struct.Struct(">ii"),
    Kind.INT64: struct.Struct(">iq"),
    Kind.UINT8: BYTE,
    Kind.UINT32: struct.Struct(">iI"),
    Kind.UINT64: struct.Struct(">iQ"),
    Kind.FLOAT32: struct.Struct(">if"),
    Kind.FLOAT64: struct.Struct(">id"),
}
"""Kind and body of every number, in one."""

BOOLS: Final = {False: BYTE.pack(Kind.BOOL, 0), True: BYTE.pack(Kind.BOOL, 1)}
NIL_VALUE: Final = HEAD.pack(Kind.MESSAGE, NIL)
NIL_LIST: Final = HEAD.pack(Kind.LIST, NIL)
NIL_MAP: Final = HEAD.pack(Kind.MAP, NIL)


def name_bytes(name: str) -> bytes:
    """Length and text of a short name."""
    text = name.encode()
    return I32.pack(len(text)) + text


@dataclass(frozen=True, slots=True)
class Limits:
    """What a codec accepts. Both directions keep to it, so that what was written can be read."""

    max_depth: int = 64
    """Lists and maps within each other. The data of services stay below ten; Python's own stack
    allows some hundred."""
    max_bytes: int = 67_108_864
    """Bytes of one value or container; 64 MiB, above the largest frame of the network."""
