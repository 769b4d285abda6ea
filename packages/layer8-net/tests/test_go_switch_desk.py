# SPDX-License-Identifier: Apache-2.0
"""The core of a switch in a Go network: what it does itself, and whom it believes."""

from __future__ import annotations

import pytest

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, NodeState
from l8types.pb import L8Health, L8ServiceData, L8SystemMessage
from l8types.pb.system_pb2 import L8SystemAction
from l8types.values import NodeStatistics, ServiceKey
from layer8_net._core.records import services_message
from layer8_net._core.switch_events import FramesReceived
from layer8_net._go import switch_tables
from layer8_net._go.codec import encode_message
from layer8_net._go.system import routes_added, service_added
from layer8_net._go.values import NOTHING, pack_elements, read_messages
from layer8_net._go.verdict import failure_of

from .go_parts import (
    ANN,
    BOB,
    CIPHER,
    KEEP_ALIVE,
    NIL_DATA,
    OTHER,
    SONGS,
    SWITCH,
    PaperNet,
    PaperPeer,
)
from .go_talk import HEALTH, SYSTEM, add, beat, notices, report


@pytest.mark.feature("NET-15", "HLT-03")
def test_health_can_be_asked() -> None:
    """The switch answers questions about health, wherever they are addressed to."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    net.clear()
    query = NOTHING[:4] + bytes(8)
    ann.send(
        service="Health",
        action=Action.GET,
        request=True,
        sequence=1,
        destination=SWITCH,
        data=query,
    )
    one = pack_elements([(L8Health(a_uuid=SWITCH), None)])
    for destination in (SWITCH, DESTINATION_SINGLE):
        ann.send(
            service="Health",
            action=Action.GET,
            request=True,
            destination=destination,
            data=one,
            sequence=2,
        )
    found = [{r.a_uuid for r in read_messages(m.data, L8Health)} for m in ann.messages]
    assert found == [{ANN, SWITCH}, {SWITCH}, {SWITCH}]
    assert all(message.reply and message.source == SWITCH for message in ann.messages)


def test_other_requests_to_the_switch() -> None:
    """A request for what the switch does not offer is answered with an error."""
    net = PaperNet()
    ann = net.join()
    net.clear()
    ann.send(destination=SWITCH, request=True, sequence=1)
    ann.send(service="Health", destination=SWITCH, request=True, sequence=2)
    ann.send(service="users", request=True, sequence=3)
    texts = [failure_of(message.data) for message in ann.messages]
    assert [text.partition(":")[0] for text in texts] == ["not-found"] * 3


def test_elections_and_participants() -> None:
    """The switch takes no part in elections; who asks for participants is told it is one."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    net.clear()
    ann.send(service="System", action=Action.ELECTION_REQUEST)
    assert [message.action for message in ann.messages] == [Action.ELECTION_REQUEST]
    net.clear()
    ann.send(service="Health", action=Action.SERVICE_QUERY)
    ann.send(service="Health", action=Action.SERVICE_REGISTER, destination=SWITCH)
    ann.send(service="users", action=Action.NOTIFY, destination=SWITCH)
    ann.send(service="users", action=Action.POST, destination=SWITCH, reply=True)
    echo, answer = ann.messages
    assert (echo.action, answer.action) == (Action.SERVICE_QUERY, Action.SERVICE_REGISTER)
    assert (answer.source, answer.destination, answer.data) == (SWITCH, ANN, NIL_DATA)


@pytest.mark.feature("HLT-02", "NIC-14")
def test_figures_travel_together() -> None:
    """Figures alone are told of with the next tick, once for all reports since the last."""
    net = PaperNet()
    ann, bob = net.join(uuid=ANN), net.join()
    net.clear()
    beat(bob, 1)
    beat(bob, 2)
    assert ann.frames == []
    net.pass_time(0.1)
    mine = [notice for notice in notices(ann) if notice.model_key == bob.uuid]
    (notice,) = mine
    ids = {one.property_id for one in notice.notification_list}
    assert f"l8health<{{24}}{{24}}{bob.uuid}>.stats.txmsgcount" in ids
    assert notices(bob)


@pytest.mark.feature("HLT-02", "NIC-12")
def test_services_are_told_at_once() -> None:
    """A changed list of services does not wait, and a request for it is answered."""
    net = PaperNet()
    ann, bob = net.join(), net.join()
    net.clear()
    record = L8Health(a_uuid=bob.uuid, services=services_message({HEALTH: "", SONGS: ""}))
    report(bob, record, request=True, sequence=8)
    (notice,) = notices(ann)
    assert notice.notification_list[0].property_id.endswith(">.services.servicetoareas")
    (answer,) = bob.of("Health", Action.REPLY)
    assert (answer.sequence, answer.data) == (8, NIL_DATA)


