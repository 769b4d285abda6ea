# SPDX-License-Identifier: Apache-2.0
"""Values of an SNMP library as the values of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collect._rules._converters import format_mac, to_number
from collect._snmp._request import ValueType
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Raw", "read_value"]

Raw = None | str | bytes | int | float
"""Octets are ``bytes``; OIDs and IP addresses are dotted text; ``None`` is an absent value."""


def read_value(raw: Raw, kind: ValueType) -> object:
    """The value as its declared type says; a value that does not fit stays what it is.

    A device that answers with another type than its MIB prescribes is no reason to lose the rest
    of the answer, so nothing is refused here; the rules check what they write.
    """
    if isinstance(raw, bytes):
        return _read_octets(raw, kind)
    if kind is ValueType.OID and isinstance(raw, str):
        return f".{raw.lstrip('.')}"
    return raw


def _read_octets(raw: bytes, kind: ValueType) -> object:
    text = raw.decode(errors="surrogateescape")
    if kind is ValueType.OCTETS:
        return raw
    if kind is ValueType.MAC and raw:
        return _or_text(format_mac, raw, text)
    if kind is ValueType.NUMBER and raw:
        return _or_text(to_number, raw, text)
    return text


def _or_text(read: Callable[[object], object], raw: bytes, text: str) -> object:
    try:
        return read(raw)
    except InvalidInputError:
        return text
