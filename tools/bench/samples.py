# SPDX-License-Identifier: Apache-2.0
"""The item that the benchmarks of data work on: one model three times, filled alike.

The message is the full test model of the ecosystem (about 1000 bytes of protobuf); the dataclass
and the struct have the same attributes, in the spelling of Python, and the same values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec

from l8types.enums import DecoratorType
from l8types.pb import TestProto, TestProtoSub, TestProtoSubSub
from l8utils import TypeRegistry
from reflect import Introspector

if TYPE_CHECKING:
    from l8types.protocols.models import Registry

KEY: Final = "string-1"
NANOSECONDS: Final = 1_773_350_400_000_000_000
"""In place of the time of day that the model asks for, so that two items are equal."""

Item: TypeAlias = Any
"""An item of any of the models; what differs between them is not what is measured."""


@dataclass
class LeafData:
    """Lowest level, as a dataclass."""

    my_string: str = ""
    my_int64: int = 0
    int32_map: dict[int, int] = field(default_factory=dict)


@dataclass
class PartData:
    """Middle level, as a dataclass."""

    my_string: str = ""
    my_int64: int = 0
    my_subs: dict[str, LeafData] = field(default_factory=dict)


@dataclass
class ItemData:
    """The item as a dataclass."""

    my_string: str = ""
    my_int32: int = 0
    my_int64: int = 0
    my_float32: float = 0.0
    my_float64: float = 0.0
    my_single: PartData | None = None
    my_string_slice: list[str] = field(default_factory=list)
    my_int32_slice: list[int] = field(default_factory=list)
    my_model_slice: list[PartData] = field(default_factory=list)
    my_string2_string_map: dict[str, str] = field(default_factory=dict)
    my_int32_to_int64_map: dict[int, int] = field(default_factory=dict)
    my_string2_model_map: dict[str, PartData] = field(default_factory=dict)
    my_bool: bool = False
    my_enum: int = 0


class LeafStruct(msgspec.Struct):
    """Lowest level, as a struct."""

    my_string: str = ""
    my_int64: int = 0
    int32_map: dict[int, int] = {}


class PartStruct(msgspec.Struct):
    """Middle level, as a struct."""

    my_string: str = ""
    my_int64: int = 0
    my_subs: dict[str, LeafStruct] = {}


class ItemStruct(msgspec.Struct):
    """The item as a struct."""

    my_string: str = ""
    my_int32: int = 0
    my_int64: int = 0
    my_float32: float = 0.0
    my_float64: float = 0.0
    my_single: PartStruct | None = None
    my_string_slice: list[str] = []
    my_int32_slice: list[int] = []
    my_model_slice: list[PartStruct] = []
    my_string2_string_map: dict[str, str] = {}
    my_int32_to_int64_map: dict[int, int] = {}
    my_string2_model_map: dict[str, PartStruct] = {}
    my_bool: bool = False
    my_enum: int = 0


class _Maker:
    """Fills one of the three models."""

    def __init__(self, item: Item, part: Item, leaf: Item, names: dict[str, str]) -> None:
        self._item, self._part, self._leaf = item, part, leaf
        self._names = names

    def _make(self, model: Item, **values: object) -> Item:
        return model(**{self._names.get(name, name): value for name, value in values.items()})

    def part(self, number: int, *values: int) -> Item:
        """Make a part with two leaves, whose maps hold the values."""
        name = f"{KEY}-{number}"
        leaves = {
            f"{name}-{place}": self._make(
                self._leaf,
                my_string=f"{name}-{place}",
                my_int64=NANOSECONDS,
                int32_map=dict(enumerate(values)),
            )
            for place in range(2)
        }
        return self._make(self._part, my_string=name, my_int64=NANOSECONDS, my_subs=leaves)

    def item(self) -> Item:
        """Make the whole item."""
        parts = (self.part(1, 0, 0), self.part(2, 0, 1), self.part(3, 0, 1, 2, 3))
        return self._make(
            self._item,
            my_string=KEY,
            my_int32=1,
            my_int64=10,
            my_float32=123.123,
            my_float64=123456.123456,
            my_single=self.part(0, 0, 0),
            my_string_slice=["a", "b", "c", "d", KEY],
            my_int32_slice=[1, 2, 3, 1],
            my_model_slice=list(parts[:2]),
            my_string2_string_map={"a": "aa", "b": "bb", "c": "cc", KEY: KEY * 2},
            my_int32_to_int64_map={1: 10, 2: 22, 3: 33, 4: 44},
            my_string2_model_map={part_name(part): part for part in parts},
            my_bool=True,
            my_enum=1,
        )


def part_name(part: Item) -> str:
    """Name of a part of any of the models."""
    return cast("str", part.myString if isinstance(part, TestProtoSub) else part.my_string)


@cache
def _message_names() -> dict[str, str]:
    """Names in the message by the names in Python, which are the same but for their spelling."""
    fields = (
        field
        for model in (TestProto, TestProtoSub, TestProtoSubSub)
        for field in model.DESCRIPTOR.fields
    )
    by_letters = {field.name.lower(): field.name for field in fields}
    spelled = [
        name for model in (ItemStruct, PartStruct, LeafStruct) for name in model.__struct_fields__
    ]
    return {name: by_letters[name.replace("_", "")] for name in spelled}


MODELS: Final[dict[str, type]] = {
    "protobuf": TestProto,
    "dataclass": ItemData,
    "struct": ItemStruct,
}
"""The model of the item by the name of the figures."""


def make(model: str) -> Item:
    """Make a filled item of one of `MODELS`; equal ones at every call."""
    if model == "protobuf":
        return _Maker(TestProto, TestProtoSub, TestProtoSubSub, _message_names()).item()
    if model == "dataclass":
        return _Maker(ItemData, PartData, LeafData, {}).item()
    return _Maker(ItemStruct, PartStruct, LeafStruct, {}).item()


def introspector() -> Introspector:
    """Make an introspector that knows the keys of the three models."""
    made = Introspector()
    for model in MODELS.values():
        made.decorate(model, DecoratorType.PRIMARY, "MyString")
    return made


def registry() -> Registry:
    """Make a registry that knows the three models."""
    made = TypeRegistry()
    for model in MODELS.values():
        made.register(model)
    return made
