# SPDX-License-Identifier: Apache-2.0
"""The relational store: any model, written with exact presence, read by query."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from l8orm._clauses import Translator
from l8orm._generation import raise_generations
from l8orm._index import PageIndex
from l8orm._layout import Layout, make_layout
from l8orm._members import key_column
from l8orm._merge import merged
from l8orm._migrate import is_current, migrate
from l8orm._read import QueryReader
from l8orm._rows import CHUNK, delete_keys, insert_rows, load_items, load_keys
from l8orm._storage import SqlStorage
from l8types.enums import Action, DecoratorType
from l8types.errors import InvalidInputError
from l8types.protocols.models import ModelNode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._database import Database
    from l8orm._storing import Rows
    from l8types.protocols.data import Query, Scope
    from l8types.protocols.models import Introspector
    from l8types.values import Page

__all__ = ["Prepared", "SqlOrm"]

_log = logging.getLogger(__name__)

_WRITES = frozenset((Action.POST, Action.PUT, Action.PATCH))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model whose tables are there."""

    node: ModelNode
    layout: Layout
    translator: Translator
    reader: QueryReader
    declared: object
    """The decorators by which the tables were made."""


class SqlOrm:
    """Keeps items in a database; implements ``l8types`` ``Orm``.

    Tables are made when a model is first used, or by :meth:`prepare`. Calls may overlap; a write is
    one transaction and durable when it returns, a read sees one state of the database.

    Args:
        database: The database; closed with this.
        introspector: Knows models and keys.
        clock: Seconds that never go back, for what is remembered for a while.
    """

    def __init__(
        self,
        database: Database,
        introspector: Introspector,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._introspector = introspector
        self._prepared: dict[type, Prepared] = {}
        self._preparing = asyncio.Lock()

    async def prepare(self, model: type) -> None:
        """Create or additively migrate the tables of a model.

        Raises:
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
            InvalidInputError: Not a model, or one that does not fit into tables.
        """
        await self._prepare(model)

    async def write(self, action: Action, items: Sequence[object]) -> None:
        """POST, PUT or PATCH items in one transaction: all or none.

        POST and PUT replace items as a whole, or add them; PATCH merges what is present into them,
        or adds them. Of several items with one key the later ones are written over the earlier.

        Raises:
            InvalidInputError: An item does not fit its model or has no key.
            ConflictError: Its unique key belongs to another item.
            UnavailableError: The database is down, locked or full; nothing was written.
        """
        if action not in _WRITES:
            raise InvalidInputError(f"action {action.name} does not write; use POST, PUT or PATCH")
        by_model: dict[type, list[object]] = {}
        for item in items:
            by_model.setdefault(type(item), []).append(item)
        groups = [(await self._prepare(model), group) for model, group in by_model.items()]
        if not groups:
            return
        plans = [_WritePlan(each, self._introspector, action, group) for each, group in groups]
        names = ", ".join(each.layout.root.name for each, _ in groups)

        async def work(connection: AsyncConnection) -> None:
            for plan in plans:
                await plan.run(connection, sqlite=self._database.sqlite)
            await raise_generations(connection, (each.layout.root.name for each, _ in groups))

        await self._database.write(f"writing {names}", work)

    async def read(self, query: Query, *, scope: Scope | None = None) -> Page:
        """Answer of a query, paged after ``scope``; without sort keys in the order of the keys.

        The page of an aggregate query has one mapping per group.

        Raises:
            UnavailableError: The database cannot be reached.
            InvalidInputError: The query is not about a model.
        """
        prepared = await self._prepared_for(query)
        what = f"reading {prepared.layout.root.name}"
        read = prepared.reader.read
        return await self._database.read(what, lambda each: read(each, query, scope))

    async def stream(self, query: Query) -> AsyncIterator[object]:
        """All matches one by one, in the order of their keys, a batch in memory at a time.

        Sort keys, page and limit of the query do not count. Each batch is read for itself: an item
        that changes meanwhile shows the state it has when its batch is read.

        Raises:
            UnavailableError: The database cannot be reached.
            InvalidInputError: It is an aggregate query; those are read.
        """
        if query.aggregates:
            raise InvalidInputError("a query with aggregates cannot be streamed; read it")
        prepared = await self._prepared_for(query)
        pushed = prepared.translator.translate(query.criteria)
        async for _, item in self.batches(prepared, pushed.clause):
            if pushed.exact or query.matches(item):
                yield query.project(item)

    async def batches(
        self, prepared: Prepared, clause: sa.ColumnElement[bool] | None = None
    ) -> AsyncIterator[tuple[str, object]]:
        """Keys and items in key order, read in batches between which nothing is held."""
        layout = prepared.layout
        key = layout.root.sql.c[key_column(0)]
        given = sa.true() if clause is None else clause

        async def batch(after: str | None) -> list[tuple[str, object]]:
            rest = given if after is None else sa.and_(given, key > after)
            return await self._database.read(
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

    async def delete(self, query: Query, *, scope: Scope | None = None) -> int:
        """Delete the matches with all that belongs to them; how many there were.

        A limit and a page count as they do for a read. With a ``scope``, what it hides is neither
        matched nor deleted.

        Raises:
            InvalidInputError: It is an aggregate query.
            UnavailableError: The database is down, locked or read-only; nothing was deleted.
        """
        if query.aggregates:
            raise InvalidInputError("a query with aggregates names no items to delete")
        prepared = await self._prepared_for(query)
        layout = prepared.layout

        async def work(connection: AsyncConnection) -> int:
            pushed = prepared.translator.translate(query.criteria)
            if scope is None and pushed.exact and not query.limit and not query.distinct:
                statement = sa.delete(layout.root.sql)
                if pushed.clause is not None:
                    statement = statement.where(pushed.clause)
                count = (await connection.execute(statement)).rowcount
            else:
                _, entries = await prepared.reader.matches(connection, query, scope)
                count = await delete_keys(connection, layout, [key for key, _ in entries])
            if count:
                await raise_generations(connection, [layout.root.name])
            return count

        return await self._database.write(f"deleting from {layout.root.name}", work)

    def storage(self, model: type) -> SqlStorage:
        """The items of one model as a plain store; closing it does not close the database."""
        return SqlStorage(self, model)

    async def get(self, model: type, key: str) -> object | None:
        """The item with a key, ``None`` when there is none."""
        layout = (await self._prepare(model)).layout
        what = f"reading {layout.root.name}"
        found = await self._database.read(what, lambda each: load_keys(each, layout, [key]))
        return found.get(key)

    async def take(self, model: type, key: str) -> object | None:
        """Delete the item with a key and return it, ``None`` when there is none."""
        layout = (await self._prepare(model)).layout

        async def work(connection: AsyncConnection) -> object | None:
            found = (await load_keys(connection, layout, [key])).get(key)
            if found is not None:
                await delete_keys(connection, layout, [key])
                await raise_generations(connection, [layout.root.name])
            return found

        return await self._database.write(f"deleting from {layout.root.name}", work)

    async def items(self, model: type) -> AsyncIterator[tuple[str, object]]:
        """All keys and items in key order."""
        async for entry in self.batches(await self._prepare(model)):
            yield entry

    def key_of(self, item: object) -> str:
        """Primary key text of an item.

        Raises:
            PropertyError: It has none.
        """
        return self._introspector.primary_key(item)

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        await self._database.aclose()

    async def _prepared_for(self, query: Query) -> Prepared:
        model = query.root.model
        if model is None:
            raise InvalidInputError(f"a query about {query.root.type_name} has no model to read")
        return await self._prepare(model)

    async def _prepare(self, model: type) -> Prepared:
        declared = self._declared(model)
        known = self._prepared.get(model)
        if known is not None and known.declared == declared:
            return known
        async with self._preparing:
            known = self._prepared.get(model)
            if known is None or known.declared != declared:
                known = await self._make(model, declared)
                self._prepared[model] = known
        return known

    def _declared(self, model: type) -> object:
        fields = self._introspector.fields
        return fields(model, DecoratorType.NON_UNIQUE), fields(model, DecoratorType.UNIQUE)

    async def _make(self, model: type, declared: object) -> Prepared:
        node = self._introspector.inspect(model)
        sqlite = self._database.sqlite
        layout = make_layout(node, sqlite=sqlite)
        what = f"preparing {layout.root.name}"
        # A database that may only be read can be read when there is nothing to do.
        if not await self._database.read(what, lambda each: each.run_sync(is_current, layout)):
            done = await self._database.write(what, lambda each: each.run_sync(migrate, layout))
            for step in done:
                _log.info("%s: %s", self._database.name, step)
        translator = Translator(layout, sqlite=sqlite)
        reader = QueryReader(layout, translator, PageIndex(self._clock))
        return Prepared(node, layout, translator, reader, declared)


class _WritePlan:
    """A write of items of one model, checked before the transaction begins."""

    def __init__(
        self,
        prepared: Prepared,
        introspector: Introspector,
        action: Action,
        items: Iterable[object],
    ) -> None:
        self._prepared = prepared
        self._introspector = introspector
        self._patch = action is Action.PATCH
        self._items: dict[str, object] = {}
        for item in items:
            key = introspector.primary_key(item)
            before = self._items.get(key)
            if self._patch and before is not None:
                self._items[key] = merged(prepared.node, before, item)
            else:
                self._items[key] = item
        # Wrong values are refused before anything happens.
        self._rows = self._made()

    def _made(self) -> Rows:
        layout, unique_key = self._prepared.layout, self._introspector.unique_key
        rows: Rows = [[] for _ in layout.tables]
        layout.store(((key, unique_key(item), item) for key, item in self._items.items()), rows)
        return rows

    async def run(self, connection: AsyncConnection, *, sqlite: bool) -> None:
        """Replace the items with all their rows."""
        layout, keys = self._prepared.layout, list(self._items)
        if not sqlite:
            # Two writers of one key would both delete nothing and then both insert it.
            lock = sa.func.hashtext(layout.root.name)
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        if self._patch:
            for key, before in (await load_keys(connection, layout, keys)).items():
                self._items[key] = merged(self._prepared.node, before, self._items[key])
            self._rows = self._made()
        await delete_keys(connection, layout, keys)
        await insert_rows(connection, layout, self._rows)
