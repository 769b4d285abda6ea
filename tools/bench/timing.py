# SPDX-License-Identifier: Apache-2.0
"""How often something small can be done per second, on a machine that does other things too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH: Final = 0.002
"""Seconds of one batch: long against the clock, short against the slices of the scheduler."""


def _seconds_of(call: Callable[[], object], times: int) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - begin


def rate(call: Callable[[], object], seconds: float) -> float:
    """Return the calls per second in the best of many short batches.

    The best batch is the one that nobody else on the machine disturbed; what the loop itself costs
    (some ten nanoseconds per call) is not taken off.
    """
    times = 1
    while _seconds_of(call, times) < BATCH:
        times *= 2
    end = time.perf_counter() + seconds
    best = _seconds_of(call, times)
    while time.perf_counter() < end:
        best = min(best, _seconds_of(call, times))
    return times / best
