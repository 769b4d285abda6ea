# SPDX-License-Identifier: Apache-2.0
"""Properties: ids, reading, writing, deleting, fanning out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import DecoratorType
from l8types.errors import PropertyError
from l8types.pb import L8Health, L8ReplicationIndex
from l8types.pb import TestProto as Sample
from l8types.pb import TestProtoSub as SampleSub
from l8types.values import DELETED
from reflect import Introspector, equal

from .models import (
    Color,
    Device,
    DeviceMessage,
    DeviceStruct,
    PointMessage,
    Port,
    PortMessage,
    PortStruct,
    TimeSeriesPoint,
)
from .strategies import KEYS

if TYPE_CHECKING:
    from reflect._shapes import Raw


@dataclass(frozen=True)
class Fixed:
    """A frozen model."""

    key: str = ""
    port: Port = field(default_factory=Port)


@dataclass
class Strict:
    """A model that cannot be empty."""

    name: str

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name is empty")


@dataclass
class Holder:
    """A model with a part that cannot be empty."""

    key: str
    part: Strict | None = None


FAMILIES = [
    pytest.param(Device, Port, id="dataclass"),
    pytest.param(DeviceStruct, PortStruct, id="struct"),
    pytest.param(DeviceMessage, PortMessage, id="protobuf"),
]
families = pytest.mark.parametrize(("model", "port"), FAMILIES)


@pytest.mark.feature("REF-24", "REF-25", "REF-27")
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("testproto", "testproto"),
        ("testproto.myint32", "testproto.myint32"),
        ("testproto<{24}{24}Hello>", "testproto"),
        ("l8replicationindex<{24}{24}Test2::{5}3>", "l8replicationindex"),
        ("testproto<{24}{24}k>.myint32", "testproto.myint32"),
        ("testproto<{24}{24}k>.mysingle.mystring", "testproto.mysingle.mystring"),
        ("testproto<{24}{24}k>.mystring2stringmap<{24}a>", "testproto.mystring2stringmap"),
        ("testproto.myint32toint64map<{5}3>", "testproto.myint32toint64map"),
        ("testproto.myint32toint64map<{5}-1>", "testproto.myint32toint64map"),
        (
            "testproto<{24}{24}1.2.3.4>.mystring2modelmap<{24}5.6.7.8>.mystring",
            "testproto.mystring2modelmap.mystring",
        ),
        (
            "testproto<{24}{24}k>.mystring2modelmap<{24}x>.mysubs<{24}s>.int32map<{5}5>",
            "testproto.mystring2modelmap.mysubs.int32map",
        ),
        ("testproto<{24}{24}k>.mymodelslice<{2}0>", "testproto.mymodelslice"),
        ("testproto<{24}{24}k>.mymodelslice<{2}0>.mystring", "testproto.mymodelslice.mystring"),
        ("testproto.mystring2modelmap.mystring", "testproto.mystring2modelmap.mystring"),
        ("testproto.mystring2modelmap<{24}>", "testproto.mystring2modelmap"),
        ("devicemessage.flags<{1}true>", "devicemessage.flags"),
        ("devicemessage.wide<{11}-1>", "devicemessage.wide"),
        ("l8health<{24}{24}aaaa>.stats.rxdatacont", "l8health.stats.rxdatacont"),
    ],
)
def test_ids_of_the_ecosystem(introspector: Introspector, text: str, path: str) -> None:
    """Ids as peers write them are read, and written again just the same."""
    place = introspector.property(text)
    assert (place.id, place.node.path) == (text, path)
    assert introspector.property(place.id) == place


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("testproto<{24}Hello>.myint32", "testproto<{24}{24}Hello>.myint32"),
        ("testproto<Hello>.MyInt32", "testproto<{24}{24}Hello>.myint32"),
        ("l8replicationindex<Test2::3>", "l8replicationindex<{24}{24}Test2::{5}3>"),
        ("l8replicationindex<{24}Test2::{5}3>", "l8replicationindex<{24}{24}Test2::{5}3>"),
        ("TestProto.myInt32ToInt64Map<3>", "testproto.myint32toint64map<{5}3>"),
        ("testproto.mymodelslice<3>.my_string", None),
        ("testproto.mymodelslice<{5}3>.mystring", "testproto.mymodelslice<{2}3>.mystring"),
        ("device<{24}{24}a>.ports<1>.name", "device<{24}{24}a>.ports<{2}1>.name"),
        ("l8health<a>.a_uuid", "l8health<{24}{24}a>.auuid"),
        ("testproto.mystring2stringmap<a<b>", "testproto.mystring2stringmap<{24%}a%3Cb>"),
    ],
)
def test_tolerant_reading(introspector: Introspector, text: str, canonical: str | None) -> None:
    """Untyped keys, single root keys and other spellings are read; unknown names are not."""
    if canonical is None:
        with pytest.raises(PropertyError, match="did you mean 'myString'"):
            introspector.property(text)
    else:
        assert introspector.property(text).id == canonical


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("testprto.myint32", r"unknown type 'testprto'.*did you mean 'testproto'\?"),
        ("testproto.mysingle.x", "unknown attribute 'x' of TestProtoSub"),
        ("testproto.myint32.x", "'testproto.myint32' has no attributes"),
        ("testproto.myint32<{5}1>", "neither list nor map"),
        ("testproto.mymodelslice<{2}-1>", "is negative"),
        ("testproto.mymodelslice<{2}one>", "a key cannot be read"),
        ("testproto.myint32toint64map<one>", "'one' .* is no int32"),
        ("l8replicationindex<{24}{24}Test2>", "has 1 values, the model has 2"),
        ("testprotosub<{24}{24}k>.mystring", "no primary key is declared"),
        ("testproto<{24}{24}k", "without the closing"),
    ],
)
def test_bad_ids(introspector: Introspector, text: str, complaint: str) -> None:
    """A malformed id, or one that does not fit the model, is refused with the reason."""
    with pytest.raises(PropertyError, match=complaint):
        introspector.property(text)


@pytest.mark.feature("REF-25")
@given(KEYS, KEYS, st.integers(0, 9))
def test_ids_round_trip(root: str, key: str, index: int) -> None:
    """Any text can be a key: the id that is written leads back to the same place."""
    introspector = Introspector()
    introspector.decorate(Device, DecoratorType.PRIMARY, "device_id", "side")
    item = Device(root, slots={key: Port()}, ports=[Port(str(i)) for i in range(10)])
    place = introspector.property_for(item, f"ports<{index}>.name")
    again = introspector.property(place.id)
    assert (again, again.id, again.get(item)) == (place, place.id, str(index))
    introspector.property(place.id).set(item, "written")
    assert item.ports[index].name == "written"


@pytest.mark.feature("REF-28")
@families
def test_get(introspector: Introspector, model: Raw, port: Raw) -> None:
    """Values are reached through models, lists and maps; what is absent gives None."""
    item: Raw = model(
        device_id="d", load=1.5, ports=[port(name="a"), port(name="b")], slots={"s": port(speed=7)}
    )

    def get(path: str) -> object:
        return introspector.property_for(item, path).get(item)

    assert (get("load"), get("ports<1>.name"), get("slots<s>.speed")) == (1.5, "b", 7)
    assert (get("ports<2>.name"), get("slots<t>.speed"), get("slots<s>.peer.name")) == (None,) * 3
    assert (get("note"), get("main.peer")) == (None, None)
    assert get("slots<s>") == port(speed=7)
    assert list(get("ports")) == [port(name="a"), port(name="b")]  # type: ignore[call-overload]
    assert get("ports.name") == ["a", "b"]
    assert "t" not in item.slots, "reading must not create entries"
    assert get("") is item


@pytest.mark.feature("REF-30", "REF-31")
@families
def test_values(introspector: Introspector, model: Raw, port: Raw) -> None:
    """A path without keys gives the values of all entries, one by one."""
    item = model(
        device_id="d",
        names=["x", "y"],
        labels={"l": "m"},
        ports=[port(children=[port(name="a"), port(name="b")]), port(), port(peer=port(name="p"))],
        slots={"s": port(children=[port(name="c")])},
    )

    def values(path: str) -> list[object]:
        return list(introspector.property(f"{model.__name__}.{path}").values(item))

    assert values("ports.children.name") == ["a", "b"]
    assert values("ports.peer.name") == ["p"]
    assert values("slots.children.name") == ["c"]
    assert values("ports<0>.children.name") == ["a", "b"]
    assert (values("names"), values("labels"), values("raw")) == (["x", "y"], ["m"], [b""])
    assert (values("note"), values("slots<none>.name")) == ([], [])
    first = next(introspector.property(f"{model.__name__}.ports.children").values(item))
    assert first == port(name="a")


@pytest.mark.feature("REF-32")
@families
def test_set_creates_what_is_missing(introspector: Introspector, model: Raw, port: Raw) -> None:
    """Messages, entries and list items on the way are made."""
    item = model(device_id="d")

    def put(path: str, value: object) -> None:
        introspector.property_for(item, path).set(item, value)

    put("main.peer.name", "p")
    put("slots<s>.children<1>.speed", 5)
    put("ports<0>", port(name="a"))
    put("names<2>", "c")
    put("labels<l>", "m")
    put("count", 3)
    assert item.main.peer == port(name="p")
    assert item.slots["s"].children[1].speed == 5
    assert item.slots["s"].children[0] == port()
    assert [one.name for one in item.ports] == ["a"]
    assert (list(item.names), dict(item.labels), item.count) == (["", "", "c"], {"l": "m"}, 3)


@families
def test_set_stores_copies(introspector: Introspector, model: Raw, port: Raw) -> None:
    """What was stored does not change with the value that was given."""
    item, given = model(device_id="d"), port(name="a")
    introspector.property_for(item, "main").set(item, given)
    introspector.property_for(item, "ports").set(item, [given])
    introspector.property_for(item, "slots").set(item, {"s": given})
    given.name = "changed"
    assert (item.main.name, item.ports[0].name, item.slots["s"].name) == ("a", "a", "a")


@pytest.mark.feature("REF-38")
@families
def test_delete(introspector: Introspector, model: Raw, port: Raw) -> None:
    """Map entries are removed, lists cut, attributes cleared; absent ones do not matter."""
    item = model(
        device_id="d",
        count=3,
        note="n",
        names=["a", "b", "c"],
        labels={"l": "m", "k": "n"},
        slots={"s": port(counters={"x": 1, "y": 2})},
        main=port(name="m"),
    )
    for path in ("labels<l>", "names<1>", "slots<s>.counters<x>", "count", "note", "main"):
        introspector.property_for(item, path).delete(item)
    for path in ("labels<none>", "names<7>", "slots<none>.counters<x>", "main.peer.name"):
        introspector.property_for(item, path).set(item, DELETED)
    expected = model(
        device_id="d", names=["a"], labels={"k": "n"}, slots={"s": port(counters={"y": 2})}
    )
    assert equal(item, expected)


@families
def test_none_clears(introspector: Introspector, model: Raw, port: Raw) -> None:
    """None makes an attribute absent, or empty or zero, and creates nothing on the way."""
    item = model(device_id="d", count=3, note="n", names=["a"], main=port(name="m"))
    for path in ("count", "note", "names", "main", "slots<x>.peer.name", "labels<x>"):
        introspector.property_for(item, path).set(item, None)
    assert equal(item, model(device_id="d"))
    with pytest.raises(PropertyError, match="cannot be None"):
        introspector.property_for(item, "names<0>").set(item, None)


@families
def test_a_failing_set_changes_nothing(introspector: Introspector, model: Raw, port: Raw) -> None:
    """A value that does not fit leaves the instance as it was, also far down."""
    item = model(device_id="d", ports=[port(name="a")])
    before = model(device_id="d", ports=[port(name="a")])
    for path, value in [
        ("slots<new>.children<2>.speed", "fast"),
        ("slots<new>.children<99999999>.speed", 1),
        ("ports<1>", 5),
        ("ports", [port(), 5]),
        ("names", "text"),
        ("labels", [1]),
        ("ports.name", "x"),
        ("main", model(device_id="e")),
        ("count", 2**70),
        ("", item),
    ]:
        with pytest.raises(PropertyError):
            introspector.property_for(item, path).set(item, value)
        assert equal(item, before), path
    for path in ("ports.name", ""):
        with pytest.raises(PropertyError):
            introspector.property_for(item, path).delete(item)


@pytest.mark.feature("REF-33", "REF-34")
def test_root_key() -> None:
    """An id with a key gives it to a new item, and refuses another item."""
    introspector = Introspector()
    introspector.decorate(L8ReplicationIndex, DecoratorType.PRIMARY, "ServiceName", "ServiceArea")
    place = introspector.property("l8replicationindex<{24}{24}Test2::{5}3>.servicearea")
    item = L8ReplicationIndex()
    place.set(item, 4)
    assert (item.service_name, item.service_area) == ("Test2", 4)
    with pytest.raises(PropertyError, match=r"belongs to L8ReplicationIndex \('Test2', 3\)"):
        place.set(item, 5)
    with pytest.raises(PropertyError, match="not to the given"):
        place.delete(item)
    with pytest.raises(PropertyError, match="belongs to L8ReplicationIndex, not to TestProto"):
        place.set(Sample(), 5)
    assert item.service_area == 4


def test_property_for_needs_a_key(introspector: Introspector) -> None:
    """A property of an item without key is refused; without a declared key as well."""
    with pytest.raises(PropertyError, match="has an empty primary key"):
        introspector.property_for(Sample(), "myint32")
    with pytest.raises(PropertyError, match="no primary key is declared"):
        introspector.property_for(SampleSub(), "mystring")
    health = L8Health(a_uuid="u")
    assert introspector.property_for(health, "stats.txMsgCount").id == (
        "l8health<{24}{24}u>.stats.txmsgcount"
    )


@pytest.mark.feature("REF-39")
@pytest.mark.parametrize(
    ("model", "point"),
    [
        pytest.param(Device, TimeSeriesPoint, id="dataclass"),
        pytest.param(DeviceMessage, PointMessage, id="protobuf"),
    ],
)
def test_time_series(model: Raw, point: Raw) -> None:
    """A sample is added by its time, the oldest make room, a list replaces the series."""
    introspector = Introspector(series_limit=3)
    introspector.decorate(model, DecoratorType.PRIMARY, "device_id")
    item = model(device_id="d")
    usage = introspector.property_for(item, "usage")
    for stamp in (2, 1, 3, 2, 4):
        usage.set(item, point(stamp=stamp, value=stamp * 10.0))
    assert [(one.stamp, one.value) for one in item.usage] == [(2, 20.0), (3, 30.0), (4, 40.0)]
    usage.set(item, [point(stamp=9)])
    assert [one.stamp for one in item.usage] == [9]


def test_frozen_models_are_not_written(introspector: Introspector) -> None:
    """The attributes of a frozen model cannot be set, what is below can."""
    introspector.decorate(Fixed, DecoratorType.PRIMARY, "key")
    item = Fixed("k")
    with pytest.raises(PropertyError, match="the model is frozen"):
        introspector.property_for(item, "port").set(item, Port("p"))
    introspector.property_for(item, "port.name").set(item, "p")
    assert item.port.name == "p"


def test_a_part_that_cannot_be_empty(introspector: Introspector) -> None:
    """When the way cannot be created, the error says why."""
    introspector.decorate(Holder, DecoratorType.PRIMARY, "key")
    item = Holder("k")
    with pytest.raises(PropertyError, match=r"an empty Strict .* cannot be made: name is empty"):
        introspector.property_for(item, "part.name").set(item, "n")
    assert item.part is None


def test_protobuf_special_fields(introspector: Introspector) -> None:
    """Optional fields, oneofs, enums and fields named like keywords work."""
    item = DeviceMessage(device_id="d")

    def place(path: str) -> Raw:
        return introspector.property_for(item, path)

    assert place("limit").get(item) is None
    place("limit").set(item, 0)
    assert (place("limit").get(item), item.HasField("limit")) == (0, True)
    place("choice_text").set(item, "t")
    place("choice_port.name").set(item, "p")
    assert (place("choice_text").get(item), item.choice_port.name) == (None, "p")
    place("mood").set(item, "GLAD")
    place("moods").set(item, ["mad", 1])
    place("wide<18446744073709551615>").set(item, "2")
    assert (item.mood, list(item.moods), dict(item.wide)) == (1, [2, 1], {2**64 - 1: 2})
    place("from").set(item, "here")
    assert (place("from").get(item), getattr(item, "from")) == ("here", "here")
    place("blobs<1>").set(item, b"\x01")
    assert list(item.blobs) == [b"", b"\x01"]


def test_a_whole_list_for_one_item(introspector: Introspector) -> None:
    """Some peers send the whole list with the id of one item: that item is taken."""
    item = Device("d", names=["a", "b"])
    introspector.property_for(item, "names<1>").set(item, ["x", "y"])
    assert item.names == ["a", "y"]


@pytest.mark.feature("REF-36")
def test_enums_of_plain_models(introspector: Introspector) -> None:
    """Enums are set by member, number or name."""
    item = Device("d")
    for value in (Color.BLUE, 2, "BLUE", "blue", "2"):
        item.color = Color.NONE
        introspector.property_for(item, "color").set(item, value)
        assert item.color is Color.BLUE
    introspector.property_for(item, "side").set(item, "right")
    assert item.side.name == "RIGHT"
    with pytest.raises(PropertyError, match="'GREEN' is no value of Color; use NONE, RED, BLUE"):
        introspector.property_for(item, "color").set(item, "GREEN")


def test_equality_of_properties(introspector: Introspector) -> None:
    """Properties are values: they compare and hash by id."""
    one = introspector.property("device.count")
    assert one == introspector.property("Device.Count")
    assert (
        len({one, introspector.property("Device.Count"), introspector.property("device.up")}) == 2
    )
    assert one != "device.count"
    assert repr(one) == "PathProperty('device.count')"
