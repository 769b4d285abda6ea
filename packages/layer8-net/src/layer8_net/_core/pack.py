# SPDX-License-Identifier: Apache-2.0
"""Messages that are alike, put together into one frame.

What one node sends to a service within one turn differs mostly in the sequence, the deadline and
the data. A *pack* has what is common once; whoever routes it, or reads it, has that work once for
all of them. It is a frame like a message, with these differences::

    offset size  field
         5    1  frame type, 17
        12    8  N, number of messages
        20    4  0
                 data: N times the entry of a message, then the data of all, in the same order

An entry is 16 bytes: the sequence (8), the milliseconds left until the deadline (4) and the size of
the data (4). A pack stands for its messages in this order and can be cut into them anywhere on the
way; :func:`messages_of` does. The messages are plain ones: no failures, trace contexts,
transactions, streams. Nobody is obliged to send packs, everybody to read them.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from l8types.errors import DecodeError
from layer8_net._core.frame import (
    HEADER_SIZE,
    LENGTH_SIZE,
    MESSAGE,
    PACK,
    VERSION,
    read_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layer8_net._core.usual import Letter

__all__ = ["ENTRY_SIZE", "PACK_KIND", "count_of", "entries_of", "messages_of", "packed"]

PACK_KIND: Final = VERSION << 8 | PACK
_TYPE: Final = bytes((PACK,))
_ENTRY: Final = struct.Struct(">QII")
ENTRY_SIZE: Final = _ENTRY.size
_HEAD: Final = struct.Struct(">I8sQI")
"""Length, the bytes up to the count, the count, and four bytes that are zero."""
_COUNT: Final = struct.Struct(">Q")
_COUNT_OFFSET: Final = 12
_TYPE_OFFSET: Final = 5
_CONSTANT: Final = slice(24, HEADER_SIZE)


def packed(letters: list[Letter]) -> bytes:
    """The frame of messages that have one template.

    Args:
        letters: The messages, at least one.
    """
    size, first, rest = letters[0].template
    pack = _ENTRY.pack
    table = [pack(one.sequence, one.left_ms, len(one.data)) for one in letters]
    data = [one.data for one in letters]
    length = size + len(table) * ENTRY_SIZE + sum(map(len, data))
    first = first[:1] + _TYPE + first[2:]
    return b"".join((_HEAD.pack(length, first, len(letters), 0), rest, *table, *data))


def count_of(frame: bytes) -> int:
    """How many messages are in a frame, a message or a pack.

    Raises:
        DecodeError: A pack claims more than would fit into it, or none.
    """
    if frame[_TYPE_OFFSET] != PACK:
        return 1
    count: int = _COUNT.unpack_from(frame, _COUNT_OFFSET)[0]
    if not 0 < count <= len(frame) // ENTRY_SIZE:
        raise DecodeError(f"{len(frame)} bytes are no pack of {count} messages", offset=12)
    return count


def entries_of(frame: bytes, count: int, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Sequence, milliseconds until the deadline and data of every message in a pack.

    Args:
        frame: The pack.
        count: Number of messages that its header tells.
        start: Where its data starts.

    Raises:
        DecodeError: The entries do not add up to the frame; nothing was given.
    """
    table_end = start + count * ENTRY_SIZE
    if not count or table_end > len(frame):
        raise DecodeError(f"{len(frame)} bytes are no pack of {count} messages", offset=start)
    table = list(_ENTRY.iter_unpack(memoryview(frame)[start:table_end]))
    ends = list(accumulate([size for _, _, size in table], initial=table_end))
    if ends[-1] != len(frame):
        raise DecodeError(
            f"the messages of a pack end at {ends[-1]}, the frame at {len(frame)}", offset=start
        )
    return (
        (sequence, left_ms, frame[begin:end])
        for (sequence, left_ms, _), begin, end in zip(table, ends, ends[1:], strict=False)
    )


def messages_of(frame: bytes) -> list[bytes]:
    """The frames of the messages in a pack; a message is its own.

    Raises:
        DecodeError: The bytes are no pack; the offset is that in the pack.
    """
    header = read_header(frame)
    start = header.data_offset
    if header.type != PACK:
        return [frame]
    if header.failure_size or header.trace_size or header.transaction_size:
        raise DecodeError("a pack of messages that are not plain", offset=_CONSTANT.start)
    if header.length != len(frame) - LENGTH_SIZE:
        raise DecodeError(f"lengths in a pack exceed its {len(frame)} bytes", offset=0)
    first = bytes((frame[4], MESSAGE)) + frame[_TYPE_OFFSET + 1 : _COUNT_OFFSET]
    rest = frame[_CONSTANT.start : start]
    return [
        b"".join(
            (_HEAD.pack(start - LENGTH_SIZE + len(data), first, sequence, left_ms), rest, data)
        )
        for sequence, left_ms, data in entries_of(frame, header.sequence, start)
    ]
