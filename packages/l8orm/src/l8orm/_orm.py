# SPDX-License-Identifier: Apache-2.0
"""The relational store: any model, written with exact presence, read by query."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from l8orm._batches import in_batches
from l8orm._clauses import Translator
from l8orm._generation import generation, raise_generations
from l8orm._index import PageIndex
from l8orm._layout import Layout, make_layout
from l8orm._migrate import Migration, is_current, migrate, planned
from l8orm._read import QueryReader
from l8orm._rows import delete_keys, load_items, load_keys
from l8orm._series._items import ItemSeries
from l8orm._storage import SqlStorage
from l8orm._stream import batches, matches
from l8orm._write import WritePlan
from l8types.enums import Action, DecoratorType
from l8types.errors import InvalidInputError, L8Error
from l8types.protocols.models import ModelNode

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Collection,
        Iterable,
        Sequence,
    )

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._database import Database
    from l8types.protocols.data import Query, Scope
    from l8types.protocols.models import Introspector
    from l8types.protocols.stores import TimeSeriesStore
    from l8types.values import Page

__all__ = ["Prepared", "SqlOrm"]

_log = logging.getLogger(__name__)

_WRITES = frozenset((Action.POST, Action.PUT, Action.PATCH))


BATCH: Final = 500
"""Items of one transaction, when many are written in batches."""


@dataclass(frozen=True, slots=True)
class Written:
    """Items as they are stored, and the generation that they belong to."""

    generation: int
    items: Mapping[str, object]


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
        series: Where the samples in items are kept, by default in this database; whoever opened it
            closes it.
        keep_history: Whether the samples of an item outlive it.
    """

    def __init__(
        self,
        database: Database,
        introspector: Introspector,
        *,
        clock: Callable[[], float] = time.monotonic,
        series: TimeSeriesStore | None = None,
        keep_history: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._introspector = introspector
        self._prepared: dict[type, Prepared] = {}
        self._preparing = asyncio.Lock()
        self._series = ItemSeries(introspector, database, series, keep_history=keep_history)

    @property
    def series(self) -> TimeSeriesStore:
        """Where the samples in items are kept."""
        return self._series.store

    async def prepare(self, model: type) -> None:
        """Create or additively migrate the tables of a model.

        Raises:
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
            InvalidInputError: Not a model, or one that does not fit into tables.
        """
        await self._prepare(model)

    async def planned(self, model: type, *, destructive: bool = False) -> Migration:
        """What :meth:`migrate` would do; nothing is written, so it can be shown first.

        Raises:
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
        """
        layout = self._layout(model)

        def work(connection: sa.Connection) -> Migration:
            return planned(connection, layout, destructive=destructive)

        what = f"planning {layout.root.name}"
        return await self._database.read(what, lambda each: each.run_sync(work))

    async def migrate(self, model: type, *, destructive: bool = False) -> Migration:
        """Bring the tables of a model up to date, as a whole or not at all.

        Args:
            model: The model.
            destructive: Also drop the tables and columns that the model no longer has, and make
                columns of another type anew; what they hold is lost.

        Raises:
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
        """
        layout = self._layout(model)

        def work(connection: sa.Connection) -> Migration:
            return migrate(connection, layout, destructive=destructive)

        async with self._preparing:
            what = f"migrating {layout.root.name}"
            done = await self._database.write(what, lambda each: each.run_sync(work))
            self._prepared.pop(model, None)
        for step in done.steps:
            _log.info("%s: %s", self._database.name, step)
        return done

    async def write(
        self, action: Action, items: Sequence[object], *, mask: Collection[str] = ()
    ) -> None:
        """POST, PUT or PATCH items in one transaction: all or none.

        POST and PUT replace items as a whole, or add them; PATCH merges what is present into them,
        or adds them. Of several items with one key the later ones are written over the earlier.

        Args:
            action: POST, PUT or PATCH.
            items: The items.
            mask: Attributes that a PATCH takes from the items as they are, be it zero, empty or
                absent; dotted for those of single nested models, in any case.

        Raises:
            InvalidInputError: An item does not fit its model or has no key.
            ConflictError: Its unique key belongs to another item.
            UnavailableError: The database is down, locked or full; nothing was written.
        """
        await self.written(action, items, mask=mask)

    async def write_batches(
        self,
        action: Action,
        items: Iterable[object] | AsyncIterable[object],
        *,
        size: int = BATCH,
    ) -> int:
        """The same for any number of items, in batches, each of which is one transaction.

        Args:
            action: POST, PUT or PATCH.
            items: The items, taken as they are needed.
            size: Items of one batch, which are in memory together.

        Returns:
            How many were written.

        Raises:
            L8Error: As for :meth:`write`; the batches before stay written, the others are not, and
                a note of the error tells how many items were.
        """
        if size < 1:
            raise InvalidInputError(f"a batch has at least one item, not {size}")
        done = 0
        async for batch in in_batches(items, size):
            try:
                await self.write(action, batch)
            except L8Error as error:
                error.add_note(f"{done} items were written before")
                raise
            done += len(batch)
        return done

    async def written(
        self, action: Action, items: Sequence[object], *, mask: Collection[str] = ()
    ) -> Mapping[type, Written]:
        """Write as :meth:`write` does; what is stored now, by model."""
        if mask and action is not Action.PATCH:
            raise InvalidInputError(f"action {action.name} takes no mask, only PATCH does")
        if action not in _WRITES:
            raise InvalidInputError(f"action {action.name} does not write; use POST, PUT or PATCH")
        by_model: dict[type, list[object]] = {}
        for item in items:
            by_model.setdefault(type(item), []).append(item)
        plans = {
            model: WritePlan(
                (await self._prepare(model)).layout,
                self._introspector,
                group,
                patch=action is Action.PATCH,
                mask=mask,
            )
            for model, group in by_model.items()
        }
        if not plans:
            return {}
        samples = await self._series.taken(items)

        async def work(connection: AsyncConnection) -> dict[str, int]:
            for plan in plans.values():
                await plan.run(connection, sqlite=self._database.sqlite)
            await self._series.write(connection, samples)
            return await raise_generations(connection, (plan.model for plan in plans.values()))

        names = ", ".join(plan.model for plan in plans.values())
        numbers = await self._database.write(f"writing {names}", work)
        return {model: Written(numbers[plan.model], plan.items) for model, plan in plans.items()}

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

    async def stream(
        self, query: Query, *, scope: Scope | None = None
    ) -> AsyncGenerator[object, None]:
        """All matches one by one in the order of the query, a part of them in memory at a time.

        PostgreSQL shows one state of the database, SQLite each part as it is when it is read. With
        a sort order, a limit or ``distinct`` the keys of all matches are in memory; together with a
        ``scope`` the whole answer is, since what is hidden must not decide about the order. Close
        the iterator when you stop early (``contextlib.aclosing``).

        Raises:
            UnavailableError: The database cannot be reached.
            InvalidInputError: It is an aggregate query; those are read.
        """
        if query.aggregates:
            raise InvalidInputError("a query with aggregates cannot be streamed; read it")
        if scope is not None and (query.sort_keys or query.limit or query.distinct):
            for item in (await self.read(query, scope=scope)).items:
                yield item
            return
        each = await self._prepared_for(query)
        found = matches(self._database, each.layout, each.translator, each.reader, query)
        # Closed when the reader stops, and not when the garbage is collected.
        async with aclosing(found):
            async for item in found:
                shown = item if scope is None else scope(item)
                # A condition on what is hidden must not tell what it is.
                if shown is not None and (shown is item or query.matches(shown)):
                    yield query.project(shown)

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
        by_key = scope is not None or query.limit or query.distinct or layout.complete is not None

        async def work(connection: AsyncConnection) -> int:
            pushed = prepared.translator.translate(query.criteria)
            if pushed.exact and not by_key:
                statement = sa.delete(layout.root.sql)
                if pushed.clause is not None:
                    statement = statement.where(pushed.clause)
                count = (await connection.execute(statement)).rowcount
            else:
                _, entries = await prepared.reader.matches(connection, query, scope)
                count = await self._delete(connection, prepared, [key for key, _ in entries])
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
        prepared = await self._prepare(model)
        layout = prepared.layout

        async def work(connection: AsyncConnection) -> object | None:
            found = (await load_keys(connection, layout, [key])).get(key)
            if found is not None:
                await self._delete(connection, prepared, [key])
                await raise_generations(connection, [layout.root.name])
            return found

        return await self._database.write(f"deleting from {layout.root.name}", work)

    async def discard(self, model: type, keys: Sequence[str]) -> int:
        """Delete the items with these keys in one transaction; how many there were."""
        prepared = await self._prepare(model)
        layout = prepared.layout

        async def work(connection: AsyncConnection) -> int:
            count = await self._delete(connection, prepared, keys)
            if count:
                await raise_generations(connection, [layout.root.name])
            return count

        return await self._database.write(f"deleting from {layout.root.name}", work)

    async def items(self, model: type) -> AsyncGenerator[tuple[str, object], None]:
        """All keys and items in key order."""
        layout = (await self._prepare(model)).layout
        async with aclosing(batches(self._database, layout)) as found:
            async for entry in found:
                yield entry

    async def generation(self, model: type) -> int:
        """A number that is another one after every write of items of a model, by whomever."""
        name = (await self._prepare(model)).layout.root.name
        return await self._database.read(f"reading {name}", lambda each: generation(each, name))

    async def everything(self, model: type) -> Written:
        """All items of a model in one state of the database."""
        layout = (await self._prepare(model)).layout

        async def work(connection: AsyncConnection) -> Written:
            number = await generation(connection, layout.root.name)
            return Written(number, dict(await load_items(connection, layout)))

        return await self._database.read(f"reading {layout.root.name}", work)

    def key_of(self, item: object) -> str:
        """Primary key text of an item.

        Raises:
            PropertyError: It has none.
        """
        return self._introspector.primary_key(item)

    async def aclose(self) -> None:
        """Close the connections; idempotent. A store of samples that was given stays open."""
        await self._series.aclose()
        await self._database.aclose()

    async def _delete(
        self, connection: AsyncConnection, prepared: Prepared, keys: Sequence[str]
    ) -> int:
        """Delete items with all that belongs to them."""
        layout = prepared.layout
        if layout.complete is None:
            return await delete_keys(connection, layout, keys)
        # Read again, since a caller may see too little of them to tell their series.
        items = (await load_keys(connection, layout, keys)).values()
        count = await delete_keys(connection, layout, keys)
        await self._series.forget(prepared.node, connection, items)
        return count

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

    def _layout(self, model: type) -> Layout:
        layout = make_layout(self._introspector.inspect(model), sqlite=self._database.sqlite)
        return self._series.completing(layout)

    async def _make(self, model: type, declared: object) -> Prepared:
        layout = self._layout(model)
        what = f"preparing {layout.root.name}"
        # A database that may only be read can be read when there is nothing to do.
        if not await self._database.read(what, lambda each: each.run_sync(is_current, layout)):
            done = await self._database.write(what, lambda each: each.run_sync(migrate, layout))
            for step in done.steps:
                _log.info("%s: %s", self._database.name, step)
        translator = Translator(layout, sqlite=self._database.sqlite)
        reader = QueryReader(layout, translator, PageIndex(self._clock))
        return Prepared(layout.root.body.node, layout, translator, reader, declared)
