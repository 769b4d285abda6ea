# SPDX-License-Identifier: Apache-2.0
"""Whether two models hold the same content.

Unlike ``==`` it does not depend on ``__eq__`` of the models, which may compare identities or keys
only, and a NaN equals a NaN: nothing changed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import lru_cache
from threading import RLock
from typing import Any

from msgspec import Struct

from l8types.enums import Container, Kind
from l8types.errors import InvalidInputError
from reflect._adapters import reachable, shape_of
from reflect._codegen import attribute_of, function
from reflect._hints import is_model
from reflect._shapes import Family, Field, Raw, Shape

__all__ = ["equal", "equality_of", "quick_equality_of", "same_scalars"]

_Equality = Callable[[Any, Any], bool]
_FLOATS = (Kind.FLOAT32, Kind.FLOAT64)


def same_scalars(a: Raw, b: Raw) -> bool:
    """Whether two scalars, or two containers of them, are the same; NaN equals NaN."""
    if a == b:
        return True
    if isinstance(a, float):
        return isinstance(b, float) and math.isnan(a) and math.isnan(b)
    if hasattr(a, "items"):
        return (
            hasattr(b, "items")
            and a.keys() == b.keys()
            and all(same_scalars(value, b[key]) for key, value in a.items())
        )
    if isinstance(a, str | bytes | int) or not hasattr(a, "__len__") or not hasattr(b, "__len__"):
        return False
    return len(a) == len(b) and all(map(same_scalars, a, b))


def _same_lists(same: _Equality, a: Raw, b: Raw) -> bool:
    if a is None or b is None:
        return a is b
    return len(a) == len(b) and all(map(same, a, b))


def _same_maps(same: _Equality, a: Raw, b: Raw) -> bool:
    if a is None or b is None:
        return a is b
    return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())


def _has_floats(shape: Shape) -> bool:
    return any(field.element.kind in _FLOATS for one in reachable(shape) for field in one.fields)


def _message_equality(shape: Shape) -> _Equality:
    if not _has_floats(shape):
        return lambda a, b: bool(a == b)

    def same(a: Raw, b: Raw) -> bool:
        if a == b:
            return True
        # Protobuf holds that NaN differs from itself; the bytes know better.
        return type(a) is type(b) and bool(
            a.SerializePartialToString(deterministic=True)
            == b.SerializePartialToString(deterministic=True)
        )

    return same


def _term(field: Field, number: int) -> str:
    a, b = attribute_of("a", field.attribute), attribute_of("b", field.attribute)
    if not field.is_message:
        if field.element.kind not in _FLOATS:
            return f"{a} == {b}"
        return f"({a} == {b} or same_scalars({a}, {b}))"
    same = f"same_{number}"
    if field.container is Container.LIST:
        return f"same_lists({same}, {a}, {b})"
    if field.container is Container.MAP:
        return f"same_maps({same}, {a}, {b})"
    return f"({a} is {b} or {same}({a}, {b}))"


def _plain_equality(shape: Shape) -> tuple[_Equality, dict[str, Any], dict[str, type]]:
    nested = {
        f"same_{number}": field.element.model
        for number, field in enumerate(shape.fields)
        if field.element.model is not None
    }
    # Scalars first: they are cheap and differ most often.
    order = sorted(enumerate(shape.fields), key=lambda one: one[1].is_message)
    terms = [_term(field, number) for number, field in order] or ["True"]
    lines = [
        "def same(a, b):",
        "    if a is b: return True",
        "    if a.__class__ is not b.__class__: return False",
        "    return (",
        *[f"        {'and ' if number else ''}{term}" for number, term in enumerate(terms)],
        "    )",
    ]
    names: dict[str, Any] = {
        "same_scalars": same_scalars,
        "same_lists": _same_lists,
        "same_maps": _same_maps,
    }
    return function("same", lines, names), names, nested


_EQUALITIES: dict[type, _Equality] = {}
_MAKING = RLock()


def equality_of(model: type) -> _Equality:
    """Comparing function of a model class; generated once.

    Raises:
        InvalidInputError: Not a model.
    """
    same = _EQUALITIES.get(model)
    if same is not None:
        return same
    with _MAKING:
        # Published together: no thread may meet a function whose parts are not made yet.
        made: dict[type, _Equality] = {}
        same = _make(model, made)
        _EQUALITIES.update(made)
        return same


def _make(model: type, made: dict[type, _Equality]) -> _Equality:
    known = _EQUALITIES.get(model) or made.get(model)
    if known is not None:
        return known
    shape = shape_of(model)
    if shape.family is Family.PROTOBUF:
        return made.setdefault(model, _message_equality(shape))
    same, names, nested = _plain_equality(shape)
    made[model] = same
    for name, below in nested.items():
        names[name] = _make(below, made)
    return same


@lru_cache(maxsize=4096)
def _quick_equality(shape: Shape) -> _Equality:
    if all(one.family is Family.PROTOBUF or _is_pure_struct(one) for one in reachable(shape)):
        return operator.eq
    return equality_of(shape.model)


def quick_equality_of(model: type) -> _Equality:
    """Cheapest comparison whose yes is right; its no may be due to a NaN."""
    return _quick_equality(shape_of(model))


def _is_pure_struct(shape: Shape) -> bool:
    """Whether the comparison in C covers exactly what is compared here."""
    if shape.family is not Family.STRUCT or shape.private:
        return False
    model: Raw = shape.model
    return model.__eq__ is Struct.__eq__ and bool(model.__struct_config__.eq)


def equal(a: object, b: object) -> bool:
    """Whether two values are of the same type and hold the same content.

    Attributes of models are compared recursively. ``None`` and an empty list differ, lists are
    compared in order, maps by key, and a NaN equals a NaN.

    Raises:
        InvalidInputError: A part contains itself.
    """
    if type(a) is not type(b):
        return False
    try:
        return equality_of(type(a))(a, b) if is_model(type(a)) else same_scalars(a, b)
    except RecursionError as error:
        raise InvalidInputError(
            f"two {type(a).__name__} cannot be compared: a part contains itself, or is nested too "
            "deep; a model is a tree, refer to a part by its key instead"
        ) from error
