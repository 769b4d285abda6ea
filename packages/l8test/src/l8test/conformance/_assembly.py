# SPDX-License-Identifier: Apache-2.0
"""Nodes that elect a leader in virtual time, for the suite of elections."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from l8types.enums import Action
from l8types.protocols.services import ElectionEffect, ElectionEvent, ElectionStrategy

__all__ = ["Assembly", "ElectionMaker", "Elector", "elector_id", "every_message"]

ElectionMaker = Callable[[str, bool, int], ElectionStrategy]
"""Makes the election of one node from its id, whether it may lead, and the greatest epoch that it
was told to keep in an earlier life (0 in the first)."""

DELAY: Final = 0.01
"""Seconds that a message takes, at most."""
NOTICED: Final = 0.05
"""Seconds until the directory of a node shows who came or went, at most."""
STORM: Final = 2000
"""Steps at one moment after which they are taken for endless."""


def elector_id(number: int) -> str:
    """Id of a node, in the order of the numbers."""
    return f"{number:08d}-0000-4000-8000-000000000000"


@dataclass
class Elector:
    """One node, over all its lives.

    Attributes:
        name: Its id.
        voter: Whether it may lead.
        election: The state machine under test; one for each life.
        alive: Whether it runs.
        frozen: Whether it does nothing, although the others still see it.
        sees: Ids of the nodes that its directory shows.
        leader: The leader that it was told last, "" for none.
        epoch: That one's epoch.
        kept: The greatest epoch that it was told to keep; outlives a life.
        wake_at: When it is due, ``None`` when nothing is.
        told: Pairs of leaders and epochs that it was told, in order.
    """

    name: str
    voter: bool
    election: ElectionStrategy
    alive: bool = False
    frozen: bool = False
    life: int = 0
    sees: set[str] = field(default_factory=set)
    leader: str = ""
    epoch: int = 0
    kept: int = 0
    wake_at: float | None = None
    told: list[tuple[str, int]] = field(default_factory=list)


class Assembly:
    """Carries out what the elections of some nodes want.

    Args:
        make: Makes the elections.
        voters: Whether each of the nodes may lead.
        loss: Share of the messages that are lost.
        seed: Of everything that happens by chance.
    """

    def __init__(
        self, make: ElectionMaker, voters: Sequence[bool], *, loss: float = 0.0, seed: int = 1
    ) -> None:
        self.now = 1000.0
        self.loss = loss
        self.unkept: list[str] = []
        """Who used an epoch, in a message or as a leader, that it was not told to keep before."""
        self.claims: dict[int, set[str]] = {}
        """Who led in each epoch."""
        self._make = make
        self._random = random.Random(seed)  # noqa: S311 - a simulation
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._sides: dict[str, int] = {}
        names = [elector_id(number) for number in range(1, len(voters) + 1)]
        self.electors = {
            name: Elector(name, voter, make(name, voter, 0))
            for name, voter in zip(names, voters, strict=True)
        }

    def __getitem__(self, name: str) -> Elector:
        return self.electors[name]

    # What happens to them

    def start(self, *names: str) -> None:
        """Start nodes, all by default; who comes again knows nothing but the epoch it kept."""
        for name in names or tuple(self.electors):
            one = self.electors[name]
            one.alive, one.frozen, one.life = True, False, one.life + 1
            one.leader, one.epoch, one.wake_at = "", 0, None
            one.election = self._make(name, one.voter, one.kept)
            one.sees = {other for other in self.group_of(name) if other != name}
            for other in sorted(one.sees):
                self.tell(name, ElectionEvent(source=other, joined=True))
            self.tell(name, ElectionEvent(source=name, joined=True))
            self._look_at(name)

    def kill(self, name: str) -> None:
        """End a node without a word; the directories of the others notice."""
        self.electors[name].alive = False
        self._look_at(name)

    def leave(self, name: str) -> None:
        """A node takes part no longer, but runs on."""
        self.tell(name, ElectionEvent(source=name, joined=False))
        self.kill(name)

    def freeze(self, name: str) -> None:
        """A node does nothing until it is thawed, and nobody's directory notices."""
        self.electors[name].frozen = True

    def thaw(self, name: str) -> None:
        """It goes on, and finds the messages of the meantime lost."""
        self.electors[name].frozen = False
        self._tick(self.electors[name], self.electors[name].life)

    def split(self, *sides: Iterable[str]) -> None:
        """Cut the network into these parts; without any it is whole again."""
        self._sides = {name: number for number, side in enumerate(sides) for name in side}
        for name in self.electors:
            self._look_at(name)

    def tell(self, name: str, event: ElectionEvent) -> Sequence[ElectionEffect]:
        """Let a node learn something, and carry out what follows; the effects."""
        one = self.electors[name]
        effects = one.election.step(event, self.now)
        for effect in effects:
            self._perform(one, effect)
        return effects

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end, busy = self.now + seconds, 0
        while self._queue and self._queue[0][0] <= end:
            at, _, action = heapq.heappop(self._queue)
            busy = 0 if at > self.now else busy + 1
            assert busy < STORM, f"at {self.now} s the elections never come to rest"
            self.now = max(self.now, at)
            action()
        self.now = end

    # What is to be seen

    def group_of(self, name: str) -> list[str]:
        """Ids of the nodes that run and can be reached from one, itself included."""
        return [n for n, o in self.electors.items() if o.alive and self._linked(name, n)]

    def known(self, *names: str) -> set[tuple[str, int]]:
        """The leaders, and their epochs, that these nodes know; all that run by default."""
        chosen = names or tuple(n for n, one in self.electors.items() if one.alive)
        return {(self.electors[name].leader, self.electors[name].epoch) for name in chosen}

    def leader(self) -> str:
        """The one leader that all nodes that run know, in one epoch; "" when they differ."""
        found = self.known()
        return next(iter(found))[0] if len(found) == 1 else ""

    # The machinery

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), action))

    def _linked(self, one: str, other: str) -> bool:
        return self._sides.get(one, 0) == self._sides.get(other, 0)

    def _look_at(self, name: str) -> None:
        for other in self.electors:
            if other != name:
                delay = self._random.uniform(0.0, NOTICED)
                self._later(delay, lambda one=other: self._notice(one, name))  # type: ignore[misc]

    def _notice(self, name: str, other: str) -> None:
        one = self.electors[name]
        there = self.electors[other].alive and self._linked(name, other)
        if not one.alive or there == (other in one.sees):
            return
        (one.sees.add if there else one.sees.discard)(other)
        self.tell(name, ElectionEvent(source=other, joined=there))

    def _perform(self, one: Elector, effect: ElectionEffect) -> None:
        if effect.keep is not None:
            one.kept = max(one.kept, effect.keep)
        elif effect.wake_at is not None:
            one.wake_at, life = effect.wake_at, one.life
            due = max(effect.wake_at - self.now, 0.0)
            self._later(due, lambda: self._tick(one, life))
        elif effect.leader is not None:
            one.leader, one.epoch = effect.leader, effect.epoch
            one.told.append((effect.leader, effect.epoch))
            if effect.leader == one.name:
                self.claims.setdefault(effect.epoch, set()).add(one.name)
                self._check_kept(one, effect)
        elif effect.action is not None:
            self._check_kept(one, effect)
            for target in [effect.target] if effect.target else sorted(one.sees):
                self._post(one.name, target, effect)

    def _check_kept(self, one: Elector, effect: ElectionEffect) -> None:
        if effect.epoch > one.kept:
            self.unkept.append(one.name)

    def _post(self, source: str, target: str, effect: ElectionEffect) -> None:
        if self._random.random() >= self.loss:
            delay = self._random.uniform(DELAY / 10, DELAY)
            self._later(delay, lambda: self._receive(source, target, effect))

    def _receive(self, source: str, target: str, effect: ElectionEffect) -> None:
        one = self.electors.get(target)
        if one is None or not one.alive or one.frozen:
            return
        if source in one.sees and self._linked(source, target):
            event = ElectionEvent(effect.action, source, effect.epoch, effect.named)
            self.tell(target, event)

    def _tick(self, one: Elector, life: int) -> None:
        due = one.wake_at is not None and one.wake_at <= self.now + 1e-9
        if due and one.alive and not one.frozen and one.life == life:
            one.wake_at = None
            self.tell(one.name, ElectionEvent())


def every_message(sources: Iterable[str]) -> list[ElectionEvent]:
    """Messages of an election with every action, source and name, and odd epochs."""
    chosen = list(sources)
    return [
        ElectionEvent(action, source, epoch, named)
        for action in Action
        for source in chosen
        for epoch in (0, -1, 1 << 40)
        for named in ("", *chosen)
    ]
