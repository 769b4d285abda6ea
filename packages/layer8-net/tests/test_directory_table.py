# SPDX-License-Identifier: Apache-2.0
"""The table of nodes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import DirectoryEventType, NodeState
from l8types.frozen import replace
from l8types.values import NodeInfo, ServiceKey
from layer8_net._core.directory import Directory

KEYS = [ServiceKey("A"), ServiceKey("A", 1), ServiceKey("B")]
NODES = st.builds(
    NodeInfo,
    uuid=st.sampled_from("xyz"),
    alias=st.sampled_from(["", "n"]),
    switch=st.just("s"),
    state=st.sampled_from([NodeState.UP, NodeState.UNREACHABLE]),
    services=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["", "M"])),
)
STEPS = st.lists(st.one_of(NODES, st.sampled_from("xyz"), st.lists(NODES, max_size=3)))


@pytest.mark.feature("NET-07")
@given(STEPS)
def test_against_a_plain_model(steps: list[NodeInfo | str | list[NodeInfo]]) -> None:
    """The answers are those of a plain dictionary, and the events rebuild the table elsewhere."""
    table, model, replica = Directory(), dict[str, NodeInfo](), dict[str, NodeInfo]()
    for step in steps:
        if isinstance(step, NodeInfo):
            events = table.put(step)
            model[step.uuid] = step
        elif isinstance(step, str):
            events = table.remove(step)
            model.pop(step, None)
        else:
            events = table.replace_all(step)
            model = {node.uuid: node for node in step}
        for event in events:
            if event.type is DirectoryEventType.LEFT:
                assert replica.pop(event.node.uuid, None) is not None
                assert event.node.state is NodeState.DOWN
            else:
                assert (event.node.uuid in replica) == (event.type is DirectoryEventType.CHANGED)
                replica[event.node.uuid] = event.node
        assert replica == model
        assert table.nodes() == tuple(model[uuid] for uuid in sorted(model))
        assert len(table) == len(model)
        for key in KEYS:
            members = sorted(uuid for uuid, node in model.items() if key in node.services)
            assert table.members(key) == tuple(members)
            live = [uuid for uuid in members if model[uuid].state is NodeState.UP]
            assert table.providers(key) == tuple(live)
        declared = {
            key
            for node in model.values()
            for key, name in node.services.items()
            if name == "M" and node.state is NodeState.UP
        }
        assert table.services_of_model("M") == tuple(sorted(declared))


def test_nothing_new_gives_no_event() -> None:
    """A record equal to the known one is no change."""
    table = Directory()
    node = NodeInfo("x", "n", "s")
    assert [event.type for event in table.put(node)] == [DirectoryEventType.JOINED]
    assert table.put(replace(node)) == []
    assert table.remove("unknown") == []
    assert table.node("x") is node


def test_what_was_read_stays_as_it_was() -> None:
    """W-24: readers get values; what happens later, or what they try, changes no one else's."""
    table = Directory()
    table.put(NodeInfo("x", "before", "s", services={KEYS[0]: "M"}))
    read, everybody = table.node("x"), table.nodes()
    assert read is not None
    with pytest.raises(FrozenInstanceError):
        read.alias = "changed"  # type: ignore[misc]  # that is the point
    table.put(NodeInfo("x", "after", "s"))
    assert (read.alias, dict(read.services)) == ("before", {KEYS[0]: "M"})
    assert everybody == (read,)
    table.remove("x")
    assert everybody == (read,)
