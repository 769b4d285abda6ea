# SPDX-License-Identifier: Apache-2.0
"""Numbers as people write them, exact: plain ones, and amounts of money."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact
from typing import TYPE_CHECKING, Final

from l8services._import.rows import CellError
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decimal_separator", "money", "plain", "to_decimal", "unit_converter"]

_PLAIN: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_LONGEST: Final = 400
"""Digits of a number, on either side of its point; more than a double can have."""
_EXACT: Final = Context(prec=2 * _LONGEST, Emax=4 * _LONGEST, Emin=-4 * _LONGEST, traps=[Inexact])
"""Holds every product of two numbers that are taken."""
_SYMBOLS: Final = re.compile(r"[$€£¥₹₽₩]|\b[A-Z]{3}\b")
_BLANKS: Final = re.compile(r"[\s'\u2019]+")
_COMMA_LANGUAGES: Final = frozenset({
    "bg", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hr", "hu", "id", "is", "it",
    "lt", "lv", "nb", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi",
})  # fmt: skip
_POINT_REGIONS: Final = frozenset({"de-ch", "de-li", "es-mx", "it-ch"})


def to_decimal(text: str) -> Decimal:
    """The exact value of a number with a decimal point, without groups.

    Raises:
        CellError: It is none, or has more digits than any number of a model.
    """
    bare = text.strip()
    if len(bare) > _LONGEST or _PLAIN.fullmatch(bare) is None:
        raise CellError(f"{_short(text)} is no number")
    value = Decimal(bare)
    if value and abs(value.adjusted()) > _LONGEST:
        raise CellError(f"{_short(text)} is beyond all numbers of a model")
    return value


def plain(value: Decimal) -> str:
    """The text of a number without exponent and needless zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def unit_converter(factor: str) -> Callable[[str], str]:
    """Multiplies numbers, exactly; blank stays blank.

    Raises:
        InvalidInputError: The factor is no number.
    """
    by = _factor(factor)

    def convert(text: str) -> str:
        if not text.strip():
            return ""
        return plain(_EXACT.multiply(to_decimal(text), by))

    return convert


def _factor(text: str) -> Decimal:
    try:
        return to_decimal(text)
    except CellError as error:
        raise InvalidInputError(
            f"the factor of a conversion is {text[:40]!r}, no number"
        ) from error


def decimal_separator(locale: str) -> str:
    """What stands before the hundredths: ``.`` or ``,`` themselves, or by a locale (``de-DE``).

    Raises:
        InvalidInputError: It is neither.
    """
    wanted = locale.strip().lower().replace("_", "-")
    if wanted in {"", ".", ","}:
        return wanted or "."
    if re.fullmatch(r"[a-z]{2}(-[a-z]{2})?", wanted) is None:
        raise InvalidInputError(
            f"{locale[:40]!r} is no locale of money; say '.', ',' or one like 'de-DE'"
        )
    if wanted in _POINT_REGIONS:
        return "."
    return "," if wanted[:2] in _COMMA_LANGUAGES else "."


def money(locale: str = "") -> Callable[[str], str]:
    """Turns amounts such as ``$1,234.50`` into hundredths, exactly; blank stays blank.

    Groups have to be of three digits, so that ``1,23`` is refused where the comma groups, and not
    taken for 123. An amount with parts of a hundredth is refused, not cut.

    Args:
        locale: See :func:`decimal_separator`.
    """
    point = decimal_separator(locale)
    group = "," if point == "." else "."
    number = re.compile(
        rf"(?:[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+|[0-9]+)?(?:{re.escape(point)}[0-9]*)?"
    )

    def convert(text: str) -> str:
        bare = _BLANKS.sub("", _SYMBOLS.sub("", text.strip()))
        if not text.strip():
            return ""
        bare, negative = _sign(bare)
        if len(bare) > _LONGEST or number.fullmatch(bare) is None or not re.search("[0-9]", bare):
            raise CellError(
                f"{_short(text)} is no amount with {point!r} before the hundredths; "
                "name the locale in the pattern"
            )
        value = Decimal(bare.replace(group, "").replace(point, ".").rstrip(".") or "0")
        cents = _EXACT.multiply(value, Decimal(100))
        if cents != cents.to_integral_value():
            raise CellError(f"{_short(text)} has parts of a hundredth, which would be lost")
        return plain(-cents if negative else cents)

    return convert


def _sign(text: str) -> tuple[str, bool]:
    """The text without its sign, and whether that was a minus (``-1``, ``1-`` or ``(1)``)."""
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1], True
    if text.startswith(("-", "\u2212")):
        return text[1:], True
    if text.endswith("-"):
        return text[:-1], True
    return text.removeprefix("+"), False


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
