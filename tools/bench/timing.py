# SPDX-License-Identifier: Apache-2.0
"""How often something small can be done per second, on a machine that does other things too."""

from __future__ import annotations

import time
from timeit import Timer
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH: Final = 0.002
"""Seconds of one batch: long against the clock, short against the slices of the scheduler."""


def rate(call: Callable[[], object], seconds: float) -> float:
    """Return the calls per second in the best of many short batches.

    The best batch is the one that nobody else on the machine disturbed; what the loop itself costs
    (some ten nanoseconds per call) is not taken off.
    """
    return _best(Timer(call), seconds)


def rate_of(statement: str, names: dict[str, object], seconds: float) -> float:
    """Return how often a statement runs per second in the best of many short batches.

    For what is so short that calling it would cost more than the thing itself: the statement stands
    in the loop.

    Args:
        statement: Python source.
        names: What the statement refers to.
        seconds: How long to measure.
    """
    return _best(Timer(statement, globals=names), seconds)


def _best(timer: Timer, seconds: float) -> float:
    times = 1
    while timer.timeit(times) < BATCH:
        times *= 2
    best = timer.timeit(times)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        best = min(best, timer.timeit(times))
    return times / best
