# SPDX-License-Identifier: Apache-2.0
"""The limit on guesses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from l8secure import AttemptLimiter


def test_five_failures_block_until_the_oldest_has_aged() -> None:
    """The wait ends when the first of the last five failures leaves the window."""
    limiter = AttemptLimiter(attempts=5, window=60)
    for second in range(5):
        assert limiter.blocked_for("ada", second) == 0
        limiter.failed("ada", second)
    assert limiter.blocked_for("ada", 10) == 50
    assert limiter.blocked_for("ada", 60) == 0
    assert limiter.blocked_for("bob", 10) == 0


def test_success_forgets_the_failures() -> None:
    """One right password makes up for the wrong ones."""
    limiter = AttemptLimiter(attempts=1)
    limiter.failed("ada", 0)
    limiter.succeeded("ada")
    assert limiter.blocked_for("ada", 0) == 0


@given(st.lists(st.integers(0, 500), max_size=200))
def test_made_up_names_do_not_fill_the_memory(names: list[int]) -> None:
    """Never more names than the capacity are kept."""
    limiter = AttemptLimiter(capacity=50)
    for number in names:
        limiter.failed(str(number), 0)
    assert len(limiter._failures) <= 50
