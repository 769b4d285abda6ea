# SPDX-License-Identifier: Apache-2.0
"""Compares the compiled descriptors with `contract.json`, the table that the contract is.

The table was not made from the `.proto` sources, so a slip in either shows here. It is written by
file: package, enums as name to number, messages as rows of number, name, type, label and oneof.
"""

import json
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from l8types import pb

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor


class Row(NamedTuple):
    """What the contract says about one field."""

    number: int
    name: str
    type: str
    label: str
    oneof: str | None


class FileTable(TypedDict):
    """What the contract says about one `.proto` file."""

    package: str
    enums: dict[str, dict[str, int]]
    messages: dict[str, list[Row]]


def load_contract() -> dict[str, FileTable]:
    """Read the table, by the path of the `.proto` file."""
    text = Path(__file__).with_name("contract.json").read_text(encoding="utf-8")
    contract: dict[str, FileTable] = json.loads(text)
    for table in contract.values():
        for name, rows in table["messages"].items():
            table["messages"][name] = [Row(*row) for row in rows]
    return contract


CONTRACT = load_contract()
ENUMS = [(path, name) for path, table in CONTRACT.items() for name in table["enums"]]
MESSAGES = [(path, name) for path, table in CONTRACT.items() for name in table["messages"]]


def load_descriptors() -> dict[str, FileDescriptorProto]:
    """Import every generated module and return its description, by the path of its source."""
    found = {}
    for module in pkgutil.iter_modules(pb.__path__, f"{pb.__name__}."):
        descriptor: FileDescriptor = import_module(module.name).DESCRIPTOR
        found[descriptor.name] = FileDescriptorProto()
        descriptor.CopyToProto(found[descriptor.name])
    return found


DESCRIPTORS = load_descriptors()


def message_of(path: str, name: str) -> DescriptorProto:
    """Return the compiled description of a message."""
    return next(found for found in DESCRIPTORS[path].message_type if found.name == name)


def enum_of(path: str, name: str) -> EnumDescriptorProto:
    """Return the compiled description of an enum."""
    return next(found for found in DESCRIPTORS[path].enum_type if found.name == name)


def type_text(field: FieldDescriptorProto) -> str:
    """Write a field's type as the table does: a scalar's keyword or the full name."""
    keyword = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return field.type_name.removeprefix(".") or keyword


def row_of(message: DescriptorProto, package: str, field: FieldDescriptorProto) -> Row:
    """Write a compiled field as a row of the table."""
    oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    label, text = "repeated" if repeated else "singular", type_text(field)
    for nested in message.nested_type:
        if text == f"{package}.{message.name}.{nested.name}" and nested.options.map_entry:
            key, value = map(type_text, nested.field)
            label, text = "map", f"map<{key}, {value}>"
    return Row(field.number, field.name, text, label, oneof)


def camel(name: str) -> str:
    """Turn a field's name into its standard JSON name."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def test_the_table_is_whole() -> None:
    """The table has 108 messages with 627 fields, and 29 enums."""
    fields = sum(len(CONTRACT[path]["messages"][name]) for path, name in MESSAGES)
    assert (len(MESSAGES), fields, len(ENUMS)) == (108, 627, 29)


def test_the_modules_are_those_of_the_table() -> None:
    """There is one generated module per file of the table, and no other."""
    assert DESCRIPTORS.keys() == CONTRACT.keys()


@pytest.mark.parametrize("path", CONTRACT)
def test_file_declares_what_the_table_lists(path: str) -> None:
    """A file has the table's package, messages and enums, none besides, and is proto3."""
    found, table = DESCRIPTORS[path], CONTRACT[path]
    assert (found.package, found.syntax) == (table["package"], "proto3")
    assert {message.name for message in found.message_type} == table["messages"].keys()
    assert {enum.name for enum in found.enum_type} == table["enums"].keys()
    assert not found.extension
    assert not found.service


@pytest.mark.feature(
    "TYP-49",
    "TYP-50",
    "TYP-51",
    "TYP-52",
    "TYP-53",
    "TYP-54",
    "TYP-55",
    "TYP-56",
    "TYP-57",
    "TYP-58",
    "TYP-59",
    "TYP-60",
)
@pytest.mark.parametrize(("path", "name"), MESSAGES)
def test_message_has_the_fields_of_the_table(path: str, name: str) -> None:
    """Every field has the table's number, name, type, label and oneof; there is none besides."""
    message, package = message_of(path, name), CONTRACT[path]["package"]
    rows = [row_of(message, package, field) for field in message.field]
    assert rows == CONTRACT[path]["messages"][name]


@pytest.mark.parametrize(("path", "name"), MESSAGES)
def test_message_nests_nothing_but_map_entries(path: str, name: str) -> None:
    """No type hides inside a message, where its short name would not be its identity."""
    message = message_of(path, name)
    assert all(nested.options.map_entry for nested in message.nested_type)
    assert not message.enum_type


@pytest.mark.parametrize("name", pb.__all__)
def test_json_names_follow_the_rule(name: str) -> None:
    """The JSON name of a field is the standard one of its name, mixed spelling included."""
    for field in getattr(pb, name).DESCRIPTOR.fields:
        assert field.json_name == camel(field.name)


@pytest.mark.parametrize(("path", "name"), ENUMS)
def test_enum_has_the_values_of_the_table(path: str, name: str) -> None:
    """Every value of an enum has the table's name and number; there is none besides."""
    values = {value.name: value.number for value in enum_of(path, name).value}
    assert values == CONTRACT[path]["enums"][name]


def test_retired_numbers_and_names_stay_reserved() -> None:
    """What older peers used with another meaning cannot come back by accident."""
    web = message_of("l8types/pb/web.proto", "L8WebService")
    config = message_of("l8types/pb/sysconfig.proto", "L8SysConfig")
    web_config = message_of("l8types/pb/sysconfig.proto", "L8WebAppConfig")
    assert [(span.start, span.end) for span in web.reserved_range] == [(6, 14)]
    assert list(config.reserved_name) == ["logs_directory"]
    assert list(web_config.reserved_name) == ["cert"]


def test_package_exports_every_message_once() -> None:
    """All messages are exported flat; no short name occurs twice."""
    assert sorted(name for _, name in MESSAGES) == sorted(pb.__all__)
    for path, name in MESSAGES:
        full_name = getattr(pb, name).DESCRIPTOR.full_name
        assert full_name == f"{CONTRACT[path]['package']}.{name}"


@pytest.mark.parametrize("path", CONTRACT)
def test_sources_come_with_the_package(path: str) -> None:
    """A model's own `.proto` file can import ours from where the package is installed."""
    assert Path(pb.__path__[0], Path(path).name).is_file()
