# SPDX-License-Identifier: Apache-2.0
"""Changes of named attributes only: what a field mask is for.

A patch cannot tell an attribute at zero from one that was not given. Whoever names the attributes
says that they were given, zero or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from l8types.enums import Container
from l8types.errors import PropertyError
from l8types.values import Change, ChangeSet
from reflect._adapters import shape_of
from reflect._diff import copy_of
from reflect._locate import fields_of
from reflect._node import root_node
from reflect._shapes import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from l8types.protocols.models import Introspector
    from reflect._shapes import Shape

__all__ = ["masked"]


@dataclass(frozen=True, slots=True)
class _Named:
    """A named attribute."""

    below: str
    """Its path within the model."""
    path: str
    """The same from the root, as nodes have it."""
    field: Field


def _named(shape: Shape, name: str) -> _Named:
    root = root_node(shape, lambda _model: {})
    fields = fields_of(root, name)
    for field in fields[:-1]:
        if field.container is not Container.SINGLE:
            raise PropertyError(
                f"{name!r} passes through {field.attribute!r} of {shape.name}, which holds several "
                "items; name that instead"
            )
    below = ".".join(field.path for field in fields)
    return _Named(below, f"{root.path}.{below}", fields[-1])


def masked(
    changes: ChangeSet, old: object, new: object, names: Iterable[str], introspector: Introspector
) -> ChangeSet:
    """The part of all changes between two items that is about named attributes.

    Args:
        changes: All of them.
        old: State before.
        new: State after.
        names: Attributes, in any spelling; dotted where they are within another.
        introspector: Knows the models.

    Raises:
        PropertyError: There is no such attribute, or it is within a list or map.
    """
    shape = shape_of(type(old))
    wanted = [_named(shape, name) for name in names]

    def kept() -> Iterator[Change]:
        for change in changes:
            path = introspector.property(change.property_id).node.path
            if any(f"{path}.".startswith(f"{one.path}.") for one in wanted):
                yield change
                continue
            # The change is about more than what was named: something around it came or went.
            for one in wanted:
                if one.path.startswith(f"{path}."):
                    place = introspector.property_for(old, one.below)
                    before, after = (copy_of(one.field, place.get(item)) for item in (old, new))
                    yield Change(place.id, before, after)

    return ChangeSet(changes.model, changes.key, tuple(kept()))
