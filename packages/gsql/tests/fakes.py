# SPDX-License-Identifier: Apache-2.0
"""A small inspector over dataclasses and protobuf messages."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.errors import NotFoundError
from l8types.naming import go_name
from l8types.protocols.models import ModelNode

if typing.TYPE_CHECKING:
    from l8types.pb import L8TableView

SCALARS: dict[object, Kind] = {
    bool: Kind.BOOL,
    int: Kind.INT64,
    float: Kind.FLOAT64,
    str: Kind.STRING,
    bytes: Kind.UINT8,
}
PROTOBUF = {
    FieldDescriptor.TYPE_BOOL: Kind.BOOL,
    FieldDescriptor.TYPE_INT32: Kind.INT32,
    FieldDescriptor.TYPE_ENUM: Kind.INT32,
    FieldDescriptor.TYPE_INT64: Kind.INT64,
    FieldDescriptor.TYPE_FLOAT: Kind.FLOAT32,
    FieldDescriptor.TYPE_DOUBLE: Kind.FLOAT64,
    FieldDescriptor.TYPE_STRING: Kind.STRING,
    FieldDescriptor.TYPE_MESSAGE: Kind.MESSAGE,
}


@dataclass(eq=False)
class FakeNode:
    """A node of the tree of a model."""

    type_name: str
    kind: Kind
    field_name: str = ""
    attribute: str = ""
    parent: ModelNode | None = None
    container: Container = Container.SINGLE
    key_kind: Kind | None = None
    presence: Presence = Presence.ALWAYS
    model: type | None = None
    enum: Mapping[str, int] | None = None
    enum_class: type[Enum] | None = None
    key_enum_class: type[Enum] | None = None
    decorators: Mapping[DecoratorType, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @property
    def path(self) -> str:
        return (
            self.type_name.lower()
            if self.parent is None
            else f"{self.parent.path}.{self.field_name.lower()}"
        )

    @cached_property
    def attributes(self) -> Mapping[str, ModelNode]:
        if self.model is None:
            return {}
        proto = issubclass(self.model, Message)
        nodes = protobuf_nodes(self, self.model) if proto else plain_nodes(self, self.model)
        return {node.field_name.lower(): node for node in nodes}


def plain_nodes(parent: ModelNode, model: type) -> Iterator[FakeNode]:
    """Nodes of the attributes of a dataclass."""
    hints = typing.get_type_hints(model)
    for declared in dataclasses.fields(model):
        hint, presence = hints[declared.name], Presence.ALWAYS
        if isinstance(hint, types.UnionType):
            hint, presence = typing.get_args(hint)[0], Presence.NONE
        container, key = Container.SINGLE, None
        if typing.get_origin(hint) is list:
            container, (hint,) = Container.LIST, typing.get_args(hint)
        elif typing.get_origin(hint) is dict:
            container, (key, hint) = Container.MAP, typing.get_args(hint)
        enumerated = issubclass(hint, enum.IntEnum)
        kind = Kind.INT32 if enumerated else SCALARS.get(hint, Kind.MESSAGE)
        yield FakeNode(
            hint.__name__,
            kind,
            go_name(declared.name),
            declared.name,
            parent,
            container,
            SCALARS.get(key),
            presence,
            hint if kind is Kind.MESSAGE else None,
            {name: int(member) for name, member in hint.__members__.items()}
            if enumerated
            else None,
        )


def protobuf_nodes(parent: ModelNode, model: type[Message]) -> Iterator[FakeNode]:
    """Nodes of the fields of a message."""
    for field in model.DESCRIPTOR.fields:
        value, container, key = field, Container.SINGLE, None
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            container = Container.MAP
            value = field.message_type.fields_by_name["value"]
            key = PROTOBUF[field.message_type.fields_by_name["key"].type]
        elif field.is_repeated:
            container = Container.LIST
        message = value.message_type
        yield FakeNode(
            go_name(message.name) if message is not None else str(value.type),
            PROTOBUF[value.type],
            go_name(field.name),
            field.name,
            parent,
            container,
            key,
            Presence.HAS_FIELD if field.has_presence else Presence.ALWAYS,
            None if message is None else GetMessageClass(typing.cast("Descriptor", message)),
            {each.name: each.number for each in value.enum_type.values}
            if value.enum_type is not None
            else None,
        )


class FakeInspector:
    """Knows the models that it is given."""

    def __init__(self, *models: type) -> None:
        self._roots = {model.__name__.lower(): self._root(model) for model in models}

    @staticmethod
    def _root(model: type) -> FakeNode:
        return FakeNode(go_name(model.__name__), Kind.MESSAGE, model=model)

    def inspect(self, model: type | object) -> ModelNode:
        found = model if isinstance(model, type) else type(model)
        return self._roots.setdefault(found.__name__.lower(), self._root(found))

    def node(self, path: str) -> ModelNode:
        first, *rest = path.lower().split(".")
        if first not in self._roots:
            raise NotFoundError(f"no model {path!r}")
        node: ModelNode = self._roots[first]
        for name in rest:
            node = node.attributes[name]
        return node

    def roots(self) -> tuple[ModelNode, ...]:
        return tuple(self._roots.values())

    def table_view(self, type_name: str) -> L8TableView:
        raise NotFoundError(type_name)

    def forget(self, type_name: str) -> None:
        self._roots.pop(type_name.lower(), None)
