# SPDX-License-Identifier: Apache-2.0
"""Migrations: looked up, shown as SQL, or carried out in the transaction of the caller."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from l8orm._generation import GENERATIONS, begin, is_begun
from l8orm._order import is_stale
from l8orm._plan import make_plan
from l8orm._schema import SCHEMA, known_tables, remember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8orm._layout import Layout, TableLayout
    from l8orm._plan import Step

__all__ = ["Migration", "is_current", "migrate", "planned"]

_LOCK: Final = 0x6C386F726D
"""Key of the lock under which only one node at a time changes tables of a PostgreSQL server."""


@dataclass(frozen=True, slots=True)
class Migration:
    """What was done, or would be done, so that a database fits a model."""

    model: str
    """Short name of the model."""
    steps: tuple[str, ...]
    """The steps for people, in order; empty when the database fits."""
    destructive: tuple[str, ...]
    """Those of the steps that lose something; empty unless they were asked for."""
    sql: str
    """The steps as SQL of the database, without what the store writes down for itself."""

    def __str__(self) -> str:
        return self.sql or f"-- the tables of {self.model} fit\n"


def is_current(connection: sa.Connection, layout: Layout) -> bool:
    """Whether the tables of a model are up to date, found out without writing.

    Raises:
        ConflictError: The database was written by a newer schema.
    """
    inspector = sa.inspect(connection)
    existing = set(inspector.get_table_names())
    if not {SCHEMA.name, GENERATIONS.name} <= existing:
        return False
    known = known_tables(connection, layout)
    if not is_begun(connection, layout.root.name):
        return False
    return all(
        table.name in existing
        and table.tags.items() <= known.get(table.name, {}).items()
        and _fits(connection, inspector, table)
        for table in layout.tables
    )


def _fits(connection: sa.Connection, inspector: sa.Inspector, table: TableLayout) -> bool:
    """Whether a table has all columns and indexes, and the orders of all its texts."""
    columns = {column["name"] for column in inspector.get_columns(table.name)}
    indexes = {index["name"] for index in inspector.get_indexes(table.name)}
    if not table.tags.keys() <= columns:
        return False
    if not {index.name for index in table.sql.indexes} <= indexes:
        return False
    return not any(is_stale(connection, table.sql.c[order]) for order in table.orders.values())


def planned(connection: sa.Connection, layout: Layout, *, destructive: bool) -> Migration:
    """What :func:`migrate` would do; nothing is written.

    Raises:
        ConflictError: The database was written by a newer or incompatible schema.
    """
    there = SCHEMA.name in sa.inspect(connection).get_table_names()
    known = known_tables(connection, layout) if there else {}
    plan = make_plan(connection, layout, known, destructive=destructive)
    return _migration(connection, layout, plan.steps)


def migrate(connection: sa.Connection, layout: Layout, *, destructive: bool = False) -> Migration:
    """Bring the tables of a model up to date.

    Raises:
        ConflictError: The database was written by a newer or incompatible schema.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    SCHEMA.create(connection, checkfirst=True)
    known = known_tables(connection, layout)
    plan = make_plan(connection, layout, known, destructive=destructive)
    operations = Operations(MigrationContext.configure(connection))
    for step in plan.steps:
        operations.invoke(step.operation)
    if plan.tables != known:
        remember(connection, layout, plan.tables)
    begin(connection, layout.root.name)
    return _migration(connection, layout, plan.steps)


def _migration(connection: sa.Connection, layout: Layout, steps: Sequence[Step]) -> Migration:
    return Migration(
        layout.model.__name__,
        tuple(step.text for step in steps),
        tuple(step.text for step in steps if step.destructive),
        _sql(connection.dialect, steps),
    )


def _sql(dialect: sa.Dialect, steps: Sequence[Step]) -> str:
    written = io.StringIO()
    options = {"as_sql": True, "output_buffer": written, "literal_binds": True}
    operations = Operations(MigrationContext.configure(dialect=dialect, opts=options))
    for step in steps:
        if step.destructive:
            written.write("-- loses data\n")
        operations.invoke(step.operation)
    return written.getvalue()
