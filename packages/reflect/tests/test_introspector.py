# SPDX-License-Identifier: Apache-2.0
"""Type trees, decorators, keys and table views."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, make_dataclass
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.errors import InvalidInputError, NotFoundError, PropertyError
from l8types.pb import L8Health, L8Node, L8ReplicationIndex, L8TableView
from l8types.pb import TestProto as Sample
from l8types.pb import TestProtoSub as SampleSub
from reflect import Introspector, Updater, collect

from .models import (
    Color,
    Device,
    DeviceMessage,
    DeviceStruct,
    Port,
    PortMessage,
    Side,
    TimeSeriesPoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import ModelNode


@dataclass
class Address:
    """A model with several key candidates."""

    city: str = ""
    number: int = 0
    mail: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass
class Person:
    """A model with every kind of key attribute."""

    name: str = ""
    age: int = 0
    mail: str | None = None
    raw: bytes = b""
    friends: list[str] | None = None


def walk(node: ModelNode) -> Iterator[ModelNode]:
    """All nodes of a tree that ends."""
    yield node
    for below in node.attributes.values():
        yield from walk(below)


@pytest.mark.feature("REF-01", "REF-03", "REF-04", "REF-05", "REF-09", "REF-10")
def test_tree_of_the_reference_model() -> None:
    """The tree has the nodes that peers see: one root, 33 nodes, 26 of them leaves."""
    root = Introspector().inspect(Sample)
    nodes = list(walk(root))
    assert (len(nodes), sum(not node.attributes for node in nodes)) == (33, 26)
    assert [node.path for node in nodes if node.parent is None] == ["testproto"]
    deep = root.attributes["mymodelslice"].attributes["mysubs"].attributes["int32map"]
    assert deep.path == "testproto.mymodelslice.mysubs.int32map"
    assert (deep.container, deep.kind, deep.key_kind) == (Container.MAP, Kind.INT32, Kind.INT32)
    assert (deep.field_name, deep.attribute, deep.type_name) == ("Int32Map", "int32Map", "int32")


def test_nodes_tell_the_class_of_an_enumeration() -> None:
    """Values of Python models are members of a class, those of messages are plain numbers."""
    nodes = Introspector().inspect(Device).attributes
    assert {node.enum_class for node in nodes.values()} == {None, Color, Side}
    nodes = Introspector().inspect(Sample).attributes
    assert nodes["myenum"].enum is not None
    assert nodes["myenum"].enum_class is None


def test_nodes_tell_the_class_of_enumerated_keys() -> None:
    """The keys of a map have a class of their own, whatever its values are."""
    palette = make_dataclass("Palette", [("names", dict[Color, str]), ("sides", dict[str, Side])])
    nodes = Introspector().inspect(palette).attributes
    assert (nodes["names"].key_enum_class, nodes["names"].enum_class) == (Color, None)
    assert (nodes["sides"].key_enum_class, nodes["sides"].enum_class) == (None, Side)
    assert nodes["names"].key_kind is Kind.INT32


@pytest.mark.feature("REF-01")
def test_a_second_look_gives_the_same_root() -> None:
    """A model is read once, whether asked by class or by instance."""
    introspector = Introspector()
    assert introspector.inspect(Sample) is introspector.inspect(Sample(myString="k"))
    assert [node.type_name for node in introspector.roots()] == ["TestProto"]


def test_the_tree_is_the_same_for_every_kind_of_model() -> None:
    """Nodes of the same attribute look alike in a dataclass, a struct and a message."""
    introspector = Introspector()
    for name in ("up", "load", "names", "ports", "slots", "raw"):
        found = {
            (node.container, node.kind, node.key_kind, node.field_name)
            for node in (
                introspector.inspect(model).attributes[name]
                for model in (Device, DeviceStruct, DeviceMessage)
            )
        }
        assert len(found) == 1


def test_recursive_models_expand_on_demand() -> None:
    """The tree of a model that contains itself can be followed for ever."""
    node: ModelNode = Introspector().inspect(PortMessage)
    for _ in range(50):
        node = node.attributes["peer"]
    assert node.path == "portmessage" + ".peer" * 50
    assert node.presence is Presence.HAS_FIELD
    assert node.parent is not None
    assert node.parent.model is PortMessage


def test_a_part_with_an_attribute_of_its_own_name() -> None:
    """An attribute is what it is declared as, whatever is called so further below."""
    inner = make_dataclass("Inner", [("part", dict[str, int])])
    outer = make_dataclass("Outer", [("key", str), ("part", inner)])
    part = Introspector().inspect(outer).attributes["part"]
    assert (part.container, part.key_kind) == (Container.SINGLE, None)
    assert part.attributes["part"].container is Container.MAP


@pytest.mark.feature("REF-07", "REF-08")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("testproto.mysingle.mystring", "testproto.mysingle.mystring"),
        ("TESTPROTO.MyInt32ToInt64Map", "testproto.myint32toint64map"),
        ("TestProto", "testproto"),
        ("TestProtoSubSub", "testprotosubsub"),
        ("l8health.a_uuid", "l8health.auuid"),
        ("l8health.aUuid", "l8health.auuid"),
    ],
)
def test_lookup(introspector: Introspector, path: str, found: str) -> None:
    """Nodes are found by path and by type name, in any case and spelling."""
    assert introspector.node(path).path == found


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("testprot", r"unknown type 'testprot'; did you mean 'TestProto'\?"),
        ("testproto.mystrin", r"unknown attribute 'mystrin' of TestProto; did you mean 'myString'"),
        ("testproto.mystring.more", "has no attributes"),
        ("testproto.qqqqq", "known: myString, myInt32"),
    ],
)
def test_unknown_paths_suggest(introspector: Introspector, path: str, complaint: str) -> None:
    """An unknown name is answered with the nearest one."""
    with pytest.raises(NotFoundError, match=complaint):
        introspector.node(path)


@pytest.mark.feature("REF-02")
@pytest.mark.parametrize("value", [None, 3, "text", [], {}, int])
def test_no_models(value: object) -> None:
    """What is no model cannot be inspected."""
    with pytest.raises(InvalidInputError, match="is not a model"):
        Introspector().inspect(value)


def test_a_fault_in_a_nested_model_shows_at_once() -> None:
    """Inspecting a model reads the models below it too, and keeps nothing when one is bad."""
    introspector = Introspector()
    outer = make_dataclass("Outer", [("key", str), ("address", Address)])
    with pytest.raises(InvalidInputError, match="attribute 'tags' of Address"):
        introspector.inspect(outer)
    assert introspector.roots() == ()


def test_two_models_of_one_name() -> None:
    """A short name belongs to one model, until that is forgotten."""
    introspector = Introspector()
    first = make_dataclass("Same", [("key", str)])
    second = make_dataclass("Same", [("key", int)])
    introspector.inspect(first)
    with pytest.raises(InvalidInputError, match="already has the name 'Same'"):
        introspector.inspect(second)
    introspector.forget("same")
    assert introspector.inspect(second).attributes["key"].kind is Kind.INT64


@pytest.mark.feature("REF-12")
def test_forget(introspector: Introspector) -> None:
    """A forgotten model is gone with its nodes, keys and properties; the others stay."""
    assert introspector.property("device.count").node.kind is Kind.INT64
    introspector.forget("Device")
    introspector.forget("never known")
    with pytest.raises(NotFoundError, match="unknown type 'port'"):
        introspector.node("port")
    with pytest.raises(PropertyError, match="unknown type"):
        introspector.property("device.count")
    assert introspector.fields(Device, DecoratorType.PRIMARY) is None
    assert introspector.primary_key(Sample(myString="k")) == "k"


@pytest.mark.feature("REF-11")
def test_table_view(introspector: Introspector) -> None:
    """A table has the scalars as columns and the models as sub-tables."""
    view = introspector.table_view("testproto")
    assert (len(view.columns), len(view.sub_tables)) == (11, 3)
    assert view.table.decorators[1].fields == ["MyString"]
    columns = {column.field_name: column for column in view.columns}
    assert columns["MyInt32ToInt64Map"] == L8Node(
        type_name="int64",
        key_type_name="int32",
        field_name="MyInt32ToInt64Map",
        is_map=True,
        cached_key="testproto.myint32toint64map",
    )
    assert columns["MyStringSlice"].is_slice
    assert [table.type_name for table in view.sub_tables] == ["TestProtoSub"] * 3
    raw = next(one for one in introspector.table_view("Device").columns if one.field_name == "Raw")
    assert (raw.type_name, raw.is_slice) == ("uint8", True)
    assert introspector.table_view("TestProtoSub").columns
    with pytest.raises(NotFoundError):
        introspector.table_view("Nobody")


@pytest.mark.feature("REF-19", "REF-23")
def test_what_displays_are_told(introspector: Introspector) -> None:
    """Titles and editors come with the table; what is to be ignored is not in it."""
    introspector.decorate(Device, DecoratorType.TITLE, "note")
    introspector.decorate(Device, DecoratorType.EDITOR, "count")
    before = introspector.table_view("Device")
    assert before.table.decorators[4].fields == ["Note"]
    assert before.table.decorators[5].fields == ["Count"]
    introspector.decorate(Device, DecoratorType.IGNORE_ATTRIBUTE, "raw", "main")
    introspector.decorate(TimeSeriesPoint, DecoratorType.IGNORE)
    after = introspector.table_view("Device")

    def names(view: L8TableView) -> set[str]:
        return {node.field_name for node in (*view.columns, *view.sub_tables)}

    assert names(before) - names(after) == {"Raw", "Main", "Usage"}
    assert not introspector.table_view("TimeSeriesPoint").sub_tables
    assert "raw" in introspector.inspect(Device).attributes, "only displays leave it out"


@pytest.mark.feature("REF-18")
def test_closed_models(introspector: Introspector, updater: Updater) -> None:
    """Nobody looks into a model that is declared closed: it is one value, replaced as a whole."""
    old = Device("d", main=Port("a", 1), ports=[Port("p", 1)])
    new = Device("d", main=Port("a", 2), ports=[Port("p", 2)])
    assert [change.property_id for change in updater.diff(old, new)] == [
        "device<{24}{24}d>.main.speed",
        "device<{24}{24}d>.ports<{2}0>.speed",
    ]
    introspector.decorate(Port, DecoratorType.NO_NESTED_INSPECTION)
    assert introspector.fields(Port, DecoratorType.NO_NESTED_INSPECTION) == ()
    root = introspector.inspect(Device)
    assert root.attributes["main"].attributes == {}
    assert introspector.inspect(Port).attributes, "the model itself is open"
    with pytest.raises(PropertyError, match=r"Port is declared with NO_NESTED_INSPECTION"):
        introspector.property("device.main.name")
    with pytest.raises(NotFoundError, match=r"asked for 'name'"):
        introspector.node("device.main.name")
    columns = {node.field_name for node in introspector.table_view("Device").columns}
    assert {"Main", "Ports", "Slots"} <= columns
    found = updater.diff(old, new)
    assert [(change.property_id, change.new) for change in found] == [
        ("device<{24}{24}d>.main", Port("a", 2)),
        ("device<{24}{24}d>.ports", [Port("p", 2)]),
    ]
    assert updater.apply(found, old) == new
    assert list(collect(introspector, new, Port)) == [
        "device<{24}{24}d>.main",
        "device<{24}{24}d>.ports<{2}0>",
    ]


@pytest.mark.feature("REF-22")
def test_the_node_of_an_item() -> None:
    """The node of an item is found without any preparation; nothing has no node."""
    introspector = Introspector()
    node = introspector.inspect(SampleSub(myString="a"))
    assert (node.type_name, node.model) == ("TestProtoSub", SampleSub)
    assert node is introspector.node("testprotosub")
    with pytest.raises(InvalidInputError, match="NoneType is not a model"):
        introspector.inspect(None)


@pytest.mark.feature("REF-55")
@pytest.mark.parametrize(
    ("path", "is_root", "is_leaf"),
    [
        ("testproto", True, False),
        ("testproto.mystring", False, True),
        ("testproto.mystringslice", False, True),
        ("testproto.mysingle", False, False),
        ("testproto.mystring2modelmap", False, False),
        ("testproto.mysingle.mysubs.int32map", False, True),
    ],
)
def test_roots_and_leaves(path: str, is_root: bool, is_leaf: bool) -> None:
    """A node without parent is a root, one without attributes a leaf; its path is its identity."""
    introspector = Introspector()
    introspector.inspect(Sample)
    node = introspector.node(path)
    assert (node.parent is None, not node.attributes, node.path) == (is_root, is_leaf, path)


@pytest.mark.feature("REF-15", "REF-21")
def test_primary_key() -> None:
    """The key of an item is the texts of the key attributes, one after the other."""
    introspector = Introspector()
    introspector.decorate(L8ReplicationIndex, DecoratorType.PRIMARY, "service_name", "serviceArea")
    item = L8ReplicationIndex(service_name="Test2", service_area=3)
    assert introspector.primary_key(item) == "Test23"
    introspector.decorate(L8ReplicationIndex, DecoratorType.PRIMARY, "ServiceName")
    assert introspector.primary_key(item) == "Test2"
    assert introspector.fields(L8ReplicationIndex, DecoratorType.PRIMARY) == ("ServiceName",)


def test_keys_of_every_scalar_kind() -> None:
    """Numbers, booleans and enums can be keys."""
    introspector = Introspector()
    introspector.decorate(Device, DecoratorType.PRIMARY, "count", "up", "color", "side", "note")
    assert introspector.primary_key(Device("", up=True, count=-4)) == "-4true0left"


def test_missing_and_empty_primary_keys(introspector: Introspector) -> None:
    """No key, and an empty key, are told apart."""
    with pytest.raises(PropertyError, match="no primary key is declared for Port"):
        introspector.primary_key(Port())
    with pytest.raises(PropertyError, match="an item of TestProto has an empty primary key"):
        introspector.primary_key(Sample())
    introspector.decorate(Sample, DecoratorType.PRIMARY)
    with pytest.raises(PropertyError, match="no primary key is declared"):
        introspector.primary_key(Sample(myString="k"))


@pytest.mark.feature("REF-16")
def test_unique_key() -> None:
    """The unique key is a key beside the primary one; an empty one is none."""
    introspector = Introspector()
    assert introspector.unique_key(Person(mail="a@b")) is None
    introspector.decorate(Person, DecoratorType.UNIQUE, "mail")
    introspector.decorate(Person, DecoratorType.NON_UNIQUE, "age", "name")
    assert introspector.unique_key(Person(mail="a@b")) == "a@b"
    assert introspector.unique_key(Person()) is None
    assert introspector.fields(Person, DecoratorType.NON_UNIQUE) == ("Age", "Name")


@pytest.mark.feature("REF-15")
@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (("nam",), r"unknown attribute 'nam' of Person; did you mean 'name'\?"),
        (("friends",), "attribute 'friends' of Person cannot be part of a key"),
        (("raw",), "cannot be part of a key"),
    ],
)
def test_keys_are_checked_when_declared(fields: tuple[str, ...], complaint: str) -> None:
    """A key that cannot work is refused when it is declared, and nothing is kept."""
    introspector = Introspector()
    with pytest.raises(PropertyError, match=complaint):
        introspector.decorate(Person, DecoratorType.PRIMARY, *fields)
    assert introspector.fields(Person, DecoratorType.PRIMARY) is None


@pytest.mark.feature("REF-17", "REF-23")
def test_decorators_belong_to_the_model() -> None:
    """A decorator shows on every node of the model, wherever it is nested."""
    introspector = Introspector()
    root = introspector.inspect(Device)
    introspector.decorate(Port, DecoratorType.TITLE, "name")
    introspector.decorate(Device, DecoratorType.ALWAYS_FULL, "main.counters", "labels")
    assert root.attributes["ports"].decorators == {DecoratorType.TITLE: ("Name",)}
    assert root.decorators[DecoratorType.ALWAYS_FULL] == ("Main.Counters", "Labels")
    assert root.attributes["count"].decorators == {}
    with pytest.raises(PropertyError, match="is a path"):
        introspector.decorate(Device, DecoratorType.TITLE, "main.name")


@pytest.mark.feature("REF-14")
def test_many_threads() -> None:
    """Threads that inspect and decorate the same models at once agree on the result."""
    introspector = Introspector()

    def work(number: int) -> str:
        introspector.inspect((Sample, L8Health, Device, SampleSub)[number % 4])
        introspector.decorate(Sample, DecoratorType.PRIMARY, "MyString")
        return introspector.property("testproto<{24}{24}k>.mysingle.mystring").id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(work, range(64)))
    assert ids == {"testproto<{24}{24}k>.mysingle.mystring"}
    assert len(introspector.roots()) == 4
