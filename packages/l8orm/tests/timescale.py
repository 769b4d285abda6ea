# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the TimescaleDB extension: functions of its names and parameters.

They record how they were called; ``time_bucket`` and ``drop_chunks`` do what the real ones do. So
the statements are parsed and run by a server that does not have the extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_RECORD = "INSERT INTO calls (call) VALUES (concat_ws(' ', {}))"
_FUNCTIONS = {
    """create_hypertable(
        relation regclass, time_column_name name, chunk_time_interval anyelement,
        if_not_exists boolean DEFAULT false, migrate_data boolean DEFAULT false
    )""": "'create_hypertable', $1, $2, $3, $4, $5",
    """set_integer_now_func(
        hypertable regclass, integer_now_func regproc, replace_if_exists boolean DEFAULT false
    )""": "'set_integer_now_func', $1, $2, $3",
    """add_compression_policy(
        hypertable regclass, compress_after bigint, if_not_exists boolean DEFAULT false
    )""": "'add_compression_policy', $1, $2, $3",
    """remove_retention_policy(
        relation regclass, if_exists boolean DEFAULT false
    )""": "'remove_retention_policy', $1, $2",
    """add_retention_policy(
        relation regclass, drop_after bigint, if_not_exists boolean DEFAULT false
    )""": "'add_retention_policy', $1, $2",
}
_TIME_BUCKET = """
CREATE FUNCTION time_bucket(bucket_width bigint, ts bigint) RETURNS bigint LANGUAGE sql AS
$$ SELECT ts - (ts % bucket_width + bucket_width) % bucket_width $$
"""
_DROP_CHUNKS = """
CREATE FUNCTION drop_chunks(relation regclass, older_than bigint) RETURNS void LANGUAGE sql AS
$$ DELETE FROM l8_points WHERE stamp < older_than / 86400 * 86400;
   INSERT INTO calls (call) VALUES ('drop_chunks ' || older_than) $$
"""


async def install(connection: AsyncConnection) -> None:
    """Make the functions."""
    # The functions speak of tables that are made later.
    await connection.execute(sa.text("SET LOCAL check_function_bodies = off"))
    await connection.execute(sa.text("CREATE TABLE calls (n serial, call text)"))
    for signature, recorded in _FUNCTIONS.items():
        await connection.exec_driver_sql(
            f"CREATE FUNCTION {signature} RETURNS void LANGUAGE sql AS "
            f"$body$ {_RECORD.format(recorded)} $body$"
        )
    await connection.exec_driver_sql(_TIME_BUCKET)
    await connection.exec_driver_sql(_DROP_CHUNKS)


async def calls(connection: AsyncConnection) -> list[str]:
    """How the functions were called."""
    return list(await connection.scalars(sa.text("SELECT call FROM calls ORDER BY n")))
