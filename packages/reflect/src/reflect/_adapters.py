# SPDX-License-Identifier: Apache-2.0
"""Picks the adapter for a model class."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from l8types.errors import InvalidInputError
from reflect._dataclasses import dataclass_shape
from reflect._hints import is_struct
from reflect._protobuf import model_name, protobuf_shape
from reflect._structs import struct_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reflect._shapes import Raw, Shape

__all__ = ["reachable", "shape_of", "type_name_of"]


def shape_of(model: type) -> Shape:
    """Shape of a model class; made once.

    Raises:
        InvalidInputError: Not a supported kind of model; names the attribute at fault.
    """
    return _shape_of(model)


# Bounded, so that classes made at run time are not kept for ever.
@lru_cache(maxsize=4096)
def _shape_of(model: type[Raw]) -> Shape:
    if issubclass(model, Message):
        return protobuf_shape(model)
    if dataclasses.is_dataclass(model):
        return dataclass_shape(model)
    if is_struct(model):
        return struct_shape(model)
    raise InvalidInputError(
        f"{model.__name__} is not a model; use a protobuf message, a dataclass or a msgspec.Struct"
    )


def type_name_of(model: type) -> str:
    """Short name of a model class."""
    return model_name(model) if issubclass(model, Message) else model.__name__


def reachable(root: Shape) -> Iterator[Shape]:
    """A shape and all shapes below it, each once.

    Raises:
        InvalidInputError: One of them is not supported.
    """
    seen = {root.model}
    waiting = [root]
    while waiting:
        shape = waiting.pop()
        yield shape
        for field in shape.fields:
            model = field.element.model
            if model is not None and model not in seen:
                seen.add(model)
                waiting.append(shape_of(model))
