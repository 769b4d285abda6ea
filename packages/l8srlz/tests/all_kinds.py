# SPDX-License-Identifier: Apache-2.0
"""Protobuf messages with every kind of attribute, made without a compiler, and values for them."""

import math
from typing import cast

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

Field = descriptor_pb2.FieldDescriptorProto

SCALARS = {
    "double": Field.TYPE_DOUBLE,
    "float": Field.TYPE_FLOAT,
    "int64": Field.TYPE_INT64,
    "uint64": Field.TYPE_UINT64,
    "int32": Field.TYPE_INT32,
    "fixed64": Field.TYPE_FIXED64,
    "fixed32": Field.TYPE_FIXED32,
    "bool": Field.TYPE_BOOL,
    "string": Field.TYPE_STRING,
    "bytes": Field.TYPE_BYTES,
    "uint32": Field.TYPE_UINT32,
    "sfixed32": Field.TYPE_SFIXED32,
    "sfixed64": Field.TYPE_SFIXED64,
    "sint32": Field.TYPE_SINT32,
    "sint64": Field.TYPE_SINT64,
    "color": Field.TYPE_ENUM,
}
KEYS = ("int64", "uint64", "int32", "bool", "string", "uint32", "sfixed32", "sint64")
KNOWN = ("Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue")
WRAPPED = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")


def _add(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    kind: Field.Type.ValueType,
    *,
    repeated: bool = False,
    type_name: str = "",
) -> Field:
    names = {Field.TYPE_ENUM: ".l8srlz.tests.Color", Field.TYPE_MESSAGE: ".l8srlz.tests.All"}
    label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=len(message.field) + 1, type=kind, label=label)
    if type_name or kind in names:
        field.type_name = type_name or names[kind]
    return field


def _add_map(message: descriptor_pb2.DescriptorProto, name: str, key: str, value: str) -> None:
    entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
    entry.options.map_entry = True
    _add(entry, "key", SCALARS[key])
    _add(entry, "value", SCALARS.get(value, Field.TYPE_MESSAGE))
    _add(
        message,
        name,
        Field.TYPE_MESSAGE,
        repeated=True,
        type_name=f".l8srlz.tests.All.{entry.name}",
    )


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="l8srlz/tests/all.proto", package="l8srlz.tests", syntax="proto3"
    )
    color = file.enum_type.add(name="Color")
    for number, name in enumerate(("COLOR_NONE", "COLOR_RED", "COLOR_BLUE")):
        color.value.add(name=name, number=number)
    everything = file.message_type.add(name="All")
    for name, kind in SCALARS.items():
        _add(everything, f"one_{name}", kind)
        _add(everything, f"many_{name}", kind, repeated=True)
    for key in KEYS:
        _add_map(everything, f"by_{key}", key, "sint64")
    for value in ("float", "bytes", "color", "message"):
        _add_map(everything, f"to_{value}", "string", value)
    _add(everything, "child", Field.TYPE_MESSAGE)
    _add(everything, "children", Field.TYPE_MESSAGE, repeated=True)
    everything.oneof_decl.add(name="choice")
    _add(everything, "choice_text", Field.TYPE_STRING).oneof_index = 0
    _add(everything, "choice_number", Field.TYPE_INT32).oneof_index = 0
    _add(everything, "choice_child", Field.TYPE_MESSAGE).oneof_index = 0
    for known in (*KNOWN, *(f"{name}Value" for name in WRAPPED)):
        name = f"the_{known.lower()}"
        full = f".google.protobuf.{known}"
        _add(everything, name, Field.TYPE_MESSAGE, type_name=full)
        _add(everything, f"{name}s", Field.TYPE_MESSAGE, repeated=True, type_name=full)
    optional = _add(everything, "optional_int32", Field.TYPE_INT32)
    optional.proto3_optional = True
    everything.oneof_decl.add(name="_optional_int32")
    optional.oneof_index = 1
    nested = everything.nested_type.add(name="inner_part")
    nested.nested_type.add(name="Deep")
    for module in (duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        file.dependency.append(module.DESCRIPTOR.name)
    return file


def _describe_old() -> descriptor_pb2.FileDescriptorProto:
    """The older syntax, with what only it has: closed enumerations, required and extensions."""
    file = descriptor_pb2.FileDescriptorProto(name="l8srlz/tests/old.proto", package="l8srlz.tests")
    file.dependency.append("l8srlz/tests/all.proto")
    state = file.enum_type.add(name="State")
    state.value.add(name="STATE_ON", number=1)
    old = file.message_type.add(name="Old")
    old.extension_range.add(start=100, end=200)
    _add(old, "state", Field.TYPE_ENUM, type_name=".l8srlz.tests.State")
    _add(old, "needed", Field.TYPE_INT32).label = Field.LABEL_REQUIRED
    file.extension.add(
        name="extra",
        number=100,
        type=Field.TYPE_INT32,
        label=Field.LABEL_OPTIONAL,
        extendee=".l8srlz.tests.Old",
    )
    return file


_pool = descriptor_pool.DescriptorPool()
for _module in (duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
    _pool.AddSerializedFile(_module.DESCRIPTOR.serialized_pb)
_pool.AddSerializedFile(_describe().SerializeToString())
_pool.AddSerializedFile(_describe_old().SerializeToString())
ALL: Descriptor = _pool.FindMessageTypeByName("l8srlz.tests.All")
All = message_factory.GetMessageClass(ALL)
"""The message with every kind of attribute; its attributes are only known at run time."""

Old = message_factory.GetMessageClass(_pool.FindMessageTypeByName("l8srlz.tests.Old"))
"""A message of the older syntax."""
EXTRA = _pool.FindExtensionByName("l8srlz.tests.extra")
"""An attribute that was added to it from outside."""

_TEXT = st.text(max_size=8)
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    # The runtime does not read the very largest ones back from the text that it writes for them.
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32).filter(
        lambda value: not 3.4e38 < abs(value) < math.inf
    ),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-3, 5),
}
_STRUCT = st.dictionaries(
    _TEXT, st.none() | st.booleans() | st.integers(-5, 5) | _TEXT | st.lists(_TEXT), max_size=3
)


