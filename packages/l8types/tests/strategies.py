# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies that fill any protobuf message from its descriptor alone."""

from functools import cache
from typing import TYPE_CHECKING

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

type_of = FieldDescriptorProto.Type.Value

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
SCALARS: dict[int, st.SearchStrategy[object]] = {
    type_of("TYPE_BOOL"): st.booleans(),
    type_of("TYPE_BYTES"): st.binary(max_size=8),
    # No NaN: it is not equal to itself, so no message with one would be.
    type_of("TYPE_DOUBLE"): st.floats(allow_nan=False),
    type_of("TYPE_FLOAT"): st.floats(allow_nan=False, width=32),
    type_of("TYPE_INT32"): INT32,
    type_of("TYPE_INT64"): INT64,
    type_of("TYPE_SINT32"): INT32,
    type_of("TYPE_STRING"): st.text(max_size=8),
    type_of("TYPE_UINT32"): st.integers(0, 2**32 - 1),
    type_of("TYPE_UINT64"): st.integers(0, 2**64 - 1),
}


def enum_numbers(enum: EnumDescriptor) -> st.SearchStrategy[int]:
    """Draw the numbers of an enum, and now and then one that a newer peer may have added."""
    return st.sampled_from(sorted(enum.values_by_number)) | st.integers(1000, 2**31 - 1)


def value(
    owner: Descriptor, field: FieldDescriptorProto, depth: int
) -> st.SearchStrategy[object] | None:
    """Draw one value of a field; None when it would nest deeper than allowed."""
    described = owner.fields_by_name[field.name]
    if described.enum_type is not None:
        return enum_numbers(described.enum_type)
    if described.message_type is None:
        return SCALARS[field.type]
    return filled(described.message_type, depth - 1) if depth else None


def entries(entry: Descriptor, depth: int) -> st.SearchStrategy[object] | None:
    """Draw the content of a map field, given the descriptor of its entries."""
    key, item = (value(entry, field, depth) for field in proto_of(entry).field)
    if key is None or item is None:
        return None
    return st.dictionaries(key, item, max_size=3)


def content(
    owner: Descriptor, field: FieldDescriptorProto, depth: int
) -> st.SearchStrategy[object] | None:
    """Draw what the constructor of a message takes for a field."""
    nested = owner.fields_by_name[field.name].message_type
    if nested is not None and nested.GetOptions().map_entry:
        return entries(nested, depth)
    one = value(owner, field, depth)
    if one is not None and field.label == FieldDescriptorProto.LABEL_REPEATED:
        return st.lists(one, max_size=3)
    return one


def proto_of(descriptor: Descriptor) -> DescriptorProto:
    """Return a message's description as a message, whose form no runtime version changes."""
    proto = DescriptorProto()
    descriptor.CopyToProto(proto)
    return proto


@cache
def filled(descriptor: Descriptor, depth: int = 2) -> st.SearchStrategy[Message]:
    """Draw messages with any of their fields set.

    Args:
        descriptor: The type of the message.
        depth: How many levels of messages may nest below it.
    """
    fields = {
        field.name: strategy
        for field in proto_of(descriptor).field
        if (strategy := content(descriptor, field, depth)) is not None
    }
    create: Callable[..., Message] = GetMessageClass(descriptor)
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: create(**values))
