# SPDX-License-Identifier: Apache-2.0
"""The same sample model three times: a protobuf message, a dataclass and a ``msgspec.Struct``.

The message is ``TestProto`` of the contract; its twins have the same attributes under Python names
(``my_int32`` for ``myInt32``). Code that works on models must not care which kind it meets: a test
takes a :class:`Sample` and runs once for each of :data:`SAMPLES`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Final, cast

import msgspec

from l8types.enums import Kind
from l8types.naming import go_name
from l8types.pb import TestProto, TestProtoSub, TestProtoSubSub

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SAMPLES",
    "ModelKind",
    "QueryCase",
    "Sample",
    "SampleEnum",
    "SampleRecord",
    "SampleRecordLeaf",
    "SampleRecordPart",
    "SampleStruct",
    "SampleStructLeaf",
    "SampleStructPart",
]

Int32 = Annotated[int, Kind.INT32]
Int64 = Annotated[int, Kind.INT64]
Float32 = Annotated[float, Kind.FLOAT32]


class ModelKind(Enum):
    """How a model is declared."""

    PROTOBUF = "protobuf"
    DATACLASS = "dataclass"
    STRUCT = "struct"


class SampleEnum(IntEnum):
    """The enum of the twins, numbered as ``TestEnum``."""

    ValueInvalid = 0
    ValueOne = 1
    ValueTwo = 2


@dataclass
class SampleRecordLeaf:
    """Twin of ``TestProtoSubSub``."""

    my_string: str = ""
    my_int64: Int64 = 0
    int32_map: dict[Int32, Int32] = field(default_factory=dict)


@dataclass
class SampleRecordPart:
    """Twin of ``TestProtoSub``."""

    my_string: str = ""
    my_int64: Int64 = 0
    my_subs: dict[str, SampleRecordLeaf] = field(default_factory=dict)


@dataclass
class SampleRecord:
    """Twin of ``TestProto``."""

    my_string: str = ""
    my_int32: Int32 = 0
    my_int64: Int64 = 0
    my_float32: Float32 = 0.0
    my_float64: float = 0.0
    my_single: SampleRecordPart | None = None
    my_string_slice: list[str] = field(default_factory=list)
    my_int32_slice: list[Int32] = field(default_factory=list)
    my_model_slice: list[SampleRecordPart] = field(default_factory=list)
    my_string2_string_map: dict[str, str] = field(default_factory=dict)
    my_int32_to_int64_map: dict[Int32, Int64] = field(default_factory=dict)
    my_string2_model_map: dict[str, SampleRecordPart] = field(default_factory=dict)
    my_bool: bool = False
    my_enum: SampleEnum = SampleEnum.ValueInvalid


class SampleStructLeaf(msgspec.Struct):
    """Twin of ``TestProtoSubSub``."""

    my_string: str = ""
    my_int64: Int64 = 0
    int32_map: dict[Int32, Int32] = msgspec.field(default_factory=dict)


class SampleStructPart(msgspec.Struct):
    """Twin of ``TestProtoSub``."""

    my_string: str = ""
    my_int64: Int64 = 0
    my_subs: dict[str, SampleStructLeaf] = msgspec.field(default_factory=dict)


class SampleStruct(msgspec.Struct):
    """Twin of ``TestProto``."""

    my_string: str = ""
    my_int32: Int32 = 0
    my_int64: Int64 = 0
    my_float32: Float32 = 0.0
    my_float64: float = 0.0
    my_single: SampleStructPart | None = None
    my_string_slice: list[str] = msgspec.field(default_factory=list)
    my_int32_slice: list[Int32] = msgspec.field(default_factory=list)
    my_model_slice: list[SampleStructPart] = msgspec.field(default_factory=list)
    my_string2_string_map: dict[str, str] = msgspec.field(default_factory=dict)
    my_int32_to_int64_map: dict[Int32, Int64] = msgspec.field(default_factory=dict)
    my_string2_model_map: dict[str, SampleStructPart] = msgspec.field(default_factory=dict)
    my_bool: bool = False
    my_enum: SampleEnum = SampleEnum.ValueInvalid


FIELDS: Final = tuple(SampleRecord.__dataclass_fields__)
"""Attributes of the model in order of declaration, under their Python names."""


@dataclass(frozen=True, slots=True)
class QueryCase:
    """A query about the items 0 to 9 of :meth:`Sample.build`, and the indexes that it finds."""

    text: str
    found: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One kind of the sample model: its classes and how to make and read instances.

    ``MyString`` is meant as primary key, ``MyInt64`` as unique key where one is needed.
    """

    kind: ModelKind
    model: type
    part: type
    leaf: type

    def __str__(self) -> str:
        return self.kind.value

    @property
    def name(self) -> str:
        """Short name of the model."""
        return self.model.__name__

    def key(self, index: int) -> str:
        """Primary key text of the item with this index."""
        return f"string-{index}"

    def property_id(self, index: int, path: str) -> str:
        """Property id of an attribute of the item with this index, as it travels.

        The outer prefix is that of the key text, the inner one that of the key attribute.
        """
        return f"{self.name.lower()}<{{24}}{{24}}{self.key(index)}>.{path}"

    def make(self, **values: object) -> object:
        """Instance with these attributes, named as in the twins; the others keep their defaults."""
        return _make(self.model, values)

    def make_part(self, **values: object) -> object:
        """Nested item with these attributes."""
        return _make(self.part, values)

    def make_leaf(self, **values: object) -> object:
        """Nested item of a nested item with these attributes."""
        return _make(self.leaf, values)

    def read(self, item: object, attribute: str) -> object:
        """Value of an attribute, named as in the twins; of the model, its part or its leaf."""
        return getattr(item, _attribute_of(type(item), attribute))

    def write(self, item: object, attribute: str, value: object) -> None:
        """Set a single attribute, named as in the twins."""
        setattr(item, _attribute_of(type(item), attribute), value)

    def build(self, index: int, *, seed: int = 0) -> object:
        """The item with this index, every attribute filled.

        Items of different indexes differ in all that varies; those of one index and different seeds
        differ in the nested numbers alone. The same arguments always give an equal, new item.
        """
        key = self.key(index)
        numbers = random.Random(f"{index}/{seed}")  # noqa: S311 - content, not a secret
        second = self._part(index, 2, numbers)
        return self.make(
            my_string=key,
            my_int32=index,
            my_int64=10 * index,
            my_float32=index + 0.5,
            my_float64=123456.123456 + index,
            my_single=self._part(index, 0, numbers),
            my_string_slice=["a", "b", "c", "d", key],
            my_int32_slice=[1, 2, 3, index],
            my_model_slice=[self._part(index, 1, numbers), second],
            my_string2_string_map={"a": "aa", "b": "bb", "c": "cc", key: key + key},
            my_int32_to_int64_map={1: 11, 2: 22, 3: 33, 4: 44, index: 10 * index},
            my_string2_model_map={
                f"{key}-{number}": self._part(index, number, numbers) for number in (1, 2, 3)
            },
            my_bool=index % 2 == 1,
            my_enum=int(SampleEnum.ValueOne) + index % 2,
        )

    def _part(self, index: int, number: int, numbers: random.Random) -> object:
        key = f"{self.key(index)}-{number}"
        return self.make_part(
            my_string=key,
            my_int64=numbers.getrandbits(60),
            my_subs={
                f"{key}-{child}": self.make_leaf(
                    my_string=f"{key}-{child}",
                    my_int64=numbers.getrandbits(60),
                    int32_map={0: index, 1: number + 1},
                )
                for child in range(2)
            },
        )

    def query(self, clauses: str = "", *, columns: str = "*") -> str:
        """Text of a query about this model."""
        head = f"select {columns} from {self.name}"  # noqa: S608 - no SQL, and no foreign text
        return f"{head} {clauses}".rstrip()

    def query_cases(self) -> tuple[QueryCase, ...]:
        """Queries that every implementation of the language answers alike.

        Those without a sort order find the items in the order of their keys.
        """
        return tuple(
            QueryCase(self.query(clause), found)
            for clause, found in (
                ("", tuple(range(10))),
                ("where myint32=3", (3,)),
                ("where MyInt32 = 3", (3,)),
                ("where mystring=string-4", (4,)),
                ("where myint32>=3 and myint32<6", (3, 4, 5)),
                ("where myint32=1 or myint32=3 and mystring=string-3", (1, 3)),
                ("where (myint32=1 or myint32=3) and mystring=string-3", (3,)),
                ("where mystring!=string-4 and myint64>60", (7, 8, 9)),
                ("where mybool=true and myint32<=3", (1, 3)),
                ("where mysingle.mystring=string-7-0", (7,)),
                ("where mymodelslice.mystring=string-5-2", (5,)),
                ("where myint32 in [2,4,99]", (2, 4)),
                ("where not myint32<8", (8, 9)),
                ("where myint32<3 sort-by myint32 descending", (2, 1, 0)),
            )
        )


def _attribute_of(model: type, name: str) -> str:
    return _ATTRIBUTES.get(model, {}).get(go_name(name), name)


def _make(model: type, values: Mapping[str, object]) -> object:
    content = {_attribute_of(model, name): value for name, value in values.items()}
    if model is not TestProto and "my_enum" in content:
        content["my_enum"] = SampleEnum(cast("int", content["my_enum"]))
    return model(**content)


_ATTRIBUTES: Final[Mapping[type, Mapping[str, str]]] = {
    message: {go_name(one.name): one.name for one in message.DESCRIPTOR.fields}
    for message in (TestProto, TestProtoSub, TestProtoSubSub)
}
"""Attributes of the messages by Go name; those of the twins are named as asked."""

SAMPLES: Final = (
    Sample(ModelKind.PROTOBUF, TestProto, TestProtoSub, TestProtoSubSub),
    Sample(ModelKind.DATACLASS, SampleRecord, SampleRecordPart, SampleRecordLeaf),
    Sample(ModelKind.STRUCT, SampleStruct, SampleStructPart, SampleStructLeaf),
)
"""The sample model in every kind."""
