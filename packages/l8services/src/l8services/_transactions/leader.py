# SPDX-License-Identifier: Apache-2.0
"""The leader of a group: it orders the writes and keeps the view; a synchronous core.

One batch is on its way at a time; what arrives meanwhile is the next one. A batch is committed when
all members of the view have prepared it. A member that does not is left out of the next view, to
which a quorum of the present one has to agree.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from l8services._transactions.campaign import Campaign
from l8services._transactions.effects import (
    Admit,
    Decide,
    Effect,
    Grant,
    Lead,
    Reject,
    Resolve,
    Send,
)
from l8services._transactions.lease import Lease
from l8services._transactions.messages import (
    Accept,
    Accepted,
    Batch,
    Command,
    Heard,
    Joined,
    Order,
    Ordered,
    Outcome,
    Promise,
    Promised,
    Refused,
)
from l8services._transactions.office import Inflight, Phase, Proposal, certainly
from l8services._transactions.orders import Orders
from l8services._transactions.places import Places
from l8services._transactions.queue import CommandQueue
from l8services._transactions.refusals import Refusals
from l8services._transactions.takeover import verdict
from l8services._transactions.views import (
    NO_BALLOT,
    Ballot,
    View,
    has_quorum,
    may_found,
    missing_members,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from l8services._transactions.timing import Timing
    from l8types.enums import Quorum

__all__ = ["Leader"]


def _always(_: Collection[str]) -> bool:
    """All members have all items: whoever is left has everything."""
    return True


class Leader:
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

    def hold(self, until: float) -> None:
        """Begin no further batch before a time; what is on its way goes on."""
        self._pause_until = max(self._pause_until, until)

    def reserve(self, until: float) -> None:
        """Take no writes of clients before a time, only what this leader orders by itself."""
        self._reserved_until = max(self._reserved_until, until)

    def release(self, now: float) -> list[Effect]:
        """Begin the next batch after all."""
        self._pause_until = self._reserved_until = 0.0
        return self._proceed(now)

    @property
    def _held_until(self) -> float:
        """Until when writes wait: for a node that is about to join, or for a read."""
        return max(self._hold_until, self._pause_until)

    def standing_order(self) -> Order:
        """What a member has done when it has all that was acknowledged."""
        return self._order()

    def _order(self, batch: Batch | None = None) -> Order:
        return self._orders.order(self.ballot, self._group, self._outcome, batch)

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

    # Clients

    def submit(self, commands: Iterable[tuple[Command, float]], now: float) -> list[Effect]:
        """Take commands, each with its deadline; what waits or is on its way is not taken twice."""
        effects: list[Effect] = []
        for command, deadline in commands:
            if command.id not in self._queue and not self._carries(command.id):
                effects += self._take(command, min(deadline, now + 1e9))
        return effects + self._proceed(now)

    def _take(self, command: Command, deadline: float) -> list[Effect]:
        if self._queue.full:
            limit = self._timing.queue_limit
            reason = f"overloaded: {limit} writes wait at the leader, the limit"
            return [Reject(command.id, reason)]
        if self._unfounded:
            return [Reject(command.id, self._unfounded)]
        self._queue.add(command, deadline)
        return []

    def read(self, token: int, now: float) -> list[Effect]:
        """A read wants to see all that was acknowledged; it is granted or refused later."""
        if self._unfounded:
            return [Grant(token, self._unfounded)]
        if self._leased(now):
            return [Grant(token)]
        self._lease.wait(token)
        return self._read_round(now)

    def _carries(self, identifier: str) -> bool:
        return self._inflight is not None and any(
            command.id == identifier for command in self._inflight.batch.commands
        )

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

    def _member_at(self, address: str) -> str:
        """The member of the view on a node, "" for none."""
        return self._places.member(self._group, address)

    def _led(self, address: str, message: object, reply: object, now: float) -> list[Effect]:
        member = self._member_at(address)
        if isinstance(message, Accept):
            return self._agreed(member, message, reply, now)
        if isinstance(message, Order) and member:
            return self._ordered(member, message, reply, now)
        return []

    def participants(self, nodes: Collection[str], now: float) -> list[Effect]:
        """These nodes take part now: members that left are let go, newcomers invited."""
        if self.phase is not Phase.LEADING:
            return []
        gone = {m for m in self._group.members if self.node_of(m) not in nodes and m != self.me}
        if not gone <= self._lost:
            self._lost |= gone
            return self._proceed(now)
        newcomers = set(nodes) - set(map(self.node_of, self._group.members))
        proposal = self._proposal
        if newcomers and proposal and now - proposal.since >= self._timing.round_timeout:
            # Members that are missing may be back on other nodes: the next campaign finds them.
            return self.resign("", now)
        effects: list[Effect] = []
        for node in sorted(newcomers):
            if self._invite_at.get(node, 0.0) <= now and self._proposal is None:
                self._invite_at[node] = now + self._timing.retry
                effects.append(Send(node, self._order(), self._timing.round_timeout))
        return effects

    def let_go(self, member: str, now: float) -> list[Effect]:
        """A member is about to leave and may be left out at once."""
        if self.phase is not Phase.LEADING or member == self.me:
            return []
        self._lost |= {member} & set(self._group.members)
        return self._proceed(now)

    def ready(
        self, member: str, address: str, lineage: str, number: int, now: float
    ) -> list[Effect]:
        """A node has everything up to a batch and wants to become a member."""
        if self.phase is not Phase.LEADING or lineage != self._group.lineage:
            return [Admit(member, Refused(self._seen, "unavailable: not led here"))]
        if member in self._group.members:
            return [Admit(member, Joined(self._group))]
        self._hold_until = now + self._timing.hold
        if number != self._outcome.number or self._inflight is not None or self._proposal:
            return [Admit(member, None)]
        members = tuple(m for m in self._group.members if self.node_of(m) != address)
        self._places.learn({member: address})
        self._joining = member
        return self._propose((*members, member), now)

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

    # Batches

    def _proceed(self, now: float) -> list[Effect]:
        """Do the next thing that can be done."""
        if self.phase is not Phase.LEADING or self._proposal is not None:
            return []
        lost = self._lost & set(self._group.members)
        if lost:
            return self._propose(tuple(m for m in self._group.members if m not in lost), now)
        if self._inflight is not None or self._held_until > now:
            return []
        self._hold_until = self._pause_until = 0.0
        if self._unfounded:
            return self._reject(self._unfounded) + self._found(now)
        taken = self._queue.take(urgent=self._reserved_until > now)
        if taken:
            batch = Batch(self._outcome.number + 1, tuple(command for command, _ in taken))
            deadlines = [deadline for _, deadline in taken]
            self._inflight = Inflight(batch, deadlines, set(self._group.members))
            return self._send_all(self._group.members, batch, now)
        return self._notify(now)

    def _notify(self, now: float) -> list[Effect]:
        if self._notice_at > now:
            return []
        return self._send_all([m for m in self._group.members if m != self.me], None, now)

    @property
    def _unfounded(self) -> str:
        """Why a leader in office can do nothing yet, "" when it can."""
        if self.phase is not Phase.LEADING or self._group.founded:
            return ""
        return (
            f"unavailable: the service begins with {self._needed} members, "
            f"there are {len(self._group.members)} so far"
        )

    def _found(self, now: float) -> list[Effect]:
        """Begin when there are enough members, with their consent."""
        if len(self._group.members) < self._needed:
            return self._notify(now)
        return self._propose(self._group.members, now, founded=True)

    def _send_all(self, members: Collection[str], batch: Batch | None, now: float) -> list[Effect]:
        self._notice_at = math.inf
        return self._orders.send(self._order(batch), members, now)

    def _ordered(self, member: str, order: Order, reply: object, now: float) -> list[Effect]:
        if isinstance(reply, Ordered):
            if order.number == self._group.number:
                self._orders.aware(member)
            self._lease.confirm(member, self._orders.followed(member, order))
            effects = self._heard(member, order)
            if order.batch is not None:
                effects += self._prepared(member, order.batch, reply.errors, now)
            return effects + self._granted(now) if self._lease.waiting else effects
        if not self._orders.failed(member, order):
            return []
        if member == self.me:
            return self._own_failure(reply, now) if order.batch is not None else []
        # It may have missed what it was told; what it does not confirm it must learn anew.
        self._lost.add(member)
        return self._proceed(now)

    def _prepared(
        self, member: str, batch: Batch, errors: tuple[str, ...], now: float
    ) -> list[Effect]:
        inflight = self._inflight
        if inflight is None or batch.number != inflight.batch.number:
            return []
        inflight.waiting.discard(member)
        inflight.results[member] = errors
        return self._complete(now)

    def _complete(self, now: float) -> list[Effect]:
        """Decide the batch when all members of the view have prepared it."""
        inflight = self._inflight
        if inflight is None or self._proposal is not None:
            return []
        if not inflight.waiting.isdisjoint(self._group.members):
            return []
        self._inflight = None
        judged = {m: e for m, e in inflight.results.items() if m in self._group.members}
        covered = self._covers(judged)
        good = covered and verdict([[bool(error) for error in e] for e in judged.values()])
        self._outcome = Outcome(inflight.batch.number, good)
        effects: list[Effect] = [Decide(self._outcome)]
        commands = inflight.batch.commands
        if good:
            effects += [Resolve(command.id) for command in commands]
            self._notice_at = now + self._timing.notice_delay
        elif len(commands) > 1 or not covered:
            self._queue.add_alone(zip(commands, inflight.deadlines, strict=True))
        else:
            self._refuse(commands[0], judged, now)
        return effects + self._proceed(now)

    def _refuse(self, command: Command, judged: dict[str, tuple[str, ...]], now: float) -> None:
        """Undo what some refused; the client learns of it when no member can commit it any more."""
        member, error = next((m, errors[0]) for m, errors in judged.items() if errors[0])
        self._undo([Resolve(command.id, error, self.node_of(member))], now)

    def _undo(self, refused: list[Resolve], now: float) -> None:
        others = set(self._group.members) - {self.me}
        self._refusals.add(refused, others)
        self._notice_at = now if others else math.inf

    def _heard(self, member: str, order: Order) -> list[Effect]:
        if order.outcome != self._outcome:
            return []
        self._refusals.heard(member)
        return self._release()

    def _release(self) -> list[Effect]:
        return list(self._refusals.release(self._group.members))

    def _own_failure(self, reply: object, now: float) -> list[Effect]:
        """This node cannot prepare (a full disk): nothing can be written, it stays readable."""
        inflight = self._inflight
        if inflight is None:
            return []
        self._inflight = None
        self._outcome = Outcome(inflight.batch.number, committed=False)
        reason = reply.reason if isinstance(reply, Refused) else "unavailable: no journal"
        effects: list[Effect] = [Decide(self._outcome)]
        self._undo([Resolve(c.id, reason, self.address) for c in inflight.batch.commands], now)
        return effects + self._release() + self._proceed(now)

    # Views

    def _propose(
        self, members: tuple[str, ...], now: float, *, founded: bool = False
    ) -> list[Effect]:
        group = self._group
        view = View(group.lineage, group.number + 1, members, founded or group.founded)
        self._proposal = Proposal(view, now)
        return self._ask_again(self._proposal, now)

    def _ask_again(self, proposal: Proposal, now: float) -> list[Effect]:
        proposal.repeat_at = now + self._timing.retry
        accept = Accept(self.ballot, self._group, proposal.view)
        return [
            Send(self.node_of(member), accept, self._timing.round_timeout)
            for member in self._group.members
            if member not in proposal.accepted
        ]

    def _agreed(self, member: str, message: Accept, reply: object, now: float) -> list[Effect]:
        proposal = self._proposal
        if proposal is None or message.view != proposal.view or not member:
            return []
        if not isinstance(reply, Accepted) or not reply.granted:
            return []
        proposal.accepted.add(member)
        if not has_quorum(self._group, proposal.accepted, self._rule):
            return []
        if not may_found(self._group, proposal.view, proposal.accepted, self._needed):
            return []
        return self._install(proposal.view, now)

    def _install(self, view: View, now: float) -> list[Effect]:
        self._proposal, self.view = None, view
        self._orders.unaware()
        self._lost &= set(view.members)
        self._lease.keep(view)
        effects: list[Effect] = [Lead(view)]
        if self._joining:
            effects.append(Admit(self._joining, Joined(view)))
            self._joining, self._hold_until = "", 0.0
        effects += self._complete(now)
        effects += self._release()
        if self._inflight is None:
            # Those who are new, and those who stay, learn of the view at once.
            self._notice_at = min(self._notice_at, now)
        return effects + self._proceed(now)

    def _give_up(self, proposal: Proposal) -> list[Effect]:
        """Tell those who wait that too many members are missing."""
        away = ", ".join(map(self.node_of, missing_members(self._group, proposal.accepted)))
        self.obstacle = f"too many members of the group are missing: {away}"
        return self._reject(f"unavailable: {self.obstacle}")

    def _reject(self, reason: str, leader: str = "") -> list[Effect]:
        """Tell all who wait that nothing was done for them."""
        effects: list[Effect] = [
            Reject(i, certainly(reason, certain), leader) for i, certain in self._queue.clear()
        ]
        return effects + list(self._lease.end(reason))

    # Reads

    def _leased(self, now: float) -> bool:
        return self.phase is Phase.LEADING and self._lease.holds(self._group, now)

    def _read_round(self, now: float) -> list[Effect]:
        lease, office = self._lease, self.phase is Phase.LEADING
        able = office and self._inflight is None and self._proposal is None
        if able and lease.round_at > now:
            return []
        lease.round_at = now + self._timing.retry
        return self._send_all(self._group.members, None, now) if able else []

    def _granted(self, now: float) -> list[Effect]:
        if not self._lease.waiting or not self._leased(now):
            return []
        self._lease.round_at = now
        return list(self._lease.end())
