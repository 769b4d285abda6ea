# SPDX-License-Identifier: Apache-2.0
"""What is in a queue and what comes next: buffers without waiting, for the queues to wait around.

They decide about order, fairness, bounds and what is dropped; nothing here knows of tasks.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, Protocol, TypeVar

from l8types.enums import Priority
from l8types.errors import InvalidInputError

T = TypeVar("T")

LEVELS: Final = len(Priority)


class Buffer(Protocol[T]):
    """Bounded content of a queue."""

    def __len__(self) -> int: ...

    @property
    def size_bytes(self) -> int:
        """Bytes of all items, 0 where they have no size."""
        ...

    def check(self, item: T) -> None:
        """Refuse what could never be put in.

        Raises:
            InvalidInputError: The item is larger than the whole buffer.
        """
        ...

    def fits(self, item: T) -> bool:
        """Whether there is room."""
        ...

    def push(self, item: T) -> None:
        """Put in; there must be room."""
        ...

    def pop(self) -> T:
        """Take out what comes next; there must be something."""
        ...

    def make_room(self, item: T) -> tuple[int, bool]:
        """Drop the oldest for a new item; how many were dropped, and whether it fits now."""
        ...


class FifoBuffer(Generic[T]):
    """First in, first out.

    Args:
        max_items: Items that fit, 0 for any number.
    """

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def size_bytes(self) -> int:
        """Always 0; the items have no size."""
        return 0

    def check(self, item: T) -> None:
        """Accept everything."""

    def fits(self, item: T) -> bool:
        """Whether there is room."""
        return not self._max_items or len(self._items) < self._max_items

    def push(self, item: T) -> None:
        """Append."""
        self._items.append(item)

    def pop(self) -> T:
        """Take the oldest."""
        return self._items.popleft()

    def make_room(self, item: T) -> tuple[int, bool]:
        """Drop the oldest for a new item."""
        dropped = 0
        while not self.fits(item):
            self._items.popleft()
            dropped += 1
        return dropped, True


Frame = tuple[bytes, Priority]
"""Bytes and the priority at which they travel."""


class PriorityBuffer:
    """Frames by priority, served by weight.

    Of the levels that hold something, each gets as many turns per round as its rank: eight for
    ``P1`` down to one for ``P8``, the higher first. So urgent frames overtake, and no level waits
    for ever. Within a level the order is kept.

    Args:
        max_items: Frames that fit, 0 for any number.
        max_bytes: Bytes that fit, 0 for any number.
    """

    def __init__(self, *, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._levels: tuple[deque[bytes], ...] = tuple(deque() for _ in range(LEVELS))
        self._turns = [0] * LEVELS
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """Bytes of all frames."""
        return self._size

    def check(self, item: Frame) -> None:
        """Refuse a frame that could never be put in.

        Raises:
            InvalidInputError: It is larger than the whole buffer.
        """
        size = len(item[0])
        if self._max_bytes and size > self._max_bytes:
            raise InvalidInputError(
                f"a frame of {size} bytes never fits a queue of {self._max_bytes}, enlarge it"
            )

    def fits(self, item: Frame) -> bool:
        """Whether there is room."""
        if self._max_items and self._count >= self._max_items:
            return False
        return not self._max_bytes or self._size + len(item[0]) <= self._max_bytes

    def push(self, item: Frame) -> None:
        """Append to the level of the frame."""
        data, priority = item
        self._levels[priority].append(data)
        self._count += 1
        self._size += len(data)

    def pop(self) -> Frame:
        """Take what comes next."""
        level = self._next_level()
        self._turns[level] -= 1
        return self._take(level), Priority(level)

    def make_room(self, item: Frame) -> tuple[int, bool]:
        """Drop the oldest of the lowest levels, never one that is more urgent than the new."""
        dropped = 0
        for level in range(item[1] + 1):
            while self._levels[level] and not self.fits(item):
                self._take(level)
                dropped += 1
        return dropped, self.fits(item)

    def _next_level(self) -> int:
        filled = [level for level in reversed(range(LEVELS)) if self._levels[level]]
        ready = next((level for level in filled if self._turns[level] > 0), None)
        if ready is not None:
            return ready
        # Every level that waits has had its turns: the next round begins.
        self._turns = [level + 1 for level in range(LEVELS)]
        return filled[0]

    def _take(self, level: int) -> bytes:
        data = self._levels[level].popleft()
        self._count -= 1
        self._size -= len(data)
        return data
