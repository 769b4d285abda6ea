# SPDX-License-Identifier: Apache-2.0
"""A small introspector over dataclasses and protobuf messages, as the protocol describes it."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from functools import cached_property
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.errors import InvalidInputError, PropertyError
from l8types.naming import go_name

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.models import Introspector, ModelNode

PB = FieldDescriptor
PB_KINDS = {
    PB.TYPE_BOOL: Kind.BOOL,
    PB.TYPE_INT32: Kind.INT32,
    PB.TYPE_ENUM: Kind.INT32,
    PB.TYPE_INT64: Kind.INT64,
    PB.TYPE_UINT32: Kind.UINT32,
    PB.TYPE_UINT64: Kind.UINT64,
    PB.TYPE_FLOAT: Kind.FLOAT32,
    PB.TYPE_DOUBLE: Kind.FLOAT64,
    PB.TYPE_STRING: Kind.STRING,
    PB.TYPE_BYTES: Kind.UINT8,
    PB.TYPE_MESSAGE: Kind.MESSAGE,
}
PLAIN_KINDS = {
    bool: Kind.BOOL,
    int: Kind.INT64,
    float: Kind.FLOAT64,
    str: Kind.STRING,
    bytes: Kind.UINT8,
}

ENUM_KINDS = {enum.IntEnum: Kind.INT32, enum.IntFlag: Kind.INT32, enum.StrEnum: Kind.STRING}


class FakeNode:
    """A node of a model or of an attribute; attributes expand when looked at."""

    def __init__(
        self,
        owner: FakeIntrospector,
        model: type | None,
        *,
        kind: Kind = Kind.MESSAGE,
        type_name: str = "",
        attribute: str = "",
        container: Container = Container.SINGLE,
        key_kind: Kind | None = None,
        presence: Presence = Presence.ALWAYS,
        parent: FakeNode | None = None,
        enum_class: type[enum.Enum] | None = None,
        key_enum_class: type[enum.Enum] | None = None,
    ) -> None:
        self._owner = owner
        self.model = model
        self.kind = kind
        self.type_name = type_name or (model.__name__ if model else kind.name.lower())
        self.attribute = attribute
        self.field_name = go_name(attribute) if attribute else ""
        self.container = container
        self.key_kind = key_kind
        self.presence = presence
        self.parent = parent
        name = (self.field_name or self.type_name).lower()
        self.path: str = f"{parent.path}.{name}" if parent else name
        self.enum: Mapping[str, int] | None = None
        self.enum_class = enum_class
        self.key_enum_class = key_enum_class

    @cached_property
    def attributes(self) -> Mapping[str, FakeNode]:
        if self.model is None:
            return {}
        make = _message_nodes if issubclass(self.model, Message) else _plain_nodes
        return {node.field_name.lower(): node for node in make(self._owner, self.model, self)}

    @property
    def decorators(self) -> Mapping[DecoratorType, tuple[str, ...]]:
        return {} if self.model is None else self._owner.declared.get(self.model, {})

    def __repr__(self) -> str:
        return f"FakeNode({self.path})"


def _message_nodes(owner: FakeIntrospector, model: Any, parent: FakeNode) -> list[FakeNode]:
    nodes = []
    for field in model.DESCRIPTOR.fields:
        container, key_kind, value = Container.SINGLE, None, field
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            container, value = Container.MAP, message.fields_by_name["value"]
            key_kind = PB_KINDS[message.fields_by_name["key"].type]
        elif field.is_repeated:
            container = Container.LIST
        nodes.append(
            FakeNode(
                owner,
                GetMessageClass(value.message_type) if value.message_type else None,
                kind=PB_KINDS[value.type],
                attribute=field.name,
                container=container,
                key_kind=key_kind,
                presence=Presence.HAS_FIELD if field.has_presence else Presence.ALWAYS,
                parent=parent,
            )
        )
    return nodes


def _plain_nodes(owner: FakeIntrospector, model: Any, parent: FakeNode) -> list[FakeNode]:
    hints = typing.get_type_hints(model, include_extras=True)
    return [
        _plain_node(owner, each.name, hints[each.name], parent)
        for each in dataclasses.fields(model)
    ]


def _plain_node(owner: FakeIntrospector, name: str, hint: Any, parent: FakeNode) -> FakeNode:
    presence, container, key_kind = Presence.ALWAYS, Container.SINGLE, None
    key_enum: type[enum.Enum] | None = None
    kind: Kind | None = None
    if typing.get_origin(hint) is typing.Annotated:
        hint, kind = typing.get_args(hint)
    if typing.get_origin(hint) is types.UnionType:
        hint, _ = typing.get_args(hint)
        presence = Presence.NONE
    if typing.get_origin(hint) is list:
        container, (hint,) = Container.LIST, typing.get_args(hint)
    elif typing.get_origin(hint) is dict:
        container, (key, hint) = Container.MAP, typing.get_args(hint)
        key_enum = key if issubclass(key, enum.Enum) else None
        key_kind = ENUM_KINDS[key.__base__] if key_enum else PLAIN_KINDS[key]
    if typing.get_origin(hint) is typing.Annotated:
        hint, kind = typing.get_args(hint)
    is_model = dataclasses.is_dataclass(hint)
    if is_model:
        kind = Kind.MESSAGE
    elif kind is None:
        kind = ENUM_KINDS[hint.__base__] if issubclass(hint, enum.Enum) else PLAIN_KINDS[hint]
    return FakeNode(
        owner,
        hint if is_model else None,
        kind=kind,
        attribute=name,
        container=container,
        key_kind=key_kind,
        presence=presence,
        parent=parent,
        enum_class=hint if issubclass(hint, enum.Enum) else None,
        key_enum_class=key_enum,
    )


class FakeIntrospector:
    """Nodes, decorators and keys; what the store does not use is not here."""

    def __init__(self) -> None:
        self.nodes: dict[type, FakeNode] = {}
        self.declared: dict[type, dict[DecoratorType, tuple[str, ...]]] = {}

    def inspect(self, model: type | object) -> ModelNode:
        key = model if isinstance(model, type) else type(model)
        if not dataclasses.is_dataclass(key) and not issubclass(key, Message):
            raise InvalidInputError(f"{key.__name__} is no model")
        return self.nodes.setdefault(key, FakeNode(self, key))

    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        names = tuple(go_name(field) for field in fields)
        self.declared.setdefault(model, {})[decorator] = names

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        return self.declared.get(model, {}).get(decorator)

    def _text(self, item: object, decorator: DecoratorType) -> str:
        node = self.inspect(item)
        names = self.fields(type(item), decorator) or ()
        return "".join(
            str(getattr(item, node.attributes[name.lower()].attribute)) for name in names
        )

    def primary_key(self, item: object) -> str:
        key = self._text(item, DecoratorType.PRIMARY)
        if not key:
            raise PropertyError(f"an item of {type(item).__name__} has no primary key")
        return key

    def unique_key(self, item: object) -> str | None:
        return self._text(item, DecoratorType.UNIQUE) or None


def introspector(*models: tuple[type, str]) -> Introspector:
    """An introspector that knows models and their keys."""
    made = FakeIntrospector()
    for model, key in models:
        made.inspect(model)
        made.decorate(model, DecoratorType.PRIMARY, key)
    return cast("Introspector", made)
