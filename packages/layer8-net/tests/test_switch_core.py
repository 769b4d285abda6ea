# SPDX-License-Identifier: Apache-2.0
"""The switch as a state machine, without sockets and with a virtual clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE
from l8types.enums import Action, DirectoryEventType, MulticastMode, NodeState
from l8types.errors import ConflictError
from l8types.values import Message, ServiceKey
from layer8_net._core import records
from layer8_net._core.frame import encode_message
from layer8_net._core.handshake import Endpoint
from layer8_net._core.switch_census import FIGURES_AT_A_TIME
from layer8_net._core.switch_events import (
    FramesReceived,
    Gathered,
    Pressure,
    PressureChanged,
    Tick,
)

from .fakes import new_id
from .virtual import SWITCH, VirtualNet, VirtualNode

S = ServiceKey("S")


def _told(node: VirtualNode) -> list[tuple[Action, list[str], list[str]]]:
    """What a node was told: action, ids and states."""
    return [
        (
            message.action,
            [record.a_uuid for record in found],
            [records.node_of(record).state.name for record in found],
        )
        for message in node.records
        for found in [records.decode_records(message.data)]
    ]


class TestDelivery:
    """Where messages go."""

    @pytest.mark.feature("NET-04")
    def test_unicast(self) -> None:
        """A message to a node reaches that node unchanged, and nobody else."""
        net = VirtualNet()
        a, b, c = net.join(), net.join(), net.join()
        a.send(destination=b.uuid, data=b"x", sequence=5)
        assert b.received == [a.message(destination=b.uuid, data=b"x", sequence=5)]
        assert (a.received, c.received) == ([], [])

    @pytest.mark.feature("NET-04", "NIC-07")
    def test_multicast(self) -> None:
        """A message to all reaches every provider of that service and area once, sender too."""
        net = VirtualNet()
        a, b, c = net.join(S), net.join(S), net.join(ServiceKey("S", 1))
        a.send(mode=MulticastMode.ALL, data=b"x")
        assert [len(node.received) for node in (a, b, c)] == [1, 1, 0]

    @pytest.mark.feature("NET-08")
    @pytest.mark.parametrize(
        ("destination", "mode"),
        [("", mode) for mode in list(MulticastMode)[1:5]]
        + [(DESTINATION_SINGLE, mode) for mode in list(MulticastMode)[:5]],
    )
    def test_one_of_many(self, destination: str, mode: MulticastMode) -> None:
        """W-02: a message to one provider reaches exactly one, and names it from then on."""
        net = VirtualNet()
        nodes = [net.join(S), net.join(S), net.join(S)]
        nodes[1].send(destination=destination, mode=mode, request=True)
        receivers = [node for node in nodes if node.received]
        assert len(receivers) == 1
        assert receivers[0].received[0].destination == receivers[0].uuid
        if mode is MulticastMode.LOCAL:
            assert receivers == [nodes[1]]
        if mode is MulticastMode.LEADER:
            assert receivers[0].uuid == max(node.uuid for node in nodes)

    def test_leader_destination(self) -> None:
        """The placeholder of the leader is understood whatever the mode says."""
        net = VirtualNet()
        nodes = [net.join(S), net.join(S)]
        nodes[0].send(destination=DESTINATION_LEADER)
        assert max(nodes, key=lambda node: node.uuid).received

    @pytest.mark.feature("NET-08")
    def test_round_robin_over_providers(self) -> None:
        """In turn means that everybody gets the same number."""
        net = VirtualNet()
        nodes = [net.join(S), net.join(S), net.join(S)]
        for _ in range(6):
            nodes[0].send(mode=MulticastMode.ROUND_ROBIN)
        assert [len(node.received) for node in nodes] == [2, 2, 2]

    @pytest.mark.feature("NET-09")
    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"destination": "nobody"}, "unavailable: no node nobody"),
            ({"destination": SWITCH.uuid}, "not-found: the switch offers no service 'S'"),
            ({"mode": MulticastMode.ALL}, "unavailable: no live provider of service 'S' area 0"),
            ({"mode": MulticastMode.LEADER}, "unavailable: no live provider"),
            ({"mode": MulticastMode.LOCAL}, "on node"),
            ({"destination": DESTINATION_SINGLE}, "unavailable: no live provider"),
            ({"service": "", "destination": DESTINATION_SINGLE}, "unavailable: no live provider"),
        ],
    )
    def test_undeliverable(self, fields: dict[str, object], reason: str) -> None:
        """A message that nobody can receive comes back to its sender with the reason."""
        net = VirtualNet()
        a = net.join()
        a.send(**fields, sequence=9, data=b"lost")
        [back] = a.received
        assert (back.sequence, back.reply, back.data) == (9, True, b"lost")
        assert reason in back.failure
        assert net.core.counters.returned == 1

    def test_undeliverable_answer(self) -> None:
        """An answer to somebody who left is dropped and counted; it does not come back."""
        net = VirtualNet()
        a = net.join()
        a.send(destination="nobody", reply=True)
        assert a.received == []
        assert net.core.counters.dropped == 1

    def test_order(self) -> None:
        """Messages of one sender to one receiver arrive in the order in which they were sent."""
        net = VirtualNet()
        a, b = net.join(), net.join(S)
        for number in range(50):
            target = {"destination": b.uuid} if number % 2 else {"mode": MulticastMode.ALL}
            a.send(**target, sequence=number)
        assert [message.sequence for message in b.received] == list(range(50))


class TestRules:
    """What a peer may not do."""

    @pytest.mark.parametrize(
        "message",
        [
            Message(source=new_id(), vnet=SWITCH.uuid, service="S"),
            Message(source="", vnet=SWITCH.uuid, service="S"),
        ],
    )
    def test_foreign_source(self, message: Message) -> None:
        """W-15: who sends under another id is disconnected, and nothing of it arrives."""
        net = VirtualNet()
        a, b = net.join(), net.join(S)
        net.step(FramesReceived(a.number, [encode_message(message)]))
        assert "sent under another id" in a.closed
        assert b.received == []
        assert net.core.directory.node(a.uuid) is None

    def test_foreign_switch(self) -> None:
        """A message that claims to come from behind another switch is a violation."""
        net = VirtualNet()
        a = net.join()
        a.send(vnet=new_id(), destination=a.uuid)
        assert "sent under another id" in a.closed

    def test_report_for_another_node(self) -> None:
        """A node may report about itself only."""
        net = VirtualNet()
        a, b = net.join(), net.join(S)
        a.report(records.encode_records([records.own_record(b.uuid, {})]))
        assert "reported for node" in a.closed
        assert net.core.directory.providers(S) == (b.uuid,)

    @pytest.mark.parametrize("data", [b"\xff", b"\x0a\x02\x22\xff"])
    def test_broken_report(self, data: bytes) -> None:
        """A report that is no list of records is a violation."""
        net = VirtualNet()
        a = net.join()
        a.report(data)
        assert a.closed

    @settings(max_examples=200)
    @given(st.binary(max_size=300), st.integers(0, 4))
    def test_any_bytes(self, data: bytes, damage: int) -> None:
        """Whatever a peer sends, the switch goes on and others are not disturbed."""
        net = VirtualNet()
        a, b, c = net.join(), net.join(S), net.join()
        frame = bytearray(encode_message(a.message(destination=b.uuid, data=data)))
        for position in range(damage):
            at = position * 41 % len(frame)
            frame[at] ^= 0x55
        net.step(FramesReceived(a.number, [data, bytes(frame)]))
        b.received.clear()
        c.send(destination=b.uuid)
        assert len(b.received) == 1

    def test_unknown_mode(self) -> None:
        """A mode that does not exist is a violation."""
        net = VirtualNet()
        a = net.join()
        frame = bytearray(encode_message(a.message()))
        frame[6] = 9
        net.step(FramesReceived(a.number, [bytes(frame)]))
        assert "unknown multicast mode 9" in a.closed

    def test_answer_to_an_unknown_mode(self) -> None:
        """Who answers a damaged request is not to blame, even if who asked has left meanwhile."""
        net = VirtualNet()
        a, b = net.join(), net.join()
        a.leave()
        answer = bytearray(encode_message(b.message(destination=a.uuid, reply=True)))
        answer[6] |= 15
        net.step(FramesReceived(b.number, [bytes(answer)]))
        assert b.closed == ""

    def test_objections(self) -> None:
        """W-15: a known id from another address may not join, another switch may."""
        net = VirtualNet()
        a = net.join(address="10.0.0.1")
        assert isinstance(net.objection(a.endpoint, "10.0.0.2"), ConflictError)
        assert net.objection(a.endpoint, "10.0.0.1") is None
        assert net.objection(Endpoint(new_id(), "n", 5.0), "10.0.0.2") is None
        other = Endpoint(new_id(), "s", 5.0, is_switch=True)
        assert net.objection(other, "::1") is None
        impostor = Endpoint(a.uuid, "s", 5.0, is_switch=True)
        assert isinstance(net.objection(impostor, "10.0.0.1"), ConflictError)


class TestDirectory:
    """Who is told what about whom."""

    @pytest.mark.feature("NET-13")
    def test_newcomer(self) -> None:
        """A newcomer gets everything, the others get the newcomer."""
        net = VirtualNet()
        a = net.join()
        b = net.join()
        ids = sorted([SWITCH.uuid, a.uuid, b.uuid])
        assert _told(b) == [(Action.PUT, ids, ["UP"] * 3)]
        assert _told(a)[1:] == [(Action.POST, [b.uuid], ["UP"])]
        assert [event.type for event in net.events] == [DirectoryEventType.JOINED] * 2
        record = records.decode_records(a.records[1].data)[0]
        node = records.node_of(record)
        assert (node.alias, node.switch, node.started) == ("node 2", SWITCH.uuid, 77.0)

    @pytest.mark.feature("NIC-12", "HLT-02", "HLT-05", "HLT-06")
    def test_services(self) -> None:
        """W-20: offered and withdrawn services are told to everybody and change who is reached."""
        net = VirtualNet()
        a = net.join()
        b = net.join(S)
        assert _told(a)[-1] == (Action.PATCH, [b.uuid], ["UP"])
        b.offer()
        assert net.core.directory.providers(S) == ()
        a.send(mode=MulticastMode.ALL)
        assert a.received[0].failure

    @pytest.mark.feature("NET-18", "HLT-10")
    def test_departure(self) -> None:
        """A node whose connection is lost is gone for everybody, with all it offered."""
        net = VirtualNet()
        a, b = net.join(), net.join(S)
        b.leave()
        assert _told(a)[-1] == (Action.DELETE, [b.uuid], ["DOWN"])
        assert net.events[-1].type is DirectoryEventType.LEFT
        assert net.core.directory.members(S) == ()
        a.send(destination=b.uuid)
        assert a.received[0].failure

    @pytest.mark.feature("NET-03")
    def test_replaced_connection(self) -> None:
        """A node that comes back before its old connection is seen dead takes its place."""
        net = VirtualNet()
        old = net.join(S)
        new = net.join(S, uuid=old.uuid)
        assert "replaced" in old.closed
        assert net.core.directory.providers(S) == (new.uuid,)
        other = net.join()
        net.nodes.pop(old.number, None)
        old.leave()
        other.send(destination=new.uuid)
        assert len(new.received) == 1

    def test_figures_travel_together(self) -> None:
        """W-25: reports of figures alone are published once per interval, with the switch's own."""
        net = VirtualNet()
        a, b = net.join(), net.join()
        net.pass_time(0)
        seen = len(a.records)
        for count in (1, 2, 3):
            b.keep_alive(count)
        assert len(a.records) == seen
        net.pass_time(SWITCH.keep_alive)
        assert _told(a)[seen:] == [(Action.PATCH, sorted([SWITCH.uuid, b.uuid]), ["UP", "UP"])]
        node = net.core.directory.node(b.uuid)
        assert node is not None
        assert node.statistics.tx_messages == 3

    def test_figures_of_many_take_turns(self) -> None:
        """In a large network an interval has room for some of them; none waits for ever."""
        net = VirtualNet()
        nodes = [net.join() for _ in range(FIGURES_AT_A_TIME + 50)]
        net.pass_time(0)
        told: list[str] = []
        for _ in range(2):
            for node in nodes:
                node.keep_alive(tx_messages=net.core.counters.forwarded + len(told) + 1)
            seen = len(nodes[0].records)
            net.pass_time(SWITCH.keep_alive)
            [(action, uuids, _states)] = _told(nodes[0])[seen:]
            assert action is Action.PATCH
            assert len(uuids) == FIGURES_AT_A_TIME + 1  # The switch's own are among them.
            told += uuids
        assert set(told) == {SWITCH.uuid, *(node.uuid for node in nodes)}


