# SPDX-License-Identifier: Apache-2.0
"""Answers of queries: as much as possible in the database, the rest in memory.

The database selects, counts, sorts and cuts pages when it does exactly what the query means. Texts
have an order that no database knows, so for them it gives the keys and the texts, and the query
sorts. Everything else (a condition without an equivalent, a caller who may not see all) is read as
a superset and evaluated by the query itself.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._answers import aggregate_page, distinct, item_page, page_of
from l8orm._members import key_column
from l8orm._rows import load_items, load_keys
from l8types.enums import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._clauses import Pushed, Reached, Translator
    from l8orm._layout import Layout
    from l8types.protocols.data import Query, Scope
    from l8types.values import Page

__all__ = ["QueryReader"]

_KEY: Final = key_column(0)

Entries = list[tuple[str, object]]
"""Keys and items."""


class QueryReader:
    """Answers queries about one model on a connection.

    Args:
        layout: The tables of the model.
        translator: Turns criteria into SQL.
    """

    def __init__(self, layout: Layout, translator: Translator) -> None:
        self._layout = layout
        self._translator = translator

    async def read(self, connection: AsyncConnection, query: Query, scope: Scope | None) -> Page:
        """The answer of a query."""
        if query.aggregates:
            entries = await self._all(connection, query, scope)
            return aggregate_page(query, [item for _, item in entries])
        total, entries = await self.matches(connection, query, scope)
        return item_page(query, (item for _, item in entries), total)

    async def matches(
        self, connection: AsyncConnection, query: Query, scope: Scope | None
    ) -> tuple[int, Entries]:
        """How many items match, and those of the page that is asked for, whole and in order."""
        pushed = self._translator.translate(query.criteria)
        if scope is None and pushed.exact and not query.distinct:
            reached = [self._translator.reach(key.path) for key in query.sort_keys]
            if None not in reached:
                columns = [each for each in reached if each is not None]
                with suppress(TypeError, ValueError):
                    # Raised by models that cannot be made with a few of their attributes only.
                    return await self._in_database(connection, query, pushed, columns)
        entries = await self._all(connection, query, scope)
        if query.distinct:
            entries = distinct(query, entries)
        return len(entries), page_of(query, entries)

    async def _in_database(
        self,
        connection: AsyncConnection,
        query: Query,
        pushed: Pushed,
        columns: Sequence[Reached],
    ) -> tuple[int, Entries]:
        if any(each.scalar.node.kind is Kind.STRING for each in columns):
            ordered = await self._keys_in_order(connection, query, pushed, columns)
            page = page_of(query, ordered)
            found = await load_keys(connection, self._layout, page)
            return len(ordered), [(key, found[key]) for key in page if key in found]
        entries = await load_items(
            connection,
            self._layout,
            pushed.clause,
            order=_order(query, columns),
            limit=query.limit,
            offset=query.page * query.limit,
        )
        if not query.limit:
            return len(entries), entries
        count = sa.select(sa.func.count()).select_from(self._layout.root.sql)
        if pushed.clause is not None:
            count = count.where(pushed.clause)
        return (await connection.execute(count)).scalar_one(), entries

    async def _keys_in_order(
        self,
        connection: AsyncConnection,
        query: Query,
        pushed: Pushed,
        columns: Sequence[Reached],
    ) -> list[str]:
        """Keys of all matches in order, sorted by the query as items that hold nothing else."""
        root = self._layout.root
        names = self._needed(query)
        statement = sa.select(*(root.sql.c[name] for name in names)).order_by(root.sql.c[_KEY])
        if pushed.clause is not None:
            statement = statement.where(pushed.clause)
        places = [index for index, each in enumerate(root.columns) if each.name in names]
        keys: dict[int, str] = {}
        items: list[object] = []
        for row in await connection.execute(statement):
            wide: list[Any] = [None] * len(root.columns)
            for place, value in zip(places, row, strict=True):
                wide[place] = value
            item = root.body.load(wide, (), {})
            items.append(item)
            keys[id(item)] = row[0]
        return [keys[id(item)] for item in query.sort(items)]

    def _needed(self, query: Query) -> list[str]:
        """Columns of the key and of what the sort keys look at, in the order of the table."""
        wanted = {_KEY}
        for key in query.sort_keys:
            wanted.update(self._translator.columns(key.path))
        return [column.name for column in self._layout.root.columns if column.name in wanted]

    async def _all(self, connection: AsyncConnection, query: Query, scope: Scope | None) -> Entries:
        """All matches that the caller may see, as the caller sees them, in order."""
        pushed = self._translator.translate(query.criteria)
        entries = await load_items(connection, self._layout, pushed.clause)
        if not pushed.exact:
            entries = [entry for entry in entries if query.matches(entry[1])]
        if scope is not None:
            entries = list(_visible(query, entries, scope))
        if not query.sort_keys or query.aggregates:
            return entries
        # A scope may show one object for several items, so an identity has a list of keys.
        keys: dict[int, list[str]] = {}
        for key, item in reversed(entries):
            keys.setdefault(id(item), []).append(key)
        return [(keys[id(item)].pop(), item) for item in query.sort([item for _, item in entries])]


def _visible(query: Query, entries: Entries, scope: Scope) -> Iterable[tuple[str, object]]:
    for key, item in entries:
        shown = scope(item)
        # A condition on what is hidden must not tell what it is.
        if shown is not None and (shown is item or query.matches(shown)):
            yield key, shown


def _order(query: Query, columns: Sequence[Reached]) -> list[sa.ColumnElement[Any]]:
    """Sort keys as SQL; absent values come last in either direction."""
    order: list[sa.ColumnElement[Any]] = []
    for key, each in zip(query.sort_keys, columns, strict=True):
        order.append(sa.case((each.present, 0), else_=1))
        steps: list[sa.ColumnElement[Any]] = [each.column]
        if each.scalar.node.kind is Kind.UINT64:
            # Numbers from 2**63 on are kept as negative ones.
            steps.insert(0, sa.case((each.column < 0, 1), else_=0))
        order.extend(step.desc() if key.descending else step.asc() for step in steps)
    return order
