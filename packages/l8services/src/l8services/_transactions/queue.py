# SPDX-License-Identifier: Apache-2.0
"""Commands that wait for their batch; a synchronous core."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from l8types.enums import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8services._transactions.messages import Command
    from l8services._transactions.timing import Timing

__all__ = ["CommandQueue"]


class CommandQueue:
    """First in, first out; those that disturbed a batch go alone, before all others."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._waiting: deque[tuple[Command, float]] = deque()
        self._alone: deque[tuple[Command, float]] = deque()
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._alone)

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._ids

    @property
    def full(self) -> bool:
        """Whether no further command is taken."""
        return len(self) >= self._timing.queue_limit

    def add(self, command: Command, deadline: float) -> None:
        """Let a command wait until then."""
        self._ids.add(command.id)
        # What the leader does by itself goes alone, too.
        own = command.action == Action.HANDLE
        (self._alone if own else self._waiting).append((command, deadline))

    def add_alone(self, commands: Iterable[tuple[Command, float]]) -> None:
        """Let these go before all others, one by one."""
        for command, deadline in commands:
            self._ids.add(command.id)
            self._alone.append((command, deadline))

    def take(self, *, urgent: bool = False) -> list[tuple[Command, float]]:
        """The next batch, empty when nothing waits, or nothing ``urgent``: what goes alone."""
        if self._alone:
            taken = [self._alone.popleft()]
        elif urgent:
            taken = []
        else:
            taken, size = [], 0
            while self._waiting and len(taken) < self._timing.batch_limit:
                size += len(self._waiting[0][0].data)
                if taken and size > self._timing.batch_bytes:
                    break
                taken.append(self._waiting.popleft())
        self._ids.difference_update(command.id for command, _ in taken)
        return taken

    def remove(self, identifiers: Iterable[str]) -> None:
        """Remove these, whose outcome is known."""
        gone = self._ids.intersection(identifiers)
        if gone:
            self._alone = deque(entry for entry in self._alone if entry[0].id not in gone)
            self._waiting = deque(entry for entry in self._waiting if entry[0].id not in gone)
            self._ids -= gone

    def waiting(self) -> tuple[str, ...]:
        """Ids of all, in no order."""
        return tuple(self._ids)

    def expired(self, now: float) -> list[tuple[str, bool]]:
        """Remove those whose time is over.

        Returns:
            Their ids, and whether they have certainly not happened: those of a batch that was
            rolled back may still be committed by another leader.
        """
        return self._remove(now)

    def clear(self) -> list[tuple[str, bool]]:
        """Remove all; result as of :meth:`expired`."""
        return self._remove(math.inf)

    def _remove(self, until: float) -> list[tuple[str, bool]]:
        gone = [(command.id, False) for command, deadline in self._alone if deadline <= until]
        gone += [(command.id, True) for command, deadline in self._waiting if deadline <= until]
        if gone:
            self._alone = deque(entry for entry in self._alone if entry[1] > until)
            self._waiting = deque(entry for entry in self._waiting if entry[1] > until)
            self._ids.difference_update(identifier for identifier, _ in gone)
        return gone
