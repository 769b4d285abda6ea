# SPDX-License-Identifier: Apache-2.0
"""The core of a switch in a Go network: other switches, and whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, NodeState
from l8types.frozen import replace
from l8types.pb import L8Health, L8NotificationSet, L8Query, L8RouteTable, L8SystemMessage
from l8types.pb.health_pb2 import L8HealthState
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.pb.system_pb2 import L8SystemAction
from l8types.values import Message, NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core.records import services_message
from layer8_net._core.switch_events import Linked, Tick, Unlinked
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.records import changed_notice, gone_notice, new_notice
from layer8_net._go.system import routes_added, routes_removed, service_added
from layer8_net._go.values import pack_elements, read_entries, read_messages

from .fakes import new_id
from .go_parts import ANN, BOB, CIPHER, NIL_DATA, OTHER, SONGS, SWITCH, PaperNet, take_apart
from .go_talk import SYSTEM, add, beat, notices, told


@pytest.mark.feature("NET-10", "NET-11", "NET-22")
def test_switches_that_meet() -> None:
    """W-07: a late link brings everything over: routes, services, the health of the nodes here."""
    net = PaperNet()
    net.join(SONGS, uuid=ANN)
    hub = net.link(OTHER)
    assert Linked(OTHER) in net.effects
    routes, own, service = told(hub)
    assert (routes.action, dict(routes.route_table.rows)) == (
        L8SystemAction.Routes_Add,
        {ANN: SWITCH},
    )
    assert (own.service_data.service_uuid, own.service_data.serviceName) == (SWITCH, "Health")
    assert (service.action, service.publish) == (L8SystemAction.Service_Add, False)
    assert (service.service_data.service_uuid, service.service_data.serviceName) == (ANN, "Songs")
    (health,) = hub.of("Health", Action.PATCH)
    assert health.destination == OTHER
    assert {record.a_uuid for record in read_messages(health.data, L8Health)} == {ANN, SWITCH}
    assert all(message.source == message.vnet == SWITCH for message in hub.messages)


def test_empty_switches_that_meet() -> None:
    """Without any node the table of routes is empty, and there."""
    hub = PaperNet().link()
    assert told(hub)[0].WhichOneof("data") == "route_table"


@pytest.mark.feature("NET-06", "NET-11")
def test_routes() -> None:
    """What another switch tells of its nodes is a way to them, over that switch alone."""
    net = PaperNet()
    ann, hub, third = net.join(uuid=ANN), net.link(OTHER), net.link()
    hub.send(
        data=routes_added({BOB: OTHER, ANN: OTHER, SWITCH: OTHER, new_id(): new_id()}), **SYSTEM
    )
    net.clear()
    ann.send(destination=BOB, data=b"hello")
    assert [message.data for message in hub.messages] == [b"hello"]
    assert third.frames == []
    third.send(source=new_id(), destination=BOB)
    assert len(hub.frames) == 1
    assert third.messages[0].failure.startswith("unavailable")
    hub.send(data=routes_removed({BOB: "", ANN: ""}), **SYSTEM)
    ann.send(destination=BOB)
    assert ann.messages[0].failure.startswith("unavailable")


@pytest.mark.feature("NET-05")
def test_one_hop() -> None:
    """A multicast goes to other switches from the switch of its sender, and no further."""
    net = PaperNet()
    ann, bob = net.join(SONGS), net.join(SONGS)
    hub, third, idle = net.link(), net.link(), net.link()
    there = new_id()
    for link in (hub, third):
        add(link, SONGS, uuid=there if link is hub else link.uuid, publish=False)
        add(link, SONGS, uuid=new_id(), publish=False)
    net.clear()
    ann.send()
    assert [len(peer.of("Songs")) for peer in (ann, bob, hub, third, idle)] == [1, 1, 1, 1, 0]
    net.clear()
    hub.send(source=there)
    assert [len(peer.of("Songs")) for peer in (ann, bob, hub, third)] == [1, 1, 0, 0]


@pytest.mark.feature("NET-08")
@pytest.mark.parametrize("service", ["tokens", "users", "sysMsh", "zebra"])
def test_names_behind_that_of_the_system(service: str) -> None:
    """W-26: a message to a service that nobody offers is for no switch, whatever its name."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link(OTHER)
    net.clear()
    ann.send(service=service)
    assert hub.frames == []


