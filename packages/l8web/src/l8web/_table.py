# SPDX-License-Identifier: Apache-2.0
"""Records of an answer as a table that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["table_of"]

MAX_CELL: Final = 120
"""Characters of a cell; values can be arbitrarily long."""

_MAX_DEPTH: Final = 3
"""Levels of structures that get columns of their own."""


def table_of(records: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[str]]]:
    """Columns and cells.

    Structures get a column per attribute; lists and maps tell how many there are and which.

    Args:
        records: Decoded JSON objects.

    Returns:
        Columns in the order in which they first appear, and one row per record.
    """
    rows = [dict(_cells(record, "", _MAX_DEPTH)) for record in records]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [[row.get(name, "") for name in columns] for row in rows]


def _cells(record: Mapping[str, object], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, dict) and depth and not _is_map(value):
            yield from _cells(value, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", _cut(_text(value))


def _is_map(value: dict[str, object]) -> bool:
    """A map of structures; what has plain attributes is a structure itself."""
    return bool(value) and all(isinstance(item, dict) for item in value.values())


def _text(value: object) -> str:
    match value:
        case dict():
            return _listing([_label(item, key) for key, item in value.items()])
        case list():
            return _listing([_label(item, str(item)) for item in value])
        case bool():
            return "yes" if value else "no"
    return str(value)


def _label(item: object, otherwise: str) -> str:
    """Name of an entry: what it calls itself, else its key."""
    if isinstance(item, dict):
        return str(item.get("name") or item.get("id") or otherwise)
    return otherwise


def _listing(labels: list[str]) -> str:
    return f"{len(labels)}: {', '.join(labels)}" if labels else ""


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"
