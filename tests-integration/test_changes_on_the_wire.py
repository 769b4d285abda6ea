# SPDX-License-Identifier: Apache-2.0
"""Changes of items, from one node to another: found, written, sent, read, applied, undone.

The parts are the real ones, wired as a node wires them; the sender and the receiver share nothing
but the bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8srlz import ObjectReader, ObjectWriter, SerializerByType, TextForm
from l8types.enums import (
    Container,
    DecoratorType,
    Kind,
    NotificationType,
    Presence,
    SerializerMode,
    UpdateMode,
)
from l8types.errors import EncodeError
from l8types.pb import L8Health, L8NotificationSet
from l8types.pb import TestProto as Sample
from l8types.settings import NodeSettings
from l8types.values import Change, ChangeSet, ItemChange, TimeSeriesPoint
from l8utils import NodeResources
from reflect import equal

if TYPE_CHECKING:
    from l8types.protocols.models import ModelNode

Raw: TypeAlias = Any
"""Instances of models of which only the node tree is known here."""

KEY = "a>.<{24}b::c"
"""Key of all items; it holds what property ids are made of."""


class Color(IntEnum):
    """An enumeration with numbers."""

    NONE = 0
    RED = 1


class Side(StrEnum):
    """An enumeration with texts."""

    LEFT = "left"
    RIGHT = "right"


@dataclass
class Port:
    """A part that contains itself."""

    name: str = ""
    speed: int = 0
    raw: bytes = b""
    tags: list[str] = field(default_factory=list)
    children: list[Port] = field(default_factory=list)


@dataclass
class Router:
    """A dataclass with every kind of attribute."""

    router_id: str
    up: bool = False
    count: int = 0
    small: Annotated[int, Kind.UINT32] = 0
    wide: Annotated[int, Kind.UINT64] = 0
    load: float = 0.0
    ratio: Annotated[float, Kind.FLOAT32] = 0.0
    raw: bytes = b""
    color: Color = Color.NONE
    side: Side = Side.LEFT
    note: str | None = None
    limit: int | None = None
    blob: bytes | None = None
    main: Port = field(default_factory=Port)
    spare: Port | None = None
    names: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    colors: list[Color] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    maybe: list[int] | None = None
    labels: dict[str, str] = field(default_factory=dict)
    totals: dict[int, float] = field(default_factory=dict)
    flags: dict[bool, bytes] = field(default_factory=dict)
    slots: dict[str, Port] = field(default_factory=dict)
    extra: dict[str, Port] | None = None
    usage: list[TimeSeriesPoint] = field(default_factory=list)


class Line(msgspec.Struct):
    """A part of a struct."""

    name: str = ""
    speed: int = 0
    tags: list[str] = []


class Modem(msgspec.Struct):
    """A struct."""

    modem_id: str
    up: bool = False
    load: float = 0.0
    note: str | None = None
    raw: bytes = b""
    main: Line = msgspec.field(default_factory=Line)
    spare: Line | None = None
    names: list[str] = []
    lines: list[Line] = []
    maybe: list[int] | None = None
    totals: dict[int, float] = {}
    slots: dict[str, Line] = {}


KEYS: dict[type, str] = {
    Router: "router_id",
    Modem: "modem_id",
    Sample: "myString",
    L8Health: "a_uuid",
}
models = pytest.mark.parametrize("model", KEYS)
modes = st.sampled_from(UpdateMode)
# Items are big; an eighth of the usual examples covers them, a profile with more gives more.
thorough = settings(
    max_examples=max(10, settings().max_examples // 8),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def node() -> NodeResources:
    """The parts of a node that knows the models."""
    resources = NodeResources(NodeSettings(alias="test"))
    resources.register(*KEYS)
    for model, key in KEYS.items():
        resources.introspector.decorate(model, DecoratorType.PRIMARY, key)
    return resources


HERE, THERE = node(), node()

TEXTS = st.text(alphabet="<>.:{}[]%24 abé", max_size=6) | st.text(max_size=4)
SCALARS: dict[Kind, st.SearchStrategy[Raw]] = {
    Kind.BOOL: st.booleans(),
    Kind.INT32: st.integers(-2, 2) | st.integers(-(2**31), 2**31 - 1),
    Kind.INT64: st.integers(-2, 2) | st.integers(-(2**63), 2**63 - 1),
    Kind.UINT32: st.integers(0, 2) | st.integers(0, 2**32 - 1),
    Kind.UINT64: st.integers(0, 2) | st.integers(0, 2**64 - 1),
    # Minus zero equals zero, but protobuf stores it as a value of its own.
    Kind.FLOAT32: st.floats(width=32).filter(lambda one: one != 0 or math.copysign(1, one) > 0),
    Kind.FLOAT64: st.floats().filter(lambda one: one != 0 or math.copysign(1, one) > 0),
    Kind.STRING: TEXTS,
    Kind.UINT8: st.binary(max_size=3),
}
MEMBERS: dict[str, type[Color | Side]] = {"Color": Color, "Side": Side}


def elements(of: ModelNode, depth: int) -> st.SearchStrategy[Raw]:
    """Single values of an attribute."""
    if of.model is TimeSeriesPoint:
        return st.builds(TimeSeriesPoint, SCALARS[Kind.INT64], SCALARS[Kind.FLOAT64])
    if of.model is not None:
        return instances(of, depth - 1)
    if of.type_name in MEMBERS:
        return st.sampled_from(list(MEMBERS[of.type_name]))
    if of.enum is not None:
        return st.sampled_from(sorted(set(of.enum.values())))
    return SCALARS[of.kind]


def values(of: ModelNode, depth: int) -> st.SearchStrategy[Raw]:
    """Values of an attribute."""
    found = elements(of, depth)
    if of.container is Container.LIST:
        found = st.lists(found, max_size=3)
    elif of.key_kind is not None:
        found = st.dictionaries(SCALARS[of.key_kind], found, max_size=3)
    return st.none() | found if of.presence is Presence.NONE else found


def instances(of: ModelNode, depth: int = 2, key: str = "") -> st.SearchStrategy[Raw]:
    """Instances of the model at a node, those of a root with the one key."""
    model: Raw = of.model
    optional = {
        below.attribute: values(below, depth)
        for below in of.attributes.values()
        if below.attribute != key and (below.model is None or depth > 0)
    }
    required = {key: st.just(KEY)} if key else {}
    return st.fixed_dictionaries(required, optional=optional).map(lambda chosen: model(**chosen))


def items(model: type) -> st.SearchStrategy[Raw]:
    """Items of a model."""
    return instances(HERE.introspector.inspect(model), key=KEYS[model])


def sent(changes: ChangeSet, mode: NotificationType = NotificationType.PUT) -> ChangeSet:
    """The changes as the other node has them, after their way as bytes."""
    message = HERE.notifications.encode(
        ItemChange(mode, changes.model, changes.key, changes=changes), service="Tests", area=0
    )
    data = HERE.elements.of(message).encode()
    received = THERE.elements.decode(data).first
    assert isinstance(received, L8NotificationSet)
    found = THERE.notifications.decode(received).changes
    assert found is not None
    return found


@pytest.mark.feature("REF-49", "l8srlz:SRZ-39", "REF-45")
@models
@thorough
@given(st.data(), modes)
def test_changes_survive_the_wire(model: type, data: st.DataObject, mode: UpdateMode) -> None:
    """What the changes make of an item here, they make of it on another node after their way."""
    a, b = data.draw(items(model)), data.draw(items(model))
    there = HERE.updater.diff(a, b, mode=mode)
    here = HERE.updater.apply(there, HERE.cloner.clone(a))
    if mode is UpdateMode.PUT:
        assert equal(here, b)
    kind = NotificationType.PUT if mode is UpdateMode.PUT else NotificationType.PATCH
    received = sent(there, kind)
    assert [one.property_id for one in received] == [one.property_id for one in there]
    assert equal(THERE.updater.apply(received, THERE.cloner.clone(a)), here)


@pytest.mark.feature("REF-49")
@models
@thorough
@given(st.data())
def test_received_changes_can_be_undone(model: type, data: st.DataObject) -> None:
    """The other node can undo what it was told; and an undo that is sent undoes it there."""
    a, b = data.draw(items(model)), data.draw(items(model))
    there = HERE.updater.diff(a, b)
    for back in (THERE.updater.invert(sent(there)), sent(HERE.updater.invert(there))):
        assert equal(THERE.updater.apply(back, THERE.cloner.clone(b)), a)


@pytest.mark.feature("REF-42", "REF-44", "l8srlz:SRZ-15")
@models
@thorough
@given(st.data())
def test_items_survive_the_wire(model: type, data: st.DataObject) -> None:
    """An item that was sent, or stored, is the item; and nothing differs from it."""
    item = data.draw(items(model))
    received = THERE.codec.decode(HERE.codec.encode(HERE.cloner.clone(item)))
    assert equal(received, item)
    assert not THERE.updater.diff(item, received)


def same(got: Any, wanted: Any) -> bool:
    """Whether two values are equal, in containers too; NaN equals NaN."""
    if got is None or wanted is None:
        return got is wanted
    if hasattr(wanted, "items"):
        return got.keys() == wanted.keys() and all(same(got[key], wanted[key]) for key in wanted)
    if isinstance(wanted, str | bytes) or not hasattr(wanted, "__len__"):
        return equal(got, wanted)
    return len(got) == len(wanted) and all(map(same, got, wanted))


@pytest.mark.feature("REF-24", "REF-25", "REF-28")
@models
@thorough
@given(st.data())
def test_values_travel_by_property(model: type, data: st.DataObject) -> None:
    """The value that a property gives here can be sent on its own and be set there."""
    a, b = data.draw(items(model)), data.draw(items(model))
    writer = ObjectWriter(HERE.codec)  # type: ignore[arg-type]
    for below in HERE.introspector.inspect(model).attributes:
        writer.add(HERE.introspector.property_for(b, below).get(b))
    reader = ObjectReader(THERE.codec, writer.data())  # type: ignore[arg-type]
    for name in THERE.introspector.inspect(model).attributes:
        THERE.introspector.property_for(a, name).set(a, reader.get())
    # On its own an empty container cannot be told from none.
    for place in THERE.introspector.inspect(model).attributes.values():
        got, wanted = getattr(a, place.attribute), getattr(b, place.attribute)
        assert same(got, wanted) or not (got or wanted), place.path


@pytest.mark.feature("REF-13")
def test_types_that_are_met_are_registered() -> None:
    """A model is registered with all that is nested in it, at every level."""
    resources = NodeResources(NodeSettings(alias="test"))
    resources.register(Router, Sample)
    names = {info.name for info in resources.registry.types()}
    assert {"Router", "Port", "TimeSeriesPoint", "TestProto", "TestProtoSub"} <= names
    assert "TestProtoSubSub" in names


@pytest.mark.feature("REF-37", "SRZ-42")
def test_texts_become_models_through_the_node() -> None:
    """The text form that an application gives to a type is used wherever the type belongs."""
    texts = NodeResources(NodeSettings(alias="test")).serializer(SerializerMode.STRING)
    assert isinstance(texts, SerializerByType)
    resources = NodeResources(
        NodeSettings(alias="test"), serializers={SerializerMode.STRING: texts}
    )

    def read(text: str) -> Port:
        name, _, speed = text.partition("/")
        return Port(name, int(speed))

    texts.register(Port, TextForm(Port, write=lambda port: port.name, read=read))
    resources.register(Router)
    resources.introspector.decorate(Router, DecoratorType.PRIMARY, "router_id")
    router = Router("r")
    resources.introspector.property_for(router, "slots<a>").set(router, "eth0/100")
    assert router.slots == {"a": Port("eth0", 100)}


def test_a_text_that_stands_for_removal() -> None:
    """The text that means removal on the wire is refused in an entry, and is a text elsewhere."""
    text = "__DD__"
    old = Router("r", labels={"a": "x"}, note="x")
    entry = HERE.updater.diff(old, Router("r", labels={"a": text}, note="x"))
    with pytest.raises(EncodeError, match="stands for a removed entry"):
        sent(entry)
    received = sent(HERE.updater.diff(old, Router("r", labels={"a": "x"}, note=text)))
    assert received.changes == (Change("router<{24}{24}r>.note", "x", text),)
