# SPDX-License-Identifier: Apache-2.0
"""Samples in a database, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8orm._database import Database
from l8orm._series import _insert, _samples, _statements, _store
from l8orm._series._factory import SqlTimeSeriesFactory
from l8types.enums import Downsample
from l8types.errors import (
    ClosedError,
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    UnavailableError,
)
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from l8orm._series._store import SqlTimeSeriesStore

CPU = "device<{24}{24}a>.cpu"
MEMORY = "device<{24}{24}a>.memory"
FIRST, LAST = -(2**62), 2**62


def points(*pairs: tuple[int, float]) -> list[TimeSeriesPoint]:
    """Samples of stamps and values."""
    return [TimeSeriesPoint(stamp, value) for stamp, value in pairs]


@pytest.fixture
async def store(lasting: str) -> AsyncIterator[SqlTimeSeriesStore]:
    """An empty store."""
    opened = await SqlTimeSeriesFactory().open(lasting)
    yield opened
    await opened.aclose()


async def everything(store: SqlTimeSeriesStore, of: str = CPU) -> list[TimeSeriesPoint]:
    """All samples of a series."""
    return await store.range(of, FIRST, LAST)


@pytest.mark.feature("ORM-32")
async def test_batches_go_in_and_ranges_come_out(store: SqlTimeSeriesStore) -> None:
    """Bounds are included, the order is that of the stamps, series do not mix."""
    minutes = points(*((60 * n, 50.0 + n) for n in range(10)))
    await store.append_many({CPU: minutes[::-1], MEMORY: points((0, 1.0), (60, 2.0))})
    assert await store.range(CPU, 180, 420) == minutes[3:8]
    assert await store.range(CPU, 181, 419) == minutes[4:7]
    assert await everything(store, MEMORY) == points((0, 1.0), (60, 2.0))
    assert await everything(store, "device<{24}{24}b>.cpu") == []


@pytest.mark.feature("ORM-32")
async def test_the_newest_come_in_ascending_order(store: SqlTimeSeriesStore) -> None:
    """Of one series and of many; fewer when there are fewer."""
    await store.append_many(
        {CPU: points(*((n, float(n)) for n in range(7))), MEMORY: points((3, 9.0))}
    )
    assert await store.latest(CPU, 3) == points((4, 4.0), (5, 5.0), (6, 6.0))
    assert await store.latest(CPU, 0) == []
    assert await store.latest_many([CPU, MEMORY, "none"], 2) == {
        CPU: points((5, 5.0), (6, 6.0)),
        MEMORY: points((3, 9.0)),
    }
    assert await store.latest_many([CPU], 0) == {}
    assert await store.latest_many([], 5) == {}


async def test_a_sample_that_comes_again_is_there_once(store: SqlTimeSeriesStore) -> None:
    """The later value of a stamp counts, within a batch and between batches, in any order."""
    batch = points((20, 2.0), (10, 1.0), (20, 3.0))
    for _ in range(2):
        await store.append(CPU, batch)
    assert await everything(store) == points((10, 1.0), (20, 3.0))
    await store.append(CPU, points((15, 7.0), (10, 5.0)))
    assert await everything(store) == points((10, 5.0), (15, 7.0), (20, 3.0))


async def test_before_the_first_sample_there_is_nothing(store: SqlTimeSeriesStore) -> None:
    """Reading, expiring and forgetting work in an empty database, and an empty batch is none."""
    await store.append_many({})
    await store.append(CPU, [])
    assert await everything(store) == []
    assert await store.latest(CPU, 5) == []
    assert await store.latest_many([CPU], 5) == {}
    assert await store.expire(100) == 0
    assert await store.forget([CPU]) == 0
    assert await store.buckets(CPU, 0, 9, width=3, function=Downsample.AVG) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, None, "1", True])
async def test_only_finite_numbers_are_samples(store: SqlTimeSeriesStore, value: Any) -> None:
    """The series is named, and nothing of the batch is kept."""
    wrong = points((1, 1.0), (2, value))
    with pytest.raises(InvalidInputError, match=r"series device<.*>\.cpu was given the value"):
        await store.append_many({MEMORY: points((1, 1.0)), CPU: wrong})
    assert await everything(store, MEMORY) == []


@pytest.mark.parametrize(
    ("stamp", "why"),
    [(1_700_000_000_000, "Unix seconds"), (-(10**12), "year"), (1.5, "whole"), (True, "whole")],
)
async def test_stamps_are_whole_unix_seconds(
    store: SqlTimeSeriesStore, stamp: Any, why: str
) -> None:
    """Whoever counts in milliseconds is told so."""
    with pytest.raises(InvalidInputError, match=why):
        await store.append(CPU, points((1, 1.0), (stamp, 1.0)))


async def test_what_is_no_sample_or_no_id_is_refused(store: SqlTimeSeriesStore) -> None:
    """Each with the reason."""
    for wrong in ("", "a\0b", "\ud800", "x" * 2_000):
        with pytest.raises(InvalidInputError, match="property id"):
            await store.append(wrong, points((1, 1.0)))
        with pytest.raises(InvalidInputError, match="property id"):
            await store.latest(wrong, 1)
    nothing: Any = [None]
    with pytest.raises(InvalidInputError, match="no sample"):
        await store.append(CPU, nothing)


async def test_whole_numbers_are_values_too(store: SqlTimeSeriesStore) -> None:
    """They become floats; the extremes of stamps are kept."""
    await store.append(CPU, points((_samples.MIN_STAMP, 3), (_samples.MAX_STAMP, 2**70)))
    assert await everything(store) == points(
        (_samples.MIN_STAMP, 3.0), (_samples.MAX_STAMP, float(2**70))
    )


async def test_questions_that_make_no_sense_are_refused(store: SqlTimeSeriesStore) -> None:
    """A range that ends before it starts, no width, a negative number."""
    half: Any = 1.5
    with pytest.raises(InvalidInputError, match="ends before it starts"):
        await store.range(CPU, 2, 1)
    with pytest.raises(InvalidInputError, match="whole number"):
        await store.range(CPU, 0, half)
    for width in (0, -5, 2**50):
        with pytest.raises(InvalidInputError, match="width"):
            await store.buckets(CPU, 0, 1, width=width, function=Downsample.MAX)
    for count in (-1, 100_001):
        with pytest.raises(InvalidInputError, match="newest"):
            await store.latest(CPU, count)
    with pytest.raises(InvalidInputError, match="newest"):
        await store.latest_many([CPU, MEMORY], 60_000)


async def test_an_answer_is_bounded_and_never_cut(
    store: SqlTimeSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range of too many is refused with what to do; wider buckets are the way."""
    monkeypatch.setattr(_store, "MAX_ANSWER", 10)
    monkeypatch.setattr(_statements, "MAX_ANSWER", 10)
    await store.append(CPU, points(*((n, 1.0) for n in range(11))))
    assert len(await store.range(CPU, 1, 10)) == 10
    with pytest.raises(InvalidInputError, match="wider buckets"):
        await everything(store)
    with pytest.raises(InvalidInputError, match="wider buckets"):
        await store.buckets(CPU, FIRST, LAST, width=1, function=Downsample.COUNT)
    counted = await store.buckets(CPU, FIRST, LAST, width=100, function=Downsample.COUNT)
    assert counted == points((0, 11.0))


