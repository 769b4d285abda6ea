# SPDX-License-Identifier: Apache-2.0
"""Independent copies."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8types.pb import TestProto as Sample
from reflect import Cloner, Introspector, equal

from .models import Color, Device, DeviceMessage, DeviceStruct, Port, PortStruct, Side
from .strategies import instances

if TYPE_CHECKING:
    from reflect._shapes import Raw

INSTANCES = st.one_of(
    *(
        instances(
            Introspector().inspect(model),
            depth=2,
            replace={
                "color": st.sampled_from(Color),
                "colors": st.sampled_from(Color),
                "side": st.sampled_from(Side),
            },
            fixed={"device_id": "d"},
        )
        for model in (Device, DeviceStruct, DeviceMessage)
    )
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen model with slots."""

    key: str
    ports: list[Port] = field(default_factory=list)


class FrozenStruct(msgspec.Struct, frozen=True):
    """A frozen struct."""

    key: str
    ports: list[PortStruct] = []


@dataclass
class Guarded:
    """A model whose construction has effects and whose private attributes are its own."""

    key: str
    counts: list[int] = field(default_factory=list)
    _cache: list[int] = field(default_factory=list)
    _level: int = 3
    _handle: object = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.key == "copied":
            raise AssertionError("a copy must not run this")


@pytest.mark.feature("REF-42")
@settings(
    max_examples=max(10, settings().max_examples // 2),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(INSTANCES)
def test_copies_are_equal_and_independent(item: Raw) -> None:
    """A copy has the same content, and no part of it is shared."""
    copied = Cloner().clone(item)
    assert equal(copied, item)
    assert copied is not item
    for name in ("names", "ports", "labels", "slots", "main"):
        part = getattr(item, name)
        assert part is None or getattr(copied, name) is not part
    names, labels = len(item.names), len(item.labels)
    item.main.name += "changed"
    item.names.append("more")
    item.labels["longer than any that is drawn"] = "more"
    assert copied.main.name + "changed" == item.main.name
    assert (len(copied.names), len(copied.labels)) == (names, labels)


@pytest.mark.feature("REF-42")
def test_unknown_fields_stay() -> None:
    """Fields of a newer peer pass through a copy."""
    newer = DeviceMessage(device_id="d", note="kept").SerializeToString()
    item = Sample()
    item.ParseFromString(newer)
    assert Cloner().clone(item).SerializeToString() == item.SerializeToString()
    assert b"kept" in Cloner().clone(item).SerializeToString()


@pytest.mark.parametrize(
    "value", [42, "test string", True, 3.14159, 2 + 1j, None, [1, [2]], {"a": [1]}, b"xy"]
)
def test_other_values(value: object) -> None:
    """What is no model is copied like Python does."""
    assert Cloner().clone(value) == value


@pytest.mark.feature("REF-42")
def test_cycles_and_sharing() -> None:
    """A model that contains itself is copied with its cycles and shared parts."""
    one, two = Port("one"), Port("two")
    one.peer, two.peer = two, one
    one.children = [two, two]
    copied = Cloner().clone(one)
    assert copied.peer is not None
    assert copied.peer.peer is copied
    assert copied.children[0] is copied.children[1] is copied.peer
    assert copied.peer is not two


@pytest.mark.parametrize("item", [Frozen("k", [Port("p")]), FrozenStruct("k", [PortStruct("p")])])
def test_frozen_models(item: Raw) -> None:
    """Frozen models are copied, down to their lists."""
    copied = Cloner().clone(item)
    copied.ports[0].name = "changed"
    assert (copied.key, item.ports[0].name) == ("k", "p")


@pytest.mark.feature("REF-43")
def test_private_attributes() -> None:
    """A copy starts with the defaults of private attributes and is not constructed anew."""
    item = Guarded("k", [1], _cache=[5], _level=9)
    item.key = "copied"
    copied = Cloner().clone(item)
    assert (copied.key, copied.counts, copied._cache, copied._level) == ("copied", [1], [], 3)


def test_private_attribute_without_default() -> None:
    """A private attribute without default is shared: there is nothing else to give it."""
    model = make_dataclass("Private", [("_shared", list), ("key", str)])
    shared = [1]
    assert Cloner().clone(model(shared, "k"))._shared is shared


class GuardedStruct(msgspec.Struct):
    """A struct with private attributes."""

    key: str
    _level: int = 3
    _cache: list[int] = []


@pytest.mark.feature("REF-43")
def test_private_attributes_of_structs() -> None:
    """Structs keep their private attributes out of the copy too."""
    copied = Cloner().clone(GuardedStruct("k", 9, [5]))
    assert (copied.key, copied._level, copied._cache) == ("k", 3, [])
