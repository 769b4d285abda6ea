# SPDX-License-Identifier: Apache-2.0
"""Many changes of one instance as one byte string, which its receivers read in one go.

What all changes have in common is told once: the source, the model, where in an item the changes
are. The rest stands in columns, so that neither side makes an object per change before it needs
one. Values are those of the object codec; what MessagePack can tell by itself goes without it.

    "L8" | version | CRC-32 of what follows | MessagePack of the frame

Between instances of the native profile only. A synchronous core.
"""

from __future__ import annotations

import zlib
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Final

import msgspec

from l8services._versions import Stamp
from l8types.enums import NotificationType
from l8types.errors import DecodeError
from l8types.values import ItemChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.errors import L8Error

__all__ = ["Batch", "Form", "Frame", "Row", "open_frame", "seal_frame"]

_MAGIC: Final = b"L8\x01"
_HEAD: Final = len(_MAGIC) + 4
_POST: Final = int(NotificationType.POST)
_ROW_BYTES: Final = 40
"""What a change takes beside its key and body, generously."""

Form = tuple[tuple[str, str | None], ...]
"""Property ids of a change, each in front of and behind the key of the item."""


class Row(msgspec.Struct, frozen=True):
    """One change on its way out.

    Attributes:
        change: The change.
        stamp: The version that it leads to.
        base: The version that it was made from.
        form: Where in the item something changed.
        body: MessagePack of the item or the values, empty for neither.
    """

    change: ItemChange
    stamp: Stamp
    base: Stamp
    form: Form
    body: bytes

    @property
    def size_bytes(self) -> int:
        """About how much it adds to a message."""
        return len(self.body) + len(self.change.key) + _ROW_BYTES


class Frame(msgspec.Struct, array_like=True, frozen=True):
    """What travels. Columns have one entry per change, but for the last two."""

    source: str
    first: int
    model: str
    sources: list[str]
    forms: list[Form]
    kinds: bytes
    keys: list[str]
    times: list[int]
    base_times: list[int]
    base_sources: list[int]
    form_of: list[int]
    items: msgspec.Raw
    """List of the items of the changes that carry one."""
    values: list[list[object]]
    """Old and new value of each attribute, of the changes that name attributes."""


class Batch:
    """Changes of one instance that follow each other.

    Attributes:
        source: The instance.
        first: Number of the first change.
        keys: Keys of the items.
        stamps: Versions that they lead to.
        times: Times of these versions.
        whole: For each, whether it carries the whole item.
        bases: Versions that they were made from, each as a time and a source; ``None`` for one
            that is not to be applied together with others: a deletion, or not understood.
        changes: The changes; in place of one that cannot be understood, why.
    """

    __slots__ = ("bases", "changes", "first", "keys", "source", "stamps", "times", "whole")

    def __init__(self, frame: Frame, changes: list[ItemChange | L8Error], *, alike: bool) -> None:
        self.source = frame.source
        self.first = frame.first
        self.keys: Sequence[str] = frame.keys
        self.times: Sequence[int] = frame.times
        self.whole: list[bool] = [kind == _POST for kind in frame.kinds]
        self.stamps: list[Stamp] = list(map(_stamp, zip(frame.times, repeat(frame.source))))
        names = frame.sources
        self.bases: list[tuple[int, str] | None] = [
            (time, names[number])
            for time, number in zip(frame.base_times, frame.base_sources, strict=True)
        ]
        self.changes = changes
        if alike:
            return
        for at, change in enumerate(changes):
            if type(change) is not ItemChange or change.type is NotificationType.DELETE:
                self.bases[at] = None

    def __len__(self) -> int:
        return len(self.keys)


_stamp: Final = partial(tuple.__new__, Stamp)
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Frame).decode


def seal_frame(frame: Frame) -> bytes:
    """Byte string of a frame."""
    data = _encode(frame)
    return b"".join((_MAGIC, zlib.crc32(data).to_bytes(4, "big"), data))


def open_frame(data: bytes) -> Frame:
    """The frame of a byte string.

    Raises:
        DecodeError: It is none, or was damaged.
    """
    if data[: len(_MAGIC)] != _MAGIC:
        raise DecodeError(f"{len(data)} bytes are no batch of changes of this version")
    body = data[_HEAD:]
    if zlib.crc32(body) != int.from_bytes(data[len(_MAGIC) : _HEAD], "big"):
        raise DecodeError(f"a batch of changes of {len(data)} bytes was damaged")
    try:
        return _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DecodeError(f"a batch of changes cannot be read: {error}") from error
