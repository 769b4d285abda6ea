# SPDX-License-Identifier: Apache-2.0
"""What a caller may hand over as a payload, turned into the container that travels."""

from __future__ import annotations

from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, cast

from l8types.pb import L8Query

if TYPE_CHECKING:
    from collections.abc import Hashable

    from l8types.protocols.data import Elements, ElementsFactory

__all__ = ["to_elements"]


def to_elements(factory: ElementsFactory, payload: object) -> Elements:
    """Container of a payload.

    ``None`` gives an empty container, a text or an ``L8Query`` a request by query, a list or a
    tuple its items (containers in it are flattened), a container itself, anything else one item.

    Args:
        factory: Makes containers.
        payload: What the caller handed over.
    """
    if _is_item(cast("Hashable", type(payload))):
        return factory.of(payload)
    if payload is None:
        return factory.of()
    if isinstance(payload, (str, L8Query)):
        return factory.query(payload)
    if isinstance(payload, (list, tuple)):
        return factory.of(*_flat(payload))
    return cast("Elements", payload)


def _flat(items: list[object] | tuple[object, ...]) -> list[object]:
    values: list[object] = []
    for item in items:
        if _is_elements(item):
            values += cast("Elements", item).values
        else:
            values.append(item)
    return values


def _is_elements(value: object) -> bool:
    """Whether this is a container of whatever implementation.

    Models have neither of the two methods: protobuf messages, dataclasses and structs carry
    fields, and ``raise_for_error`` is no name of one.
    """
    return _is_container(cast("Hashable", type(value)))


@lru_cache(maxsize=256)
def _is_item(kind: Hashable) -> bool:
    """Whether values of a class are nothing but an item each."""
    special = issubclass(cast("type", kind), (NoneType, str, L8Query, list, tuple))
    return not special and not _is_container(kind)


@lru_cache(maxsize=256)
def _is_container(kind: Hashable) -> bool:
    return all(callable(getattr(kind, name, None)) for name in ("encode", "raise_for_error"))
