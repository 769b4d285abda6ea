# SPDX-License-Identifier: Apache-2.0
"""The clock of a real node; whoever needs time asks for a clock instead of importing ``time``."""

from __future__ import annotations

import time


class SystemClock:
    """Clock of the operating system."""

    __slots__ = ()

    now = staticmethod(time.time)
    """Wall clock, Unix seconds."""
    monotonic = staticmethod(time.monotonic)
    """Seconds that never go back; only differences mean something."""
