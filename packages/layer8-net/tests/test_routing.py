# SPDX-License-Identifier: Apache-2.0
"""Which provider the sender picks."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import MulticastMode, NodeState
from l8types.values import NodeInfo, ServiceKey
from layer8_net._core.directory import Directory
from layer8_net._core.routing import Router

KEY = ServiceKey("S", 2)
MODES = [MulticastMode.ROUND_ROBIN, MulticastMode.PROXIMITY]


def _directory(*nodes: tuple[str, str], state: NodeState = NodeState.UP) -> Directory:
    directory = Directory()
    for uuid, switch in nodes:
        directory.put(NodeInfo(uuid, uuid, switch, state, services={KEY: ""}))
    return directory


def test_turns() -> None:
    """Providers take turns, whoever asks; the first is the one behind the own id."""
    directory = _directory(("a", "1"), ("c", "1"), ("e", "1"))
    for me, first in [("b", "c"), ("d", "e"), ("f", "a")]:
        router = Router(me, directory)
        picked = [router.pick(MulticastMode.ROUND_ROBIN, "S", 2) for _ in range(6)]
        assert picked[0] == first
        assert Counter(picked) == {"a": 2, "c": 2, "e": 2}


def test_areas_take_turns_of_their_own() -> None:
    """The turn of one area does not move that of another."""
    directory = Directory()
    for uuid in "ab":
        services = {ServiceKey("S", 0): "", ServiceKey("S", 1): ""}
        directory.put(NodeInfo(uuid, uuid, "1", services=services))
    router = Router("", directory)
    picked = [router.pick(MulticastMode.ROUND_ROBIN, "S", area) for area in (0, 1, 0, 1)]
    assert picked == ["a", "a", "b", "b"]


def test_proximity() -> None:
    """Nodes behind the own switch come first, the others when there is none of them."""
    directory = _directory(("me", "1"), ("a", "2"), ("b", "1"), ("c", "2"))
    directory.put(NodeInfo("me", "me", "1"))
    router = Router("me", directory)
    assert {router.pick(MulticastMode.PROXIMITY, "S", 2) for _ in range(4)} == {"b"}
    assert router.pick(MulticastMode.PROXIMITY, "S", 2, {"b"}) in {"a", "c"}


def test_changes_are_seen() -> None:
    """Who came is picked, who left is not."""
    directory = _directory(("a", "1"))
    router = Router("", directory)
    assert router.pick(MulticastMode.ROUND_ROBIN, "S", 2) == "a"
    directory.remove("a")
    directory.put(NodeInfo("b", "b", "1", services={KEY: ""}))
    router.changed()
    assert router.pick(MulticastMode.ROUND_ROBIN, "S", 2) == "b"
    assert router.known("S", 2)
    directory.remove("b")
    router.changed()
    assert router.pick(MulticastMode.ROUND_ROBIN, "S", 2) == ""
    assert not router.known("S", 2)


def test_unreachable_nodes() -> None:
    """A node that gives no sign of life is not picked."""
    router = Router("", _directory(("a", "1"), state=NodeState.UNREACHABLE))
    assert router.pick(MulticastMode.ROUND_ROBIN, "S", 2) == ""


@given(
    st.sets(st.sampled_from("abcdefgh")),
    st.sets(st.sampled_from("abcdefgh")),
    st.lists(st.sampled_from(MODES), min_size=1, max_size=20),
)
def test_any_exclusions(offer: set[str], without: set[str], modes: list[MulticastMode]) -> None:
    """A pick is a provider that is not excluded, and there is one whenever there can be."""
    router = Router("d", _directory(*((uuid, "1") for uuid in sorted(offer))))
    for mode in modes:
        picked = router.pick(mode, "S", 2, without)
        assert bool(picked) == bool(offer - without)
        assert not picked or picked in offer - without
