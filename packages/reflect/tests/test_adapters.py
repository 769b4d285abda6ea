# SPDX-License-Identifier: Apache-2.0
"""What the adapters read from model classes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from typing import Annotated, ClassVar, NewType, Optional

import msgspec
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from l8types.enums import Container, Kind, Presence
from l8types.errors import InvalidInputError
from l8types.pb import L8Health
from l8types.pb import TestProto as Sample
from reflect import equal
from reflect._adapters import shape_of

from .models import Color, Device, DeviceMessage, DeviceStruct, FlatStruct, Port, Side

Meters = NewType("Meters", int)


class Plain(Enum):
    """An enum that is neither number nor text."""

    ONE = 1


@dataclass
class Supported:
    """Hints that are not in the common models."""

    registry: ClassVar[dict[str, int]] = {}
    key: str
    distance: Meters = Meters(0)
    old_style: Optional[int] = None  # noqa: UP045 - people write it
    _cache: int = 0
    XXX_sizecache: int = 0


@dataclass(frozen=True)
class Frozen:
    """A frozen model with a required nested one."""

    key: str
    port: Port
    counts: list[int] = field(default_factory=list)


@pytest.mark.feature("REF-03")
@pytest.mark.parametrize(
    ("model", "path", "expected"),
    [
        (Sample, "mystring2modelmap", (Container.MAP, Kind.MESSAGE, Kind.STRING)),
        (Sample, "myint32toint64map", (Container.MAP, Kind.INT64, Kind.INT32)),
        (Sample, "myint32slice", (Container.LIST, Kind.INT32, None)),
        (Sample, "myenum", (Container.SINGLE, Kind.INT32, None)),
        (DeviceMessage, "raw", (Container.SINGLE, Kind.UINT8, None)),
        (DeviceMessage, "blobs", (Container.LIST, Kind.UINT8, None)),
        (DeviceMessage, "wide", (Container.MAP, Kind.INT32, Kind.UINT64)),
        (Device, "small", (Container.SINGLE, Kind.UINT32, None)),
        (Device, "deviceid", (Container.SINGLE, Kind.STRING, None)),
        (Device, "maybe", (Container.LIST, Kind.INT64, None)),
        (Device, "slots", (Container.MAP, Kind.MESSAGE, Kind.STRING)),
        (Device, "color", (Container.SINGLE, Kind.INT32, None)),
        (Device, "side", (Container.SINGLE, Kind.STRING, None)),
        (DeviceStruct, "totals", (Container.MAP, Kind.FLOAT64, Kind.INT64)),
    ],
)
def test_containers_and_kinds(
    model: type, path: str, expected: tuple[Container, Kind, Kind | None]
) -> None:
    """Every kind of attribute is recognized in every kind of model."""
    found = shape_of(model).by_path[path]
    assert (found.container, found.element.kind, found.key and found.key.kind) == expected


@pytest.mark.parametrize(
    ("model", "path", "presence"),
    [
        (DeviceMessage, "count", Presence.ALWAYS),
        (DeviceMessage, "limit", Presence.HAS_FIELD),
        (DeviceMessage, "choicetext", Presence.HAS_FIELD),
        (DeviceMessage, "main", Presence.HAS_FIELD),
        (DeviceMessage, "ports", Presence.ALWAYS),
        (Device, "count", Presence.ALWAYS),
        (Device, "note", Presence.NONE),
        (Device, "main", Presence.ALWAYS),
        (Device, "spare", Presence.NONE),
        (DeviceStruct, "maybe", Presence.NONE),
    ],
)
def test_presence(model: type, path: str, presence: Presence) -> None:
    """How absence shows is known for every attribute."""
    assert shape_of(model).by_path[path].presence is presence


def test_enums() -> None:
    """Enums tell their names, also those of messages."""
    color = shape_of(Device).by_path["color"].element
    assert (color.enum, color.enum_class) == ({"NONE": 0, "RED": 1, "BLUE": 2}, Color)
    assert shape_of(Device).by_path["side"].element.enum_class is Side
    mood = shape_of(DeviceMessage).by_path["mood"].element
    assert (mood.type_name, mood.enum) == ("Mood", {"CALM": 0, "GLAD": 1, "MAD": 2})


def test_names_in_all_spellings() -> None:
    """Attributes are found by declared, Go-style and JSON-style names."""
    assert shape_of(L8Health).by_alias["a_uuid"].name == "AUuid"
    assert shape_of(L8Health).by_alias["auuid"].attribute == "a_uuid"
    assert shape_of(FlatStruct).by_alias["firstvalue"].attribute == "first_value"
    assert shape_of(Device).by_alias["device_id"].name == "DeviceId"


@pytest.mark.feature("REF-06")
def test_ignored_attributes() -> None:
    """Class variables and private attributes are no attributes of the model."""
    shape = shape_of(Supported)
    assert list(shape.by_path) == ["key", "distance", "oldstyle"]
    assert shape.private == ("_cache", "XXX_sizecache")
    assert shape.by_path["oldstyle"].presence is Presence.NONE


def test_empty_instances() -> None:
    """An empty instance can be made of models with required attributes."""
    assert shape_of(Device).new() == Device("")
    assert shape_of(Frozen).new() == Frozen("", Port())
    assert shape_of(FlatStruct).new() == FlatStruct("")


@pytest.mark.parametrize(
    "hint",
    [
        int | str,
        set[int],
        tuple[int, ...],
        list[list[int]],
        list[int | None],
        dict[float, int],
        dict[Port, int],
        dt.datetime,
        object,
        Plain,
        Annotated[int, Kind.STRING],
        list,
    ],
)
def test_unsupported_hints_name_model_and_attribute(hint: object) -> None:
    """A hint that cannot be supported is refused with its place and what can be used."""
    model = make_dataclass("Odd", [("key", str), ("thing", hint)])
    with pytest.raises(InvalidInputError, match=r"attribute 'thing' of Odd has the unsupported"):
        shape_of(model)


def test_unresolvable_hint() -> None:
    """A forward reference to nothing is refused with advice."""
    model = make_dataclass("Lost", [("key", "Nowhere")])
    with pytest.raises(InvalidInputError, match="type hint of Lost cannot be resolved"):
        shape_of(model)


@pytest.mark.feature("REF-02")
@pytest.mark.parametrize("model", [int, str, dict, list, Plain])
def test_not_a_model(model: type) -> None:
    """Scalars, lists and maps are no models."""
    with pytest.raises(InvalidInputError, match="is not a model"):
        shape_of(model)


def test_attributes_that_share_a_path() -> None:
    """Two attributes of the same path are refused, since an id could not tell them apart."""
    model = make_dataclass("Twins", [("ab", int), ("AB", int)])
    with pytest.raises(InvalidInputError, match="have the same path 'ab'"):
        shape_of(model)


def _message(*fields: str, nested: str = "") -> type:
    """A message of text fields, or with one field of a nested type."""
    file = descriptor_pb2.FileDescriptorProto(name="odd.proto", package="odd", syntax="proto3")
    message = file.message_type.add(name="odd_thing")
    label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    for number, name in enumerate(fields, 1):
        message.field.add(name=name, number=number, type=9, label=label)
    if nested:
        message.nested_type.add(name=nested)
        place = f".odd.odd_thing.{nested}"
        message.field.add(name="inner", number=99, type=11, label=label, type_name=place)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("odd.odd_thing"))


def test_names_that_go_changes() -> None:
    """Fields that collide with methods of generated Go code have the names they get there."""
    shape = shape_of(_message("string", "reset", "get_name", "name", "_private"))
    assert [one.name for one in shape.fields] == ["String_", "Reset_", "GetName", "Name_"]


def test_names_of_types() -> None:
    """Types have their Go names: nested ones carry the outer name in front."""
    shape = shape_of(_message(nested="part"))
    assert (shape.name, shape.by_path["inner"].element.type_name) == ("OddThing", "OddThing_Part")


class Hidden(msgspec.Struct):
    """A struct with a private attribute."""

    key: str
    _cache: int = 0


def test_struct_with_private_attribute() -> None:
    """Private attributes of structs are no attributes of the model."""
    assert list(shape_of(Hidden).by_path) == ["key"]
    assert not equal(Hidden("a"), Hidden("b"))
    assert equal(Hidden("a", 1), Hidden("a", 2))


@dataclass
class Empty:
    """A model without attributes."""


def test_model_without_attributes() -> None:
    """All instances of a model without attributes are equal."""
    assert equal(Empty(), Empty())
