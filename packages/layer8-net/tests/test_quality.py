# SPDX-License-Identifier: Apache-2.0
"""The score of a connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer8_net._core.quality import ConnectionQuality, QualityState

pytestmark = pytest.mark.feature("MET-03")


@pytest.mark.parametrize(
    ("figures", "score", "state"),
    [
        ({}, 100, QualityState.HEALTHY),
        ({"messages": 10, "errors": 2}, 90, QualityState.HEALTHY),
        ({"messages": 10, "errors": 5, "timeouts": 1}, 72, QualityState.DEGRADED),
        ({"messages": 10, "errors": 10, "timeouts": 3}, 41, QualityState.UNHEALTHY),
        ({"messages": 1, "errors": 2}, 0, QualityState.CRITICAL),
        ({"latency_sum": 0.2, "latency_count": 1}, 90, QualityState.HEALTHY),
        ({"latency_sum": 9.0, "latency_count": 1}, 80, QualityState.HEALTHY),
    ],
)
def test_score(figures: dict[str, float], score: int, state: QualityState) -> None:
    """Errors weigh 50, time-outs 30, slowness up to 20."""
    quality = ConnectionQuality(**figures)  # type: ignore[arg-type]
    assert quality.score(0.0) == score
    assert quality.state(0.0) is state


def test_idle_connection_ages() -> None:
    """A connection that is silent loses a point a minute from the fifth on, up to ten."""
    quality = ConnectionQuality(last_activity=100.0)
    assert [quality.score(100.0 + s) for s in (300, 359, 360, 480, 9000)] == [100, 100, 99, 97, 90]


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.floats(0, 1e6),
    st.floats(0, 1e9),
)
def test_range(messages: int, errors: int, timeouts: int, latency: float, now: float) -> None:
    """Whatever happened, a score is from 0 to 100."""
    quality = ConnectionQuality(messages, errors, timeouts, latency, 1)
    assert 0 <= quality.score(now) <= 100
