# SPDX-License-Identifier: Apache-2.0
"""Keys of items, from the attributes that a decorator names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from l8types.enums import Container, Kind
from l8types.errors import DecodeError, EncodeError, PropertyError
from reflect._convert import convert_element
from reflect._paths import root_text, split_root_key
from reflect._scalars import TYPED, from_text, plain_text
from reflect._shapes import Element, Field, Raw, Shape
from reflect._tidy import check_values

__all__ = ["KeyPlan", "key_value", "make_key_plan"]


def key_value(text: str, element: Element) -> Raw:
    """Value of the text of a key, typed or not, as the model holds it.

    Raises:
        PropertyError: It does not fit.
    """
    if TYPED.match(text) is None:
        return convert_element(text, element)
    try:
        return convert_element(from_text(text), element)
    except DecodeError as error:
        raise PropertyError(f"a key cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """How the key of a model is read, written and printed."""

    shape: Shape
    fields: tuple[Field, ...]
    text: Callable[[Any], str]
    """Plain text: the values one after the other, without a separator."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the key attributes."""
        return tuple(field.element.kind for field in self.fields)

    def values(self, item: object) -> tuple[object, ...]:
        """Values of the key attributes; ``None`` for an absent one."""
        return tuple(field.read(item) for field in self.fields)

    def parse(self, text: str) -> tuple[object, ...]:
        """Values from the text of a root key.

        Raises:
            PropertyError: It does not fit.
        """
        tokens = split_root_key(text, len(self.fields))
        return tuple(
            key_value(token, field.element)
            for token, field in zip(tokens, self.fields, strict=True)
        )

    def root_id(self, values: tuple[object, ...]) -> str:
        """Root part of the ids of the item with these key values.

        Raises:
            PropertyError: An absent value has no text.
        """
        return root_text(self.shape.name.lower(), values, self.kinds)


def _plain_text_of(shape: Shape, fields: tuple[Field, ...]) -> Callable[[Any], str]:
    """Function that prints the plain key; the usual case of one text attribute is kept short."""
    parts = tuple((field.read, field.element.kind) for field in fields)

    def several(item: Raw) -> str:
        try:
            return "".join([plain_text(read(item), kind) for read, kind in parts])
        except EncodeError as error:
            for field in fields:
                check_values(field, f"{shape.name}.{field.attribute}", field.read(item))
            raise PropertyError(f"the key of {shape.name} cannot be written: {error}") from error

    if len(fields) != 1 or fields[0].element.kind is not Kind.STRING:
        return several
    attribute = fields[0].attribute

    def one(item: Raw) -> str:
        value = getattr(item, attribute)
        return value if value.__class__ is str else several(item)

    return one


def make_key_plan(shape: Shape, fields: tuple[Field, ...]) -> KeyPlan:
    """Check that attributes can form a key and prepare it.

    Raises:
        PropertyError: One is a list, a map, a model or a byte string.
    """
    for field in fields:
        is_scalar = field.container is Container.SINGLE and not field.is_message
        if not is_scalar or field.element.kind is Kind.UINT8:
            raise PropertyError(
                f"attribute {field.attribute!r} of {shape.name} cannot be part of a key; "
                "keys are texts, numbers, enums and booleans"
            )
    return KeyPlan(shape, fields, _plain_text_of(shape, fields))