def test_choices_are_made_once() -> None:
    """W-02: what another switch could not choose is chosen among the nodes here, or comes back."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link(OTHER)
    there = new_id()
    add(hub, SONGS, uuid=there, publish=False)
    net.clear()
    ann.send(mode=MulticastMode.ROUND_ROBIN, data=b"x")
    (message,) = hub.of("Songs")
    assert message.destination == there
    net.clear()
    hub.send(source=there, destination=DESTINATION_SINGLE, mode=MulticastMode.ROUND_ROBIN)
    assert [one.service for one in ann.messages] == []
    assert hub.messages[0].failure.startswith("no-instance")
    add(ann, SONGS)
    net.clear()
    hub.send(source=there, destination=DESTINATION_SINGLE, mode=MulticastMode.ROUND_ROBIN)
    assert len(ann.of("Songs")) == 1
    near = net.join(SONGS)
    net.clear()
    for _ in range(4):
        near.send(mode=MulticastMode.PROXIMITY)
    assert hub.frames == []


@pytest.mark.feature("NET-07", "NET-11")
def test_news_travels() -> None:
    """Who comes, offers, changes or goes here is told to the other switches, once each."""
    net = PaperNet()
    hub = net.link()
    net.clear()
    ann = net.join(uuid=ANN)
    add(ann, SONGS)
    add(ann, ServiceKey("Quiet"), publish=False)
    beat(ann)
    net.pass_time(0.1)
    ann.leave()
    assert [part.action for part in told(hub)] == [
        L8SystemAction.Routes_Add,
        L8SystemAction.Service_Add,
        L8SystemAction.Routes_Remove,
    ]
    assert not told(hub)[1].publish
    kinds = [notice.type for notice in notices(hub) if notice.model_key == ANN]
    assert kinds == [
        L8NotificationType.Post,
        L8NotificationType.Patch,
        L8NotificationType.Delete,
    ]


@pytest.mark.feature("NET-18")
def test_a_switch_that_dies() -> None:
    """W-08: with a link everything behind it is gone, and the nodes here are told so."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link(OTHER)
    there = NodeInfo(BOB, "bob", OTHER, services={SONGS: ""})
    record = new_notice(there, source=OTHER, area=0, sequence=1)
    hub.send(data=routes_added({BOB: OTHER}), **SYSTEM)
    hub.send(service="Health", action=Action.NOTIFY, data=pack_elements([(record, None)]))
    assert net.core.directory.providers(SONGS) == (BOB,)
    net.clear()
    hub.leave()
    assert Unlinked(OTHER) in net.effects
    gone = {n.model_key for n in notices(ann) if n.type == L8NotificationType.Delete}
    assert gone == {BOB, OTHER}
    assert {node.uuid for node in net.core.directory.nodes()} == {ANN, SWITCH}
    ann.send(mode=MulticastMode.ROUND_ROBIN)
    assert ann.messages[-1].failure.startswith("no-instance")


@pytest.mark.feature("NET-22", "HLT-02")
def test_notices_of_other_switches() -> None:
    """A notice of another switch is applied, and goes to the nodes here as it came."""
    net = PaperNet()
    ann, hub, third = net.join(uuid=ANN), net.link(OTHER), net.link()
    far = net.join(distant="192.0.2.9")
    there = NodeInfo(BOB, "bob", OTHER, services={SONGS: "Song"})
    net.clear()
    for notice in (
        new_notice(there, source=OTHER, area=0, sequence=1),
        gone_notice(there, source=OTHER, area=0, sequence=2),
    ):
        frame = encode_message(
            hub.message(
                service="Health", action=Action.NOTIFY, data=pack_elements([(notice, None)])
            ),
            CIPHER,
        )
        hub.raw(frame)
        assert ann.frames[-1] == frame
    assert [event.type.value for event in net.events[-2:]] == ["joined", "left"]
    assert third.frames == []
    assert [(m.area, m.source) for m in far.of("Health")] == [(1, SWITCH)] * 2
    assert [notice.model_key for notice in notices(far)] == [BOB, BOB]
    # Of its own nodes it knows better.
    forged = gone_notice(NodeInfo(ANN, "ann", OTHER), source=OTHER, area=0, sequence=3)
    hub.send(service="Health", action=Action.NOTIFY, data=pack_elements([(forged, None)]))
    assert net.core.directory.node(ANN) is not None


def _told(*notices: L8NotificationSet) -> dict[str, object]:
    data = pack_elements((notice, None) for notice in notices)
    return {"service": "Health", "action": Action.NOTIFY, "data": data}


