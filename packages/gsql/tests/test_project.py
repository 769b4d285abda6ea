# SPDX-License-Identifier: Apache-2.0
"""Items reduced to the selected columns."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from gsql import QueryFactory
from l8types.pb import tests_pb2

from .fakes import FakeInspector
from .models import Device, Port

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from l8types.protocols.models import ModelNode


@pytest.mark.feature("GQ-26")
def test_all_columns_give_the_item_itself(queries: QueryFactory, devices: list[Device]) -> None:
    """Nothing is made where nothing is left out."""
    assert queries.parse("select * from Device").project(devices[0]) is devices[0]


@pytest.mark.feature("GQ-26")
def test_only_the_selected_attributes_are_set(queries: QueryFactory, devices: list[Device]) -> None:
    """Required attributes that are not selected are zero, optional ones absent."""
    query = queries.parse("select vendor, count, note from Device")
    assert query.project(devices[0]) == Device("", vendor="Cisco Systems", count=3, note="Hello")


@pytest.mark.feature("GQ-26")
def test_nested_columns(queries: QueryFactory, devices: list[Device]) -> None:
    """Below lists and maps each element is reduced in its place."""
    query = queries.parse("select main.speed, ports.name, slots.speed, extra.name from Device")
    assert query.project(devices[0]) == Device(
        "",
        main=Port("", 10),
        ports=[Port("eth0"), Port("lo")],
        slots={1: Port("", 5)},
    )
    assert query.project(devices[1]) == Device("")


def test_a_whole_attribute_swallows_its_parts(queries: QueryFactory, devices: list[Device]) -> None:
    """Selecting a sub-tree and a part of it gives the sub-tree."""
    for columns in ("main, main.speed", "main.speed, main"):
        query = queries.parse(f"select {columns} from Device")
        assert query.project(devices[0]) == Device("", main=Port("eth0", 10))


@pytest.mark.feature("GQ-26")
def test_messages(queries: QueryFactory) -> None:
    """Presence of sub-messages, lists and maps is kept."""
    item = tests_pb2.TestProto(
        myString="x",
        myInt32=3,
        mySingle=tests_pb2.TestProtoSub(myString="y", myInt64=5),
        myModelSlice=[tests_pb2.TestProtoSub(myString="z", myInt64=6)],
        myStringSlice=["a"],
    )
    item.MyString2ModelMap["k"].myString = "m"
    item.MyString2ModelMap["k"].myInt64 = 7
    query = queries.parse(
        "select myint32, mysingle.mystring, mymodelslice.myint64, mystringslice, "
        "mystring2modelmap.mystring from TestProto"
    )
    expected = tests_pb2.TestProto(
        myInt32=3,
        mySingle=tests_pb2.TestProtoSub(myString="y"),
        myModelSlice=[tests_pb2.TestProtoSub(myInt64=6)],
        myStringSlice=["a"],
    )
    expected.MyString2ModelMap["k"].myString = "m"
    assert query.project(item) == expected
    assert query.project(tests_pb2.TestProto()) == tests_pb2.TestProto()
    whole = queries.parse("select mysingle, myint64 from TestProto")
    assert whole.project(item) == tests_pb2.TestProto(mySingle=item.mySingle)
    assert whole.project(tests_pb2.TestProto()) == tests_pb2.TestProto()


@dataclass
class Inner:
    """Cannot be absent in its owner."""

    name: str
    parts: list[str] = field(default_factory=lambda: ["default"])


@dataclass
class Strict:
    """Fills in defaults that a projection must not show."""

    inner: Inner
    message: tests_pb2.TestProtoSub
    kind: str = "default"
    flag: bool = True


def test_defaults_do_not_show() -> None:
    """An attribute that is not selected is empty, whatever its class would fill in."""
    queries = QueryFactory(FakeInspector(Strict))
    item = Strict(Inner("x", ["y"]), tests_pb2.TestProtoSub(myString="m"), "k")
    assert queries.parse("select kind from Strict").project(item) == Strict(
        Inner("", []), tests_pb2.TestProtoSub(), "k", flag=False
    )
    assert queries.parse("select inner.name from Strict").project(item) == Strict(
        Inner("x", []), tests_pb2.TestProtoSub(), "", flag=False
    )


def keyword_model() -> type[Message]:
    """A message with a field that is called like a keyword of Python."""
    file = descriptor_pb2.FileDescriptorProto(name="mail.proto", package="mail", syntax="proto3")
    message = file.message_type.add(name="Mail")
    for number, name in enumerate(("from", "to"), 1):
        message.field.add(
            name=name,
            number=number,
            type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("mail.Mail"))


def test_an_attribute_called_like_a_keyword_of_python() -> None:
    """It is read, written and compared like any other."""
    model = keyword_model()
    queries = QueryFactory(FakeInspector(model))
    mail = model(**{"from": "a", "to": "b"})
    query = queries.parse("select from, from from Mail where from=A and to=b sort-by from")
    assert query.sort(query.filter([mail, model()])) == [mail]
    assert query.project(mail) == model(**{"from": "a"})


def test_an_attribute_with_an_impossible_name() -> None:
    """Only identifiers get into the generated code; other names are data."""
    inspector = FakeInspector(Port)
    node: ModelNode = inspector.node("port").attributes["name"]
    node.attribute = "name or __import__('os')"  # type: ignore[misc]
    query = QueryFactory(inspector).parse("select * from Port where name=x")
    assert query.filter([Port("x")]) == []
