# SPDX-License-Identifier: Apache-2.0
"""What waits, by priority, without anything waiting for ever."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

__all__ = ["LEVELS", "FairQueue"]

T = TypeVar("T")

LEVELS: Final = 8
_AGEING: Final = 16
"""Every sixteenth item is the one that waited longest: strict priority would starve the rest."""


class FairQueue(Generic[T]):
    """Queue of items with a level and a size; first in first out within a level."""

    __slots__ = ("_arrivals", "_count", "_levels", "_taken", "size_bytes")

    def __init__(self) -> None:
        self._levels: tuple[deque[tuple[int, int, T]], ...] = tuple(deque() for _ in range(LEVELS))
        self._arrivals = 0
        self._count = 0
        self._taken = 0
        self.size_bytes = 0
        """Sum of the sizes of all items."""

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return self._count > 0

    def push(self, item: T, level: int, size_bytes: int) -> None:
        """Add an item; level 7 goes first."""
        if level >= LEVELS:
            level = LEVELS - 1
        self._levels[level].append((self._arrivals, size_bytes, item))
        self._arrivals += 1
        self._count += 1
        self.size_bytes += size_bytes

    def pop(self) -> T:
        """Remove and return the next item.

        Raises:
            IndexError: There is none.
        """
        self._taken += 1
        if self._taken % _AGEING == 0:
            waiting = [level for level in self._levels if level]
            level = min(waiting, key=lambda one: one[0][0], default=self._levels[0])
        else:
            for level in reversed(self._levels):
                if level:
                    break
        if not level:
            raise IndexError("the queue is empty")
        _, size_bytes, item = level.popleft()
        self._count -= 1
        self.size_bytes -= size_bytes
        return item

    def clear(self) -> list[T]:
        """Remove and return everything, in order of arrival."""
        entries = sorted(
            (entry for level in self._levels for entry in level), key=lambda entry: entry[0]
        )
        for level in self._levels:
            level.clear()
        self._count = 0
        self.size_bytes = 0
        return [item for _, _, item in entries]
