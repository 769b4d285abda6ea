# SPDX-License-Identifier: Apache-2.0
"""The series inside items: apart from the rows, together for whoever reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
import sqlalchemy as sa

from l8orm import SqlOrm, SqlOrmFactory, SqlTimeSeriesFactory, SqlTimeSeriesStore
from l8types.criteria import Comparison
from l8types.enums import Action, Operator
from l8types.errors import ClosedError, InvalidInputError, UnavailableError
from l8types.pb import L8TimeSeriesPoint
from l8types.values import TimeSeriesPoint

from .queries import FakeQuery, path, where
from .series_models import Device, Meter, Port, series_introspector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8types.protocols.data import Query
    from l8types.protocols.models import Introspector


def points(*pairs: tuple[int, float]) -> list[TimeSeriesPoint]:
    """Samples of stamps and values."""
    return [TimeSeriesPoint(stamp, value) for stamp, value in pairs]


def device(key: str = "a", **attributes: Any) -> Device:
    """A device with samples of a key."""
    return Device(key, **{"usage": points((1, 1.0), (2, 2.0)), "heat": [], **attributes})


@pytest.fixture
def models() -> Introspector:
    """An introspector that knows models with series."""
    return series_introspector()


@pytest.fixture
async def orm(url: str, models: Introspector) -> AsyncIterator[SqlOrm]:
    """An empty store, whose samples are in the same database."""
    opened = await SqlOrmFactory(models).open(url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def apart(
    url: str, tmp_path: Path, models: Introspector
) -> AsyncIterator[tuple[SqlOrm, SqlTimeSeriesStore]]:
    """An empty store, and the other one in which its samples are."""
    series = await SqlTimeSeriesFactory().open(f"sqlite:///{tmp_path}/samples.db")
    opened = await SqlOrmFactory(models, series=series).open(url)
    yield opened, series
    await opened.aclose()
    await series.aclose()


def all_of(models: Introspector, model: type = Device, **facts: Any) -> Query:
    """The query for all items of a model."""
    return cast("Query", FakeQuery(models.inspect(model), facts.pop("criteria", None), **facts))


async def limit(connection: Any) -> None:
    """Let a database on SQLite grow by little only."""
    pages = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
    await connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 4}"))


async def tables(orm: SqlOrm) -> set[str]:
    """Names of all tables."""

    def names(connection: sa.Connection) -> set[str]:
        return set(sa.inspect(connection).get_table_names())

    return await orm._database.read("testing", lambda each: each.run_sync(names))


FULL = device(
    ports=[Port("p0", points((5, 5.0))), Port("p1")],
    named={"eth": Port("e", points((6, 6.0)))},
    main=Port("m", points((7, 7.0))),
)


@pytest.mark.feature("ORM-08", "ORM-33")
async def test_samples_are_kept_apart_at_any_depth_and_come_back(orm: SqlOrm) -> None:
    """No table of the model has them; every place of the item has its own."""
    await orm.write(Action.POST, [FULL])
    assert await tables(orm) - {"l8orm_schema", "l8orm_generation"} == {
        *("device", "device__ports", "device__named"),
        *("l8_series", "l8_points", "l8_series_schema"),
    }
    assert await orm.storage(Device).get("a") == FULL
    ids = [f"device<{{24}}{{24}}a>.{end}" for end in ("usage", "ports<{2}0>.load", "main.load")]
    assert await orm.series.latest_many(ids, 1) == {
        ids[0]: points((2, 2.0)),
        ids[1]: points((5, 5.0)),
        ids[2]: points((7, 7.0)),
    }


@pytest.mark.feature("ORM-33")
async def test_every_way_of_reading_brings_the_newest_along(
    orm: SqlOrm, models: Introspector
) -> None:
    """By key, by query, by page, streamed, listed and taken; of many samples the newest 100."""
    many = points(*((n, float(n)) for n in range(250)))
    items = [device("a", usage=many), device("b"), device("c", usage=[])]
    await orm.write(Action.POST, items)
    read = [device("a", usage=many[-100:]), *items[1:]]
    assert await orm.storage(Device).get("a") == read[0]
    assert list((await orm.read(all_of(models))).items) == read
    page = await orm.read(all_of(models, limit=1, page=1))
    assert (list(page.items), page.total) == ([read[1]], 3)
    assert [item async for item in orm.stream(all_of(models))] == read
    assert [entry[1] async for entry in orm.storage(Device).items()] == read
    assert await orm.storage(Device).delete("a") == read[0]


async def test_messages_have_series_as_well(orm: SqlOrm) -> None:
    """Points are messages of the contract there."""
    meter = Meter(id="m", usage=[L8TimeSeriesPoint(stamp=3, value=1.5)])
    await orm.write(Action.POST, [meter])
    assert await orm.storage(Meter).get("m") == meter


async def test_what_is_written_again_is_there_once(orm: SqlOrm) -> None:
    """An item that was read and is put back adds nothing; new samples join the old ones."""
    storage = orm.storage(Device)
    await orm.write(Action.POST, [FULL])
    for _ in range(2):
        item = await storage.get("a")
        assert item is not None
        await storage.put("a", item)
    assert await storage.get("a") == FULL
    await orm.write(Action.PUT, [device(usage=points((2, 9.0), (3, 3.0)), heat=points((1, 1.0)))])
    await orm.write(Action.PATCH, [device(usage=points((4, 4.0)), name="n")])
    assert await storage.get("a") == device(
        usage=points((1, 1.0), (2, 9.0), (3, 3.0), (4, 4.0)), heat=points((1, 1.0)), name="n"
    )


async def test_an_optional_series_without_samples_is_read_as_empty(orm: SqlOrm) -> None:
    """Absent and empty are the same: no samples."""
    await orm.write(Action.POST, [device(heat=None)])
    assert await orm.storage(Device).get("a") == device(heat=[])


async def test_a_condition_on_samples_sees_the_newest(orm: SqlOrm, models: Introspector) -> None:
    """Rows do not have them, so the query decides; a page is never that of older samples."""
    root = models.inspect(Device)
    await orm.write(Action.POST, [device("a"), device("b", usage=points((1, 50.0)))])
    hot = all_of(models, criteria=where(root, "usage.value", Operator.GT, 10.0), limit=5)
    assert [cast("Device", item).id for item in (await orm.read(hot)).items] == ["b"]
    await orm.series.append("device<{24}{24}a>.usage", points((9, 99.0)))
    assert [cast("Device", item).id for item in (await orm.read(hot)).items] == ["a", "b"]
    some = Comparison(path(root, "heat"), Operator.IS_NULL)
    found = (await orm.read(all_of(models, criteria=some))).items
    assert [cast("Device", item).heat for item in found] == [[], []]


async def test_what_is_no_sample_keeps_the_item_out(orm: SqlOrm) -> None:
    """One transaction: the items of a write and their samples, all or none."""
    wrong = device("b", usage=points((1, float("nan"))))
    with pytest.raises(InvalidInputError, match=r"b>\.usage was given the value nan"):
        await orm.write(Action.POST, [device("a"), wrong])
    assert await orm.storage(Device).get("a") is None
    assert await orm.series.latest("device<{24}{24}a>.usage", 1) == []


async def test_the_history_goes_with_the_item(orm: SqlOrm, models: Introspector) -> None:
    """By key and by query, also for a caller who sees too little; others keep theirs."""
    await orm.write(Action.POST, [replace(FULL, id=key) for key in ("a", "A", "ab", "b")])
    await orm.write(Action.POST, [replace(FULL, id="c", name="last")])
    await orm.storage(Device).delete("a")
    one = where(models.inspect(Device), "id", Operator.EQ, "b")
    assert await orm.delete(all_of(models, criteria=one)) == 1
    last = where(models.inspect(Device), "name", Operator.EQ, "last")
    shown = Device("", usage=[], name="last")
    assert await orm.delete(all_of(models, criteria=last), scope=lambda item: shown) == 1
    await orm.write(Action.POST, [device(key, usage=[]) for key in ("a", "b", "c")])
    for key in ("a", "b", "c"):
        assert await orm.storage(Device).get(key) == device(key, usage=[])
    for key in ("A", "ab"):
        assert await orm.storage(Device).get(key) == replace(FULL, id=key)


async def test_the_history_may_be_kept(url: str, models: Introspector) -> None:
    """When that is asked for, an item that comes back has it."""
    orm = await SqlOrmFactory(models, keep_history=True).open(url)
    await orm.write(Action.POST, [device()])
    await orm.storage(Device).delete("a")
    await orm.write(Action.POST, [device(usage=[])])
    assert await orm.storage(Device).get("a") == device()
    await orm.aclose()


@pytest.mark.feature("ORM-34", "ORM-08")
async def test_samples_may_be_in_another_database(
    apart: tuple[SqlOrm, SqlTimeSeriesStore], models: Introspector
) -> None:
    """Items come back whole all the same, and their history goes with them."""
    orm, series = apart
    await orm.write(Action.POST, [FULL, device("b")])
    assert not {"l8_points", "l8_series"} & await tables(orm)
    assert await orm.storage(Device).get("a") == FULL
    assert list((await orm.read(all_of(models))).items) == [FULL, device("b")]
    assert await orm.delete(all_of(models, limit=1)) == 1
    assert await series.latest("device<{24}{24}a>.usage", 1) == []
    assert await series.latest("device<{24}{24}b>.usage", 1) == points((2, 2.0))


async def test_many_items_are_filled_in_parts(
    apart: tuple[SqlOrm, SqlTimeSeriesStore], models: Introspector, monkeypatch: Any
) -> None:
    """However many series there are, each question to the other store is bounded."""
    monkeypatch.setattr("l8orm._series._items.PART", 7)
    orm, _ = apart
    items = [device(f"d{n:03}") for n in range(40)]
    await orm.write(Action.POST, items)
    assert list((await orm.read(all_of(models))).items) == items


async def test_a_store_on_the_same_database_does_not_wait_for_itself(
    lasting: str, models: Introspector
) -> None:
    """Opened by its own URL, it is written to in the transaction of the items all the same."""
    series = await SqlTimeSeriesFactory().open(lasting)
    orm = await SqlOrmFactory(models, series=series).open(lasting)
    await orm.write(Action.POST, [FULL, device("b")])
    assert await orm.storage(Device).get("a") == FULL
    assert await orm.storage(Device).delete("b") == device("b")
    assert await series.latest("device<{24}{24}a>.usage", 1) == points((2, 2.0))
    assert await series.latest("device<{24}{24}b>.usage", 1) == []
    await orm.aclose()
    await series.aclose()


async def test_passing_databases_are_not_taken_for_each_other(models: Introspector) -> None:
    """Their URLs are equal and say nothing."""
    series = await SqlTimeSeriesFactory().open("sqlite://")
    orm = await SqlOrmFactory(models, series=series).open("sqlite://")
    await orm.write(Action.POST, [FULL])
    assert await series.latest("device<{24}{24}a>.usage", 1) == points((2, 2.0))
    assert not {"l8_points", "l8_series"} & await tables(orm)
    await orm.aclose()
    await series.aclose()


async def test_a_page_asks_once_for_all_samples(orm: SqlOrm, models: Introspector) -> None:
    """However many items and series there are."""
    await orm.write(Action.POST, [replace(FULL, id=f"d{n}") for n in range(30)])
    await orm.read(all_of(models, limit=20))
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "l8_points" in statement:
            asked.append(statement)

    sa.event.listen(orm._database._engine.sync_engine, "before_cursor_execute", note)
    assert len((await orm.read(all_of(models, limit=20))).items) == 20
    assert len(asked) == 1


@pytest.mark.feature("ORM-34")
async def test_a_store_that_fails_keeps_the_items_out(
    apart: tuple[SqlOrm, SqlTimeSeriesStore],
) -> None:
    """What was not acknowledged is in neither database; the other store is not closed with ours."""
    orm, series = apart
    await orm.write(Action.POST, [device()])
    await series.database.read("testing", limit)
    many = points(*((n, 1.5) for n in range(5_000)))
    with pytest.raises(UnavailableError, match="full"):
        await orm.write(Action.POST, [device("b", usage=many)])
    assert await orm.storage(Device).get("b") is None
    await orm.write(Action.POST, [device("c", usage=[])])
    await orm.aclose()
    assert await series.latest("device<{24}{24}a>.usage", 1) == points((2, 2.0))
    with pytest.raises(ClosedError):
        await orm.storage(Device).get("c")


async def test_a_full_database_loses_no_sample_of_a_written_item(
    tmp_path: Path, models: Introspector
) -> None:
    """The write is refused as a whole; what was acknowledged stays."""
    orm = await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/x.db")
    await orm.write(Action.POST, [device()])
    await orm._database.read("testing", limit)
    many = points(*((n, 1.5) for n in range(5_000)))
    with pytest.raises(UnavailableError, match="full"):
        await orm.write(Action.POST, [device("b", usage=many)])
    assert await orm.storage(Device).get("b") is None
    assert await orm.storage(Device).get("a") == device()
    await orm.aclose()
