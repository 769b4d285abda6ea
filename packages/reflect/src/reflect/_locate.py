# SPDX-License-Identifier: Apache-2.0
"""From the parts of a path to fields, keys and nodes: where names meet models."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from l8types.enums import Container, Kind
from l8types.errors import EncodeError, PropertyError
from reflect._adapters import shape_of
from reflect._keys import key_value
from reflect._node import Node, attribute_node
from reflect._route import Keys, Route, Step
from reflect._scalars import to_text
from reflect._shapes import Element, Field
from reflect._suggest import hint

if TYPE_CHECKING:
    from reflect._paths import Part

__all__ = ["Locator", "Resolved", "below", "fields_of"]

_INDEX: Final = Element(Kind.INT, "int")
_CACHED_ROUTES: Final = 16_384


class Resolved:
    """A path below some root, resolved: independent of the item and of its key."""

    __slots__ = ("keys", "node", "route", "text")

    def __init__(self, route: Route, keys: Keys, node: Node, text: str) -> None:
        self.route = route
        self.keys = keys
        self.node = node
        self.text = text


class Locator:
    """Resolves paths; those that differ in their keys only share one compiled route."""

    def __init__(self) -> None:
        self._route = lru_cache(_CACHED_ROUTES)(Route)

    def resolve(self, root: Node, parts: list[Part]) -> Resolved:
        """Follow the parts below a root.

        Raises:
            PropertyError: An unknown attribute, or a key that does not fit.
        """
        shape = shape_of(root.model) if root.model is not None else None
        if shape is None:
            raise PropertyError(f"{root.path!r} has no attributes")
        node = root
        steps: list[Step] = []
        keys: list[object] = []
        texts: list[str] = []
        for part in parts:
            field = _field(node, part.name)
            node = attribute_node(node, field)
            texts.append(f".{field.path}")
            if part.key is None:
                steps.append(Step(field, None))
                continue
            steps.append(Step(field, len(keys)))
            key, kind = _entry_key(field, part.key)
            keys.append(key)
            texts.append(f"<{_key_text(key, kind)}>")
        return Resolved(self._route(shape, tuple(steps)), tuple(keys), node, "".join(texts))


def _field(node: Node, name: str) -> Field:
    if node.model is None:
        raise PropertyError(f"{node.path!r} has no attributes, asked for {name!r}")
    if node.is_closed:
        raise PropertyError(
            f"{node.path!r} has no attributes to be seen, asked for {name!r}: {node.type_name} is "
            "declared with NO_NESTED_INSPECTION"
        )
    shape = shape_of(node.model)
    field = shape.by_alias.get(name.lower())
    if field is None:
        names = (one.attribute for one in shape.fields)
        raise PropertyError(f"unknown attribute {name!r} of {shape.name}; {hint(name, names)}")
    return field


def below(node: Node, name: str) -> Node:
    """Node of an attribute, in any spelling.

    Raises:
        PropertyError: Unknown; the message suggests the nearest name.
    """
    return node.attributes[_field(node, name).path]


def fields_of(root: Node, path: str) -> list[Field]:
    """Fields of a dotted path without keys.

    Raises:
        PropertyError: Unknown; the message suggests the nearest name.
    """
    fields: list[Field] = []
    node = root
    for name in path.split("."):
        fields.append(_field(node, name))
        node = node.attributes[fields[-1].path]
    return fields


def _entry_key(field: Field, text: str) -> tuple[object, Kind]:
    """Value and kind of the key of a map entry or list item."""
    if field.container is Container.SINGLE:
        raise PropertyError(
            f"attribute {field.attribute!r} is neither list nor map and takes no key, got {text!r}"
        )
    if field.key is not None:
        try:
            return key_value(text, field.key), field.key.kind
        except PropertyError as error:
            raise PropertyError(f"key of map {field.attribute!r}: {error.message}") from error
    index = key_value(text, _INDEX)
    if index < 0:
        raise PropertyError(f"index {index} of list {field.attribute!r} is negative")
    return index, Kind.INT


def _key_text(key: object, kind: Kind) -> str:
    try:
        return to_text(key, kind)
    except EncodeError as error:
        raise PropertyError(f"a key cannot be written: {error}") from error
