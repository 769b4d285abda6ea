# SPDX-License-Identifier: Apache-2.0
"""What a member writes into its journal."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from l8services._transactions.messages import Change, Outcome, Result
from l8services._transactions.views import NO_BALLOT, Ballot, View
from l8types.errors import DecodeError

__all__ = [
    "Advance",
    "Base",
    "Decided",
    "Items",
    "Prepared",
    "Record",
    "Vows",
    "decode_record",
    "encode",
]


class _Record(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Compact in the file."""


class Vows(_Record, frozen=True):
    """What the member has promised, and to which view it belongs; replaces earlier ones."""

    member: str
    promised: Ballot = NO_BALLOT
    view: View | None = None
    accepted: tuple[Ballot, View] | None = None


class Prepared(_Record, frozen=True):
    """A batch that was worked out and waits for its outcome."""

    number: int
    ballot: Ballot
    results: tuple[Result, ...]
    changes: tuple[Change, ...]
    groups: tuple[tuple[str, ...], ...] = ()
    """Of a replicated service: the members that hold what is written, see ``Pending``."""


class Decided(_Record, frozen=True):
    """The outcome of the batch prepared last, or of one that left no trace."""

    outcome: Outcome


class Base(_Record, frozen=True):
    """Beginning of a whole copy: forget all items, the next records have them."""

    outcome: Outcome
    results: tuple[Result, ...]
    lineage: str = ""
    """Line of views that the items belong to, "" in journals of earlier versions."""


class Items(_Record, frozen=True):
    """Items of a copy, or changes that were learnt together."""

    items: tuple[Change, ...]


class Advance(_Record, frozen=True):
    """The changes before this one lead up to here."""

    outcome: Outcome
    results: tuple[Result, ...]


Record = Vows | Prepared | Decided | Base | Items | Advance

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    """Bytes of a record."""
    return _encoder.encode(record)


def decode_record(data: bytes) -> Record:
    """The record of the bytes.

    Raises:
        DecodeError: They are none.
    """
    try:
        return cast("Record", _decoder.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"{len(data)} bytes are no record of a journal: {error}") from error