def scalars(field: FieldDescriptor) -> st.SearchStrategy[object]:
    """Values of a scalar attribute, special ones included."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=8)
    return cast("st.SearchStrategy[object]", _INTEGERS.get(field.cpp_type, _TEXT))


def _known(draw: st.DrawFn, message: Message) -> bool:
    """Fill one of Google's own types; false for any other."""
    if isinstance(message, timestamp_pb2.Timestamp | duration_pb2.Duration):
        message.seconds = draw(st.integers(0, 2_000_000_000))
        message.nanos = draw(st.sampled_from([0, 1, 500_000_000]))
    elif isinstance(message, field_mask_pb2.FieldMask):
        message.paths.extend(draw(st.lists(st.sampled_from(["a", "b_c", "d.e"]))))
    elif isinstance(message, struct_pb2.Struct):
        message.update(draw(_STRUCT))
    elif isinstance(message, struct_pb2.ListValue):
        message.extend(draw(st.lists(st.booleans() | _TEXT)))
    elif isinstance(message, struct_pb2.Value):
        message.string_value = draw(_TEXT)
    else:
        return False
    return True


def _fill(draw: st.DrawFn, message: Message, depth: int) -> None:
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    if descriptor.file.package == "google.protobuf" and _fill_known(draw, message):
        return
    fields = draw(st.lists(st.sampled_from(list(descriptor.fields)), max_size=8, unique=True))
    for field in fields:
        _fill_field(draw, message, field, depth)


def _fill_known(draw: st.DrawFn, message: Message) -> bool:
    # The classes of this file's own pool are not those of the default pool, but of the same names.
    name = cast("Descriptor", message.DESCRIPTOR).full_name.rpartition(".")[2]
    if name in KNOWN:
        module = {"Timestamp": timestamp_pb2, "Duration": duration_pb2, "FieldMask": field_mask_pb2}
        copy: Message = getattr(module.get(name, struct_pb2), name)()
        _known(draw, copy)
        message.ParseFromString(copy.SerializeToString())
    return name in KNOWN


def _fill_field(draw: st.DrawFn, message: Message, field: FieldDescriptor, depth: int) -> None:
    target = getattr(message, field.name)
    kind = field.message_type
    if kind is None and not field.is_repeated:
        setattr(message, field.name, draw(scalars(field)))
    elif kind is None:
        target.extend(draw(st.lists(scalars(field), max_size=3)))
    elif kind.GetOptions().map_entry:
        value = kind.fields_by_name["value"]
        for key in draw(st.lists(scalars(kind.fields_by_name["key"]), max_size=3)):
            if value.message_type is None:
                target[key] = draw(scalars(value))
            elif depth:
                _fill(draw, target[key], depth - 1)
    elif depth:
        parts = [target.add() for _ in range(draw(st.integers(0, 2)))] if field.is_repeated else []
        if not field.is_repeated:
            target.SetInParent()
            parts.append(target)
        for part in parts:
            _fill(draw, part, depth - 1)


@st.composite
def messages(draw: st.DrawFn, model: type[Message], depth: int = 2) -> Message:
    """Messages of a model, with some of its attributes set, nested so many levels."""
    message = model()
    _fill(draw, message, depth)
    return message
