# SPDX-License-Identifier: Apache-2.0
"""Several switches as state machines, without sockets and with a virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, NodeState
from l8types.values import NodeInfo, ServiceKey
from layer8_net._core import records
from layer8_net._core.frame import encode_message
from layer8_net._core.switch_events import Pressure, PressureChanged
from layer8_net._core.switch_state import Outbox

from .fakes import new_id
from .mesh_model import CONVERGED, KEEP_ALIVE, MeshNet, assert_converged, everybody, known, mesh

if TYPE_CHECKING:
    from layer8_net._core.switch import SwitchCore

    from .virtual import VirtualNode

S = ServiceKey("S")


class TestMesh:
    """Links that complete themselves, and what they carry."""

    @pytest.mark.feature("NET-10", "NET-11")
    @pytest.mark.parametrize("links", [[(0, 1), (0, 2), (0, 3)], [(0, 1), (1, 2), (2, 3)]])
    def test_completes_itself(self, links: list[tuple[int, int]]) -> None:
        """From any connected graph of links every switch gets linked to every other, once."""
        net = mesh(4, links)
        assert_converged(net)

    @pytest.mark.feature("NET-10")
    def test_both_dial_at_once(self) -> None:
        """Of two links between the same switches the one dialled by the lower id is kept."""
        net = mesh(2, [(0, 1), (1, 0)])
        assert_converged(net)
        [wire] = {id(one): one for s in net.switches.values() for one in s.wires.values()}.values()
        assert wire.ends[0].me.uuid == min(one.me.uuid for one in net.switches.values())
        assert sum(one.core.counters.duplicate_links for one in net.switches.values()) == 2

    def test_dials_itself(self) -> None:
        """A switch that finds its own address among the peers leaves it alone."""
        net = mesh(2, [(0, 0), (0, 1)])
        assert_converged(net)
        assert net.switches[0].book.next_due() is None

    @pytest.mark.feature("NET-06", "NET-07", "NET-22")
    def test_late_link(self) -> None:
        """W-07: two networks that grew apart know all nodes, services and health when linked."""
        net = mesh(2, [])
        a, b = net.switches[0].join(S), net.switches[1].join(S)
        assert known(net.switches[0]) != known(net.switches[1])
        net.switches[0].book.add("10.0.0.1", 1, net.now)
        net.pass_time(1.0)
        assert_converged(net)
        told = [
            record.a_uuid
            for message in a.records
            if message.action == Action.POST
            for record in records.decode_records(message.data)
        ]
        assert {b.uuid, net.switches[1].me.uuid} <= set(told)
        a.send(mode=MulticastMode.ALL)
        net.quiet()
        assert (len(a.received), len(b.received)) == (1, 1)

    @pytest.mark.feature("NET-18")
    @pytest.mark.parametrize("silently", [False, True])
    def test_switch_death(self, *, silently: bool) -> None:
        """W-08: all that was behind a dead switch is gone everywhere, with its services, soon."""
        net = mesh()
        net.switches[1].join(S)
        survivor = net.switches[2].join()
        net.pass_time(1.0)
        net.kill(1, silently=silently)
        net.pass_time(CONVERGED if silently else 0.1)
        assert_converged(net)
        assert net.switches[0].core.directory.members(S) == ()
        survivor.send(destination=DESTINATION_SINGLE, request=True)
        assert survivor.received[-1].failure.startswith("unavailable: no live provider")

    @pytest.mark.feature("NET-20")
    def test_silent_switch_is_unreachable_first(self) -> None:
        """Nodes behind a switch that misses two intervals are not chosen any more."""
        net = mesh(2)
        b = net.switches[1].join(S)
        net.pass_time(KEEP_ALIVE + 1)
        net.stalled.add(frozenset({0, 1}))
        net.pass_time(2 * KEEP_ALIVE)
        node = net.switches[0].core.directory.node(b.uuid)
        assert node is not None
        assert node.state is NodeState.UNREACHABLE
        assert net.switches[0].core.directory.providers(S) == ()
        net.stalled.clear()
        net.pass_time(KEEP_ALIVE)
        assert net.switches[0].core.directory.providers(S) == (b.uuid,)

    @pytest.mark.feature("NET-22")
    def test_restart(self) -> None:
        """A switch that is started again is linked again, and its nodes are found again."""
        net = mesh()
        net.switches[0].join(S)
        net.kill(1, silently=False)
        net.pass_time(1.0)
        net.start(1).join(S)
        net.pass_time(CONVERGED)
        assert_converged(net)
        assert len(net.switches[2].core.directory.providers(S)) == 2

    def test_node_that_moves(self) -> None:
        """A node that connects elsewhere is found there; its old connection, dead, is closed."""
        net = mesh(2)
        old = net.switches[0].join(S)
        net.pass_time(1.0)
        net.mute.add(old)
        new = net.switches[1].join(S, uuid=old.uuid)
        net.pass_time(CONVERGED)
        assert "connected to switch" in old.closed
        assert_converged(net)
        sender = net.switches[0].join()
        sender.send(destination=new.uuid)
        net.quiet()
        assert len(new.received) == 1

    def test_a_false_claim(self) -> None:
        """A node that is heard stays where it is, whatever another switch says, and all learn it.

        Those who believed the other switch believe the one that the node is connected to, when it
        has heard the node once more.
        """
        net = mesh(3)
        node = net.switches[0].join(S)
        net.pass_time(1.0)
        liar = net.switches[1]
        false = NodeInfo(node.uuid, "", liar.me.uuid, services={S: ""}, started=10.0**9)
        liar.core._claims.put(false)
        out = Outbox()
        liar.core._mesh.tell(out, [false])
        for effect in out.effects():
            liar._perform(effect)
        net.quiet()
        here, witness = (net.switches[place].core for place in (0, 2))
        assert _place_of(here, node) == net.switches[0].me.uuid
        assert _place_of(witness, node) == liar.me.uuid
        net.pass_time(KEEP_ALIVE)
        assert _place_of(witness, node) == net.switches[0].me.uuid
        assert (node.closed, here.counters.contested) == ("", 1)
        sender = net.switches[2].join()
        sender.send(destination=node.uuid)
        net.quiet()
        assert len(node.received) == 1

    def test_objections(self) -> None:
        """A node that is up at another switch may not join here; it may when that one is silent."""
        net = mesh(2)
        there = net.switches[1].join()
        net.pass_time(1.0)
        refusal = net.switches[0].objection(there.endpoint, "::1")
        assert refusal is not None
        assert "connected at switch" in refusal.message
        net.stalled.add(frozenset({0, 1}))
        net.pass_time(2 * KEEP_ALIVE + 2)
        assert net.switches[0].objection(there.endpoint, "::1") is None


class TestDelivery:
    """Where messages go when there are several switches."""

    @pytest.mark.feature("NET-04", "NET-06")
    def test_unicast(self) -> None:
        """A message to a node behind another switch reaches it, marked as having crossed."""
        net = mesh()
        a, b = net.switches[0].join(), net.switches[2].join()
        net.pass_time(1.0)
        a.send(destination=b.uuid, data=b"x", sequence=5)
        net.quiet()
        assert b.received == [a.message(destination=b.uuid, data=b"x", sequence=5)]

    @pytest.mark.feature("NET-05", "NET-07")
    def test_multicast(self) -> None:
        """Every provider gets one copy, the sender too; one copy crosses each link."""
        net = mesh()
        nodes = [net.switches[place].join(S) for place in (0, 0, 1, 1, 2, 2)]
        net.pass_time(1.0)
        before = net.switches[0].core.counters.forwarded
        nodes[0].send(mode=MulticastMode.ALL)
        net.quiet()
        assert [len(node.received) for node in nodes] == [1] * 6
        assert net.switches[0].core.counters.forwarded - before == 4

    @pytest.mark.feature("NET-08")
    @pytest.mark.parametrize(
        ("destination", "mode"),
        [("", MulticastMode.ROUND_ROBIN), ("", MulticastMode.LEADER), (DESTINATION_LEADER, 0)]
        + [(DESTINATION_SINGLE, mode) for mode in list(MulticastMode)[:3]],
    )
    def test_one_of_many(self, destination: str, mode: int) -> None:
        """The choice is made once, written into the message, and never made again."""
        net = mesh()
        sender = net.switches[0].join()
        nodes = [net.switches[place].join(S) for place in (1, 1, 2, 2)]
        net.pass_time(1.0)
        for _ in range(8):
            sender.send(destination=destination, mode=MulticastMode(mode), request=True)
        net.quiet()
        assert sum(len(node.received) for node in nodes) == 8
        for node in nodes:
            assert {message.destination for message in node.received} <= {node.uuid}
        leader = mode == MulticastMode.LEADER or destination == DESTINATION_LEADER
        share = {8, 0} if leader else {2}
        assert {len(node.received) for node in nodes} == share

    @pytest.mark.feature("NET-08")
    def test_proximity(self) -> None:
        """Near is who is at the same switch; without one of those it is anybody."""
        net = mesh()
        a, near, far = net.switches[0].join(), net.switches[0].join(S), net.switches[1].join(S)
        net.pass_time(1.0)
        for _ in range(4):
            a.send(mode=MulticastMode.PROXIMITY)
        net.quiet()
        assert (len(near.received), len(far.received)) == (4, 0)
        near.offer()
        a.send(mode=MulticastMode.PROXIMITY)
        net.quiet()
        assert len(far.received) == 1

    def test_local(self) -> None:
        """Local is the sender itself and nobody else, as far as the switch is concerned."""
        net = mesh()
        a, _ = net.switches[0].join(), net.switches[1].join(S)
        net.pass_time(1.0)
        a.send(mode=MulticastMode.LOCAL)
        assert a.received[0].failure.endswith(f"on node {a.uuid}")

    @pytest.mark.feature("NET-09")
    def test_gone_on_the_way(self) -> None:
        """A message to a node that left meanwhile comes back from the switch it was sent to."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        a.send(destination=b.uuid, sequence=3, request=True)
        b.leave()
        net.quiet()
        [failure] = a.received
        assert failure.failure.startswith("unavailable: no node")
        assert (failure.sequence, failure.source) == (3, net.switches[1].me.uuid)

    def test_last_provider_gone_on_the_way(self) -> None:
        """A multicast reaches those who are there; nobody being left is no failure."""
        net = mesh(2)
        a, b = net.switches[0].join(S), net.switches[1].join(S)
        net.pass_time(1.0)
        a.send(mode=MulticastMode.ALL)
        b.leave()
        net.quiet()
        assert [message.failure for message in a.received] == [""]
        assert net.switches[1].core.counters.dropped == 1

    def test_not_for_nodes_of_others(self) -> None:
        """What comes over a link goes to a node of this switch or comes back, never on."""
        net = mesh()
        a, c = net.switches[0].join(), net.switches[2].join(S)
        net.pass_time(1.0)
        for destination in (c.uuid, DESTINATION_SINGLE):
            frame = encode_message(a.message(destination=destination, mode=MulticastMode.PROXIMITY))
            _over_link(net, 0, 1, frame)
            assert "behind switch" in a.received.pop().failure
        assert c.received == []

    def test_in_circles(self) -> None:
        """A message that crossed more than one link comes back, wherever it wants to go."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        frame = bytearray(encode_message(a.message(destination=b.uuid)))
        frame[10] = 2
        _over_link(net, 0, 1, bytes(frame))
        assert (b.received, "in circles" in a.received[0].failure) == ([], True)

    @pytest.mark.feature("NET-09")
    def test_unknown_service_of_another_switch(self) -> None:
        """A node cannot speak to another switch in the name of its own."""
        net = mesh(2)
        a = net.switches[0].join()
        net.pass_time(1.0)
        there = net.switches[1].me.uuid
        a.send(destination=there, service="sysMsg", area=99, action=Action.DELETE)
        net.quiet()
        assert "offers no service" in a.received[-1].failure
        assert known(net.switches[1]) == everybody(net)


def _over_link(net: MeshNet, sender: int, receiver: int, frame: bytes) -> None:
    """Put a frame into the link between two switches."""
    one, other = net.switches[sender], net.switches[receiver]
    wire = next(wire for wire in one.wires.values() if other in wire.ends)
    wire.put(one, [frame])
    net.quiet()


class TestForeignSources:
    """Who may send over a link."""

    @pytest.mark.parametrize("whose", ["the receiver's", "a third switch's", "the switch's own"])
    def test_node_of_another(self, whose: str) -> None:
        """A message over a link under the id of a node elsewhere comes back and is counted."""
        net = mesh()
        victim, other = net.switches[1].join(), net.switches[2].join()
        net.pass_time(1.0)
        sources = {
            "the receiver's": victim.uuid,
            "a third switch's": other.uuid,
            "the switch's own": net.switches[1].me.uuid,
        }
        message = victim.message(
            source=sources[whose], vnet=net.switches[0].me.uuid, destination=victim.uuid
        )
        _over_link(net, 0, 1, encode_message(message))
        assert victim.received == []
        assert net.switches[1].core.counters.foreign == 1
        assert_converged(net)

    def test_sender_that_left_meanwhile(self) -> None:
        """The last words of a node that is not known any more still arrive."""
        net = mesh(2)
        b = net.switches[1].join()
        net.pass_time(1.0)
        message = b.message(source=new_id(), vnet=net.switches[0].me.uuid, destination=b.uuid)
        _over_link(net, 0, 1, encode_message(message))
        assert len(b.received) == 1

    def test_another_switch(self) -> None:
        """A switch that speaks for another one is cut off; the link is made again."""
        net = mesh(2)
        b = net.switches[1].join()
        net.pass_time(1.0)
        _over_link(net, 0, 1, encode_message(b.message(destination=b.uuid)))
        assert net.switches[1].core.counters.violations == 1
        net.pass_time(2.0)
        assert_converged(net)


class TestPressure:
    """Nodes and links that do not keep up."""

    def test_senders_elsewhere_are_held_back(self) -> None:
        """Who sends to a slow node behind another switch is held by its own switch; no link is."""
        net = mesh(2)
        a, other = net.switches[0].join(), net.switches[0].join()
        b = net.switches[1].join(S)
        net.pass_time(1.0)
        press(net, 1, b.number, Pressure.HIGH)
        a.send(destination=b.uuid)
        other.send(destination=a.uuid)
        net.quiet()
        assert (a.held, other.held, len(b.received)) == (True, False, 1)
        press(net, 1, b.number, Pressure.NONE)
        assert not a.held

    def test_multicast_to_a_slow_node_elsewhere(self) -> None:
        """A multicast that reaches a slow node holds its sender back as well."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join(S)
        net.pass_time(1.0)
        press(net, 1, b.number, Pressure.HIGH)
        a.send(mode=MulticastMode.ALL)
        assert a.held

    def test_full_node_elsewhere(self) -> None:
        """A message to a node twice over its limit comes back without crossing the link."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        press(net, 1, b.number, Pressure.FULL)
        a.send(destination=b.uuid)
        assert a.received[0].failure.startswith(f"overloaded: node {b.uuid}")

    @pytest.mark.parametrize("end", ["node leaves", "link is lost"])
    def test_no_one_is_held_for_ever(self, end: str) -> None:
        """Who is held because of a node elsewhere is free when that node or its switch is gone."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        press(net, 1, b.number, Pressure.HIGH)
        a.send(destination=b.uuid)
        assert a.held
        if end == "node leaves":
            b.leave()
            net.quiet()
        else:
            net.kill(1, silently=False)
            net.quiet()
        assert not a.held

    def test_late_switch_learns_who_is_slow(self) -> None:
        """A switch that is linked later is told which nodes are slow already."""
        net = mesh(2, [])
        a, b = net.switches[0].join(), net.switches[1].join()
        press(net, 1, b.number, Pressure.HIGH)
        net.switches[0].book.add("10.0.0.1", 1, net.now)
        net.pass_time(1.0)
        a.send(destination=b.uuid)
        assert a.held

    def test_slow_link(self) -> None:
        """A link that does not keep up holds the senders at its own end and nobody else's."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        (number,) = net.switches[0].wires
        press(net, 0, number, Pressure.HIGH)
        a.send(destination=b.uuid)
        b.send(destination=a.uuid)
        net.quiet()
        assert (a.held, b.held) == (True, False)
        press(net, 0, number, Pressure.NONE)
        assert not a.held

    def test_full_link(self) -> None:
        """What does not fit into a full link comes back; state that does not fit costs the link."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        (number,) = net.switches[0].wires
        press(net, 0, number, Pressure.FULL)
        a.send(destination=b.uuid)
        assert a.received[0].failure.startswith("overloaded: the link to switch")
        a.offer(S)
        assert net.switches[0].core.counters.evicted == 1
        assert net.switches[0].core.directory.node(b.uuid) is None
        net.pass_time(3.0)
        assert_converged(net)

    def test_two_switches_do_not_wait_for_each_other(self) -> None:
        """With slow nodes on both sides that send to each other, what is sent still arrives."""
        net = mesh(2)
        a, b = net.switches[0].join(), net.switches[1].join()
        c, d = net.switches[0].join(), net.switches[1].join()
        net.pass_time(1.0)
        for place, node in ((0, a), (1, b)):
            press(net, place, node.number, Pressure.HIGH)
        a.send(destination=b.uuid)
        b.send(destination=a.uuid)
        c.send(destination=d.uuid)
        net.quiet()
        assert [len(node.received) for node in (a, b, d)] == [1, 1, 1]
        for place, node in ((0, a), (1, b)):
            press(net, place, node.number, Pressure.NONE)
        assert not any(node.held for node in net.nodes)


def press(net: MeshNet, place: int, number: int, level: Pressure) -> None:
    """More or less waits for a connection of a switch."""
    net.switches[place].step(PressureChanged(number, level))
    net.quiet()


def _place_of(core: SwitchCore, node: VirtualNode) -> str:
    """Where a switch says that a node is."""
    known = core.directory.node(node.uuid)
    return "" if known is None else known.switch
