# SPDX-License-Identifier: Apache-2.0
"""Where the time series of a model are, and which property ids they have in an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from l8orm._presence import present_value
from l8types.criteria import EntryNode
from l8types.enums import Container, Kind
from l8types.protocols.models import ModelNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import Introspector

__all__ = ["Found", "Route", "is_series", "series_in", "series_routes"]

_SAMPLES: Final = frozenset(("L8TimeSeriesPoint", "TimeSeriesPoint"))

Route = tuple["ModelNode", ...]
"""The attributes from an item to one of its series."""


@dataclass(frozen=True, slots=True)
class Found:
    """One series of one item."""

    property_id: str
    samples: Any
    """The list in the item."""
    node: ModelNode
    """The attribute."""


def is_series(node: ModelNode) -> bool:
    """Whether an attribute is a list of samples."""
    return (
        node.container is Container.LIST
        and node.kind is Kind.MESSAGE
        and node.type_name in _SAMPLES
    )


def series_routes(root: ModelNode) -> tuple[Route, ...]:
    """The series of a model, at any depth but that at which a model contains itself."""
    return tuple(_routes(root, (), (root.model,)))


def _routes(node: ModelNode, route: Route, models: tuple[type | None, ...]) -> Iterator[Route]:
    for each in node.attributes.values():
        if is_series(each):
            yield (*route, each)
        elif each.kind is Kind.MESSAGE and each.model not in models:
            yield from _routes(each, (*route, each), (*models, each.model))


def series_in(
    item: object, routes: tuple[Route, ...], introspector: Introspector
) -> Iterator[Found]:
    """The series of an item that are there, empty ones included.

    An entry of a list is known by its position, one of a map by its key.

    Raises:
        PropertyError: The item has no key.
    """
    for route in routes:
        for samples, steps in _reached(item, route, ()):
            found = introspector.property_for(item, ".".join(steps))
            yield Found(found.id, samples, route[-1])


def _reached(
    owner: object, route: Route, steps: tuple[str, ...]
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    node, *rest = route
    value = present_value(owner, node)
    if value is None:
        return
    name = node.field_name.lower()
    if not rest:
        yield value, (*steps, name)
    elif node.container is Container.SINGLE:
        yield from _reached(value, tuple(rest), (*steps, name))
    else:
        keys = range(len(value)) if node.container is Container.LIST else sorted(value)
        for key in keys:
            entry = EntryNode(node, key)
            yield from _reached(value[key], tuple(rest), (*steps, entry.step))
