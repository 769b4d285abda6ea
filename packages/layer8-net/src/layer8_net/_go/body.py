# SPDX-License-Identifier: Apache-2.0
"""The part of a message that travels encrypted, as one unit.

Integers are big-endian::

    offset size  field
         0    1  action
         1    1  transaction state
         2   36  identity, padded with NUL
        38    4  sequence
        42    2  seconds until the deadline, 0 without one
        44    1  flags: 1 request, 2 reply; more would crash a Go node
        45    1  F, bytes of the failure text
        46    F  failure text
      46+F    4  D, bytes of the data
      50+F    D  data

Only with a transaction state other than 0 it goes on with the transaction::

         0   36  id, padded with NUL
        36    1  E, bytes of the error text
        37    E  error text
      37+E   40  created, queued, running, end, timeout: eight bytes each, signed
      77+E    1  number of the replica
      78+E    1  1 for a replica
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from l8types.enums import TransactionState
from l8types.errors import DecodeError, EncodeError
from l8types.values import Transaction
from layer8_net._go.limits import cut_text, id_bytes, id_text
from layer8_net._go.values import NOTHING, is_nothing

__all__ = ["REPLY", "REQUEST", "Body", "pack_body", "unpack_body"]

REQUEST: Final = 1
REPLY: Final = 2

_FIXED: Final = struct.Struct(">BB36sIHBB")
_DATA_SIZE: Final = struct.Struct(">I")
_TIMES: Final = struct.Struct(">qqqqqBB")
_ID_SIZE: Final = 36


class Body(NamedTuple):
    """What stands in a body; texts are decoded."""

    action: int
    identity: str
    sequence: int
    timeout: int
    """Seconds."""
    flags: int
    failure: str
    data: bytes
    transaction: Transaction | None


def pack_body(body: Body) -> bytes:
    """Bytes of a body.

    Without data it carries a container with nothing in it: a Go node cannot do without.

    Raises:
        EncodeError: A part does not fit the format.
    """
    if not 0 <= body.flags <= REQUEST | REPLY:
        raise EncodeError(f"flags {body.flags:#x} are none of the go profile")
    part = body.transaction
    in_transaction = part is not None and part.state is not TransactionState.NOT_A_TRANSACTION
    failure = cut_text(body.failure)
    data = NOTHING if is_nothing(body.data) else body.data
    try:
        fixed = _FIXED.pack(
            body.action,
            part.state if part is not None else 0,
            id_bytes(body.identity, "identity"),
            body.sequence,
            body.timeout,
            body.flags,
            len(failure),
        )
    except struct.error as error:
        raise EncodeError(
            f"a number of the message does not fit the go profile: {error}"
        ) from error
    parts = [fixed, failure, _DATA_SIZE.pack(len(data)), data]
    if part is not None and in_transaction:
        parts.append(_pack_transaction(part))
    return b"".join(parts)


def _pack_transaction(part: Transaction) -> bytes:
    error = cut_text(part.error)
    try:
        numbers = _TIMES.pack(
            part.created,
            part.queued,
            part.running,
            part.end,
            part.timeout,
            part.replica,
            part.is_replica,
        )
    except struct.error as reason:
        raise EncodeError(
            f"transaction {part.id!r} has a number out of range: {reason}"
        ) from reason
    return b"".join((id_bytes(part.id, "transaction id"), bytes([len(error)]), error, numbers))


def unpack_body(plain: bytes) -> Body:
    """Body of its bytes.

    Raises:
        DecodeError: They are none.
    """
    if len(plain) < _FIXED.size + _DATA_SIZE.size:
        raise DecodeError(f"body of {len(plain)} bytes is too short", offset=len(plain))
    action, state, identity, sequence, timeout, flags, failure_size = _FIXED.unpack_from(plain)
    if flags > REQUEST | REPLY:
        raise DecodeError(f"unknown flags {flags:#x} in a message", offset=44)
    size_at = _FIXED.size + failure_size
    start = size_at + _DATA_SIZE.size
    if start > len(plain):
        raise DecodeError(f"failure text of {failure_size} bytes exceeds its body", offset=45)
    (data_size,) = _DATA_SIZE.unpack_from(plain, size_at)
    end = start + data_size
    if end > len(plain):
        raise DecodeError(f"data of {data_size} bytes exceeds its body", offset=size_at)
    return Body(
        action=action,
        identity=id_text(identity),
        sequence=sequence,
        timeout=timeout,
        flags=flags,
        # The peers cut texts anywhere, so that the last character may be a part of one.
        failure=plain[_FIXED.size : size_at].decode("utf-8", "replace"),
        data=plain[start:end],
        transaction=_unpack_transaction(state, plain, end) if state else None,
    )


def _unpack_transaction(state: int, plain: bytes, start: int) -> Transaction:
    error_at = start + _ID_SIZE + 1
    if error_at > len(plain):
        raise DecodeError("message in a transaction without the transaction", offset=start)
    times_at = error_at + plain[error_at - 1]
    if times_at + _TIMES.size > len(plain):
        raise DecodeError("transaction part of a message is too short", offset=error_at)
    created, queued, running, finished, timeout, replica, is_replica = _TIMES.unpack_from(
        plain, times_at
    )
    try:
        known_state = TransactionState(state)
    except ValueError as error:
        raise DecodeError(f"unknown transaction state {state}", offset=1) from error
    return Transaction(
        state=known_state,
        id=id_text(plain[start : start + _ID_SIZE]),
        error=plain[error_at:times_at].decode("utf-8", "replace"),
        created=created,
        queued=queued,
        running=running,
        end=finished,
        timeout=timeout,
        replica=replica,
        is_replica=bool(is_replica),
    )