class TestComingTogether:
    """Nodes that come in together."""

    def test_all_are_told_at_once(self) -> None:
        """W-25: who was there hears of all of them in one message, each of them of everybody."""
        net = VirtualNet()
        old = net.join()
        seen = len(old.records)
        new = [net.join(more=True) for _ in range(3)]
        assert net.core.directory.node(new[0].uuid) is None
        net.step(Gathered())
        uuids = sorted(node.uuid for node in new)
        assert _told(old)[seen:] == [(Action.POST, uuids, ["UP"] * 3)]
        everybody = sorted([SWITCH.uuid, old.uuid, *uuids])
        for node in new:
            [(action, known, _states)] = _told(node)
            assert (action, known) == (Action.PUT, everybody)

    def test_somebody_who_does_not_wait_comes_in_at_once(self) -> None:
        """A frame of a newcomer is no reason to lose it; it is let in with those who wait."""
        net = VirtualNet()
        old, other, hasty = net.join(), net.join(more=True), net.join(more=True)
        hasty.send(destination=old.uuid)
        assert len(old.received) == 1
        assert net.core.directory.node(other.uuid) is not None

    def test_who_leaves_before_is_never_heard_of(self) -> None:
        """A newcomer that is gone before it was let in leaves no trace."""
        net = VirtualNet()
        old = net.join()
        seen = len(old.records)
        gone, stays = net.join(more=True), net.join(more=True)
        gone.leave()
        net.step(Gathered())
        assert _told(old)[seen:] == [(Action.POST, [stays.uuid], ["UP"])]

    def test_one_id_twice(self) -> None:
        """From one place the newer one replaces the older; from another place it is refused."""
        net = VirtualNet()
        first = net.join(more=True)
        with pytest.raises(ConflictError):
            raise net.objection(first.endpoint, "10.0.0.9") or AssertionError
        assert net.objection(first.endpoint, "::1") is None
        second = net.join(uuid=first.uuid, more=True)
        net.step(Gathered())
        assert "replaced" in first.closed
        assert not second.closed


