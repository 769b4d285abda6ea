# SPDX-License-Identifier: Apache-2.0
"""Answers of queries: as much as possible in the database, the rest in memory.

The database selects, counts, sorts, groups and cuts pages when it does exactly what the query
means. Texts have an order that no database knows: those that are declared have a column for it; for
others the database gives the keys and the texts, and the query sorts. Everything else (a condition
without an equivalent, a caller who may not see all) is read as a superset and evaluated by the
query itself.

Of answers that are read page by page the total is remembered, and where the database does not find
a page by itself the keys of all matches, as long as nothing is written.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._answers import aggregate_page, distinct, item_page, page_of
from l8orm._generation import generation
from l8orm._groups import grouped
from l8orm._index import Known, fingerprint
from l8orm._members import key_column
from l8orm._order import stale
from l8orm._rows import fetched, load_items, load_keys
from l8types.enums import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._clauses import Pushed, Reached, Translator
    from l8orm._index import PageIndex
    from l8orm._layout import Layout
    from l8types.criteria import AttributePath
    from l8types.protocols.data import Query, Scope
    from l8types.values import Page

__all__ = ["QueryReader"]

_KEY: Final = key_column(0)

Entries = list[tuple[str, Any]]
"""Keys and items."""


class QueryReader:
    """Answers queries about one model on a connection.

    Args:
        layout: The tables of the model.
        translator: Turns criteria into SQL.
        index: What is remembered of answers.
    """

    def __init__(self, layout: Layout, translator: Translator, index: PageIndex) -> None:
        self._layout = layout
        self._translator = translator
        self._index = index

    async def read(self, connection: AsyncConnection, query: Query, scope: Scope | None) -> Page:
        """The answer of a query."""
        if query.aggregates:
            return aggregate_page(query, await self._groups(connection, query, scope))
        total, entries = await self.matches(connection, query, scope)
        return item_page(query, (item for _, item in entries), total)

    async def matches(
        self, connection: AsyncConnection, query: Query, scope: Scope | None
    ) -> tuple[int, Entries]:
        """How many items match, and those of the page that is asked for, whole and in order."""
        if scope is not None or not query.limit or self._depends_on_more(query):
            return await self._matches(connection, query, scope)
        asked = fingerprint(query)
        now = await generation(connection, self._layout.root.name)
        known = self._index.find(asked, now)
        if known is not None and known.keys is not None:
            return known.total, await self._with_keys(connection, page_of(query, known.keys))
        order = await self._order(connection, query, is_known=known is not None)
        if order is not None:
            total = known.total if known is not None else await self._count(connection, query)
            self._index.keep(asked, Known(now, total))
            return total, await self._cut(connection, query, order)
        keys, entries = await self._ordered(connection, query)
        self._index.keep(asked, Known(now, len(keys), keys))
        if entries is not None:
            return len(keys), page_of(query, entries)
        return len(keys), await self._with_keys(connection, page_of(query, keys))

    async def keys(self, connection: AsyncConnection, query: Query) -> Sequence[str]:
        """Keys of all matches in the order of the query, as far as its limit goes."""
        keys, _ = await self._ordered(connection, query)
        return page_of(query, keys)

    async def _matches(
        self, connection: AsyncConnection, query: Query, scope: Scope | None
    ) -> tuple[int, Entries]:
        """The same without looking into the index."""
        order = None if scope is not None else await self._order(connection, query)
        if order is not None:
            entries = await self._cut(connection, query, order)
            return len(entries), entries
        if scope is None:
            keys, found = await self._ordered(connection, query)
            if found is None:
                found = await self._with_keys(connection, keys)
            return len(keys), found
        entries = await self._all(connection, query, scope)
        if query.distinct:
            entries = distinct(query, entries)
        return len(entries), page_of(query, entries)

    def _depends_on_more(self, query: Query) -> bool:
        """Whether the answer may change without a write of items, since it is not all in tables."""
        if self._layout.complete is None:
            return False
        return not self._translator.translate(query.criteria).exact

    async def _order(
        self, connection: AsyncConnection, query: Query, *, is_known: bool = False
    ) -> list[sa.ColumnElement[Any]] | None:
        """The order in SQL, ``None`` when the database cannot find the page by itself.

        ``is_known`` says that it could in this generation.
        """
        if query.distinct or not self._translator.translate(query.criteria).exact:
            return None
        reached = self._reached(key.path for key in query.sort_keys)
        if reached is None:
            return None
        texts = [each for each in reached if each.scalar.node.kind is Kind.STRING]
        orders = [each.order for each in texts if each.order is not None]
        if len(orders) < len(texts) or (texts and query.match_case):
            return None
        if orders and not is_known and (await connection.execute(stale(orders))).scalar_one():
            # Another node wrote something and does not keep these orders.
            return None
        return _order(query, reached)

    def _reached(self, paths: Iterable[AttributePath]) -> list[Reached] | None:
        """Columns of attributes, ``None`` when one of them has none of its own."""
        reached = [self._translator.reach(path) for path in paths]
        return None if None in reached else [each for each in reached if each is not None]

    async def _cut(
        self, connection: AsyncConnection, query: Query, order: Sequence[sa.ColumnElement[Any]]
    ) -> Entries:
        """The page as the database cuts it."""
        return await load_items(
            connection,
            self._layout,
            self._translator.translate(query.criteria).clause,
            order=order,
            limit=query.limit,
            offset=query.page * query.limit,
        )

    async def _count(self, connection: AsyncConnection, query: Query) -> int:
        count = sa.select(sa.func.count()).select_from(self._layout.root.sql)
        clause = self._translator.translate(query.criteria).clause
        if clause is not None:
            count = count.where(clause)
        total: int = (await connection.execute(count)).scalar_one()
        return total

    async def _with_keys(self, connection: AsyncConnection, keys: Sequence[str]) -> Entries:
        """The items with these keys, in this order."""
        found = await load_keys(connection, self._layout, keys)
        return [(key, found[key]) for key in keys if key in found]

    async def _ordered(
        self, connection: AsyncConnection, query: Query
    ) -> tuple[Sequence[str], Entries | None]:
        """Keys of all matches in order, and the items where these had to be read."""
        pushed = self._translator.translate(query.criteria)
        if pushed.exact and not query.distinct:
            with suppress(TypeError, ValueError):
                # Raised by models that cannot be made with a few of their attributes only.
                paths = [key.path for key in query.sort_keys]
                entries = await self._narrow(connection, pushed, paths)
                if entries is not None:
                    return [key for key, _ in _sorted(query, entries)], None
        entries = await self._all(connection, query, None)
        if query.distinct:
            entries = distinct(query, entries)
        return [key for key, _ in entries], entries

    async def _narrow(
        self, connection: AsyncConnection, pushed: Pushed, paths: Sequence[AttributePath]
    ) -> Entries | None:
        """All matches with nothing but some attributes, ``None`` when those have no columns."""
        if self._reached(paths) is None:
            return None
        root = self._layout.root
        wanted = {_KEY}.union(*(self._translator.columns(path) for path in paths))
        places = [index for index, each in enumerate(root.columns) if each.name in wanted]
        columns = [root.columns[place].name for place in places]
        statement = sa.select(*(root.sql.c[name] for name in columns)).order_by(root.sql.c[_KEY])
        if pushed.clause is not None:
            statement = statement.where(pushed.clause)
        rows = []
        for row in await fetched(connection, statement):
            wide: list[Any] = [None] * len(root.columns)
            for place, value in zip(places, row, strict=True):
                wide[place] = value
            rows.append(wide)
        return self._layout.load([rows, *([] for _ in self._layout.children())])

    async def _groups(
        self, connection: AsyncConnection, query: Query, scope: Scope | None
    ) -> list[dict[str, object]]:
        pushed = self._translator.translate(query.criteria)
        if scope is None and pushed.exact:
            found = await grouped(connection, self._layout, self._translator, query, pushed)
            if found is not None:
                return found
            paths = [*query.group_by, *(each.path for each in query.aggregates if each.path)]
            with suppress(TypeError, ValueError):
                entries = await self._narrow(connection, pushed, paths)
                if entries is not None:
                    return query.aggregate([item for _, item in entries])
        return query.aggregate([item for _, item in await self._all(connection, query, scope)])

    async def _all(self, connection: AsyncConnection, query: Query, scope: Scope | None) -> Entries:
        """All matches that the caller may see, as the caller sees them, in order."""
        pushed = self._translator.translate(query.criteria)
        entries = await load_items(connection, self._layout, pushed.clause)
        if not pushed.exact:
            entries = [entry for entry in entries if query.matches(entry[1])]
        if scope is not None:
            entries = list(_visible(query, entries, scope))
        return entries if query.aggregates else _sorted(query, entries)


def _sorted(query: Query, entries: Entries) -> Entries:
    if not query.sort_keys:
        return entries
    # A scope may show one object for several items, so an identity has a list of keys.
    keys: dict[int, list[str]] = {}
    for key, item in reversed(entries):
        keys.setdefault(id(item), []).append(key)
    return [(keys[id(item)].pop(), item) for item in query.sort([item for _, item in entries])]


def _visible(query: Query, entries: Entries, scope: Scope) -> Iterator[tuple[str, object]]:
    for key, item in entries:
        shown = scope(item)
        # A condition on what is hidden must not tell what it is.
        if shown is not None and (shown is item or query.matches(shown)):
            yield key, shown


def _order(query: Query, columns: Sequence[Reached]) -> list[sa.ColumnElement[Any]]:
    """Sort keys as SQL; absent values come last in either direction."""
    order: list[sa.ColumnElement[Any]] = []
    for key, each in zip(query.sort_keys, columns, strict=True):
        steps: list[sa.ColumnElement[Any]] = [each.column if each.order is None else each.order]
        if each.scalar.node.kind is Kind.UINT64:
            # Numbers from 2**63 on are kept as negative ones.
            steps.insert(0, sa.case((each.column < 0, 1), else_=0))
        single = each.own and len(steps) == 1
        if each.nullable and not single:
            order.append(sa.case((each.present, 0), else_=1))
        # Said as the index of the falling order says it, also where nothing is absent.
        last = single and (each.nullable or key.descending)
        directed = [step.desc() if key.descending else step.asc() for step in steps]
        order.extend(step.nulls_last() if last else step for step in directed)
    return order
