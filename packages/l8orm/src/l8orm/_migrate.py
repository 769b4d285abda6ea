# SPDX-License-Identifier: Apache-2.0
"""Tables that are missing are made, columns that are missing are added, nothing is dropped.

The schema table tells for every model which tables and columns were made, of which type, and by
which version of this layout. A column whose type changed, or a database of a newer version, is
refused rather than guessed at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from l8orm._generation import GENERATIONS, begin, is_begun
from l8types.errors import ConflictError

if TYPE_CHECKING:
    from l8orm._layout import Layout, TableLayout

__all__ = ["SCHEMA", "SCHEMA_VERSION", "is_current", "migrate"]

SCHEMA_VERSION: Final = 1
"""Version of the layout; a higher one in a database comes from a newer release."""

SCHEMA: Final = sa.Table(
    "l8orm_schema",
    sa.MetaData(),
    sa.Column("model", sa.Text(), primary_key=True),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("tables", sa.Text(), nullable=False),
)

_LOCK: Final = 0x6C386F726D
"""Key of the lock under which only one node at a time changes tables of a PostgreSQL server."""


def is_current(connection: sa.Connection, layout: Layout) -> bool:
    """Whether the tables of a model are up to date, found out without writing.

    Raises:
        ConflictError: The database was written by a newer schema.
    """
    inspector = sa.inspect(connection)
    existing = set(inspector.get_table_names())
    if not {SCHEMA.name, GENERATIONS.name} <= existing:
        return False
    known = _known(connection, layout)
    if not is_begun(connection, layout.root.name):
        return False
    for table in layout.tables:
        if (
            table.name not in existing
            or not table.tags.items() <= known.get(table.name, {}).items()
        ):
            return False
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        if not table.tags.keys() <= columns:
            return False
        if not {index.name for index in table.sql.indexes} <= indexes:
            return False
    return True


def migrate(connection: sa.Connection, layout: Layout) -> list[str]:
    """Bring the tables of a model up to date; what was done, as text.

    Raises:
        ConflictError: The database was written by a newer or incompatible schema.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    SCHEMA.create(connection, checkfirst=True)
    known = _known(connection, layout)
    existing = set(sa.inspect(connection).get_table_names())
    done: list[str] = []
    for table in layout.tables:
        if table.name not in existing:
            table.sql.create(connection)
            done.append(f"create table {table.name}")
        else:
            done.extend(_update(connection, table, known.get(table.name)))
    _remember(connection, layout, known)
    begin(connection, layout.root.name)
    return done


def _known(connection: sa.Connection, layout: Layout) -> dict[str, dict[str, str]]:
    """Tables and columns of a model as the schema table knows them."""
    name = layout.root.name
    row = connection.execute(sa.select(SCHEMA).where(SCHEMA.c.model == name)).one_or_none()
    if row is None:
        return {}
    if row.version > SCHEMA_VERSION:
        raise ConflictError(
            f"the tables of {name} were made by schema version {row.version}, this release knows "
            f"{SCHEMA_VERSION}; update l8orm"
        )
    tables: dict[str, dict[str, str]] = json.loads(row.tables)
    return tables


def _remember(connection: sa.Connection, layout: Layout, known: dict[str, dict[str, str]]) -> None:
    # What a model no longer has stays in the database, so it stays known as well.
    tables = {name: dict(tags) for name, tags in known.items()}
    for table in layout.tables:
        tables[table.name] = {**tables.get(table.name, {}), **table.tags}
    if tables == known:
        return
    name = layout.root.name
    connection.execute(sa.delete(SCHEMA).where(SCHEMA.c.model == name))
    connection.execute(
        sa.insert(SCHEMA).values(
            model=name, version=SCHEMA_VERSION, tables=json.dumps(tables, sort_keys=True)
        )
    )


def _update(
    connection: sa.Connection, table: TableLayout, known: dict[str, str] | None
) -> list[str]:
    if known is None:
        raise ConflictError(
            f"table {table.name} exists already and was not made for this model; "
            "use another database or rename the model"
        )
    inspector = sa.inspect(connection)
    existing = {column["name"] for column in inspector.get_columns(table.name)}
    done: list[str] = []
    for column in table.columns:
        old, new = known.get(column.name), table.tags[column.name]
        _check(table, column.name, old, new)
        if column.name not in existing:
            done.append(_add_column(connection, table, column))
        elif old == f"{new}?" and column.server_default is not None:
            _fill_nulls(connection, table, column)
            done.append(f"fill column {table.name}.{column.name}")
    indexes = {index["name"] for index in inspector.get_indexes(table.name)}
    for index in table.sql.indexes:
        if index.name not in indexes:
            index.create(connection)
            done.append(f"create index {index.name}")
    return done


def _check(table: TableLayout, column: str, old: str | None, new: str) -> None:
    # A question mark says that absence is told from zero, which is no change of type.
    if old is None:
        if not new.endswith(" key"):
            return
        old = "nothing"
    if old.removesuffix("?") != new.removesuffix("?"):
        raise ConflictError(
            f"column {column} of table {table.name} holds {old.removesuffix('?')}, the model now "
            f"wants {new.removesuffix('?')}; rename the attribute or convert the column by hand"
        )


def _add_column(connection: sa.Connection, table: TableLayout, column: sa.Column[object]) -> str:
    name = connection.dialect.identifier_preparer.format_table(table.sql)
    definition = CreateColumn(column).compile(dialect=connection.dialect)
    connection.execute(sa.text(f"ALTER TABLE {name} ADD COLUMN {definition}"))
    return f"add column {table.name}.{column.name}"


def _fill_nulls(connection: sa.Connection, table: TableLayout, column: sa.Column[object]) -> None:
    """An attribute that could be absent now always has a value."""
    default = column.server_default
    assert isinstance(default, sa.DefaultClause)  # noqa: S101 - made by the layout
    connection.execute(
        sa.update(table.sql).where(column.is_(None)).values({column.name: default.arg})
    )
