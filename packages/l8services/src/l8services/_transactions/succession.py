# SPDX-License-Identifier: Apache-2.0
"""Who is a member: views and the step from one to the next; a synchronous core.

A member that does not follow is left out of the next view, to which a quorum of the present one has
to agree; so is a newcomer taken in, once it has everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._transactions.effects import Admit, Effect, Lead, Send
from l8services._transactions.leading import LeaderState
from l8services._transactions.messages import Accept, Accepted, Joined, Refused
from l8services._transactions.office import Phase, Proposal
from l8services._transactions.views import View, has_quorum, may_found, missing_members

if TYPE_CHECKING:
    from collections.abc import Collection


__all__ = ["Succession"]


class Succession(LeaderState):
    """The part of a leader that keeps the view."""

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

    def _found(self, now: float) -> list[Effect]:
        """Begin when there are enough members, with their consent."""
        if len(self._group.members) < self._needed:
            return self._notify(now)
        return self._propose(self._group.members, now, founded=True)
