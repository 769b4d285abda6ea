# SPDX-License-Identifier: Apache-2.0
"""Counters over a set of items, kept up to date as items come and go."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

from l8types.constants import METADATA_TOTAL
from l8types.pb import L8MetaData

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from l8types.protocols.data import Counter
    from l8utils._cache_answers import Journal


class Counters:
    """Named counters over the items of one answer.

    Args:
        functions: Counter by name; each must depend on the item alone.
        items: The items to start with.
    """

    __slots__ = ("_buckets", "_counts", "_functions")

    def __init__(self, functions: Mapping[str, Counter], items: Iterable[object] = ()) -> None:
        self._functions = functions
        self._counts: Tally[str] = Tally()
        self._buckets: Tally[tuple[str, str]] = Tally()
        if functions:
            for item in items:
                self.add(item)

    def add(self, item: object, step: int = 1) -> None:
        """Count an item, or no longer count it with a ``step`` of -1."""
        for name, function in self._functions.items():
            counts, bucket = function(item)
            if counts:
                self._counts[name] += step
                if bucket:
                    self._buckets[name, bucket] += step

    def metadata(self, total: int) -> L8MetaData:
        """Message with the total and all counters; counters at 0 are left out, as in Go nodes."""
        message = L8MetaData()
        counts = message.key_count.counts
        counts[METADATA_TOTAL] = float(total)
        for name, count in self._counts.items():
            if count:
                counts[name] = float(count)
        for (name, bucket), count in self._buckets.items():
            if count:
                message.value_count[name].counts[bucket] = float(count)
        return message


class Totals:
    """Counters over all items of a cache, brought up to date when they are asked for."""

    __slots__ = ("_counters", "_revision")

    def __init__(self) -> None:
        self._counters: Counters | None = None
        self._revision = 0

    def clear(self) -> None:
        """Count anew the next time."""
        self._counters = None

    def metadata(
        self, functions: Mapping[str, Counter], items: Mapping[str, object], journal: Journal
    ) -> L8MetaData:
        """Message with the number of items and all counters.

        Args:
            functions: Counter by name; :meth:`clear` has to follow a change of them.
            items: All items.
            journal: What has changed.
        """
        if self._counters is None or self._revision < journal.oldest:
            self._counters = Counters(dict(functions), items.values())
        elif functions:
            for old, new in journal.since(self._revision).values():
                if old is not None:
                    self._counters.add(old, -1)
                if new is not None:
                    self._counters.add(new)
        self._revision = journal.revision
        return self._counters.metadata(len(items))
