# SPDX-License-Identifier: Apache-2.0
"""The suite about leaders passes what keeps its promises, and catches each mutant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import LeadershipConformance

from .fake_data import Subscription
from .fake_leadership import FakeLeadership, managers
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from l8types.values import ServiceKey


def own_epoch(self: FakeLeadership, key: ServiceKey) -> int:
    """Epochs that each node counts for itself."""
    return EPOCH(self, key) + int(self.vnic.uuid[-1])


def from_one(self: FakeLeadership, key: ServiceKey) -> int:
    """An epoch for every service, whether it has a leader or not."""
    return max(1, EPOCH(self, key))


EPOCH = FakeLeadership.epoch


def in_order_of_arrival(self: FakeLeadership, key: ServiceKey) -> tuple[str, ...]:
    """Participants as they came, the last one first."""
    return tuple(reversed(PARTICIPANTS(self, key)))


PARTICIPANTS = FakeLeadership.participants


def same_term(self: FakeLeadership, key: ServiceKey) -> None:
    """A leader that leaves its term to its successor."""
    epoch = self.epoch(key)
    RESIGN(self, key)
    self.office.leaders[key] = self.leader(key), epoch


RESIGN = FakeLeadership.resign


async def anybody(self: FakeLeadership, key: ServiceKey) -> str:
    """A hand-over to the next node, whether it votes or not."""
    if self.leader(key) == self.vnic.uuid:
        for node in self.office.voters[self.elects(key)]:
            self.office.voters[self.elects(key)][node] = True
    return await HAND_OVER(self, key)


async def reluctant(self: FakeLeadership, key: ServiceKey) -> str:
    """A hand-over that tells of a successor who never leads."""
    before = dict(self.office.leaders)
    successor = await HAND_OVER(self, key)
    self.office.leaders.update(before)
    return successor


async def usurped(self: FakeLeadership, key: ServiceKey) -> str:
    """A hand-over in the name of another node."""
    self.office.fill(self.elects(key), self.leader(key))
    return self.leader(key)


HAND_OVER = FakeLeadership.hand_over


def undying(self: FakeLeadership, listener: Any) -> Subscription:
    """A watch that goes on when it is closed."""
    Subscription(self.office.listeners, listener)
    return Subscription([], listener)


def late(self: FakeLeadership, listener: Any) -> Subscription:
    """A watch that tells the epoch before."""
    return WATCH(self, lambda key, leader, epoch: listener(key, leader, epoch - 1))


WATCH = FakeLeadership.watch_leader


def alone(self: FakeLeadership, key: ServiceKey) -> ServiceKey:
    """Each service of a group for itself; the group has the leader."""
    return key


def never_around(self: FakeLeadership, key: ServiceKey, count: int) -> tuple[str, ...]:
    """A turn that ends with the last participant, however many are missing."""
    there = self.participants(key)
    picked = there[self.turn : self.turn + count]
    self.turn = (self.turn + len(picked)) % len(there)
    return picked


def with_repetitions(self: FakeLeadership, key: ServiceKey, count: int) -> tuple[str, ...]:
    """A turn that goes around as often as it takes."""
    there = self.participants(key)
    picked = tuple(there[(self.turn + number) % len(there)] for number in range(count))
    self.turn += count
    return picked


MUTANTS: list[tuple[type, Fixtures, str]] = [
    (LeadershipConformance, managers(epoch=own_epoch), "test_one_leader"),
    (LeadershipConformance, managers(why=lambda *_: "it was\nthe first"), "test_one_leader"),
    (LeadershipConformance, managers(epoch=from_one), "test_unknown_service"),
    (LeadershipConformance, managers(participants=in_order_of_arrival), "test_participants"),
    (LeadershipConformance, managers(resign=same_term), "test_leader_leaves"),
    (LeadershipConformance, managers(hand_over=anybody), "test_voters_only"),
    (LeadershipConformance, managers(hand_over=reluctant), "test_hand_over"),
    (LeadershipConformance, managers(hand_over=usurped), "test_hand_over_of_others"),
    (LeadershipConformance, managers(watch_leader=undying), "test_watch"),
    (LeadershipConformance, managers(watch_leader=late), "test_watch"),
    (LeadershipConformance, managers(elects=alone), "test_group"),
    (LeadershipConformance, managers(placement=never_around), "test_placement"),
    (LeadershipConformance, managers(placement=with_repetitions), "test_placement"),
]


def test_sound() -> None:
    """A manager that keeps its promises passes."""
    assert failures(LeadershipConformance, managers()) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """One that breaks a promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
