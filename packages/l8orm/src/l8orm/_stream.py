# SPDX-License-Identifier: Apache-2.0
"""Answers of any size, of which a part is in memory at a time.

In the order of the keys PostgreSQL gives one state of the database through a cursor. SQLite is
asked part by part, with nothing held in between: a reader that takes its time would keep the
write-ahead log from being emptied. With a sort order, a limit or ``distinct`` the keys of all
matches are found first, and the items part by part.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from l8orm._members import key_column
from l8orm._rows import CHUNK, children, chunks, load_items, load_keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8orm._clauses import Translator
    from l8orm._database import Database
    from l8orm._layout import Layout
    from l8orm._read import QueryReader
    from l8types.protocols.data import Query

__all__ = ["batches", "matches"]

Entry = tuple[str, Any]
"""Key and item."""


async def matches(
    database: Database,
    layout: Layout,
    translator: Translator,
    reader: QueryReader,
    query: Query,
) -> AsyncGenerator[object, None]:
    """Matches of a query in its order, whole."""
    pushed = translator.translate(query.criteria)
    if query.sort_keys or query.limit or query.distinct:
        async with aclosing(_by_keys(database, layout, reader, query)) as ordered:
            async for _, item in ordered:
                yield item
        return
    entries = batches if database.sqlite else _through_cursor
    # Closed when the reader stops, and not when the garbage is collected.
    async with aclosing(entries(database, layout, pushed.clause)) as found:
        async for _, item in found:
            if pushed.exact or query.matches(item):
                yield item


async def batches(
    database: Database, layout: Layout, clause: sa.ColumnElement[bool] | None = None
) -> AsyncGenerator[Entry, None]:
    """Keys and items in key order, read in batches between which nothing is held."""
    key = layout.root.sql.c[key_column(0)]
    given = sa.true() if clause is None else clause

    async def batch(after: str | None) -> list[Entry]:
        rest = given if after is None else sa.and_(given, key > after)
        return await database.read(
            f"reading {layout.root.name}",
            lambda each: load_items(each, layout, rest, limit=CHUNK),
        )

    found = await batch(None)
    while True:
        for entry in found:
            yield entry
        if len(found) < CHUNK:
            return
        found = await batch(found[-1][0])


async def _through_cursor(
    database: Database, layout: Layout, clause: sa.ColumnElement[bool] | None
) -> AsyncGenerator[Entry, None]:
    table = layout.root.sql
    statement = sa.select(*table.c).order_by(table.c[key_column(0)])
    if clause is not None:
        statement = statement.where(clause)
    async with database.snapshot(f"reading {layout.root.name}") as connection:
        rows = await connection.stream(statement, execution_options={"yield_per": CHUNK})
        async for part in rows.partitions():
            below = await children(connection, layout, [row[0] for row in part])
            found = layout.load([part, *below])
            if layout.complete is not None:
                await layout.complete(connection, [item for _, item in found])
            for entry in found:
                yield entry


async def _by_keys(
    database: Database, layout: Layout, reader: QueryReader, query: Query
) -> AsyncGenerator[Entry, None]:
    what = f"reading {layout.root.name}"
    keys = await database.read(what, lambda each: reader.keys(each, query))
    for part in chunks(keys):
        found = await database.read(what, partial(load_keys, layout=layout, keys=part))
        for key in part:
            # What was changed meanwhile, so that it does not match any more, is left out.
            if key in found and query.matches(found[key]):
                yield key, found[key]
