# SPDX-License-Identifier: Apache-2.0
"""A clock that stands still until a test moves it, for what takes time as an argument."""

from __future__ import annotations

from typing import Final

__all__ = ["FakeClock"]

START: Final = 1_750_000_000.0
"""Wall clock at the start: a fixed moment, so that failures show the same figures every time."""


class FakeClock:
    """A ``Clock`` under the control of a test.

    Args:
        now: Wall clock at the start, Unix seconds.

    Example:
        >>> clock = FakeClock(now=100.0)
        >>> clock.advance(2.5)
        >>> clock.now(), clock.monotonic()
        (102.5, 2.5)
    """

    def __init__(self, now: float = START) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Wall clock, Unix seconds."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: ``seconds`` is negative; time that passes never goes back.
        """
        if seconds < 0:
            raise ValueError(f"time cannot pass by {seconds} s; use set_wall to turn the clock")
        self._now += seconds
        self._monotonic += seconds

    def set_wall(self, now: float) -> None:
        """Turn the wall clock, forwards or backwards, as an administrator does; no time passes."""
        self._now = now
