# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a file to its rows: which format it is, and who reads it."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Final

from l8services._import.delimited import read_delimited
from l8services._import.encoding import to_text
from l8services._import.json_rows import read_json, read_json_lines
from l8services._import.limits import ImportLimits
from l8services._import.rows import CellError, Row, Table, check_row
from l8services._import.xml_rows import read_xml
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SourceFormat", "format_of", "read_table"]


class SourceFormat(StrEnum):
    """What can be imported."""

    CSV = "csv"
    """Comma, semicolon, tab or bar, whichever the titles have most of."""
    TSV = "tsv"
    JSON = "json"
    """An array of objects, or a page of them."""
    JSON_LINES = "jsonl"
    """One object per line."""
    XML = "xml"


_EXTENSIONS: Final = {
    "csv": SourceFormat.CSV,
    "txt": SourceFormat.CSV,
    "tsv": SourceFormat.TSV,
    "tab": SourceFormat.TSV,
    "json": SourceFormat.JSON,
    "jsonl": SourceFormat.JSON_LINES,
    "ndjson": SourceFormat.JSON_LINES,
    "xml": SourceFormat.XML,
}


def format_of(declared: str, name: str, head: str) -> SourceFormat:
    """The format of a file: the declared one, else that of its name, else what it looks like.

    Args:
        declared: Name of a format in any case, "" when none is declared.
        name: File name, "" when unknown.
        head: The beginning of the file.

    Raises:
        InvalidInputError: A format is declared that there is not.
    """
    if declared.strip():
        found = _EXTENSIONS.get(declared.strip().lower().lstrip("."))
        if found is None:
            known = ", ".join(SourceFormat)
            raise InvalidInputError(f"no format {declared[:40]!r}; there are {known}")
        return found
    known_name = _EXTENSIONS.get(name.rpartition(".")[2].lower()) if "." in name else None
    return known_name or _looks_like(head.lstrip("\ufeff \t\r\n"))


def _looks_like(head: str) -> SourceFormat:
    if head.startswith("<"):
        return SourceFormat.XML
    return SourceFormat.JSON if head.startswith(("[", "{")) else SourceFormat.CSV


def read_table(
    data: bytes, *, declared: str = "", name: str = "", limits: ImportLimits | None = None
) -> Table:
    """Read a file of rows.

    Nothing that a file holds raises while its rows are read: what is wrong is told by the row.

    Args:
        data: The file.
        declared: Its format, "" to find out.
        name: Its name, "" when unknown.
        limits: How much is taken.

    Raises:
        InvalidInputError: The file is empty, too large, no text, or has no usable titles.
    """
    limits = limits or ImportLimits()
    if not data.strip():
        raise InvalidInputError("the file is empty")
    if len(data) > limits.max_bytes:
        raise InvalidInputError(
            f"the file has {len(data)} bytes, at most {limits.max_bytes} are taken"
        )
    table = _read(data, declared, name, limits)
    return Table(table.columns, _limited(table.rows, limits))


def _read(data: bytes, declared: str, name: str, limits: ImportLimits) -> Table:
    found = format_of(declared, name, data[:200].decode("utf-8", "replace"))
    if found is SourceFormat.XML:
        return read_xml(data, max_depth=limits.max_depth)
    text = to_text(data)
    match found:
        case SourceFormat.JSON:
            return read_json(text, max_depth=limits.max_depth)
        case SourceFormat.JSON_LINES:
            return read_json_lines(text, max_depth=limits.max_depth)
        case SourceFormat.TSV:
            return read_delimited(text, delimiter="\t")
        case SourceFormat.CSV:
            return read_delimited(text)


def _limited(rows: Iterator[Row], limits: ImportLimits) -> Iterator[Row]:
    for row in islice(rows, limits.max_rows):
        yield check_row(row, limits)
    if next(rows, None) is not None:
        message = f"more than {limits.max_rows} rows; those from this one on are not read"
        yield Row(limits.max_rows + 1, problem=CellError(message))
