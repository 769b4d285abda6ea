# SPDX-License-Identifier: Apache-2.0
"""The schema table: which tables and columns were made for a model, and by which version.

So a table of somebody else is never taken for one of ours, and what a newer release made is left
alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from l8types.errors import ConflictError

if TYPE_CHECKING:
    from l8orm._layout import Layout

__all__ = ["SCHEMA", "SCHEMA_VERSION", "Tags", "known_tables", "remember"]

SCHEMA_VERSION: Final = 2
"""Version of the layout; a higher one in a database comes from a newer release.

The second has arrays in PostgreSQL; what has none is still written down as the first.
"""

SCHEMA: Final = sa.Table(
    "l8orm_schema",
    sa.MetaData(),
    sa.Column("model", sa.Text(), primary_key=True),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("tables", sa.Text(), nullable=False),
)

Tags = dict[str, dict[str, str]]
"""Names of the column types by table and column."""


def known_tables(connection: sa.Connection, layout: Layout) -> Tags:
    """Tables and columns of a model as the schema table knows them, which must exist.

    Raises:
        ConflictError: They were made by a newer release.
    """
    name = layout.root.name
    row = connection.execute(sa.select(SCHEMA).where(SCHEMA.c.model == name)).one_or_none()
    if row is None:
        return {}
    if row.version > SCHEMA_VERSION:
        raise ConflictError(
            f"the tables of {name} were made by schema version {row.version}, this release knows "
            f"{SCHEMA_VERSION}; update l8orm"
        )
    tables: Tags = json.loads(row.tables)
    return tables


def remember(connection: sa.Connection, layout: Layout, tables: Tags) -> None:
    """Write down which tables and columns there are now."""
    name = layout.root.name
    connection.execute(sa.delete(SCHEMA).where(SCHEMA.c.model == name))
    connection.execute(
        sa.insert(SCHEMA).values(
            model=name, version=layout.version, tables=json.dumps(tables, sort_keys=True)
        )
    )
