# SPDX-License-Identifier: Apache-2.0
"""Texts of scalar values: plain, as in cache keys, and typed (``{24}abc``), as in property ids.

Containers and messages have no typed text here; keys are scalars.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from typing import Final

from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError

__all__ = [
    "INTEGER_RANGES",
    "TYPED",
    "ScalarTextCodec",
    "from_text",
    "kind_of",
    "plain_text",
    "to_text",
]

TYPED: Final = re.compile(r"\{(\d{1,3})(%?)\}")
"""Prefix of a typed text; ``%`` says that the text is percent-encoded."""

INTEGER_RANGES: Final = {
    Kind.INT: (-(2**63), 2**63 - 1),
    Kind.INT32: (-(2**31), 2**31 - 1),
    Kind.INT64: (-(2**63), 2**63 - 1),
    Kind.UINT8: (0, 2**8 - 1),
    Kind.UINT32: (0, 2**32 - 1),
    Kind.UINT64: (0, 2**64 - 1),
}

_READABLE_RANGES: Final = {
    **{int(kind): limits for kind, limits in INTEGER_RANGES.items()},
    # Widths that models do not have but that a peer may write.
    3: (-(2**7), 2**7 - 1),
    4: (-(2**15), 2**15 - 1),
    7: (0, 2**64 - 1),
    9: (0, 2**16 - 1),
}
_FLOATS: Final = (Kind.FLOAT32, Kind.FLOAT64)
_TRUE: Final = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE: Final = frozenset(("", "0", "f", "F", "FALSE", "false", "False"))
_FLOAT32: Final = struct.Struct("<f")
_ENCODED: Final = re.compile(r"%([0-9A-F]{2})")
_RESERVED: Final = re.compile(r"[%<>:]")


def kind_of(value: object) -> Kind:
    """Kind that the Python type of a scalar suggests.

    Raises:
        EncodeError: Not a scalar.
    """
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, int):
        return Kind.INT
    if isinstance(value, float):
        return Kind.FLOAT64
    if isinstance(value, str):
        return Kind.STRING
    raise EncodeError(f"a value of type {type(value).__name__} has no typed text; use a scalar")


def _float_text(value: float, kind: Kind) -> str:
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    text = repr(value)
    if kind is Kind.FLOAT32:
        text = _shortest_float32(value)
    plain = format(Decimal(text), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _shortest_float32(value: float) -> str:
    """Shortest text that gives the same 32 bits, which is what the peers print."""
    try:
        packed = _FLOAT32.pack(value)
    except OverflowError as error:
        raise EncodeError(f"{value!r} does not fit a 32 bit float") from error
    for digits in range(6, 9):
        text = f"{value:.{digits}g}"
        if _FLOAT32.pack(float(text)) == packed:
            return text
    return f"{value:.9g}"


def plain_text(value: object, kind: Kind | None = None) -> str:
    """Text of a scalar without its kind, as it appears in plain keys; "" for ``None``.

    Args:
        value: A scalar.
        kind: Its kind, where the Python type does not tell it.

    Raises:
        EncodeError: Not a scalar, or it does not fit the kind.
    """
    if value is None:
        return ""
    kind = kind_of(value) if kind is None else kind
    if kind is Kind.STRING and isinstance(value, str):
        return str.__str__(value)
    if kind is Kind.BOOL and isinstance(value, int):
        return "true" if value else "false"
    if kind in INTEGER_RANGES and isinstance(value, int):
        low, high = INTEGER_RANGES[kind]
        if not low <= value <= high:
            raise EncodeError(f"{int(value)} is not in {low}..{high} of kind {kind.name}")
        # The peers print unsigned 64 bit numbers with the sign bit as a sign.
        return str(int(value) - 2**64 if value >= 2**63 else int(value))
    if kind in _FLOATS and isinstance(value, int | float):
        return _float_text(float(value), kind)
    raise EncodeError(f"a value of type {type(value).__name__} is not of kind {kind.name}")


def _encode(text: str) -> str:
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _decode(text: str) -> str:
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), text)


def to_text(value: object, kind: Kind | None = None, *, composite: bool = False) -> str:
    """Typed text of a scalar.

    Args:
        value: A scalar.
        kind: Its kind; by default the one that the Python type suggests.
        composite: The text becomes part of a key of several values joined by ``::``.

    Returns:
        ``{kind}text``. A text that would break the syntax of property ids (it holds ``<`` or ``>``,
        or ``::`` within a composite) is percent-encoded and marked: ``{24%}a%3Cb``.

    Raises:
        EncodeError: Not a scalar, or it does not fit the kind.
    """
    kind = kind_of(value) if kind is None else kind
    text = plain_text(value, kind)
    if kind is Kind.STRING and ("<" in text or ">" in text or (composite and "::" in text)):
        return f"{{{int(kind)}%}}{_encode(text)}"
    return f"{{{int(kind)}}}{text}"


def _integer(kind: int, text: str) -> int:
    low, high = _READABLE_RANGES[kind]
    try:
        value = int(text) if text else 0
    except ValueError as error:
        raise DecodeError(f"{text!r} is not a whole number") from error
    if low == 0 and high == 2**64 - 1 and -(2**63) <= value < 0:
        value += 2**64
    if not low <= value <= high:
        raise DecodeError(f"{value} is not in {low}..{high} of kind {kind}")
    return value


def _float(kind: int, text: str) -> float:
    try:
        value = float(text) if text else 0.0
        if kind == Kind.FLOAT32:
            (value,) = _FLOAT32.unpack(_FLOAT32.pack(value))
    except (ValueError, OverflowError) as error:
        raise DecodeError(f"{text!r} is not a number of kind {kind}") from error
    return value


def from_text(text: str) -> object:
    """The value of a typed text; ``None`` for ``{0}``.

    Raises:
        DecodeError: No ``{kind}`` prefix, or text that does not fit the kind.
    """
    prefix = TYPED.match(text)
    if prefix is None:
        raise DecodeError(f"{text!r} does not start with a kind such as {{24}}")
    kind, rest = int(prefix[1]), text[prefix.end() :]
    if prefix[2]:
        rest = _decode(rest)
    if kind == Kind.STRING:
        return rest
    if kind in _READABLE_RANGES:
        return _integer(kind, rest)
    if kind in _FLOATS:
        return _float(kind, rest)
    if kind == Kind.BOOL and (rest in _TRUE or rest in _FALSE):
        return rest in _TRUE
    if kind == 0 and not rest:
        return None
    raise DecodeError(f"{text!r} is not the typed text of a scalar")


class ScalarTextCodec:
    """Typed text of scalars behind the interface."""

    def to_text(self, value: object, kind: Kind | None = None) -> str:
        """Typed text; ``kind`` overrides the kind that the Python type suggests.

        Raises:
            EncodeError: Not a scalar, or it does not fit the kind.
        """
        return to_text(value, kind)

    def from_text(self, text: str) -> object:
        """The value of a typed text.

        Raises:
            DecodeError: Not a typed text of a scalar.
        """
        return from_text(text)
