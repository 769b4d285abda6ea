# SPDX-License-Identifier: Apache-2.0
"""The suite of elections passes one that keeps its promises, and catches each mutant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import ElectionConformance
from l8types.enums import Action
from l8types.protocols.services import ElectionEffect, ElectionEvent

from .fake_election import ROUND, FakeElection
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from collections.abc import Sequence


def elections(**members: Any) -> Fixtures:
    """Fixtures with elections that differ in these members."""
    return {"make_election": lambda: type("Mutant", (FakeElection,), members)}


def met_once(self: FakeElection, node: str, *, joined: bool) -> None:
    """A leader that greets the first newcomer only."""
    greeted = self.__dict__.setdefault("greeted", [])
    leads, before = self.leads, len(self.effects)
    MET(self, node, joined=joined)
    if leads and joined and node != self.me:
        greeted.append(node)
        if len(greeted) > 1:
            del self.effects[before:]


def blind(self: FakeElection, node: str, *, joined: bool) -> None:
    """A node that trusts the signs of life and does not hear who is gone, nor gives up."""
    if joined or node == self.me:
        MET(self, node, joined=joined)


def stays(self: FakeElection, node: str, *, joined: bool) -> None:
    """A leader that leads on when it takes part no longer."""
    if joined or node != self.me:
        MET(self, node, joined=joined)


MET = FakeElection.met


def faithful(self: FakeElection) -> None:
    """A follower that waits for its leader for ever."""
    if self.leads or not self.leader:
        TICK(self)
    else:
        self.wait()


def restless(self: Any) -> None:
    """A follower that takes over at each twentieth tick, whether there is a reason or not."""
    self.ticks = getattr(self, "ticks", 0) + 1
    if self.ticks % 20 == 0 and self.voter:
        self.claim()
    TICK(self)


def everybody(self: FakeElection) -> None:
    """A node that leads although it may not, when nobody else does."""
    self.voter = True
    TICK(self)


def modest(self: FakeElection) -> None:
    """A node that does not lead when it is alone."""
    if self.peers or self.leads:
        TICK(self)
    else:
        self.wait()


def few_beats(self: FakeElection) -> None:
    """A leader that gives no sign of life when nobody has asked for a while."""
    if self.leads:
        self.wait()
    else:
        TICK(self)


TICK = FakeElection.tick


def counted(self: FakeElection) -> None:
    """A claim with the next number, whoever claims."""
    self.highest = (self.highest // ROUND + 1) * ROUND - int(self.me[:8])
    CLAIM(self)


def from_zero(self: Any) -> None:
    """A claim that forgets the epochs of the leaders that it only followed."""
    self.highest = self.epoch if self.leads else getattr(self, "own", 0)
    CLAIM(self)
    self.own = self.highest


def kept_late(self: FakeElection) -> None:
    """A claim that is told before it is kept."""
    CLAIM(self)
    keep = next(effect for effect in self.effects if effect.keep is not None)
    self.effects.remove(keep)
    self.effects.append(keep)


CLAIM = FakeElection.claim


def same_epoch(self: FakeElection) -> None:
    """A claim in an epoch that only the round decides."""
    self.highest = (self.highest // ROUND + 1) * ROUND
    self.effects.append(ElectionEffect(keep=self.highest))
    self.epoch = self.highest
    self.tell(self.me)
    self.send(Action.LEADER_ANNOUNCEMENT)
    self.due = self.now + 1.0


def proud(self: FakeElection, event: ElectionEvent) -> None:
    """A leader that hears no other one."""
    if not self.leads:
        CLAIMED(self, event)


CLAIMED = FakeElection.claimed


def last_word(self: FakeElection, event: ElectionEvent) -> None:
    """A follower that believes whoever spoke last."""
    self.see(event.epoch)
    self.due = self.now + 3.5
    if (self.leader, self.epoch) != (event.source, event.epoch):
        self.epoch = event.epoch
        self.tell(event.source)


def forgetful(me: str, voter: bool, kept: int) -> FakeElection:
    """An election that does not take up what was kept."""
    return FakeElection(me, voter, 0)


def deaf(self: FakeElection, action: Action) -> None:
    """An election that hands over to nobody."""
    if action is Action.LEADER_QUERY:
        WISH(self, action)


def rash(self: FakeElection, action: Action) -> None:
    """A leader that goes at once when it is asked to, and is gone for ever when it is alone."""
    if action is Action.LEADER_RESIGN and self.leads:
        self.tell("")
        self.due = None


WISH = FakeElection.wish


def discreet(self: FakeElection, event: ElectionEvent) -> None:
    """A leader that answers those only who take part."""
    if event.source in self.peers:
        RECEIVED(self, event)


def strict(self: FakeElection, event: ElectionEvent) -> None:
    """An election that takes a message that it does not know for a fault."""
    if event.action not in {
        Action.LEADER_ANNOUNCEMENT,
        Action.LEADER_HEARTBEAT,
        Action.LEADER_QUERY,
        Action.LEADER_RESIGN,
    }:
        raise ValueError(event.action)
    RECEIVED(self, event)


RECEIVED = FakeElection.received


def announced_once(self: Any, event: ElectionEvent, now: float) -> Sequence[Any]:
    """An election that sends the first of its messages only, and then relies on it."""
    effects = STEP(self, event, now)
    if getattr(self, "spoke", False) and not self.leads:
        return [effect for effect in effects if effect.action is None]
    self.spoke = self.spoke if hasattr(self, "spoke") else any(e.action for e in effects)
    return [e for e in effects if e.action is not Action.LEADER_HEARTBEAT]


STEP = FakeElection.step

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (ElectionConformance, elections(tick=modest), "test_alone"),
    (ElectionConformance, elections(tick=restless), "test_one_leader"),
    (ElectionConformance, elections(step=announced_once), "test_lost_messages"),
    (ElectionConformance, elections(met=met_once, tick=few_beats), "test_newcomer"),
    (ElectionConformance, elections(met=blind, tick=faithful), "test_leader_dies"),
    (ElectionConformance, elections(met=stays), "test_leader_leaves"),
    (ElectionConformance, elections(tick=faithful), "test_silent_leader"),
    (ElectionConformance, elections(claimed=proud), "test_partition"),
    (ElectionConformance, elections(claim=same_epoch), "test_epochs_are_unique"),
    (ElectionConformance, elections(claim=from_zero), "test_epochs_rise"),
    (ElectionConformance, elections(claim=kept_late), "test_kept_first"),
    (ElectionConformance, {"make_election": lambda: forgetful}, "test_restart"),
    (ElectionConformance, elections(claimed=proud), "test_greater_epoch"),
    (ElectionConformance, elections(claimed=last_word), "test_stale_claim"),
    (ElectionConformance, elections(tick=everybody), "test_voters_only"),
    (ElectionConformance, elections(wish=deaf), "test_hand_over"),
    (ElectionConformance, elections(wish=rash), "test_hand_over_alone"),
    (ElectionConformance, elections(received=discreet), "test_spectator"),
    (ElectionConformance, elections(received=strict), "test_any_message"),
]


def test_sound() -> None:
    """An election that keeps its promises passes."""
    assert failures(ElectionConformance, elections()) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """One that breaks a promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
