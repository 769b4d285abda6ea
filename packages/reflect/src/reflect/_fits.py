# SPDX-License-Identifier: Apache-2.0
"""Whether an instance holds what its model declares, asked before it is kept.

Python holds nobody to the types of a model. Per model a function is generated that knows the
common types at a glance and costs a fraction of a copy; what it does not know is looked at closely
and slowly, by the module beside this one, which also words the errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from l8types.enums import Container, Kind
from reflect._adapters import shape_of
from reflect._codegen import attribute_of, function
from reflect._shapes import Element, Family, Field, Raw
from reflect._tidy import tidied

__all__ = ["check"]

_Fits = Callable[[Raw, int], bool]
"""Takes an instance and how deep it is; ``False`` means that a closer look is needed."""

_MAX_DEPTH: Final = 100
_NONE: Final = type(None)
_CLASSES: Final[dict[Kind, type]] = {
    Kind.BOOL: bool,
    Kind.FLOAT32: float,
    Kind.FLOAT64: float,
    Kind.STRING: str,
    Kind.UINT8: bytes,
}
_FITTING: Final[dict[type, _Fits]] = {}


def check(instance: object) -> None:
    """Accept an instance and all in it.

    Raises:
        PropertyError: A value is not what the model declares, or a part contains itself; the
            message names the place.
        InvalidInputError: It is no model.
    """
    if not _fitting(type(instance))(instance, 0):
        tidied(instance)


def _fitting(model: type) -> _Fits:
    fits = _FITTING.get(model)
    if fits is None:
        # Two threads may both do this; the results are alike.
        fits = _FITTING[model] = _make(model)
    return fits


def _make(model: type) -> _Fits:
    shape = shape_of(model)
    if shape.family is Family.PROTOBUF:
        # Messages take no wrong value and are always trees.
        return lambda _instance, _depth: True
    names: dict[str, Any] = {"fitting": _fitting, "none": _NONE}
    terms = [f"depth < {_MAX_DEPTH}"]
    terms += [_term(field, number, names) for number, field in enumerate(shape.fields)]
    return function("fits", ["def fits(a, depth):", f"    return {' and '.join(terms)}"], names)


def _term(field: Field, number: int, names: dict[str, Any]) -> str:
    value, one = attribute_of("a", field.attribute), f"v{number}"
    names[f"class_{number}"] = _class_of(field.element)
    if field.container is Container.SINGLE:
        fits = _fits(field.element, number, one)
        return f"((({one} := {value}) is None) or {fits})"
    item = _fits(field.element, number, "x")
    if field.container is Container.LIST:
        return (
            f"((({one} := {value}) is None) or"
            f" ({one}.__class__ is list and all([{item} for x in {one}])))"
        )
    key = _class_of(field.key) if field.key is not None else _NONE
    names[f"key_{number}"] = key
    return (
        f"((({one} := {value}) is None) or ({one}.__class__ is dict and"
        f" all([k.__class__ is key_{number} and {item} for k, x in {one}.items()])))"
    )


def _fits(element: Element, number: int, value: str) -> str:
    same = f"{value}.__class__ is class_{number}"
    if element.model is None:
        return same
    return f"({same} and fitting(class_{number})({value}, depth + 1))"


def _class_of(element: Element) -> type:
    if element.model is not None:
        return element.model
    return element.enum_class or _CLASSES.get(element.kind, int)