class TestLiveness:
    """Nodes that fall silent."""

    @pytest.mark.feature("NET-20")
    def test_silence(self) -> None:
        """W-18: two missed intervals make a node unreachable, three end it."""
        net = VirtualNet()
        a, b = net.join(keep_alive=100.0), net.join(S)
        net.pass_time(9.9)
        assert net.core.directory.providers(S) == (b.uuid,)
        net.pass_time(0.2)
        assert _told(a)[-1] == (Action.PATCH, [b.uuid], ["UNREACHABLE"])
        assert net.core.directory.providers(S) == ()
        net.pass_time(5.0)
        assert (Action.DELETE, [b.uuid], ["DOWN"]) in _told(a)
        assert "no sign of life" in b.closed

    def test_recovery(self) -> None:
        """A node that is heard again is up again, whatever it says."""
        net = VirtualNet()
        a, b = net.join(S, keep_alive=100.0), net.join()
        net.pass_time(10.1)
        b.send(destination=a.uuid)
        net.pass_time(0.1)
        node = net.core.directory.node(b.uuid)
        assert node is not None
        assert node.state is NodeState.UP
        assert _told(a)[-1] == (Action.PATCH, [b.uuid], ["UP"])

    def test_a_pause_of_its_own_is_no_silence(self) -> None:
        """A switch that did not run itself reads what waits before it gives a node up."""
        net = VirtualNet()
        a = net.join(S)
        net.pass_time(4.0)
        net.stall(60.0)
        assert net.core.directory.providers(S) == (a.uuid,)
        a.keep_alive()
        net.pass_time(9.9)
        assert net.core.directory.providers(S) == (a.uuid,)
        net.pass_time(5.2)
        assert "no sign of life for 15" in a.closed

    def test_silence_when_every_look_is_late(self) -> None:
        """A switch that is always late gives silent nodes up all the same."""
        net = VirtualNet()
        a = net.join(S)
        for _ in range(10):
            net.now += 5.0
            net.step(Tick())
        assert "no sign of life" in a.closed

    def test_unreachable_nodes_are_not_picked(self) -> None:
        """One provider means one that is up; a multicast reaches all that are connected."""
        net = VirtualNet()
        a, b = net.join(S, keep_alive=100.0), net.join(S)
        net.pass_time(10.1)
        for _ in range(4):
            a.send(mode=MulticastMode.ROUND_ROBIN)
        assert (len(a.received), len(b.received)) == (4, 0)
        a.send(mode=MulticastMode.ALL)
        assert (len(a.received), len(b.received)) == (5, 1)


