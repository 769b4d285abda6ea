# SPDX-License-Identifier: Apache-2.0
"""Dates by a pattern in which every token means one thing: ``MM`` is a month, ``mm`` a minute.

| Token | Meaning |
| --- | --- |
| ``YYYY``, ``YY`` | year; of two digits 69 to 99 are 19xx, the others 20xx |
| ``MM``, ``M`` | month, ``M`` with one or two digits; ``MMM`` its English name, three letters |
| ``DD``, ``D`` | day |
| ``HH``, ``H`` | hour, 0 to 23 |
| ``hh``, ``h`` | hour, 1 to 12 where the pattern has an ``A``, otherwise 0 to 23 |
| ``A`` | AM or PM |
| ``mm``, ``ss`` | minute, second |
| ``SSS`` | thousandths of a second |
| ``Z`` | ``Z`` or an offset from UTC such as ``+01:00`` |
| ``T``, and all that is no letter | itself; other letters stand in ``'quotes'`` |

A zone may follow: ``DD.MM.YYYY HH:mm @Europe/Berlin``. Without one, and without ``Z``, it is UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from l8services._import.rows import CellError
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

__all__ = ["date_reader"]

_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_TOKENS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<short_year>[0-9]{2})",
    "MMM": rf"(?P<month_name>{'|'.join(_MONTHS)})",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "HH": r"(?P<hour>[0-9]{2})",
    "H": r"(?P<hour>[0-9]{1,2})",
    "hh": r"(?P<half>[0-9]{2})",
    "h": r"(?P<half>[0-9]{1,2})",
    "A": r"(?P<meridiem>am|pm)",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
    "SSS": r"(?P<milli>[0-9]{3})",
    "Z": r"(?P<offset>z|[+-][0-9]{2}:?[0-9]{2})",
    "T": "t",
}
_PIECE: Final = re.compile(
    r"(?P<quoted>'[^']*')|(?P<token>YYYY|YY|MMM|MM|M|DD|D|HH|H|hh|h|A|mm|ss|SSS|Z|T)"
    r"|(?P<wrong>[^\W\d_]+)|(?P<other>.)",
    re.DOTALL,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def date_reader(pattern: str) -> Callable[[str], str]:
    """Reads dates of a pattern as Unix seconds; blank stays blank.

    Args:
        pattern: See the table of this module; with ``SSS`` the seconds may have decimals.

    Raises:
        InvalidInputError: The pattern has an unknown token, one twice, or no year.
    """
    body, _, zone_name = pattern.partition("@")
    zone = _zone(zone_name.strip())
    expression = _expression(body.strip())

    def read(text: str) -> str:
        bare = text.strip()
        if not bare:
            return ""
        match = expression.fullmatch(bare)
        if match is None:
            raise CellError(f"{bare[:40]!r} is no date of the form {pattern!r}")
        try:
            return _seconds(_moment(match.groupdict(), zone))
        except (ValueError, OverflowError) as error:
            raise CellError(f"{bare[:40]!r} is no date: {error}") from error

    return read


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInputError(f"no time zone {name[:40]!r} is known") from error


def _expression(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    for piece in _PIECE.finditer(pattern):
        if (wrong := piece["wrong"]) is not None:
            raise InvalidInputError(
                f"the pattern {pattern!r} has {wrong!r}, which is no token; put it in 'quotes'"
            )
        if (token := piece["token"]) is not None:
            parts.append(_TOKENS[token])
        elif (quoted := piece["quoted"]) is not None:
            parts.append(re.escape(quoted[1:-1] or "'"))
        else:
            parts.append(re.escape(piece["other"]))
    try:
        expression = re.compile("".join(parts), re.IGNORECASE | re.ASCII)
    except re.error as error:
        raise InvalidInputError(f"the pattern {pattern!r} has one part twice") from error
    _check(expression.groupindex, pattern)
    return expression


def _check(groups: Mapping[str, int], pattern: str) -> None:
    if ("year" in groups) == ("short_year" in groups):
        raise InvalidInputError(f"the pattern {pattern!r} needs one year, YYYY or YY")
    for first, second in (("month", "month_name"), ("hour", "half")):
        if first in groups and second in groups:
            raise InvalidInputError(f"the pattern {pattern!r} has one part twice")
    if "meridiem" in groups and "half" not in groups:
        raise InvalidInputError(f"the pattern {pattern!r} has AM or PM, but no hour hh")


def _moment(found: Mapping[str, str | None], zone: tzinfo) -> datetime:
    offset = found.get("offset")
    return datetime(
        _year(found),
        _month(found),
        _number(found, "day", 1),
        _hour(found),
        _number(found, "minute", 0),
        _number(found, "second", 0),
        1000 * _number(found, "milli", 0),
        tzinfo=zone if offset is None else _offset(offset),
    )


def _number(found: Mapping[str, str | None], name: str, default: int) -> int:
    text = found.get(name)
    return default if text is None else int(text)


def _year(found: Mapping[str, str | None]) -> int:
    short = found.get("short_year")
    if short is None:
        return _number(found, "year", 1970)
    return int(short) + (1900 if int(short) >= 69 else 2000)


def _month(found: Mapping[str, str | None]) -> int:
    name = found.get("month_name")
    return _number(found, "month", 1) if name is None else _MONTHS.index(name.lower()) + 1


def _hour(found: Mapping[str, str | None]) -> int:
    half, meridiem = found.get("half"), found.get("meridiem")
    if half is None:
        return _number(found, "hour", 0)
    if meridiem is None:
        return int(half)
    if not 1 <= int(half) <= 12:
        raise ValueError(f"hour {half} with {meridiem}")
    return int(half) % 12 + (12 if meridiem.lower() == "pm" else 0)


def _offset(text: str) -> tzinfo:
    if text in {"Z", "z"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"offset {text}")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if text[0] == "-" else delta)


def _seconds(moment: datetime) -> str:
    """Unix seconds, exact to the thousandth."""
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    whole, rest = divmod(abs(milliseconds), 1000)
    sign = "-" if milliseconds < 0 else ""
    return f"{sign}{whole}" + (f".{rest:03d}".rstrip("0") if rest else "")