@pytest.mark.feature("NET-17")
def test_own_figures() -> None:
    """The switch tells its own figures once per interval."""
    net = PaperNet()
    ann = net.join()
    net.pass_time(0.1)
    net.clear()
    net.core.report(NodeStatistics(tx_messages=5))
    net.pass_time(4.9)
    assert notices(ann) == []
    net.pass_time(0.1)
    (notice,) = notices(ann)
    assert notice.model_key == SWITCH


def test_a_pause_of_its_own_is_no_silence() -> None:
    """A switch that did not run reads what waits before it gives a node or a switch up."""
    net = PaperNet()
    ann, other = net.join(), net.link()
    for _ in range(3):
        net.pass_time(5.0)
        beat(ann)
    net.stall(600.0)
    assert not ann.closed
    assert not other.closed
    beat(ann)
    net.pass_time(14.9)
    assert not ann.closed
    net.pass_time(0.2)
    assert "no sign of life for 15" in ann.closed


@pytest.mark.feature("NET-16", "NIC-18")
def test_distant_nodes() -> None:
    """A node that reached the switch from another machine has the other area of health."""
    net = PaperNet()
    ann, far = net.join(), net.join(distant="192.0.2.9")
    net.clear()
    beat(ann)
    record = L8Health(a_uuid=far.uuid)
    record.stats.tx_msg_count = 1
    report(far, record, area=1)
    net.pass_time(0.1)
    assert {message.area for message in far.of("Health")} == {1}
    assert {message.area for message in ann.of("Health")} == {0}
    assert {notice.model_key for notice in notices(far)} >= {ann.uuid, far.uuid}


@pytest.mark.feature("NET-20")
def test_silence() -> None:
    """W-18: who falls silent is unreachable after two of its intervals, and gone after three."""
    net = PaperNet()
    ann, bob = net.join(), net.join(SONGS)
    for _ in range(3):
        beat(bob)
        beat(ann)
        net.now += 10
    net.now -= 10
    net.clear()
    net.pass_time(19.9)
    assert net.core.directory.providers(SONGS) == (bob.uuid,)
    beat(ann)
    net.pass_time(0.1)
    node = net.core.directory.node(bob.uuid)
    assert node is not None
    assert node.state is NodeState.UNREACHABLE
    ann.send(mode=MulticastMode.ROUND_ROBIN)
    assert ann.messages[-1].failure.startswith("no-instance")
    net.pass_time(9.9)
    beat(bob)
    assert net.core.directory.providers(SONGS) == (bob.uuid,)
    for _ in range(3):
        net.pass_time(10.0)
        beat(bob)
        beat(ann)
    net.pass_time(29.9)
    assert not bob.closed
    beat(ann)
    net.pass_time(0.1)
    assert "no sign of life" in bob.closed
    assert not ann.closed
    assert net.core.counters.silenced == 1


def _answer(peer: PaperPeer) -> int:
    """Answer all questions for a sign of life; how many there were."""
    asked = peer.of("Health", Action.SERVICE_QUERY)
    peer.frames.clear()
    for question in asked:
        assert question.destination == peer.uuid
        peer.send(
            service="Health",
            area=question.area,
            action=Action.SERVICE_REGISTER,
            destination=question.source,
        )
    return len(asked)


@pytest.mark.feature("NET-20")
@pytest.mark.parametrize("kind", ["node", "distant node", "node without a report", "switch"])
def test_silence_after_one_report(kind: str) -> None:
    """Who answers when it is asked is given up after three intervals of the switch.

    Its own interval is not known before its second report.
    """
    net = PaperNet()
    distant = "192.0.2.9" if kind == "distant node" else ""
    one = net.link() if kind == "switch" else net.join(distant=distant)
    if kind.endswith("node"):
        beat(one)
    net.clear()
    net.pass_time(KEEP_ALIVE)
    assert _answer(one) == 1
    # Alive, though it reports once in a minute only.
    for _ in range(12):
        net.pass_time(KEEP_ALIVE)
        assert _answer(one) == 1
    net.pass_time(3 * KEEP_ALIVE - 0.1)
    assert not one.closed
    net.pass_time(0.1)
    assert f"no sign of life for {3 * KEEP_ALIVE:.1f} s" in one.closed


@pytest.mark.feature("NET-20")
def test_a_known_interval_counts_more() -> None:
    """Whose times between reports are known is asked no more, and judged by the longest."""
    net = PaperNet()
    ann = net.join()
    beat(ann)
    for _ in range(3):
        for _ in range(6):
            net.pass_time(KEEP_ALIVE)
            _answer(ann)
        beat(ann)
    net.clear()
    net.pass_time(89.9)
    assert _answer(ann) == 0
    assert not ann.closed
    net.pass_time(0.2)
    assert "no sign of life for 90" in ann.closed


def test_nodes_without_reports() -> None:
    """A node that never tells of itself is there as long as it answers when it is asked."""
    net = PaperNet()
    ann = net.join()
    for _ in range(100):
        net.pass_time(KEEP_ALIVE)
        _answer(ann)
    assert not ann.closed
    net.pass_time(3 * KEEP_ALIVE)
    assert ann.closed


