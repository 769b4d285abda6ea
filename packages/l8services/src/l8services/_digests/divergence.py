# SPDX-License-Identifier: Apache-2.0
"""Tells ranges that really differ from those whose changes are still on their way.

Two copies that are written to differ at nearly every moment. A range counts as diverged when both
its digests are the same at two comparisons one after another, and still differ. One that changes
all the time cannot show that; it is fetched after a few comparisons in any case, a few ranges at a
time. What a fetch does not repair is fetched again, more and more seldom. A synchronous core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["DivergenceTracker"]

BUSY_AFTER: Final = 3
"""Comparisons after which a range that changes all the time is fetched."""
BUSY_AT_ONCE: Final = 4
"""How many of those are fetched after one comparison."""
_MAX_DOUBLINGS: Final = 5


@dataclass(slots=True)
class _Suspect:
    """A range that differed at the last comparison."""

    pair: tuple[int, int]
    rounds: int = 1
    still: bool = False
    """Whether both digests were the same at the comparison before."""
    fetched: int = 0
    """The comparison after which it was fetched, 0 for never."""
    tries: int = 0
    """How often it was fetched without any effect."""

    def compared(self, pair: tuple[int, int]) -> None:
        self.still = pair == self.pair
        self.pair = pair
        self.rounds += 1
        if not self.still:
            self.tries = 0

    @property
    def due(self) -> bool:
        if self.fetched:
            return self.rounds - self.fetched >= 1 << min(self.tries, _MAX_DOUBLINGS)
        return self.still or self.rounds >= BUSY_AFTER


class DivergenceTracker:
    """The ranges that differ, per other instance."""

    def __init__(self) -> None:
        self._suspects: dict[str, dict[int, _Suspect]] = {}

    def compare(self, source: str, mine: Sequence[int], theirs: Sequence[int]) -> list[int]:
        """Compare the digests of both copies.

        Args:
            source: Id of the other instance.
            mine: Digests here, one per range.
            theirs: Digests there.

        Returns:
            The ranges to fetch from it now.
        """
        before = self._suspects.get(source, {})
        now: dict[int, _Suspect] = {}
        for number, pair in enumerate(zip(mine, theirs, strict=True)):
            if pair[0] == pair[1]:
                continue
            suspect = before.get(number)
            if suspect is None:
                now[number] = _Suspect(pair)
            else:
                suspect.compared(pair)
                now[number] = suspect
        self._keep(source, now)
        return self._take_due(now)

    def failed(self, source: str, ranges: Iterable[int]) -> None:
        """These ranges could not be fetched; they are due again at the next comparison."""
        suspects = self._suspects.get(source, {})
        for number in ranges:
            suspect = suspects.get(number)
            if suspect is not None:
                suspect.fetched = suspect.tries = 0

    def agree(self, source: str) -> None:
        """Both copies are equal, or the instance is gone."""
        self._suspects.pop(source, None)

    def differs(self, source: str) -> bool:
        """Whether the last comparison with the instance found a difference."""
        return source in self._suspects

    @property
    def divergence(self) -> int:
        """How many ranges have diverged, counted once per other instance."""
        return sum(
            suspect.still for ranges in self._suspects.values() for suspect in ranges.values()
        )

    def _keep(self, source: str, suspects: dict[int, _Suspect]) -> None:
        if suspects:
            self._suspects[source] = suspects
        else:
            self._suspects.pop(source, None)

    @staticmethod
    def _take_due(suspects: dict[int, _Suspect]) -> list[int]:
        due = {number: suspect for number, suspect in suspects.items() if suspect.due}
        busy = sorted(
            (number for number, suspect in due.items() if not suspect.still),
            key=lambda number: due[number].fetched - due[number].rounds,
        )
        taken = sorted({*due}.difference(busy[BUSY_AT_ONCE:]))
        for number in taken:
            suspect = due[number]
            suspect.tries += 1 if suspect.fetched else 0
            suspect.fetched = suspect.rounds
        return taken
