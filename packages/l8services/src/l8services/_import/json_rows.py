# SPDX-License-Identifier: Apache-2.0
"""Rows of JSON: an array of objects, a page with a ``list``, or one object per line.

Numbers keep their digits, whatever their size. Objects inside of objects become columns with dotted
names, arrays become texts of JSON.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from l8services._import.rows import CellError, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_json", "read_json_lines"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


_DECODER: Final = json.JSONDecoder(
    parse_int=_Digits, parse_float=_Digits, parse_constant=_refuse, strict=True
)


def read_json(text: str, *, max_depth: int) -> Table:
    """Read an array of objects, or what is one object or several one after the other.

    Args:
        text: The file.
        max_depth: How deep values may be nested.
    """
    start = _skip(text, 0)
    if text.startswith("[", start):
        return Table(None, _array(text, start + 1, max_depth))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return read_json_lines(text, max_depth=max_depth)
    if _skip(text, end) < len(text):
        return read_json_lines(text, max_depth=max_depth)
    items = value.get("list") if isinstance(value, dict) else None
    found = items if isinstance(items, list) else [value]
    return Table(None, (_row(n, item, max_depth) for n, item in enumerate(found, 1)))


def read_json_lines(text: str, *, max_depth: int) -> Table:
    """Read one object per line; blank lines do not count."""
    return Table(None, _lines(text, max_depth))


def _lines(text: str, max_depth: int) -> Iterator[Row]:
    number = 0
    # Not ``splitlines``: it takes characters for line ends that texts of JSON may have.
    for match in re.finditer(r"[^\n]+", text):
        line = match[0].strip()
        if not line:
            continue
        number += 1
        try:
            value, end = _DECODER.raw_decode(line)
            if end < len(line):
                raise ValueError(f"more than one value, from column {end + 1}")  # noqa: TRY301
        except (ValueError, RecursionError) as error:
            problem = CellError(f"is no JSON: {_reason(error)}", source=line)
            yield Row(number, problem=problem)
        else:
            yield _row(number, value, max_depth)


def _array(text: str, at: int, max_depth: int) -> Iterator[Row]:
    number = 0
    at = _skip(text, at)
    if text.startswith("]", at):
        yield from _after(text, at + 1, number)
        return
    while True:
        number += 1
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield _end(text, at, number, f"is no JSON: {_reason(error)}")
            return
        yield _row(number, value, max_depth)
        at = _skip(text, at)
        if text.startswith("]", at):
            yield from _after(text, at + 1, number)
            return
        if not text.startswith(",", at):
            yield _end(text, at, number + 1, "a comma or the end of the array is missing")
            return
        at = _skip(text, at + 1)


def _after(text: str, at: int, number: int) -> Iterator[Row]:
    at = _skip(text, at)
    if at < len(text):
        yield _end(text, at, number + 1, "there is more after the end of the array")


def _end(text: str, at: int, number: int, what: str) -> Row:
    line = text.count("\n", 0, at) + 1
    message = f"{what} (line {line}); the rest of the file is not read"
    return Row(number, problem=CellError(message, source=text[at : at + 200]))


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "values are nested too deep"
    return str(error)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _row(number: int, value: object, max_depth: int) -> Row:
    if not isinstance(value, dict):
        return Row(number, problem=CellError("is no object", source=str(value)[:200]))
    values: dict[str, str] = {}
    try:
        _flatten(value, "", values, max_depth)
    except CellError as problem:
        return Row(number, problem=problem)
    return Row(number, values)


def _flatten(value: dict[str, object], prefix: str, into: dict[str, str], depth: int) -> None:
    if depth < 1:
        raise CellError("values are nested too deep", field=prefix[:200])
    for name, inner in value.items():
        column = f"{prefix}{name}"
        if inner is None:
            continue
        if isinstance(inner, dict):
            _flatten(inner, f"{column}.", into, depth - 1)
        else:
            into[column] = inner if isinstance(inner, str) else _json(inner, depth)


def _json(value: object, depth: int) -> str:
    """JSON text in which numbers have the digits they had."""
    if depth < 1:
        raise CellError("values are nested too deep")
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_json(inner, depth - 1) for inner in value)}]"
    if isinstance(value, dict):
        entries = (f"{json.dumps(k)}: {_json(v, depth - 1)}" for k, v in value.items())
        return f"{{{', '.join(entries)}}}"
    return json.dumps(value, ensure_ascii=False)
