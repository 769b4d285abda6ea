# SPDX-License-Identifier: Apache-2.0
"""Rows of CSV and TSV. One that is broken does not keep the next ones from being read."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from l8services._import.rows import CellError, Row, Table
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_delimited"]

_DELIMITERS: Final = ",;\t|"
"""What separates columns; the first one when the titles have none of them."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_TITLES: Final = 65_536
"""Characters in which the titles have to end to be looked at for the delimiter."""


def read_delimited(text: str, *, delimiter: str = "") -> Table:
    """Read a table with titles in its first line.

    The apostrophe that an export puts before a text which a spreadsheet would run is taken off.

    Args:
        text: The file.
        delimiter: What separates columns, "" for the one that the titles have most of.

    Raises:
        InvalidInputError: There are no titles, or two columns have the same.
    """
    # Line ends are left to the reader, which needs them as they are inside of quotes.
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter or _delimiter(text), strict=True)
    return Table(columns := _titles(reader), _rows(reader, columns))


def _delimiter(text: str) -> str:
    """The delimiter with the most occurrences outside of quotes, in the titles."""
    quoted = False
    counts = dict.fromkeys(_DELIMITERS, 0)
    for char in text[:_TITLES].lstrip("\r\n"):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in "\r\n":
            break
        elif char in counts:
            counts[char] += 1
    return max(counts, key=lambda char: counts[char])


def _titles(reader: Iterator[list[str]]) -> tuple[str, ...]:
    try:
        line = next((cells for cells in reader if any(cell.strip() for cell in cells)), None)
    except csv.Error as error:
        raise InvalidInputError(f"the titles of the columns cannot be read: {error}") from error
    if line is None:
        raise InvalidInputError("the file has no titles of columns; it is empty")
    columns = tuple(cell.strip() for cell in line)
    named = [column for column in columns if column]
    for column in set(named):
        if named.count(column) > 1:
            raise InvalidInputError(f"two columns have the title {column!r}; rename one of them")
    return columns


def _rows(reader: Iterator[list[str]], columns: tuple[str, ...]) -> Iterator[Row]:
    number = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            number += 1
            end = "field larger" in str(error)
            more = "; the rest of the file is not read" if end else ""
            place = f"line {getattr(reader, 'line_num', 0)}"
            yield Row(number, problem=CellError(f"cannot be read up to {place}: {error}{more}"))
            if end:
                # What follows may be the inside of a quoted text, which must not become rows.
                return
            continue
        if cells is None:
            return
        if not cells:
            continue
        number += 1
        yield _row(number, cells, columns)


def _row(number: int, cells: list[str], columns: tuple[str, ...]) -> Row:
    if len(cells) != len(columns):
        problem = CellError(
            f"{len(cells)} cells, but there are {len(columns)} columns", source=",".join(cells)
        )
        return Row(number, problem=problem)
    named = zip(columns, cells, strict=True)
    return Row(number, {column: _unescaped(cell) for column, cell in named if column})


def _unescaped(cell: str) -> str:
    if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA):
        return cell[1:]
    return cell
