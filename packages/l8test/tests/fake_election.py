# SPDX-License-Identifier: Apache-2.0
"""The smallest election that keeps its promises: who claims the greatest epoch leads."""

from __future__ import annotations

from l8types.enums import Action
from l8types.protocols.services import ElectionEffect, ElectionEvent

BEAT = 1.0
SILENCE = 3.5
"""Seconds without a word after which a leader is given up."""
ROUND = 1 << 20
"""Epochs of one round: each node has one of its own in it."""
CLAIMS = (Action.LEADER_ANNOUNCEMENT, Action.LEADER_HEARTBEAT)


class FakeElection:
    """One node. It claims when it has heard of no leader for a while, the lower ids first."""

    def __init__(self, me: str, voter: bool, kept: int) -> None:
        self.me, self.voter, self.highest = me, voter, kept
        self.leader, self.epoch = "", 0
        self.member = False
        self.peers: set[str] = set()
        self.heirs: list[str] = []
        self.due: float | None = None
        self.now = 0.0
        self.effects: list[ElectionEffect] = []

    def step(self, event: ElectionEvent, now: float) -> list[ElectionEffect]:
        self.now, self.effects = now, []
        if event.joined is not None:
            self.met(event.source, joined=event.joined)
        elif event.action is None:
            self.tick()
        elif event.source == self.me:
            self.wish(event.action)
        elif event.source:
            self.received(event)
        if self.due is not None:
            self.effects.append(ElectionEffect(wake_at=self.due))
        return self.effects

    @property
    def leads(self) -> bool:
        return self.leader == self.me

    # Inputs

    def met(self, node: str, *, joined: bool) -> None:
        if node == self.me:
            self.member = joined
            if joined:
                self.wait()
            elif self.leads:
                self.tell("")
                self.due = None
        elif joined:
            self.peers.add(node)
            if self.leads:
                self.send(Action.LEADER_ANNOUNCEMENT, node)
        else:
            self.peers.discard(node)
            if node == self.leader:
                self.lose()

    def tick(self) -> None:
        if self.due is None or self.now < self.due or not self.member:
            return
        if self.heirs:
            self.next_heir()
        if self.leads:
            self.send(Action.LEADER_HEARTBEAT)
            self.due = self.now + BEAT
        elif self.leader:
            self.lose()
        elif self.voter:
            self.claim()
        else:
            self.wait()

    def wish(self, action: Action) -> None:
        if action is Action.LEADER_QUERY:
            self.send(Action.LEADER_QUERY)
        elif action is Action.LEADER_RESIGN and self.leads:
            self.heirs = ["", *sorted(self.peers)]
            self.next_heir()

    def received(self, event: ElectionEvent) -> None:
        if event.action in CLAIMS:
            self.claimed(event)
        elif event.action is Action.LEADER_QUERY and self.leads:
            self.send(Action.LEADER_ANNOUNCEMENT, event.source)
        elif event.action is Action.LEADER_RESIGN and event.named == self.me:
            self.see(event.epoch)
            if self.voter and self.member:
                self.claim()

    def claimed(self, event: ElectionEvent) -> None:
        self.see(event.epoch)
        if event.epoch < self.highest or event.source not in self.peers:
            if self.leads:
                self.send(Action.LEADER_ANNOUNCEMENT, event.source)
            return
        self.due = self.now + SILENCE
        if (self.leader, self.epoch) != (event.source, event.epoch):
            self.epoch = event.epoch
            self.tell(event.source)

    # What follows

    def see(self, epoch: int) -> None:
        if epoch > self.highest:
            self.highest = epoch
            self.effects.append(ElectionEffect(keep=epoch))
            if self.leads:
                self.lose()

    def claim(self) -> None:
        self.highest = (self.highest // ROUND + 1) * ROUND + int(self.me[:8])
        self.effects.append(ElectionEffect(keep=self.highest))
        self.epoch = self.highest
        self.tell(self.me)
        self.send(Action.LEADER_ANNOUNCEMENT)
        self.due = self.now + BEAT

    def lose(self) -> None:
        self.tell("")
        self.wait()

    def wait(self) -> None:
        """Look for a leader for a while that no two nodes have in common."""
        self.due = self.now + SILENCE + 0.2 * int(self.me[:8])

    def next_heir(self) -> None:
        self.heirs = self.heirs[1:]
        if self.heirs:
            self.send(Action.LEADER_RESIGN, self.heirs[0], named=self.heirs[0])
        elif self.leads:
            self.tell(self.me)

    def tell(self, leader: str) -> None:
        self.leader = leader
        self.heirs = [] if leader != self.me else self.heirs
        self.effects.append(ElectionEffect(leader=leader, epoch=self.epoch, reason="as told"))

    def send(self, action: Action, target: str = "", *, named: str = "") -> None:
        epoch = self.epoch if self.leads else self.highest
        self.effects.append(ElectionEffect(action, target=target, epoch=epoch, named=named))
