# SPDX-License-Identifier: Apache-2.0
"""Items out of a database and into it, on a connection within a transaction."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._members import Keys, Rows, key_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._layout import Layout, TableLayout
    from l8orm._leaves import Clause

__all__ = ["CHUNK", "chunks", "delete_keys", "insert_rows", "load_items", "load_keys"]

CHUNK: Final = 500
"""Items whose rows are read with one statement per table; bounds the parameters of a statement."""

_KEY: Final = key_column(0)


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """The keys in parts of a size that a statement can take."""
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


async def load_items(
    connection: AsyncConnection,
    layout: Layout,
    clause: Clause | None = None,
    *,
    order: Sequence[sa.ColumnElement[Any]] = (),
    limit: int = 0,
    offset: int = 0,
) -> list[tuple[str, object]]:
    """Keys and items that satisfy a condition, by key unless told otherwise.

    Args:
        connection: Where to read.
        layout: The tables of the model.
        clause: The condition, ``None`` for all.
        order: What they are sorted by, before the key.
        limit: How many, 0 for all.
        offset: How many are skipped.
    """
    table = layout.root.sql
    statement = sa.select(*layout.root.sql.c).order_by(*order, table.c[_KEY])
    if clause is not None:
        statement = statement.where(clause)
    if limit:
        statement = statement.limit(limit).offset(offset)
    rows = (await connection.execute(statement)).all()
    found: list[tuple[str, object]] = []
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        source = await _children(connection, layout, [row[0] for row in part])
        found.extend((row[0], layout.root.body.load(row, (row[0],), source)) for row in part)
    return found


async def load_keys(
    connection: AsyncConnection, layout: Layout, keys: Sequence[str]
) -> dict[str, object]:
    """The items with these keys."""
    column = layout.root.sql.c[_KEY]
    found: dict[str, object] = {}
    for part in chunks(keys):
        found.update(await load_items(connection, layout, column.in_(part)))
    return found


async def _children(
    connection: AsyncConnection, layout: Layout, keys: Sequence[str]
) -> dict[str, dict[Keys, list[Sequence[Any]]]]:
    source: dict[str, dict[Keys, list[Sequence[Any]]]] = {}
    if not keys:
        return source
    for table in layout.children():
        grouped: dict[Keys, list[Sequence[Any]]] = defaultdict(list)
        width = len(table.keys) - 1
        statement = (
            sa.select(*table.sql.c)
            .where(table.sql.c[_KEY].in_(keys))
            .order_by(*(table.sql.c[column.name] for column in table.keys))
        )
        for row in await connection.execute(statement):
            grouped[tuple(row[:width])].append(row)
        source[table.name] = grouped
    return source


async def delete_keys(connection: AsyncConnection, layout: Layout, keys: Sequence[str]) -> int:
    """Delete items with all their rows; how many there were."""
    table, deleted = layout.root.sql, 0
    for part in chunks(keys):
        result = await connection.execute(sa.delete(table).where(table.c[_KEY].in_(part)))
        deleted += result.rowcount
    return deleted


async def insert_rows(
    connection: AsyncConnection, tables: Iterable[TableLayout], rows: Rows
) -> None:
    """Insert rows, those of owners before those that belong to them."""
    for table in tables:
        held = rows.get(table.name)
        if held:
            await connection.execute(sa.insert(table.sql), held)
