# SPDX-License-Identifier: Apache-2.0
"""The description of a kept file, as it is on the disk."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec

from l8services._files.sealing import Sealer
from l8types.errors import DecodeError

if TYPE_CHECKING:
    from l8services._files.sealing import KeyWrapper

__all__ = ["FileRecord", "from_disk", "to_disk"]

_MAGIC: Final = b"L8FILE\x01\n"
_LENGTHS: Final = struct.Struct(">BH")


class FileRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a file."""

    id: str
    """Opaque, chosen by the store."""
    document: str
    """What it is a version of; its own id when it was uploaded for itself."""
    version: int
    """From 1."""
    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Of the contents, lower-case hexadecimal."""
    created: float
    """Unix seconds."""
    owner: str = ""
    """Who uploaded it."""


def to_disk(record: FileRecord, sealer: Sealer, wrapper: KeyWrapper) -> bytes:
    """Bytes of a description, with the wrapped key of the file; nothing else in it is readable."""
    name, wrapped = wrapper.wrap(sealer.key)
    head = _LENGTHS.pack(len(name.encode()), len(wrapped)) + name.encode() + wrapped
    return _MAGIC + head + sealer.seal_record(msgspec.json.encode(record))


def from_disk(file_id: str, data: bytes, wrapper: KeyWrapper) -> tuple[FileRecord, Sealer]:
    """The description of a file and what opens its contents.

    Raises:
        DecodeError: It is damaged, of another file, or its key is not known.
    """
    start = len(_MAGIC) + _LENGTHS.size
    if not data.startswith(_MAGIC) or len(data) < start:
        raise DecodeError("no description of a file")
    name_length, key_length = _LENGTHS.unpack_from(data, len(_MAGIC))
    middle, end = start + name_length, start + name_length + key_length
    try:
        name = data[start:middle].decode()
        sealer = Sealer(file_id, wrapper.unwrap(name, data[middle:end]))
        record = msgspec.json.decode(sealer.open_record(data[end:]), type=FileRecord)
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise DecodeError(f"no description of a file: {error}") from error
    if record.id != file_id:
        raise DecodeError("the description of another file")
    return record, sealer
