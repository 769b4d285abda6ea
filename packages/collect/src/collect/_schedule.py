# SPDX-License-Identifier: Apache-2.0
"""When which poll of a host runs: a heap of due times, without clock and without waiting.

One schedule belongs to one host, whose polls never overlap. The one that has been due for longest
runs next, those due at the same moment in the order in which they were added, so no poll can keep
another one from running.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Cadence", "Schedule"]

K = TypeVar("K", bound="Hashable")

_MAX_DOUBLINGS = 30
"""More would exceed any interval that makes sense."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a poll runs."""

    interval: float
    """Seconds from the start of a run to the start of the next one."""
    retry: float = 5.0
    """Seconds from the end of a failed run to the next one; doubled with every further failure,
    up to the interval. The interval itself when that is shorter."""

    def __post_init__(self) -> None:
        if self.interval <= 0 or self.retry <= 0:
            raise InvalidInputError(
                f"a poll every {self.interval:g} s, retried after {self.retry:g} s: "
                "both must be above zero seconds"
            )

    def after_failure(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.interval, self.retry * 2.0 ** min(failures - 1, _MAX_DOUBLINGS))


@dataclass(slots=True)
class _Entry(Generic[K]):
    key: K
    cadence: Cadence
    sequence: int
    due: float
    failures: int = 0
    running: bool = False


class Schedule(Generic[K]):
    """The polls of one host with the times at which they are due.

    Times are seconds on any clock that never goes back.

    Example:
        >>> schedule = Schedule[str]()
        >>> schedule.add("system", Cadence(300.0), now=0.0)
        >>> schedule.take(now=0.0)
        'system'
        >>> schedule.finish("system", now=1.0)
        >>> schedule.next_due()
        300.0
    """

    def __init__(self) -> None:
        self._entries: dict[K, _Entry[K]] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: K, cadence: Cadence, *, now: float) -> None:
        """Add a poll that is due at once; for a known one the new cadence counts from its next run.

        Args:
            key: Names the poll.
            cadence: How often it runs.
            now: Current time.
        """
        known = self._entries.get(key)
        if known is not None:
            known.cadence = cadence
            return
        entry = _Entry(key, cadence, self._sequence, now)
        self._sequence += 1
        self._entries[key] = entry
        self._push(entry)

    def remove(self, key: K) -> None:
        """Forget a poll; nothing happens when it is unknown."""
        self._entries.pop(key, None)

    def next_due(self) -> float | None:
        """Time at which the next poll is due, ``None`` when none waits."""
        self._clean()
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> K | None:
        """The poll that is to run now, ``None`` when none is due.

        The next run is counted from ``now``; the poll waits for :meth:`finish`.
        """
        due = self.next_due()
        if due is None or due > now:
            return None
        key = heapq.heappop(self._heap)[2]
        entry = self._entries[key]
        entry.running = True
        entry.due = now + entry.cadence.interval
        return key

    def finish(self, key: K, *, now: float, ok: bool = True) -> None:
        """Say that a taken poll ended; nothing happens when it was removed meanwhile."""
        entry = self._entries.get(key)
        if entry is None or not entry.running:
            return
        entry.running = False
        entry.failures = 0 if ok else entry.failures + 1
        if not ok:
            entry.due = now + entry.cadence.after_failure(entry.failures)
        self._push(entry)

    def failures(self, key: K) -> int:
        """Failures of a poll since its last success."""
        entry = self._entries.get(key)
        return entry.failures if entry else 0

    def _push(self, entry: _Entry[K]) -> None:
        heapq.heappush(self._heap, (entry.due, entry.sequence, entry.key))

    def _clean(self) -> None:
        """Drop what was removed, or removed and added again, from the top of the heap."""
        while self._heap:
            _, sequence, key = self._heap[0]
            entry = self._entries.get(key)
            if entry is not None and entry.sequence == sequence:
                return
            heapq.heappop(self._heap)
