# SPDX-License-Identifier: Apache-2.0
"""JSON values to the scalar attributes of protobuf messages, in all forms that are allowed.

Numbers may come as text and integers as floats without a fraction, since some writers cannot do
better; everything else is taken literally.
"""

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from l8srlz._faults import Fault, shown

Parse = Callable[[object], object]

_RANGES: Final = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}
_EXACT: Final = {
    FieldDescriptor.CPPTYPE_BOOL: bool,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_STRING: str,
} | dict.fromkeys(_RANGES, int)
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MAX_DIGITS: Final = 400
"""Characters of a number as text; the largest double needs 309."""
_FLOAT32: Final = struct.Struct("<f")


def parser_of(field: FieldDescriptor) -> Parse:
    """Parser of single values of an attribute; raises ``Fault`` for any that does not fit."""
    if field.cpp_type in _RANGES:
        return _integer(*_RANGES[field.cpp_type])
    if field.enum_type is not None:
        return _enumeration(field.enum_type)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return _double
        case FieldDescriptor.CPPTYPE_FLOAT:
            return _float
        case FieldDescriptor.CPPTYPE_BOOL:
            return _bool
    return _bytes if field.type == FieldDescriptor.TYPE_BYTES else _text


def exact_type(field: FieldDescriptor) -> type | None:
    """Type of JSON values that the runtime checks itself, so that they need no parser."""
    if field.enum_type is not None or field.type == FieldDescriptor.TYPE_BYTES:
        return None
    return _EXACT.get(field.cpp_type)


def key_parser_of(field: FieldDescriptor) -> Parse:
    """Parser of the keys of a map, which are always text in JSON."""
    return _bool_key if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else parser_of(field)


def _integer(name: str, low: int, high: int) -> Parse:
    def parse(value: object) -> int:
        number = value if type(value) is int else _whole(value, name)
        if low <= number <= high:
            return number
        raise Fault(f"{shown(value)} does not fit {name}")

    return parse


def _whole(value: object, name: str) -> int:
    if isinstance(value, str) and value and len(value) <= _MAX_DIGITS:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            return int(value)
        value = _number(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise Fault(f"{shown(value)} is no {name}")


def _number(text: str) -> float | str:
    """A number as text, or the text when it is none. Python's liberties are not JSON's."""
    if len(text) > _MAX_DIGITS or "_" in text or text != text.strip():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _double(value: object) -> float:
    if type(value) is float:
        return value
    if isinstance(value, str):
        if value in _NOT_FINITE:
            return _NOT_FINITE[value]
        number = _number(value)
        if isinstance(number, float):
            return number
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise Fault("the number does not fit a double") from error
    raise Fault(f"{shown(value)} is no number")


def _float(value: object) -> float:
    number = _double(value)
    try:
        _FLOAT32.pack(number)
    except OverflowError as error:
        raise Fault(f"{number} does not fit a float") from error
    return number


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Fault(f"{shown(value)} is neither true nor false")


def _bool_key(value: object) -> bool:
    if value in {"true", "false"}:
        return value == "true"
    raise Fault(f'key {shown(value)} is neither "true" nor "false"')


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Fault(f"{shown(value)} is no text")
    return value


def _bytes(value: object) -> bytes:
    text = _text(value).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(f"{shown(value)} is no base64") from error


def _enumeration(enum: EnumDescriptor) -> Parse:
    names = {value.name: value.number for value in enum.values}
    number = _integer("int32", -(2**31), 2**31 - 1)

    def parse(value: object) -> object:
        if isinstance(value, str) and value in names:
            return names[value]
        try:
            parsed = number(value)
        except Fault as fault:
            raise Fault(f"{shown(value)} is no value of {enum.name}") from fault
        if enum.is_closed and parsed not in enum.values_by_number:
            raise Fault(f"{shown(value)} is no value of {enum.name}")
        return parsed

    return parse
