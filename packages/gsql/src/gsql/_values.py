# SPDX-License-Identifier: Apache-2.0
"""Values of a query in the kind of the attribute that they are compared with."""

from __future__ import annotations

import base64
import math
import re
import struct
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from gsql._patterns import quoted
from gsql._problems import did_you_mean, shown
from l8types.enums import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.models import ModelNode

__all__ = [
    "FLOATS",
    "INTEGERS",
    "NUMBERS",
    "ClashError",
    "from_parameter",
    "from_text",
    "is_text",
    "kind_name",
    "value_text",
]

INTEGERS: Final = frozenset((Kind.INT, Kind.INT32, Kind.INT64, Kind.UINT32, Kind.UINT64))
FLOATS: Final = frozenset((Kind.FLOAT32, Kind.FLOAT64))
NUMBERS: Final = INTEGERS | FLOATS

_INTEGER: Final = re.compile(r"[+-]?\d{1,100}", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BASE64: Final = "base64:"
_TRUTH: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_NAMES: Final = {Kind.BOOL: "bool", Kind.UINT8: "bytes", Kind.STRING: "string"}
_EXACT_FLOAT: Final = 2.0**53


class ClashError(Exception):
    """A value that does not fit its attribute; the binder adds the place."""


def is_text(node: ModelNode) -> bool:
    """Whether the values of an attribute are texts."""
    return node.kind is Kind.STRING


def kind_name(node: ModelNode) -> str:
    """The kind of an attribute for messages."""
    if node.enum is not None or node.kind is Kind.MESSAGE:
        return node.type_name
    return _NAMES.get(node.kind, node.kind.name.lower())


def _clash(node: ModelNode, found: str, hint: str = "") -> ClashError:
    return ClashError(f"{node.field_name} is of kind {kind_name(node)}, {found} is not{hint}")


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _fit_number(node: ModelNode, value: float) -> int | float:
    """The number as the attribute would hold it."""
    if node.kind is Kind.FLOAT32:
        try:
            # What is stored was rounded to 32 bits; only the same rounding compares equal.
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        except (OverflowError, struct.error):
            return float(value) if abs(value) < 1e300 else math.copysign(1e300, value)
    if node.kind is Kind.FLOAT64:
        # A whole number that no float holds exactly still compares exactly as it is.
        return float(value) if abs(value) <= _EXACT_FLOAT else value
    return int(value) if value == int(value) else value


def _enum_number(node: ModelNode, name: str) -> int:
    names = node.enum or {}
    by_lower = {known.lower(): number for known, number in names.items()}
    number = by_lower.get(name.lower())
    if number is None:
        raise _clash(node, shown(name), did_you_mean(name, names))
    return number


def _from_bool(node: ModelNode, text: str) -> object:
    value = _TRUTH.get(text.lower())
    if value is None:
        raise _clash(node, shown(text), "; use true or false")
    return value


def _from_bytes(node: ModelNode, text: str) -> object:
    lower = text.lower()
    try:
        if lower.startswith(_BASE64):
            return base64.b64decode(text[len(_BASE64) :], validate=True)
        return bytes.fromhex(text[2:] if lower.startswith("0x") else text)
    except ValueError:
        hint = f"; write bytes in hexadecimal, or in base64 after '{_BASE64}'"
        raise _clash(node, shown(text), hint) from None


def _from_number(node: ModelNode, text: str) -> object:
    number = _number(text)
    if number is not None:
        return _fit_number(node, number)
    if node.enum is not None:
        return _enum_number(node, text)
    if _MOMENT.fullmatch(text):
        return _fit_number(node, _seconds(node, text))
    raise _clash(node, shown(text))


def _seconds(node: ModelNode, text: str) -> int | float:
    """Unix time of a date, or of a date and time of day; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _clash(node, shown(text), f"; as a moment it makes no sense: {error}") from None
    return _unix(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _unix(moment: datetime) -> int | float:
    since = moment - _EPOCH
    whole = since.days * 86_400 + since.seconds
    return whole + since.microseconds / 1e6 if since.microseconds else whole


_READERS: Final[dict[Kind, Callable[[ModelNode, str], object]]] = {
    Kind.BOOL: _from_bool,
    Kind.UINT8: _from_bytes,
    Kind.STRING: lambda _, text: text,
    **dict.fromkeys(NUMBERS, _from_number),
}


def from_text(node: ModelNode, text: str) -> object:
    """A literal in the kind of a scalar attribute.

    Raises:
        ClashError: It does not fit.
    """
    return _READERS[node.kind](node, text)


def from_parameter(node: ModelNode, value: object) -> object:
    """The value of a parameter in the kind of an attribute; texts are read like literals.

    Raises:
        ClashError: It does not fit.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return from_text(node, value)
    if isinstance(value, datetime) and node.kind in NUMBERS and node.enum is None:
        if value.tzinfo is None:
            raise _clash(node, "a moment without a time zone", "; give it one, such as UTC")
        return _fit_number(node, _unix(value))
    if node.kind is Kind.BOOL and isinstance(value, bool):
        return value
    if node.kind is Kind.UINT8 and isinstance(value, bytes | bytearray):
        return bytes(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if node.kind in NUMBERS and number and math.isfinite(value):  # type: ignore[arg-type]
        return _fit_number(node, value)  # type: ignore[arg-type]
    raise _clash(node, f"a value of type {type(value).__name__}")


def value_text(node: ModelNode, value: object) -> str:
    """A bound value as a query says it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return quoted(value.hex())
    if isinstance(value, int | float) and not is_text(node):
        return repr(value)
    return quoted(str(value))
