# SPDX-License-Identifier: Apache-2.0
"""The core of a switch in a Go network: where messages go, and what comes back."""

from __future__ import annotations

import pytest

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, TransactionState
from l8types.pb import L8Health, L8ServiceData, L8SystemMessage
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.pb.system_pb2 import L8SystemAction
from l8types.values import ServiceKey, Transaction
from layer8_net._core.handshake import Endpoint
from layer8_net._core.records import services_message
from layer8_net._core.switch_events import PeerJoined, PeerLost, Pressure, PressureChanged
from layer8_net._go.codec import encode_message
from layer8_net._go.values import pack_elements, read_entries, read_messages
from layer8_net._go.verdict import failure_of

from .go_parts import ANN, BOB, CIPHER, OTHER, SONGS, SWITCH, PaperNet
from .go_talk import HEALTH, SYSTEM, add, notices, report


@pytest.mark.feature("NET-13")
def test_first_words_of_a_switch() -> None:
    """Who joins receives the health of all with their ids as keys, then the notice of itself.

    Last comes the question whether it takes part, whose answer is a sign of life.
    """
    net = PaperNet()
    ann = net.join(SONGS, uuid=ANN)
    first, second, third = ann.messages
    assert (first.service, first.action, first.destination) == ("Health", Action.PATCH, ANN)
    assert (first.source, first.vnet) == (SWITCH, SWITCH)
    records = read_messages(first.data, L8Health)
    assert [entry.key for entry in read_entries(first.data)] == [ANN, SWITCH]
    assert {record.a_uuid for record in records} == {ANN, SWITCH}
    assert (second.action, second.destination) == (Action.NOTIFY, "")
    (notice,) = notices(ann)
    assert (notice.type, notice.model_key) == (L8NotificationType.Post, ANN)
    assert (third.action, third.destination) == (Action.SERVICE_QUERY, ANN)


