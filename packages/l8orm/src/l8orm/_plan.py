# SPDX-License-Identifier: Apache-2.0
"""What is to be done so that a database fits a model: steps, each an operation of Alembic.

Tables that are missing are made, columns and indexes that are missing are added, a column of whole
numbers may get wider. Whatever would lose something (what the model no longer has, a column of
another type) is a step only when that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic.operations import ops

from l8orm._arrays import ConvertOp
from l8orm._order import FillOrderOp, is_stale
from l8orm._schema import Tags
from l8types.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8orm._layout import Layout, TableLayout

__all__ = ["Plan", "Step", "make_plan"]

_WIDER: Final = {
    ("integer", "bigint"),
    ("integer key", "bigint key"),
    ("array of integer", "array of bigint"),
}
"""Changes of type that keep every value."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation."""

    text: str
    """What it does, for people."""
    operation: ops.MigrateOperation
    destructive: bool = False
    """Whether something is lost."""


@dataclass(slots=True)
class Plan:
    """Steps in order, and what the schema table says afterwards."""

    steps: list[Step] = field(default_factory=list)
    tables: Tags = field(default_factory=dict)

    def add(self, text: str, operation: ops.MigrateOperation, *, destructive: bool = False) -> None:
        """Add a step."""
        self.steps.append(Step(text, operation, destructive))


def make_plan(connection: sa.Connection, layout: Layout, known: Tags, *, destructive: bool) -> Plan:
    """The steps for the tables of a model; the database is looked at, not changed.

    Args:
        connection: The database.
        layout: The tables as they are wanted.
        known: The tables as the schema table knows them.
        destructive: Whether steps that lose something are wanted.

    Raises:
        ConflictError: A table is somebody else's, or a type changed and nothing may be lost.
    """
    return _Planner(connection, layout, known, destructive=destructive).plan()