def test_nodes_hear_no_more_than_the_switch_believes() -> None:
    """Damaged notices of a linked switch leave no ghosts: what the switch refuses nobody hears."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link(OTHER)
    net.clear()
    bob = new_notice(NodeInfo(BOB, "bob", OTHER), source=OTHER, area=0, sequence=1)
    stranger = L8NotificationSet.FromString(bob.SerializeToString())
    stranger.source = new_id()
    renamed = L8NotificationSet.FromString(bob.SerializeToString())
    renamed.model_key = new_id()
    elsewhere = L8NotificationSet.FromString(bob.SerializeToString())
    elsewhere.service_name = "Songs"
    empty = L8NotificationSet.FromString(bob.SerializeToString())
    empty.ClearField("notification_list")
    unknown = gone_notice(NodeInfo(new_id(), "", OTHER), source=OTHER, area=0, sequence=1)
    mine = new_notice(NodeInfo(ANN, "forged", OTHER), source=OTHER, area=0, sequence=1)
    refused = [stranger, renamed, elsewhere, empty, unknown, mine]
    for notice in refused:
        hub.send(**_told(notice))
    assert ann.frames == []
    assert net.core.counters.foreign == len(refused)
    assert {node.uuid for node in net.core.directory.nodes()} == {ANN, SWITCH, OTHER}
    hub.send(**_told(*refused, bob))
    assert [notice.model_key for notice in notices(ann)] == [BOB]


def test_what_damaged_notices_left_goes_with_the_link() -> None:
    """A node that never was is gone for all when the link of the switch that told of it is."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link(OTHER)
    ghost = NodeInfo(new_id(), "ghost", OTHER)
    for notice in (
        new_notice(ghost, source=OTHER, area=0, sequence=1),
        changed_notice(
            replace(ghost, uuid=BOB),
            replace(ghost, uuid=BOB, state=NodeState.UNREACHABLE),
            source=OTHER,
            area=0,
            sequence=2,
        ),
    ):
        assert notice is not None
        hub.send(**_told(notice))
    assert len(net.core.directory) == 5
    net.clear()
    hub.leave()
    assert {node.uuid for node in net.core.directory.nodes()} == {ANN, SWITCH}
    gone = {n.model_key for n in notices(ann) if n.type == L8NotificationType.Delete}
    assert gone == {ghost.uuid, BOB, OTHER}


@pytest.mark.parametrize("linked", [True, False])
def test_nobody_tells_one_node_of_others(*, linked: bool) -> None:
    """A notice to a single node, which no switch would see, is refused, as is one of a node."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    teller = net.link(OTHER) if linked else net.join(uuid=OTHER)
    net.clear()
    forged = gone_notice(NodeInfo(SWITCH, "", OTHER), source=OTHER, area=0, sequence=1)
    teller.send(destination=ANN, **_told(forged))
    if not linked:
        teller.send(**_told(forged))
    assert ann.frames == []
    assert net.core.counters.violations == (1 if linked else 2)


@pytest.mark.feature("NET-22")
def test_reports_of_other_switches() -> None:
    """The full report of another switch is taken over and told to the nodes here."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link(OTHER)
    net.clear()
    records = [
        L8Health(a_uuid=BOB, alias="bob", services=services_message({SONGS: "Song"})),
        L8Health(a_uuid=ANN, alias="forged"),
        L8Health(a_uuid=SWITCH, alias="forged"),
    ]
    hub.send(
        service="Health",
        destination=SWITCH,
        action=Action.PATCH,
        data=pack_elements((record, record.a_uuid) for record in records),
    )
    node = net.core.directory.node(BOB)
    assert node is not None
    assert (node.alias, node.switch) == ("bob", OTHER)
    assert [(n.type, n.model_key) for n in notices(ann)] == [(L8NotificationType.Post, BOB)]
    assert all(node.alias != "forged" for node in net.core.directory.nodes())
    net.clear()
    ann.send()
    assert len(hub.of("Songs")) == 1


def test_sources_over_links() -> None:
    """Over a link nobody can speak as a node that lives here, or as this switch."""
    net = PaperNet()
    ann, bob, hub = net.join(uuid=ANN), net.join(uuid=BOB), net.link()
    net.clear()
    for source in (BOB, SWITCH):
        hub.send(source=source, destination=ANN)
    assert ann.frames == []
    assert net.core.counters.foreign == 2
    assert not hub.closed
    assert not bob.closed


def test_told_what_it_told() -> None:
    """A Go switch tells everybody of a service, also who told it: nothing changes by that."""
    net = PaperNet()
    net.join(uuid=ANN)
    hub = net.link()
    add(hub, SONGS, uuid=ANN, publish=False)
    add(hub, SONGS, uuid=SWITCH, publish=False)
    net.clear()
    hub.send(source=new_id())
    assert net.core.counters.dropped == 1
    assert net.core.counters.violations == 0


@pytest.mark.parametrize(("other", "kept"), [("0" * 36, True), ("f" * 36, False)])
def test_two_links_to_one_switch(other: str, *, kept: bool) -> None:
    """When two switches dial each other, both keep the link that the higher id dialled."""
    net = PaperNet()
    first = net.link(other, dialled=True)
    second = net.link(other, dialled=False)
    assert bool(second.closed) is kept
    assert bool(first.closed) is not kept
    # A new link in the same direction is a reconnection.
    third = net.link(other, dialled=kept)
    assert not third.closed
    assert len(net.core.tables.links()) == 1


