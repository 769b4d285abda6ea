# SPDX-License-Identifier: Apache-2.0
"""The same model three times: as a dataclass, as a struct and as a protobuf message.

Each has every kind of attribute. The message is made from a descriptor at run time, since the
contract has no message with optional fields, oneofs, repeated enums and byte maps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from l8types.enums import Kind

if TYPE_CHECKING:
    from reflect._shapes import Raw


class Color(IntEnum):
    """An enum with numbers."""

    NONE = 0
    RED = 1
    BLUE = 2


class Side(StrEnum):
    """An enum with texts."""

    LEFT = "left"
    RIGHT = "right"


@dataclass
class Port:
    """A nested model that contains itself."""

    name: str = ""
    speed: int = 0
    tags: list[str] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    peer: Port | None = None
    children: list[Port] = field(default_factory=list)


@dataclass(order=True, frozen=True)
class TimeSeriesPoint:
    """A sample."""

    stamp: int = 0
    value: float = 0.0


@dataclass
class Device:
    """A model with every kind of attribute."""

    device_id: str
    up: bool = False
    count: int = 0
    small: Annotated[int, Kind.UINT32] = 0
    load: float = 0.0
    ratio: Annotated[float, Kind.FLOAT32] = 0.0
    raw: bytes = b""
    color: Color = Color.NONE
    side: Side = Side.LEFT
    note: str | None = None
    limit: int | None = None
    main: Port = field(default_factory=Port)
    spare: Port | None = None
    names: list[str] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    colors: list[Color] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    maybe: list[int] | None = None
    labels: dict[str, str] = field(default_factory=dict)
    totals: dict[int, float] = field(default_factory=dict)
    flags: dict[bool, bytes] = field(default_factory=dict)
    slots: dict[str, Port] = field(default_factory=dict)
    extra: dict[str, Port] | None = None
    usage: list[TimeSeriesPoint] = field(default_factory=list)


class PortStruct(msgspec.Struct):
    """A nested struct that contains itself."""

    name: str = ""
    speed: int = 0
    tags: list[str] = []
    counters: dict[str, int] = {}
    peer: PortStruct | None = None
    children: list[PortStruct] = []


class DeviceStruct(msgspec.Struct):
    """The same model as a struct."""

    device_id: str
    up: bool = False
    count: int = 0
    load: float = 0.0
    raw: bytes = b""
    color: Color = Color.NONE
    note: str | None = None
    main: PortStruct = msgspec.field(default_factory=PortStruct)
    spare: PortStruct | None = None
    names: list[str] = []
    ports: list[PortStruct] = []
    maybe: list[int] | None = None
    labels: dict[str, str] = {}
    totals: dict[int, float] = {}
    slots: dict[str, PortStruct] = {}
    extra: dict[str, PortStruct] | None = None


class FlatStruct(msgspec.Struct, rename="camel"):
    """A struct that the comparison of msgspec covers completely."""

    flat_id: str
    first_value: float = 0.0


_Type = descriptor_pb2.FieldDescriptorProto
_Message = descriptor_pb2.DescriptorProto

_SCALARS = {
    "up": _Type.TYPE_BOOL,
    "count": _Type.TYPE_INT64,
    "small": _Type.TYPE_UINT32,
    "big": _Type.TYPE_UINT64,
    "signed": _Type.TYPE_SINT32,
    "load": _Type.TYPE_DOUBLE,
    "ratio": _Type.TYPE_FLOAT,
    "raw": _Type.TYPE_BYTES,
    "from": _Type.TYPE_STRING,
}


def _add(
    message: _Message,
    name: str,
    kind: _Type.Type.ValueType,
    type_name: str = "",
    *,
    many: bool = False,
) -> _Type:
    label = _Type.LABEL_REPEATED if many else _Type.LABEL_OPTIONAL
    number = len(message.field) + 1
    return message.field.add(
        name=name, number=number, type=kind, label=label, type_name=type_name or None
    )


def _add_map(
    message: _Message,
    name: str,
    key: _Type.Type.ValueType,
    value: _Type.Type.ValueType,
    type_name: str = "",
) -> None:
    entry_name = "".join(part.capitalize() for part in name.split("_")) + "Entry"
    entry = message.nested_type.add(name=entry_name)
    entry.options.map_entry = True
    _add(entry, "key", key)
    _add(entry, "value", value, type_name)
    full = f".reflect_tests.{message.name}.{entry_name}"
    _add(message, name, _Type.TYPE_MESSAGE, full, many=True)


def _add_optional(message: _Message, name: str, kind: _Type.Type.ValueType) -> None:
    added = _add(message, name, kind)
    added.proto3_optional = True
    added.oneof_index = len(message.oneof_decl)
    message.oneof_decl.add(name=f"_{name}")


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="reflect_tests.proto", package="reflect_tests", syntax="proto3"
    )
    enum = file.enum_type.add(name="Mood")
    for number, name in enumerate(("CALM", "GLAD", "MAD")):
        enum.value.add(name=name, number=number)
    point = file.message_type.add(name="L8TimeSeriesPoint")
    _add(point, "stamp", _Type.TYPE_INT64)
    _add(point, "value", _Type.TYPE_DOUBLE)
    port = file.message_type.add(name="PortMessage")
    _add(port, "name", _Type.TYPE_STRING)
    _add(port, "speed", _Type.TYPE_INT32)
    _add(port, "peer", _Type.TYPE_MESSAGE, ".reflect_tests.PortMessage")
    _add(port, "children", _Type.TYPE_MESSAGE, ".reflect_tests.PortMessage", many=True)
    _add_map(port, "counters", _Type.TYPE_STRING, _Type.TYPE_INT64)
    device = file.message_type.add(name="DeviceMessage")
    _add(device, "device_id", _Type.TYPE_STRING)
    for name, kind in _SCALARS.items():
        _add(device, name, kind)
    _add(device, "mood", _Type.TYPE_ENUM, ".reflect_tests.Mood")
    device.oneof_decl.add(name="choice")
    _add(device, "choice_text", _Type.TYPE_STRING).oneof_index = 0
    choice = _add(device, "choice_port", _Type.TYPE_MESSAGE, ".reflect_tests.PortMessage")
    choice.oneof_index = 0
    _add_optional(device, "limit", _Type.TYPE_INT32)
    _add_optional(device, "note", _Type.TYPE_STRING)
    _add(device, "main", _Type.TYPE_MESSAGE, ".reflect_tests.PortMessage")
    _add(device, "names", _Type.TYPE_STRING, many=True)
    _add(device, "loads", _Type.TYPE_FLOAT, many=True)
    _add(device, "blobs", _Type.TYPE_BYTES, many=True)
    _add(device, "moods", _Type.TYPE_ENUM, ".reflect_tests.Mood", many=True)
    _add(device, "ports", _Type.TYPE_MESSAGE, ".reflect_tests.PortMessage", many=True)
    _add(device, "usage", _Type.TYPE_MESSAGE, ".reflect_tests.L8TimeSeriesPoint", many=True)
    _add_map(device, "labels", _Type.TYPE_STRING, _Type.TYPE_STRING)
    _add_map(device, "totals", _Type.TYPE_INT64, _Type.TYPE_DOUBLE)
    _add_map(device, "flags", _Type.TYPE_BOOL, _Type.TYPE_BYTES)
    _add_map(device, "wide", _Type.TYPE_UINT64, _Type.TYPE_ENUM, ".reflect_tests.Mood")
    _add_map(device, "slots", _Type.TYPE_STRING, _Type.TYPE_MESSAGE, ".reflect_tests.PortMessage")
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def _message(name: str) -> Raw:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"reflect_tests.{name}"))


DeviceMessage = _message("DeviceMessage")
PortMessage = _message("PortMessage")
PointMessage = _message("L8TimeSeriesPoint")
