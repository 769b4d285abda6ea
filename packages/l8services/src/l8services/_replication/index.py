# SPDX-License-Identifier: Apache-2.0
"""Which members hold which key; a synchronous core.

The index is changed by committed batches only, and these are in one order on all members, so it is
the same everywhere. Whether a holder is there is no matter of the index but of the view: a member
that went away, and is back before its keys were written again, still holds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["NEVER", "Index", "Place", "Revision", "StagedIndex"]

Revision = tuple[int, int]
"""Number of the batch that wrote an entry last, and the term of the leader that ordered it."""

NEVER: Final[Revision] = (0, 0)
"""Revision of what a service began with."""


class Place(NamedTuple):
    """Where a key is."""

    holders: tuple[str, ...]
    """Ids of the members that hold it; the position is the number of the replica."""
    revision: Revision = NEVER


class Index:
    """Places by key, and keys by holder.

    Args:
        count: How many members are to hold a key.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._places: dict[str, Place] = {}
        self._held: dict[str, dict[str, None]] = {}
        self._short: dict[str, None] = {}
        self._cased: dict[str, dict[str, None]] = {}
        """Keys with capitals, by what they are without; others are found by themselves."""
        self._sets: dict[tuple[str, ...], tuple[str, ...]] = {}
        """Equal holders are one object: there are few of them for many keys."""

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def get(self, key: str) -> Place | None:
        """Where a key is, ``None`` when there is no such key."""
        return self._places.get(key)

    def alike(self, text: str) -> tuple[str, ...]:
        """Keys that are equal to a text but for the case of letters."""
        lower = text.lower()
        cased = tuple(self._cased.get(lower, ()))
        return (lower, *cased) if lower in self._places else cased

    def places(self) -> Iterator[tuple[str, Place]]:
        """All keys and places at the time of the call."""
        return iter(tuple(self._places.items()))

    def load(self, member: str) -> int:
        """How many keys a member holds."""
        return len(self._held.get(member, ()))

    def held(self, member: str) -> tuple[str, ...]:
        """The keys that a member holds, those that it got first before the others."""
        return tuple(self._held.get(member, ()))

    def holders(self) -> frozenset[str]:
        """Ids of all who hold anything."""
        return frozenset(self._held)

    def short(self) -> tuple[str, ...]:
        """Keys that never got as many holders as they are to have, for want of members."""
        return tuple(self._short)

    def put(self, key: str, place: Place | None) -> None:
        """Let a key be at a place, or nowhere any more."""
        before = self._places.get(key)
        if before is not None and place is not None and before.holders == place.holders:
            self._places[key] = Place(before.holders, place.revision)
            return
        if before is not None:
            del self._places[key]
            self._leave(key, before)
        if (before is None) is not (place is None):
            self._fold(key, present=place is not None)
        if place is None:
            return
        shared = self._sets.setdefault(place.holders, place.holders)
        self._places[key] = place if shared is place.holders else Place(shared, place.revision)
        for member in place.holders:
            self._held.setdefault(member, {})[key] = None
        if len(place.holders) < self.count:
            self._short[key] = None

    def unavailable(self, members: Collection[str]) -> tuple[str, ...]:
        """Keys none of whose holders is among these members."""
        away = self.holders().difference(members)
        keys = dict.fromkeys(key for member in sorted(away) for key in self._held[member])
        return tuple(k for k in keys if not any(h in members for h in self._places[k].holders))

    def _fold(self, key: str, *, present: bool) -> None:
        lower = key.lower()
        if lower == key:
            return
        if present:
            self._cased.setdefault(lower, {})[key] = None
            return
        keys = self._cased[lower]
        del keys[key]
        if not keys:
            del self._cased[lower]

    def _leave(self, key: str, place: Place) -> None:
        self._short.pop(key, None)
        for member in place.holders:
            keys = self._held[member]
            del keys[key]
            if not keys:
                del self._held[member]


class StagedIndex:
    """What a batch, or a part of it, makes of an index that stays as it is meanwhile.

    Args:
        below: What it begins with.
    """

    def __init__(self, below: Index | StagedIndex) -> None:
        self._below = below
        self._places: dict[str, Place | None] = {}
        self._loads: dict[str, int] = {}

    @property
    def changes(self) -> Mapping[str, Place | None]:
        """The places that differ, by key; ``None`` for a key that is gone."""
        return self._places

    def get(self, key: str) -> Place | None:
        """Where a key is, ``None`` when there is no such key."""
        return self._places[key] if key in self._places else self._below.get(key)

    def load(self, member: str) -> int:
        """How many keys a member holds."""
        return self._below.load(member) + self._loads.get(member, 0)

    def put(self, key: str, place: Place | None) -> None:
        """Let a key be at a place, or nowhere any more."""
        before = self.get(key)
        if before is None or place is None or before.holders != place.holders:
            self._count(before, -1)
            self._count(place, 1)
        self._places[key] = place

    def take(self, above: StagedIndex) -> None:
        """Take over what a part of the batch makes of this."""
        for key, place in above.changes.items():
            self.put(key, place)

    def clear(self) -> None:
        """Differ in nothing."""
        self._places.clear()
        self._loads.clear()

    def _count(self, place: Place | None, step: int) -> None:
        for member in () if place is None else place.holders:
            self._loads[member] = self._loads.get(member, 0) + step
