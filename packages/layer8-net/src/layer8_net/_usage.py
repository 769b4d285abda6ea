# SPDX-License-Identifier: Apache-2.0
"""What this process uses of the machine."""

from __future__ import annotations

import os
import time

import psutil

__all__ = ["Usage"]


class Usage:
    """Memory and processor time of this process, the latter since the last look."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cores = os.cpu_count() or 1
        self._cpu = time.process_time()
        self._wall = time.monotonic()
        self._ratio = 0.0

    def sample(self) -> tuple[int, float]:
        """Resident bytes, and the share of all cores used since the last sample, 0 to 1."""
        cpu, wall = time.process_time(), time.monotonic()
        if wall > self._wall:
            ratio = (cpu - self._cpu) / (wall - self._wall) / self._cores
            self._ratio = min(1.0, max(0.0, ratio))
            self._cpu, self._wall = cpu, wall
        return self._process.memory_info().rss, self._ratio