@pytest.mark.parametrize("reports", [0, 1])
def test_who_does_not_answer(reports: int) -> None:
    """Whoever never answered such a question is given up when no usual interval is that long."""
    net = PaperNet()
    ann = net.join()
    for _ in range(reports):
        beat(ann)
    # What it tells everybody, unasked, is no answer.
    net.pass_time(KEEP_ALIVE)
    ann.send(service="Health", action=Action.SERVICE_REGISTER)
    net.pass_time(119.9)
    assert not ann.closed
    net.pass_time(0.2)
    assert "no sign of life for 120" in ann.closed


@pytest.mark.feature("WIR-01")
def test_malformed_frames() -> None:
    """What is malformed is dropped and counted; the third time the connection is closed."""
    net = PaperNet()
    ann, bob = net.join(), net.join()
    wild = bytearray(encode_message(ann.message(destination=SWITCH), CIPHER))
    wild[127] = 9
    for frame in (bytes(8), bytes(100)):
        ann.raw(frame)
        assert not ann.closed
    ann.raw(bytes(wild[:116]) + b"\xff" * 10 + bytes(wild[126:]))
    assert "decode" in ann.closed
    assert net.core.counters.violations == 3
    assert not bob.closed


@pytest.mark.parametrize(
    "fields",
    [
        {"source": BOB},
        {"service": "sysMsg", "area": 98},
        {"service": "sysMsg", "area": 99, "data": NIL_DATA},
        {"service": "sysMsg", "area": 99, "data": b"no container"},
        {
            "service": "sysMsg",
            "area": 99,
            "data": pack_elements([(L8SystemMessage(action=L8SystemAction.Routes_Add), None)]),
        },
        {
            "service": "sysMsg",
            "area": 99,
            "data": pack_elements([(L8SystemMessage(action=L8SystemAction.Service_Add), None)]),
        },
        {"service": "sysMsg", "area": 99, "data": pack_elements([(L8SystemMessage(), None)])},
        {"service": "sysMsg", "area": 99, "data": routes_added({OTHER: ANN})},
        {"service": "sysMsg", "area": 99, "data": service_added(BOB, SONGS, publish=True)},
        {
            "service": "Health",
            "destination": SWITCH,
            "action": Action.PATCH,
            "data": pack_elements([(L8Health(a_uuid=BOB), None)]),
        },
        {"service": "Health", "action": Action.NOTIFY, "data": pack_elements([])},
        {
            "service": "Health",
            "destination": SWITCH,
            "action": Action.GET,
            "request": True,
            "data": NIL_DATA,
        },
    ],
)
def test_what_a_node_may_not_say(fields: dict[str, object]) -> None:
    """W-15: a node speaks for itself alone, and in the forms that make sense."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    bob = net.join(uuid=BOB)
    net.clear()
    for _ in range(3):
        ann.send(**fields)
    assert net.core.counters.violations == 3
    assert ann.closed
    assert not bob.closed
    assert net.core.tables.routes == {}
    assert SONGS not in {key for node in net.core.directory.nodes() for key in node.services}


@pytest.mark.parametrize(
    "data",
    [
        L8ServiceData(service_uuid=ANN, serviceName="elevenbytes"),
        L8ServiceData(service_uuid=ANN, serviceName=""),
        L8ServiceData(service_uuid=ANN, serviceName="S", serviceArea=256),
        L8ServiceData(service_uuid="", serviceName="S"),
        L8ServiceData(service_uuid="é" * 36, serviceName="S"),
    ],
)
def test_services_that_cannot_be(data: L8ServiceData) -> None:
    """A service that cannot be addressed, or of a node that cannot be, is refused."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    message = L8SystemMessage(action=L8SystemAction.Service_Add, service_data=data)
    ann.send(data=pack_elements([(message, None)]), **SYSTEM)
    assert net.core.counters.violations == 1


def test_too_many_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node cannot use up the memory of a switch with the services it tells of."""
    monkeypatch.setattr(switch_tables, "MAX_SERVICES", 5)
    monkeypatch.setattr(switch_tables, "MAX_SEEN", 6)
    net = PaperNet()
    ann = net.join(uuid=ANN)
    for number in range(8):
        add(ann, ServiceKey("Songs", number))
    assert ann.closed
    assert net.core.counters.violations == 3
    assert len(net.core.tables.seen) <= 6


def test_frames_of_the_closed() -> None:
    """Frames of a connection that was closed already do nothing."""
    net = PaperNet()
    ann = net.join()
    bad = bytes(50)
    good = encode_message(ann.message(destination=ann.uuid), CIPHER)
    net.clear()
    ann.raw(bad, bad, bad, good)
    assert ann.closed
    assert net.core.step(FramesReceived(ann.number, [good]), net.now) == []