def test_silent_links() -> None:
    """A link over which nothing is heard for minutes is given up."""
    net = PaperNet()
    hub = net.link()
    net.pass_time(119)
    assert not hub.closed
    net.pass_time(1)
    assert "no sign of life" in hub.closed
    assert net.step(Tick()) == []


@pytest.mark.feature("NET-20")
@pytest.mark.parametrize("interval", [4.0, 20.0])
def test_silent_links_of_switches_that_tell_of_themselves(interval: float) -> None:
    """A switch that told of its own figures in some interval is given up after three of these."""
    net = PaperNet()
    hub, quiet = net.link(OTHER), net.link()
    for count in range(3):
        old = NodeInfo(OTHER, "other", OTHER, is_switch=True)
        new = replace(old, statistics=NodeStatistics(tx_messages=count + 1))
        notice = changed_notice(old, new, source=OTHER, area=0, sequence=count + 1)
        assert notice is not None
        hub.send(service="Health", action=Action.NOTIFY, data=pack_elements([(notice, None)]))
        net.pass_time(interval)
    net.pass_time(2 * interval - 0.1)
    assert not hub.closed
    net.pass_time(0.2)
    assert f"no sign of life for {3 * interval:.0f}" in hub.closed
    assert not quiet.closed


def test_moving_nodes() -> None:
    """A node that comes from another switch is at home here from then on."""
    net = PaperNet()
    ann, hub = net.join(uuid=ANN), net.link()
    hub.send(data=routes_added({BOB: hub.uuid}), **SYSTEM)
    bob = net.join(uuid=BOB)
    net.clear()
    ann.send(destination=BOB)
    assert len(bob.of("Songs")) == 1
    hub.leave()
    assert net.core.directory.node(BOB) is not None


def test_queries_with_a_text() -> None:
    """A question for all of health in the form of a query gets all of it."""
    net = PaperNet()
    ann = net.join(uuid=ANN)
    net.clear()
    data = pack_elements([(L8Query(text="select * from L8Health"), None)])
    ann.send(
        service="Health",
        action=Action.GET,
        request=True,
        destination=SWITCH,
        sequence=3,
        data=data,
    )
    assert len(read_entries(ann.messages[0].data)) == 2


hostile_fields = st.fixed_dictionaries(
    {
        "source": st.sampled_from([ANN, BOB, OTHER, SWITCH, ""]),
        "destination": st.sampled_from([ANN, BOB, OTHER, SWITCH, "", DESTINATION_SINGLE]),
        "service": st.sampled_from(["Songs", "Health", "sysMsg", "System", "users"]),
        "area": st.sampled_from([0, 1, 99]),
        "mode": st.sampled_from([mode for mode in MulticastMode if mode < 16]),
        "action": st.sampled_from(Action),
        "request": st.booleans(),
        "reply": st.booleans(),
        "data": st.sampled_from(
            [
                NIL_DATA,
                b"?",
                pack_elements([]),
                routes_added({OTHER: OTHER, BOB: OTHER}),
                routes_removed({OTHER: ""}),
                service_added(OTHER, SONGS, publish=True),
                pack_elements([(L8SystemMessage(route_table=L8RouteTable()), None)]),
                pack_elements([(L8Health(a_uuid=OTHER, status=L8HealthState.Unreachable), None)]),
                pack_elements([(L8Health(a_uuid="é"), None)]),
            ]
        )
        | st.binary(min_size=1, max_size=60),
    }
)


@given(st.lists(st.tuples(st.booleans(), hostile_fields | st.binary(max_size=200)), max_size=12))
def test_any_messages(steps: list[tuple[bool, dict[str, object] | bytes]]) -> None:
    """Whatever a node and a switch send, the core goes on, and others are served as before."""
    net = PaperNet()
    ann = net.join(SONGS, uuid=ANN)
    hub = net.link(OTHER)
    good = net.join(uuid=BOB)
    for from_link, what in steps:
        sender = hub if from_link else ann
        if sender.closed:
            continue
        if isinstance(what, bytes):
            sender.raw(what)
        else:
            sender.send(**what)
        net.pass_time(1.0)
    net.clear()
    good.send(destination=BOB, data=b"still here")
    assert good.messages[-1].data == b"still here"
    for frame in net.frames:
        take_apart(frame)


def test_messages_of_the_switch_are_numbered() -> None:
    """Each message of the switch has a number of its own; after the largest comes the first."""
    net = PaperNet()
    net.core._sequence = 2**32 - 2
    frames = [net.core.seal(Message(service="S")) for _ in range(2)]
    assert [decode_frame(frame, CIPHER).sequence for frame in frames] == [2**32 - 1, 1]
