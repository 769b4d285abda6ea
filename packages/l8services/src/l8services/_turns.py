# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is among the participants of a service."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.values import ServiceKey

__all__ = ["RoundRobin"]


class RoundRobin:
    """Picks participants in turn, evenly also while they come and go; a synchronous core."""

    def __init__(self) -> None:
        self._last: dict[ServiceKey, str] = {}

    def pick(self, key: ServiceKey, participants: Sequence[str], count: int) -> tuple[str, ...]:
        """The next ``count`` participants, all of them when there are not more.

        Args:
            key: The service whose turn it is.
            participants: Ids, sorted.
            count: How many; the position in the result is the replica number.
        """
        size = len(participants)
        if not size or count < 1:
            return ()
        start = bisect_right(participants, self._last.get(key, ""))
        picked = tuple(participants[(start + step) % size] for step in range(min(count, size)))
        self._last[key] = picked[-1]
        return picked
