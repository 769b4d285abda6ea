# SPDX-License-Identifier: Apache-2.0
"""Columns of a table: which attributes, and how their values are written.

What a value means is declared, never guessed from the name of its attribute.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

from l8types.enums import Container, Kind, Presence
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from l8types.protocols.models import ModelNode

__all__ = ["Column", "ColumnType", "columns_of", "to_csv"]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which spreadsheets take a text for something to run."""
_LINE_END: Final = "\r\n"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ColumnType(Enum):
    """What the values of a column mean."""

    PLAIN = "plain"
    """What they are: numbers, texts, names of enumerated values."""
    SECONDS = "seconds"
    """Unix seconds, written as ``2026-01-31T08:00:00Z``; 0 is no time and stays empty."""
    MILLISECONDS = "milliseconds"
    """Unix milliseconds, written as ``2026-01-31T08:00:00.250Z``."""
    DATE = "date"
    """Unix seconds of which only the day in UTC counts: ``2026-01-31``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Go-style name of the attribute, the title of the column.
        attribute: Python attribute of an item.
        cell: Text of a present value.
        has_field: Whether ``HasField`` tells if the value is present.
    """

    name: str
    attribute: str
    cell: Callable[[object], str]
    has_field: bool = False

    def text(self, item: object) -> str:
        """The cell of an item, "" for an absent value."""
        if self.has_field and not item.HasField(self.attribute):  # type: ignore[attr-defined]
            return ""
        value = getattr(item, self.attribute)
        return "" if value is None else self.cell(value)


def columns_of(root: ModelNode, types: Mapping[str, ColumnType]) -> tuple[Column, ...]:
    """Columns of the single, plain attributes of a model, by name.

    Args:
        root: The model.
        types: Lower-case attribute names to what they mean.

    Raises:
        InvalidInputError: A type is given for what is no column, or for texts.
    """
    plain = {
        name: node
        for name, node in root.attributes.items()
        if node.container is Container.SINGLE and node.kind is not Kind.MESSAGE
    }
    for name in types.keys() - plain.keys():
        raise InvalidInputError(f"{root.type_name} has no column {name!r} to give a type to")
    columns = [_column(node, types.get(name, ColumnType.PLAIN)) for name, node in plain.items()]
    return tuple(sorted(columns, key=lambda column: column.name))


def to_csv(columns: Sequence[Column], items: Iterable[object], *, header: bool) -> str:
    """Lines of CSV (RFC 4180, but with plain line feeds)."""
    lines = _Lines()
    # By the carriage return in its line end the writer knows that it has to quote one in a text.
    writer = csv.writer(lines, lineterminator="\r\n")
    if header:
        writer.writerow([column.name for column in columns])
    writer.writerows([column.text(item) for column in columns] for item in items)
    return "".join(lines)


class _Lines(list[str]):
    """Lines as they are written, with plain line feeds."""

    def write(self, line: str) -> None:
        """Take a whole line."""
        self.append(f"{line[:-2]}\n")


def _column(node: ModelNode, kind: ColumnType) -> Column:
    if kind is not ColumnType.PLAIN and node.kind in (Kind.STRING, Kind.BOOL):
        raise InvalidInputError(f"attribute {node.field_name} holds no time, so not {kind.value}")
    return Column(
        node.field_name, node.attribute, _cell(node, kind), node.presence is Presence.HAS_FIELD
    )


def _cell(node: ModelNode, kind: ColumnType) -> Callable[[object], str]:
    if kind is not ColumnType.PLAIN:
        return lambda value: _time(value, kind)
    if node.enum is not None:
        names = {number: name for name, number in node.enum.items()}
        return lambda value: _escaped(names.get(_number(value), str(_number(value))))
    if node.kind is Kind.BOOL:
        return lambda value: "true" if value else "false"
    if node.kind is Kind.STRING:
        return lambda value: _escaped(str(value.value if isinstance(value, Enum) else value))
    return str


def _number(value: object) -> int:
    return cast("int", value.value if isinstance(value, Enum) else value)


def _escaped(text: str) -> str:
    # A text that looks like an escaped one is escaped too, so that a reader can undo it.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _time(value: object, kind: ColumnType) -> str:
    if not isinstance(value, int | float):
        return _escaped(str(value))
    if not value:
        return ""
    unit = timedelta(milliseconds=1) if kind is ColumnType.MILLISECONDS else timedelta(seconds=1)
    try:
        moment = _EPOCH + value * unit
    except (OverflowError, ValueError):
        # Beyond the years that there are names for: the number tells more than an error would.
        return str(value)
    if kind is ColumnType.DATE:
        return moment.date().isoformat()
    precision = "milliseconds" if kind is ColumnType.MILLISECONDS else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
