# SPDX-License-Identifier: Apache-2.0
"""The tables of samples: series by name, samples by number of the series and stamp.

A sample costs two whole numbers and a float; the property id stands once. Stamps are whole numbers
on every database: exact, and in no time zone.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from l8types.errors import ConflictError

__all__ = ["LOCK", "POINTS", "SERIES", "create_tables", "have_tables"]

VERSION: Final = 1
"""Version of these tables; a higher one in a database comes from a newer release."""

LOCK: Final = 0x6C38736572
"""Key of the lock on a PostgreSQL server: shared while samples of series are added, exclusive while
series are removed or tables made."""

_METADATA: Final = sa.MetaData()

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SERIES: Final = sa.Table(
    "l8_series",
    _METADATA,
    sa.Column("id", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("property_id", _TEXT, nullable=False, unique=True),
)

POINTS: Final = sa.Table(
    "l8_points",
    _METADATA,
    sa.Column("series", sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column("stamp", sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column("value", sa.Double(), nullable=False),
    # The rows lie in the order of the key, which is the order in which they are read.
    sqlite_with_rowid=False,
)

_SCHEMA: Final = sa.Table(
    "l8_series_schema", _METADATA, sa.Column("version", sa.Integer(), nullable=False)
)


def have_tables(connection: sa.Connection) -> bool:
    """Whether the tables are there.

    Raises:
        ConflictError: They were made by a newer release, or by somebody else.
    """
    existing = set(sa.inspect(connection).get_table_names())
    if _SCHEMA.name not in existing:
        others = sorted({SERIES.name, POINTS.name} & existing)
        if others:
            raise ConflictError(
                f"table {others[0]} exists already and was not made for samples; "
                "use another database for the time series"
            )
        return False
    version = connection.execute(sa.select(sa.func.max(_SCHEMA.c.version))).scalar_one()
    if version > VERSION:
        raise ConflictError(
            f"the tables of samples were made by version {version}, this release knows {VERSION}; "
            "update l8orm"
        )
    return True


def create_tables(connection: sa.Connection) -> bool:
    """Make the tables if they are not there; whether they were made."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if have_tables(connection):
        return False
    _METADATA.create_all(connection, checkfirst=False)
    connection.execute(sa.insert(_SCHEMA).values(version=VERSION))
    return True
