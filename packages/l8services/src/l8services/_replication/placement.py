# SPDX-License-Identifier: Apache-2.0
"""Where keys go; a synchronous core.

Functions of what all members know alike: the index, the members of the view, the key. So every
member comes to the same result without asking another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from l8services._replication.index import Place, Revision

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Loads", "live", "place_written", "rank", "replica_of"]


class Loads(Protocol):
    """An index, staged or not."""

    def get(self, key: str) -> Place | None:
        """Where a key is."""
        ...

    def load(self, member: str) -> int:
        """How many keys a member holds."""
        ...


def live(place: Place, members: Collection[str]) -> tuple[str, ...]:
    """The holders that are there; the first one answers for the key, as replica 0."""
    for holder in place.holders:
        if holder not in members:
            return tuple(other for other in place.holders if other in members)
    return place.holders


def replica_of(place: Place | None, me: str, members: Collection[str]) -> int | None:
    """The number of a member's replica among those that are there, ``None`` without one."""
    if place is None or me not in place.holders or me not in members:
        return None
    return live(place, members).index(me)


def rank(index: Loads, members: Collection[str], count: int) -> tuple[str, ...]:
    """The members that are to hold a new key: those with the fewest, of equal ones the lesser ids.

    Returns:
        ``count`` ids, or all when there are fewer.
    """
    return tuple(sorted(members, key=lambda member: (index.load(member), member))[:count])


def place_written(
    index: Loads, members: Collection[str], key: str, count: int, revision: Revision
) -> Place | None:
    """The place of a key after it was written.

    A new key goes to ``count`` members; a known one stays with those of its holders that are there,
    and the others hold it no longer.

    Returns:
        The place; ``None`` when the key is known and all its holders are away, so that it must not
        be written.
    """
    known = index.get(key)
    if known is None:
        return Place(rank(index, members, count), revision)
    present = live(known, members)
    return Place(present, revision) if present else None
