# SPDX-License-Identifier: Apache-2.0
"""Keeps keys at as many members as they are to be at, step by step while writes go on.

The leader does it, through the order of all writes: a step is a command with some items for their
new holders. A member that lost the item of a key, or is about to leave, asks the leader.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

from l8services._replication.entries import Transfer, decode_entry, encode_transfers
from l8services._replication.items import MOVE
from l8services._replication.placement import live
from l8services._replication.repair import held_back, plan
from l8services._transactions.messages import Answered, Command, Given, Want
from l8services._transactions.office import Phase
from l8types.errors import ConflictError, L8Error, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from l8services._replication.items import ReplicatedItems
    from l8services._replication.repair import Move
    from l8services._transactions.leader import Leader
    from l8services._transactions.messages import Change, Message
    from l8services._transactions.timing import Timing
    from l8services._transactions.views import View
    from l8types.values import ServiceKey

    Ask = Callable[[str, Message, float], Awaitable[Message]]
    Submit = Callable[[Command], Awaitable[Message]]

__all__ = ["Caretaker"]

_log = logging.getLogger(__name__)


class Caretaker:
    """Plans and makes the moves of keys while this node leads.

    Args:
        key: The service.
        items: The index, and the items of this node.
        leader: Gives the leader of this node.
        ask: Sends a message to a node.
        submit: Orders a command and gives its result.
        timing: Times and limits.
    """

    def __init__(
        self,
        key: ServiceKey,
        items: ReplicatedItems,
        leader: Callable[[], Leader],
        ask: Ask,
        submit: Submit,
        timing: Timing,
    ) -> None:
        self._key = key
        self._items = items
        self._leader = leader
        self._ask = ask
        self._submit = submit
        self._timing = timing
        self._leaving: set[str] = set()
        self._seen: tuple[object, ...] = ()
        """View and members about to leave, as they were last."""
        self._due_at = math.inf

    def due(self, now: float) -> bool:
        """Whether there may be something to move; to be asked from time to time."""
        view = self._view
        if view is None:
            self._leaving.clear()
            self._seen = ()
            return False
        self._leaving.intersection_update(view.members)
        seen = (view, frozenset(self._leaving))
        if seen != self._seen:
            self._seen = seen
            self._due_at = now + (0.0 if self._leaving else self._timing.repair_after)
        return self._due_at <= now

    async def work(self) -> None:
        """Move what is to be moved now; what cannot be is tried again later."""
        seen, self._due_at = self._seen, math.inf
        done = False
        try:
            done = await self._repair()
        finally:
            if not done and seen == self._seen:
                self._due_at = -math.inf

    async def _repair(self) -> bool:
        """Whether nothing is left to be done."""
        skipped: set[str] = set()
        while (view := self._view) is not None:
            moves = plan(
                self._items.index,
                view.members,
                leaving=self._leaving,
                skip=skipped,
                limit=self._timing.repair_step,
            )
            if not moves:
                return not skipped
            transfers = await self._transfers(moves, skipped)
            if transfers:
                data = encode_transfers(transfers)
                reply = await self._submit(Command(uuid.uuid4().hex, MOVE, "", data))
                if not isinstance(reply, Answered) or reply.result.error:
                    return False
                _log.debug("%s: %d keys have other holders", self._key, len(transfers))
        return True

    async def _transfers(self, moves: Sequence[Move], skipped: set[str]) -> list[Transfer]:
        """The moves with their items, as many as fit; those without go to the skipped ones."""
        entries = dict(await self.collect([move.key for move in moves]))
        transfers: list[Transfer] = []
        size = 0
        for move in moves:
            data = entries.get(move.key)
            place, item = (None, None) if data is None else decode_entry(data)
            if item is None or place is None or place.revision != move.revision:
                skipped.add(move.key)
                continue
            size += len(item)
            if transfers and size > self._timing.batch_bytes:
                break
            transfers.append(Transfer(move.key, move.revision, move.holders, item))
        return transfers

    async def collect(self, keys: Iterable[str]) -> list[Change]:
        """Entries with items, from here or from the holders that are there; what can be had."""
        found = dict(self._items.given(keys))
        view = self._view
        asked: set[tuple[str, str]] = set()
        while view is not None:
            groups: defaultdict[str, list[str]] = defaultdict(list)
            for key in keys:
                place = self._items.index.get(key)
                if key in found or place is None:
                    continue
                holders = [h for h in live(place, view.members) if (key, h) not in asked]
                if holders and holders[0] != self._items.me:
                    groups[holders[0]].append(key)
                asked.update((key, holder) for holder in holders[:1])
            if not groups:
                break
            for member, wanted in groups.items():
                found.update(await self._want(member, wanted))
        return list(found.items())

    async def _want(self, member: str, keys: Sequence[str]) -> tuple[Change, ...]:
        try:
            node, limit = self._leader().node_of(member), self._timing.round_timeout
            reply = await self._ask(node, Want(tuple(keys)), limit)
        except L8Error as error:
            _log.info("%s: no items from %s: %s", self._key, member, error)
            return ()
        return reply.items if isinstance(reply, Given) else ()

    async def forget(self, keys: Sequence[str]) -> Message:
        """Order that keys are forgotten whose items nobody who is there can give.

        Raises:
            NotFoundError: There is no such key.
            ConflictError: Somebody has the item.
        """
        transfers = []
        for key in keys:
            place = self._items.index.get(key)
            if place is None:
                raise NotFoundError(f"service {self._key} has no item {key!r} to forget")
            transfers.append(Transfer(key, place.revision, (), b""))
        there = [key for key, _ in await self.collect(keys)]
        if there:
            raise ConflictError(
                f"item {there[0]!r} of service {self._key} is there: delete it, do not forget it"
            )
        return await self._submit(Command(uuid.uuid4().hex, MOVE, "", encode_transfers(transfers)))

    def leave(self, member: str) -> int:
        """Let a member leave.

        Returns:
            How many keys it still has to hold.
        """
        view = self._view
        if view is None or member not in view.members:
            return 0
        self._leaving.add(member)
        return held_back(self._items.index, member, view.members, self._leaving)

    @property
    def _view(self) -> View | None:
        leader = self._leader()
        return leader.view if leader.phase is Phase.LEADING else None
