# SPDX-License-Identifier: Apache-2.0
"""From the text of a cell to the value of a field, by the kind of the field."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from l8services._import.fields import is_timestamp
from l8services._import.numbers import plain, to_decimal
from l8services._import.rows import CellError
from l8types.enums import Container, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import Enum

    from l8types.protocols.models import ModelNode

__all__ = ["value_reader"]

_RANGES: Final = {
    Kind.INT: (-(2**63), 2**63 - 1),
    Kind.INT32: (-(2**31), 2**31 - 1),
    Kind.INT64: (-(2**63), 2**63 - 1),
    Kind.UINT32: (0, 2**32 - 1),
    Kind.UINT64: (0, 2**64 - 1),
}
_TRUE: Final = frozenset({"true", "1", "yes", "y", "on", "t"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "off", "f"})
_FLOAT32_MAX: Final = 3.4028234663852886e38


def value_reader(node: ModelNode, list_separator: str) -> Callable[[str], object]:
    """Turns texts that are not blank into values of a field; raises ``CellError``.

    Args:
        node: The field.
        list_separator: What separates the values of a list that is no array of JSON.
    """
    one = _reader_of_one(node)
    if node.container is Container.LIST:
        return lambda text: [one(item) for item in _items(text, list_separator)]
    return one


def _items(text: str, separator: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            items = None
        if isinstance(items, list):
            return [item if isinstance(item, str) else json.dumps(item) for item in items]
    return [item.strip() for item in text.split(separator) if item.strip()]


def _reader_of_one(node: ModelNode) -> Callable[[str], object]:
    if (model := node.model) is not None and is_timestamp(node):
        return lambda text: _timestamp(text, model)
    if node.enum is not None:
        return _enum_reader(node.enum, node.enum_class)
    if node.kind is Kind.STRING:
        return _text if node.enum_class is None else _text_enum_reader(node.enum_class)
    if node.kind in _RANGES:
        lowest, highest = _RANGES[node.kind]
        return lambda text: _whole(text, lowest, highest)
    if node.kind in (Kind.FLOAT32, Kind.FLOAT64):
        limit = _FLOAT32_MAX if node.kind is Kind.FLOAT32 else math.inf
        return lambda text: _float(text, limit)
    return _boolean if node.kind is Kind.BOOL else _bytes


def _text(text: str) -> str:
    return text


def _whole(text: str, lowest: int, highest: int) -> int:
    value = to_decimal(text)
    if value != value.to_integral_value():
        raise CellError(f"{text[:40]!r} is no whole number")
    number = int(value)
    if not lowest <= number <= highest:
        raise CellError(f"{plain(value)[:40]} is not from {lowest} to {highest}")
    return number


def _float(text: str, limit: float) -> float:
    value = float(to_decimal(text))
    if math.isinf(value) or abs(value) > limit:
        raise CellError(f"{text[:40]!r} is too large for the field")
    return value


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellError(f"{text[:40]!r} is neither true nor false")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CellError(f"is no base64: {error}") from error


def _enum_reader(names: Mapping[str, int], members: type[Enum] | None) -> Callable[[str], object]:
    folded = {name.casefold(): number for name, number in names.items()}
    numbers = set(names.values())

    def read(text: str) -> object:
        word = text.strip()
        number = folded.get(word.casefold())
        if number is None and re.fullmatch(r"[+-]?[0-9]{1,11}", word) and int(word) in numbers:
            number = int(word)
        if number is None:
            raise CellError(f"{word[:40]!r} is none of {', '.join(list(names)[:20])}")
        return number if members is None else members(number)

    return read


def _text_enum_reader(members: type[Enum]) -> Callable[[str], object]:
    known = {member.name.casefold(): member for member in members}
    known |= {str(member.value).casefold(): member for member in members}

    def read(text: str) -> object:
        found = known.get(text.strip().casefold())
        if found is None:
            names = ", ".join(str(member.value) for member in members)
            raise CellError(f"{text.strip()[:40]!r} is none of {names[:400]}")
        return found

    return read


def _timestamp(text: str, model: type) -> object:
    """A moment in ISO 8601 (UTC without an offset), or in Unix seconds."""
    bare = text.strip()
    try:
        if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", bare):
            moment = datetime.fromtimestamp(float(to_decimal(bare)), UTC)
        else:
            moment = datetime.fromisoformat(bare)
    except (ValueError, OverflowError, OSError) as error:
        raise CellError(f"{bare[:40]!r} is no time of ISO 8601 and no Unix time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = int(moment.timestamp() // 1)
    return model(seconds=seconds, nanos=moment.microsecond * 1000)
