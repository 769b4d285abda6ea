# SPDX-License-Identifier: Apache-2.0
"""How each kind of scalar is kept in a column: type, zero, way in and way out.

Every kind keeps its exact value. Whole numbers are checked before they are bound, since a database
would wrap, round or refuse them in its own words. Unsigned 64 bit numbers use the signed column of
both databases: those above the signed range are kept as the negative number with the same bits.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from l8types.enums import Kind

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["FLOATS", "RANGES", "Misfit", "ValueType", "unwrapped", "value_type", "wrapped"]

FLOATS: Final = frozenset((Kind.FLOAT32, Kind.FLOAT64))

RANGES: Final = {
    Kind.INT: (-(2**63), 2**63 - 1),
    Kind.INT32: (-(2**31), 2**31 - 1),
    Kind.INT64: (-(2**63), 2**63 - 1),
    Kind.UINT32: (0, 2**32 - 1),
    Kind.UINT64: (0, 2**64 - 1),
}
"""Smallest and largest value of each kind of whole number."""

_NAN: Final = "NaN"
"""SQLite would turn a NaN into NULL; as text it survives in the same column."""


class Misfit(Exception):  # noqa: N818 - never leaves the package, InvalidInputError does
    """A value that does not fit its kind; whoever knows the attribute adds its name."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """A kind as a column."""

    tag: str
    """Name of the column type in the schema table; a change of it is a change of type."""
    sql: TypeEngine[object]
    zero: object
    default: str
    """The zero value as a literal of SQL, for rows that are older than the column."""
    encode: Callable[[object], object]
    """Value to parameter; raises ``Misfit``."""
    decode: Callable[[object], object] | None = None
    """Result to value, ``None`` when they are the same."""


class _SqliteDouble(sa.Double[float]):
    """Hands values through; the type of SQLAlchemy would make a number of the text of a NaN."""

    @override
    def bind_processor(self, dialect: Dialect) -> None:
        return None

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None


def wrapped(value: int) -> int:
    """The signed number with the bits of an unsigned one."""
    return value - 2**64 if value >= 2**63 else value


def unwrapped(value: int) -> int:
    """The unsigned number with the bits of a signed one."""
    return value + 2**64 if value < 0 else value


def _integer_encoder(kind: Kind) -> Callable[[object], object]:
    low, high = RANGES[kind]
    unsigned = kind is Kind.UINT64

    def encode(value: object) -> object:
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise Misfit(f"{type(value).__name__} is no whole number") from None
        if not low <= number <= high:
            raise Misfit(f"{number} is not in {low}..{high}")
        return wrapped(number) if unsigned else int(number)

    return encode


def _encode_bool(value: object) -> object:
    if value.__class__ is not bool:
        raise Misfit(f"{type(value).__name__} is no truth value")
    return value


def _encode_bytes(value: object) -> object:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise Misfit(f"{type(value).__name__} is no byte string")
    return bytes(value)


def _encode_text(value: object) -> object:
    if not isinstance(value, str):
        raise Misfit(f"{type(value).__name__} is no text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Misfit(f"the text has half a character at {error.start}") from None
    # A member of a text enum is kept as the text that it is.
    return value if value.__class__ is str else str.__str__(value)


def _encode_text_without_nul(value: object) -> object:
    text = _encode_text(value)
    if "\0" in text:  # type: ignore[operator]
        raise Misfit("PostgreSQL keeps no text with a NUL character; use an attribute of bytes")
    return text


def _encode_float(value: object) -> object:
    if value.__class__ is float:
        return value
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise Misfit(f"{type(value).__name__} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if number != value and value == value:  # noqa: PLR0124 - a NaN differs from itself
        raise Misfit(f"{value} cannot be kept exactly as a floating-point number")
    return number


def _encode_float_for_sqlite(value: object) -> object:
    number = _encode_float(value)
    return _NAN if number != number else number  # noqa: PLR0124 - a NaN differs from itself


def _decode_float(value: object) -> object:
    return float(value)  # type: ignore[arg-type]


def _decode_unsigned(value: object) -> object:
    return unwrapped(value)  # type: ignore[arg-type]


# Text compares by code point, as it does in Python, and not by the customs of a country.
_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_DOUBLE: Final[TypeEngine[float]] = sa.Double().with_variant(_SqliteDouble(), "sqlite")


def _make(kind: Kind, *, sqlite: bool) -> ValueType:
    if kind in RANGES:
        sql: TypeEngine[object] = sa.Integer() if kind is Kind.INT32 else sa.BigInteger()  # type: ignore[assignment]
        decode = _decode_unsigned if kind is Kind.UINT64 else None
        tag = {Kind.INT32: "integer", Kind.UINT64: "unsigned"}.get(kind, "bigint")
        return ValueType(tag, sql, 0, "0", _integer_encoder(kind), decode)
    if kind in FLOATS:
        encode = _encode_float_for_sqlite if sqlite else _encode_float
        return ValueType("double", _DOUBLE, 0.0, "0", encode, _decode_float)  # type: ignore[arg-type]
    if kind is Kind.BOOL:
        default = "0" if sqlite else "false"
        return ValueType("boolean", sa.Boolean(), False, default, _encode_bool)  # type: ignore[arg-type]
    if kind is Kind.UINT8:
        default = "X''" if sqlite else "''"
        return ValueType("bytes", sa.LargeBinary(), b"", default, _encode_bytes)  # type: ignore[arg-type]
    if kind is Kind.STRING:
        text = _encode_text if sqlite else _encode_text_without_nul
        return ValueType("text", _TEXT, "", "''", text)  # type: ignore[arg-type]
    raise Misfit(f"kind {kind.name} is no scalar")


_TYPES: Final = {
    (kind, sqlite): _make(kind, sqlite=sqlite)
    for kind in (*RANGES, *FLOATS, Kind.BOOL, Kind.UINT8, Kind.STRING)
    for sqlite in (False, True)
}


def value_type(kind: Kind, *, sqlite: bool) -> ValueType:
    """The column of a kind.

    Raises:
        KeyError: Not the kind of a scalar.
    """
    return _TYPES[kind, sqlite]
