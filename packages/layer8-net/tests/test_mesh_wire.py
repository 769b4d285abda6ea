# SPDX-License-Identifier: Apache-2.0
"""What switches tell each other, as bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import DecodeError, EncodeError
from l8types.pb import L8Health
from layer8_net._core.frame import node_bytes
from layer8_net._core.mesh_wire import Address, Change, decode_change, encode_change
from layer8_net._core.switch_events import Pressure

from .fakes import new_id

IDS = st.uuids().map(str)
HOSTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
CHANGES = st.builds(
    Change,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.lists(st.builds(lambda uuid: L8Health(a_uuid=uuid), IDS), max_size=4),
    st.lists(st.builds(Address, IDS, HOSTS, st.integers(0, 65_535)), max_size=4),
    st.lists(st.tuples(IDS.map(node_bytes), st.sampled_from(list(Pressure))), max_size=4),
)


@given(CHANGES)
def test_round_trip(change: Change) -> None:
    """What was encoded is what is decoded."""
    assert decode_change(encode_change(change)) == change


@given(CHANGES, st.data())
def test_cut_off(change: Change, data: st.DataObject) -> None:
    """A statement that is cut off before its records is refused, never half understood."""
    encoded = encode_change(Change(change.incarnation, change.number, [], change.addresses))
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(DecodeError):
        decode_change(encoded[:cut])


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Arbitrary bytes are a statement or a decode error, nothing else."""
    with suppress(DecodeError):
        decode_change(data)


def test_long_host() -> None:
    """A host that does not fit is an error at the one who says it."""
    with pytest.raises(EncodeError, match="255"):
        encode_change(Change(0, 0, addresses=[Address(new_id(), "x" * 256, 1)]))
