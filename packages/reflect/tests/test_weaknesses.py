# SPDX-License-Identifier: Apache-2.0
"""Where changes used to be lost, doubled or disordered: what is promised instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.enums import UpdateMode
from l8types.errors import NotFoundError, PropertyError
from l8types.pb import TestProto as Sample
from l8types.values import DELETED, Change, ChangeSet
from reflect import Introspector, Updater, equal

from .models import Device, DeviceMessage, DeviceStruct, Port, PortMessage, PortStruct

if TYPE_CHECKING:
    from reflect._shapes import Raw

families = pytest.mark.parametrize(
    ("model", "port"),
    [
        pytest.param(Device, Port, id="dataclass"),
        pytest.param(DeviceStruct, PortStruct, id="struct"),
        pytest.param(DeviceMessage, PortMessage, id="protobuf"),
    ],
)


def test_a_patch_can_clear(updater: Updater) -> None:
    """Changes that are named count: zero, false, empty and absent values arrive as such."""
    root = "device<{24}{24}d>"
    item = Device(
        "d",
        up=True,
        count=3,
        note="n",
        raw=b"r",
        names=["a"],
        labels={"a": "1"},
        main=Port("m", 5),
        slots={"s": Port(), "t": Port()},
    )
    cleared = (
        Change(f"{root}.up", True, False),
        Change(f"{root}.count", 3, 0),
        Change(f"{root}.note", "n", None),
        Change(f"{root}.raw", b"r", b""),
        Change(f"{root}.names", ["a"], []),
        Change(f"{root}.labels", {"a": "1"}, None),
        Change(f"{root}.main.speed", 5, 0),
        Change(f"{root}.slots<{{24}}s>", Port(), DELETED),
    )
    updater.apply(ChangeSet("Device", "d", cleared), item)
    assert equal(item, Device("d", main=Port("m"), slots={"t": Port()}))


@families
def test_a_patch_of_named_attributes_can_clear(updater: Updater, model: Raw, port: Raw) -> None:
    """Attributes that are named take zero and nothing too; no other one is touched."""

    def old() -> Raw:
        return model(
            device_id="d",
            up=True,
            count=3,
            note="n",
            raw=b"r",
            names=["a", "b"],
            labels={"a": "1", "b": "2"},
            main=port(name="m", speed=5),
            slots={"s": port(name="x", speed=1)},
        )

    new = model(device_id="d", labels={"a": "1"}, load=9.5, slots={"s": port(name="x")})
    names = ("up", "Note", "raw", "names", "labels", "main.speed", "slots")
    found = updater.diff_of(old(), new, *names)
    expected = model(
        device_id="d",
        count=3,
        labels={"a": "1"},
        main=port(name="m"),
        slots={"s": port(name="x")},
    )
    assert equal(updater.apply(found, old()), expected)
    assert equal(updater.apply(updater.invert(found), expected), old())
    assert not updater.diff_of(old(), new)
    with pytest.raises(PropertyError, match=f"unknown attribute 'nam' of {model.__name__}; did"):
        updater.diff_of(old(), new, "up", "nam")
    with pytest.raises(PropertyError, match=r"'slots.name' passes through 'slots' .* name that"):
        updater.diff_of(old(), new, "slots.name")


def test_a_named_attribute_of_a_part_that_comes_or_goes(updater: Updater) -> None:
    """Of a part that was not there only what is named is made; of one that goes, only that goes."""
    none, full = Device("d"), Device("d", spare=Port("s", speed=5, tags=["t"]))
    came = updater.diff_of(none, full, "spare.speed", "spare.tags")
    assert updater.apply(came, Device("d")).spare == Port(speed=5, tags=["t"])
    went = updater.diff_of(full, none, "spare.tags")
    assert updater.apply(went, Device("d", spare=Port("s", 5, ["t"]))).spare == Port("s", 5)


def test_a_replica_follows_by_changes_alone(updater: Updater) -> None:
    """Changes of one item, applied to another that is equal, leave no attribute different.

    None of those that are not in the changes is touched, not even a truth value.
    """
    owner = Device("d", up=True, raw=b"r", count=1, main=Port("m", tags=["x"]))
    replica = Device("d", up=True, raw=b"r", count=1, main=Port("m", tags=["x"]))
    found = updater.diff(owner, Device("d", count=2), mode=UpdateMode.PATCH)
    assert [change.new for change in found] == [2]
    for item in (owner, replica):
        updater.apply(found, item)
    assert equal(owner, replica)
    assert (owner.up, owner.raw, owner.count) == (True, b"r", 2)


def test_lists_grow(updater: Updater) -> None:
    """A list of scalars can become longer, by a patch and by changes."""
    old, new = Sample(myString="k", myInt32Slice=[1]), Sample(myString="k", myInt32Slice=[1, 2, 3])
    for mode in UpdateMode:
        assert (
            updater.apply(
                updater.diff(old, new, mode=mode), Sample.FromString(old.SerializeToString())
            )
            == new
        )


def test_changes_have_one_order(updater: Updater) -> None:
    """Attributes come as declared, entries by key, whatever order a map was filled in."""
    keys = [f"k{number:02}" for number in range(20)]
    old, one, other = (Sample(myString="k") for _ in range(3))
    old.MyString2StringMap["z"] = ""
    for item, order in ((one, keys), (other, keys[::-1])):
        item.MyString2StringMap.update(dict.fromkeys(order, "1"))
        item.myBool, item.myInt32 = True, 5
    ids = [change.property_id.partition(">.")[2] for change in updater.diff(old, one)]
    entries = [f"mystring2stringmap<{{24}}{key}>" for key in [*keys, "z"]]
    assert ids == ["myint32", *entries, "mybool"]
    assert updater.diff(old, other) == updater.diff(old, one)


def test_each_comparison_stands_alone(updater: Updater) -> None:
    """What one comparison found is in no other."""
    first = updater.diff(Device("d"), Device("d", count=1))
    assert len(updater.diff(Device("d"), Device("d", up=True))) == 1
    assert len(first) == 1


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**63)])
def test_whole_numbers_stay_exact(introspector: Introspector, number: int) -> None:
    """No whole number goes through a float; what does not fit is an error, not another number."""
    for item in (Device("d"), DeviceMessage(device_id="d")):
        place = introspector.property_for(item, "count")
        for value in (number, str(number)):
            place.set(item, value)
            assert item.count == number
        with pytest.raises(PropertyError, match=r"count: 9223372036854775808 is not in"):
            place.set(item, 2**63)
        assert item.count == number


def test_an_index_behind_the_end(introspector: Introspector) -> None:
    """Reading behind the end of a list gives nothing, in every kind of model."""
    for item in (Device("d", names=["a"]), DeviceMessage(device_id="d", names=["a"])):
        for path in ("names<1>", "ports<0>.name", "slots<none>.children<5>.name"):
            assert introspector.property_for(item, path).get(item) is None


@pytest.mark.feature("REF-57")
def test_known_models_are_a_map(introspector: Introspector) -> None:
    """Models are put in, found, listed by what they are and taken out, also while it is read."""
    introspector.inspect(Device)
    known = introspector.roots()
    for root in known:
        assert introspector.node(root.path) is root
        leaves = [node.path for node in root.attributes.values() if not node.attributes]
        assert leaves
        assert all(introspector.node(path).path == path for path in leaves)
        introspector.forget(root.type_name)
    assert Device in {root.model for root in known}, "a list that was given does not change"
    assert introspector.roots() == ()
    with pytest.raises(NotFoundError, match="unknown type 'device'"):
        introspector.node("device")
    assert introspector.inspect(Device) is introspector.node("device")
