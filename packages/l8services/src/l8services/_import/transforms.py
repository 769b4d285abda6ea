# SPDX-License-Identifier: Apache-2.0
"""The ten transforms of cells, compiled once per template into functions from text to text.

They are pure, and refuse a text that they cannot take with the reason; blank texts stay blank in
all but ``DEFAULT``, so that a default value can still take their place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from l8services._import.dates import date_reader
from l8services._import.numbers import money, unit_converter
from l8services._import.rows import CellError
from l8types.errors import InvalidInputError
from l8types.pb.api_pb2 import L8ImportTransformType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from l8types.pb import L8ImportValueTransform

__all__ = ["compile_transform", "concatenate"]


def compile_transform(transform: L8ImportValueTransform) -> Callable[[str], str]:
    """The function of a transform of single cells, all but ``CONCATENATE``.

    Raises:
        InvalidInputError: Its pattern, factor, index or map makes no sense.
    """
    make = _COMPILERS.get(transform.transform_type)
    if make is None:
        raise InvalidInputError(
            f"field {transform.target_field!r} has no transform "
            f"{_name(transform.transform_type)} of a cell"
        )
    try:
        return make(transform)
    except InvalidInputError as error:
        raise InvalidInputError(f"field {transform.target_field!r}: {error.message}") from error


def concatenate(
    transform: L8ImportValueTransform, cells: Mapping[str, str], mapped: Mapping[str, str]
) -> str:
    """The texts of the named columns that are not blank, joined.

    Args:
        transform: Names the columns, and what stands between them (a blank by default).
        cells: The row as it is in the file.
        mapped: Its cells by target field, for a name that is no column.
    """
    found = (cells.get(name, mapped.get(name, "")) for name in transform.concatenate_fields)
    return (transform.concatenate_separator or " ").join(text for text in found if text.strip())


def _date(transform: L8ImportValueTransform) -> Callable[[str], str]:
    return date_reader(transform.format_pattern)


def _enum(transform: L8ImportValueTransform) -> Callable[[str], str]:
    exact = dict(transform.value_map)
    folded: dict[str, str] = {}
    # Sorted, since the order of a map in a message is none.
    for text, value in sorted(exact.items()):
        if folded.setdefault(text.strip().casefold(), value) != value:
            raise InvalidInputError(f"the map has two values for {text.strip()!r}")
    if not exact:
        raise InvalidInputError("the map of values is empty")

    def convert(text: str) -> str:
        if text in exact:
            return exact[text]
        if not text.strip():
            return ""
        value = folded.get(text.strip().casefold())
        if value is None:
            known = ", ".join(sorted(exact)[:10])
            raise CellError(f"{text[:40]!r} is none of the mapped values: {known}")
        return value

    return convert


def _unit(transform: L8ImportValueTransform) -> Callable[[str], str]:
    return unit_converter(transform.format_pattern)


def _trim(_: L8ImportValueTransform) -> Callable[[str], str]:
    return str.strip


def _uppercase(_: L8ImportValueTransform) -> Callable[[str], str]:
    return str.upper


def _lowercase(_: L8ImportValueTransform) -> Callable[[str], str]:
    return str.lower


def _default(transform: L8ImportValueTransform) -> Callable[[str], str]:
    value = transform.default_value
    return lambda text: text if text.strip() else value


def _split(transform: L8ImportValueTransform) -> Callable[[str], str]:
    separator = transform.concatenate_separator or ","
    index = transform.format_pattern.strip() or "0"
    if re.fullmatch(r"[0-9]{1,6}", index) is None:
        raise InvalidInputError(f"the index of a split is {index[:40]!r}, no number from 0")
    position = int(index)

    def convert(text: str) -> str:
        # What is behind the part that is asked for need not be split.
        parts = text.split(separator, position + 1)
        return parts[position] if position < len(parts) else ""

    return convert


def _money(transform: L8ImportValueTransform) -> Callable[[str], str]:
    return money(transform.format_pattern)


def _name(number: int) -> str:
    try:
        return L8ImportTransformType.Name(number).removeprefix("IMPORT_TRANSFORM_")  # type: ignore[arg-type]
    except ValueError:
        return str(number)


_COMPILERS: Final[Mapping[int, Callable[[L8ImportValueTransform], Callable[[str], str]]]] = {
    L8ImportTransformType.IMPORT_TRANSFORM_DATE_FORMAT: _date,
    L8ImportTransformType.IMPORT_TRANSFORM_ENUM_MAP: _enum,
    L8ImportTransformType.IMPORT_TRANSFORM_UNIT_CONVERT: _unit,
    L8ImportTransformType.IMPORT_TRANSFORM_TRIM: _trim,
    L8ImportTransformType.IMPORT_TRANSFORM_UPPERCASE: _uppercase,
    L8ImportTransformType.IMPORT_TRANSFORM_LOWERCASE: _lowercase,
    L8ImportTransformType.IMPORT_TRANSFORM_DEFAULT: _default,
    L8ImportTransformType.IMPORT_TRANSFORM_SPLIT: _split,
    L8ImportTransformType.IMPORT_TRANSFORM_MONEY: _money,
}
