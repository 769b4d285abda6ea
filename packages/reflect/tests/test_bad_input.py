# SPDX-License-Identifier: Apache-2.0
"""Values, ids and instances that do not fit their model: errors that name the place and the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from l8types.enums import DecoratorType, UpdateMode
from l8types.errors import InvalidInputError, PropertyError
from l8types.values import Change, ChangeSet
from reflect import Cloner, Introspector, Updater, equal

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
in_python = pytest.mark.parametrize(
    ("model", "port"),
    [
        pytest.param(Device, Port, id="dataclass"),
        pytest.param(DeviceStruct, PortStruct, id="struct"),
    ],
)


@families
@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("count", "abc", r"'abc' \(str\) is no int64"),
        ("main.speed", [1], r"\[1\] \(list\) is no int\d\d"),
        ("raw", 5, r"5 \(int\) is no bytes"),
        ("names", "abc", r"'abc' \(str\) is no list of string"),
        ("labels", [1], r"\[1\] \(list\) is no map of string to string"),
        ("main", 5, r"5 \(int\) is no Port"),
        ("ports", [5], r"5 \(int\) is no Port"),
        ("slots<a>.children<0>.name", [], r"\[\] \(list\) is no string"),
    ],
)
def test_a_value_of_a_wrong_type(
    introspector: Introspector, model: Raw, port: Raw, path: str, value: object, reason: str
) -> None:
    """The error names the model and the attribute, shows the value, and what it should be."""
    item = model(device_id="d")
    first = path.partition(".")[0].partition("<")[0]
    place = re.escape(f"cannot set {model.__name__.lower()}<{{24}}{{24}}d>.{first}") + ".*: "
    with pytest.raises(PropertyError, match=place + reason):
        introspector.property_for(item, path).set(item, value)
    change = Change(introspector.property_for(item, path).id, None, value)
    with pytest.raises(PropertyError, match=place + reason):
        Updater(introspector).apply(ChangeSet(model.__name__, "d", (change,)), item)
    assert equal(item, model(device_id="d"))
    assert port is not model


@families
def test_an_unknown_attribute(introspector: Introspector, model: Raw, port: Raw) -> None:
    """The error names the model and suggests the nearest name, at any depth."""
    name = model.__name__
    for path, shown in (("nam", f"{name}; did you mean 'names'"), ("main.nam", "did you mean")):
        with pytest.raises(PropertyError, match=rf"unknown attribute 'nam' of .*{shown}"):
            introspector.property(f"{name}.{path}")
    with pytest.raises(PropertyError, match=rf"unknown attribute 'nam' of {name}"):
        introspector.decorate(model, DecoratorType.UNIQUE, "nam")
    with pytest.raises(PropertyError, match=f"did you mean 'name'.*|of {port.__name__}"):
        introspector.property(f"{name}.slots<a>.nam")


@families
def test_a_key_of_a_wrong_type(introspector: Introspector, model: Raw, port: Raw) -> None:
    """The error names the map."""
    with pytest.raises(PropertyError, match=r"key of map 'totals': 'one' \(str\) is no int"):
        introspector.property(f"{model.__name__}.totals<one>")
    assert port is not model


@families
@pytest.mark.parametrize("key", ["a.b", "a>b", "<", "a::b", "{24}a", "{5}", "a>.b<", " ", "é\n"])
def test_a_key_with_separators(introspector: Introspector, model: Raw, port: Raw, key: str) -> None:
    """Whatever is in a key, as that of the item or of an entry, its id leads back to its place."""
    old = model(device_id=key, slots={key: port(speed=1)})
    new = model(device_id=key, slots={key: port(speed=2)})
    (change,) = Updater(introspector).diff(old, new)
    assert introspector.property(change.property_id).get(new) == 2
    introspector.property(change.property_id).set(old, 2)
    assert equal(old, new)


@in_python
@pytest.mark.parametrize("mode", UpdateMode)
@pytest.mark.parametrize(
    ("attribute", "old", "new", "reason"),
    [
        ("count", 0, "abc", r"count is 'abc' \(str\), the model declares int64"),
        ("note", "a", 5, r"note is 5 \(int\), the model declares string"),
        ("names", [], ["a", 5], r"names<\{2\}1> is 5 \(int\), the model declares string"),
        ("names", ["a"], [5], r"names<\{2\}0> is 5 \(int\), the model declares string"),
        ("names", ["a"], 5, r"names is 5 \(int\), the model declares a list of string"),
        ("labels", {"a": "b"}, [5], r"labels is \[5\] \(list\), the model declares a map"),
        ("labels", {"a": "b"}, {5: "b"}, r"labels is 5 \(int\), the model declares string"),
        ("labels", {"a": "b"}, {"a": 5}, r"labels<.*a> is 5 \(int\), the model declares string"),
    ],
)
def test_an_instance_that_does_not_fit_its_model(
    introspector: Introspector,
    model: Raw,
    port: Raw,
    mode: UpdateMode,
    attribute: str,
    old: object,
    new: object,
    reason: str,
) -> None:
    """Python lets an attribute hold anything; what differs is checked, and named with its place."""
    before, after = model(device_id="d"), model(device_id="d", main=port(name="m"))
    setattr(before, attribute, old)
    setattr(after, attribute, new)
    with pytest.raises(PropertyError, match=rf"(?i){model.__name__}.*{reason}"):
        Updater(introspector).diff(before, after, mode=mode)


@in_python
def test_parts_that_do_not_fit_their_model(
    introspector: Introspector, model: Raw, port: Raw
) -> None:
    """A part of another type is named with its place, however it is held."""
    diff = Updater(introspector).diff
    before = model(device_id="d", main=port(), ports=[port()], slots={"a": port()})
    for attribute, value, place in (
        ("main", 5, "main"),
        ("ports", [model(device_id="e")], r"ports<\{2\}0>"),
        ("slots", {"a": "text"}, "slots<a>"),
        ("device_id", 5, "device_id"),
    ):
        after = Cloner().clone(before)
        setattr(after, attribute, value)
        with pytest.raises(PropertyError, match=rf"{model.__name__}\.{place} is .* declares"):
            diff(after, before)


@in_python
def test_a_model_that_contains_itself(introspector: Introspector, model: Raw, port: Raw) -> None:
    """The error names where, and what to do; a copy keeps the cycle."""

    def item() -> Raw:
        made = model(device_id="d", main=port(name="a", children=[port(name="b")]))
        made.main.children[0].peer = made.main
        return made

    with pytest.raises(
        PropertyError,
        match=rf"{model.__name__}.main.children<.*0>.peer contains itself; .* refer to a part by",
    ):
        Updater(introspector).diff(item(), item())
    with pytest.raises(InvalidInputError, match=f"two {model.__name__} cannot be compared"):
        equal(item(), item())
    copy = Cloner().clone(item())
    assert copy.main.children[0].peer is copy.main


@in_python
def test_a_model_that_is_too_deep(introspector: Introspector, model: Raw, port: Raw) -> None:
    """The error names the limit; ids that deep are refused as well."""

    def item(leaf: str) -> Raw:
        part = port(name=leaf)
        for _ in range(2000):
            part = port(peer=part)
        return model(device_id="d", main=part)

    with pytest.raises(PropertyError, match="is nested deeper than 100 levels; keep its parts in"):
        Updater(introspector).diff(item("a"), item("b"))
    with pytest.raises(PropertyError, match="more than 128 parts; shorten the path"):
        introspector.property(f"{model.__name__}.main{'.peer' * 200}")


@in_python
@pytest.mark.parametrize("mode", UpdateMode)
def test_nothing_where_a_model_belongs(
    introspector: Introspector, model: Raw, port: Raw, mode: UpdateMode
) -> None:
    """An entry of a map that is nothing is not there, an item of a list is an empty one."""
    updater = Updater(introspector)
    gaps = model(device_id="d", main=port(name="m"), ports=[None], slots={"a": None})
    tidy = model(device_id="d", main=port(name="m"), ports=[port()], slots={})
    full = model(device_id="d", main=port(name="m"), ports=[port(name="p")], slots={"a": port()})
    assert updater.diff(gaps, full, mode=mode) == updater.diff(tidy, full, mode=mode)
    assert updater.diff(full, gaps, mode=mode) == updater.diff(full, tidy, mode=mode)
    assert gaps.ports == [None], "comparing changes nothing"
    assert gaps.slots == {"a": None}, "comparing changes nothing"
    growing = model(device_id="d", main=port(name="m"), ports=[port(name="p"), None])
    assert updater.diff(full, growing, mode=UpdateMode.PATCH).changes == (
        Change(f"{model.__name__.lower()}<{{24}}{{24}}d>.ports<{{2}}1>", None, port()),
    )
    applied = updater.apply(updater.diff(gaps, full, mode=mode), gaps)
    assert equal(applied, full)


@in_python
def test_what_cannot_be_copied(model: Raw, port: Raw) -> None:
    """A copy is refused with the place of what does not fit; gaps are closed in it."""
    clone = Cloner().clone
    for attribute, value, place in (
        ("main", 5, "main"),
        ("ports", 5, "ports"),
        ("ports", [port(), 5], r"ports<\{2\}1>"),
        ("slots", {"a": "text"}, "slots<a>"),
    ):
        item = model(device_id="d")
        setattr(item, attribute, value)
        with pytest.raises(PropertyError, match=rf"{model.__name__}\.{place} is .* declares"):
            clone(item)
    gaps = model(device_id="d", ports=[None, port(name="p")], slots={"a": None, "b": port()})
    tidy = model(device_id="d", ports=[port(), port(name="p")], slots={"b": port()})
    assert equal(clone(gaps), tidy)
    assert gaps.ports[0] is None
    assert clone(gaps).ports[1] is not gaps.ports[1]


def test_an_instance_that_has_lost_an_attribute(introspector: Introspector) -> None:
    """What is neither a gap nor a wrong type is told as Python tells it."""
    broken = Device("d")
    del broken.main
    with pytest.raises(AttributeError, match="main"):
        Updater(introspector).diff(broken, Device("d"))
    with pytest.raises(AttributeError, match="main"):
        Cloner().clone(broken)


@families
def test_an_item_that_fits_is_accepted(model: Raw, port: Raw) -> None:
    """Whatever the model declares may be kept: parts, lists and maps of parts, numbers as such."""
    item = model(device_id="d", names=["a"], labels={"a": "b"}, main=port(name="p"))
    item.ports.extend([port(name="q"), port(name="r", speed=3)])
    Updater(Introspector()).check(item)


@in_python
@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("count", "abc", "int64"),
        ("device_id", 5, "string"),
        ("names", ["a", 1], "string"),
        ("names", "abc", "a list of string"),
        ("labels", {"a": 1}, "string"),
        ("main", "abc", "Port"),
    ],
)
def test_an_item_that_does_not_fit_is_named_before_it_is_kept(
    model: Raw, port: Raw, place: str, value: object, expected: str
) -> None:
    """The error tells the model, the attribute, what is there and what is declared."""
    item = model(device_id="d")
    setattr(item, place, value)
    with pytest.raises(PropertyError, match=rf"{model.__name__}\.{place}.*{expected}"):
        Updater(Introspector()).check(item)


@in_python
def test_an_item_that_contains_itself_is_not_accepted(model: Raw, port: Raw) -> None:
    """A cycle ends in an error that names where it closes, not in a full stack."""
    item = model(device_id="d", main=port(name="p"))
    item.main.children = [item.main]
    with pytest.raises(PropertyError, match=r"main\.children.*contains itself"):
        Updater(Introspector()).check(item)
