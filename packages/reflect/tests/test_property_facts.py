# SPDX-License-Identifier: Apache-2.0
"""What properties tell, make and refuse, beside reading and writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from l8types.enums import DecoratorType, Kind, SerializerMode
from l8types.errors import ConfigurationError, DecodeError, EncodeError, PropertyError
from l8types.pb import L8ReplicationIndex
from l8types.pb import TestProtoSub as SampleSub
from reflect import Introspector, equal

from .models import Device, DeviceMessage, DeviceStruct, Port, PortMessage, PortStruct

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


families = pytest.mark.parametrize(
    ("model", "port"),
    [
        pytest.param(Device, Port, id="dataclass"),
        pytest.param(DeviceStruct, PortStruct, id="struct"),
        pytest.param(DeviceMessage, PortMessage, id="protobuf"),
    ],
)


@pytest.mark.feature("REF-26")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("testproto", "[TestProto]"),
        ("testproto<{24}{24}k>.myint32", "[TestProto][MyInt32]"),
        (
            "testproto<{24}{24}1.2.3.4>.mystring2modelmap<{24}5.6.7.8>.mystring",
            "[TestProto][MyString2ModelMap 5.6.7.8][MyString]",
        ),
        ("testproto.mymodelslice<{2}0>", "[TestProto][MyModelSlice 0]"),
        ("devicemessage.flags<{1}true>", "[DeviceMessage][Flags true]"),
        ("device.slots<{24%}a%3Cb>.name", "[Device][Slots a<b][Name]"),
        ("testproto.mystring2modelmap.mystring", "[TestProto][MyString2ModelMap][MyString]"),
    ],
)
def test_names_for_people(introspector: Introspector, text: str, shown: str) -> None:
    """A place has a name for people, with the keys on the way but not the key of the item."""
    assert introspector.property(text).display_id == shown


@pytest.mark.feature("REF-29")
@families
def test_a_new_item_of_an_id(introspector: Introspector, model: Raw, port: Raw) -> None:
    """An id with a key is enough to make the item that it speaks of."""
    name = model.__name__.lower()
    place = introspector.property(f"{name}<{{24}}{{24}}test-id>.main.name")
    item = place.new_item()
    assert equal(item, model(device_id="test-id"))
    place.set(item, "m")
    assert equal(item, model(device_id="test-id", main=port(name="m")))
    assert equal(introspector.property(f"{name}.count").new_item(), model(device_id="")), (
        "without a key the item is empty"
    )


@pytest.mark.feature("REF-29")
def test_a_new_item_of_several_keys(introspector: Introspector) -> None:
    """All attributes of the key are filled, also from the older form of an id."""
    for text in ("l8replicationindex<{24}{24}Test2::{5}3>", "l8replicationindex<Test2::3>"):
        item = introspector.property(text).new_item()
        assert item == L8ReplicationIndex(service_name="Test2", service_area=3)


@pytest.mark.feature("REF-29")
def test_a_new_item_that_cannot_be_made(introspector: Introspector) -> None:
    """A model that cannot be empty, or cannot be written, is refused with the reason."""
    introspector.decorate(Strict, DecoratorType.PRIMARY, "name")
    introspector.decorate(Fixed, DecoratorType.PRIMARY, "key")
    with pytest.raises(PropertyError, match="an empty Strict cannot be made: name is empty"):
        introspector.property("strict<a>").new_item()
    with pytest.raises(PropertyError, match="the model is frozen"):
        introspector.property("fixed<a>").new_item()


@pytest.mark.feature("REF-41")
def test_what_a_property_tells(introspector: Introspector) -> None:
    """A property tells its node, what is above it, its keys, and whether anything is below."""
    name = introspector.property("device<{24}{24}d>.slots<{24}s>.children<{2}1>.name")
    assert (name.is_leaf, name.key, name.root_key) == (True, None, ("d",))
    assert name.node.kind is Kind.STRING
    above = name.parent
    assert above is not None
    assert above.id == "device<{24}{24}d>.slots<{24}s>.children<{2}1>"
    assert (above.is_leaf, above.key, above.node.field_name) == (False, 1, "Children")
    slot = above.parent
    assert slot is not None
    assert (slot.key, slot.id) == ("s", "device<{24}{24}d>.slots<{24}s>")
    root = slot.parent
    assert root is not None
    assert (root.id, root.key, root.root_key) == ("device<{24}{24}d>", None, ("d",))
    assert (root.parent, root.is_leaf) == (None, False)
    assert introspector.property("device.names").is_leaf
    assert introspector.property("device.count").root_key == ()


@pytest.mark.feature("REF-58")
@families
def test_below_a_property(introspector: Introspector, model: Raw, port: Raw) -> None:
    """A property below another is that of the whole path, and resolved only once."""
    item = model(device_id="d", slots={"s": port(children=[port(name="a"), port(name="b")])})
    slot = introspector.property_for(item, "slots<s>")
    name = slot.below("children<1>.Name")
    assert name == introspector.property_for(item, "slots<s>.children<1>.name")
    assert name.get(item) == "b"
    assert slot.below("children<1>.Name") is name
    assert name.parent == slot.below("children<1>")
    with pytest.raises(PropertyError, match=r"unknown attribute 'nam' of .*did you mean 'name'"):
        slot.below("nam")


class Forms:
    """Ports are written ``name/speed``."""

    mode = SerializerMode.STRING

    def marshal(self, value: object) -> bytes:
        """Not needed for reading."""
        raise EncodeError(f"{value!r} is not written here")

    def unmarshal(self, data: bytes, model: Raw) -> Raw:
        """A port of such a text."""
        name, separator, speed = data.decode(errors="replace").partition("/")
        if not separator:
            raise DecodeError("a port is written name/speed")
        return model(name=name, speed=int(speed))


@pytest.mark.feature("REF-37")
@families
def test_texts_become_models(model: Raw, port: Raw) -> None:
    """Where a model belongs, a text is read by the serializer of texts; elsewhere it stays one."""
    introspector = Introspector(texts=Forms)
    introspector.decorate(model, DecoratorType.PRIMARY, "device_id")
    item = model(device_id="d")
    for path in ("main", "slots<s>", "ports<0>"):
        introspector.property_for(item, path).set(item, "eth0/100")
    introspector.property_for(item, "main.name").set(item, "a/b")
    eth0 = port(name="eth0", speed=100)
    expected = model(
        device_id="d", main=port(name="a/b", speed=100), slots={"s": eth0}, ports=[eth0]
    )
    assert equal(item, expected)
    for text, shown in (("eth0", "'eth0'"), ("x" * 99, "'x+…'"), ("\ud800", ".*")):
        with pytest.raises(PropertyError, match=rf"{shown} is no .*: a port is written name/speed"):
            introspector.property_for(item, "main").set(item, text)
    with pytest.raises(PropertyError, match="is no list of"):
        introspector.property_for(item, "ports").set(item, "eth0/100")
    assert equal(item, expected)


@pytest.mark.feature("REF-37")
def test_texts_without_a_form() -> None:
    """Without a serializer for texts, a text is no model; the error shows both."""

    def none() -> Raw:
        raise ConfigurationError("no serializer for string")

    for introspector in (Introspector(texts=none), Introspector()):
        introspector.decorate(Device, DecoratorType.PRIMARY, "device_id")
        item = Device("d")
        with pytest.raises(PropertyError, match=r"'eth0/100' \(str\) is no Port"):
            introspector.property_for(item, "main").set(item, "eth0/100")


@pytest.mark.parametrize("wrong", [None, 5, "text", [], SampleSub(), Port()])
@pytest.mark.parametrize("path", ["main.name", "count", "slots<s>.name", "ports.name", "note"])
@families
def test_reading_something_else(
    introspector: Introspector, model: Raw, port: Raw, path: str, wrong: object
) -> None:
    """What is no item of the model is refused by name, not by an odd error of Python."""
    place = introspector.property(f"{model.__name__}.{path}")
    if path == "count" and isinstance(wrong, str | list):
        # Texts and lists have a method of that name: duck typing is not checked on every read.
        return
    for read in (place.get, lambda item: list(place.values(item))):
        with pytest.raises(PropertyError, match=rf"a property of {model.__name__} cannot be read"):
            read(wrong)
    assert port is not wrong


def test_errors_of_the_model_itself_are_not_hidden(introspector: Introspector) -> None:
    """An item of the right model that has lost an attribute is another matter."""
    item = Device("d")
    del item.main
    with pytest.raises(AttributeError, match="main"):
        introspector.property("device.main.name").get(item)


@pytest.mark.parametrize("text", ["", "x"])
def test_short_and_long_way_agree(introspector: Introspector, text: str) -> None:
    """What is read without asking whether the parts are there, is what asking would have given."""
    item = DeviceMessage(device_id="d")
    place = introspector.property_for(item, "main.peer.name")
    assert place.get(item) is None
    item.main.peer.SetInParent()
    item.main.peer.name = text
    assert place.get(item) == text
    children = introspector.property_for(item, "main.peer.children")
    assert list(children.get(item)) == []  # type: ignore[call-overload]
    item.main.peer.ClearField("name")
    item.main.ClearField("peer")
    assert (place.get(item), children.get(item)) == (None, None)


def test_empty_byte_strings(introspector: Introspector) -> None:
    """Over the wire an empty byte string arrives as nothing: in a list or map it is one again."""
    item = DeviceMessage(device_id="d", blobs=[b"a", b"b"], flags={True: b"x"})
    introspector.property_for(item, "blobs<1>").set(item, None)
    assert list(item.blobs) == [b"a", b""]
    introspector.property_for(item, "blobs").set(item, [None, b"c"])
    introspector.property_for(item, "flags").set(item, {False: None})
    assert (list(item.blobs), dict(item.flags)) == ([b"", b"c"], {False: b""})


@families
def test_absent_models_in_containers(introspector: Introspector, model: Raw, port: Raw) -> None:
    """Lists and maps of peers can hold nothing where a model belongs; here they do not."""
    item = model(device_id="d")
    introspector.property_for(item, "ports").set(item, [None, port(name="b")])
    introspector.property_for(item, "slots").set(item, {"a": None, "b": port(name="b")})
    expected = model(device_id="d", ports=[port(), port(name="b")], slots={"b": port(name="b")})
    assert equal(item, expected)


@families
def test_only_the_last_level_is_replaced(introspector: Introspector, model: Raw, port: Raw) -> None:
    """In a model that contains itself, a value does not end up further above than it belongs."""
    item = model(device_id="d", main=port(name="a", peer=port(name="b")))
    introspector.property_for(item, "main.peer").set(item, port(name="c"))
    assert (item.main.name, item.main.peer) == ("a", port(name="c"))
    introspector.property_for(item, "main.peer.name").set(item, None)
    assert (item.main.name, item.main.peer) == ("a", port())
