# SPDX-License-Identifier: Apache-2.0
"""One write of a replicated service: where its items go, and what of it happens here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from l8services._replication.index import StagedIndex
from l8services._replication.placement import place_written
from l8types.enums import Action
from l8types.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from l8types.protocols.services import Call
from l8types.values import Message, Transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from l8services._replication.index import Revision
    from l8types.protocols.data import Elements
    from l8types.protocols.services import ReplicatedService
    from l8types.values import ServiceKey

__all__ = ["Parts", "Write", "addressed", "place_write"]


@dataclass(frozen=True, slots=True)
class Write:
    """What follows from the index alone."""

    keys: Sequence[str]
    """Of its items, in order."""
    holders: Sequence[tuple[str, ...]]
    """Of each of them, those that are there; the position is the number of the replica."""
    index: StagedIndex
    """With the places after the write."""

    def own(self, me: str) -> dict[int, list[int]]:
        """By the number of the replica, which of the items a member holds."""
        groups: dict[int, list[int]] = {}
        for position, holders in enumerate(self.holders):
            if me in holders:
                groups.setdefault(holders.index(me), []).append(position)
        return groups


def place_write(
    keys: Sequence[str] | None,
    action: Action,
    index: StagedIndex,
    *,
    members: Collection[str],
    count: int,
    revision: Revision,
    service: ServiceKey,
) -> Write:
    """Find the places of the items of a write; all members find the same ones.

    Args:
        keys: Of its items, ``None`` for a query.
        action: What is done to them.
        index: The places before; it is changed.
        members: Ids of the members of the view.
        count: How many hold a new key.
        revision: Of what is written.
        service: For errors.

    Raises:
        InvalidInputError: The write is a query.
        NotFoundError: What is to be deleted is not there.
        UnavailableError: All holders of a key are away.
    """
    if keys is None:
        raise InvalidInputError(f"service {service} was asked to {action.name} a query")
    holders = []
    for key in keys:
        known = index.get(key)
        if known is None and action is Action.DELETE:
            raise NotFoundError(f"service {service} has no item {key!r} to delete")
        place = place_written(index, members, key, count, revision)
        if place is None:
            raise UnavailableError(
                f"all nodes that hold item {key!r} of service {service} are away; "
                "it can be written when one of them is back"
            )
        holders.append(place.holders)
        index.put(key, None if action is Action.DELETE else place)
    return Write(keys, holders, index)


@lru_cache(maxsize=64)
def _part(number: int) -> Transaction:
    return Transaction(replica=number, is_replica=True)


def addressed(call: Call, number: int) -> Call:
    """The call as it is handed to the holder of a replica."""
    key, action, identity = call.key, call.action, call.identity
    message = Message(
        service=key.name, area=key.area, action=action, identity=identity, transaction=_part(number)
    )
    return Call(call.vnic, action, key, identity, message=message)


class Parts:
    """The parts of the writes of a batch that a handler stages.

    Args:
        handler: Stages them.
    """

    def __init__(self, handler: ReplicatedService) -> None:
        self._handler = handler
        self._staged: list[tuple[Elements, Call]] = []

    async def stage(
        self, parts: Iterable[tuple[Elements, Call]], keys: set[str]
    ) -> dict[str, object]:
        """Stage the parts of one write: all of them, or none.

        Args:
            parts: What the handler is given, one after the other.
            keys: Of the items in them.

        Returns:
            The new items by key.

        Raises:
            ConflictError: The handler, or a hook, did something else than to write these items.
            L8Error: It refused one of them.
        """
        done: list[tuple[Elements, Call]] = []
        changed: dict[str, object] = {}
        try:
            for part in parts:
                staged = await self._handler.stage(*part)
                done.append(part)
                changed.update(staged.changes)
            _check(changed, keys)
        except Exception:
            if done:
                await self._again()
            raise
        self._staged += done
        return changed

    async def _again(self) -> None:
        """Stage what was good before anew, since a handler drops all that is staged or nothing."""
        self._handler.unstage()
        for part in self._staged:
            await self._handler.stage(*part)

    def clear(self) -> None:
        """Nothing is staged."""
        self._staged = []


def _check(changed: dict[str, object], keys: set[str]) -> None:
    if changed.keys() == keys:
        return
    # The other members do not see the item, so they cannot know.
    other = sorted(keys.symmetric_difference(changed))
    raise ConflictError(
        f"a hook of a replicated service may change or refuse an item, but not end its write or "
        f"give it another key: {', '.join(map(repr, other))}"
    )
