# SPDX-License-Identifier: Apache-2.0
"""The way into office: promises, what was open is closed, a copy when one is needed.

A synchronous core, used by :class:`Leader` until it leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._transactions.effects import Copy, Effect, Send
from l8services._transactions.messages import (
    Accept,
    Accepted,
    Order,
    Ordered,
    Promise,
    Promised,
    Refused,
)
from l8services._transactions.takeover import Findings, inquire
from l8services._transactions.views import Ballot, View, address_of, has_quorum, may_found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8services._transactions.timing import Timing
    from l8types.enums import Quorum

__all__ = ["Campaign"]


class Campaign:
    """One attempt, with one ballot. It ends in ``findings`` and ``done``, or in ``failed``.

    Attributes:
        failed: Why it came to nothing, "" as long as it may succeed.
        done: Whether what was open is closed, and this node has everything.
        promised: The greatest ballot that was met.
        wait: Seconds for which another leader has the word of a member.
        doubtful: Whether it failed because the holders of an open item are missing.
    """

    def __init__(
        self,
        me: str,
        ballot: Ballot,
        targets: Iterable[str],
        rule: Quorum,
        timing: Timing,
        *,
        needed: int = 1,
        resolute: bool = False,
    ) -> None:
        self.me = me
        self.ballot = ballot
        self.failed = ""
        self.done = False
        self.promised = ballot
        self.wait = 0.0
        self.doubtful = False
        self._resolute = resolute
        self.findings = Findings()
        self._rule = rule
        self._needed = needed
        self._timing = timing
        self._targets = set(targets)
        self._open = set(self._targets)
        self._promises: dict[str, Promised] = {}
        self._proposal: View | None = None
        self._accepted: set[str] = set()
        self._closing: set[str] = set()

    def begin(self) -> list[Effect]:
        """Ask everybody."""
        return [self._send(address, Promise(self.ballot)) for address in sorted(self._targets)]

    def received(self, address: str, message: object, reply: object) -> list[Effect]:
        """An answer came, ``None`` when it is lost."""
        if self.failed or self.done:
            return []
        match message:
            case Promise():
                return self._promise(address, reply)
            case Accept():
                return self._accept(address, reply)
            case Order():
                return self._close(address, reply)
        return []

    def copied(self, *, good: bool) -> None:
        """This node has, or has not, become a copy of a member."""
        if good:
            self.done = True
        else:
            self.failed = "no member gave a copy of its items"

    def _promise(self, address: str, reply: object) -> list[Effect]:
        if not self._open:
            return []
        self._open.discard(address)
        if isinstance(reply, Promised):
            self.promised = max(self.promised, reply.promised)
            self.wait = max(self.wait, reply.wait)
            self._promises[address] = reply
            return self._widen(reply) or ([] if self._open else self._judge())
        return [] if self._open else self._judge()

    def _widen(self, reply: Promised) -> list[Effect]:
        """Ask also those whom a member of the last view knows."""
        if reply.view is None:
            return []
        unknown = {address_of(member) for member in reply.view.members} - self._targets
        self._targets |= unknown
        self._open |= unknown
        return [self._send(address, Promise(self.ballot)) for address in sorted(unknown)]

    def _judge(self, view: View | None = None) -> list[Effect]:
        if self.wait or self.promised > self.ballot:
            self.failed = "another leader has the word of the members"
            return []
        self.findings = findings = inquire(self._promises, self._rule, view)
        if findings.view is None:
            # Nobody has ever been a member: the first view is that of this node alone.
            self.done = True
            return []
        if not findings.quorum:
            self.failed = (
                f"of the {len(findings.view.members)} members of the group, too many are missing: "
                + ", ".join(findings.missing)
            )
            return []
        if findings.proposed is not None:
            self._proposal = findings.proposed
            self._accepted.clear()
            accept = Accept(self.ballot, findings.view, findings.proposed)
            return [self._send(a, accept) for a in findings.sources]
        if findings.doubtful and not self._resolute:
            # Going on could lose what was acknowledged, going back as well.
            self.doubtful = True
            self.failed = (
                "all that hold an item of the open batch are missing, they are waited for: "
                + ", ".join(findings.missing)
            )
            return []
        return self._settle(findings, findings.view)

    def _accept(self, address: str, reply: object) -> list[Effect]:
        proposal, view = self._proposal, self.findings.view
        if proposal is None or view is None:
            return []
        if not isinstance(reply, Accepted) or not reply.granted:
            self.failed = f"{address} does not agree to the view proposed before"
            return []
        self._accepted.add(self._promises[address].member)
        if not has_quorum(view, self._accepted, self._rule):
            return []
        if not may_found(view, proposal, self._accepted, self._needed):
            if len(self._accepted) == len(self.findings.sources):
                self.failed = "too few of those are there who may have founded the group: " + (
                    ", ".join(self.findings.missing)
                )
            return []
        self._proposal = None
        return self._judge(proposal)

    def _settle(self, findings: Findings, view: View) -> list[Effect]:
        """Close what is open on all members that are left."""
        order = Order(self.ballot, view.number, findings.outcome, view=view)
        self._closing = set(findings.sources)
        return [self._send(address, order) for address in findings.sources]

    def _close(self, address: str, reply: object) -> list[Effect]:
        if address not in self._closing:
            return []
        if not isinstance(reply, Ordered):
            reason = reply.reason if isinstance(reply, Refused) else "no answer"
            self.failed = f"{address} was lost while what was open was closed: {reason}"
            return []
        self._closing.discard(address)
        if self._closing:
            return []
        if self.me in self.findings.members:
            self.done = True
            return []
        return [Copy(self.findings.sources[0])]

    def _send(self, address: str, message: Promise | Accept | Order) -> Send:
        return Send(address, message, self._timing.round_timeout)
