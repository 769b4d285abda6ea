# SPDX-License-Identifier: Apache-2.0
"""Untyped text of single values, as it stands in plain keys and behind the prefix of typed text."""

from __future__ import annotations

import math
import re
import struct
from contextlib import suppress
from decimal import Decimal
from typing import Final

from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError

INTEGER_RANGES: Final[dict[int, tuple[int, int]]] = {
    Kind.INT: (-(1 << 63), (1 << 63) - 1),
    3: (-(1 << 7), (1 << 7) - 1),
    4: (-(1 << 15), (1 << 15) - 1),
    Kind.INT32: (-(1 << 31), (1 << 31) - 1),
    Kind.INT64: (-(1 << 63), (1 << 63) - 1),
    7: (0, (1 << 64) - 1),
    Kind.UINT8: (0, (1 << 8) - 1),
    9: (0, (1 << 16) - 1),
    Kind.UINT32: (0, (1 << 32) - 1),
    Kind.UINT64: (0, (1 << 64) - 1),
}
"""Kind number to the smallest and largest value. The bare numbers are kinds that peers may send
(8 and 16 bits, unsigned without a width) and that no model of ours has."""

_WIDE: Final = 1 << 64
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|[iI]nf|NaN)")
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def scalar_kind(value: object) -> Kind:
    """The kind that a Python value suggests.

    Raises:
        EncodeError: Not a single value.
    """
    match value:
        case bool():
            return Kind.BOOL
        case int():
            return Kind.INT
        case float():
            return Kind.FLOAT64
        case str():
            return Kind.STRING
    raise EncodeError(f"a {type(value).__name__} has no text form")


def scalar_text(value: object, kind: int) -> str:
    """Untyped text of a single value.

    Args:
        value: A text, number or truth value.
        kind: Its kind; numbers are checked against its range.

    Raises:
        EncodeError: The value is not of the kind or out of its range.
    """
    if isinstance(value, str) and kind == Kind.STRING:
        return str(value)
    if isinstance(value, bool):
        if kind == Kind.BOOL:
            return "true" if value else "false"
    elif isinstance(value, int) and kind in INTEGER_RANGES:
        return _integer_text(value, kind)
    elif isinstance(value, (int, float)) and kind in {Kind.FLOAT32, Kind.FLOAT64}:
        return _float_text(value, kind)
    raise EncodeError(f"{value!r} is not of kind {kind_name(kind)}")


def scalar_value(text: str, kind: int) -> object:
    """The value of an untyped text.

    Empty text is 0 for a number, as for the peers.

    Raises:
        DecodeError: Not a text of this kind, or out of its range.
    """
    if kind == Kind.STRING:
        return text
    if kind == Kind.BOOL and text in _TRUE | _FALSE:
        return text in _TRUE
    if kind in INTEGER_RANGES and (not text or _INTEGER.fullmatch(text)):
        return _integer_value(int(text or "0"), kind)
    if kind in {Kind.FLOAT32, Kind.FLOAT64} and (not text or _FLOAT.fullmatch(text)):
        return float(text or "0")
    raise DecodeError(f"{text[:40]!r} is no text of kind {kind_name(kind)}")


def kind_name(kind: int) -> str:
    """Number of a kind, with its name where it has one."""
    return f"{kind} ({Kind(kind).name})" if kind in Kind.__members__.values() else str(kind)


def _integer_text(value: int, kind: int) -> str:
    low, high = INTEGER_RANGES[kind]
    if not low <= value <= high:
        raise EncodeError(f"{value} is not in {low}..{high} of kind {kind_name(kind)}")
    # Peers write unsigned numbers as if their 64 bits were signed, and keys must agree with theirs.
    return str(value - _WIDE if value >= 1 << 63 else int(value))


def _integer_value(value: int, kind: int) -> int:
    low, high = INTEGER_RANGES[kind]
    if value < 0 and high == _WIDE - 1:
        value += _WIDE
    if not low <= value <= high:
        raise DecodeError(f"{value} is not in {low}..{high} of kind {kind_name(kind)}")
    return value


def _float_text(value: float, kind: int) -> str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    digits = repr(number) if kind == Kind.FLOAT64 else _short_digits(number)
    text = format(Decimal(digits), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short_digits(number: float) -> str:
    """The fewest digits that give the same number in 32 bits."""
    try:
        narrow = struct.pack("<f", number)
    except OverflowError as error:
        raise EncodeError(f"{number} is too large for kind {kind_name(Kind.FLOAT32)}") from error
    for precision in range(1, 9):
        text = f"{number:.{precision}g}"
        # Rounding may lead beyond the largest number, which does not fit any more.
        with suppress(OverflowError):
            if struct.pack("<f", float(text)) == narrow:
                return text
    # Nine digits always suffice for 32 bits.
    return f"{number:.9g}"
