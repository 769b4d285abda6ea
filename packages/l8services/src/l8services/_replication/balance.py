# SPDX-License-Identifier: Apache-2.0
"""Which keys change their holder so that all members hold about as many; a synchronous core.

New keys go where there is room, known ones stay: a member that joins would wait for new keys. So
keys are moved to it, each from a member with the most keys to one with the fewest, until no member
holds more than one key more than another. The key keeps its other holders, and the new one gets
the number of the one that it follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._replication.repair import Move

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from l8services._replication.index import Index, Place

__all__ = ["balance", "excess"]


def excess(index: Index, members: Collection[str]) -> int:
    """How many keys the member with the most has more than the one with the fewest."""
    loads = [index.load(member) for member in members]
    return max(loads) - min(loads) if loads else 0


def balance(
    index: Index, members: Collection[str], *, skip: Collection[str] = (), limit: int
) -> list[Move]:
    """The next moves.

    Only keys that have all their holders are moved: those that miss one are repaired first.

    Args:
        index: Where the keys are.
        members: Ids of the members that are there, none of them about to leave.
        skip: Keys to leave alone.
        limit: How many moves at most.
    """
    return _Planner(index, members, skip).moves(limit)


class _Planner:
    """Some moves, each worked out after the ones before it."""

    def __init__(self, index: Index, members: Collection[str], skip: Collection[str]) -> None:
        self._index = index
        self._members = members
        self._wanted = min(index.count, len(members))
        self._loads = {member: index.load(member) for member in members}
        self._taken = set(skip)
        self._givers = set(members)
        """Those of whose keys one may be movable still."""
        self._unseen: dict[str, Iterator[str]] = {}
        self._passed: dict[str, list[str]] = {}
        """Keys of a giver that an earlier taker held already."""

    def moves(self, limit: int) -> list[Move]:
        found: list[Move] = []
        while len(found) < limit and self._givers:
            giver = max(self._givers, key=lambda member: (self._loads[member], member))
            taker = min(self._members, key=lambda member: (self._loads[member], member))
            if self._loads[giver] - self._loads[taker] <= 1:
                break
            move = self._move(giver, taker)
            if move is None:
                self._givers.discard(giver)
                continue
            self._taken.add(move.key)
            self._loads[giver] -= 1
            self._loads[taker] += 1
            found.append(move)
        return found

    def _move(self, giver: str, taker: str) -> Move | None:
        for key in self._candidates(giver):
            place = self._index.get(key)
            if place is None or key in self._taken or not self._complete(place):
                continue
            if taker in place.holders:
                self._passed.setdefault(giver, []).append(key)
                continue
            holders = tuple(taker if holder == giver else holder for holder in place.holders)
            return Move(key, place.revision, place.holders, holders)
        return None

    def _candidates(self, giver: str) -> Iterator[str]:
        """Keys of a member, without those that were looked at in vain."""
        yield from self._passed.pop(giver, ())
        if giver not in self._unseen:
            self._unseen[giver] = iter(self._index.held(giver))
        yield from self._unseen[giver]

    def _complete(self, place: Place) -> bool:
        present = sum(holder in self._members for holder in place.holders)
        return present == len(place.holders) == self._wanted
