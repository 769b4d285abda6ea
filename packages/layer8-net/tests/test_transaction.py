# SPDX-License-Identifier: Apache-2.0
"""The transaction part of a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import DecodeError, EncodeError
from l8types.values import Transaction
from layer8_net._core.transaction import decode_transaction, encode_transaction

from .strategies import TRANSACTIONS


@pytest.mark.feature("WIR-04")
@given(TRANSACTIONS)
def test_round_trip(part: Transaction) -> None:
    """Every transaction comes out as it went in."""
    assert decode_transaction(encode_transaction(part)) == part


@given(st.binary(max_size=120))
def test_any_bytes(data: bytes) -> None:
    """Bytes of a stranger give a transaction or a decode error, nothing else."""
    try:
        part = decode_transaction(data)
    except DecodeError:
        return
    assert isinstance(part, Transaction)


@pytest.mark.parametrize(
    "part",
    [
        Transaction(id="x" * 1025),
        Transaction(error="x" * 32_769),
        Transaction(replica=-1),
        Transaction(created=2**63),
    ],
)
def test_what_does_not_fit(part: Transaction) -> None:
    """A field that the format cannot carry is an encode error."""
    with pytest.raises(EncodeError, match="transaction"):
        encode_transaction(part)
