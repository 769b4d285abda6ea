# SPDX-License-Identifier: Apache-2.0
"""What the network itself needs to know about an answer."""

from __future__ import annotations

from l8types.errors import DecodeError
from l8types.pb import L8Transaction
from layer8_net._go.values import RawMessage, read_entries, unpack_message

__all__ = ["failure_of", "is_progress"]


def is_progress(data: bytes) -> bool:
    """Whether an answer only tells how far a transaction is: its end is not set yet."""
    try:
        entries = read_entries(data)
        value = entries[0].value if entries else None
        if not isinstance(value, RawMessage) or value.name != L8Transaction.DESCRIPTOR.name:
            return False
        return not unpack_message(value, L8Transaction).end
    except DecodeError:
        # An answer of another form is for who asked.
        return False


def failure_of(data: bytes) -> str:
    """The first error text in an answer, "" when there is none."""
    try:
        return next((entry.error for entry in read_entries(data) if entry.error), "")
    except DecodeError:
        return ""
