# SPDX-License-Identifier: Apache-2.0
"""Keeps keys at as many members as they are to be at, and evenly spread, while writes go on.

The leader does it step by step, through the order of all writes: a step is a command with some
items for their new holders. So a key changes its holders at one moment for all members, none has
fewer than before, and a leader that lost its office moves nothing any more. A member that lost the
item of a key, or is about to leave, asks the leader.
"""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from typing import TYPE_CHECKING, Final

from l8services._replication.balance import balance, excess
from l8services._replication.entries import Transfer, encode_transfers
from l8services._replication.gathering import Gatherer
from l8services._replication.items import MOVE
from l8services._replication.repair import held_back, plan
from l8services._transactions.messages import Answered, Command
from l8services._transactions.office import Phase
from l8types.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from l8services._replication.items import ReplicatedItems
    from l8services._replication.repair import Move
    from l8services._transactions.leader import Leader
    from l8services._transactions.messages import Change, Message
    from l8services._transactions.timing import Timing
    from l8services._transactions.views import View
    from l8types.protocols.runtime import MetricsSink
    from l8types.values import ServiceKey

    Ask = Callable[[str, Message, float], Awaitable[Message]]
    Submit = Callable[[Command], Awaitable[Message]]

__all__ = ["Caretaker"]

MOVED: Final = "layer8_replication_moved_keys_total"
"""Keys that got other holders, by why: ``repair`` or ``balance``; of the node that leads."""
EXCESS: Final = "layer8_replication_excess_keys"
"""How many keys the member with the most has more than the one with the fewest."""

ATTEMPTS: Final = 5
"""How often a repair is tried while writes wait, before other keys have their turn."""

_log = logging.getLogger(__name__)


class Caretaker:
    """Plans and makes the moves of keys while this node leads.

    Args:
        key: The service.
        items: The index, and the items of this node.
        leader: Gives the leader of this node.
        ask: Sends a message to a node.
        submit: Orders a command and gives its result.
        wait: Has the writes of clients wait for a moment.
        go_on: Ends that.
        metrics: Told of the moves.
        timing: Times and limits.
    """

    def __init__(
        self,
        key: ServiceKey,
        items: ReplicatedItems,
        leader: Callable[[], Leader],
        ask: Ask,
        submit: Submit,
        wait: Callable[[], None],
        go_on: Callable[[], None],
        metrics: MetricsSink,
        timing: Timing,
    ) -> None:
        self._key = key
        self._items = items
        self._leader = leader
        self._submit = submit
        self._have_writes_wait = wait
        self._let_writes_go_on = go_on
        self._metrics = metrics
        self._timing = timing
        self._gatherer = Gatherer(key, items, ask, lambda member: leader().node_of(member), timing)
        self._leaving: set[str] = set()
        self._seen: tuple[object, ...] = ()
        """View and members about to leave, as they were last."""
        self._now = 0.0
        self._repair_at = self._balance_at = math.inf
        self.moved = 0
        """Keys that got other holders while this node led."""

    def due(self, now: float) -> bool:
        """Whether there may be something to move; to be asked from time to time."""
        self._now = now
        view = self._view
        if view is None:
            self._leaving.clear()
            self._seen = ()
            return False
        self._leaving.intersection_update(view.members)
        seen = (view, frozenset(self._leaving))
        if seen != self._seen:
            self._seen = seen
            self._repair_at = now + (0.0 if self._leaving else self._timing.repair_after)
            self._balance_at = self._repair_at + self._timing.balance_after
        # First things first: what lacks a holder is not moved.
        return (self._balance_at if self._repair_at == math.inf else self._repair_at) <= now

    async def work(self) -> None:
        """Move what is to be moved now; what cannot be is tried again later."""
        seen = self._seen
        done = False
        repairs = self._repair_at <= self._now
        try:
            if repairs:
                self._repair_at = math.inf
                done = await self._repair()
            else:
                self._balance_at = math.inf
                done = await self._balance()
        finally:
            if not done and seen == self._seen:
                again = self._now + self._timing.retry
                if repairs:
                    self._repair_at = again
                else:
                    self._balance_at = again

    async def _repair(self) -> bool:
        """Make one step after the other; whether nothing is left to be done."""
        skipped: set[str] = set()
        attempts = 0
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
            late = await self._step(moves, view, skipped, "repair")
            if late is None:
                return False
            if attempts and not late and not self._leaving:
                self._let_writes_go_on()
            attempts = attempts + 1 if late else 0
            if attempts > ATTEMPTS:
                skipped |= late
            elif late:
                # They are written so often that they are never at rest: the writes wait a moment.
                self._have_writes_wait()
        return True

    async def _balance(self) -> bool:
        """The same for moves to members that hold fewer keys; writes do not wait for them."""
        skipped: set[str] = set()
        while (view := self._view) is not None:
            if self._leaving or self._repair_at < math.inf:
                # The members have changed meanwhile, and a time for this has been set anew.
                break
            index, members = self._items.index, view.members
            self._metrics.gauge(EXCESS, excess(index, members), **self._labels)
            moves = balance(index, members, skip=skipped, limit=self._timing.balance_step)
            if not moves:
                return not skipped
            late = await self._step(moves, view, skipped, "balance")
            if late is None:
                return False
            skipped |= late
            await asyncio.sleep(self._timing.balance_pause)
        return True

    async def _step(
        self, moves: Sequence[Move], view: View, skipped: set[str], why: str
    ) -> set[str] | None:
        """Make some of the moves.

        Returns:
            Keys that were written meanwhile and have not moved, ``None`` when all of it failed.
        """
        transfers, missing = await self._gatherer.transfers(moves, view)
        skipped |= missing
        if transfers and not await self._make(transfers, why):
            return None
        return {transfer.key for transfer in transfers if not self._is_made(transfer)}

    async def _make(self, transfers: Sequence[Transfer], why: str) -> bool:
        data = encode_transfers(transfers)
        reply = await self._submit(Command(uuid.uuid4().hex, MOVE, "", data))
        if not isinstance(reply, Answered) or reply.result.error:
            return False
        made = sum(map(self._is_made, transfers))
        self.moved += made
        self._metrics.count(MOVED, made, why=why, **self._labels)
        _log.debug("%s: %d keys have other holders: %s", self._key, made, why)
        return True

    def _is_made(self, transfer: Transfer) -> bool:
        place = self._items.index.get(transfer.key)
        return place is None or place.holders == transfer.holders

    @property
    def _labels(self) -> dict[str, str]:
        return {"service": self._key.name, "area": str(self._key.area)}

    async def collect(self, keys: Iterable[str]) -> list[Change]:
        """Entries with items, from here or from the holders that are there; what can be had."""
        return await self._gatherer.collect(keys, self._view)

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
