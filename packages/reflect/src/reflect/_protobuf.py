# SPDX-License-Identifier: Apache-2.0
"""Protobuf messages as models: everything comes from the descriptor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from typing_extensions import override

from l8types.enums import Container, Kind, Presence
from l8types.naming import go_name
from reflect._shapes import (
    KIND_NAMES,
    Element,
    Family,
    Field,
    Raw,
    Shape,
    is_ignored,
    make_shape,
    zero_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

__all__ = ["ProtobufField", "protobuf_shape"]

_KINDS: Final = {
    FieldDescriptor.TYPE_BOOL: Kind.BOOL,
    FieldDescriptor.TYPE_INT32: Kind.INT32,
    FieldDescriptor.TYPE_SINT32: Kind.INT32,
    FieldDescriptor.TYPE_SFIXED32: Kind.INT32,
    FieldDescriptor.TYPE_ENUM: Kind.INT32,
    FieldDescriptor.TYPE_INT64: Kind.INT64,
    FieldDescriptor.TYPE_SINT64: Kind.INT64,
    FieldDescriptor.TYPE_SFIXED64: Kind.INT64,
    FieldDescriptor.TYPE_UINT32: Kind.UINT32,
    FieldDescriptor.TYPE_FIXED32: Kind.UINT32,
    FieldDescriptor.TYPE_UINT64: Kind.UINT64,
    FieldDescriptor.TYPE_FIXED64: Kind.UINT64,
    FieldDescriptor.TYPE_FLOAT: Kind.FLOAT32,
    FieldDescriptor.TYPE_DOUBLE: Kind.FLOAT64,
    FieldDescriptor.TYPE_STRING: Kind.STRING,
    FieldDescriptor.TYPE_BYTES: Kind.UINT8,
}

_GO_METHODS: Final = (
    "Reset",
    "String",
    "ProtoMessage",
    "Marshal",
    "Unmarshal",
    "ExtensionRangeArray",
    "ExtensionMap",
    "Descriptor",
)
"""Methods of generated Go code; a field of such a name gets an underscore there."""


@dataclass(frozen=True, slots=True, eq=False)
class ProtobufField(Field):
    """Field of a message; the interface knows nothing of protobuf, hence the loose types inside."""

    declares_default: bool
    """Whether the older syntax gives it a default that is not zero."""

    @property
    @override
    def family(self) -> Family:
        return Family.PROTOBUF

    @property
    @override
    def has_default(self) -> bool:
        return self.declares_default

    @override
    def read(self, owner: Raw) -> object:
        if self.presence is Presence.HAS_FIELD and not owner.HasField(self.attribute):
            return None
        return getattr(owner, self.attribute)

    @override
    def write(self, owner: Raw, value: Raw) -> None:
        if self.container is Container.SINGLE:
            if self.is_message:
                getattr(owner, self.attribute).CopyFrom(value)
            else:
                setattr(owner, self.attribute, value)
            return
        owner.ClearField(self.attribute)
        held = getattr(owner, self.attribute)
        if self.container is Container.LIST:
            held.extend(value)
        elif self.is_message:
            for key, item in value.items():
                held[key].CopyFrom(item)
        else:
            held.update(value)

    @override
    def clear(self, owner: Raw) -> None:
        owner.ClearField(self.attribute)

    @override
    def put(self, owner: Raw, key: Raw, value: Raw) -> None:
        held = getattr(owner, self.attribute)
        if self.container is Container.LIST:
            filler = [] if key < len(held) else [self._filler()] * (key + 1 - len(held))
            held.extend(filler)
        if self.is_message:
            held[key].CopyFrom(value)
        else:
            held[key] = value

    def _filler(self) -> object:
        model = self.element.model
        return zero_of(self.element) if model is None else model()


def message_name(descriptor: Descriptor | EnumDescriptor) -> str:
    """Go name of a message or enum type: nested types are prefixed with the outer ones."""
    if descriptor.containing_type is None:
        return go_name(descriptor.name)
    return f"{message_name(descriptor.containing_type)}_{go_name(descriptor.name)}"


def model_name(model: type[Message]) -> str:
    """Short name of a message class, its identity on the wire."""
    return message_name(model.DESCRIPTOR)  # type: ignore[arg-type]


def _element(field: FieldDescriptor) -> Element:
    if field.message_type is not None:
        message = field.message_type
        return Element(Kind.MESSAGE, message_name(message), GetMessageClass(message))
    kind = _KINDS[field.type]
    if field.enum_type is not None:
        names = {value.name: value.number for value in field.enum_type.values}
        return Element(kind, message_name(field.enum_type), enum=names)
    return Element(kind, KIND_NAMES[kind])


def _go_names(descriptor: Descriptor) -> Iterator[tuple[FieldDescriptor, str]]:
    """Fields with their Go names, which the generator makes unique in order of declaration."""
    used = set(_GO_METHODS)
    for field in descriptor.fields:
        name = go_name(field.name)
        while name in used or f"Get{name}" in used:
            name += "_"
        used.update((name, f"Get{name}"))
        yield field, name


def _field(descriptor: FieldDescriptor, name: str) -> ProtobufField:
    message = descriptor.message_type
    container, key, value = Container.SINGLE, None, descriptor
    if message is not None and message.GetOptions().map_entry:
        container = Container.MAP
        key, value = _element(message.fields_by_name["key"]), message.fields_by_name["value"]
    elif descriptor.is_repeated:
        container = Container.LIST
    return ProtobufField(
        name=name,
        attribute=descriptor.name,
        path=name.lower(),
        aliases=(descriptor.name.lower(), descriptor.json_name.lower()),
        element=_element(value),
        container=container,
        key=key,
        presence=Presence.HAS_FIELD if descriptor.has_presence else Presence.ALWAYS,
        oneof="" if descriptor.containing_oneof is None else descriptor.containing_oneof.name,
        declares_default=not descriptor.is_repeated
        and message is None
        and bool(descriptor.default_value),
    )


def protobuf_shape(model: type[Message]) -> Shape:
    """Shape of a generated message class.

    Raises:
        InvalidInputError: Two fields differ only in case or underscores.
    """
    descriptor: Descriptor = model.DESCRIPTOR  # type: ignore[assignment]
    fields = tuple(
        _field(field, name)
        for field, name in _go_names(descriptor)
        if not is_ignored(name, field.name)
    )
    return make_shape(model, message_name(descriptor), Family.PROTOBUF, fields, model)
