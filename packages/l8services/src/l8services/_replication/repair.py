# SPDX-License-Identifier: Apache-2.0
"""Which keys need another holder, and whom they get; a synchronous core.

A key with fewer holders than it is to have, or with one that is about to leave, is copied from a
holder that is there to the members with the fewest keys. A key without any holder that is there is
left alone: its holders may come back.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from l8services._replication.placement import live

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from l8services._replication.index import Index, Place, Revision

__all__ = ["Move", "held_back", "plan"]


class Move(NamedTuple):
    """Other holders for one key."""

    key: str
    revision: Revision
    """What the key must still be at; when it was written meanwhile, the move is void."""
    sources: tuple[str, ...]
    """Who has the item now."""
    holders: tuple[str, ...]


def plan(
    index: Index,
    members: Collection[str],
    *,
    leaving: Collection[str] = (),
    skip: Collection[str] = (),
    limit: int,
) -> list[Move]:
    """The next moves.

    Args:
        index: Where the keys are.
        members: Ids of the members that are there.
        leaving: Those of them that are about to leave: they get nothing and are to hold nothing.
        skip: Keys to leave alone, since their items could not be had.
        limit: How many moves at most.
    """
    staying = [member for member in members if member not in leaving]
    wanted = min(index.count, len(staying))
    loads = Counter({member: index.load(member) for member in staying})
    moves: list[Move] = []
    for key, place in _candidates(index, members, leaving):
        if key in skip:
            continue
        sources = live(place, members)
        kept = tuple(holder for holder in sources if holder not in leaving)
        if not sources or (len(kept) >= wanted and kept == sources):
            continue
        fresh = sorted(set(staying).difference(kept), key=lambda m: (loads[m], m))
        added = tuple(fresh[: max(0, wanted - len(kept))])
        if not kept and not added:
            continue
        loads.update(added)
        moves.append(Move(key, place.revision, sources, kept + added))
        if len(moves) == limit:
            break
    return moves


def held_back(index: Index, member: str, members: Collection[str], leaving: Collection[str]) -> int:
    """How many keys a member still has to hold before it may leave: none when nobody stays."""
    return index.load(member) if set(members).difference(leaving, [member]) else 0


def _candidates(
    index: Index, members: Collection[str], leaving: Collection[str]
) -> Iterator[tuple[str, Place]]:
    """Keys that may need something, each once: found without going through all of them."""
    away = sorted(index.holders().difference(members))
    seen: set[str] = set()
    for keys in (index.short(), *map(index.held, (*away, *sorted(leaving)))):
        for key in keys:
            place = index.get(key)
            if key not in seen and place is not None:
                seen.add(key)
                yield key, place
