# SPDX-License-Identifier: Apache-2.0
"""What a leader of a group has in hand, and what all its work needs; a synchronous core."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from l8services._transactions.effects import Effect, Reject
from l8services._transactions.lease import Lease
from l8services._transactions.messages import Batch, Order, Outcome
from l8services._transactions.office import Inflight, Phase, Proposal, certainly
from l8services._transactions.orders import Orders
from l8services._transactions.places import Places
from l8services._transactions.queue import CommandQueue
from l8services._transactions.refusals import Refusals
from l8services._transactions.views import NO_BALLOT, Ballot, View

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from l8services._transactions.campaign import Campaign
    from l8services._transactions.timing import Timing
    from l8types.enums import Quorum

__all__ = ["LeaderState"]


def _always(_: Collection[str]) -> bool:
    """All members have all items: whoever is left has everything."""
    return True


class LeaderState(ABC):
    """The state of a leader, on which its kinds of work are built.

    Args:
        me: Id of the member on this node.
        address: Id of this node.
        rule: Who may go on when members are lost.
        timing: Times and limits.
        expected: How many nodes are expected at first; more than half of them found the group.
        happened: Says whether a command was committed, as far as it is known on this node.
        covers: Says whether nothing of the batch on its way is lost when only some members, given
            by their ids, have prepared it.
    """

    def __init__(
        self,
        me: str,
        address: str,
        rule: Quorum,
        timing: Timing,
        *,
        expected: int = 1,
        happened: Callable[[str], bool] = lambda _: False,
        covers: Callable[[Collection[str]], bool] = _always,
    ) -> None:
        self.me = me
        self.address = address
        self.phase = Phase.FOLLOWING
        self.ballot: Ballot = NO_BALLOT
        self.view: View | None = None
        self.obstacle = ""
        """Why the last campaign failed."""
        self._rule = rule
        self._needed = expected // 2 + 1
        self._covers = covers
        self._happened = happened
        self._timing = timing
        self._seen: Ballot = NO_BALLOT
        self._campaign: Campaign | None = None
        self._doubtful_since: float | None = None
        self._queue = CommandQueue(timing)
        self._lease = Lease(rule, timing.lease)
        self._places = Places()
        self._places.learn({me: address})
        self._orders = Orders(me, self._places, timing)
        self._reset()

    def _reset(self) -> None:
        self._outcome = Outcome()
        self._inflight: Inflight | None = None
        self._proposal: Proposal | None = None
        self._lost: set[str] = set()
        self._joining: str = ""
        self._hold_until = self._pause_until = self._reserved_until = 0.0
        self._notice_at = math.inf
        self._invite_at: dict[str, float] = {}
        self._refusals = Refusals()
        self._orders.forget()
        self._lease.forget()

    @property
    def _group(self) -> View:
        if self.view is None:
            raise AssertionError("a leader has a view")
        return self.view

    def node_of(self, member: str) -> str:
        """Id of the node where a member is."""
        return self._places.of(member)

    @property
    def outcome(self) -> Outcome:
        """What became of the last batch that was decided."""
        return self._outcome

    def _member_at(self, address: str) -> str:
        """The member of the view on a node, "" for none."""
        return self._places.member(self._group, address)

    @property
    def _unfounded(self) -> str:
        """Why a leader in office can do nothing yet, "" when it can."""
        if self.phase is not Phase.LEADING or self._group.founded:
            return ""
        return (
            f"unavailable: the service begins with {self._needed} members, "
            f"there are {len(self._group.members)} so far"
        )

    def _order(self, batch: Batch | None = None) -> Order:
        return self._orders.order(self.ballot, self._group, self._outcome, batch)

    def standing_order(self) -> Order:
        """What a member has done when it has all that was acknowledged."""
        return self._order()

    def _send_all(self, members: Collection[str], batch: Batch | None, now: float) -> list[Effect]:
        self._notice_at = math.inf
        return self._orders.send(self._order(batch), members, now)

    def _reject(self, reason: str, leader: str = "") -> list[Effect]:
        """Tell all who wait that nothing was done for them."""
        effects: list[Effect] = [
            Reject(i, certainly(reason, certain), leader) for i, certain in self._queue.clear()
        ]
        return effects + list(self._lease.end(reason))

    def _release(self) -> list[Effect]:
        return list(self._refusals.release(self._group.members))

    @abstractmethod
    def _proceed(self, now: float) -> list[Effect]:
        """Do the next thing that can be done."""

    @abstractmethod
    def _complete(self, now: float) -> list[Effect]:
        """Decide the batch when all members of the view have prepared it."""

    @abstractmethod
    def _notify(self, now: float) -> list[Effect]:
        """Tell the outcome of the last batch, when it is time."""

    @abstractmethod
    def resign(self, leader: str, now: float) -> list[Effect]:
        """Lead no longer."""
