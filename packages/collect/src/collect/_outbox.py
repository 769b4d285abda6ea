# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent: one entry per key, the newest wins, and no more than fit.

Without waiting and without network. A result that was not sent before the next one of the same
poll came is of no use any more, so a receiver that is away for long costs at most one entry per
poll; above the limit the entry that has waited longest is dropped, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["Outbox", "OutboxStatistics"]

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """Counters of an outbox since it was made."""

    waiting: int
    """Entries that wait now."""
    replaced: int
    """Entries that gave way to a newer one of their key."""
    dropped: int
    """Entries that were lost because the outbox was full."""


class Outbox(Generic[K, V]):
    """Entries by key in the order in which the keys came.

    Args:
        limit: Most entries that wait; there is no default, since it depends on what the owner
            can afford.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise InvalidInputError(f"an outbox for {limit} entries cannot hold any; at least 1")
        self._limit = limit
        self._entries: dict[K, V] = {}
        self._replaced = 0
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: K, value: V) -> None:
        """Add an entry; it takes the place of one with the same key."""
        self._replaced += key in self._entries
        self._entries[key] = value
        self._shorten()

    def take(self, count: int) -> list[tuple[K, V]]:
        """Remove and return up to ``count`` entries, those that have waited longest first."""
        keys = list(self._entries)[:count]
        return [(key, self._entries.pop(key)) for key in keys]

    def restore(self, entries: Sequence[tuple[K, V]]) -> None:
        """Put back what could not be sent, before all others; what is newer stays."""
        self._replaced += sum(key in self._entries for key, _ in entries)
        self._entries = {**dict(entries), **self._entries}
        self._shorten()

    def statistics(self) -> OutboxStatistics:
        """Counters at this moment."""
        return OutboxStatistics(len(self._entries), self._replaced, self._dropped)

    def _shorten(self) -> None:
        while len(self._entries) > self._limit:
            self._entries.pop(next(iter(self._entries)))
            self._dropped += 1
