# SPDX-License-Identifier: Apache-2.0
"""How well a connection does, as a score from 0 to 100."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

__all__ = ["ConnectionQuality", "QualityState"]

_ERROR_WEIGHT: Final = 50
_TIMEOUT_WEIGHT: Final = 30
_LATENCY_MS: Final = 100.0
_LATENCY_CAP: Final = 20
_IDLE_SECONDS: Final = 300.0
_IDLE_CAP: Final = 10


class QualityState(IntEnum):
    """What a score means."""

    HEALTHY = 0
    """80 and above."""
    DEGRADED = 1
    """60 and above."""
    UNHEALTHY = 2
    """20 and above."""
    CRITICAL = 3


@dataclass(slots=True)
class ConnectionQuality:
    """Figures of the connection to the switch, over all reconnections."""

    messages: int = 0
    """Messages sent and received."""
    errors: int = 0
    """Connections lost or not made, and messages that came back."""
    timeouts: int = 0
    """Requests that were not answered in time."""
    latency_sum: float = 0.0
    """Seconds from requests to their answers, all together."""
    latency_count: int = 0
    last_activity: float = 0.0
    """Monotonic seconds of the last message received."""

    @property
    def latency(self) -> float:
        """Average seconds from a request to its answer, 0 without any."""
        return self.latency_sum / self.latency_count if self.latency_count else 0.0

    def score(self, now: float) -> int:
        """0 to 100; it is made when it is asked for, so that an idle connection ages too."""
        calls = max(1, self.messages)
        score = 100
        score -= int(_ERROR_WEIGHT * self.errors / calls)
        score -= int(_TIMEOUT_WEIGHT * self.timeouts / calls)
        slow = self.latency * 1000 - _LATENCY_MS
        score -= min(_LATENCY_CAP, max(0, int(slow / 10)))
        idle = now - self.last_activity - _IDLE_SECONDS
        score -= min(_IDLE_CAP, max(0, int(idle / 60)))
        return min(100, max(0, score))

    def state(self, now: float) -> QualityState:
        """What the score means."""
        score = self.score(now)
        if score >= 80:
            return QualityState.HEALTHY
        if score >= 60:
            return QualityState.DEGRADED
        return QualityState.UNHEALTHY if score >= 20 else QualityState.CRITICAL
