# SPDX-License-Identifier: Apache-2.0
"""Credit of streams: never more on the way than granted, never a standstill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import DecodeError, RemoteProtocolError
from layer8_net._core.stream import (
    CREDIT,
    INITIAL_BYTES,
    INITIAL_PARTS,
    MAX_CREDIT,
    Credit,
    Window,
    decode_credit,
)

SIZES = st.lists(st.integers(0, 3 * INITIAL_BYTES), max_size=200)


@given(SIZES)
def test_both_sides_agree(sizes: list[int]) -> None:
    """A sender that keeps to its credit is never found to exceed it, whatever the sizes."""
    credit, window = Credit(), Window()
    on_the_way: list[int] = []
    for size in sizes:
        while not credit.ready:
            # The reader catches up; if it never grants, this would not end.
            assert on_the_way, "a sender without credit, and nothing to read"
            grant = window.consume(on_the_way.pop(0))
            if grant is not None:
                credit.grant(*grant)
        credit.spend(size)
        window.receive(size)
        on_the_way.append(size)
        assert len(on_the_way) <= INITIAL_PARTS
        assert sum(on_the_way[:-1]) < INITIAL_BYTES


def test_parts_are_bounded() -> None:
    """Empty parts cost credit too: a reader is not flooded with nothing."""
    credit = Credit()
    for _ in range(INITIAL_PARTS):
        assert credit.ready
        credit.spend(0)
    assert not credit.ready


def test_part_larger_than_the_window() -> None:
    """No part is too large to be sent, but nothing follows it until it was read."""
    credit, window = Credit(), Window()
    credit.spend(5 * INITIAL_BYTES)
    window.receive(5 * INITIAL_BYTES)
    assert not credit.ready
    grant = window.consume(5 * INITIAL_BYTES)
    assert grant == (1, 5 * INITIAL_BYTES)
    credit.grant(*grant)
    assert credit.ready


def test_sender_without_credit() -> None:
    """Who sends without credit is found out before it fills the memory."""
    window = Window()
    window.receive(INITIAL_BYTES)
    with pytest.raises(RemoteProtocolError, match="beyond its credit"):
        window.receive(1)


def test_small_parts_are_granted_together() -> None:
    """A grant for each part would double the traffic: they are granted by the half window."""
    window = Window()
    grants = []
    for _ in range(INITIAL_PARTS):
        window.receive(10)
        grants.append(window.consume(10))
    assert [grant for grant in grants if grant] == [(INITIAL_PARTS // 2, INITIAL_PARTS * 5)] * 2


@given(st.integers(0, MAX_CREDIT), st.integers(0, MAX_CREDIT))
def test_grants_travel(parts: int, size: int) -> None:
    """A grant arrives as it was, and adding up many never overflows."""
    assert decode_credit(CREDIT.pack(parts, size)) == (parts, size)
    credit = Credit()
    for _ in range(3):
        credit.grant(parts, size)
    assert credit.ready


@pytest.mark.parametrize("data", [b"", b"1234567", b"123456789"])
def test_bad_grant(data: bytes) -> None:
    """A grant of another size is none."""
    with pytest.raises(DecodeError, match="grant of"):
        decode_credit(data)
