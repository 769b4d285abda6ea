# SPDX-License-Identifier: Apache-2.0
"""Values from outside to exactly what an attribute holds, or an error that says why not.

Whole numbers stay exact at any size, what does not fit a width is refused, nothing is dropped
silently but the fraction of a float that is stored as a whole number. Messages and containers are
copied, so that two instances never share parts.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from l8types.enums import Container, Kind
from l8types.errors import EncodeError, PropertyError
from reflect._adapters import shape_of
from reflect._clone import cloner_of
from reflect._scalars import INTEGER_RANGES, plain_text
from reflect._shapes import KIND_NAMES, Element, Field

__all__ = ["convert", "convert_element"]

_FLOAT32: Final = struct.Struct("<f")
_TRUE: Final = frozenset(("true", "t", "1"))
_FALSE: Final = frozenset(("false", "f", "0", ""))


def _misfit(value: object, expected: str) -> PropertyError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    return PropertyError(f"{shown} ({type(value).__name__}) is no {expected}")


def _to_bool(value: object, element: Element) -> bool:
    if isinstance(value, int | float):
        return bool(value)
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
    raise _misfit(value, element.type_name)


def _to_int(value: object, element: Element) -> int:
    number: int
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        number = int(value)
    elif isinstance(value, str):
        try:
            number = int(value)
        except ValueError as error:
            raise _misfit(value, element.type_name) from error
    else:
        raise _misfit(value, element.type_name)
    low, high = INTEGER_RANGES[element.kind]
    if not low <= number <= high:
        raise PropertyError(f"{number} is not in {low}..{high} of {element.type_name}")
    return number


def _to_float(value: object, element: Element) -> float:
    if not isinstance(value, int | float | str):
        raise _misfit(value, element.type_name)
    try:
        number = float(value)
        if element.kind is Kind.FLOAT32:
            (number,) = _FLOAT32.unpack(_FLOAT32.pack(number))
    except (ValueError, OverflowError) as error:
        raise _misfit(value, element.type_name) from error
    return number


def _to_string(value: object, element: Element) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise _misfit(value, element.type_name) from error
    if value is None or not isinstance(value, bool | int | float | str):
        raise _misfit(value, element.type_name)
    if isinstance(value, str):
        try:
            value.isascii() or value.encode()
        except UnicodeEncodeError as error:
            raise _misfit(value, "text that UTF-8 can carry") from error
        return value
    try:
        return plain_text(value)
    except EncodeError:
        return str(value)


def _to_bytes(value: object, element: Element) -> bytes:
    # The format of values does not tell an empty byte string from none.
    if value is None:
        return b""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return _to_string(value, element).encode()
    raise _misfit(value, element.type_name)


_CONVERTERS: Final[dict[Kind, Callable[[object, Element], object]]] = {
    Kind.BOOL: _to_bool,
    Kind.UINT8: _to_bytes,
    Kind.FLOAT32: _to_float,
    Kind.FLOAT64: _to_float,
    Kind.STRING: _to_string,
}


def _enum_number(value: object, names: Mapping[str, int], element: Element) -> int:
    if not isinstance(value, str):
        return _to_int(value, element)
    if value in names:
        return names[value]
    if value.lstrip("-").isdigit():
        return _to_int(value, element)
    for name, number in names.items():
        if name.lower() == value.lower():
            return number
    raise PropertyError(f"{value!r} is no value of {element.type_name}; use {', '.join(names)}")


def _to_member(value: object, members: type[Enum], element: Element) -> object:
    if isinstance(value, members):
        return value
    wanted: object
    if element.enum is not None:
        wanted = _enum_number(value, element.enum, element)
    else:
        wanted = _to_string(value, element)
    try:
        return members(wanted)
    except ValueError as error:
        if wanted in members.__members__:
            return members[str(wanted)]
        raise PropertyError(
            f"{wanted!r} is no value of {element.type_name}; use {', '.join(members.__members__)}"
        ) from error


def convert_element(value: object, element: Element) -> object:
    """Convert a single value, a list item, or a key or value of a map.

    Raises:
        PropertyError: It does not fit.
    """
    if element.model is not None:
        if type(value) is not element.model:
            raise _misfit(value, element.type_name)
        return cloner_of(element.model)(value)
    if element.enum_class is not None:
        return _to_member(value, element.enum_class, element)
    if element.enum is not None:
        return _enum_number(value, element.enum, element)
    return _CONVERTERS.get(element.kind, _to_int)(value, element)


def _container_name(field: Field) -> str:
    name = field.element.type_name
    if field.container is Container.LIST:
        return f"list of {name}"
    return f"map of {KIND_NAMES[field.key.kind] if field.key else ''} to {name}"


def convert(value: object, field: Field) -> object:
    """Convert the value of a whole attribute; ``None`` is for the caller to treat.

    Raises:
        PropertyError: It does not fit.
    """
    if field.container is Container.SINGLE:
        return convert_element(value, field.element)
    # The containers of protobuf are neither lists nor dictionaries.
    loose: Any = value
    if field.container is Container.MAP:
        if field.key is None or not hasattr(value, "items"):
            raise _misfit(value, _container_name(field))
        key = field.key
        return {
            convert_element(name, key): convert_element(item, field.element)
            for name, item in loose.items()
            # Peers can hold a key without a model; there are none such here.
            if item is not None or field.element.model is None
        }
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
        raise _misfit(value, _container_name(field))
    return [_convert_item(item, field.element) for item in loose]


def _convert_item(item: object, element: Element) -> object:
    """Convert an item of a list; for a model that a peer lacks, an empty one keeps the place."""
    if item is None and element.model is not None:
        return shape_of(element.model).new()
    return convert_element(item, element)
