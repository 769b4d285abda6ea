# SPDX-License-Identifier: Apache-2.0
"""Directory records on the wire."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import NodeState
from l8types.errors import DecodeError
from l8types.pb import L8Health, L8ServiceAreas, L8Services
from l8types.values import NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core import records

SERVICES = st.dictionaries(
    st.builds(ServiceKey, st.text("abc", min_size=1, max_size=5), st.integers(0, 255)),
    st.sampled_from(["", "Book"]),
    max_size=4,
)
COUNT = st.integers(0, 2**60)
NODES = st.builds(
    NodeInfo,
    uuid=st.uuids().map(str),
    alias=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    switch=st.uuids().map(str),
    state=st.sampled_from(NodeState),
    services=SERVICES,
    is_switch=st.booleans(),
    started=st.integers(-1, 10**9).map(float),
    statistics=st.builds(
        NodeStatistics,
        last_message=st.integers(-1, 10**9).map(float),
        tx_messages=COUNT,
        tx_bytes=COUNT,
        rx_messages=COUNT,
        rx_bytes=COUNT,
        memory_bytes=st.integers(1, 2**60),
        cpu_ratio=st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    ),
)


@given(st.lists(NODES, max_size=3))
def test_round_trip(nodes: list[NodeInfo]) -> None:
    """Nodes with services and figures come out of their records as they went in."""
    data = records.encode_records(map(records.record_of, nodes))
    assert [records.node_of(record) for record in records.decode_records(data)] == nodes


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    """Bytes of a stranger give nodes or a decode error, nothing else."""
    nodes: list[NodeInfo] = []
    with suppress(DecodeError):
        nodes += map(records.node_of, records.decode_records(data))
    assert all(node.uuid for node in nodes)


@pytest.mark.feature("HLT-06", "l8types:TYP-16")
def test_report_overwrites_services_as_a_whole() -> None:
    """Services that a report does not list are gone; a report without services keeps them."""
    old = NodeInfo("n", "alias", "s", services={ServiceKey("A"): "", ServiceKey("B"): ""})
    only_a = records.own_record("n", {ServiceKey("A"): "Model"})
    assert records.merge(old, only_a).services == {ServiceKey("A"): "Model"}
    figures = records.own_record("n", statistics=NodeStatistics(tx_messages=7))
    merged = records.merge(old, figures)
    assert merged.services == old.services
    assert merged.statistics.tx_messages == 7
    assert records.merge(old, records.own_record("n", {})).services == {}


def test_unavailable_areas_do_not_count() -> None:
    """An area marked as not available is not offered."""
    areas = L8ServiceAreas(areas={0: True, 1: False})
    record = L8Health(a_uuid="n", services=L8Services(service_to_areas={"S": areas}))
    assert set(records.node_of(record).services) == {ServiceKey("S", 0)}


def _offering(name: str, area: int) -> L8Health:
    services = L8Services(service_to_areas={name: L8ServiceAreas(areas={area: True})})
    return L8Health(a_uuid="n", services=services)


@pytest.mark.parametrize(
    "record",
    [L8Health(), _offering("", 0), _offering("S", 300), _offering("S", -1)],
)
def test_nonsense(record: L8Health) -> None:
    """A record without an id, or with a service that cannot be, is a decode error."""
    with pytest.raises(DecodeError):
        records.node_of(record)
    if record.a_uuid:
        with pytest.raises(DecodeError):
            records.merge(NodeInfo("n", "", ""), record)


def test_services_are_read_only() -> None:
    """W-24: whoever reads a record cannot change it for all the others that share it."""
    node = NodeInfo("x" * 36, "", "s" * 36, services={ServiceKey("S"): "M"})
    read = records.node_of(records.record_of(node))
    assert read == node
    with pytest.raises(TypeError):
        read.services[ServiceKey("T")] = "M"  # type: ignore[index]  # that is the point