@pytest.mark.feature("NET-13")
def test_others_hear_of_newcomers() -> None:
    """Who is there is told of who joins and of who leaves."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    net.clear()
    bob = net.join(uuid=BOB)
    bob.leave()
    kinds = [(notice.type, notice.model_key) for notice in notices(ann)]
    assert kinds == [(L8NotificationType.Post, BOB), (L8NotificationType.Delete, BOB)]
    numbers = [notice.sequence for notice in notices(ann)]
    assert numbers == sorted(set(numbers))
    assert [event.node.uuid for event in net.events] == [ANN, BOB, BOB]


@pytest.mark.feature("NET-03", "NET-07")
def test_services_of_the_handshake_count() -> None:
    """W-03: a node is found by the services that its handshake told, also after a reconnection."""
    net = PaperNet()
    ann = net.join(SONGS, uuid=ANN)
    bob = net.join()
    net.clear()
    bob.send(data=b"first")
    again = net.join(SONGS, uuid=ANN)
    assert "replaced" in ann.closed
    net.step(PeerLost(ann.number))
    net.clear()
    bob.send(data=b"second")
    assert [message.data for message in again.of("Songs")] == [b"second"]


def test_objections() -> None:
    """An id that is in use from another address is refused; from the same it replaces."""
    net = PaperNet()
    net.join(uuid=ANN, address="192.0.2.1")
    assert net.core.objection(Endpoint(ANN, "ann", 5.0), "192.0.2.1") is None
    error = net.core.objection(Endpoint(ANN, "ann", 5.0), "192.0.2.2")
    assert error is not None
    assert error.code == "conflict"


def test_endpoints_of_other_kinds() -> None:
    """A peer without anything special is served as a node."""
    net = PaperNet()
    net.core.step(PeerJoined(1, Endpoint(ANN, "ann", 5.0), "::1", 7.0), 0.0)
    node = net.core.directory.node(ANN)
    assert node is not None
    assert (node.alias, node.started, node.switch) == ("ann", 7.0, SWITCH)


@pytest.mark.feature("NET-04", "WIR-02")
def test_to_a_node() -> None:
    """A message to a node arrives as it was sent, byte for byte."""
    net = PaperNet()
    ann, bob = net.join(), net.join()
    net.clear()
    frame = encode_message(ann.message(destination=bob.uuid), CIPHER)
    ann.raw(frame)
    assert bob.frames == [frame]
    assert ann.frames == []
    assert net.core.counters.forwarded == 1


@pytest.mark.feature("WIR-03")
def test_bodies_stay_closed() -> None:
    """The switch forwards what it could not decrypt."""
    net = PaperNet()
    ann, bob = net.join(), net.join(SONGS)
    net.clear()
    frame = encode_message(ann.message(), CIPHER)
    sealed = frame[:128] + b"?" * (len(frame) - 128)
    ann.raw(sealed)
    assert bob.frames == [sealed]


@pytest.mark.feature("NET-04")
def test_to_all() -> None:
    """A multicast reaches every provider once, its sender too when it is one."""
    net = PaperNet()
    peers = [net.join(SONGS), net.join(SONGS), net.join(), net.join(ServiceKey("Songs", 1))]
    net.clear()
    peers[0].send()
    assert [len(peer.frames) for peer in peers] == [1, 1, 0, 0]


@pytest.mark.feature("NET-08")
@pytest.mark.parametrize("destination", ["", DESTINATION_SINGLE])
def test_in_turn(destination: str) -> None:
    """A choice goes round the providers, and the chosen one is written into the frame."""
    net = PaperNet()
    ann = net.join()
    providers = [net.join(SONGS) for _ in range(3)]
    net.clear()
    for _ in range(6):
        ann.send(destination=destination, mode=MulticastMode.ROUND_ROBIN)
    for peer in providers:
        assert [message.destination for message in peer.messages] == [peer.uuid] * 2


@pytest.mark.feature("NET-08")
def test_local_and_leader() -> None:
    """Local means the sender itself; the leader is the same for everybody."""
    net = PaperNet()
    ann, bob = net.join(SONGS, uuid=ANN), net.join(SONGS, uuid=BOB)
    carl = net.join()
    net.clear()
    for peer in (ann, bob, carl):
        peer.send(mode=MulticastMode.LEADER)
        peer.send(destination=DESTINATION_LEADER)
    ann.send(mode=MulticastMode.LOCAL)
    assert len(bob.of("Songs")) == 6
    assert len(ann.of("Songs")) == 1
    carl.send(mode=MulticastMode.LOCAL, request=True, sequence=5)
    (answer,) = carl.messages
    assert "no live provider" in failure_of(answer.data)


@pytest.mark.feature("NET-07")
def test_services_by_message() -> None:
    """A service is found as soon as its node told of it, also one that is in no list of it."""
    net = PaperNet()
    ann, bob = net.join(), net.join()
    group = ServiceKey("Group")
    add(bob, group)
    report(bob, L8Health(a_uuid=bob.uuid, services=services_message({HEALTH: ""})))
    net.clear()
    ann.send(service="Group")
    assert len(bob.of("Group")) == 1


@pytest.mark.feature("NET-07", "HLT-06")
def test_services_by_report() -> None:
    """The list in a report decides: what is not in it any more is not offered any more."""
    net = PaperNet()
    ann, bob = net.join(), net.join(SONGS)
    films = ServiceKey("Films")
    report(bob, L8Health(a_uuid=bob.uuid, services=services_message({HEALTH: "", films: "Film"})))
    assert net.core.directory.providers(films) == (bob.uuid,)
    net.clear()
    ann.send()
    ann.send(service="Films")
    assert [message.service for message in bob.messages] == ["Films"]
    assert net.core.counters.dropped == 1


def test_removed_services() -> None:
    """W-01: the message that ends a Go switch only removes the service here."""
    net = PaperNet()
    ann, bob = net.join(), net.join(SONGS)
    data = L8ServiceData(service_uuid=bob.uuid, serviceName="Songs")
    gone = L8SystemMessage(action=L8SystemAction.Service_Remove, service_data=data)
    bob.send(data=pack_elements([(gone, None)]), **SYSTEM)
    net.clear()
    ann.send()
    assert bob.frames == []
    assert not bob.closed


@pytest.mark.feature("NET-09", "WIR-05")
def test_messages_come_back() -> None:
    """A message to an unknown node comes back: ends swapped, reason, the same number and data."""
    net = PaperNet()
    ann = net.join()
    net.clear()
    part = Transaction(TransactionState.RUNNING, id=OTHER)
    ann.send(destination=BOB, sequence=26, data=b"lost", transaction=part)
    (message,) = ann.messages
    assert message == ann.message(
        source=BOB,
        vnet="",
        destination=ann.uuid,
        sequence=26,
        data=b"lost",
        reply=True,
        failure=f"unavailable: no node {BOB} in the network",
        transaction=part,
    )


@pytest.mark.feature("NET-09")
def test_requests_are_answered() -> None:
    """A request that cannot be delivered is answered, since a Go node waits for an answer."""
    net = PaperNet()
    ann = net.join()
    net.clear()
    ann.send(destination=BOB, sequence=26, request=True, timeout=9.0)
    ann.send(
        destination=DESTINATION_SINGLE, mode=MulticastMode.PROXIMITY, request=True, sequence=27
    )
    first, second = ann.messages
    assert (first.action, first.reply, first.failure) == (Action.REPLY, True, "")
    assert (first.source, first.sequence, first.timeout) == (SWITCH, 26, 0.0)
    assert failure_of(first.data) == f"unavailable: no node {BOB} in the network"
    assert failure_of(second.data) == "unknown-service: no live provider of service 'Songs' area 0"


def test_services_without_a_provider_left() -> None:
    """That a service was there once is told."""
    net = PaperNet()
    ann = net.join()
    net.join(SONGS).leave()
    net.clear()
    ann.send(mode=MulticastMode.ROUND_ROBIN)
    assert ann.messages[0].failure.startswith("no-instance: ")
    assert ann.messages[0].source == SWITCH


def test_answers_do_not_come_back() -> None:
    """An answer to a node that is gone is dropped."""
    net = PaperNet()
    ann = net.join()
    net.clear()
    ann.send(destination=BOB, reply=True, action=Action.REPLY)
    assert ann.frames == []
    assert net.core.counters.dropped == 1


@pytest.mark.feature("NIC-05")
def test_slow_receivers() -> None:
    """W-16: who sends to a slow node is held until it has caught up; when full, messages return."""
    net = PaperNet()
    ann, bob = net.join(), net.join()
    net.step(PressureChanged(bob.number, Pressure.HIGH))
    ann.send(destination=bob.uuid)
    assert ann.held
    net.step(PressureChanged(bob.number, Pressure.FULL))
    net.clear()
    ann.send(destination=bob.uuid, request=True, sequence=1)
    assert failure_of(ann.messages[0].data).startswith("overloaded")
    net.step(PressureChanged(bob.number, Pressure.NONE))
    assert not ann.held


def test_slow_receivers_that_leave() -> None:
    """Who was held back because of a node is free when that node is gone."""
    net = PaperNet()
    ann, bob = net.join(), net.join()
    net.step(PressureChanged(bob.number, Pressure.HIGH))
    ann.send(destination=bob.uuid)
    bob.leave()
    assert not ann.held
    net.step(PressureChanged(99, Pressure.HIGH))


def test_who_misses_a_notice_is_closed() -> None:
    """A node that has no room for a notice would know something wrong from then on."""
    net = PaperNet()
    ann = net.join()
    net.step(PressureChanged(ann.number, Pressure.FULL))
    ann.send(destination=BOB)
    net.join()
    assert "does not keep up" in ann.closed
    assert net.core.counters.evicted == 1
    assert net.core.counters.dropped == 1
