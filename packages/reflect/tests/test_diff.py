# SPDX-License-Identifier: Apache-2.0
"""The changes of every kind of attribute, as they are written and as peers see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from l8types.enums import DecoratorType, UpdateMode
from l8types.errors import InvalidInputError, PropertyError
from l8types.pb import L8Health, L8HealthStats, L8ReplicationIndex, L8ServiceAreas, L8Services
from l8types.pb import TestProto as Sample
from l8types.pb import TestProtoSub as SampleSub
from l8types.pb.tests_pb2 import ValueOne
from l8types.values import DELETED, Change, ChangeSet
from reflect import Introspector, Updater

from .models import Device, DeviceMessage, DeviceStruct, PointMessage, Port, TimeSeriesPoint

if TYPE_CHECKING:
    from reflect._shapes import Raw

PUT, PATCH = UpdateMode.PUT, UpdateMode.PATCH


def changes(updater: Updater, old: object, new: object, mode: UpdateMode) -> list[Raw]:
    """Changes as (path below the root, old, new)."""
    found = updater.diff(old, new, mode=mode)
    return [(change.property_id.partition(">.")[2], change.old, change.new) for change in found]


@pytest.mark.feature("REF-45", "REF-49")
def test_change_ids_of_a_health_record(updater: Updater) -> None:
    """The ids and values are those that a node of the Go ecosystem sends after a keep-alive."""
    uuid = "aaaaaaaa-0000-4000-8000-00000000000a"
    unknown = -1
    old = L8Health(
        a_uuid=uuid,
        services=L8Services(),
        stats=L8HealthStats(
            memory_usage=1,
            last_msg_time=unknown,
            tx_msg_count=unknown,
            tx_data_count=unknown,
            rx_msg_count=unknown,
            rx_data_cont=unknown,
        ),
    )
    areas = {name: L8ServiceAreas(areas={0: True}) for name in ("Tests", "Plugin", "Health")}
    new = L8Health(
        a_uuid=uuid,
        services=L8Services(service_to_areas=areas),
        stats=L8HealthStats(
            memory_usage=2216432,
            last_msg_time=1795409669311,
            tx_msg_count=7,
            tx_data_count=2500,
            rx_msg_count=11,
            rx_data_cont=5968,
        ),
        start_time=1795409668794,
    )
    root = "l8health<{24}{24}aaaaaaaa-0000-4000-8000-00000000000a>"
    found = updater.diff(old, new, mode=PATCH)
    assert (found.model, found.key) == ("L8Health", uuid)
    assert {change.property_id: (change.old, change.new) for change in found} == {
        f"{root}.services.servicetoareas": (None, areas),
        f"{root}.stats.memoryusage": (1, 2216432),
        f"{root}.stats.lastmsgtime": (-1, 1795409669311),
        f"{root}.stats.txmsgcount": (-1, 7),
        f"{root}.stats.txdatacount": (-1, 2500),
        f"{root}.stats.rxmsgcount": (-1, 11),
        f"{root}.stats.rxdatacont": (-1, 5968),
        f"{root}.starttime": (0, 1795409668794),
    }


@pytest.mark.feature("REF-45", "REF-50", "REF-51")
def test_rows_of_the_change_table(updater: Updater) -> None:
    """Every kind of change has its id, its old and its new value."""
    old = Sample(myString="k", myInt32=1, myModelSlice=[SampleSub(myString="a")])
    old.myStringSlice.extend(["a", "b", "c"])
    old.MyString2StringMap.update({"a": "1", "b": "2"})
    old.MyString2ModelMap["x"].myString = "old"
    old.mySingle.myString = "s"
    new = Sample(myString="k", myInt32=2, myEnum=ValueOne)
    new.myModelSlice.extend([SampleSub(myString="b"), SampleSub(myString="c")])
    new.myStringSlice.append("z")
    new.MyString2StringMap.update({"c": "3", "a": "9"})
    new.MyString2ModelMap["x"].myString = "new"
    new.MyString2ModelMap["y"].myInt64 = 1
    new.MyInt32ToInt64Map[3] = 33
    assert changes(updater, old, new, PUT) == [
        ("myint32", 1, 2),
        ("mysingle", SampleSub(myString="s"), None),
        ("mystringslice<{2}0>", "a", "z"),
        ("mystringslice<{2}1>", ["b", "c"], DELETED),
        ("mymodelslice<{2}0>.mystring", "a", "b"),
        ("mymodelslice<{2}1>", None, SampleSub(myString="c")),
        ("mystring2stringmap<{24}a>", "1", "9"),
        ("mystring2stringmap<{24}c>", None, "3"),
        ("mystring2stringmap<{24}b>", "2", DELETED),
        ("myint32toint64map", None, {3: 33}),
        ("mystring2modelmap<{24}x>.mystring", "old", "new"),
        ("mystring2modelmap<{24}y>", None, SampleSub(myInt64=1)),
        ("myenum", 0, 1),
    ]


@pytest.mark.feature("REF-45", "REF-47")
def test_patch_leaves_out_what_is_absent(updater: Updater) -> None:
    """A patch sees zero values, missing parts and empty containers as absent."""
    old = Device(
        "d",
        up=True,
        count=3,
        raw=b"r",
        note="n",
        limit=4,
        main=Port("m", 5),
        spare=Port("s"),
        names=["a", "b"],
        ports=[Port("p", 1)],
        labels={"a": "1"},
        maybe=[1],
        slots={"s": Port("x")},
    )
    assert changes(updater, old, Device("d"), PATCH) == []
    new = Device(
        "d",
        limit=0,
        main=Port("new"),
        names=["", "b", "c"],
        ports=[Port(speed=2)],
        labels={"a": "", "b": "2"},
        slots={"s": Port(tags=["t"])},
    )
    assert changes(updater, old, new, PATCH) == [
        ("limit", 4, 0),
        ("main.name", "m", "new"),
        ("names<{2}0>", "a", ""),
        ("names<{2}2>", None, "c"),
        ("ports<{2}0>.speed", 1, 2),
        ("labels<{24}a>", "1", ""),
        ("labels<{24}b>", None, "2"),
        ("slots<{24}s>.tags", None, ["t"]),
    ]


def test_patch_with_explicit_presence(updater: Updater) -> None:
    """An optional field of a message that is set to zero is there, also in a patch."""
    old = DeviceMessage(device_id="d", limit=4, note="n", count=3)
    assert changes(updater, old, DeviceMessage(device_id="d", limit=0), PATCH) == [("limit", 4, 0)]
    assert changes(updater, old, DeviceMessage(device_id="d", limit=0), PUT) == [
        ("count", 3, 0),
        ("limit", 4, 0),
        ("note", "n", None),
    ]


def test_none_and_empty_are_told_apart(updater: Updater) -> None:
    """Where a model knows None and empty, a change between them is a change."""
    empty, none = Device("d", maybe=[], extra={}), Device("d")
    assert changes(updater, none, empty, PUT) == [("maybe", None, []), ("extra", None, {})]
    assert changes(updater, empty, none, PUT) == [("maybe", [], None), ("extra", {}, None)]
    assert changes(updater, none, empty, PATCH) == []


@pytest.mark.feature("REF-17", "REF-52")
@pytest.mark.parametrize("mode", [PUT, PATCH])
def test_always_overwrite(introspector: Introspector, updater: Updater, mode: UpdateMode) -> None:
    """What is declared so is replaced as a whole, at any depth, and only when it differs."""
    introspector.decorate(
        Device, DecoratorType.ALWAYS_FULL, "labels", "main", "names", "ports.counters"
    )
    introspector.decorate(Port, DecoratorType.ALWAYS_FULL, "tags")
    old = Device(
        "d",
        main=Port("m", 1),
        names=["a", "b"],
        labels={"a": "1", "b": "2"},
        ports=[Port(counters={"a": 1, "b": 2}, tags=["x"])],
        slots={"s": Port(tags=["a", "b"])},
    )
    new = Device(
        "d",
        main=Port("m", 2),
        names=["a"],
        labels={"a": "1"},
        ports=[Port(counters={"a": 1}, tags=["x"])],
        slots={"s": Port(tags=["a"])},
    )
    assert changes(updater, old, new, mode) == [
        ("main", Port("m", 1), Port("m", 2)),
        ("names", ["a", "b"], ["a"]),
        ("ports<{2}0>.counters", {"a": 1, "b": 2}, {"a": 1}),
        ("labels", {"a": "1", "b": "2"}, {"a": "1"}),
        ("slots<{24}s>.tags", ["a", "b"], ["a"]),
    ]
    assert changes(updater, new, Device("d"), PATCH) == []


@pytest.mark.feature("REF-53")
@pytest.mark.parametrize(
    ("model", "point"),
    [
        pytest.param(Device, TimeSeriesPoint, id="dataclass"),
        pytest.param(DeviceMessage, PointMessage, id="protobuf"),
    ],
)
def test_time_series(introspector: Introspector, model: Raw, point: Raw) -> None:
    """A series is never compared point by point: PUT replaces it, PATCH merges it by time."""
    updater = Updater(introspector, series_limit=3)
    one, two, three, four = (point(stamp=stamp, value=1.0) for stamp in (1, 2, 3, 4))
    other = point(stamp=2, value=5.0)
    old = model(device_id="d", usage=[one, two])
    assert changes(updater, old, model(device_id="d", usage=[other]), PUT) == [
        ("usage", [one, two], [other])
    ]
    assert changes(updater, old, model(device_id="d", usage=[four, three, other]), PATCH) == [
        ("usage", [one, two], [other, three, four])
    ]
    assert changes(updater, old, model(device_id="d", usage=[two]), PATCH) == []
    assert changes(updater, old, model(device_id="d"), PATCH) == []
    assert changes(updater, old, model(device_id="d"), PUT) == [("usage", [one, two], None)]
    assert changes(updater, model(device_id="d"), old, PATCH) == [("usage", None, [one, two])]


@pytest.mark.feature("REF-54")
def test_different_models(updater: Updater) -> None:
    """Items of two models cannot be compared."""
    with pytest.raises(InvalidInputError, match="a Device cannot be compared with a DeviceStruct"):
        updater.diff(Device("d"), DeviceStruct("d"))


def test_keys_are_needed_and_have_to_agree(introspector: Introspector, updater: Updater) -> None:
    """A comparison is one of two states of the same item."""
    with pytest.raises(PropertyError, match="no primary key is declared for Port"):
        updater.diff(Port(), Port("b"))
    with pytest.raises(PropertyError, match="an item of Device has an empty primary key"):
        updater.diff(Device(""), Device("", count=1))
    with pytest.raises(PropertyError, match="the items have different keys, 'd' and 'e'"):
        updater.diff(Device("d"), Device("e"))
    ab = L8ReplicationIndex(service_name="a1", service_area=2)
    with pytest.raises(PropertyError, match="different keys, 'a12' and 'a12'"):
        updater.diff(ab, L8ReplicationIndex(service_name="a", service_area=12))
    introspector.decorate(Device, DecoratorType.PRIMARY, "count")
    assert updater.diff(Device("d", count=7), Device("e", count=7)).key == "7"


@pytest.mark.feature("REF-46")
def test_nothing_is_shared(updater: Updater) -> None:
    """Neither item is touched, and the changes live on when the items change."""
    old, new = Device("d"), Device("d", spare=Port("s", tags=["t"]), ports=[Port("p")])
    found = updater.diff(old, new)
    assert old == Device("d")
    assert new.spare is not None
    new.spare.tags.append("later")
    new.ports[0].name = "later"
    target = updater.apply(found, Device("d"))
    assert target == Device("d", spare=Port("s", tags=["t"]), ports=[Port("p")])
    assert target.spare is not None
    target.spare.name = "mine"
    assert updater.apply(found, Device("d")).spare == Port("s", tags=["t"])


@pytest.mark.feature("REF-32")
def test_changes_of_peers(updater: Updater) -> None:
    """Changes as the Go ecosystem sends them can be applied one by one."""
    root = "testproto<{24}{24}k>"
    received = ChangeSet(
        "TestProto",
        "k",
        (
            Change(f"{root}.mybool", True, False),
            Change(f"{root}.mystringslice<{{2}}1>", None, ["a", "b"]),
            Change(f"{root}.mymodelslice<{{2}}0>", None, SampleSub(myString="a")),
            Change(f"{root}.mystring2stringmap<{{24}}x>", None, "1"),
            Change(f"{root}.mystring2stringmap<{{24}}gone>", "1", DELETED),
            Change(f"{root}.mysingle", SampleSub(), None),
            Change("testproto<{24}k>.myint64", 0, 5),
        ),
    )
    item = Sample(myString="k", myBool=True, myStringSlice=["a"], mySingle=SampleSub(myInt64=1))
    item.MyString2StringMap["gone"] = "1"
    expected = Sample(myString="k", myInt64=5, myStringSlice=["a", "b"])
    expected.myModelSlice.add(myString="a")
    expected.MyString2StringMap["x"] = "1"
    assert updater.apply(received, item) == expected


def test_a_change_that_does_not_fit(updater: Updater) -> None:
    """A change of another item, or of an unknown attribute, is refused."""
    for place, complaint in [
        ("testproto<{24}{24}other>.myint32", "belongs to TestProto"),
        ("testproto<{24}{24}k>.unknown", "unknown attribute"),
    ]:
        with pytest.raises(PropertyError, match=complaint):
            updater.apply(ChangeSet("TestProto", "k", (Change(place, 0, 1),)), Sample(myString="k"))


def test_undo_needs_to_know_what_was_removed(updater: Updater) -> None:
    """The cut of a list that does not tell the items cannot be undone."""
    cut = Change("device<{24}{24}d>.names<{2}1>", None, DELETED)
    with pytest.raises(PropertyError, match="does not tell what was removed"):
        updater.invert(ChangeSet("Device", "d", (cut,)))


def test_changes_compare_as_values(updater: Updater) -> None:
    """The same comparison gives equal change sets; no difference gives an empty, falsy one."""
    old, new = Device("d"), Device("d", count=1)
    assert updater.diff(old, new) == updater.diff(old, replace(new))
    assert not updater.diff(old, Device("d"))
