# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for their answers, and when they have waited long enough."""

from __future__ import annotations

import heapq
import math
from typing import Final, Generic, TypeVar

import msgspec

from l8types.frozen import replace

__all__ = ["Pending", "PendingRequest"]

W = TypeVar("W")

_SLOTS_PER_SECOND: Final = 64
"""Deadlines are kept by slots of a 64th of a second, so that a request costs two set operations
instead of a timer of its own; it ends up to 16 ms late and never early."""


class PendingRequest(msgspec.Struct, Generic[W], frozen=True):
    """One request on its way."""

    waiter: W
    """Whom the shell wakes; opaque here."""
    target: str
    """Id of the node it went to, empty when the network picks."""
    timeout: float
    """Seconds that it was given."""
    slot: int
    """Where its deadline is kept, -1 while it has none."""


class Pending(Generic[W]):
    """Pending requests by sequence number."""

    def __init__(self) -> None:
        self._requests: dict[int, PendingRequest[W]] = {}
        self._slots: dict[int, set[int]] = {}
        self._order: list[int] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._requests)

    def next_sequence(self) -> int:
        """A number that no other message of this node carries."""
        self._sequence += 1
        return self._sequence

    def open(self, waiter: W, target: str, timeout: float, now: float) -> int:
        """Add a request; its sequence number."""
        sequence = self.next_sequence()
        slot = self._put(sequence, now + timeout)
        self._requests[sequence] = PendingRequest(waiter, target, timeout, slot)
        return sequence

    def _put(self, sequence: int, deadline: float) -> int:
        slot = math.ceil(deadline * _SLOTS_PER_SECOND)
        waiting = self._slots.get(slot)
        if waiting is None:
            self._slots[slot] = waiting = set()
            heapq.heappush(self._order, slot)
        waiting.add(sequence)
        return slot

    def get(self, sequence: int) -> PendingRequest[W] | None:
        """A request, ``None`` when it is not there any more."""
        return self._requests.get(sequence)

    def suspend(self, sequence: int) -> None:
        """Take the deadline from a request: it does not wait for its peer now."""
        request = self._requests.get(sequence)
        if request is not None and request.slot >= 0:
            self._slots[request.slot].discard(sequence)
            self._requests[sequence] = replace(request, slot=-1)

    def resume(self, sequence: int, now: float) -> None:
        """Give a request its whole time again, from now."""
        request = self._requests.get(sequence)
        if request is not None:
            self.suspend(sequence)
            slot = self._put(sequence, now + request.timeout)
            self._requests[sequence] = replace(request, slot=slot)

    def close(self, sequence: int) -> PendingRequest[W] | None:
        """Remove a request; ``None`` when it is not there any more."""
        request = self._requests.pop(sequence, None)
        if request is not None:
            waiting = self._slots.get(request.slot)
            if waiting is not None:
                waiting.discard(sequence)
        return request

    def expire(self, now: float) -> list[PendingRequest[W]]:
        """Remove and return the requests whose time is over."""
        expired: list[PendingRequest[W]] = []
        while self._order and self._order[0] <= now * _SLOTS_PER_SECOND:
            slot = heapq.heappop(self._order)
            expired.extend(
                self._requests.pop(sequence) for sequence in sorted(self._slots.pop(slot))
            )
        return expired

    def next_deadline(self) -> float | None:
        """When to call :meth:`expire` next, ``None`` while nothing waits."""
        while self._order and not self._slots[self._order[0]]:
            del self._slots[heapq.heappop(self._order)]
        return self._order[0] / _SLOTS_PER_SECOND if self._order else None

    def take_target(self, target: str) -> list[PendingRequest[W]]:
        """Remove and return the requests that went to one node."""
        sequences = [key for key, request in self._requests.items() if request.target == target]
        return [request for key in sequences if (request := self.close(key)) is not None]

    def take_all(self) -> list[PendingRequest[W]]:
        """Remove and return all requests."""
        requests = list(self._requests.values())
        self._requests.clear()
        self._slots.clear()
        self._order.clear()
        return requests
