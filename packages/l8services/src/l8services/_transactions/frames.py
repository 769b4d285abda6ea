# SPDX-License-Identifier: Apache-2.0
"""Frames of the journal: length and checksum (CRC-32) before each record, big-endian."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["frame", "frames", "read_frames"]

_HEAD: Final = struct.Struct(">II")


def frame(record: bytes) -> bytes:
    """A record as it stands in the file."""
    return _HEAD.pack(len(record), zlib.crc32(record)) + record


def read_frames(data: bytes) -> tuple[list[bytes], int]:
    """The whole records at the beginning of a file.

    Returns:
        The records, and the number of bytes that they take: what comes after was torn by a crash,
        or consists of zeros.
    """
    records: list[bytes] = []
    position = 0
    while position + _HEAD.size <= len(data):
        size, checksum = _HEAD.unpack_from(data, position)
        start = position + _HEAD.size
        record = data[start : start + size]
        # No record is empty: zeros are what a file was made longer by, without its content.
        if not size or len(record) < size or zlib.crc32(record) != checksum:
            break
        records.append(record)
        position = start + size
    return records, position


def frames(records: Iterable[bytes]) -> bytes:
    """Several records."""
    return b"".join(map(frame, records))
