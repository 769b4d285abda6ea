# SPDX-License-Identifier: Apache-2.0
"""Which changes of which instance have arrived, and which are missing.

Every instance counts its changes from 1. A hole in the count means that a change was lost or is
late. A synchronous core without clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SequenceTracker"]

MAX_MISSING: Final = 1024
"""Missing numbers that are remembered one by one; above it all of the source counts as missed."""


@dataclass(slots=True)
class _Source:
    """What is known of one instance."""

    through: int = 0
    """Highest number that was heard of."""
    missing: set[int] = field(default_factory=set)
    lost: bool = False
    """Whether more is missing than can be remembered."""
    time: int = 0
    """Stamp of the newest change, which tells a restarted count from a late message."""

    def advance(self, sequence: int, *, arrived: bool) -> None:
        end = sequence if arrived else sequence + 1
        if end - self.through - 1 + len(self.missing) > MAX_MISSING:
            self.missing.clear()
            self.lost = True
        elif not self.lost:
            self.missing.update(range(self.through + 1, end))
        self.through = sequence


class SequenceTracker:
    """Counts of all instances of one service."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}

    def observe(self, source: str, sequence: int, time: int = 0) -> None:
        """A change arrived.

        Args:
            source: Id of the instance.
            sequence: Its number.
            time: Time of its stamp, 0 when it has none.
        """
        state = self._sources.get(source)
        if state is None:
            state = self._sources[source] = _Source()
        if sequence == state.through + 1:
            # Nothing is missing between: what nearly every change is.
            state.through = sequence
        elif sequence > state.through:
            state.advance(sequence, arrived=True)
        elif sequence in state.missing:
            state.missing.discard(sequence)
        elif time > state.time > 0:
            # A new change with an old number: the instance was started again and counts anew.
            self._restart(state, sequence, arrived=True)
        state.time = max(state.time, time)

    def observe_run(self, source: str, first: int, times: Sequence[int]) -> None:
        """Changes arrived whose numbers follow each other; as :meth:`observe` of each.

        Args:
            source: Id of the instance.
            first: Number of the first.
            times: Times of their stamps, which never go back.
        """
        state = self._sources.get(source)
        if state is not None and state.through + 1 == first:
            state.through += len(times)
            state.time = max(state.time, times[-1])
            return
        for sequence, time in enumerate(times, first):
            self.observe(source, sequence, time)

    def beacon(self, source: str, sequence: int) -> None:
        """The instance told how many changes it has made."""
        state = self._sources.setdefault(source, _Source())
        if sequence > state.through:
            state.advance(sequence, arrived=False)
        elif sequence < state.through:
            self._restart(state, sequence, arrived=False)

    def gap(self, source: str) -> bool:
        """Whether changes of the instance are missing."""
        state = self._sources.get(source)
        return state is not None and (state.lost or bool(state.missing))

    def through(self, source: str) -> int:
        """Highest number heard of, 0 for an unknown instance."""
        state = self._sources.get(source)
        return state.through if state else 0

    def time(self, source: str) -> int:
        """Stamp of the newest change that arrived, 0 for none."""
        state = self._sources.get(source)
        return state.time if state else 0

    def settle(self, source: str, through: int) -> None:
        """All changes of the instance up to this number are known, as part of a fetched copy."""
        state = self._sources.setdefault(source, _Source())
        if state.lost and through < state.through:
            # What came after the copy arrived one by one, or is missed again at the next beacon.
            state.missing = set(range(through + 1, state.through + 1)[:MAX_MISSING])
        state.lost = False
        state.missing = {number for number in state.missing if number > through}
        state.through = max(state.through, through)

    def seen(self) -> dict[str, int]:
        """Per instance the number up to which nothing is missing; without those that were lost."""
        return {
            source: min(state.missing) - 1 if state.missing else state.through
            for source, state in self._sources.items()
            if not state.lost
        }

    @staticmethod
    def _restart(state: _Source, sequence: int, *, arrived: bool) -> None:
        state.through = 0
        state.missing.clear()
        state.lost = False
        state.advance(sequence, arrived=arrived)