class _Planner:
    """Makes one plan."""

    def __init__(
        self, connection: sa.Connection, layout: Layout, known: Tags, *, destructive: bool
    ) -> None:
        self._connection = connection
        self._inspector = sa.inspect(connection)
        self._existing = set(self._inspector.get_table_names())
        self._sqlite = connection.dialect.name == "sqlite"
        self._layout = layout
        self._known = known
        self._destructive = destructive
        # What a model no longer has stays in the database, so it stays known as well.
        self._plan = Plan(tables={name: dict(tags) for name, tags in known.items()})

    def plan(self) -> Plan:
        if self._destructive:
            self._drop_tables(self._unwanted())
        for table in self._layout.tables:
            if table.name not in self._existing:
                self._create(table)
            else:
                self._update(table)
            self._plan.tables.setdefault(table.name, {}).update(table.tags)
        return self._plan

    def _unwanted(self) -> list[str]:
        """Tables that the model has no more, or with other keys; what belongs to them first."""
        wanted = {table.name: table for table in self._layout.tables}
        gone = []
        for name, tags in self._known.items():
            table = wanted.get(name)
            if table is None or any(
                tags.get(key.name) not in {None, table.tags[key.name]}
                and (tags[key.name], table.tags[key.name]) not in _WIDER
                for key in table.keys
            ):
                gone.append(name)
        below = [name for name in self._known if name.startswith(tuple(f"{n}__" for n in gone))]
        return sorted({*gone, *below}, reverse=True)

    def _drop_tables(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._existing:
                self._plan.add(f"drop table {name}", ops.DropTableOp(name), destructive=True)
            self._existing.discard(name)
            self._plan.tables.pop(name, None)

    def _create(self, table: TableLayout) -> None:
        self._plan.add(f"create table {table.name}", ops.CreateTableOp.from_table(table.sql))
        self._plan.tables[table.name] = {}
        for index in _indexes(table):
            self._plan.add(f"create index {index.name}", ops.CreateIndexOp.from_index(index))

    def _update(self, table: TableLayout) -> None:
        known = self._known.get(table.name)
        if known is None:
            raise ConflictError(
                f"table {table.name} exists already and was not made for this model; "
                "use another database or rename the model"
            )
        existing = {column["name"] for column in self._inspector.get_columns(table.name)}
        if self._destructive:
            self._drop_columns(table, known, existing)
        left = self._plan.tables[table.name]
        outdated = {
            column.name
            for column in table.columns
            if column.name in existing and left.get(column.name) != table.tags[column.name]
        }
        for column in table.columns:
            if column.name not in existing or column.name not in table.orders.values():
                self._column(table, column, left.get(column.name), existing)
        self._index(table)
        if table.parent is None:
            self._fill_orders(table, existing, outdated)

    def _drop_columns(self, table: TableLayout, known: dict[str, str], existing: set[str]) -> None:
        """Drop what the model does not have, and what it wants with another type."""
        for name, tag in known.items():
            wanted = table.tags.get(name)
            if wanted is not None and (
                _fits(tag, wanted) or table.documents.get(name, ("",))[0] == tag
            ):
                continue
            for index in self._inspector.get_indexes(table.name):
                if name in index["column_names"] and index["name"]:
                    operation = ops.DropIndexOp(index["name"], table.name)
                    self._plan.add(f"drop index {index['name']}", operation)
            if name in existing:
                operation_ = ops.DropColumnOp(table.name, name)
                text = f"drop column {table.name}.{name}"
                self._plan.add(text, operation_, destructive=True)
            existing.discard(name)
            self._plan.tables[table.name].pop(name, None)

    def _column(
        self, table: TableLayout, column: sa.Column[object], old: str | None, existing: set[str]
    ) -> None:
        new, name = table.tags[column.name], f"{table.name}.{column.name}"
        before, kind = table.documents.get(column.name, (None, None))
        if kind is not None and old == before and column.name in existing:
            convert = ConvertOp(table.name, column.name, kind)
            self._plan.add(f"convert column {name} to an array", convert)
            return
        if column.name not in existing:
            if old is not None or new.endswith(" key"):
                _check(table, column.name, old, new)
            operation = ops.AddColumnOp(table.name, _copy(column))
            self._plan.add(f"add column {name}", operation)
            return
        _check(table, column.name, old, new)
        if old is not None and (old.removesuffix("?"), new.removesuffix("?")) in _WIDER:
            if not self._sqlite:
                wider = ops.AlterColumnOp(table.name, column.name, modify_type=column.type)
                self._plan.add(f"widen column {name}", wider)
        elif old == f"{new}?" and isinstance(column.server_default, sa.DefaultClause):
            # An attribute that could be absent now always has a value.
            values = {column.name: column.server_default.arg}
            filled = sa.update(table.sql).where(column.is_(None)).values(values)
            self._plan.add(f"fill column {name}", ops.ExecuteSQLOp(filled))

    def _fill_orders(self, table: TableLayout, existing: set[str], outdated: set[str]) -> None:
        """Fill what texts are sorted by, where it is new or was not kept."""
        key = table.keys[0].name
        for column, order in table.orders.items():
            wanted = order not in existing or bool({column, order} & outdated)
            if wanted or is_stale(self._connection, table.sql.c[order]):
                operation = FillOrderOp(table.sql, key, column, order)
                self._plan.add(f"fill column {table.name}.{order}", operation)

    def _index(self, table: TableLayout) -> None:
        dropped = {
            step.operation.index_name
            for step in self._plan.steps
            if isinstance(step.operation, ops.DropIndexOp)
        }
        present = {index["name"] for index in self._inspector.get_indexes(table.name)} - dropped
        for index in _indexes(table):
            before = f"{str(index.name).removesuffix('_asc')}_idx"
            if before in present and str(index.name).endswith("_asc"):
                # It has the column only; the new one has all that it has, in its order.
                self._plan.add(f"drop index {before}", ops.DropIndexOp(before, table.name))
            if index.name not in present:
                self._plan.add(f"create index {index.name}", ops.CreateIndexOp.from_index(index))


def _indexes(table: TableLayout) -> list[sa.Index]:
    return sorted(table.sql.indexes, key=lambda index: str(index.name))


def _copy(column: sa.Column[object]) -> sa.Column[object]:
    """The column without its table."""
    return sa.Column(
        column.name, column.type, server_default=column.server_default, nullable=column.nullable
    )


def _fits(old: str, new: str) -> bool:
    """Whether a column can stay; a question mark says that absence is told from zero."""
    pair = old.removesuffix("?"), new.removesuffix("?")
    return pair[0] == pair[1] or pair in _WIDER


def _check(table: TableLayout, column: str, old: str | None, new: str) -> None:
    if old is None:
        if not new.endswith(" key"):
            return
        old = "nothing"
    if not _fits(old, new):
        raise ConflictError(
            f"column {column} of table {table.name} holds {old.removesuffix('?')}, the model now "
            f"wants {new.removesuffix('?')}; rename the attribute, convert the column by hand, or "
            "ask for a destructive migration"
        )
