# SPDX-License-Identifier: Apache-2.0
"""The leader of a group, into office and out of it, and what happens to it; a synchronous core."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from l8services._transactions.batches import Batches
from l8services._transactions.campaign import Campaign
from l8services._transactions.effects import Effect, Lead, Reject, Resolve
from l8services._transactions.messages import (
    Accept,
    Accepted,
    Heard,
    Order,
    Ordered,
    Outcome,
    Promise,
    Promised,
    Refused,
)
from l8services._transactions.office import Phase, certainly
from l8services._transactions.views import Ballot, View

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = ["Leader"]


class Leader(Batches):
    """Leads a group whenever it is told to campaign and the members let it.

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

    # Into office and out of it

    def campaign(self, floor: int, targets: Iterable[str], now: float) -> list[Effect]:
        """Try to become the leader.

        Args:
            floor: Epoch that the election gave to this node.
            targets: Ids of the nodes to ask; those of the last view come by themselves.
            now: Time.
        """
        since = self._doubtful_since
        resolute = since is not None and now - since >= self._timing.holders_patience
        self.ballot = (max(floor, self._seen[0] + 1), self.address)
        self._seen = self.ballot
        self.phase = Phase.CAMPAIGNING
        nodes = {*targets, self.address}
        self._campaign = Campaign(
            self.me,
            self.ballot,
            nodes,
            self._rule,
            self._timing,
            needed=self._needed,
            resolute=resolute,
        )
        return self._campaign.begin()

    def meet(self, ballot: Ballot, now: float) -> list[Effect]:
        """A ballot was met; a greater one than the own ends the office."""
        self._seen = max(self._seen, ballot)
        if ballot > self.ballot and self.phase is not Phase.FOLLOWING:
            return self.resign(ballot[1], now)
        return []

    def resign(self, leader: str, now: float) -> list[Effect]:
        """Lead no longer; clients are told where to go, and whether it is known what happened."""
        del now
        reason = "unavailable: this node does not lead the service"
        effects = self._reject(reason, leader) + self._abandon(leader)
        self.phase, self._campaign = Phase.FOLLOWING, None
        self._reset()
        return effects

    def _abandon(self, leader: str) -> list[Effect]:
        """What was on its way has an outcome that is not known here."""
        open_ids = self._refusals.ids
        if self._inflight is not None:
            open_ids += [command.id for command in self._inflight.batch.commands]
        reason = "outcome-unknown: the leader lost its office meanwhile"
        return [Reject(identifier, reason, leader) for identifier in open_ids]

    def copied(self, *, good: bool, outcome: Outcome, now: float) -> list[Effect]:
        """This node has, or has not, become the copy that it needs to lead."""
        if self._campaign is None:
            return []
        self._campaign.copied(good=good)
        return self._campaigned(now, outcome)

    def _campaigned(self, now: float, outcome: Outcome | None = None) -> list[Effect]:
        campaign = self._campaign
        if campaign is None:
            return []
        self._seen = max(self._seen, campaign.promised)
        if campaign.failed:
            self.obstacle = campaign.failed
            if campaign.doubtful and self._doubtful_since is None:
                self._doubtful_since = now
            self._campaign, self.phase = None, Phase.FOLLOWING
            return self._reject(f"unavailable: {self.obstacle}")
        if not campaign.done:
            return []
        return self._enter(campaign, outcome or campaign.findings.outcome, now)

    def _enter(self, campaign: Campaign, outcome: Outcome, now: float) -> list[Effect]:
        findings = campaign.findings
        self._doubtful_since = None
        self._campaign, self.phase, self.obstacle = None, Phase.LEADING, ""
        self._reset()
        self._places.learn({**findings.addresses, self.me: self.address})
        self._outcome = outcome
        if findings.view is None:
            lineage = f"{self.ballot[0]}:{self.me}"
            self.view = View(lineage, 1, (self.me,), self._needed == 1)
            self._orders.aware(self.me)
            return [Lead(self.view, began=True, founded=True), *self._proceed(now)]
        self.view = findings.view
        members = tuple(m for m in findings.view.members if m in findings.members)
        if self.me not in members:
            members = (*(m for m in members if self.node_of(m) != self.address), self.me)
        effects: list[Effect] = [Lead(self.view, began=True), *self._known()]
        if members != self.view.members:
            return effects + self._propose(members, now)
        return effects + self._proceed(now)

    def _known(self) -> list[Effect]:
        """Commands that came during the campaign, and that an earlier leader has committed."""
        known = [name for name in self._queue.waiting() if self._happened(name)]
        self._queue.remove(known)
        return [Resolve(name) for name in known]

    # What happens

    def received(self, address: str, message: object, reply: object, now: float) -> list[Effect]:
        """A node answered, ``None`` when it did not."""
        effects: list[Effect] = []
        if isinstance(reply, (Promised, Accepted, Refused)):
            effects += self.meet(reply.promised, now)
        if isinstance(message, (Promise, Accept, Order)) and message.ballot == self.ballot:
            if self.phase is Phase.CAMPAIGNING and self._campaign is not None:
                effects += self._campaign.received(address, message, reply)
                effects += self._campaigned(now)
            elif self.phase is Phase.LEADING:
                effects += self._led(address, message, reply, now)
        return effects

    def heard(self, address: str, message: Heard, now: float) -> list[Effect]:
        """A node answered an order that was told to all."""
        reply = message.reply
        if message.ballot == self.ballot and self.phase is Phase.LEADING:
            member = self._member_at(address)
            order = self._orders.heard(member, message.serial)
            if order is not None:
                if isinstance(reply, Ordered):
                    return self._ordered(member, order, reply, now)
                return self.received(address, order, reply, now)
        return self.meet(reply.promised, now) if isinstance(reply, Refused) else []

    def _led(self, address: str, message: object, reply: object, now: float) -> list[Effect]:
        member = self._member_at(address)
        if isinstance(message, Accept):
            return self._agreed(member, message, reply, now)
        if isinstance(message, Order) and member:
            return self._ordered(member, message, reply, now)
        return []

    def tick(self, now: float) -> list[Effect]:
        """Time has passed."""
        effects: list[Effect] = [
            Reject(i, certainly("timeout: the write did not get its turn in time", certain))
            for i, certain in self._queue.expired(now)
        ]
        if self.phase is not Phase.LEADING:
            return effects
        proposal = self._proposal
        if proposal is not None and proposal.repeat_at <= now:
            if now - proposal.since >= self._timing.patience:
                effects += self._give_up(proposal)
            effects += self._ask_again(proposal, now)
        if self._lease.waiting and self._lease.round_at <= now:
            effects += self._read_round(now)
        effects += self._orders.late(now)
        return effects + self._proceed(now)

    def wake_at(self) -> float:
        """When :meth:`tick` has something to do."""
        if self.phase is not Phase.LEADING:
            return math.inf
        times = [self._orders.late_at]
        if self._proposal is not None:
            times.append(self._proposal.repeat_at)
        elif self._inflight is None:
            times.append(max(self._notice_at, self._held_until))
            if len(self._queue) and self._held_until:
                times.append(self._held_until)
            if len(self._queue) and self._reserved_until:
                times.append(max(self._reserved_until, self._held_until))
        if self._lease.waiting:
            times.append(self._lease.round_at)
        return min(times)
