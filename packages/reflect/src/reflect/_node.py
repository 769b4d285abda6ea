# SPDX-License-Identifier: Apache-2.0
"""Models and attributes as a tree that grows where somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from l8types.enums import Container, DecoratorType, Kind, Presence
from reflect._adapters import shape_of

if TYPE_CHECKING:
    from reflect._shapes import Field, Shape

__all__ = ["DecoratorSource", "Node", "attribute_node", "root_node"]

DecoratorMap = Mapping[DecoratorType, tuple[str, ...]]
DecoratorSource = Callable[[type], DecoratorMap]
"""Gives the decorators of a model in force now."""

_NO_DECORATORS: Final[DecoratorMap] = MappingProxyType({})
_NO_ATTRIBUTES: Final[Mapping[str, Node]] = MappingProxyType({})


class Node:
    """A model at the root of a path, or one attribute below it. Immutable."""

    __slots__ = (
        "_attributes",
        "_decorators",
        "attribute",
        "container",
        "enum",
        "enum_class",
        "field_name",
        "key_enum_class",
        "key_kind",
        "kind",
        "model",
        "parent",
        "path",
        "presence",
        "type_name",
    )

    def __init__(
        self,
        *,
        type_name: str,
        kind: Kind,
        model: type | None,
        path: str,
        decorators: DecoratorSource,
        field: Field | None = None,
        parent: Node | None = None,
    ) -> None:
        self.type_name = type_name
        self.kind = kind
        self.model = model
        self.path = path
        self.parent = parent
        self.field_name = "" if field is None else field.name
        self.attribute = "" if field is None else field.attribute
        self.container = Container.SINGLE if field is None else field.container
        self.key_kind = None if field is None or field.key is None else field.key.kind
        self.presence = Presence.ALWAYS if field is None else field.presence
        self.enum = None if field is None else field.element.enum
        self.enum_class = None if field is None else field.element.enum_class
        key = None if field is None else field.key
        self.key_enum_class = None if key is None else key.enum_class
        self._decorators = decorators
        self._attributes: Mapping[str, Node] | None = None

    @property
    def attributes(self) -> Mapping[str, Node]:
        """Attributes of a structured value by lower-case field name, in declaration order.

        A nested value whose model is declared with ``NO_NESTED_INSPECTION`` shows none.
        """
        if self.is_closed:
            return _NO_ATTRIBUTES
        if self._attributes is None:
            # Two threads may both do this; the results are alike.
            self._attributes = self._expand()
        return self._attributes

    def _expand(self) -> Mapping[str, Node]:
        if self.model is None:
            return _NO_ATTRIBUTES
        fields = shape_of(self.model).fields
        return MappingProxyType({field.path: attribute_node(self, field) for field in fields})

    @property
    def decorators(self) -> DecoratorMap:
        """Decorators of the model at this node, with their fields."""
        return _NO_DECORATORS if self.model is None else self._decorators(self.model)

    @property
    def is_closed(self) -> bool:
        """Whether it is a nested value into which nobody is to look."""
        return self.parent is not None and DecoratorType.NO_NESTED_INSPECTION in self.decorators

    @property
    def decorator_source(self) -> DecoratorSource:
        """Where the decorators come from, for nodes below."""
        return self._decorators

    def __repr__(self) -> str:
        return f"Node({self.path!r})"


def root_node(shape: Shape, decorators: DecoratorSource) -> Node:
    """Node of a model itself."""
    return Node(
        type_name=shape.name,
        kind=Kind.MESSAGE,
        model=shape.model,
        path=shape.name.lower(),
        decorators=decorators,
    )


def attribute_node(parent: Node, field: Field) -> Node:
    """Node of an attribute of the model at ``parent``."""
    return Node(
        type_name=field.element.type_name,
        kind=field.element.kind,
        model=field.element.model,
        path=f"{parent.path}.{field.path}",
        decorators=parent.decorator_source,
        field=field,
        parent=parent,
    )
