# SPDX-License-Identifier: Apache-2.0
"""Dataclasses as models."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reflect._hints import PlainField, plain_field, resolve_hints
from reflect._shapes import Family, Shape, is_ignored, make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["dataclass_shape", "empty_maker"]


def empty_maker(model: type, required: tuple[PlainField, ...]) -> Callable[[], object]:
    """Make a factory of empty instances: defaults where there are, zero values elsewhere."""
    if not required:
        return model

    def new() -> object:
        return model(**{field.attribute: field.empty() for field in required})

    return new


def dataclass_shape(model: type) -> Shape:
    """Shape of a dataclass.

    Raises:
        InvalidInputError: An attribute has a type that is not supported.
    """
    hints = resolve_hints(model)
    frozen = bool(model.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    fields: list[PlainField] = []
    required: list[PlainField] = []
    private: list[str] = []
    for declared in dataclasses.fields(model):
        name = declared.name
        if is_ignored(name, name):
            private.append(name)
            continue
        field = plain_field(model, name, hints[name], Family.DATACLASS, frozen=frozen)
        fields.append(field)
        no_default = declared.default is dataclasses.MISSING
        if declared.init and no_default and declared.default_factory is dataclasses.MISSING:
            required.append(field)
    return make_shape(
        model,
        model.__name__,
        Family.DATACLASS,
        tuple(fields),
        empty_maker(model, tuple(required)),
        frozen=frozen,
        private=tuple(private),
    )
