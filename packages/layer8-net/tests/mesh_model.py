# SPDX-License-Identifier: Apache-2.0
"""Several switch cores, their nodes and the wires between them, without sockets or real time.

A wire keeps the order of what it carries. It can be stalled, as by a partition: then nothing
arrives, nothing is lost, and nobody is told. The switches dial by the same book as the real ones.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

from typing_extensions import override

from l8types.enums import NodeState
from layer8_net._core.handshake import Endpoint
from layer8_net._core.mesh_peers import PeerBook, Target
from layer8_net._core.switch_events import (
    Close,
    Effect,
    Found,
    FramesReceived,
    Hold,
    Linked,
    Listening,
    PeerJoined,
    PeerLost,
    Send,
    Tick,
    Unlinked,
)

from .virtual import VirtualNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.values import ServiceKey

    from .virtual import VirtualNode

KEEP_ALIVE = 4.0
CONVERGED = 15.0
"""Seconds that the network promises."""


class Wire:
    """A connection between two switches: what is on its way to each end."""

    def __init__(self, ends: tuple[MeshSwitch, MeshSwitch]) -> None:
        self.ends = ends
        self.numbers = (ends[0].next_number(), ends[1].next_number())
        self.queues: tuple[deque[Callable[[], object]], ...] = (deque(), deque())
        self.open = [True, True]
        for side in (0, 1):
            self.ends[side].wires[self.numbers[side]] = self

    def side_of(self, switch: MeshSwitch) -> int:
        return self.ends.index(switch)

    def put(self, switch: MeshSwitch, frames: list[bytes]) -> None:
        """Frames that a switch sends."""
        other = 1 - self.side_of(switch)
        number, peer = self.numbers[other], self.ends[other]
        self.queues[other].append(lambda: peer.step(FramesReceived(number, frames)))

    def close(self, switch: MeshSwitch) -> None:
        """A switch closes its end; the other one is told after what is under way."""
        side = self.side_of(switch)
        self.open[side] = False
        self.queues[side].clear()
        other = 1 - side
        self.queues[other].append(lambda: self._lost(other))

    def _lost(self, side: int) -> None:
        self.open[side] = False
        del self.ends[side].wires[self.numbers[side]]
        self.ends[side].step(PeerLost(self.numbers[side]))


class MeshSwitch(VirtualNet):
    """One switch of a mesh."""

    def __init__(self, mesh: MeshNet, place: int) -> None:
        super().__init__(Endpoint(mesh.new_id(), f"switch {place}", KEEP_ALIVE, is_switch=True))
        self.mesh = mesh
        self.place = place
        self.now = mesh.now
        self.wires: dict[int, Wire] = {}
        self.book = PeerBook(self.me.uuid)
        self.up: list[str] = []
        self.count = 1000
        self.step(Listening(f"10.0.0.{place}", 1))

    @property
    def address(self) -> str:
        return f"10.0.0.{self.place}"

    def next_number(self) -> int:
        self.count += 1
        return self.count

    @override
    def join(
        self,
        *services: ServiceKey,
        uuid: str = "",
        address: str = "::1",
        keep_alive: float = 5.0,
        more: bool = False,
    ) -> VirtualNode:
        uuid = uuid or self.mesh.new_id()
        return super().join(*services, uuid=uuid, address=address, keep_alive=keep_alive, more=more)

    @override
    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(number, frames) if number in self.wires:
                self.wires[number].put(self, frames)
            case Close(number, _) if number in self.wires:
                self.wires.pop(number).close(self)
            case Hold(number):
                assert number not in self.wires, "a link is never held back"
                super()._perform(effect)
            case Linked(uuid):
                self.book.up(uuid, self.mesh.now)
            case Unlinked(uuid):
                self.book.down(uuid, self.mesh.now, 0.5)
            case Found(uuid, host, port):
                self.book.learn(host, port, self.mesh.now, uuid)
            case _:
                super()._perform(effect)

    def dial(self) -> None:
        """Dial who is due."""
        for target in self.book.due(self.mesh.now):
            self._dial(target)

    def _dial(self, target: Target) -> None:
        peer = self.mesh.at(target.host)
        if peer is None or not self.mesh.is_open(self, peer):
            self.book.failed(target, self.mesh.now, 0.5)
            return
        if peer is not self and peer.me.uuid not in self.book.linked:
            wire = Wire((self, peer))
            accepted = PeerJoined(wire.numbers[1], self.me, self.address, 0.0)
            wire.queues[1].append(lambda: peer.step(accepted))
            self.step(PeerJoined(wire.numbers[0], peer.me, peer.address, 0.0, dialled=True))
        self.book.reached(target, peer.me.uuid, self.mesh.now, 0.5)


class MeshNet:
    """Switches, the wires between them, and one clock."""

    def __init__(self, size: int, links: list[tuple[int, int]]) -> None:
        self.now = 1000.0
        self.graph = links
        self.ids = 0
        self.switches: dict[int, MeshSwitch] = {}
        self.wires: list[Wire] = []
        self.stalled: set[frozenset[int]] = set()
        self.mute: set[VirtualNode] = set()
        """Connections that are dead, which nobody sees yet."""
        for place in range(size):
            self.start(place)

    def new_id(self) -> str:
        """An id; the same history gives the same ids, in no particular order."""
        self.ids += 1
        return str(uuid5(NAMESPACE_OID, str(self.ids)))

    def start(self, place: int) -> MeshSwitch:
        """A switch starts at a place, as a new one."""
        switch = MeshSwitch(self, place)
        self.switches[place] = switch
        for one, other in self.graph:
            if one == place:
                switch.book.add(f"10.0.0.{other}", 1, self.now)
        return switch

    def kill(self, place: int, *, silently: bool) -> None:
        """A switch ends; silently as by a loss of power, else its connections are closed."""
        switch = self.switches.pop(place)
        for wire in list(switch.wires.values()):
            side = wire.side_of(switch)
            if silently:
                wire.open[side] = False
                wire.queues[side].clear()
            else:
                wire.close(switch)
        switch.nodes.clear()

    def at(self, host: str) -> MeshSwitch | None:
        return self.switches.get(int(host.rpartition(".")[2]))

    def is_open(self, one: MeshSwitch, other: MeshSwitch) -> bool:
        """Whether bytes pass between two places."""
        return frozenset({one.place, other.place}) not in self.stalled

    def deliver(self) -> bool:
        """Let the next thing of each wire arrive; whether anything did."""
        moved = False
        for switch in list(self.switches.values()):
            for wire in list(switch.wires.values()):
                side = wire.side_of(switch)
                if wire.queues[side] and self.is_open(*wire.ends):
                    arrival = wire.queues[side].popleft()
                    if wire.open[side]:
                        arrival()
                        moved = True
        return moved

    def quiet(self) -> None:
        """Let everything arrive."""
        while self.deliver():
            pass

    def pass_time(self, seconds: float, *, step: float = KEEP_ALIVE / 4) -> None:
        """Let time pass: clocks tick, nodes report, switches dial, everything arrives."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            for switch in list(self.switches.values()):
                switch.now = self.now
                for node in list(switch.nodes.values()):
                    if node not in self.mute:
                        node.keep_alive()
                switch.step(Tick())
            for switch in list(self.switches.values()):
                switch.dial()
            self.quiet()

    @property
    def nodes(self) -> list[VirtualNode]:
        """All nodes of all switches that run, without connections that are dead."""
        return [
            node
            for switch in self.switches.values()
            for node in switch.nodes.values()
            if node not in self.mute
        ]

    def forget_received(self) -> None:
        """Start with empty hands."""
        for node in self.nodes:
            node.received.clear()


