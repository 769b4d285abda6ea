# SPDX-License-Identifier: Apache-2.0
"""What travels of a replicated key, in copies, journals and changes; a synchronous core.

An entry tells where a key is, and brings its item to those who hold it. An entry without an item
is that of a key which is elsewhere; a key that is deleted has no entry at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from l8services._replication.index import Place, Revision
from l8types.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Transfer",
    "decode_entry",
    "decode_transfers",
    "encode_entry",
    "encode_transfers",
]


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    holders: tuple[str, ...]
    revision: Revision
    item: bytes | None = None


class Transfer(msgspec.Struct, frozen=True, array_like=True):
    """Other holders for a key, with its item for them."""

    key: str
    revision: Revision
    """What the key must still be at."""
    holders: tuple[str, ...]
    item: bytes


_encoder: Final = msgspec.msgpack.Encoder()
_entries: Final = msgspec.msgpack.Decoder(_Entry)
_transfers: Final = msgspec.msgpack.Decoder(tuple[Transfer, ...])


def encode_entry(place: Place, item: bytes | None) -> bytes:
    """Bytes of an entry; ``None`` stands for an item that is elsewhere."""
    return _encoder.encode(_Entry(place.holders, place.revision, item))


def decode_entry(data: bytes) -> tuple[Place, bytes | None]:
    """The place of a key, and its item if it is there.

    Raises:
        DecodeError: The bytes are no entry.
    """
    try:
        entry = _entries.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"{len(data)} bytes are no entry of a key: {error}") from error
    return Place(entry.holders, entry.revision), entry.item


def encode_transfers(transfers: Sequence[Transfer]) -> bytes:
    """Bytes of the command that gives keys other holders."""
    return _encoder.encode(tuple(transfers))


def decode_transfers(data: bytes) -> tuple[Transfer, ...]:
    """The transfers of a command.

    Raises:
        DecodeError: The bytes are none.
    """
    try:
        return _transfers.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"{len(data)} bytes are no transfers of keys: {error}") from error
