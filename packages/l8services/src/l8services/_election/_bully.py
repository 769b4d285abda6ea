# SPDX-License-Identifier: Apache-2.0
"""The bully algorithm with epochs: the participant with the greatest id that wants to lead, leads.

Who leads stays leader while it is well (unless the rules say otherwise), and whoever elects takes
an epoch above all that it saw. Claims are ordered by epoch and id; of two leaders that meet the
lower one gives in. A synchronous core: it neither waits nor sends.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from l8services._election._effects import Effects
from l8services._election._epochs import next_epoch
from l8services._election._timers import Timer, Timers
from l8types.enums import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8services._election._rules import ElectionRules
    from l8types.protocols.services import ElectionEffect, ElectionEvent

__all__ = ["BullyElection"]


class _Phase(Enum):
    """What a node is in an election."""

    IDLE = "idle"
    """It knows no leader and waits to look for one, or to call an election."""
    CANDIDATE = "candidate"
    YIELDED = "yielded"
    """A stronger candidate answered."""
    FOLLOWER = "follower"
    LEADER = "leader"


class BullyElection:
    """Election of one service or group on one node; an ``ElectionStrategy``.

    Args:
        me: Id of the node.
        rules: Times and habits.
        voter: Whether it may lead; others follow.
        epoch: The greatest epoch that the node knew in an earlier life.
    """

    def __init__(
        self, me: str, rules: ElectionRules, *, voter: bool = True, epoch: int = 0
    ) -> None:
        self._me = me
        self._rules = rules
        self._late = rules.heartbeat + min(rules.heartbeat, rules.timeout - rules.heartbeat) / 4
        """Seconds after which a sign of life of the leader is missed."""
        self._voter = self._declared = voter
        self._highest = epoch
        self._phase = _Phase.IDLE
        self._member = False
        self._peers: set[str] = set()
        self._leader = ""
        self._epoch = 0
        self._heard = 0.0
        self._asked = float("-inf")
        self._wanted: float | None = None
        self._sure = False
        """Whether the leader was heard itself; what others say of it is not passed on."""
        self._vacant = False
        self._gone = ""
        """Who resigned: does not object to the next one."""
        self._heirs: list[str] = []
        self._timers = Timers()
        self._effects = Effects()
        self._now = 0.0

    def step(self, event: ElectionEvent, now: float) -> Sequence[ElectionEffect]:
        """Advance by one input; see ``ElectionStrategy.step``."""
        self._now = now
        if event.action is not None:
            self._take(event.action, event)
        elif event.joined is not None:
            self._came_or_went(event.source, joined=event.joined)
        else:
            for timer in self._timers.take(now):
                self._fire(timer)
        self._effects.wake(self._timers.next())
        return self._effects.take()

    # Participants

    def _came_or_went(self, node: str, *, joined: bool) -> None:
        if node == self._me:
            if joined != self._member:
                self._member = joined
                (self._enter if joined else self._exit)()
        elif joined:
            self._peers.add(node)
            if self._phase is _Phase.LEADER:
                self._announce(node)
            elif not self._leader and self._member and not self._eligible:
                self._query()
        elif node in self._peers:
            self._peers.discard(node)
            self._left(node)

    def _enter(self) -> None:
        self._voter = self._declared
        if self._phase is _Phase.FOLLOWER:
            # It followed without taking part until now.
            self._heard = self._now
            self._timers.set(Timer.LOST, self._now + self._late)
        elif not self._eligible:
            self._query()
        elif not self._peers:
            self._claim("nobody else takes part")
        if self._eligible and self._phase is not _Phase.LEADER:
            if self._rules.terms:
                self._ask()
            if self._rules.preempt or not self._leader:
                self._timers.set(Timer.START, self._now + self._rules.search)

    def _exit(self) -> None:
        led = self._phase is _Phase.LEADER
        if led:
            self._cast(Action.LEADER_RESIGN)
        self._timers.stop()
        self._heirs = []
        self._wanted = None
        if led or self._phase is not _Phase.FOLLOWER:
            self._phase = _Phase.IDLE
        if led:
            self._forget("this node takes part no longer")

    def _left(self, node: str) -> None:
        if node == self._leader:
            self._lose(f"leader {node} left the network or the service")
        elif self._heirs and node == self._heirs[0]:
            self._next_heir()
        elif self._phase is _Phase.YIELDED:
            # It may have been the stronger one.
            self._call()

    # Messages

    def _take(self, action: Action, event: ElectionEvent) -> None:
        if event.source == self._me:
            self._wish(action)
            return
        match action:
            case Action.ELECTION_REQUEST:
                self._requested(event)
            case Action.ELECTION_RESPONSE:
                self._objected(event)
            case Action.LEADER_ANNOUNCEMENT | Action.LEADER_HEARTBEAT:
                self._claimed(event)
            case Action.LEADER_QUERY:
                self._queried(event)
            case Action.LEADER_RESIGN:
                self._resigned(event)
            case Action.LEADER_CHALLENGE:
                self._challenged(event)
            case _:
                pass

    def _wish(self, action: Action) -> None:
        if action is Action.LEADER_RESIGN and self._phase is _Phase.LEADER:
            self._begin_hand_over()
        elif action is Action.LEADER_QUERY and not self._member:
            self._ask()

    def _requested(self, event: ElectionEvent) -> None:
        self._see(event.epoch)
        weaker = event.source < self._me
        if not self._eligible or (not weaker and self._rules.preempt):
            return
        if self._phase is _Phase.LEADER:
            if self._rules.preempt:
                self._effects.send(Action.ELECTION_RESPONSE, 0, target=event.source)
            self._announce(event.source)
        elif weaker:
            self._effects.send(Action.ELECTION_RESPONSE, self._sent_epoch(), target=event.source)
            if self._following():
                self._point(event.source)
            else:
                self._call()

    def _objected(self, event: ElectionEvent) -> None:
        self._see(event.epoch)
        if self._phase is _Phase.CANDIDATE and event.source > self._me:
            self._phase = _Phase.YIELDED
            self._timers.stop(Timer.WINDOW)
            self._timers.set(Timer.YIELD, self._now + self._rules.patience)

    def _claimed(self, event: ElectionEvent) -> None:
        """An announcement or a sign of life."""
        who = event.named or event.source
        if who == self._me:
            self._believed(event)
        elif who not in self._peers:
            self._see(event.epoch)
        elif self._outdone(event.epoch, who):
            self._contradict(event.source)
        else:
            self._follow(who, event.epoch, sure=who == event.source)

    def _believed(self, event: ElectionEvent) -> None:
        """Somebody takes this node for the leader; if it was one, it does not know any more."""
        self._see(event.epoch)
        if self._phase is not _Phase.LEADER:
            self._call()

    def _outdone(self, epoch: int, who: str) -> bool:
        """Whether a claim is weaker than what is known."""
        if not self._rules.terms:
            return self._outdone_by_id(who)
        if epoch != self._highest:
            return epoch < self._highest
        return epoch == self._epoch and self._alive() and who < self._leader

    def _outdone_by_id(self, who: str) -> bool:
        if self._eligible and self._phase is _Phase.CANDIDATE and who < self._me:
            return True
        return self._alive() and who < self._leader

    def _contradict(self, node: str) -> None:
        """A claim was too weak: tell who leads, or at least that there was a higher epoch."""
        if self._phase is _Phase.LEADER:
            # Nodes without terms believe the last word, so that all have to hear it.
            self._announce(node if self._rules.terms else "")
        elif self._rules.terms and self._following():
            self._point(node)
        elif self._rules.terms:
            self._effects.send(Action.LEADER_CHALLENGE, self._highest, target=node)

    def _queried(self, event: ElectionEvent) -> None:
        self._see(event.epoch)
        if self._phase is _Phase.LEADER:
            self._announce(event.source)

    def _resigned(self, event: ElectionEvent) -> None:
        if self._phase is _Phase.LEADER:
            if self._heirs and event.source == self._heirs[0]:
                self._next_heir()
        elif event.named == self._me:
            self._inherit(event)
        elif event.source == self._leader:
            self._lose(f"leader {event.source} resigned")
            self._gone = event.source

    def _inherit(self, event: ElectionEvent) -> None:
        self._see(event.epoch)
        if event.epoch < self._highest:
            return
        if self._eligible:
            self._claim(f"leader {event.source} handed over")
        else:
            self._effects.send(
                Action.LEADER_RESIGN, self._highest, target=event.source, named=event.source
            )

    def _challenged(self, event: ElectionEvent) -> None:
        self._see(event.epoch)
        if self._phase is _Phase.LEADER:
            self._cast(Action.LEADER_HEARTBEAT)
        elif not self._leader:
            self._call()

    # Timers

    def _fire(self, timer: Timer) -> None:
        match timer:
            case Timer.START:
                self._start()
            case Timer.WINDOW:
                self._claim("nobody objected to its election")
            case Timer.YIELD:
                self._call()
            case Timer.BEAT:
                self._beat()
            case Timer.LOST:
                self._check()
            case Timer.QUERY:
                self._query()
            case Timer.HAND_OVER:
                self._next_heir()

    def _start(self) -> None:
        self._wanted = None
        if not self._eligible or self._phase is _Phase.LEADER:
            return
        if self._phase is _Phase.FOLLOWER and not self._rules.preempt:
            return
        self._phase = _Phase.CANDIDATE
        self._cast(Action.ELECTION_REQUEST)
        rivals = self._peers - {self._gone}
        if self._rules.terms and self._vacant and max(rivals, default="") < self._me:
            # Nobody is left who could object.
            self._claim("the greatest id of those that are left")
        else:
            self._timers.set(Timer.WINDOW, self._now + self._rules.window)

    def _beat(self) -> None:
        self._cast(Action.LEADER_HEARTBEAT)
        self._timers.set(Timer.BEAT, self._now + self._rules.heartbeat)

    def _check(self) -> None:
        """Ask a leader that is late before it is given up: a message may have been lost."""
        late, silent = self._heard + self._late, self._heard + self._rules.timeout
        if self._now >= silent:
            reason = f"leader {self._leader} was silent for {self._rules.timeout:g} s"
            self._lose(reason, vacant=False)
        elif self._now >= late:
            self._ask()
            self._timers.set(Timer.LOST, min(silent, self._now + self._rules.window))
        else:
            self._timers.set(Timer.LOST, late)

    def _query(self) -> None:
        if not self._leader and self._member:
            self._ask()
            self._timers.set(Timer.QUERY, self._now + self._rules.query)

    # What they have in common

    @property
    def _eligible(self) -> bool:
        return self._voter and self._member

    def _alive(self) -> bool:
        return self._phase is _Phase.LEADER or self._following()

    def _following(self) -> bool:
        """Whether a leader is known at first hand that has not been silent for too long."""
        return (
            self._phase is _Phase.FOLLOWER
            and self._leader in self._peers
            and self._sure
            and (self._epoch == self._highest or not self._rules.terms)
            and (not self._member or self._now < self._heard + self._rules.timeout)
        )

    def _sent_epoch(self) -> int:
        """Epoch of messages: the highest one known; none where they do not name any."""
        if not self._rules.terms:
            return 0
        return self._epoch if self._phase is _Phase.LEADER else self._highest

    def _see(self, epoch: int) -> None:
        """Take notice of an epoch; a leader with a lower one has to be elected again."""
        if not self._rules.terms or epoch <= self._highest:
            return
        self._highest = epoch
        self._effects.keep(epoch)
        if self._phase is _Phase.LEADER:
            self._lose("a higher epoch became known", vacant=False)
        elif self._phase is _Phase.FOLLOWER and self._member:
            # The leader will learn it too, or another one is there already.
            self._ask()

    def _announce(self, target: str = "") -> None:
        self._cast(Action.LEADER_ANNOUNCEMENT, target)

    def _cast(self, action: Action, target: str = "") -> None:
        """Send to a node or to all others; nothing when there are none."""
        if target or self._peers:
            self._effects.send(action, self._sent_epoch(), target=target)

    def _point(self, target: str) -> None:
        """Tell a node who leads."""
        if self._rules.terms:
            self._effects.send(
                Action.LEADER_ANNOUNCEMENT, self._highest, target=target, named=self._leader
            )

    def _ask(self) -> None:
        """Ask all participants for the leader, at most once in the time of an answer."""
        if self._now >= self._asked + self._rules.search:
            self._asked = self._now
            self._cast(Action.LEADER_QUERY)

    def _call(self) -> None:
        """Have an election, soon: more reasons may come, but it is not put off for ever."""
        if not self._eligible or self._phase in {_Phase.LEADER, _Phase.CANDIDATE}:
            return
        if self._wanted is None:
            self._wanted = self._now
        latest = self._wanted + self._rules.debounce_max
        self._timers.set(Timer.START, min(self._now + self._rules.debounce, latest))

    def _claim(self, reason: str) -> None:
        """Become leader, in an epoch of its own."""
        self._highest = self._epoch = next_epoch(self._highest, self._me)
        self._phase, self._leader = _Phase.LEADER, self._me
        self._vacant, self._gone, self._wanted = False, "", None
        self._timers.stop()
        self._timers.set(Timer.BEAT, self._now + self._rules.heartbeat)
        self._effects.keep(self._highest)
        self._effects.lead(self._me, self._epoch, reason)
        self._announce()

    def _follow(self, leader: str, epoch: int, *, sure: bool) -> None:
        changed = leader != self._leader or self._phase is _Phase.LEADER
        if not self._rules.terms:
            epoch = next_epoch(self._highest, leader) if changed else self._epoch
        if epoch > self._highest:
            self._highest = epoch
            self._effects.keep(epoch)
        changed = changed or epoch != self._epoch
        if sure:
            self._heard = self._now
        elif changed:
            # Until its next sign of life, and a little longer.
            self._heard = self._now + self._late - self._rules.timeout
        self._sure = sure or (self._sure and not changed)
        self._leader, self._epoch = leader, epoch
        if self._phase is not _Phase.FOLLOWER or changed:
            self._phase = _Phase.FOLLOWER
            self._settle(leader)
        if changed:
            self._effects.lead(leader, epoch, "it was announced")

    def _settle(self, leader: str) -> None:
        """Nothing has to be done but to watch the leader."""
        self._vacant, self._gone, self._heirs = False, "", []
        self._voter = self._declared
        due = self._timers.get(Timer.START)
        self._timers.stop()
        if self._member:
            self._timers.set(Timer.LOST, self._heard + self._late)
        if self._rules.preempt and self._eligible and leader < self._me and due is not None:
            self._timers.set(Timer.START, due)
        else:
            self._wanted = None

    def _lose(self, reason: str, *, vacant: bool = True) -> None:
        """There is no leader any more; ``vacant`` when that is certain."""
        self._phase, self._vacant = _Phase.IDLE, vacant
        self._gone, self._heirs = "", []
        self._timers.stop()
        self._forget(reason)
        if self._eligible:
            self._call()
        else:
            self._query()

    def _forget(self, reason: str) -> None:
        self._leader = ""
        self._effects.lead("", self._epoch, reason)

    # Planned hand-over

    def _begin_hand_over(self) -> None:
        if self._rules.terms:
            # The present leader stays until one of them announces itself.
            self._heirs = ["", *sorted(self._peers, reverse=True)]
            self._next_heir()
        elif self._peers:
            self._cast(Action.LEADER_RESIGN)
            self._voter = False
            self._lose("it resigned")
        else:
            self._nobody()

    def _next_heir(self) -> None:
        self._heirs = [heir for heir in self._heirs[1:] if heir in self._peers]
        if self._phase is not _Phase.LEADER:
            return
        if not self._heirs:
            self._timers.stop(Timer.HAND_OVER)
            self._nobody()
            return
        heir = self._heirs[0]
        self._effects.send(Action.LEADER_RESIGN, self._epoch, target=heir, named=heir)
        self._timers.set(Timer.HAND_OVER, self._now + self._rules.hand_over)

    def _nobody(self) -> None:
        self._effects.lead(self._me, self._epoch, "nobody else can lead")
