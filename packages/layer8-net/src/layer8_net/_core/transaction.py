# SPDX-License-Identifier: Apache-2.0
"""Bytes of the transaction part of a message.

Integers are big-endian::

    offset size  field
         0    1  state
         1    1  1 for a replica
         2    4  replica number
         6    8  epoch
        14   40  created, queued, running, end, timeout: eight bytes each, signed
        54    2  bytes of the transaction id, which follows; the rest is the error text
"""

from __future__ import annotations

import struct
from typing import Final

from l8types.enums import TransactionState
from l8types.errors import DecodeError, EncodeError
from l8types.values import Transaction

__all__ = ["decode_transaction", "encode_transaction"]

_FIXED: Final = struct.Struct(">BBIQqqqqqH")
_MAX_ID: Final = 1024
_MAX_ERROR: Final = 32_768


def _text(text: str, limit: int, what: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > limit:
        raise EncodeError(f"{what} of {len(encoded)} bytes is above the limit of {limit}")
    return encoded


def encode_transaction(part: Transaction | None) -> bytes:
    if part is None:
        return b""
    identifier = _text(part.id, _MAX_ID, "transaction id")
    try:
        fixed = _FIXED.pack(
            part.state,
            part.is_replica,
            part.replica,
            part.epoch,
            part.created,
            part.queued,
            part.running,
            part.end,
            part.timeout,
            len(identifier),
        )
    except struct.error as error:
        raise EncodeError(f"transaction {part.id!r} has a number out of range: {error}") from error
    return fixed + identifier + _text(part.error, _MAX_ERROR, "transaction error")


def decode_transaction(data: bytes) -> Transaction:
    """Transaction of its part of a message.

    Raises:
        DecodeError: The bytes are none.
    """
    if len(data) < _FIXED.size:
        raise DecodeError(f"transaction part of {len(data)} bytes is too short")
    state, is_replica, replica, epoch, created, queued, running, end, timeout, id_size = (
        _FIXED.unpack_from(data)
    )
    start = _FIXED.size
    if start + id_size > len(data):
        raise DecodeError(f"transaction id of {id_size} bytes exceeds its part of {len(data)}")
    try:
        known_state = TransactionState(state)
        identifier = data[start : start + id_size].decode()
        error = data[start + id_size :].decode()
    except ValueError as reason:
        raise DecodeError(f"transaction part cannot be decoded: {reason}") from reason
    return Transaction(
        state=known_state,
        id=identifier,
        error=error,
        created=created,
        queued=queued,
        running=running,
        end=end,
        timeout=timeout,
        replica=replica,
        is_replica=bool(is_replica),
        epoch=epoch,
    )
