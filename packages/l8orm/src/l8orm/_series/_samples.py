# SPDX-License-Identifier: Apache-2.0
"""What a sample, a series and a range may be; everything is checked before a database sees it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final, NoReturn

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from l8types.values import TimeSeriesPoint

__all__ = [
    "MAX_ANSWER",
    "MAX_BATCH",
    "MAX_ID_BYTES",
    "MAX_STAMP",
    "MIN_STAMP",
    "Batch",
    "checked_batch",
    "checked_count",
    "checked_id",
    "checked_range",
    "checked_width",
]

Batch = dict[str, dict[int, float]]
"""Values by stamp by property id; ids and stamps ascend, so that writers never wait in a circle."""

MIN_STAMP: Final = -62_135_596_800
"""Begin of the year 1."""

MAX_STAMP: Final = 253_402_300_799
"""End of the year 9999. Whoever counts in milliseconds is beyond it, and is told."""

MAX_ID_BYTES: Final = 1_024
"""Longest property id in UTF-8; PostgreSQL indexes about 2700 bytes."""

MAX_BATCH: Final = 1_000_000
"""Samples that one call may add, in one transaction."""

MAX_ANSWER: Final = 100_000
"""Samples that one answer may have, some 10 MB."""


def checked_batch(series: Mapping[str, Sequence[TimeSeriesPoint]]) -> Batch:
    """The samples in order, the last of those with one stamp; series without samples are left out.

    Raises:
        InvalidInputError: A property id, stamp or value is none, or there are too many samples.
    """
    total = sum(len(points) for points in series.values())
    if total > MAX_BATCH:
        raise InvalidInputError(
            f"{total} samples are more than the {MAX_BATCH} of one call; add them in parts"
        )
    return {
        checked_id(property_id): _by_stamp(property_id, points)
        for property_id, points in sorted(series.items())
        if points
    }


def _by_stamp(property_id: str, points: Sequence[TimeSeriesPoint]) -> dict[int, float]:
    try:
        stamps = [point.stamp for point in points]
        values = [point.value for point in points]
    except AttributeError as error:
        raise InvalidInputError(f"series {property_id} was given what is no sample") from error
    if not set(map(type, stamps)) <= {int} or min(stamps) < MIN_STAMP or max(stamps) > MAX_STAMP:
        _refuse_stamps(property_id, stamps)
    if not set(map(type, values)) <= {float} or not all(map(isfinite, values)):
        values = [_number(property_id, value) for value in values]
    found = dict(zip(stamps, values, strict=True))
    return dict(sorted(found.items()))


def _refuse_stamps(property_id: str, stamps: Sequence[object]) -> NoReturn:
    for stamp in stamps:
        _check_whole(stamp, f"series {property_id} was given the stamp {stamp!r}, which")
        if not MIN_STAMP <= stamp <= MAX_STAMP:  # type: ignore[operator]
            raise InvalidInputError(
                f"series {property_id} was given the stamp {stamp}, which is in no year from 1 to "
                "9999; stamps are Unix seconds"
            )
    raise AssertionError(stamps)


def _number(property_id: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(f"series {property_id} was given the value {value!r}, no number")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise InvalidInputError(
            f"series {property_id} was given the value {number}; only finite numbers are samples"
        )
    return number


def _check_whole(value: object, what: str) -> None:
    if type(value) is not int:
        raise InvalidInputError(f"{what} is no whole number")


def checked_id(property_id: str) -> str:
    """A property id that a database can hold.

    Raises:
        InvalidInputError: It is empty, too long, or no text that can be written down.
    """
    if not property_id or "\0" in property_id:
        raise InvalidInputError(f"{property_id!r} is no property id to keep samples by")
    try:
        size = len(property_id.encode())
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"property id {property_id!r} has half a character") from error
    if size > MAX_ID_BYTES:
        raise InvalidInputError(
            f"property id {property_id[:40]}… has {size} bytes, more than {MAX_ID_BYTES}"
        )
    return property_id


def checked_range(start: int, end: int) -> tuple[int, int]:
    """The range, cut to the stamps that there can be.

    Raises:
        InvalidInputError: It ends before it starts.
    """
    for bound in (start, end):
        _check_whole(bound, f"the bound {bound!r} of a range")
    if start > end:
        raise InvalidInputError(f"a range from {start} to {end} ends before it starts")
    return _clamped(start), _clamped(end)


def _clamped(stamp: int) -> int:
    # One step beyond on either side, so that a range outside stays empty.
    return max(MIN_STAMP - 1, min(stamp, MAX_STAMP + 1))


def checked_width(width: int) -> int:
    """The width of buckets in seconds.

    Raises:
        InvalidInputError: It is not positive, or beyond the stamps that there can be.
    """
    _check_whole(width, f"the bucket width {width!r}")
    if not 0 < width <= MAX_STAMP:
        raise InvalidInputError(
            f"the bucket width {width} is not from 1 to {MAX_STAMP}; it is in seconds"
        )
    return width


def checked_count(count: int, series: Collection[str] = ("",)) -> int:
    """How many of the newest samples of some series are asked for.

    Raises:
        InvalidInputError: It is negative, or the answer could have too many.
    """
    _check_whole(count, f"the number {count!r} of newest samples")
    if count < 0 or count * len(series) > MAX_ANSWER:
        raise InvalidInputError(
            f"the newest {count} samples of {len(series)} series are not 0 to {MAX_ANSWER}"
        )
    return count
