# SPDX-License-Identifier: Apache-2.0
"""The store of samples on SQLite against the bare driver, with the same table and file settings.

Both sides commit to the disk. Figures are samples per second, and answers per second for the last:

- *append*: 100 samples of each of 100 series in one transaction, given as the points that they are;
  the driver is given finished rows, so checking and numbering counts on our side only;
- *append one*: the next sample of each of 100 series in one transaction;
- *range*: 10 000 samples of one series as points, of a file with 100 series of that length; the
  driver gives tuples;
- *day by hour*: the averages of 24 buckets of an hour over 1 440 samples, computed by the database.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import aiosqlite

from l8orm import SqlTimeSeriesFactory
from l8types.enums import Downsample
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERIES: Final = 100
BATCH: Final = 100
"""Samples of one series in a batch."""
LONG: Final = 10_000
"""Samples of each series that is read."""
MINUTE: Final = 60
DAY: Final = 86_400

Work = Callable[[], Awaitable[object]]

_TABLE: Final = (
    "CREATE TABLE points (series INTEGER, stamp INTEGER, value REAL, "
    "PRIMARY KEY (series, stamp)) WITHOUT ROWID"
)
_INSERT: Final = (
    "INSERT INTO points VALUES (?, ?, ?) "
    "ON CONFLICT (series, stamp) DO UPDATE SET value = excluded.value"
)
_RANGE: Final = (
    "SELECT stamp, value FROM points WHERE series = ? AND stamp BETWEEN ? AND ? ORDER BY stamp"
)
_BUCKETS: Final = (
    "SELECT stamp / 3600 * 3600, avg(value) FROM points "
    "WHERE series = ? AND stamp BETWEEN ? AND ? GROUP BY 1 ORDER BY 1"
)


def name(number: int) -> str:
    """Property id of a series."""
    return f"device<{{24}}{{24}}dev-{number:05}>.cpu"


def points(start: int, many: int) -> list[TimeSeriesPoint]:
    """One sample a minute."""
    return [TimeSeriesPoint((start + n) * MINUTE, (start + n) / 3) for n in range(many)]


def batch(start: int, many: int) -> dict[str, list[TimeSeriesPoint]]:
    """Samples of every series."""
    return {name(number): points(start, many) for number in range(SERIES)}


async def _rate(times: int, seconds: float, works: Callable[[int], Work]) -> float:
    """Return how often per second, by the fastest of several runs; making the work is not timed."""
    best, end = float("inf"), time.perf_counter() + seconds
    for turn in count():
        work = works(turn)
        started = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - started)
        if turn >= 3 and time.perf_counter() > end:
            break
    return times / best


def _always(work: Work) -> Callable[[int], Work]:
    return lambda _: work


async def _ours(seconds: float, folder: str) -> dict[str, float]:
    store = await SqlTimeSeriesFactory().open(f"sqlite:///{folder}/ours.db")

    def append(start: int, many: int) -> Work:
        given: Mapping[str, Sequence[TimeSeriesPoint]] = batch(start, many)
        return lambda: store.append_many(given)

    figures = {
        "append": await _rate(
            SERIES * BATCH, seconds, lambda turn: append(LONG * 10 + turn * BATCH, BATCH)
        ),
        "append one": await _rate(SERIES, seconds, lambda turn: append(LONG * 1_000 + turn, 1)),
    }
    for start in range(0, LONG, BATCH * 10):
        await append(start, BATCH * 10)()
    end = LONG * MINUTE - 1
    figures["range"] = await _rate(LONG, seconds, _always(lambda: store.range(name(7), 0, end)))
    if await store.range(name(7), 0, end) != points(0, LONG):
        raise RuntimeError("what was read differs from what was written")
    figures["day by hour"] = await _rate(
        1,
        seconds,
        _always(lambda: store.buckets(name(7), 0, DAY - 1, width=3_600, function=Downsample.AVG)),
    )
    await store.aclose()
    return figures


def _rows(start: int, many: int) -> list[tuple[int, int, float]]:
    return [
        (number, point.stamp, point.value)
        for number in range(SERIES)
        for point in points(start, many)
    ]


async def _driver(seconds: float, folder: str) -> dict[str, float]:
    async with aiosqlite.connect(f"{folder}/bare.db", isolation_level=None) as connection:
        for text in (
            "PRAGMA synchronous = FULL",
            "PRAGMA journal_mode = WAL",
            _TABLE,
        ):
            await connection.execute(text)

        def append(start: int, many: int) -> Work:
            rows = _rows(start, many)

            async def work() -> None:
                await connection.execute("BEGIN IMMEDIATE")
                await connection.executemany(_INSERT, rows)
                await connection.execute("COMMIT")

            return work

        async def ask(statement: str, end: int) -> list[Any]:
            async with connection.execute(statement, (7, 0, end)) as cursor:
                return list(await cursor.fetchall())

        figures = {
            "append": await _rate(
                SERIES * BATCH, seconds, lambda turn: append(LONG * 10 + turn * BATCH, BATCH)
            ),
            "append one": await _rate(SERIES, seconds, lambda turn: append(LONG * 1_000 + turn, 1)),
        }
        for start in range(0, LONG, BATCH * 10):
            await append(start, BATCH * 10)()
        end = LONG * MINUTE - 1
        figures["range"] = await _rate(LONG, seconds, _always(lambda: ask(_RANGE, end)))
        figures["day by hour"] = await _rate(1, seconds, _always(lambda: ask(_BUCKETS, DAY - 1)))
    return figures


def _in_a_folder(seconds: float, work: Callable[[float, str], Any]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="l8bench-") as folder:
        found: dict[str, float] = asyncio.run(work(seconds, folder))
        return found


def measure(seconds: float) -> dict[str, float]:
    """Return our figures."""
    return _in_a_folder(seconds, _ours)


def measure_driver(seconds: float) -> dict[str, float]:
    """Return those of the bare driver."""
    return _in_a_folder(seconds, _driver)
