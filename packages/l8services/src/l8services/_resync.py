# SPDX-License-Identifier: Apache-2.0
"""When to fetch what from which instance: debounced, one after the other, with back-off.

A synchronous core; the time is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Job", "ResyncPlanner"]

MAX_KEYS: Final = 200
"""Single items worth fetching one by one; above it everything is fetched."""
_MAX_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class Job:
    """One fetch that is due.

    Attributes:
        source: The instance to ask.
        keys: The items to fetch, empty for all.
        forced: Whether it is done even when no change of the source is missing any more.
        sweep: Whether the others are to fetch what this fetch finds.
    """

    source: str
    keys: frozenset[str] = frozenset()
    forced: bool = False
    sweep: bool = False


@dataclass(slots=True)
class _Plan:
    """What is wanted from one instance."""

    due: float
    full: bool = False
    forced: bool = False
    sweep: bool = False
    keys: set[str] = field(default_factory=set)
    failures: int = 0


class ResyncPlanner:
    """Collects causes for a fetch and says which one is due.

    Args:
        delay: Seconds between the first cause and the fetch; further causes do not prolong it.
        interval: Seconds between two complete fetches from one source.
        retry_max: Longest pause after failures, which starts with ``delay`` and doubles.
    """

    def __init__(self, *, delay: float, interval: float, retry_max: float) -> None:
        self._delay = delay
        self._interval = interval
        self._retry_max = retry_max
        self._plans: dict[str, _Plan] = {}
        self._last_full: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._plans)

    def pending(self, source: str) -> bool:
        """Whether something of the instance is still to be fetched."""
        return source in self._plans

    def request(
        self, source: str, now: float, *, forced: bool = False, sweep: bool = False
    ) -> None:
        """All items of an instance are wanted; ``forced`` and ``sweep`` as in :class:`Job`."""
        plan = self._plans.setdefault(source, _Plan(now + self._delay))
        plan.due = max(plan.due, self._last_full.get(source, -self._interval) + self._interval)
        plan.full = True
        plan.forced = plan.forced or forced
        plan.sweep = plan.sweep or sweep

    def refresh(self, source: str, key: str, now: float) -> None:
        """One item of an instance is wanted."""
        plan = self._plans.setdefault(source, _Plan(now + self._delay))
        plan.keys.add(key)
        if len(plan.keys) > MAX_KEYS:
            plan.keys.clear()
            plan.full = plan.forced = True

    def due(self, now: float) -> Job | None:
        """The fetch that is due the longest, taken off the plan; ``None`` when none is due."""
        source = min(self._plans, key=lambda name: self._plans[name].due, default="")
        if not source or self._plans[source].due > now:
            return None
        plan = self._plans[source]
        if plan.full:
            self._last_full[source] = now
            # A wanted item is part of everything, so that everything must be fetched in any case.
            job = Job(source, forced=plan.forced or bool(plan.keys), sweep=plan.sweep)
        else:
            job = Job(source, frozenset(plan.keys))
        plan.full = plan.forced = plan.sweep = False
        plan.keys.clear()
        plan.due = float("inf")
        return job

    def wake_at(self) -> float | None:
        """When the next fetch is due, ``None`` when none is planned."""
        due = min((plan.due for plan in self._plans.values()), default=float("inf"))
        return None if due == float("inf") else due

    def done(self, job: Job, now: float) -> None:
        """The fetch succeeded; what was asked for meanwhile is due after the usual delay."""
        plan = self._plans.get(job.source)
        if plan is None:
            return
        if not plan.full and not plan.keys:
            del self._plans[job.source]
            return
        plan.failures = 0
        plan.due = now + (self._interval if plan.full else self._delay)

    def failed(self, job: Job, now: float) -> None:
        """The fetch failed and is to be tried again, later each time."""
        plan = self._plans.setdefault(job.source, _Plan(now))
        plan.failures += 1
        plan.full = plan.full or not job.keys
        plan.forced = plan.forced or job.forced
        plan.sweep = plan.sweep or job.sweep
        plan.keys |= job.keys
        pause = self._delay * 2.0 ** min(plan.failures, _MAX_DOUBLINGS)
        plan.due = now + min(pause, self._retry_max)

    def forget(self, source: str) -> None:
        """The instance is gone; nothing can be fetched from it any more."""
        self._plans.pop(source, None)
        self._last_full.pop(source, None)
