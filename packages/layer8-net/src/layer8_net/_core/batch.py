# SPDX-License-Identifier: Apache-2.0
"""What a batch has collected, and when it is enough."""

from __future__ import annotations

from dataclasses import dataclass

from l8types.enums import Action
from l8types.errors import InvalidInputError

__all__ = ["Collector", "Run"]


@dataclass(slots=True)
class Run:
    """Items in a row that ask for the same action; they leave as one message."""

    action: Action
    items: list[object]
    size_bytes: int


class Collector:
    """Items in order, cut into runs of one action.

    Args:
        max_items: Items that are enough to leave.
        max_bytes: Encoded bytes that are enough to leave.

    Raises:
        InvalidInputError: A limit is not above zero.
    """

    def __init__(self, max_items: int, max_bytes: int) -> None:
        if max_items < 1 or max_bytes < 1:
            raise InvalidInputError(
                f"a batch needs limits above zero, not {max_items} items and {max_bytes} bytes"
            )
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._runs: list[Run] = []
        self.items = 0
        self.size_bytes = 0

    @property
    def full(self) -> bool:
        """Whether it is time to leave."""
        return self.items >= self._max_items or self.size_bytes >= self._max_bytes

    def fits(self, size_bytes: int) -> bool:
        """Whether one more item of this size stays within the limits; the first one always does."""
        if not self.items:
            return True
        return self.items < self._max_items and self.size_bytes + size_bytes <= self._max_bytes

    def add(self, action: Action, item: object, size_bytes: int) -> None:
        """Add an item behind the others."""
        last = self._runs[-1] if self._runs else None
        if last is not None and last.action is action:
            last.items.append(item)
            last.size_bytes += size_bytes
        else:
            self._runs.append(Run(action, [item], size_bytes))
        self.items += 1
        self.size_bytes += size_bytes

    def first(self) -> Run | None:
        """Remove and return the oldest run, ``None`` when there is none."""
        if not self._runs:
            return None
        run = self._runs.pop(0)
        self.items -= len(run.items)
        self.size_bytes -= run.size_bytes
        return run

    def put_back(self, run: Run) -> None:
        """Undo :meth:`first`: what could not leave stays in front of what came later."""
        self._runs.insert(0, run)
        self.items += len(run.items)
        self.size_bytes += run.size_bytes
