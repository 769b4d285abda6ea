# SPDX-License-Identifier: Apache-2.0
"""Transactions go through their states in order: prepared, then committed or rolled back, once."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from l8services._transactions.member import Member
from l8services._transactions.messages import (
    Batch,
    Order,
    Ordered,
    Outcome,
    Refused,
    Result,
)
from l8services._transactions.timing import Timing
from l8services._transactions.views import View
from l8types.enums import TransactionState

ME = "a#1"
VIEW = View("line", 1, (ME, "b#1"), founded=True)
RUNNING, COMMITTED, ROLLBACK = (
    TransactionState.RUNNING,
    TransactionState.COMMITTED,
    TransactionState.ROLLBACK,
)
BEFORE_END: dict[TransactionState, set[TransactionState | None]] = {
    COMMITTED: {TransactionState.RUNNING},
    # A batch that this member never saw leaves nothing to be undone.
    ROLLBACK: {TransactionState.RUNNING, None},
}


class Orders(RuleBasedStateMachine):
    """Leaders, old and new, tell one member whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.member = Member(ME, Timing())
        self.member.learn(VIEW)
        self.states: dict[int, list[TransactionState]] = {}

    @rule(
        term=st.integers(1, 3),
        leader=st.sampled_from("ab"),
        last=st.integers(-1, 2),
        committed=st.booleans(),
        batch=st.none() | st.integers(-1, 2),
        late=st.booleans(),
    )
    def order(
        self, *, term: int, leader: str, last: int, committed: bool, batch: int | None, late: bool
    ) -> None:
        """An order about batches around the present one; it may be overtaken while it is staged."""
        member, known = self.member, self.member.outcome.number
        number = max(0, known + last)
        outcome = member.outcome if last == 0 and not late else Outcome(number, committed)
        asked = None if batch is None else Batch(max(1, known + 1 + batch), ())
        order = Order((term, leader), VIEW.number, outcome, asked, VIEW)
        before = (member.outcome, member.pending)
        step = member.order(order, 0.0)
        if isinstance(step.reply, Refused) and not step.apply:
            self._unless_moved(before)
        if member.outcome != before[0]:
            self._ended(member.outcome)
            behind = isinstance(step.reply, Refused) and step.reply.behind
            expected = [str(number)] if committed and not behind else []
            # Who is behind copies all items, so that it need not apply any.
            assert [key for key, _ in step.apply] == expected
        if step.stage is not None:
            self._stage(order, step.stage)

    def _stage(self, order: Order, batch: Batch) -> None:
        result = Result(f"c{batch.number}")
        prepared, reply = self.member.prepared(order, [result], [(str(batch.number), b"new")])
        if prepared is not None:
            assert isinstance(reply, Ordered)
            self.states.setdefault(batch.number, []).append(RUNNING)

    def _unless_moved(self, before: tuple[Outcome, object]) -> None:
        """A refusal changes nothing, but that an order may be half right: its outcome was taken."""
        if self.member.outcome == before[0]:
            assert self.member.pending in {before[1], None}

    def _ended(self, outcome: Outcome) -> None:
        state = COMMITTED if outcome.committed else ROLLBACK
        earlier = self.states.setdefault(outcome.number, [])
        assert (earlier[-1] if earlier else None) in BEFORE_END[state]
        earlier.append(state)

    @invariant()
    def each_ends_once(self) -> None:
        """Nothing happens to a batch after its end, and none is left out."""
        for number, states in self.states.items():
            ends = [state for state in states if state is not RUNNING]
            assert len(ends) == (number <= self.member.outcome.number)
            assert states[len(states) - len(ends) :] == ends


TestOrders = pytest.mark.feature("TRX-02")(Orders.TestCase)
TestOrders.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
