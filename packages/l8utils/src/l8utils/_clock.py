# SPDX-License-Identifier: Apache-2.0
"""The clock of a real node; whoever needs time asks for a clock instead of importing ``time``."""

from __future__ import annotations

import time


class SystemClock:
    """Clock of the operating system."""

    __slots__ = ()

    def now(self) -> float:
        """Wall clock, Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        return time.monotonic()
