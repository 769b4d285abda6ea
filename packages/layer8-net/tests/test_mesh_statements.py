# SPDX-License-Identifier: Apache-2.0
"""Statements between switches that come late, twice, out of order, or say what they must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import Action, MulticastMode
from l8types.pb import L8Health, L8HealthStats
from l8types.values import Message, ServiceKey
from layer8_net._core.frame import encode_message
from layer8_net._core.handshake import Endpoint
from layer8_net._core.mesh_wire import Address, Change, encode_change
from layer8_net._core.switch_events import Found, FramesReceived, PeerJoined, Send

from .fakes import new_id
from .mesh_model import known, mesh
from .virtual import VirtualNet

S = ServiceKey("S")


class Far:
    """A switch that says what the test wants."""

    def __init__(self, net: VirtualNet, number: int = 7, address: str = "10.0.0.9") -> None:
        self.me = new_id()
        self.net = net
        self.number = number
        endpoint = Endpoint(self.me, "far", 5.0, is_switch=True)
        net.links.add(number)
        self.effects = net.step(PeerJoined(number, endpoint, address, 0.0))

    def say(self, action: Action, change: Change) -> None:
        """Make a statement."""
        self.send(action=action, data=encode_change(change))

    def send(self, **fields: object) -> None:
        """Send a message to the switch itself."""
        message = Message(
            source=self.me,
            vnet=self.me,
            destination=self.net.me.uuid,
            service="sysMsg",
            area=99,
            **fields,  # type: ignore[arg-type]
        )
        frame = encode_message(message)
        self.effects = self.net.step(FramesReceived(self.number, [frame]))

    def found(self) -> list[Found]:
        """Addresses that the statement told the switch under test."""
        return [effect for effect in self.effects if isinstance(effect, Found)]

    def node(self, uuid: str, **fields: object) -> L8Health:
        """Record of a node of this switch."""
        values: dict[str, object] = {"a_uuid": uuid, "z_uuid": self.me, "status": 1}
        return L8Health(**(values | fields))  # type: ignore[arg-type]


def linked() -> tuple[VirtualNet, Far, str]:
    """A switch linked to one that told of one node."""
    net = VirtualNet()
    far, uuid = Far(net), new_id()
    far.say(Action.PUT, Change(1, 10, [far.node(uuid)]))
    assert net.core.directory.node(uuid) is not None
    return net, far, uuid


class TestOrder:
    """Only the next statement changes anything."""

    def test_late_and_repeated(self) -> None:
        """A change that comes late or twice cannot bring back who is gone."""
        net, far, uuid = linked()
        joined = Change(1, 11, [far.node(uuid, alias="again")])
        far.say(Action.PATCH, joined)
        far.say(Action.DELETE, Change(1, 12, [far.node(uuid)]))
        for change in (joined, Change(1, 10, [far.node(uuid)])):
            far.say(Action.PATCH, change)
        far.say(Action.PUT, Change(1, 10, [far.node(uuid)]))
        assert net.core.directory.node(uuid) is None
        assert net.core.counters.stale_changes == 3

    def test_missed(self) -> None:
        """When a change was missed nothing is guessed: all is asked for, once."""
        net, far, uuid = linked()
        for number in (12, 13):
            far.say(Action.DELETE, Change(1, number, [far.node(uuid)]))
        assert net.core.directory.node(uuid) is not None
        assert net.core.counters.resyncs == 1
        far.say(Action.PUT, Change(1, 13, []))
        assert net.core.directory.node(uuid) is None
        far.say(Action.PATCH, Change(1, 14, [far.node(uuid)]))
        assert net.core.directory.node(uuid) is not None

    def test_change_before_the_first_statement(self) -> None:
        """Before a switch has told all, what changes says nothing."""
        net = VirtualNet()
        far = Far(net)
        far.say(Action.PATCH, Change(1, 1, [far.node(new_id())]))
        assert len(net.core.directory) == 1
        assert net.core.counters.resyncs == 1

    def test_other_incarnation(self) -> None:
        """A switch that was started again counts anew."""
        net, far, uuid = linked()
        far.say(Action.PUT, Change(2, 0, []))
        far.say(Action.PATCH, Change(1, 11, [far.node(uuid)]))
        assert net.core.directory.node(uuid) is None

    def test_asked(self) -> None:
        """Who asks for all gets all."""
        net, far, _ = linked()
        own = net.join(S)
        far.send(action=Action.GET)
        [sent] = [effect for effect in far.effects if isinstance(effect, Send)]
        assert own.uuid.encode() in sent.frames[0]

    @given(st.lists(st.integers(0, 11), min_size=1, max_size=40), st.integers(0, 2**12 - 1))
    def test_any_order(self, order: list[int], kinds: int) -> None:
        """Whatever arrives in whatever order: after all is told anew, exactly that is known."""
        net = VirtualNet()
        far = Far(net)
        uuids = [new_id() for _ in range(3)]
        present: list[set[str]] = [set()]
        script: list[tuple[Action, Change]] = []
        for number in range(12):
            uuid, there = uuids[number % 3], kinds >> number & 1
            action = Action.PATCH if there else Action.DELETE
            script.append((action, Change(1, number + 1, [far.node(uuid)])))
            present.append(present[-1] | {uuid} if there else present[-1] - {uuid})
        far.say(Action.PUT, Change(1, 0, []))
        at = 0
        for index in order:
            far.say(*script[index])
            at += index == at
            assert {one.uuid for one in net.core.directory.nodes()} - {net.me.uuid} == present[at]
        far.say(Action.PUT, Change(1, 12, [far.node(uuid) for uuid in present[12]]))
        assert {one.uuid for one in net.core.directory.nodes()} - {net.me.uuid} == present[12]


class TestContent:
    """What a switch may say."""

    @pytest.mark.parametrize(
        "record",
        [
            {"a_uuid": "", "z_uuid": "me"},
            {"a_uuid": "x" * 37},
            {"a_uuid": "\u00e4" * 36},
            {"z_uuid": new_id()},
            {"is_vnet": True},
            {"status": 99},
        ],
    )
    def test_claims(self, record: dict[str, object]) -> None:
        """A switch that claims what is not its own is cut off, and nothing it said stays."""
        net = VirtualNet()
        far = Far(net)
        far.say(Action.PUT, Change(1, 1, [far.node(new_id()), far.node(new_id(), **record)]))
        assert net.core.counters.violations == 1
        assert len(net.core.directory) == 1

    def test_claim_of_the_switch_itself(self) -> None:
        """Nobody can claim this switch as a node of his."""
        net = VirtualNet()
        far = Far(net)
        far.say(Action.PUT, Change(1, 1, [far.node(net.me.uuid)]))
        assert net.core.counters.violations == 1

    def test_claim_of_a_node_that_is_here(self) -> None:
        """W-15: a linked switch takes no node away whose connection here is alive."""
        net = VirtualNet()
        node, sender, far = net.join(S), net.join(), Far(net)
        far.say(Action.PUT, Change(1, 1, [far.node(node.uuid, start_time=10**15)]))
        for _ in range(3):
            sender.send(mode=MulticastMode.ROUND_ROBIN)
            net.pass_time(4.0)
            node.keep_alive()
            sender.keep_alive()
            far.say(Action.GET, Change(1, 1))
        assert (node.closed, len(node.received)) == ("", 3)
        assert net.core.counters.contested == 1

    def test_claim_of_a_node_that_was_here(self) -> None:
        """A node that is not heard any more has moved: its connection here is closed."""
        net = VirtualNet()
        node, far = net.join(S), Far(net)
        far.say(Action.PUT, Change(1, 1, [far.node(node.uuid, start_time=10**15)]))
        net.pass_time(8.0)
        assert not node.closed
        net.pass_time(2.0)
        assert f"connected to switch {far.me}" in node.closed
        found = net.core.directory.node(node.uuid)
        assert found is not None
        assert found.switch == far.me

    def test_claim_that_is_taken_back(self) -> None:
        """A node that nobody else claims any more need not show that it is here."""
        net = VirtualNet()
        node, far = net.join(S), Far(net)
        far.say(Action.PUT, Change(1, 1, [far.node(node.uuid, start_time=10**15)]))
        net.pass_time(2.0)
        far.say(Action.PUT, Change(1, 2, []))
        net.pass_time(12.0)
        assert not node.closed

    def test_node_with_the_id_of_a_switch(self) -> None:
        """A node that has the id of a switch does not take its place."""
        net = VirtualNet()
        one, other = Far(net, 7), Far(net, 8)
        other.say(Action.PUT, Change(1, 1, [other.node(other.me, is_vnet=True)]))
        one.say(Action.PUT, Change(1, 1, [one.node(other.me, start_time=10**15)]))
        node = net.core.directory.node(other.me)
        assert node is not None
        assert node.switch == other.me

    @pytest.mark.parametrize("action", [Action.POST, Action.REPLY])
    def test_other_actions(self, action: Action) -> None:
        """A statement of an unknown kind is a violation."""
        net, far, _ = linked()
        far.say(action, Change(1, 11))
        assert net.core.counters.violations == 1

    @given(st.binary(max_size=100))
    def test_any_body(self, data: bytes) -> None:
        """Whatever a switch says, this one goes on."""
        net, far, _ = linked()
        node = net.join()
        far.send(action=Action.PATCH, data=data)
        node.send(destination=node.uuid)
        assert len(node.received) == 1

    @given(
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.integers(-(2**31), 2**31 - 1),
    )
    def test_any_figures(self, started: int, heard: int, cpu: float, status: int) -> None:
        """Whatever figures a switch tells, they can be told on, or the switch is cut off."""
        net, far, _ = linked()
        node = net.join()
        stats = L8HealthStats(last_msg_time=heard, cpu_usage=cpu, tx_msg_count=started)
        record = far.node(new_id(), start_time=started, status=status, stats=stats)
        far.say(Action.PATCH, Change(1, 11, [record]))
        net.pass_time(5.0)
        node.send(destination=node.uuid)
        assert len(node.received) == 1

    @given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 255))))
    def test_any_frame(self, data: bytes, damage: list[tuple[int, int]]) -> None:
        """Whatever a linked switch sends, this one goes on and its nodes are not disturbed."""
        net, far, uuid = linked()
        node = net.join(S)
        message = Message(
            source=uuid, vnet=far.me, destination=node.uuid, service="S", data=data, sequence=1
        )
        frame = bytearray(encode_message(message))
        for position, change in damage:
            frame[position % len(frame)] ^= change
        net.step(FramesReceived(far.number, [data, bytes(frame)]))
        net.step(FramesReceived(far.number, [bytes(frame)]))
        node.received.clear()
        node.send(destination=node.uuid)
        assert len(node.received) == 1


class TestAddresses:
    """Where switches can be dialled."""

    @pytest.mark.parametrize(
        ("teller", "host", "found"),
        [
            ("10.0.0.9", "10.0.0.5", "10.0.0.5"),
            ("10.0.0.9", "127.0.0.1", None),
            ("10.0.0.9", "localhost", None),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
            ("::1", "::1", "::1"),
            ("10.0.0.9", "", None),
        ],
    )
    def test_of_others(self, teller: str, host: str, found: str | None) -> None:
        """Loopback means something else on another machine; no host means that of the teller."""
        net = VirtualNet()
        far, third = Far(net, address=teller), new_id()
        far.say(Action.PUT, Change(1, 1, addresses=[Address(third, host, 5)]))
        assert far.found() == ([] if found is None else [Found(third, found, 5)])

    def test_of_the_teller(self) -> None:
        """A switch that listens on all addresses is dialled where it comes from."""
        net = VirtualNet()
        far = Far(net)
        far.say(Action.PUT, Change(1, 1, addresses=[Address(far.me, "", 5)]))
        assert far.found() == [Found(far.me, "10.0.0.9", 5)]

    def test_own(self) -> None:
        """What others say about this switch is of no interest to it."""
        net = VirtualNet()
        far = Far(net)
        far.say(Action.PUT, Change(1, 1, addresses=[Address(net.me.uuid, "10.0.0.1", 5)]))
        assert far.found() == []


def test_figures_travel_without_services() -> None:
    """Figures are told once per interval, without the services that everybody knows."""
    net = mesh(2)
    one, other = net.switches[0], net.switches[1]
    many = one.join(*(ServiceKey(f"S{number}") for number in range(1000)))
    watcher = other.join()
    net.pass_time(1.0)
    before = len(watcher.records)
    net.pass_time(12.0)
    told = watcher.records[before:]
    assert told
    assert max(len(message.data) for message in told) < 1000
    node = other.core.directory.node(many.uuid)
    assert node is not None
    assert len(node.services) == 1000
    assert known(one) == known(other)
