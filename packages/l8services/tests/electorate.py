# SPDX-License-Identifier: Apache-2.0
"""Many elections in one simulated world: loss, delay, partitions, kills and restarts."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from l8services._election import BullyElection, ElectionRules
from l8types.enums import Action
from l8types.protocols.services import ElectionEffect, ElectionEvent, ElectionStrategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Maker = Callable[[str, bool, int], ElectionStrategy]
"""Makes the election of a node from its id, whether it votes and the epoch it kept."""


def bully(rules: ElectionRules) -> Maker:
    """Maker of ours."""

    def make(me: str, voter: bool, epoch: int) -> ElectionStrategy:
        return BullyElection(me, rules, voter=voter, epoch=epoch)

    return make


@dataclass
class Citizen:
    """One node."""

    name: str
    voter: bool
    election: ElectionStrategy
    alive: bool = True
    paused: bool = False
    life: int = 0
    leader: str = ""
    epoch: int = 0
    kept: int = 0
    wake_at: float | None = None
    sees: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)


class Electorate:
    """Nodes that elect a leader, in virtual time.

    Args:
        make: Makes the elections.
        voters: Whether each of the nodes votes; their names are ``n01``, ``n02`` and so on.
        seed: Of everything that happens by chance.
        loss: Share of the messages that are lost.
        noticed: Seconds until the directory shows who came or went, at most.
    """

    def __init__(
        self,
        make: Maker,
        voters: Sequence[bool],
        *,
        seed: int = 0,
        loss: float = 0.0,
        delay: float = 0.02,
        noticed: float = 0.1,
    ) -> None:
        self.make = make
        self.random = random.Random(seed)
        self.loss, self.delay, self.noticed = loss, delay, noticed
        self.now = 100.0
        self.sides: dict[str, int] = {}
        self.claims: dict[int, str] = {}
        self.sent: list[tuple[float, str, str, ElectionEffect]] = []
        self.problems: list[str] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.unique = True
        """Whether epochs are to be unique."""
        self.citizens: dict[str, Citizen] = {}
        for number, voter in enumerate(voters, 1):
            name = f"n{number:02}"
            self.citizens[name] = Citizen(name, voter, make(name, voter, 0), alive=False)
            self.sides[name] = 0

    # What happens to them

    def start(self, *names: str) -> None:
        """Start nodes, all by default; a restarted one knows nothing but its kept epoch."""
        for name in names or tuple(self.citizens):
            one = self.citizens[name]
            if one.alive:
                continue
            one.alive, one.paused, one.life = True, False, one.life + 1
            one.leader, one.epoch, one.wake_at, one.sees = "", 0, None, set()
            one.election = self.make(name, one.voter, one.kept)
            for other in self.component(name):
                if other != name:
                    self._meet(one, other)
            self._step(one, ElectionEvent(source=name, joined=True))
            self._look(name)

    def kill(self, name: str) -> None:
        """End a node without a word."""
        self.citizens[name].alive = False
        self._look(name)

    def pause(self, name: str, seconds: float) -> None:
        """A node that does nothing for a while, which the directory does not notice."""
        one = self.citizens[name]
        one.paused = True
        self._later(seconds, lambda: self._resume(one))

    def split(self, sides: dict[str, int]) -> None:
        """Cut the network; nodes see those of the same side."""
        self.sides.update(sides)
        for name in self.citizens:
            self._look(name)

    def hand_over(self, name: str) -> None:
        """Have a node hand over."""
        self._step(self.citizens[name], ElectionEvent(Action.LEADER_RESIGN, name))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        self.now = end

    # What is to be seen

    def component(self, name: str) -> list[str]:
        """The live nodes that a node can reach, itself included."""
        return [o.name for o in self.citizens.values() if o.alive and self._linked(name, o.name)]

    def components(self) -> list[list[str]]:
        """All groups of live nodes that reach each other."""
        sides = sorted({self.sides[one.name] for one in self.citizens.values() if one.alive})
        alive = [one.name for one in self.citizens.values() if one.alive]
        return [[name for name in alive if self.sides[name] == side] for side in sides]

    def leaders(self, group: Iterable[str]) -> list[str]:
        """Those of a group that take themselves for the leader."""
        return [name for name in group if self.citizens[name].leader == name]

    def disagreement(self) -> str:
        """What is wrong with who leads, "" when all is well."""
        for group in self.components():
            known = {self.citizens[name].leader for name in group}
            if any(self.citizens[name].voter for name in group):
                if len(known) != 1 or not known <= set(group):
                    return f"{group} know {known}"
            elif known != {""}:
                return f"{group} without voters know {known}"
        return ""

    # The machinery

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), action))

    def _linked(self, one: str, other: str) -> bool:
        return self.sides[one] == self.sides[other]

    def _meet(self, one: Citizen, other: str) -> None:
        one.sees.add(other)
        self._step(one, ElectionEvent(source=other, joined=True))

    def _resume(self, one: Citizen) -> None:
        one.paused = False
        if one.alive:
            self._tick(one)

    def _look(self, name: str) -> None:
        """Let the directories of all notice what became of a node, each in its time."""
        for one in self.citizens.values():
            if one.name != name:
                delay = self.random.uniform(0.0, self.noticed)
                self._later(delay, lambda one=one: self._notice(one, name))  # type: ignore[misc]

    def _notice(self, one: Citizen, name: str) -> None:
        if not one.alive:
            return
        there = self.citizens[name].alive and self._linked(one.name, name)
        if there == (name in one.sees):
            return
        if there:
            self._meet(one, name)
        else:
            one.sees.discard(name)
            self._step(one, ElectionEvent(source=name, joined=False))

    def _step(self, one: Citizen, event: ElectionEvent) -> None:
        if not one.alive:
            return
        for effect in one.election.step(event, self.now):
            self._perform(one, effect)

    def _perform(self, one: Citizen, effect: ElectionEffect) -> None:
        if effect.wake_at is not None:
            one.wake_at = effect.wake_at
            due, life = max(effect.wake_at - self.now, 0.0), one.life
            self._later(due, lambda: self._tick(one) if one.life == life else None)
        elif effect.keep is not None:
            if effect.keep < one.kept:
                self.problems.append(f"{one.name} kept {effect.keep} after {one.kept}")
            one.kept = effect.keep
        elif effect.leader is not None:
            self._led(one, effect)
        elif effect.action is not None:
            self.sent.append((self.now, one.name, effect.target, effect))
            for target in [effect.target] if effect.target else list(one.sees):
                self._deliver(one.name, target, effect)

    def _led(self, one: Citizen, effect: ElectionEffect) -> None:
        if effect.epoch < one.epoch:
            self.problems.append(f"{one.name} went from epoch {one.epoch} to {effect.epoch}")
        if effect.leader == one.name and self.unique:
            holder = self.claims.setdefault(effect.epoch, one.name)
            if holder != one.name:
                self.problems.append(f"{holder} and {one.name} lead in epoch {effect.epoch}")
            if effect.epoch > one.kept:
                self.problems.append(f"{one.name} leads in an epoch that it did not keep")
        one.leader, one.epoch = effect.leader or "", effect.epoch
        one.reasons.append(effect.reason)

    def _deliver(self, source: str, target: str, effect: ElectionEffect) -> None:
        if self.random.random() < self.loss:
            return
        delay = self.random.uniform(0.1, 1.0) * self.delay
        self._later(delay, lambda: self._receive(source, target, effect))

    def _receive(self, source: str, target: str, effect: ElectionEffect) -> None:
        one = self.citizens[target]
        if one.paused:
            self._later(0.1, lambda: self._receive(source, target, effect))
        elif self._linked(source, target) and source in one.sees:
            event = ElectionEvent(effect.action, source, effect.epoch, effect.named)
            self._step(one, event)

    def _tick(self, one: Citizen) -> None:
        if one.paused or one.wake_at is None or one.wake_at > self.now + 1e-9:
            return
        self._step(one, ElectionEvent())
