# SPDX-License-Identifier: Apache-2.0
"""The transaction group of a service whose items are held by some of its members each."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from l8services._replication.balance import excess
from l8services._replication.caretaker import Caretaker
from l8services._replication.items import ReplicatedItems
from l8services._replication.placement import live, replica_of
from l8services._replication.reading import MATCH, ReplicaReads
from l8services._replication.steady import Steady
from l8services._transactions.group import TransactionGroup
from l8services._transactions.messages import (
    Answered,
    Forget,
    Given,
    Leave,
    Leaving,
    Look,
    Refused,
    Result,
    Share,
    Submit,
    Want,
)
from l8services._transactions.views import address_of
from l8types.enums import Action
from l8types.errors import (
    ConflictError,
    L8Error,
    NotFoundError,
    OutcomeUnknownError,
    UnavailableError,
)
from l8types.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from l8services._transactions.effects import Effect
    from l8services._transactions.journal import Journal
    from l8services._transactions.leader import Leader
    from l8services._transactions.member import Member
    from l8services._transactions.messages import Command, Message, Order
    from l8services._transactions.timing import Timing
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import (
        Call,
        Leadership,
        ReplicatedService,
        TransactionalService,
    )
    from l8types.sla import ServiceLevelAgreement

__all__ = ["ReplicatedGroup"]

ATTEMPTS: Final = 5
"""How often a deletion by query is tried."""
PAUSE: Final = 0.05
"""Seconds between two questions of a member that waits to leave."""

_log = logging.getLogger(__name__)


class ReplicatedGroup(TransactionGroup):
    """Orders writes as any group does; items are held, read and moved as the index says.

    Args:
        sla: The agreement of the service, with a count.
        handler: Keeps the items that are held here.
        vnic: The way to the other nodes.
        leadership: Who takes part and whom the election names.
        journal: Where the member keeps what it must not forget.
        timing: Times and limits.
        options: As those of any group.
    """

    def __init__(
        self,
        sla: ServiceLevelAgreement,
        handler: ReplicatedService,
        vnic: VNic,
        leadership: Leadership,
        journal: Journal,
        *,
        timing: Timing | None = None,
        **options: Callable[[str], None],
    ) -> None:
        self._count = sla.replication_count or 1
        super().__init__(sla, handler, vnic, leadership, journal, timing=timing, **options)
        items = self.items
        steady = Steady(
            sla.key, self._own_leader, self._hold, self._release, self._clock, self._timing
        )
        self._replica_reads = ReplicaReads(
            sla.key, items, self._own_leader, self._ask, steady, vnic.resources, self._timing
        )
        self._caretaker = Caretaker(
            sla.key,
            items,
            self._own_leader,
            self._ask,
            self._order_own,
            self._reserve,
            self._release,
            vnic.resources.metrics,
            self._timing,
        )
        self._busy: set[str] = set()
        self._draining = False

    @property
    def items(self) -> ReplicatedItems:
        """The index, and what is held here."""
        return cast("ReplicatedItems", self.desk.items)

    def places(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Keys, and the nodes of those of their holders that are members now, by replica."""
        members = self._view_members()
        node_of = self.leader.node_of if self.leading else address_of
        for key, place in self.items.index.places():
            yield key, tuple(node_of(h) for h in place.holders if h in members)

    def standing(self) -> dict[str, float]:
        """How the keys are spread, as this node knows it.

        ``keys`` in all; ``short``: those with fewer holders than they are to have; ``unavailable``:
        those with none; ``excess``: how many the fullest member has more than the emptiest;
        ``moved``: those that got other holders while this node led.
        """
        index, members = self.items.index, frozenset(self._view_members())
        wanted = min(index.count, len(members))
        there = [len(live(place, members)) for _, place in index.places()]
        return {
            "keys": len(there),
            "short": sum(number < wanted for number in there),
            "unavailable": there.count(0),
            "excess": excess(index, members),
            "moved": self._caretaker.moved,
        }

    def _items(self, handler: TransactionalService, member: Member) -> ReplicatedItems:
        return ReplicatedItems(
            self._key,
            cast("ReplicatedService", handler),
            self._vnic,
            self._timing.member_timeout / 2,
            count=self._count,
            me=lambda: member.id,
        )

    def _view_members(self) -> tuple[str, ...]:
        view = self.leader.view if self.leading else self.desk.member.view
        return () if view is None else view.members

    def _own_leader(self) -> Leader:
        return self.leader

    async def _serve(self, source: str, message: Message, limit: float) -> Message:
        match message:
            case Look():
                return await self._look(source, message, limit)
            case Want():
                if self.leading:
                    return Given(tuple(await self._caretaker.collect(message.keys)))
                return Given(tuple(self.items.given(message.keys)))
            case Leave():
                return self._let_go(message.member)
            case Forget():
                return await self._forget(message)
            case _:
                return await super()._serve(source, message, limit)

    # Clients

    async def submit(self, elements: Elements, call: Call) -> Elements:
        """Run a call as a transaction, or as a read; see ``TransactionEngine.submit``.

        A deletion by query finds the keys first. Nothing is deleted when one of them is deleted by
        somebody else meanwhile; then it is tried again.

        Raises:
            ConflictError: That happened again and again.
        """
        if call.action is not Action.DELETE or elements.query is None:
            return await super().submit(elements, call)
        for _ in range(ATTEMPTS):
            keys = await self._matching(elements, call)
            if not len(keys):
                return self._vnic.resources.elements.of()
            with suppress(NotFoundError):
                return await super().submit(keys, call)
        raise ConflictError(f"what the query matches in service {self._key} is deleted by others")

    async def _matching(self, elements: Elements, call: Call) -> Elements:
        try:
            return await super().submit(elements, replace(call, action=MATCH))
        except OutcomeUnknownError as error:
            raise UnavailableError(f"nothing was done: {error.message}") from error

    async def _submitted(self, message: Submit, limit: float) -> Message:
        if message.command.action == MATCH and self.leading:
            return await self._read(message, limit)
        return await super()._submitted(message, limit)

    # Reads

    async def _answer(self, command: Command, limit: float) -> Message:
        return await self._replica_reads.answer(command, limit)

    def _hold(self, until: float) -> None:
        self.leader.hold(until)

    def _release(self) -> None:
        self._run(self.leader.release(self._clock.monotonic()))

    def _reserve(self) -> None:
        self.leader.reserve(self._clock.monotonic() + self._timing.round_timeout)

    async def _look(self, source: str, message: Look, limit: float) -> Message:
        """Answer for this node, once it has all that the leader had acknowledged."""
        if not self._has_done(message.order):
            reply = await super()._serve(source, message.order, limit)
            if not self._has_done(message.order):
                return reply
        if message.replica is not None:
            return Answered(await self.items.read_replica(message.command, message.replica))
        if message.key is not None:
            missing = int(not self.items.can_answer(message.key))
            return Share(await self.items.read_one(message.command, message.key), missing)
        members = self._view_members()
        index, me = self.items.index, self.items.me
        missing = sum(replica_of(index.get(key), me, members) == 0 for key in self.items.lacking)
        return Share(await self.items.read_share(message.command, members), missing)

    def _has_done(self, order: Order) -> bool:
        member = self.desk.member
        return (
            member.view is not None
            and member.in_view
            and (member.promised, member.view.number) == (order.ballot, order.number)
            and member.outcome.number >= order.outcome.number
        )

    # Moves

    def _due(self, now: float) -> list[Effect]:
        if self._caretaker.due(now):
            self._once("repair", self._caretaker.work)
        if self.items.lacking and self.current:
            self._once("complete", self._complete)
        return super()._due(now)

    def _once(self, purpose: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin some work that is not going on already."""
        if purpose not in self._busy:
            self._busy.add(purpose)
            self._spawn(purpose, self._busily, purpose, work)

    async def _busily(self, purpose: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            self._busy.discard(purpose)

    async def _complete(self) -> None:
        await self._joiner.complete(self.desk.member.promised[1])

    async def _order_own(self, command: Command) -> Message:
        return await self._submitted(Submit(command), 2 * self._timing.member_timeout)

    async def _forget(self, message: Forget) -> Message:
        if not self.leading:
            return Refused(self.desk.member.promised, "unavailable: not led here")
        try:
            return await self._caretaker.forget(message.keys)
        except L8Error as error:
            return Answered(Result("", error=f"{error.code}: {error.message}"))

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget keys whose holders are gone for good; they may be written anew then.

        Raises:
            NotFoundError: There is no such key.
            ConflictError: Somebody has the item.
            UnavailableError: The service has no leader.
            OutcomeUnknownError: It is not known whether it happened.
        """
        limit = 2 * self._timing.member_timeout
        reply = await self._ask(self._elected(), Forget(tuple(keys)), limit)
        failed = reply.reason if isinstance(reply, Refused) else ""
        if isinstance(reply, Answered):
            failed = reply.result.error
        if failed:
            self._vnic.resources.elements.error(failed).raise_for_error()

    def _let_go(self, member: str) -> Message:
        if not self.leading:
            return Refused(self.desk.member.promised, "unavailable: not led here")
        left = self._caretaker.leave(member)
        self._wake.set()
        now = self._clock.monotonic()
        if left <= self._timing.repair_step:
            # New keys would go to the member that has the fewest by now: they wait for its end.
            self._reserve()
        if not left:
            # No new key may go to it from now on, so it is a member no longer.
            self._run(self.leader.let_go(member, now))
            left += member in self._view_members() and member != self.desk.member.id
            if not left and member != self.desk.member.id:
                self._release()
        return Leaving(left)

    async def _join(self, leader: str) -> None:
        if not self._draining:
            await super()._join(leader)

    async def drain(self, limit: float) -> None:
        """Let others hold what this member holds, before it leaves: as long as that goes on.

        Gives up when nothing was moved for ``limit`` seconds, or when there has been no leader for
        a while.
        """
        self._draining = True
        fewest = self.items.index.load(self.items.me) + 1
        end, patience = self._clock.monotonic() + limit, math.inf
        while self.current and self._clock.monotonic() < min(end, patience):
            left = await self._ask_to_leave()
            if left == 0:
                return
            now = self._clock.monotonic()
            if left is not None and left < fewest:
                fewest, end = left, now + limit
            if left is not None:
                patience = math.inf
            elif patience == math.inf:
                patience = now + 2 * self._timing.round_timeout
            await asyncio.sleep(PAUSE)
        if self.current:
            _log.warning("%s: not all that is held here could be moved in time", self._key)

    async def _ask_to_leave(self) -> int | None:
        """How many keys still have to be held here, ``None`` when nobody knows."""
        target = self._elected()
        if not target:
            return None
        try:
            question = Leave(self.desk.member.id)
            reply = await self._ask(target, question, self._timing.round_timeout)
        except L8Error as error:
            _log.debug("%s: %s does not let go: %s", self._key, target, error)
            return None
        return reply.left if isinstance(reply, Leaving) else None
