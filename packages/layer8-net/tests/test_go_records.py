# SPDX-License-Identifier: Apache-2.0
"""Health records of the go profile and the notices of what changed in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import NodeState
from l8types.errors import DecodeError
from l8types.frozen import replace
from l8types.pb import L8Health, L8Notification, L8NotificationSet, L8Services
from l8types.pb.health_pb2 import L8HealthState
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.values import NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core.records import services_message
from layer8_net._go.records import (
    apply_notice,
    changed_notice,
    gone_notice,
    new_notice,
    node_of,
    record_of,
    report_of,
    services_of,
)
from layer8_net._go.values import pack_message, pack_scalar

from .go_parts import ANN, SONGS, SWITCH

NODE = NodeInfo(ANN, "ann", SWITCH, services={SONGS: "Song"}, started=12.5)
PREFIX = f"l8health<{{24}}{{24}}{ANN}>."

keys = st.builds(
    ServiceKey,
    st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=10),
    st.integers(0, 255),
)
counts = st.integers(0, 2**62)
statistics = st.builds(
    NodeStatistics,
    last_message=st.just(-1.0) | st.integers(0, 2**40).map(float),
    tx_messages=counts,
    tx_bytes=counts,
    rx_messages=counts,
    rx_bytes=counts,
    memory_bytes=st.integers(1, 2**62),
    cpu_ratio=st.sampled_from([-1.0, 0.0, 0.25, 1.0]),
)
records = st.builds(
    NodeInfo,
    uuid=st.just(ANN),
    alias=st.just("ann"),
    switch=st.just(SWITCH),
    state=st.sampled_from([NodeState.UP, NodeState.UNREACHABLE, NodeState.DOWN]),
    services=st.dictionaries(keys, st.sampled_from(["", "Song"]), max_size=4),
    started=st.integers(0, 2**32).map(float),
    statistics=statistics,
)


@given(records)
def test_round_trip(node: NodeInfo) -> None:
    """A complete record says everything about a node."""
    assert node_of(record_of(node), SWITCH) == node


def test_services_on_the_wire() -> None:
    """Areas are zig-zag keys; defaults are written out, as Go nodes do."""
    data = services_message({ServiceKey("Health"): ""}).SerializeToString(deterministic=True)
    assert data == bytes.fromhex("0a100a064865616c746812060a0408001001")
    assert services_of(L8Services.FromString(data)) == {ServiceKey("Health"): ""}


def test_services_that_cannot_be() -> None:
    """What cannot be addressed is left out, not an error: its node is there all the same."""
    message = services_message({SONGS: ""})
    message.service_to_areas["Songs"].areas[300] = True
    message.service_to_areas["Songs"].areas[1] = False
    for name in ("", "elevenbytes", "a\0b"):
        message.service_to_areas[name].areas[0] = True
    assert services_of(message) == {SONGS: ""}


@pytest.mark.feature("HLT-02")
@given(records, records)
def test_changes_carry_over(old: NodeInfo, new: NodeInfo) -> None:
    """Who applies the notice of a change has the record as it is after it."""
    notice = changed_notice(old, new, source=SWITCH, area=0, sequence=1)
    if notice is None:
        assert old == new
        return
    assert apply_notice(notice, lambda _: old) == new


@pytest.mark.feature("HLT-02", "HLT-06")
def test_ids_and_kinds() -> None:
    """Each property has the id and the kind of value that Go nodes apply by reflection."""
    figures = NodeStatistics(1.5, 1, 2, 3, 4, 5, 0.5)
    new = replace(
        NODE,
        state=NodeState.DOWN,
        is_switch=True,
        started=13.5,
        services={ServiceKey("Health"): ""},
        statistics=figures,
    )
    notice = changed_notice(NODE, new, source=SWITCH, area=0, sequence=7)
    assert notice is not None
    assert (notice.source, notice.sequence, notice.service_name) == (SWITCH, 7, "Health")
    assert (notice.model_type, notice.model_key) == ("L8Health", ANN)
    assert notice.type == L8NotificationType.Patch
    found = {one.property_id: one.newValue.hex() for one in notice.notification_list}
    kinds = {
        "status": "00000005",
        "starttime": "00000006",
        "isvnet": "00000001",
        "services.servicetoareas": "00000015",
        "stats.lastmsgtime": "00000006",
        "stats.txmsgcount": "00000006",
        "stats.txdatacount": "00000006",
        "stats.rxmsgcount": "00000006",
        "stats.rxdatacont": "00000006",
        "stats.memoryusage": "0000000b",
        "stats.cpuusage": "0000000e",
    }
    assert {name: value[:8] for name, value in found.items()} == {
        PREFIX + name: kind for name, kind in kinds.items()
    }
    assert found[PREFIX + "isvnet"] == "0000000101"
    assert found[PREFIX + "stats.memoryusage"] == "0000000b0000000000000005"
    assert found[PREFIX + "services.servicetoareas"] == (
        "00000015 00000001 00000018 00000006 4865616c7468"
        "00000016 00000006 0000000e 4c38536572766963654172656173 0a0408001001"
    ).replace(" ", "")
    whole = {one.property_id: one.oldValue for one in notice.notification_list}
    assert whole[PREFIX + "services.servicetoareas"] == b""
    assert whole[PREFIX + "stats.lastmsgtime"].hex() == "00000006ffffffffffffffff"


@pytest.mark.feature("HLT-02")
def test_new_and_gone() -> None:
    """The record travels as the new value of one that came, as the old one of one that left."""
    new = new_notice(NODE, source=SWITCH, area=0, sequence=1)
    gone = gone_notice(NODE, source=SWITCH, area=1, sequence=2)
    assert (new.type, gone.type) == (L8NotificationType.Post, L8NotificationType.Delete)
    assert new.notification_list[0].newValue == pack_message(record_of(NODE))
    assert gone.notification_list[0].oldValue == pack_message(record_of(NODE))
    assert (new.service_area, gone.service_area) == (0, 1)
    assert apply_notice(new, lambda _: None) == NODE
    assert apply_notice(gone, lambda _: NODE) is None


def _patch(**values: bytes) -> L8NotificationSet:
    notice = L8NotificationSet(source=SWITCH, model_key=ANN, type=L8NotificationType.Patch)
    for name, value in values.items():
        notice.notification_list.add(property_id=PREFIX + name, newValue=value)
    return notice


def test_unknown_properties() -> None:
    """Properties of a younger peer, and ids that are none, change nothing."""
    notice = _patch(pprofcollect=pack_scalar(1, True), alias=b"\0\0\0\x18\0\0\0\x01b")  # type: ignore[arg-type]
    notice.notification_list.add(property_id="nonsense", newValue=b"\xff")
    notice.notification_list.add(property_id=PREFIX + "status")
    assert apply_notice(notice, lambda _: NODE) == replace(NODE, alias="b")


def test_changes_of_an_unknown_node() -> None:
    """A node of which only changes are told is known from then on."""
    notice = _patch(starttime=bytes.fromhex("00000006 00000000000003e8"))
    assert apply_notice(notice, lambda _: None) == NodeInfo(ANN, "", SWITCH, started=1.0)


@pytest.mark.parametrize(
    ("notice", "what"),
    [
        (L8NotificationSet(), "unknown type 0"),
        (L8NotificationSet(type=L8NotificationType.Post), "without its record"),
        (
            L8NotificationSet(
                type=L8NotificationType.Post,
                notification_list=[L8Notification(newValue=pack_message(L8Health()))],
            ),
            "without a node id",
        ),
        (_patch(starttime=pack_scalar(14, 1.5)), "does not fit"),  # type: ignore[arg-type]
        (_patch(starttime=b"\xff"), "system message"),
    ],
)
def test_malformed_notices(notice: L8NotificationSet, what: str) -> None:
    """A notice that makes no sense is a named error."""
    with pytest.raises(DecodeError, match=what):
        apply_notice(notice, lambda _: NODE)


def test_records_of_switches() -> None:
    """A switch says neither its state nor what it is in its first record of itself."""
    record = L8Health(a_uuid=SWITCH, alias="s")
    node = node_of(record, SWITCH)
    assert (node.is_switch, node.state, node.switch) == (True, NodeState.UP, SWITCH)


def test_new_nodes_are_taken_for_switches() -> None:
    """Go switches call every new node a switch; it is put right with its first report."""
    first = node_of(L8Health(a_uuid=ANN, is_vnet=True, status=L8HealthState.Up), SWITCH)
    assert (first.is_switch, first.switch) == (True, ANN)
    later = apply_notice(_patch(isvnet=bytes.fromhex("0000000100")), lambda _: first)
    assert later is not None
    assert (later.is_switch, later.switch) == (False, SWITCH)


def test_reports() -> None:
    """From a report come services, figures, start and that its node is up; nothing else."""
    report = L8Health(a_uuid=ANN, alias="eve", is_vnet=True, start_time=2000)
    report.services.CopyFrom(services_message({ServiceKey("Other"): ""}))
    node = report_of(replace(NODE, state=NodeState.UNREACHABLE), report)
    assert node == replace(NODE, services={ServiceKey("Other"): ""}, started=2.0)
    assert report_of(NODE, L8Health(a_uuid=ANN)) == NODE
