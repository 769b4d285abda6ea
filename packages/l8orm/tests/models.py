# SPDX-License-Identifier: Apache-2.0
"""Models of the tests: dataclasses with every kind of attribute, and a message made at run time."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from typing import Annotated, Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from l8types.enums import Kind


class Color(IntEnum):
    """An enumerated attribute."""

    NONE = 0
    RED = 1
    BLUE = 7


class Side(StrEnum):
    """An enumerated attribute of texts."""

    NONE = ""
    LEFT = "left"
    RIGHT = "right"


class Right(IntFlag):
    """Members that are combined."""

    NONE = 0
    READ = 1
    WRITE = 2


@dataclass
class Paint:
    """Enumerated attributes in a nested model, and in a document since it contains itself."""

    color: Color = Color.NONE
    side: Side | None = None
    below: list[Paint] = field(default_factory=list)


@dataclass
class Sign:
    """Enumerated attributes wherever an attribute can be."""

    id: str
    color: Color = Color.NONE
    side: Side = Side.NONE
    rights: Right = Right.NONE
    perhaps: Color | None = None
    colors: list[Color] = field(default_factory=list)
    sides: dict[str, Side] = field(default_factory=dict)
    by_color: dict[Color, str] = field(default_factory=dict)
    by_side: dict[Side, Leaf] = field(default_factory=dict)
    paint: Paint = field(default_factory=Paint)
    paints: list[Paint] = field(default_factory=list)


@dataclass
class Leaf:
    """Two levels down."""

    name: str = ""
    count: int = 0


@dataclass
class Part:
    """One level down, with a collection of its own."""

    name: str = ""
    weight: float = 0.0
    note: str | None = None
    leaves: list[Leaf] = field(default_factory=list)
    leaf: Leaf | None = None


@dataclass
class Thing:
    """Every kind of attribute."""

    id: str
    name: str = ""
    count: int = 0
    small: Annotated[int, Kind.INT32] = 0
    big: Annotated[int, Kind.UINT64] = 0
    ratio: float = 0.0
    on: bool = False
    raw: bytes = b""
    color: Color = Color.NONE
    maybe: int | None = None
    label: str | None = None
    flag: bool | None = None
    tags: list[str] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    numbers: dict[int, int] | None = None
    part: Part = field(default_factory=Part)
    spare: Part | None = None
    parts: list[Part] = field(default_factory=list)
    more: list[Leaf] | None = None
    by_name: dict[str, Part] = field(default_factory=dict)
    by_number: dict[int, Leaf] = field(default_factory=dict)
    by_truth: dict[bool, Leaf] = field(default_factory=dict)


@dataclass
class Tree:
    """Contains itself, in a list, in a map and alone."""

    id: str
    value: Annotated[int, Kind.UINT64] = 0
    left: Tree | None = None
    children: list[Tree] = field(default_factory=list)
    named: dict[str, Tree] = field(default_factory=dict)


def _extra_message() -> Any:
    """A message with what ``TestProto`` lacks: optional scalars, a group, unsigned numbers."""
    file = FileDescriptorProto(name="l8orm_extra.proto", package="l8orm", syntax="proto3")
    message = file.message_type.add(name="Extra")
    message.oneof_decl.add(name="choice")
    message.oneof_decl.add(name="_maybe")
    kinds = FieldDescriptorProto
    for number, (name, kind, oneof) in enumerate(
        (
            ("id", kinds.TYPE_STRING, None),
            ("maybe", kinds.TYPE_INT32, 1),
            ("number", kinds.TYPE_UINT64, 0),
            ("text", kinds.TYPE_STRING, 0),
            ("raw", kinds.TYPE_BYTES, None),
            ("single", kinds.TYPE_FLOAT, None),
        ),
        1,
    ):
        field_ = message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
        if oneof is not None:
            field_.oneof_index = oneof
            field_.proto3_optional = oneof == 1
    # The pool is kept alive by the class.
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("l8orm.Extra"))


Extra = _extra_message()
