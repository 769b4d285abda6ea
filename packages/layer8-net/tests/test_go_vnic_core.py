# SPDX-License-Identifier: Apache-2.0
"""The core of an interface in a Go network: what it tells and what it learns."""

from __future__ import annotations

import pytest

from l8types.enums import Action, NodeState, Priority
from l8types.errors import EncodeError
from l8types.frozen import replace
from l8types.pb import L8Health, L8SystemMessage
from l8types.pb.health_pb2 import L8HealthState
from l8types.pb.system_pb2 import L8SystemAction
from l8types.values import NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core.vnic_events import Changed, Connected, ConnectionLost, Ready
from layer8_net._go.codec import decode_frame
from layer8_net._go.records import changed_notice, gone_notice, new_notice
from layer8_net._go.values import pack_elements, read_messages
from layer8_net.errors import NameTooLongError

from .go_node import BOBS, HUB, Harness
from .go_parts import ANN, BOB, CIPHER, NIL_DATA, OTHER, SONGS, SWITCH


@pytest.mark.feature("NIC-12", "NIC-14", "PAR-01")
def test_first_words() -> None:
    """After each connection a node tells everything: services, report, registration, query."""
    one = Harness(connected=False)
    one.perform(one.core.offer(SONGS, "Song"))
    assert one.sent == []
    for _ in range(2):
        one.step(Connected(HUB))
        assert [(m.service, m.area, m.action, m.destination) for m in one.sent] == [
            ("sysMsg", 99, Action.POST, ""),
            ("Health", 0, Action.PATCH, SWITCH),
            ("Health", 0, Action.SERVICE_REGISTER, ""),
            ("Health", 0, Action.SERVICE_QUERY, ""),
            ("Songs", 0, Action.SERVICE_REGISTER, ""),
            ("Songs", 0, Action.SERVICE_QUERY, ""),
        ]
        (added,) = read_messages(one.sent[0].data, L8SystemMessage)
        assert (added.action, added.publish) == (L8SystemAction.Service_Add, True)
        data = added.service_data
        assert (data.service_uuid, data.serviceName, data.serviceArea) == (ANN, "Songs", 0)
        (record,) = read_messages(one.sent[1].data, L8Health)
        assert (record.a_uuid, record.status) == (ANN, L8HealthState.Up)
        assert record.start_time == 7000
        assert set(record.services.service_to_areas) == {"Health", "Songs"}
        assert all(m.source == ANN and m.vnet == SWITCH for m in one.sent)
        numbers = [message.sequence for message in one.sent]
        assert numbers == sorted(set(numbers))


@pytest.mark.feature("NIC-18")
def test_distant() -> None:
    """Behind a distant switch a node uses the other area of health, and waits for no report."""
    one = Harness(distant="192.0.2.1")
    assert any(isinstance(effect, Ready) for effect in one.effects)
    assert {(m.service, m.area) for m in one.sent} == {("Health", 1)}


@pytest.mark.feature("NIC-12", "PAR-01")
def test_services_come_and_go() -> None:
    """An offer is announced in full; a withdrawal is a shorter list, never a removal."""
    one = Harness()
    one.perform(one.core.offer(SONGS, "Song"))
    assert [(m.service, m.action) for m in one.sent] == [
        ("sysMsg", Action.POST),
        ("Health", Action.PATCH),
        ("Songs", Action.SERVICE_REGISTER),
        ("Songs", Action.SERVICE_QUERY),
    ]
    one.perform(one.core.withdraw(SONGS))
    assert [(m.service, m.area, m.action) for m in one.sent] == [
        ("Songs", 0, Action.SERVICE_UNREGISTER),
        ("Health", 0, Action.PATCH),
    ]
    (record,) = read_messages(one.sent[1].data, L8Health)
    assert set(record.services.service_to_areas) == {"Health"}
    assert one.perform(one.core.withdraw(SONGS)) == []


def test_services_of_any_area_go() -> None:
    """W-21: whatever the area of a service, its end is told to the health of all."""
    one = Harness()
    songs = ServiceKey("Songs", 7)
    one.perform(one.core.offer(songs, "Song"))
    one.perform(one.core.withdraw(songs))
    assert [(m.service, m.area, m.destination) for m in one.sent if m.action is Action.PATCH] == [
        ("Health", 0, SWITCH)
    ]


def test_offers_that_cannot_be() -> None:
    """A service that cannot travel is refused when it is offered, and nothing changes."""
    one = Harness()
    with pytest.raises(NameTooLongError, match="'elevenbytes'"):
        one.core.offer(ServiceKey("elevenbytes"), "")
    with pytest.raises(EncodeError, match="network itself"):
        one.core.offer(ServiceKey("sysMsg", 99), "")
    own = one.core.directory.node(ANN)
    assert own is not None
    assert set(own.services) == {ServiceKey("Health")}


