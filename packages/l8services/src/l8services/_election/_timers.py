# SPDX-License-Identifier: Apache-2.0
"""What an election waits for, and since when it is due."""

from __future__ import annotations

from enum import Enum

__all__ = ["Timer", "Timers"]


class Timer(Enum):
    """What happens when the time has come."""

    START = "start"
    """An election begins."""
    WINDOW = "window"
    """Nobody objected to the candidate."""
    YIELD = "yield"
    """The stronger candidate did not announce itself."""
    BEAT = "beat"
    """The leader shows that it lives."""
    LOST = "lost"
    """The leader may have been silent for too long."""
    QUERY = "query"
    """The leader is asked for."""
    HAND_OVER = "hand-over"
    """The successor did not announce itself."""


class Timers:
    """Due times by purpose; a later setting replaces an earlier one."""

    def __init__(self) -> None:
        self._due: dict[Timer, float] = {}

    def set(self, timer: Timer, at: float) -> None:
        """Let a timer be due at a time."""
        self._due[timer] = at

    def get(self, timer: Timer) -> float | None:
        """When a timer is due, ``None`` when it is not set."""
        return self._due.get(timer)

    def stop(self, *timers: Timer) -> None:
        """Forget timers, all of them without an argument."""
        for timer in timers or tuple(self._due):
            self._due.pop(timer, None)

    def take(self, now: float) -> list[Timer]:
        """Remove and return those that are due, the earliest first."""
        due = sorted((at, timer.value, timer) for timer, at in self._due.items() if at <= now)
        for _, _, timer in due:
            del self._due[timer]
        return [timer for _, _, timer in due]

    def next(self) -> float | None:
        """When the next one is due, ``None`` when none is set."""
        return min(self._due.values(), default=None)
