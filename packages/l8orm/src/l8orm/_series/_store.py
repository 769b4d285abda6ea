# SPDX-License-Identifier: Apache-2.0
"""Samples in a database: in by batches, out as ranges, newest ones and buckets."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._rows import fetched
from l8orm._series._insert import insert_samples
from l8orm._series._retention import Retention, check_terms
from l8orm._series._samples import (
    MAX_ANSWER,
    checked_batch,
    checked_count,
    checked_id,
    checked_range,
    checked_width,
)
from l8orm._series._statements import (
    BELOW,
    IN_RANGE,
    LATEST,
    bucket_values,
    latest_of_many,
)
from l8orm._series._tables import LOCK, POINTS, SERIES, create_tables, have_tables
from l8orm._series._timescale import Timescale, detect
from l8types.errors import InvalidInputError
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._database import Database
    from l8orm._series._samples import Batch
    from l8types.enums import Downsample

__all__ = ["SqlTimeSeriesStore"]

_log = logging.getLogger(__name__)

CHUNK: Final = 500
"""Series that one statement reads, or one transaction clears of old samples."""

INTERVAL: Final = 600.0
"""Seconds between two removals of old samples."""

_NOTHING: Final = -(2**62)
"""Before all numbers of series."""


class SqlTimeSeriesStore:
    """Keeps samples in a database; implements ``l8types`` ``TimeSeriesStore``.

    The tables are made when the first samples arrive; before that there are none to be read. On a
    server with the TimescaleDB extension its chunks, compression and policies are used.

    Args:
        database: Where the samples are.
        owned: Whether closing this closes the database.
        now: Unix seconds, by which samples grow old.
    """

    def __init__(
        self, database: Database, *, owned: bool = True, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._owned = owned
        self._now = now
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._timescale: Timescale | None = None
        self._retention: Retention | None = None

    @property
    def database(self) -> Database:
        """Where the samples are."""
        return self._database

    @property
    def retention(self) -> Retention | None:
        """The task that removes old samples, ``None`` when there is none."""
        return self._retention

    async def append(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        """Add samples in any order; one with a known stamp replaces the old one.

        Durable when it returns; doing it again changes nothing.

        Raises:
            InvalidInputError: A stamp that is no whole Unix second of the years 1 to 9999, a value
                that is no finite number, or too many of them; none was added.
            UnavailableError: The database is down, locked, full or read-only; none was added.
            ConflictError: The database was written by a newer release.
        """
        await self.append_many({property_id: points})

    async def append_many(self, series: Mapping[str, Sequence[TimeSeriesPoint]]) -> None:
        """The same for many series at once, all or none."""
        batch = checked_batch(series)
        if not batch:
            return
        await self.prepare()
        await self._database.write("adding samples", lambda each: insert_samples(each, batch))

    async def range(self, property_id: str, start: int, end: int) -> list[TimeSeriesPoint]:
        """Samples from ``start`` to ``end`` (Unix seconds, both included), ascending.

        Raises:
            InvalidInputError: It ends before it starts, or holds more than 100 000 samples.
            UnavailableError: The database cannot be reached.
        """
        first, last = checked_range(start, end)
        given = {"of": checked_id(property_id), "start": first, "end": last}
        return _bounded(await self._rows(IN_RANGE, given), property_id)

    async def latest(self, property_id: str, count: int) -> list[TimeSeriesPoint]:
        """The newest samples, ascending.

        Raises:
            InvalidInputError: The number is negative or above 100 000.
            UnavailableError: The database cannot be reached.
        """
        given = {"of": checked_id(property_id), "count": checked_count(count)}
        rows = await self._rows(LATEST, given)
        return list(starmap(TimeSeriesPoint, reversed(rows)))

    async def latest_many(
        self, property_ids: Collection[str], count: int
    ) -> dict[str, list[TimeSeriesPoint]]:
        """The newest samples of each of many series, ascending; one without samples is left out.

        Raises:
            InvalidInputError: Together they could be more than 100 000.
            UnavailableError: The database cannot be reached.
        """
        wanted = [checked_id(property_id) for property_id in property_ids]
        if not checked_count(count, wanted) or not await self.is_there():
            return {}
        return await self._database.read(
            "reading samples", lambda each: self.latest_on(each, wanted, count)
        )

    async def buckets(
        self, property_id: str, start: int, end: int, *, width: int, function: Downsample
    ) -> list[TimeSeriesPoint]:
        """One value for every ``width`` seconds of a range in which there are samples, ascending.

        Buckets begin at multiples of the width, which is the stamp of the value; the first and the
        last hold only what the range does. A gap in the samples is a gap in the answer.

        Raises:
            InvalidInputError: Width or range make no sense, or there are more than 100 000 buckets.
            UnavailableError: The database cannot be reached.
        """
        first, last = checked_range(start, end)
        given = {
            "of": checked_id(property_id),
            "start": first,
            "end": last,
            "width": checked_width(width),
        }
        statement = bucket_values(function, native=self._timescale is not None)
        return _bounded(await self._rows(statement, given), property_id)

    async def expire(self, before: int) -> int:
        """Remove all samples older than a stamp; how many there were.

        A number of series is cleared at a time, so writers need not wait for long. What was removed
        when an error comes stays removed.

        Raises:
            UnavailableError: The database is down, locked or read-only.
        """
        stamp = checked_range(before, before)[0]
        if not await self.is_there():
            return 0
        removed = 0
        if self._timescale is not None:
            removed += await self._drop_chunks(self._timescale, stamp)
        last: int | None = _NOTHING
        while last is not None:
            found, last = await self._expire_part(stamp, last)
            removed += found
        return removed

    async def forget(self, property_ids: Collection[str]) -> int:
        """Remove the series of properties and of all that is below them; how many samples.

        Raises:
            UnavailableError: The database is down, locked or read-only; nothing was removed.
        """
        wanted = [checked_id(property_id) for property_id in property_ids]
        if not wanted or not await self.is_there():
            return 0
        return await self._database.write(
            "removing series", lambda each: self.forget_on(each, wanted)
        )

    async def keep_for(self, age: float, *, interval: float = INTERVAL) -> None:
        """Remove samples above an age from now on, for as long as the store is open.

        A task of this store does it; a server that can is told the age as well, and goes on when
        the store is closed.

        Args:
            age: In seconds.
            interval: Seconds between two removals by the task.

        Raises:
            ConfigurationError: An age or interval that is none.
            UnavailableError: The database cannot be reached.
        """
        check_terms(age, interval)
        await self.prepare()
        timescale = self._timescale
        if timescale is not None and timescale.community:
            seconds = max(1, int(age))
            await self._database.write(
                "setting the age of samples", lambda each: timescale.keep_for(each, seconds)
            )
        old, self._retention = self._retention, None
        if old is not None:
            await old.aclose()
        self._retention = Retention(self.expire, age=age, interval=interval, now=self._now)

    async def aclose(self) -> None:
        """Stop removing old samples and release the database; idempotent."""
        if self._retention is not None:
            await self._retention.aclose()
        if self._owned:
            await self._database.aclose()

    async def prepare(self) -> None:
        """Make the tables if they are not there.

        Raises:
            ConflictError: The database was written by a newer release.
            UnavailableError: The database cannot be reached or is read-only.
        """
        if self._prepared or await self.is_there():
            return
        async with self._preparing:
            if not self._prepared:
                await self._database.write("preparing time series", self._create)
                self._prepared = True

    async def is_there(self) -> bool:
        """Whether there are tables to read from; they are looked for without writing."""
        if self._prepared:
            return True
        return await self._database.read("preparing time series", self.is_there_on)

    async def is_there_on(self, connection: AsyncConnection) -> bool:
        """The same, within somebody's transaction."""
        if not self._prepared:
            there = await connection.run_sync(have_tables)
            self._timescale = await detect(connection)
            self._prepared = there
        return self._prepared

    async def insert_on(self, connection: AsyncConnection, batch: Batch) -> None:
        """Add checked samples within somebody's transaction, before which this was prepared."""
        await insert_samples(connection, batch)

    async def latest_on(
        self, connection: AsyncConnection, property_ids: Sequence[str], count: int
    ) -> dict[str, list[TimeSeriesPoint]]:
        """The newest samples of series, within somebody's transaction."""
        found: dict[str, list[TimeSeriesPoint]] = {}
        for start in range(0, len(property_ids), CHUNK):
            statement = latest_of_many(property_ids[start : start + CHUNK], count)
            for property_id, stamp, value in await fetched(connection, statement):
                found.setdefault(property_id, []).append(TimeSeriesPoint(stamp, value))
        return found

    async def forget_on(self, connection: AsyncConnection, property_ids: Sequence[str]) -> int:
        """Remove series and all below them, within somebody's transaction."""
        await self._lock(connection)
        removed = 0
        for property_id in property_ids:
            given = {"of": property_id, "first": f"{property_id}.", "behind": f"{property_id}/"}
            numbers = sa.select(SERIES.c.id).where(BELOW)
            gone = await connection.execute(
                sa.delete(POINTS).where(POINTS.c.series.in_(numbers)), given
            )
            removed += gone.rowcount
            await connection.execute(sa.delete(SERIES).where(BELOW), given)
        return removed

    async def _rows(self, statement: sa.Select[Any], given: Mapping[str, object]) -> Sequence[Any]:
        if not await self.is_there():
            return ()

        return await self._database.read(
            "reading samples", lambda each: fetched(each, statement, given)
        )

    async def _create(self, connection: AsyncConnection) -> None:
        if not await connection.run_sync(create_tables):
            return
        _log.info("%s: created the tables of time series", self._database.name)
        if self._timescale is not None:
            await self._timescale.set_up(connection)

    async def _lock(self, connection: AsyncConnection) -> None:
        if not self._database.sqlite:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))

    async def _drop_chunks(self, timescale: Timescale, before: int) -> int:
        """Drop whole chunks first: rows need not be looked at, only counted."""
        count = sa.select(sa.func.count()).where(POINTS.c.stamp < before)

        async def work(connection: AsyncConnection) -> int:
            await self._lock(connection)
            had = (await connection.execute(count)).scalar_one()
            await timescale.drop_chunks(connection, before)
            return had - (await connection.execute(count)).scalar_one()

        return await self._database.write("removing old samples", work)

    async def _expire_part(self, before: int, after: int) -> tuple[int, int | None]:
        """Clear the series that follow a number; samples removed, and the last number seen."""

        async def work(connection: AsyncConnection) -> tuple[int, int | None]:
            await self._lock(connection)
            part = sa.select(SERIES.c.id).where(SERIES.c.id > after).order_by(SERIES.c.id)
            numbers = [row[0] for row in await connection.execute(part.limit(CHUNK))]
            if not numbers:
                return 0, None
            gone = await connection.execute(
                sa.delete(POINTS).where(POINTS.c.series.in_(numbers), POINTS.c.stamp < before)
            )
            left = sa.select(POINTS.c.series).where(POINTS.c.series == SERIES.c.id)
            await connection.execute(
                sa.delete(SERIES).where(SERIES.c.id.in_(numbers), ~left.exists())
            )
            return gone.rowcount, numbers[-1]

        return await self._database.write("removing old samples", work)


def _bounded(rows: Sequence[Any], property_id: str) -> list[TimeSeriesPoint]:
    if len(rows) > MAX_ANSWER:
        raise InvalidInputError(
            f"the range of series {property_id} holds more than {MAX_ANSWER} values; ask for a "
            "shorter one, or for wider buckets"
        )
    return list(starmap(TimeSeriesPoint, rows))