async def test_a_batch_is_bounded(
    store: SqlTimeSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many samples in one call are refused before anything is written."""
    monkeypatch.setattr(_samples, "MAX_BATCH", 3)
    with pytest.raises(InvalidInputError, match="in parts"):
        await store.append_many({CPU: points((1, 1.0), (2, 1.0)), MEMORY: points((1, 1.0)) * 2})
    assert await everything(store) == []


async def test_many_samples_take_the_way_of_a_stream(
    store: SqlTimeSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large batches replace what is there just like small ones, over many series."""
    monkeypatch.setattr(_insert, "COPY_FROM", 10)
    names = [f"device<{{24}}{{24}}{n}>.cpu" for n in range(1_203)]
    await store.append(names[0], points((1, 5.0)))
    for value in (1.0, 2.0):
        await store.append_many({name: points((1, value), (2, value)) for name in names})
    found = await store.latest_many(names, 2)
    assert found == dict.fromkeys(names, points((1, 2.0), (2, 2.0)))
    assert await store.forget(["device<{24}{24}5>"]) == 2
    assert await store.expire(2) == 1_202


# ------------------------------------------------------------------------------ down-sampling


async def test_buckets_begin_at_multiples_and_gaps_stay_gaps(store: SqlTimeSeriesStore) -> None:
    """Every function, with a gap, a stamp before 1970 and a range that cuts a bucket."""
    await store.append(CPU, points((-7, 4.0), (0, 1.0), (9, 3.0), (30, 5.0), (31, 2.0), (45, 8.0)))

    async def ask(function: Downsample) -> list[tuple[int, float]]:
        found = await store.buckets(CPU, -7, 40, width=10, function=function)
        return [(point.stamp, point.value) for point in found]

    assert await ask(Downsample.AVG) == [(-10, 4.0), (0, 2.0), (30, 3.5)]
    assert await ask(Downsample.MIN) == [(-10, 4.0), (0, 1.0), (30, 2.0)]
    assert await ask(Downsample.MAX) == [(-10, 4.0), (0, 3.0), (30, 5.0)]
    assert await ask(Downsample.LAST) == [(-10, 4.0), (0, 3.0), (30, 2.0)]
    assert await ask(Downsample.COUNT) == [(-10, 1.0), (0, 2.0), (30, 2.0)]


def by_hand(
    samples: dict[int, float], start: int, end: int, width: int, function: Downsample
) -> list[tuple[int, float]]:
    """What the store should answer."""
    held: dict[int, list[float]] = {}
    for stamp, value in sorted(samples.items()):
        if start <= stamp <= end:
            held.setdefault(stamp // width * width, []).append(value)
    makers: dict[Downsample, Callable[[list[float]], float]] = {
        Downsample.AVG: lambda values: math.fsum(values) / len(values),
        Downsample.MIN: min,
        Downsample.MAX: max,
        Downsample.LAST: lambda values: values[-1],
        Downsample.COUNT: lambda values: float(len(values)),
    }
    return [(stamp, makers[function](values)) for stamp, values in held.items()]


@given(
    samples=st.dictionaries(
        st.integers(-200, 200), st.floats(-1e6, 1e6, allow_nan=False), max_size=30
    ),
    bounds=st.tuples(st.integers(-250, 250), st.integers(-250, 250)).map(sorted),
    width=st.integers(1, 120),
    cut=st.integers(0, 30),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_the_store_answers_as_a_dictionary_would(
    store: SqlTimeSeriesStore, samples: dict[int, float], bounds: list[int], width: int, cut: int
) -> None:
    """Random samples in two batches, asked for ranges, the newest, buckets; then expired."""
    await store.forget([CPU])
    given_ = list(samples.items())
    await store.append(CPU, points(*given_[:cut]))
    await store.append(CPU, points(*given_[cut:], *given_[:3]))
    start, end = bounds
    ordered = sorted(samples.items())
    wanted = [pair for pair in ordered if start <= pair[0] <= end]
    assert await store.range(CPU, start, end) == points(*wanted)
    assert await store.latest(CPU, cut) == points(*ordered[len(ordered) - min(cut, len(ordered)) :])
    for function in Downsample:
        found = await store.buckets(CPU, start, end, width=width, function=function)
        expected = by_hand(samples, start, end, width, function)
        assert [point.stamp for point in found] == [stamp for stamp, _ in expected]
        assert [point.value for point in found] == pytest.approx([value for _, value in expected])
    assert await store.expire(start) == sum(stamp < start for stamp in samples)
    assert await everything(store) == points(*(pair for pair in ordered if pair[0] >= start))


# ----------------------------------------------------------------- removing, and what is left


@pytest.mark.feature("ORM-32")
async def test_old_samples_expire_on_demand(
    store: SqlTimeSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamp itself stays; a series without samples is gone and comes back with new ones."""
    monkeypatch.setattr(_store, "CHUNK", 2)
    names = [f"s{n}" for n in range(5)]
    await store.append_many({name: points((1, 1.0), (5, 2.0)) for name in names})
    await store.append("old", points((1, 1.0)))
    assert await store.expire(5) == 6
    assert await store.latest_many([*names, "old"], 9) == dict.fromkeys(names, points((5, 2.0)))
    count = sa.text("SELECT count(*) FROM l8_series")
    held = await store.database.read("testing", lambda each: each.scalar(count))
    assert held == 5
    await store.append("old", points((7, 7.0)))
    assert await everything(store, "old") == points((7, 7.0))


async def test_forgetting_takes_what_is_below_and_nothing_beside(store: SqlTimeSeriesStore) -> None:
    """Ids differ by case, by a longer key, or hold what a pattern would take as a wildcard."""
    gone = ["device<{24}{24}a_>.cpu", "device<{24}{24}a_>.ports<{2}0>.load", "device<{24}{24}a_>"]
    kept = ["device<{24}{24}A_>.cpu", "device<{24}{24}ab>.cpu", "device<{24}{24}a_>x.cpu"]
    await store.append_many({name: points((1, 1.0)) for name in gone + kept})
    assert await store.forget(["device<{24}{24}a_>", "none"]) == 3
    assert sorted(await store.latest_many(gone + kept, 1)) == sorted(kept)


@pytest.mark.feature("ORM-34")
async def test_samples_outlive_their_store(lasting: str) -> None:
    """A store that is opened again, and one beside it, read what was acknowledged."""
    store = await SqlTimeSeriesFactory().open(lasting)
    beside = await SqlTimeSeriesFactory().open(lasting)
    assert await beside.latest(CPU, 1) == []
    await store.append(CPU, points((1, 1.0)))
    assert await beside.latest(CPU, 1) == points((1, 1.0))
    await store.aclose()
    await store.aclose()
    with pytest.raises(ClosedError):
        await store.latest(CPU, 1)
    await beside.append(CPU, points((2, 2.0)))
    await beside.aclose()
    again = await SqlTimeSeriesFactory().open(lasting)
    assert await everything(again) == points((1, 1.0), (2, 2.0))
    await again.aclose()


async def test_writers_at_the_same_time_lose_nothing(lasting: str) -> None:
    """Two stores make the same series in different orders, while a third removes others."""
    stores = [await SqlTimeSeriesFactory().open(lasting) for _ in range(3)]
    names = [f"s{n:02}" for n in range(20)]

    async def write(store: SqlTimeSeriesStore, first: int, order: list[str]) -> None:
        for turn in range(5):
            stamp = first + turn
            await store.append_many({name: points((stamp, 1.0)) for name in order})

    async def remove(store: SqlTimeSeriesStore) -> None:
        for turn in range(5):
            await store.append(f"other{turn}", points((1, 1.0)))
            assert await store.forget([f"other{turn}"]) == 1
            assert await store.expire(50) == 0

    async with asyncio.TaskGroup() as group:
        group.create_task(write(stores[0], 100, names))
        group.create_task(write(stores[1], 200, names[::-1]))
        group.create_task(remove(stores[2]))
    found = await stores[0].latest_many(names, 100)
    assert {len(each) for each in found.values()} == {10}
    assert len(found) == 20
    for store in stores:
        await store.aclose()


# ------------------------------------------------------------------------- when it goes wrong


async def test_a_full_database_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """The error says so, nothing of the batch is there, and there is room again after expiry."""
    store = await SqlTimeSeriesFactory().open(f"sqlite:///{tmp_path}/x.db")
    await store.append(CPU, points((1, 1.0)))

    async def limit(connection: Any) -> None:
        pages = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
        await connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 4}"))

    await store.database.read("testing", limit)
    many = points(*((n, 1.5) for n in range(5, 5_000)))
    with pytest.raises(UnavailableError, match=r"adding samples failed: .*full"):
        await store.append(CPU, many)
    assert await everything(store) == points((1, 1.0))
    await store.append(CPU, points((2, 2.0)))
    assert await everything(store) == points((1, 1.0), (2, 2.0))
    await store.aclose()


async def test_a_locked_database_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the lock: reads go on, nothing is half-written, later it works."""
    monkeypatch.setattr("l8orm._database.BUSY_TIMEOUT", 0.05)
    store = await SqlTimeSeriesFactory().open(f"sqlite:///{tmp_path}/x.db")
    await store.append(CPU, points((1, 1.0)))
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="database is locked"):
        await store.append(CPU, points((2, 2.0)))
    assert await everything(store) == points((1, 1.0))
    other.execute("ROLLBACK")
    other.close()
    await store.append(CPU, points((2, 2.0)))
    assert len(await everything(store)) == 2
    await store.aclose()


async def test_a_stream_that_the_server_refuses_is_an_error(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the driver says while it streams becomes one line, and the transaction is undone."""
    monkeypatch.setattr(_insert, "COPY_FROM", 1)
    strict = _insert._TEMPORARY.replace("precision", "precision CHECK (value < 0)")
    monkeypatch.setattr(_insert, "_TEMPORARY", strict)
    store = await SqlTimeSeriesFactory().open(postgres)
    with pytest.raises(UnavailableError, match="adding samples failed"):
        await store.append("refused", points((1, 1.0)))
    assert await store.latest("refused", 1) == []
    await store.aclose()


async def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """A URL that means nothing, a directory that is not there, an age that is none."""
    factory = SqlTimeSeriesFactory()
    with pytest.raises(ConfigurationError, match=r"sqlite:///file\.db"):
        await factory.open("mysql://x/y")
    with pytest.raises(UnavailableError, match="directory does not exist"):
        await factory.open(f"sqlite:///{tmp_path}/none/x.db")
    for age in (0, -1, math.inf, math.nan):
        with pytest.raises(ConfigurationError, match="cannot be kept"):
            await factory.open(f"sqlite:///{tmp_path}/x.db", retention=age)


async def test_a_database_of_a_newer_release_is_refused(lasting: str) -> None:
    """Also one whose tables have the names but are not ours."""
    store = await SqlTimeSeriesFactory().open(lasting)
    await store.append(CPU, points((1, 1.0)))
    update = sa.text("UPDATE l8_series_schema SET version = 99")
    await store.database.write("testing", lambda each: each.execute(update))
    await store.aclose()
    with pytest.raises(ConflictError, match="update l8orm"):
        await SqlTimeSeriesFactory().open(lasting)
    drop = sa.text("DROP TABLE l8_series_schema")
    database = Database(lasting)
    await database.write("testing", lambda each: each.execute(drop))
    await database.aclose()
    with pytest.raises(ConflictError, match="was not made for samples"):
        await SqlTimeSeriesFactory().open(lasting)


async def test_a_read_only_database_without_samples_is_read(tmp_path: Path) -> None:
    """Nothing is made in order to find nothing; a write says why it cannot."""
    sqlite3.connect(tmp_path / "x.db").execute("CREATE TABLE t (x)").connection.close()
    store = await SqlTimeSeriesFactory().open(f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true")
    assert await everything(store) == []
    with pytest.raises(UnavailableError, match="read-only"):
        await store.append(CPU, points((1, 1.0)))
    await store.aclose()
