# SPDX-License-Identifier: Apache-2.0
"""Finds all parts of one type in an item, with the property ids that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Container, Kind
from reflect._adapters import reachable, shape_of
from reflect._scalars import to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import ModelNode, PropertyResolver
    from reflect._shapes import Field, Raw

__all__ = ["collect"]


def collect(resolver: PropertyResolver, item: object, model: type) -> dict[str, object]:
    """All instances of ``model`` in an item, by property id.

    Args:
        resolver: The introspector in which the primary key of the item's model is declared.
        item: Where to look; when it is of the type itself, it is the only result.
        model: Class of the parts. What is below a part is not looked through.

    Returns:
        The live parts, in order of attributes, list indexes and sorted map keys.

    Raises:
        PropertyError: No primary key is declared for the item's model, or it is empty.
    """
    root = resolver.property_for(item, "")
    return dict(_walk(root.node, root.id, item, model))


def _walk(
    node: ModelNode, place: str, instance: object, model: type
) -> Iterator[tuple[str, object]]:
    if node.model is model:
        yield place, instance
        return
    fields = shape_of(type(instance)).by_path
    for name, nested in node.attributes.items():
        # Without this, every branch of a big item would be walked for nothing.
        if nested.model is None or not _can_hold(nested.model, model):
            continue
        field = fields[name]
        for part, value in _entries(field, f"{place}.{field.path}", field.read(instance)):
            yield from _walk(nested, part, value, model)


def _can_hold(outer: type, model: type) -> bool:
    return any(one.model is model for one in reachable(shape_of(outer)))


def _entries(field: Field, place: str, held: Raw) -> Iterator[tuple[str, object]]:
    if held is None:
        return
    if field.container is Container.SINGLE:
        yield place, held
    elif field.key is None:
        for index, value in enumerate(held):
            yield f"{place}<{to_text(index, Kind.INT)}>", value
    else:
        for key in sorted(held):
            yield f"{place}<{to_text(key, field.key.kind)}>", held[key]
