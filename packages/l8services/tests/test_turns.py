# SPDX-License-Identifier: Apache-2.0
"""Turns of participants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._turns import RoundRobin
from l8types.values import ServiceKey

KEY = ServiceKey("Books")


@pytest.mark.feature("PAR-06")
@given(size=st.integers(1, 9), counts=st.lists(st.integers(0, 12), max_size=30))
def test_turns_are_even_and_never_short(size: int, counts: list[int]) -> None:
    """W-08: each call gives as many as asked for, without repetition, and nobody is preferred."""
    participants = [chr(ord("a") + number) for number in range(size)]
    turns, used = RoundRobin(), dict.fromkeys(participants, 0)
    for count in counts:
        picked = turns.pick(KEY, participants, count)
        assert len(picked) == len(set(picked)) == min(count, size)
        for name in picked:
            used[name] += 1
    assert max(used.values()) - min(used.values()) <= 1


@given(st.lists(st.sets(st.sampled_from("abcdef")), max_size=20))
def test_turns_survive_comings_and_goings(history: list[set[str]]) -> None:
    """Only participants are picked, and none when there is none."""
    turns = RoundRobin()
    for participants in history:
        picked = turns.pick(KEY, sorted(participants), 2)
        assert set(picked) <= participants
        assert len(picked) == min(2, len(participants))
