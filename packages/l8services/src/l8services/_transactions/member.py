# SPDX-License-Identifier: Apache-2.0
"""One member of the group: what it has promised, prepared and decided; a synchronous core.

It never decides anything. At most one batch is open: a member learns the outcome of a batch with,
or before, the next one. What it says to others has to be in its journal before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from l8services._transactions.messages import (
    Accept,
    Accepted,
    Batch,
    Change,
    Order,
    Ordered,
    Outcome,
    Pending,
    Promise,
    Promised,
    Refused,
    Result,
)
from l8services._transactions.outcomes import Results
from l8services._transactions.records import Advance, Base, Decided, Items, Prepared, Record, Vows
from l8services._transactions.views import NO_BALLOT, Ballot, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from l8services._transactions.timing import Timing

__all__ = ["Member", "Step"]


class Step(msgspec.Struct, frozen=True, gc=False):
    """What an order asks to be done, in the order of the attributes.

    Attributes:
        unstage: Drop what was staged.
        apply: Make these changes visible.
        records: To be written into the journal.
        stage: Work out this batch and hand the results to :meth:`Member.prepared`; without one
            ``reply`` is the answer.
        reply: Answer to the order.
    """

    unstage: bool = False
    apply: tuple[Change, ...] = ()
    records: tuple[Record, ...] = ()
    stage: Batch | None = None
    reply: Ordered | Refused | None = None


class Member:
    """State of a member.

    Args:
        identifier: Id of this member: its node, and a mark that changes when its memory is lost.
        timing: Times and limits.
    """

    def __init__(self, identifier: str, timing: Timing) -> None:
        self.id = identifier
        self.promised: Ballot = NO_BALLOT
        self.view: View | None = None
        self.accepted: tuple[Ballot, View] | None = None
        self.outcome = Outcome()
        self.pending: Prepared | None = None
        self.results = Results(timing.remembered)
        self.lineage = ""
        """Line of views that the items belong to, which may be another one than that of the view
        until they have been replaced; "" when it is not known."""
        self._lease = timing.lease
        self._lease_until = 0.0

    @property
    def in_view(self) -> bool:
        """Whether this is a member of the last view that it knows."""
        return self.view is not None and self.id in self.view.members

    def vows(self) -> Vows:
        """What must never be forgotten."""
        return Vows(self.id, self.promised, self.view, self.accepted)

    # What others ask

    def promise(self, message: Promise, now: float) -> Promised:
        """Refuse lesser ballots from now on, unless another leader still has this member's word."""
        wait = 0.0
        granted = message.ballot >= self.promised and message.ballot > NO_BALLOT
        if granted and message.ballot[1] != self.promised[1]:
            wait = max(0.0, self._lease_until - now)
            granted = wait == 0.0
        if granted:
            self.promised = message.ballot
        pending = self.pending
        return Promised(
            granted,
            self.promised,
            self.id,
            self.view,
            self.accepted,
            self.outcome,
            None
            if pending is None
            else Pending(
                pending.number,
                pending.ballot,
                tuple(result.id for result in pending.results),
                tuple(bool(result.error) for result in pending.results),
                pending.groups,
            ),
            wait,
        )

    def accept(self, message: Accept) -> Accepted:
        """Agree that a view follows another one, unless a greater ballot or view is known."""
        known = self.view
        if (
            message.ballot < self.promised
            or not self._follows(message.base)
            or (known is not None and not _leads(message.base, known))
        ):
            return Accepted(granted=False, promised=self.promised)
        self.promised = message.ballot
        self._learn(message.base)
        self.accepted = (message.ballot, message.view)
        return Accepted(granted=True, promised=self.promised)

    def order(self, order: Order, now: float) -> Step:
        """What is to be done for an order of the leader, or why it is not."""
        if order.ballot < self.promised:
            return self._refusal("conflict: a leader with a greater term is known")
        if order.view is not None and not self._follows(order.view):
            # More than this member has promised: it makes the leader give up and ask around anew.
            higher = (order.ballot[0] + 1, "")
            reason = "conflict: a member of a founded group joins no other that is not"
            return Step(reply=Refused(higher, reason))
        vows = self._heed(order)
        if self.view is None or not self.in_view or self.view.number < order.number:
            return self._refusal("conflict: not a member of the view", vows, behind=True)
        if self.view.number > order.number or order.outcome.number < self.outcome.number:
            return self._refusal("conflict: the order is out of date", vows)
        self._lease_until = now + self._lease
        return self._follow(order, vows)

    def _heed(self, order: Order) -> tuple[Record, ...]:
        """Take up the ballot and the view of an order; what that changes of the vows."""
        view = order.view
        if order.ballot == self.promised and (view is None or view == self.view):
            return ()
        before = self.vows()
        self.promised = order.ballot
        if view is not None and (self.view is None or _leads(view, self.view)):
            self._learn(view)
        vows = self.vows()
        return () if vows == before else (vows,)

    def _follow(self, order: Order, vows: tuple[Record, ...]) -> Step:
        pending = self.pending
        repeated = pending is not None and pending.ballot == order.ballot
        if order.outcome.number == self.outcome.number:
            if order.outcome != self.outcome:
                return self._refusal("conflict: another outcome is known", vows, behind=True)
            if pending is not None and not repeated:
                # Prepared for a leader that is gone, and not taken up by the new one.
                self.pending = None
                return self._prepare(order, vows, unstage=True)
            return self._prepare(order, vows)
        if not self._can_decide(order.outcome):
            return self._refusal("conflict: batches are missing", vows, behind=True)
        apply = self.decide(order.outcome)
        decided = (*vows, Decided(order.outcome))
        return self._prepare(order, decided, unstage=not order.outcome.committed, apply=apply)

    def _prepare(
        self,
        order: Order,
        records: tuple[Record, ...],
        *,
        unstage: bool = False,
        apply: tuple[Change, ...] = (),
    ) -> Step:
        batch, pending = order.batch, self.pending
        if batch is None:
            return Step(unstage, apply, records, reply=Ordered(0))
        if batch.number != self.outcome.number + 1:
            return self._refusal("conflict: batches are missing", records, behind=True)
        if pending is not None and pending.number == batch.number:
            return Step(unstage, apply, records, reply=_ordered(pending))
        return Step(unstage, apply, records, stage=batch)

    def prepared(
        self,
        order: Order,
        results: Sequence[Result],
        changes: Sequence[Change],
        groups: Iterable[tuple[str, ...]] = (),
    ) -> tuple[Prepared | None, Ordered | Refused]:
        """The batch of an order was worked out.

        Returns:
            The record for the journal, and the answer to be given once it is there.
        """
        batch = order.batch
        if batch is None or order.ballot < self.promised or batch.number != self.outcome.number + 1:
            return None, self._refused("conflict: a leader with a greater term is known")
        self.pending = Prepared(
            batch.number, order.ballot, tuple(results), tuple(changes), tuple(groups)
        )
        return self.pending, _ordered(self.pending)

    def drop(self) -> None:
        """The prepared batch could not be written into the journal."""
        self.pending = None

    # What the own leader decides

    def decide(self, outcome: Outcome) -> tuple[Change, ...]:
        """Close the open batch.

        Returns:
            The changes to make visible.
        """
        pending, self.pending, self.outcome = self.pending, None, outcome
        if pending is None or not outcome.committed:
            return ()
        self.results.add(pending.results)
        return pending.changes

    # Copies of another member, and the journal

    def restart(self, outcome: Outcome, results: Sequence[Result], lineage: str) -> None:
        """The items are those of a copy of this line, complete up to this outcome."""
        self.pending = None
        self.lineage = lineage
        self.outcome = outcome
        self.results.replace(results)

    def advance(self, outcome: Outcome, results: Sequence[Result]) -> None:
        """The changes up to this outcome were taken from another member."""
        self.pending = None
        self.outcome = outcome
        self.results.add(results)

    def replay(self, record: Record) -> tuple[Change, ...] | None:
        """Take a record of the journal.

        Returns:
            The changes that it makes visible, ``None`` to forget all items.
        """
        match record:
            case Vows():
                self.id = record.member
                self.promised, self.view = record.promised, record.view
                self.accepted = record.accepted
            case Prepared():
                self.pending = record
            case Decided():
                return self.decide(record.outcome)
            case Base():
                self.restart(record.outcome, record.results, record.lineage)
                return None
            case Items():
                return record.items
            case Advance():
                self.advance(record.outcome, record.results)
        return ()

    def _follows(self, view: View) -> bool:
        """Whether this is no line without any writes, while the own one may have some."""
        known = self.view
        if view.founded or known is None or view.lineage == known.lineage:
            return True
        return not known.founded and not (self.accepted and self.accepted[1].founded)

    def learn(self, view: View) -> None:
        """This view is in force."""
        if self.view is None or _leads(view, self.view):
            self._learn(view)

    def _learn(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self.accepted = None

    def _can_decide(self, outcome: Outcome) -> bool:
        if outcome.number != self.outcome.number + 1:
            return False
        if self.pending is None:
            # What is rolled back leaves no trace, so it need not have been here.
            return not outcome.committed
        return self.pending.number == outcome.number

    def _refusal(
        self, reason: str, records: tuple[Record, ...] = (), *, behind: bool = False
    ) -> Step:
        return Step(records=records, reply=self._refused(reason, behind=behind))

    def _refused(self, reason: str, *, behind: bool = False) -> Refused:
        return Refused(self.promised, reason, behind, self.promised[1])


def _leads(view: View, known: View) -> bool:
    """Whether a view is to be believed by one who knows another one."""
    # Another line of views is one that lost its members or never had this one; what its leader
    # says is in force, because he has seen this member's view when he took over.
    return view.lineage != known.lineage or view.number >= known.number


def _ordered(pending: Prepared) -> Ordered:
    return Ordered(pending.number, tuple([result.error for result in pending.results]))
