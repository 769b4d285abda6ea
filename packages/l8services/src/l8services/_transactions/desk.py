# SPDX-License-Identifier: Apache-2.0
"""A member at work: one message after the other, with its items and its journal."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from l8services._transactions.copies import CopyDesk
from l8services._transactions.messages import (
    Accept,
    Accepted,
    Change,
    Order,
    Ordered,
    Outcome,
    Page,
    Promise,
    Promised,
    Refused,
    Tail,
)
from l8services._transactions.records import Advance, Base, Decided, Items, Prepared, Record, Vows
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from l8services._transactions.items import GroupItems
    from l8services._transactions.journal import Journal
    from l8services._transactions.member import Member, Step
    from l8services._transactions.timing import Timing
    from l8services._transactions.views import Ballot, View
    from l8types.protocols.runtime import Clock

__all__ = ["MemberDesk"]


class MemberDesk:
    """Carries out what is asked of a member; what it answers is in the journal before.

    Args:
        member: The state.
        items: The items.
        journal: Where the state is kept.
        clock: Time.
        timing: Times and limits.
        met: Told at once of each ballot that the member knows.
        step: Told where the code is, for tests that let it crash there.
    """

    def __init__(
        self,
        member: Member,
        items: GroupItems,
        journal: Journal,
        clock: Clock,
        timing: Timing,
        *,
        met: Callable[[Ballot], None],
        step: Callable[[str], None],
    ) -> None:
        self.member = member
        self.items = items
        self.copies = CopyDesk(items, member, timing.page_size)
        self.heard_at = -1e9
        """When the last order of a leader was followed."""
        self._journal = journal
        self._clock = clock
        self._timing = timing
        self._met = met
        self._step = step
        self._lock = asyncio.Lock()
        self._compact_at = timing.compact_bytes

    async def load(self) -> None:
        """Take up the state and the items of an earlier life."""
        items: dict[str, bytes | None] = {}
        for record in await self._journal.load():
            changes = self.member.replay(record)
            if changes is None:
                items.clear()
            else:
                items.update(changes)
        self.items.become((key, data) for key, data in items.items() if data is not None)
        await self._journal.commit([self.member.vows()])

    # Messages

    async def promise(self, message: Promise) -> Promised:
        """Answer a node that wants to lead."""
        async with self._lock:
            reply = self.member.promise(message, self._clock.monotonic())
            self._met(self.member.promised)
            if reply.granted:
                await self._journal.commit([self.member.vows()])
            return reply

    async def accept(self, message: Accept) -> Accepted:
        """Answer a leader that proposes a view."""
        async with self._lock:
            reply = self.member.accept(message)
            self._met(self.member.promised)
            if reply.granted:
                await self._journal.commit([self.member.vows()])
            return reply

    async def order(self, order: Order) -> Ordered | Refused:
        """Follow a leader."""
        async with self._lock:
            step = self.member.order(order, self._clock.monotonic())
            self._met(self.member.promised)
            if step.unstage:
                self.items.unstage()
            if step.apply:
                self._apply(order.outcome, step.apply)
            reply = await self._work(order, step)
            if isinstance(reply, Ordered):
                self.heard_at = self._clock.monotonic()
            if self._journal.size >= self._compact_at:
                await self._compact()
            return reply

    async def _work(self, order: Order, step: Step) -> Ordered | Refused:
        if step.stage is None:
            if step.reply is None:
                raise AssertionError("a step has a reply or a batch")
            return await self._keep(step.records, step.reply)
        self._step("prepare.begin")
        view, term = self.member.view, order.ballot[0]
        members = () if view is None else view.members
        results, changes = await self.items.stage(step.stage, term=term, members=members)
        record, reply = self.member.prepared(order, results, changes, self.items.groups)
        self._step("prepare.staged")
        if record is None:
            self.items.unstage()
            return await self._keep(step.records, reply)
        try:
            self._journal.note(step.records)
            await self._journal.commit([record])
        except L8Error as error:
            self.member.drop()
            self.items.unstage()
            return Refused(self.member.promised, f"{error.code}: {error.message}")
        self._step("prepare.kept")
        return reply

    async def _keep(
        self, records: tuple[Record, ...], reply: Ordered | Refused
    ) -> Ordered | Refused:
        lasting = [r for r in records if isinstance(r, Vows) or _is_undone(r)]
        self._journal.note(records)
        if lasting:
            try:
                await self._journal.commit([])
            except L8Error as error:
                return Refused(self.member.promised, f"{error.code}: {error.message}")
        return reply

    # The own leader

    def decide(self, outcome: Outcome) -> None:
        """Carry out the outcome that the leader on this node decided."""
        self._step("before.commit")
        changes = self.member.decide(outcome)
        self._apply(outcome, changes)
        self.items.acknowledged(changes)
        self._journal.note([Decided(outcome)])
        self._step("after.commit")

    def _apply(self, outcome: Outcome, changes: tuple[Change, ...]) -> None:
        self.items.apply(changes)
        if outcome.committed:
            # Without changes too: who takes a copy has to know all results.
            self.copies.written(outcome.number, changes, self._timing.batch_limit)

    async def found(self, view: View) -> None:
        """Be the first member of all, with the items that the service begins with."""
        async with self._lock:
            self.member.learn(view)
            if not self.member.outcome.number:
                await self.items.begin()
                self.member.lineage = view.lineage
            await self._journal.replace(self._snapshot())

    def learn(self, view: View) -> None:
        """This view is in force."""
        self.member.learn(view)
        self._journal.note([self.member.vows()])

    # Copies of others

    async def become(self, items: Iterable[Change], last: Page) -> None:
        """Be a copy of another member."""
        async with self._lock:
            pending = self.member.pending
            self.items.become(items, () if pending is None else pending.changes)
            self.copies.clear()
            self.member.restart(last.outcome, last.results, last.view.lineage)
            self.member.learn(last.view)
            await self._journal.replace(self._snapshot())

    async def catch_up(self, tail: Tail) -> None:
        """Apply what was written since the copy was begun."""
        async with self._lock:
            for changes in tail.changes:
                self.items.apply(changes)
            self.member.advance(tail.outcome, tail.results)
            records = [Items(changes) for changes in tail.changes]
            await self._journal.commit([*records, Advance(tail.outcome, tail.results)])

    async def fill(self, items: Iterable[Change]) -> None:
        """Take items that this member should have, but did not have so far."""
        async with self._lock:
            taken = self.items.fill(items)
            if taken:
                await self._journal.commit([Items(taken)])

    async def _compact(self) -> None:
        self._step("journal.compact")
        # When it fails the old file is complete; a further attempt comes when it has grown again.
        with suppress(L8Error):
            await self._journal.replace(self._snapshot())
        self._compact_at = max(self._timing.compact_bytes, 2 * self._journal.size)

    def _snapshot(self) -> list[Record]:
        member = self.member
        size = self._timing.page_size
        content = list(self.items.encoded())
        pages = [tuple(content[i : i + size]) for i in range(0, len(content), size)]
        pending: list[Prepared] = [] if member.pending is None else [member.pending]
        base = Base(member.outcome, member.results.all(), member.lineage)
        return [member.vows(), base, *map(Items, pages), *pending]


def _is_undone(record: Record) -> bool:
    """Whether a roll-back is recorded: the client is told of it, so it must not be forgotten."""
    return isinstance(record, Decided) and not record.outcome.committed
