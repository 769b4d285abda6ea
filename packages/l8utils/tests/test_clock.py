# SPDX-License-Identifier: Apache-2.0
"""The clock of the operating system."""

from __future__ import annotations

import time

from l8utils import SystemClock


def test_it_tells_the_time_of_the_system() -> None:
    """Wall clock between two looks at it; monotonic time never goes back."""
    clock = SystemClock()
    before, first = time.time(), clock.monotonic()
    assert before <= clock.now() <= time.time()
    assert clock.monotonic() >= first
