# SPDX-License-Identifier: Apache-2.0
"""What counts as a pause of our own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from layer8_net._core.stalls import Stalls


def test_looks_in_time_are_no_pause() -> None:
    """The first look, and all that come in time, leave nothing out."""
    stalls = Stalls(2.0)
    assert [stalls.look(now) for now in (100.0, 101.0, 103.0, 103.0)] == [0.0] * 4


def test_a_pause_is_left_out() -> None:
    """A late look tells how long it was; what follows in time counts again."""
    stalls = Stalls(2.0)
    assert [stalls.look(now) for now in (0.0, 60.0, 61.0, 63.0)] == [0.0, 60.0, 0.0, 0.0]


@given(st.lists(st.floats(0.0, 50.0), min_size=2))
def test_silence_is_noticed_in_the_end(gaps: list[float]) -> None:
    """Never more than the time since the last look is left out, nor all of two in a row."""
    stalls, now = Stalls(2.0), 1000.0
    stalls.look(now)
    late = False
    for gap in gaps:
        now += gap
        lost = stalls.look(now)
        assert 0.0 <= lost <= gap + 1e-6
        if late and lost:
            assert gap - lost > 1.9
        late = lost > 0.0
