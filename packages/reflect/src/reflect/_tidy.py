# SPDX-License-Identifier: Apache-2.0
"""A closer look at an instance that could not be compared: what is wrong with it, and where.

Python holds nobody to the types of a model. Checking every instance before it is used would cost
more than using it, so that this is asked only after something has failed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from l8types.enums import Container, Kind
from l8types.errors import L8Error, PropertyError
from reflect._adapters import shape_of
from reflect._clone import force_setter
from reflect._convert import convert_element
from reflect._scalars import to_text
from reflect._shapes import Element, Family, Field, Raw, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_value", "check_values", "tidied"]

_MAX_DEPTH: Final = 100
"""Models within each other. Messages end there as well, and Python's own stack not far behind."""
_NUMBERS: Final = (int, float)


def _misfit(place: str, value: object, expected: str) -> PropertyError:
    """Error about a value in an instance that is not of the type that the model declares."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    return PropertyError(
        f"{place} is {shown} ({type(value).__name__}), the model declares {expected}; correct it"
    )


def check_value(place: str, value: object, element: Element) -> None:
    """Accept a scalar that an attribute, an item or an entry holds.

    Raises:
        PropertyError: It is of another type; the message names the place.
    """
    try:
        made = convert_element(value, element)
    except L8Error as error:
        raise _misfit(place, value, element.type_name) from error
    if not isinstance(value, type(made)) and not (
        isinstance(value, _NUMBERS) and isinstance(made, _NUMBERS)
    ):
        raise _misfit(place, value, element.type_name)


def check_values(field: Field, place: str, value: Raw) -> None:
    """Accept a value of a whole attribute that holds scalars; ``None`` is nothing to look at.

    Raises:
        PropertyError: It, or one in it, is of another type; the message names the place.
    """
    # Messages take no wrong value.
    if value is not None and field.family is not Family.PROTOBUF:
        for where, one in _entries(field, place, value):
            check_value(where, one, field.element)


def tidied(instance: Raw) -> Raw:
    """The instance, or a copy in which nothing is ``None`` where a model belongs.

    Such an item of a list becomes an empty one, such an entry of a map goes.

    Raises:
        PropertyError: A value is not what the model declares, or a part contains itself; the
            message names the place.
    """
    shape = shape_of(type(instance))
    if not _Look().has_gaps(shape, instance, shape.name, ()):
        return instance
    return _filled(shape, instance)


class _Look:
    """Goes through an instance once."""

    def has_gaps(self, shape: Shape, instance: Raw, place: str, above: tuple[int, ...]) -> bool:
        """Check an instance and all in it; whether there is a ``None`` among entries or items."""
        if shape.family is Family.PROTOBUF:
            # Messages take no wrong value and are always trees.
            return False
        if id(instance) in above:
            raise PropertyError(
                f"{_shortened(place)} contains itself; a model is a tree, refer to a part by its "
                "key instead"
            )
        if len(above) >= _MAX_DEPTH:
            raise PropertyError(
                f"{_shortened(place)} is nested deeper than {_MAX_DEPTH} levels; keep its parts in "
                "a list or map instead"
            )
        inside = (*above, id(instance))
        # All of it is looked at, whether a gap was found or not.
        gaps = [
            self._attribute(field, f"{place}.{field.attribute}", field.read(instance), inside)
            for field in shape.fields
        ]
        return any(gaps)

    def _attribute(self, field: Field, place: str, value: Raw, above: tuple[int, ...]) -> bool:
        if value is None:
            return False
        gaps = [
            self._value(field, where, one, above) for where, one in _entries(field, place, value)
        ]
        return any(gaps)

    def _value(self, field: Field, place: str, value: Raw, above: tuple[int, ...]) -> bool:
        model = field.element.model
        if model is None:
            check_value(place, value, field.element)
            return False
        if value is None:
            return True
        if type(value) is not model:
            raise _misfit(place, value, field.element.type_name)
        return self.has_gaps(shape_of(model), value, place, above)


def _entries(field: Field, place: str, value: Raw) -> Iterator[tuple[str, Raw]]:
    """The single values of an attribute, each with its place."""
    if field.container is Container.SINGLE:
        yield place, value
    elif field.container is Container.MAP:
        if field.key is None or not hasattr(value, "items"):
            raise _misfit(place, value, f"a map to {field.element.type_name}")
        for key, one in value.items():
            check_value(f"a key of {place}", key, field.key)
            yield f"{place}<{key}>", one
    else:
        if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
            raise _misfit(place, value, f"a list of {field.element.type_name}")
        for index, one in enumerate(value):
            yield f"{place}<{to_text(index, Kind.INT)}>", one


def _shortened(place: str) -> str:
    return place if len(place) <= 100 else f"{place[:100]}…"


def _filled(shape: Shape, instance: Raw) -> Raw:
    """A copy with an empty model where an item is missing, and without entries that are nothing.

    Only what may have to change is copied.
    """
    made, write = copy.copy(instance), force_setter(shape)
    for field in shape.fields:
        model = field.element.model
        held: Raw = field.read(instance)
        if model is None or held is None or shape_of(model).family is Family.PROTOBUF:
            continue
        below = shape_of(model)
        whole: object
        if field.container is Container.LIST:
            whole = [below.new() if one is None else _filled(below, one) for one in held]
        elif field.container is Container.MAP:
            whole = {key: _filled(below, one) for key, one in held.items() if one is not None}
        else:
            whole = _filled(below, held)
        write(made, field.attribute, whole)
    return made
