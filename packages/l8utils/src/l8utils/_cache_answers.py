# SPDX-License-Identifier: Apache-2.0
"""Answers of queries, kept and brought up to date instead of being made anew.

An answer is the list of all matches in order. It is independent of the page that was asked for and
of who asked. Changes of the cache go to a journal; an answer that is asked for again applies the
changes it has missed, each by binary search. So a write costs nothing per kept answer, an answer
that nobody asks for costs nothing either, and the next page after a few writes is cheap.

An answer refers to the states of the items that it has seen. Since a cache never changes a stored
item in place, these states stay as they were and the answer stays ordered by them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeAlias

from l8utils._cache_counters import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from l8types.protocols.data import Counter, Query
    from l8types.protocols.runtime import Clock

JOURNAL_LENGTH: Final = 1024
"""Changes that an answer may have missed. Applying more costs about as much as matching anew, and
the journal keeps the old states of the items alive."""


_Entry: TypeAlias = tuple[str, object | None, object | None]
"""Key, old and new state of an item; a plain tuple, as one is made with every write."""


class Journal:
    """The latest changes of a cache, numbered by revision."""

    def __init__(self, length: int = JOURNAL_LENGTH) -> None:
        self._length = length
        self._entries: list[_Entry] = []
        self.revision = 0
        """Number of changes so far."""

    @property
    def oldest(self) -> int:
        """The lowest revision that can still be brought up to date."""
        return self.revision - len(self._entries)

    def append(self, key: str, old: object | None, new: object | None) -> bool:
        """Record a change; whether old entries were dropped, which happens in large steps."""
        self._entries.append((key, old, new))
        self.revision += 1
        if len(self._entries) < 2 * self._length:
            return False
        del self._entries[: self._length]
        return True

    def since(self, revision: int) -> dict[str, tuple[object | None, object | None]]:
        """State then and state now of each item changed since a revision, not below the oldest."""
        changed: dict[str, tuple[object | None, object | None]] = {}
        for key, old, new in self._entries[revision - self.oldest :]:
            changed[key] = changed.get(key, (old, None))[0], new
        return changed


class Answer:
    """All matches of a query in order, with their counters.

    Args:
        query: What was asked.
        items: Where to look, in the order of the primary keys, which breaks ties.
        key_of: Primary key of an item.
        counters: Counter by name.
        revision: State of the cache that the items show.
    """

    __slots__ = ("_counters", "_key_of", "_query", "asked", "items", "revision")

    def __init__(
        self,
        query: Query,
        items: Iterable[object],
        key_of: Callable[[object], str],
        counters: Mapping[str, Counter],
        revision: int,
    ) -> None:
        self._query = query
        self._key_of = key_of
        self.asked = 0.0
        """When it was last asked for."""
        self.revision = revision
        # Asked about all at once, a query is much faster than asked about one after the other.
        matches = query.filter(items)
        self.items = query.sort(matches) if sorts_items(query) else matches
        self._counters = Counters(counters, self.items)

    @property
    def counters(self) -> Counters:
        """Counters over all matches."""
        return self._counters

    def replace(self, key: str, old: object | None, new: object | None) -> bool:
        """Bring one item from the state that the answer has seen to the present one.

        Returns:
            Whether it was where it had to be. If not, the query has no lasting order (a value that
            is not even equal to itself, a condition on the time) and the answer is of no use.
        """
        if old is not None and self._query.matches(old):
            position = self._position(key, old)
            if position == len(self.items) or self.items[position] is not old:
                return False
            del self.items[position]
            self._counters.add(old, -1)
        if new is not None and self._query.matches(new):
            self.items.insert(self._position(key, new), new)
            self._counters.add(new)
        return True

    def _position(self, key: str, item: object) -> int:
        """Where an item is, or belongs."""
        low, high = 0, len(self.items)
        while low < high:
            middle = (low + high) // 2
            if self._before(self.items[middle], key, item):
                low = middle + 1
            else:
                high = middle
        return low

    def _before(self, left: object, key: str, item: object) -> bool:
        """Whether ``left`` stands before the item of a key, ties broken by key.

        The query itself compares: a stable sort of the two, put in the order of their keys.
        """
        left_key = self._key_of(left)
        if left_key == key:
            return False
        ascending = left_key < key
        if not sorts_items(self._query):
            return ascending
        pair = [left, item] if ascending else [item, left]
        return self._query.sort(pair)[0] is left


class Answers:
    """A bounded number of answers, the least recently asked for go first.

    Args:
        limit: How many are kept.
        ttl: Seconds after which one that was not asked for again goes.
        clock: Tells the time; without it answers do not age.
    """

    def __init__(self, limit: int, *, ttl: float = 0.0, clock: Clock | None = None) -> None:
        self._limit = limit
        self._ttl = ttl
        self._clock = clock
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Drop all."""
        self._kept.clear()

    def drop_older(self, revision: int) -> None:
        """Drop those that cannot be brought up to date any more, and with them old states."""
        for key in [key for key, answer in self._kept.items() if answer.revision < revision]:
            del self._kept[key]

    def take(self, query: Query, journal: Journal) -> Answer | None:
        """The answer of a query, brought up to date; it is not kept until it is put back."""
        answer = self._kept.pop(_identity(query), None)
        if answer is None:
            return None
        changed = journal.since(answer.revision)
        # Every change costs two searches; from a part of the answer on, matching anew is cheaper.
        if len(changed) > 16 + len(answer.items) // 4:
            return None
        if not all(answer.replace(key, old, new) for key, (old, new) in changed.items()):
            return None
        answer.revision = journal.revision
        return answer

    def put(self, query: Query, answer: Answer) -> None:
        """Keep an answer."""
        identity = _identity(query)
        if identity is None:
            return
        self._kept[identity] = answer
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        if self._clock is not None:
            answer.asked = self._clock.monotonic()
            self._drop_unasked(answer.asked - self._ttl)

    def _drop_unasked(self, since: float) -> None:
        # They are in the order in which they were last asked for.
        while next(iter(self._kept.values())).asked < since:
            self._kept.popitem(last=False)


def sorts_items(query: Query) -> bool:
    """Whether the sort keys are about items; those of an aggregate query are about its groups."""
    return bool(query.sort_keys) and not query.aggregates


def _identity(query: Query) -> Hashable | None:
    """What decides about matches and their order, without page, columns and caller.

    Compared in full, so that no two queries share an answer by accident. ``None`` when the criteria
    hold a value that cannot be compared this way.
    """
    order = query.sort_keys if sorts_items(query) else ()
    identity = query.criteria, order, query.match_case
    try:
        hash(identity)
    except TypeError:
        return None
    return identity
