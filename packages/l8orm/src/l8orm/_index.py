# SPDX-License-Identifier: Apache-2.0
"""What is remembered of answers that are read page by page: the total, and the keys in order.

An entry counts for one generation of the model, so any write puts it out of use. Only answers that
are the same for every caller are kept here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.criteria import And, AttributePath, Comparison, Not, Or

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from l8types.protocols.data import Query

__all__ = ["IDLE", "Known", "PageIndex", "fingerprint"]

IDLE: Final = 30.0
"""Seconds after which an entry that nobody asks for is dropped."""

MAX_ENTRIES: Final = 256

MAX_KEYS: Final = 1_000_000
"""Keys that are kept in all entries together, some 100 MB."""


@dataclass(slots=True)
class Known:
    """What is known of an answer."""

    generation: int
    total: int
    keys: Sequence[str] | None = None
    """Of all matches in order, ``None`` when the database finds the pages by itself."""
    used: float = 0.0


class PageIndex:
    """Answers of one model by what was asked; the least recently used go first.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: OrderedDict[Hashable, Known] = OrderedDict()
        self._keys = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, asked: Hashable, generation: int) -> Known | None:
        """What is known of an answer in this generation."""
        self._expire()
        known = self._entries.get(asked)
        if known is None:
            return None
        if known.generation != generation:
            self._drop(asked)
            return None
        known.used = self._clock()
        self._entries.move_to_end(asked)
        return known

    def keep(self, asked: Hashable, known: Known) -> None:
        """Remember an answer."""
        self._drop(asked)
        known.used = self._clock()
        self._entries[asked] = known
        self._keys += len(known.keys or ())
        while self._entries and (len(self._entries) > MAX_ENTRIES or self._keys > MAX_KEYS):
            self._drop(next(iter(self._entries)))

    def _expire(self) -> None:
        limit = self._clock() - IDLE
        while self._entries and next(iter(self._entries.values())).used < limit:
            self._drop(next(iter(self._entries)))

    def _drop(self, asked: Hashable) -> None:
        known = self._entries.pop(asked, None)
        if known is not None:
            self._keys -= len(known.keys or ())


def fingerprint(query: Query) -> Hashable:
    """What a query asks, whatever its page: equal only for queries with equal answers."""
    return (
        _text(query.criteria),
        tuple((key.path.text, key.descending) for key in query.sort_keys),
        tuple(path.text for path in query.columns) if query.distinct else None,
        query.match_case,
    )


def _text(value: object) -> Hashable:
    if isinstance(value, And | Or):
        return (type(value).__name__, *(_text(term) for term in value.terms))
    if isinstance(value, Not):
        return "Not", _text(value.term)
    if isinstance(value, AttributePath):
        return "path", value.text
    if isinstance(value, Comparison):
        return (
            value.path.text,
            value.operator,
            _text(value.value),
            value.quantifier,
            value.match_case,
        )
    # By its text: 1, 1.0 and True are equal to each other, and not the same.
    return type(value).__name__, repr(value)
