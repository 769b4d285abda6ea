# SPDX-License-Identifier: Apache-2.0
"""Small steps from a value as a device gives it to the value that a model keeps."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CONVERTERS", "clean_text", "convert", "format_mac", "is_blank", "to_number"]

_HEX: Final = frozenset(string.hexdigits)
_MAC_OCTETS: Final = 6
_TICKS_PER_SECOND: Final = 100
_BITS_PER_MEGABIT: Final = 1_000_000


def is_blank(value: object) -> bool:
    """Whether a device said nothing: agents give empty texts for what they do not know."""
    return value is None or (isinstance(value, str | bytes) and not value.strip())


def clean_text(value: object) -> str:
    """Text that any store can keep: octets that are no UTF-8 are marked, ends are trimmed."""
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    text = str(value).encode(errors="surrogateescape").decode(errors="replace")
    return text.replace("\x00", "").strip()


def to_number(value: object) -> int:
    """Whole number of a number or a decimal text.

    Raises:
        InvalidInputError: It is neither.
    """
    if isinstance(value, int):
        return int(value)
    try:
        return int(clean_text(value))
    except ValueError as error:
        raise InvalidInputError(f"{value!r:.60} is not a whole number") from error


def format_mac(value: object) -> str:
    """Address in the form ``00:1b:2c:3d:4e:5f``, from octets or from any usual text form.

    Raises:
        InvalidInputError: It is no address of six octets.
    """
    octets = value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
    if len(octets) == _MAC_OCTETS:
        return octets.hex(":")
    digits = "".join(char for char in clean_text(value) if char not in ":-. ")
    if len(digits) != 2 * _MAC_OCTETS or not _HEX.issuperset(digits):
        raise InvalidInputError(f"{value!r:.60} is not an address of {_MAC_OCTETS} octets")
    return bytes.fromhex(digits).hex(":")


def _format_ticks(value: object) -> str:
    """Time in hundredths of a second (TimeTicks of RFC 2578) as ``3d 04:05:06``."""
    seconds = to_number(value) // _TICKS_PER_SECOND
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"


def _megabits(value: object) -> int:
    """Bits per second of a speed in units of 1,000,000 bits per second."""
    return to_number(value) * _BITS_PER_MEGABIT


CONVERTERS: Final[Mapping[str, Callable[[object], object]]] = {
    "mac": format_mac,
    "mbit": _megabits,
    "number": to_number,
    "text": clean_text,
    "ticks": _format_ticks,
}
"""Converters by the name that the catalogue uses; an unnamed one leaves the value as it is."""


def convert(value: object, name: str) -> object:
    """Apply a converter; the empty name only cleans texts.

    Raises:
        InvalidInputError: No converter has the name, or the value does not fit it.
    """
    if not name:
        return clean_text(value) if isinstance(value, str | bytes) else value
    converter = CONVERTERS.get(name)
    if converter is None:
        known = ", ".join(sorted(CONVERTERS))
        raise InvalidInputError(f"no converter is called {name!r}; there are {known}")
    return converter(value)