class TestPressure:
    """Nodes that do not keep up."""

    def test_senders_are_held_back(self) -> None:
        """Who sends to a slow node is held until the node has caught up; others are not."""
        net = VirtualNet()
        a, b, c = net.join(), net.join(), net.join()
        net.step(PressureChanged(b.number, Pressure.HIGH))
        a.send(destination=b.uuid)
        a.send(destination=b.uuid)
        c.send(destination=a.uuid)
        assert (a.held, c.held, len(b.received)) == (True, False, 2)
        net.step(PressureChanged(b.number, Pressure.NONE))
        assert not a.held

    def test_held_by_two(self) -> None:
        """Who is held because of two slow nodes waits for both, or for their end."""
        net = VirtualNet()
        a, b, c = net.join(), net.join(), net.join()
        for slow in (b, c):
            net.step(PressureChanged(slow.number, Pressure.HIGH))
            a.send(destination=slow.uuid)
        net.step(PressureChanged(b.number, Pressure.NONE))
        assert a.held
        c.leave()
        assert not a.held

    def test_who_is_held_may_leave(self) -> None:
        """A held sender that leaves is not released later."""
        net = VirtualNet()
        a, b = net.join(), net.join()
        net.step(PressureChanged(b.number, Pressure.HIGH))
        a.send(destination=b.uuid)
        a.leave()
        net.step(PressureChanged(b.number, Pressure.NONE))
        assert net.effects == []

    def test_full(self) -> None:
        """W-16: a message to a node that is twice over its limit comes back."""
        net = VirtualNet()
        a, b = net.join(), net.join()
        net.step(PressureChanged(b.number, Pressure.FULL))
        a.send(destination=b.uuid)
        assert a.received[0].failure.startswith("overloaded: ")
        assert b.received == []

    def test_full_nodes_lose_their_connection_rather_than_records(self) -> None:
        """A node that cannot be told of a change is disconnected: its replica would be wrong."""
        net = VirtualNet()
        a, b = net.join(), net.join(S)
        net.step(PressureChanged(a.number, Pressure.FULL))
        b.offer()
        assert "does not keep up" in a.closed
        assert net.core.directory.node(a.uuid) is None

    def test_failures_to_a_full_sender_are_dropped(self) -> None:
        """A sender that does not read its failures does not get more of them."""
        net = VirtualNet()
        a = net.join()
        net.step(PressureChanged(a.number, Pressure.FULL))
        a.send(destination="nobody")
        assert (a.received, net.core.counters.dropped) == ([], 1)


