# SPDX-License-Identifier: Apache-2.0
"""What every reader of files gives: numbered rows of texts, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from l8services._import.limits import ImportLimits

__all__ = ["CellError", "Row", "Table", "check_row"]


class CellError(InvalidInputError):
    """A cell, or a row, that cannot be taken; the other rows are not concerned.

    Attributes:
        field: The field or column it is about, "" for the whole row.
        source: The text that was found, shortened.
    """

    code = "invalid-input"

    def __init__(self, message: str, *, field: str = "", source: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.source = source[:200]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        number: Counted from 1 as a person does: titles and blank lines do not count.
        values: Texts by name of the column; what is absent in the file is absent here.
        problem: What is wrong with the row as a whole, ``None`` when it can be used.
    """

    number: int
    values: dict[str, str] = field(default_factory=dict)
    problem: CellError | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file that is being read.

    Attributes:
        columns: Names of the columns, where the file has titles, otherwise ``None``.
        rows: The rows, read as they are asked for, once.
    """

    columns: tuple[str, ...] | None
    rows: Iterator[Row]


def check_row(row: Row, limits: ImportLimits) -> Row:
    """The row, or one with a problem when something in it is above a limit or no text."""
    if row.problem is not None:
        return row
    if len(row.values) > limits.max_columns:
        problem = CellError(f"{len(row.values)} columns, at most {limits.max_columns} are taken")
        return Row(row.number, problem=problem)
    for column, text in row.values.items():
        if len(text) > limits.max_cell_chars:
            problem = CellError(
                f"{len(text)} characters, at most {limits.max_cell_chars} are taken",
                field=column,
                source=text,
            )
            return Row(row.number, problem=problem)
        if "\0" in text or not _is_text(text):
            problem = CellError(
                "has a NUL character or half of a surrogate pair, so it is no text",
                field=column,
                source=text,
            )
            return Row(row.number, problem=problem)
    return row


def _is_text(text: str) -> bool:
    """Whether it can be encoded; JSON can have escapes that can not."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
