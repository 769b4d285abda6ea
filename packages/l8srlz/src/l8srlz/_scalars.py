# SPDX-License-Identifier: Apache-2.0
"""Numbers that remember their width.

Python has one integer and one float, the wire has five and two. A plain ``int`` travels as the
width-less integer and a ``float`` as a double; these subclasses travel as what their name says.
They are numbers in every other respect, and arithmetic gives plain numbers again.
"""

from typing import Final, final

from l8types.enums import Kind


@final
class Int32(int):
    """Signed, 32 bits."""

    __slots__ = ()


@final
class Int64(int):
    """Signed, 64 bits."""

    __slots__ = ()


@final
class UInt8(int):
    """One byte."""

    __slots__ = ()


@final
class UInt32(int):
    """Unsigned, 32 bits."""

    __slots__ = ()


@final
class UInt64(int):
    """Unsigned, 64 bits."""

    __slots__ = ()


@final
class Float32(float):
    """Single precision; what it cannot hold is rounded when it is written."""

    __slots__ = ()


SIZED: Final[dict[type, Kind]] = {
    Int32: Kind.INT32,
    Int64: Kind.INT64,
    UInt8: Kind.UINT8,
    UInt32: Kind.UINT32,
    UInt64: Kind.UINT64,
    Float32: Kind.FLOAT32,
}
"""The kind of each class."""