def mesh(size: int = 3, links: list[tuple[int, int]] | None = None) -> MeshNet:
    """Linked switches; by default a chain, which makes itself a full mesh."""
    chain = [(place, place + 1) for place in range(size - 1)]
    net = MeshNet(size, chain if links is None else links)
    net.pass_time(3.0)
    return net


def known(switch: MeshSwitch) -> set[str]:
    """Ids in a directory."""
    return {node.uuid for node in switch.core.directory.nodes()}


def everybody(net: MeshNet) -> set[str]:
    """Ids of all that is there."""
    return {one.me.uuid for one in net.switches.values()} | {node.uuid for node in net.nodes}


def assert_converged(net: MeshNet) -> None:
    """All switches are linked, and know the same: exactly what is there."""
    ids = {one.me.uuid for one in net.switches.values()}
    for switch in net.switches.values():
        assert switch.book.linked == ids - {switch.me.uuid}
        assert len(switch.wires) == len(ids) - 1
        assert known(switch) == everybody(net)
        for other in net.switches.values():
            for node in other.nodes.values():
                mine = switch.core.directory.node(node.uuid)
                theirs = other.core.directory.node(node.uuid)
                assert mine is not None
                assert theirs is not None
                assert (mine.switch, mine.services) == (other.me.uuid, theirs.services)
                assert mine.state is NodeState.UP


def assert_reachable(net: MeshNet) -> None:
    """Every node reaches every other, and each multicast each provider once."""
    net.forget_received()
    for sender in net.nodes:
        for receiver in net.nodes:
            sender.send(destination=receiver.uuid)
    net.quiet()
    assert [len(node.received) for node in net.nodes] == [len(net.nodes)] * len(net.nodes)
    assert not any(message.failure for node in net.nodes for message in node.received)
