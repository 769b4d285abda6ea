# SPDX-License-Identifier: Apache-2.0
"""The values an SNMP agent can send, with their exact types.

The type is part of the answer: a poller treats a Counter32 that wraps otherwise than a Gauge32,
and a simulator that sends everything as text proves nothing. Object identifiers are tuples of
integers, because tuples sort in the lexicographic order that GETNEXT is defined by.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from l8types.errors import InvalidInputError

__all__ = ["EXCEPTIONS", "Kind", "Oid", "Value", "as_value", "format_oid", "parse_oid"]

Oid: TypeAlias = tuple[int, ...]
"""An object identifier, one integer per arc."""

_MAX_ARC = 2**32 - 1
_MAX_ARCS = 128  # RFC 3416, section 4.1


class Kind(IntEnum):
    """Type of a value; the number is its BER tag (RFC 2578, RFC 3416)."""

    INTEGER = 0x02
    OCTET_STRING = 0x04
    NULL = 0x05
    OBJECT_IDENTIFIER = 0x06
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    GAUGE32 = 0x42
    TIME_TICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


EXCEPTIONS = frozenset({Kind.NO_SUCH_OBJECT, Kind.NO_SUCH_INSTANCE, Kind.END_OF_MIB_VIEW})
"""Kinds that stand in an answer in place of a value; no recording holds them."""

_RANGES: dict[Kind, tuple[int, int]] = {
    Kind.INTEGER: (-(2**31), 2**31 - 1),
    Kind.COUNTER32: (0, 2**32 - 1),
    Kind.GAUGE32: (0, 2**32 - 1),
    Kind.TIME_TICKS: (0, 2**32 - 1),
    Kind.COUNTER64: (0, 2**64 - 1),
}
_OCTETS = frozenset({Kind.OCTET_STRING, Kind.OPAQUE, Kind.IP_ADDRESS})


@dataclass(frozen=True, slots=True)
class Value:
    """One typed value.

    Args:
        kind: Its type.
        content: ``int`` for the numeric kinds, ``bytes`` for OctetString, Opaque and IpAddress
            (four of them), a tuple of arcs for ObjectIdentifier, ``None`` for Null and the
            exceptions.

    Raises:
        InvalidInputError: The content does not fit the kind.
    """

    kind: Kind
    content: int | bytes | Oid | None = None

    def __post_init__(self) -> None:
        if not _fits(self.kind, self.content):
            msg = f"{self.content!r} is no {self.kind.name}: check type and range"
            raise InvalidInputError(msg)


def _fits(kind: Kind, content: int | bytes | Oid | None) -> bool:
    """Whether a content is of the type and in the range of a kind."""
    if kind in _RANGES:
        low, high = _RANGES[kind]
        return isinstance(content, int) and low <= content <= high
    if kind in _OCTETS:
        return isinstance(content, bytes) and (kind is not Kind.IP_ADDRESS or len(content) == 4)
    if kind is Kind.OBJECT_IDENTIFIER:
        return isinstance(content, tuple) and _is_oid(content)
    return content is None


def _is_oid(arcs: Oid) -> bool:
    """Whether arcs can be encoded: the first two share one sub-identifier (X.690, 8.19.4)."""
    return (
        2 <= len(arcs) <= _MAX_ARCS
        and min(arcs) >= 0
        and max(arcs) <= _MAX_ARC
        and arcs[0] <= 2
        and (arcs[0] == 2 or arcs[1] < 40)
    )


def parse_oid(text: str) -> Oid:
    """Arcs of a dotted object identifier.

    Args:
        text: Decimal arcs with dots between; a leading dot is allowed.

    Returns:
        The arcs.

    Raises:
        InvalidInputError: The text is no object identifier.
    """
    parts = text.removeprefix(".").split(".")
    if all(part.isascii() and part.isdigit() for part in parts):
        arcs = tuple(int(part) for part in parts)
        if _is_oid(arcs):
            return arcs
    msg = f"{text!r} is no object identifier: write it like 1.3.6.1.2.1.1.5.0"
    raise InvalidInputError(msg)


def format_oid(oid: Oid) -> str:
    """Dotted text of an object identifier, without a leading dot."""
    return ".".join(map(str, oid))


def as_value(content: Value | int | str | bytes, kind: Kind | None) -> Value:
    """Typed value from what a person writes.

    Args:
        content: A value, which is returned as it is; a number; octets; or text, which stands for
            UTF-8 octets, a dotted OID or a dotted IPv4 address, according to the kind.
        kind: Kind to make; ``None`` makes INTEGER of numbers and OCTET STRING of the rest.

    Returns:
        The value.

    Raises:
        InvalidInputError: The content does not fit the kind.
    """
    match content:
        case Value():
            return content
        case int():
            return Value(kind or Kind.INTEGER, content)
        case str() if kind is Kind.OBJECT_IDENTIFIER:
            return Value(kind, parse_oid(content))
        case str() if kind is Kind.IP_ADDRESS:
            return Value(kind, _parse_address(content))
        case str():
            return Value(kind or Kind.OCTET_STRING, content.encode())
    return Value(kind or Kind.OCTET_STRING, content)


def _parse_address(text: str) -> bytes:
    try:
        return ipaddress.IPv4Address(text).packed
    except ValueError as error:
        msg = f"{text!r} is no IPv4 address: write it like 192.0.2.1"
        raise InvalidInputError(msg) from error
