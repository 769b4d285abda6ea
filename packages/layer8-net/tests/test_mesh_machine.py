# SPDX-License-Identifier: Apache-2.0
"""Switches and nodes that come, go, are cut off from each other and heal, at random."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from l8types.enums import MulticastMode
from l8types.values import ServiceKey

from .mesh_model import CONVERGED, MeshNet, assert_converged, assert_reachable

PLACES = 4
SERVICES = st.sets(st.sampled_from([ServiceKey("S", area) for area in range(2)]))


class Trouble(RuleBasedStateMachine):
    """Whatever happens, 15 s after the last of it all switches know the same and all arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.net = MeshNet(PLACES, [(0, 1), (0, 2), (3, 0), (1, 0)])
        self.net.pass_time(2.0)

    @rule(place=st.integers(0, PLACES - 1), services=SERVICES)
    def join(self, place: int, services: set[ServiceKey]) -> None:
        """A node connects to a switch."""
        if place in self.net.switches:
            self.net.switches[place].join(*services)

    @precondition(lambda self: self.net.nodes)
    @rule(choice=st.integers(0, 99))
    def leave(self, choice: int) -> None:
        """A node is lost."""
        self.net.nodes[choice % len(self.net.nodes)].leave()

    @precondition(lambda self: self.net.nodes)
    @rule(choice=st.integers(0, 99), services=SERVICES)
    def offer(self, choice: int, services: set[ServiceKey]) -> None:
        """A node offers something else."""
        self.net.nodes[choice % len(self.net.nodes)].offer(*services)

    @precondition(lambda self: self.net.nodes)
    @rule(choice=st.integers(0, 99), place=st.integers(0, PLACES - 1))
    def move(self, choice: int, place: int) -> None:
        """A node connects to another switch before its old connection is seen dead."""
        node = self.net.nodes[choice % len(self.net.nodes)]
        if place in self.net.switches and node.net is not self.net.switches[place]:
            self.net.mute.add(node)
            self.net.switches[place].join(uuid=node.uuid)

    @rule(place=st.integers(0, PLACES - 1), silently=st.booleans())
    def kill(self, place: int, silently: bool) -> None:
        """A switch ends."""
        if place in self.net.switches:
            self.net.kill(place, silently=silently)

    @rule(place=st.integers(0, PLACES - 1))
    def restart(self, place: int) -> None:
        """A switch that ended is started again."""
        if place not in self.net.switches:
            self.net.start(place)

    @rule(pair=st.sampled_from(list(combinations(range(PLACES), 2))))
    def part(self, pair: tuple[int, int]) -> None:
        """Nothing passes between two places."""
        self.net.stalled.add(frozenset(pair))

    @rule()
    def heal(self) -> None:
        """Everything passes again."""
        self.net.stalled.clear()

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 9.0, 20.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.net.pass_time(seconds)

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        """Some of what is under way arrives."""
        for _ in range(count):
            self.net.deliver()

    @precondition(lambda self: self.net.nodes)
    @rule(choice=st.integers(0, 99), mode=st.sampled_from(list(MulticastMode)[:5]))
    def send(self, choice: int, mode: MulticastMode) -> None:
        """A node sends; nobody gets it twice."""
        self.net.forget_received()
        self.net.nodes[choice % len(self.net.nodes)].send(mode=mode, sequence=77)
        self.net.quiet()
        for node in self.net.nodes:
            assert sum(not one.failure for one in node.received) <= 1

    @rule()
    def settle(self) -> None:
        """The trouble ends; after what the network promises everything is as it should be."""
        self.net.stalled.clear()
        self.net.quiet()
        if 0 not in self.net.switches:
            self.net.start(0)
        self.net.pass_time(CONVERGED)
        assert_converged(self.net)
        assert_reachable(self.net)
        self._multicast()

    def _multicast(self) -> None:
        self.net.forget_received()
        service = ServiceKey("S")
        directory = self.net.switches[0].core.directory
        providers = set(directory.members(service))
        sender = self.net.switches[0].join()
        sender.send(mode=MulticastMode.ALL)
        self.net.quiet()
        got = {node.uuid: len(node.received) for node in self.net.nodes if node.received}
        assert got == (dict.fromkeys(providers, 1) if providers else {sender.uuid: 1})
        sender.leave()

    def teardown(self) -> None:
        """Every history ends well."""
        self.settle()


TestTrouble = pytest.mark.feature("NET-05", "NET-11", "NET-18", "NET-22")(Trouble.TestCase)
TestTrouble.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
