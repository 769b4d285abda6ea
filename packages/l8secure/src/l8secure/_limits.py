# SPDX-License-Identifier: Apache-2.0
"""Limit on guesses: a pure counter over time."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AttemptLimiter"]


@dataclass
class AttemptLimiter:
    """After ``attempts`` failures within ``window`` seconds a name waits until they have aged.

    Only names that failed are kept, and at most ``capacity`` of them, the oldest going first, so
    that an attacker cannot fill the memory with made-up names.
    """

    attempts: int = 5
    window: float = 60.0
    capacity: int = 10_000
    _failures: dict[str, list[float]] = field(default_factory=dict, init=False, repr=False)

    def blocked_for(self, name: str, now: float) -> float:
        """Seconds until the name may try again, 0 when it may now."""
        recent = [at for at in self._failures.get(name, ()) if now - at < self.window]
        if len(recent) < self.attempts:
            return 0.0
        return recent[-self.attempts] + self.window - now

    def failed(self, name: str, now: float) -> None:
        """Count a failure."""
        recent = [at for at in self._failures.pop(name, ()) if now - at < self.window]
        self._failures[name] = [*recent, now][-self.attempts :]
        while len(self._failures) > self.capacity:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failures.pop(name, None)
