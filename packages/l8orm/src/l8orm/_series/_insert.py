# SPDX-License-Identifier: Apache-2.0
"""Samples into a database, on a connection within a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from l8orm._series._tables import LOCK, SERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._series._samples import Batch

__all__ = ["insert_samples"]

Row = tuple[int, int, float]

CHUNK: Final = 500
"""Property ids of one statement."""

COPY_FROM: Final = 5_000
"""Samples from which on PostgreSQL is given them as a stream; below, one statement is quicker."""

_INSERT: Final = (
    "INSERT INTO l8_points (series, stamp, value) VALUES (?, ?, ?) "
    "ON CONFLICT (series, stamp) DO UPDATE SET value = excluded.value"
)
_INSERT_ARRAYS: Final = (
    "INSERT INTO l8_points (series, stamp, value) "
    "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::double precision[]) "
    "ON CONFLICT (series, stamp) DO UPDATE SET value = excluded.value"
)
_TEMPORARY: Final = (
    "CREATE TEMPORARY TABLE l8_arriving (series bigint, stamp bigint, value double precision) "
    "ON COMMIT DROP"
)
_INSERT_ARRIVED: Final = (
    "INSERT INTO l8_points (series, stamp, value) "
    "SELECT series, stamp, value FROM l8_arriving ORDER BY series, stamp "
    "ON CONFLICT (series, stamp) DO UPDATE SET value = excluded.value"
)


async def insert_samples(connection: AsyncConnection, batch: Batch) -> None:
    """Add samples; one with a known stamp replaces the old one."""
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        # Nobody may remove a series between the look-up of its number and the commit.
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOCK)))
    numbers = await _numbers(connection, list(batch), on_sqlite=on_sqlite)
    rows = [
        (number, stamp, value)
        for property_id, samples in batch.items()
        for number in (numbers[property_id],)
        for stamp, value in samples.items()
    ]
    if not on_sqlite:
        await _insert_on_server(connection, rows)
    elif rows:
        await connection.exec_driver_sql(_INSERT, rows)


async def _numbers(
    connection: AsyncConnection, property_ids: Sequence[str], *, on_sqlite: bool
) -> dict[str, int]:
    """Numbers of the series; those that are new are made."""
    numbers: dict[str, int] = {}
    insert = sqlite.insert if on_sqlite else postgresql.insert
    for start in range(0, len(property_ids), CHUNK):
        part = property_ids[start : start + CHUNK]
        numbers.update(await _known(connection, part))
        missing = [property_id for property_id in part if property_id not in numbers]
        if missing:
            rows = [{"property_id": property_id} for property_id in missing]
            # Another writer may make the same at the same time, in the same order.
            await connection.execute(insert(SERIES).values(rows).on_conflict_do_nothing())
            numbers.update(await _known(connection, missing))
    return numbers


async def _known(connection: AsyncConnection, property_ids: Sequence[str]) -> dict[str, int]:
    statement = sa.select(SERIES.c.property_id, SERIES.c.id).where(
        SERIES.c.property_id.in_(property_ids)
    )
    return {row[0]: row[1] for row in await connection.execute(statement)}


async def _insert_on_server(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    if len(rows) < COPY_FROM:
        arrays = tuple(list(column) for column in zip(*rows, strict=True))
        if arrays:
            await connection.exec_driver_sql(_INSERT_ARRAYS, arrays)
        return
    await connection.exec_driver_sql(_TEMPORARY)
    await _copy(connection, rows)
    await connection.exec_driver_sql(_INSERT_ARRIVED)
    # A transaction may add samples twice.
    await connection.exec_driver_sql("DROP TABLE l8_arriving")


async def _copy(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Stream rows into the temporary table; SQLAlchemy has no words for it."""
    raw: Any = (await connection.get_raw_connection()).driver_connection
    try:
        await raw.copy_records_to_table("l8_arriving", records=rows)
    except _driver_errors() as error:
        raise exc.OperationalError("COPY l8_arriving", None, error) from error


def _driver_errors() -> tuple[type[Exception], ...]:
    # An extra, needed by PostgreSQL alone.
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415

    return asyncpg.PostgresError, asyncpg.InterfaceError
