# SPDX-License-Identifier: Apache-2.0
"""What changes with time on a simulated device."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probler.sim import Kind
from probler.sim._motion import Flow, Wave, counter, gauge, ticks

pytestmark = pytest.mark.feature("SIM-07")

_DAY = 86_400.0


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Flows of any rate and swing."""
    mean = draw(st.floats(0.0, 1e9))
    return Flow(
        Wave(
            mean,
            mean * draw(st.floats(0.0, 1.0)),
            draw(st.floats(1.0, 1000.0)),
            draw(st.floats(0.0, 2 * math.pi)),
        )
    )


@given(flow=flows(), start=st.floats(0.0, 400 * _DAY), step=st.floats(0.01, _DAY))
def test_a_total_never_falls(flow: Flow, start: float, step: float) -> None:
    """However the rate swings, what was counted stays counted."""
    assert flow.total(start) <= flow.total(start + step)


@given(flow=flows())
def test_a_total_keeps_to_its_mean_rate(flow: Flow) -> None:
    """After whole periods the swing has cancelled out."""
    whole = 1000 * flow.rate.period
    assert flow.total(whole) == pytest.approx(flow.rate.mean * whole, rel=1e-6, abs=2)
    assert flow.total(0.0) == 0


def test_a_swing_above_the_mean_is_refused() -> None:
    """A negative rate would make a counter fall."""
    with pytest.raises(ValueError, match="swing 2"):
        Flow(Wave(1.0, 2.0, 60.0, 0.0))


def test_the_same_flow_in_another_unit_moves_in_step() -> None:
    """Packets are octets divided by a size, at every time."""
    flow = Flow(Wave(1000.0, 500.0, 300.0, 1.0))
    for now in (0.0, 17.0, 250.0, 9999.0):
        assert flow.scaled(0.01).total(now) == pytest.approx(flow.total(now) / 100, abs=1)


def test_both_widths_of_a_counter_count_the_same() -> None:
    """The 32-bit counter is the 64-bit one, wrapped."""
    flow = Flow(Wave(1e9, 0.0, 60.0, 0.0))
    narrow, wide = counter(Kind.COUNTER32, flow, _DAY), counter(Kind.COUNTER64, flow, _DAY)
    assert wide(10.0).kind is Kind.COUNTER64
    assert wide(10.0).content == 86_410 * 10**9
    assert narrow(10.0).content == 86_410 * 10**9 % 2**32


def test_ticks_count_hundredths_since_boot_and_wrap() -> None:
    """After 497 days TimeTicks start again."""
    assert ticks(100.0)(0.5).content == 10_050
    assert ticks(2**32 / 100)(1.0).content == 100


@given(seed=st.integers(), now=st.floats(0.0, 400 * _DAY))
def test_a_gauge_stays_within_its_limits(seed: int, now: float) -> None:
    """A load is a percentage whatever the wave does."""
    wave = Wave.drawn(Random(seed), 50.0, 80.0)
    content = gauge(Kind.INTEGER, wave, 0.0, high=100)(now).content
    assert isinstance(content, int)
    assert 0 <= content <= 100
