# SPDX-License-Identifier: Apache-2.0
"""``msgspec.Struct`` classes as models."""

from __future__ import annotations

import msgspec

from reflect._dataclasses import empty_maker
from reflect._hints import PlainField, plain_field, resolve_hints
from reflect._shapes import Family, Shape, is_ignored, make_shape

__all__ = ["struct_shape"]


def struct_shape(model: type) -> Shape:
    """Shape of a struct.

    Raises:
        InvalidInputError: An attribute has a type that is not supported.
    """
    hints = resolve_hints(model)
    frozen = bool(model.__struct_config__.frozen)  # type: ignore[attr-defined]
    fields: list[PlainField] = []
    required: list[PlainField] = []
    private: list[str] = []
    for declared in msgspec.structs.fields(model):
        name = declared.name
        if is_ignored(name, name):
            private.append(name)
            continue
        field = plain_field(
            model, name, hints[name], Family.STRUCT, frozen=frozen, alias=declared.encode_name
        )
        fields.append(field)
        if declared.required:
            required.append(field)
    return make_shape(
        model,
        model.__name__,
        Family.STRUCT,
        tuple(fields),
        empty_maker(model, tuple(required)),
        frozen=frozen,
        private=tuple(private),
    )