@pytest.mark.feature("NIC-14", "NIC-15")
def test_report() -> None:
    """The periodic report carries figures, and none that are not known."""
    one = Harness()
    frame = one.core.report(NodeStatistics(tx_messages=3, rx_bytes=9))
    message = decode_frame(frame, CIPHER)
    (record,) = read_messages(message.data, L8Health)
    assert (record.stats.tx_msg_count, record.stats.rx_data_cont) == (3, 9)
    assert (record.stats.last_msg_time, record.stats.cpu_usage) == (0, 0.0)
    assert "Health" in record.services.service_to_areas
    assert (message.destination, message.priority) == (SWITCH, Priority.P1)


@pytest.mark.feature("NIC-11")
def test_ready_with_the_report() -> None:
    """A node is part of the network when the switch has told it who is there."""
    one = Harness()
    assert not any(isinstance(effect, Ready) for effect in one.effects)
    effects = one.report(NodeInfo(SWITCH, "hub", SWITCH), NodeInfo(ANN, "", SWITCH), BOBS)
    assert isinstance(effects[-1], Ready)
    assert one.core.directory.providers(SONGS) == (BOB,)
    own = one.core.directory.node(ANN)
    assert own is not None
    assert (own.switch, set(own.services)) == (SWITCH, {ServiceKey("Health")})


@pytest.mark.feature("HLT-02", "HLT-03")
def test_directory_follows_the_notices() -> None:
    """Nodes come, change and go with the notices of a switch."""
    one = Harness()
    one.report(NodeInfo(SWITCH, "hub", SWITCH))
    one.notice(new_notice(BOBS, source=SWITCH, area=0, sequence=1))
    assert one.core.directory.node(BOB) == BOBS
    slow = replace(BOBS, state=NodeState.UNREACHABLE)
    changed = changed_notice(BOBS, slow, source=SWITCH, area=0, sequence=2)
    assert changed is not None
    one.notice(changed)
    assert one.core.directory.providers(SONGS) == ()
    one.notice(gone_notice(slow, source=SWITCH, area=0, sequence=3))
    assert one.core.directory.node(BOB) is None
    assert isinstance(one.effects[0], Changed)


def test_a_report_replaces() -> None:
    """After a reconnection who is not in the report is not there any more; later ones add."""
    one = Harness()
    one.report(BOBS)
    one.report(NodeInfo(OTHER, "other", SWITCH))
    assert {node.uuid for node in one.core.directory.nodes()} == {ANN, BOB, OTHER}
    one.step(ConnectionLost("cut"))
    one.step(Connected(HUB))
    one.report(NodeInfo(OTHER, "other", SWITCH))
    assert {node.uuid for node in one.core.directory.nodes()} == {ANN, OTHER}


def test_nobody_knows_better_what_this_node_offers() -> None:
    """What others say about the own services, or about the own end, is not taken over."""
    one = Harness()
    one.core.offer(SONGS, "Song")
    one.notice(new_notice(NodeInfo(ANN, "ann", SWITCH), source=SWITCH, area=0, sequence=1))
    one.notice(gone_notice(NodeInfo(ANN, "ann", SWITCH), source=SWITCH, area=0, sequence=2))
    assert one.core.directory.providers(SONGS) == (ANN,)


def test_forged_health() -> None:
    """Only a switch may tell of health: what a node sends to it goes nowhere."""
    one = Harness()
    one.report(BOBS)
    gone = gone_notice(BOBS, source=BOB, area=0, sequence=1)
    one.notice(gone, source=OTHER)
    one.hear(service="Health", action=Action.PATCH, data=pack_elements([]))
    assert one.core.directory.node(BOB) == BOBS


@pytest.mark.feature("PAR-01")
def test_queries_are_answered() -> None:
    """Who asks for the participants of an offered service is told, and nobody else."""
    one = Harness()
    one.core.offer(SONGS, "")
    one.hear(action=Action.SERVICE_QUERY, destination="")
    (answer,) = one.sent
    assert (answer.action, answer.destination, answer.service, answer.data) == (
        Action.SERVICE_REGISTER,
        BOB,
        "Songs",
        NIL_DATA,
    )
    for fields in (
        {"action": Action.SERVICE_QUERY, "service": "Other"},
        {"action": Action.SERVICE_REGISTER},
        {"action": Action.SERVICE_QUERY, "source": ANN},
    ):
        assert one.hear(**fields) == []


@pytest.mark.feature("NIC-16")
@pytest.mark.parametrize("action", [Action.ELECTION_REQUEST, Action.LEADER_HEARTBEAT, Action.POST])
def test_messages_are_delivered(action: Action) -> None:
    """Calls and the messages of elections go to the services of the node."""
    one = Harness()
    one.hear(action=action, request=True, sequence=3, timeout=2.0, identity=OTHER)
    (message,) = one.delivered
    assert (message.action, message.request, message.sequence) == (action, True, 3)
    assert (message.timeout, message.identity) == (2.0, OTHER)


def test_own_multicasts() -> None:
    """An own call comes back and counts; own notices and elections mean nothing to oneself."""
    one = Harness()
    one.hear(source=ANN, destination="", action=Action.POST)
    assert len(one.delivered) == 1
    for action in (Action.NOTIFY, Action.ELECTION_REQUEST, Action.SERVICE_REGISTER):
        assert one.hear(source=ANN, destination="", action=action) == []
