# SPDX-License-Identifier: Apache-2.0
"""What a server with the TimescaleDB extension does better: chunks by time, and policies.

Without the extension everything works the same, only slower on very many samples. Its community
edition also compresses and expires by itself; the other one says so by its license.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["CHUNK_SECONDS", "COMPRESS_AFTER_SECONDS", "Timescale", "detect"]

EXTENSION: Final = "timescaledb"

CHUNK_SECONDS: Final = 86_400
"""Time of one chunk: a day, so that expiry drops whole tables instead of rows."""

COMPRESS_AFTER_SECONDS: Final = 7 * 86_400
"""Age at which chunks are compressed; late samples are dear from then on."""

_FIND: Final = sa.text("SELECT extversion FROM pg_extension WHERE extname = :name")
_LICENSE: Final = sa.text("SELECT current_setting('timescaledb.license', true)")

_HYPERTABLE: Final = (
    sa.text(
        "SELECT create_hypertable('l8_points', 'stamp', "
        "chunk_time_interval => CAST(:chunk AS bigint), if_not_exists => true, "
        "migrate_data => true)"
    ),
    # Stamps are numbers, so the extension has to be told what the time is.
    sa.text(
        "CREATE OR REPLACE FUNCTION l8_series_now() RETURNS bigint LANGUAGE sql STABLE "
        "AS 'SELECT CAST(extract(epoch FROM now()) AS bigint)'"
    ),
    sa.text("SELECT set_integer_now_func('l8_points', 'l8_series_now', replace_if_exists => true)"),
)
_COMPRESSION: Final = (
    sa.text(
        "ALTER TABLE l8_points SET (timescaledb.compress, "
        "timescaledb.compress_segmentby = 'series', timescaledb.compress_orderby = 'stamp DESC')"
    ),
    sa.text(
        "SELECT add_compression_policy('l8_points', CAST(:after AS bigint), if_not_exists => true)"
    ),
)
_RETENTION: Final = (
    sa.text("SELECT remove_retention_policy('l8_points', if_exists => true)"),
    sa.text("SELECT add_retention_policy('l8_points', CAST(:age AS bigint))"),
)
_DROP: Final = sa.text("SELECT drop_chunks('l8_points', older_than => CAST(:before AS bigint))")


@dataclass(frozen=True, slots=True)
class Timescale:
    """The extension as it was found on a server."""

    version: str
    community: bool
    """Whether compression and policies are there."""

    async def set_up(self, connection: AsyncConnection) -> None:
        """Give the table of samples, which has just been made, its chunks."""
        for statement in _HYPERTABLE:
            given = {"chunk": CHUNK_SECONDS} if ":chunk" in statement.text else {}
            await connection.execute(statement, given)
        if self.community:
            settings, policy = _COMPRESSION
            await connection.execute(settings)
            await connection.execute(policy, {"after": COMPRESS_AFTER_SECONDS})

    async def keep_for(self, connection: AsyncConnection, age: int) -> None:
        """Have the server remove chunks whose samples are all older than ``age`` seconds."""
        remove, add = _RETENTION
        await connection.execute(remove)
        await connection.execute(add, {"age": age})

    async def drop_chunks(self, connection: AsyncConnection, before: int) -> None:
        """Remove the chunks whose samples are all older than a stamp."""
        await connection.execute(_DROP, {"before": before})


async def detect(connection: AsyncConnection) -> Timescale | None:
    """The extension, if this database has it."""
    if connection.dialect.name != "postgresql":
        return None
    version = (await connection.execute(_FIND, {"name": EXTENSION})).scalar_one_or_none()
    if version is None:
        return None
    licensed = (await connection.execute(_LICENSE)).scalar_one_or_none()
    return Timescale(version, community=licensed == "timescale")