class EveryMessage(RuleBasedStateMachine):
    """Nodes come, go, offer and send at random; no message is lost and none is doubled."""

    def __init__(self) -> None:
        super().__init__()
        self.net = VirtualNet()
        self.offers: dict[int, set[ServiceKey]] = {}
        self.sequence = 0

    def _some(self, choice: int) -> VirtualNode:
        return list(self.net.nodes.values())[choice % len(self.net.nodes)]

    @rule()
    def join(self) -> None:
        """A node connects."""
        node = self.net.join()
        self.offers[node.number] = set()

    @precondition(lambda self: self.net.nodes)
    @rule(choice=st.integers(0, 99))
    def leave(self, choice: int) -> None:
        """A node is lost."""
        node = self._some(choice)
        del self.offers[node.number]
        node.leave()

    @precondition(lambda self: self.net.nodes)
    @rule(choice=st.integers(0, 99), areas=st.sets(st.integers(0, 2)))
    def offer(self, choice: int, areas: set[int]) -> None:
        """A node offers some areas of the service."""
        node = self._some(choice)
        self.offers[node.number] = {ServiceKey("S", area) for area in areas}
        node.offer(*self.offers[node.number])

    @precondition(lambda self: self.net.nodes)
    @rule(
        choice=st.integers(0, 99),
        receiver=st.integers(0, 99),
        area=st.integers(0, 2),
        mode=st.sampled_from(list(MulticastMode)[:5]),
        kind=st.sampled_from(["node", "gone", "one", "mode"]),
    )
    def send(self, choice: int, receiver: int, area: int, mode: MulticastMode, kind: str) -> None:
        """A node sends; who is entitled receives it once, or the sender hears why not."""
        sender = self._some(choice)
        self.sequence += 1
        nodes = self.net.nodes.values()
        offering = {
            node.number for node in nodes if ServiceKey("S", area) in self.offers[node.number]
        }
        destinations = {
            "node": self._some(receiver).uuid,
            "gone": new_id(),
            "one": DESTINATION_SINGLE,
            "mode": "",
        }
        for node in nodes:
            node.received.clear()
        sender.send(destination=destinations[kind], area=area, mode=mode, sequence=self.sequence)
        got = {node.number: len(node.received) for node in nodes if node.received}
        back = [message for message in sender.received if message.failure]
        if kind == "node":
            assert got == {self._some(receiver).number: 1}
        elif back:
            assert got == {sender.number: 1}
            allowed = {sender.number} if mode is MulticastMode.LOCAL else offering
            assert kind == "gone" or not allowed & offering
        elif kind == "mode" and mode is MulticastMode.ALL:
            assert got == dict.fromkeys(offering, 1)
        else:
            assert len(got) == 1
            assert set(got) <= offering
            assert sum(got.values()) == 1

    @invariant()
    def everybody_is_known(self) -> None:
        """The directory holds the switch and exactly the connected nodes."""
        known = {node.uuid for node in self.net.core.directory.nodes()}
        assert known == {SWITCH.uuid} | {node.uuid for node in self.net.nodes.values()}


TestEveryMessage = pytest.mark.feature("NET-04", "NET-09")(EveryMessage.TestCase)
TestEveryMessage.settings = settings(max_examples=60, stateful_step_count=40)
