# SPDX-License-Identifier: Apache-2.0
"""Databases that cannot be opened, or fail in the middle."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from l8orm import SqlOrmFactory, create_orm_factory
from l8orm._database import Database
from l8types.enums import Action
from l8types.errors import ConfigurationError, UnavailableError

from .models import Leaf, Part, Sign, Thing

if TYPE_CHECKING:
    from pathlib import Path

    from l8orm import SqlOrm


@pytest.mark.parametrize(
    "url", ["", "books.db", "mysql://h/d", "oracle://x", "sqlite", "postgresql://h:port/d"]
)
async def test_a_url_that_means_nothing_is_a_configuration_error(models: Any, url: str) -> None:
    """The message tells what to write."""
    with pytest.raises(ConfigurationError, match=r"sqlite:///file\.db"):
        await SqlOrmFactory(models).open(url)


async def test_a_missing_driver_is_named(models: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message tells what to install."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ConfigurationError, match=r"l8orm\[postgresql\]"):
        await SqlOrmFactory(models).open("postgresql://localhost/x")


async def test_a_server_that_is_not_there_is_unavailable(models: Any, tmp_path: Path) -> None:
    """Nobody listens: one line without the password."""
    pytest.importorskip("asyncpg")
    url = f"postgresql://me:secret@/books?host={tmp_path}"
    with pytest.raises(UnavailableError, match="opening postgresql") as caught:
        await SqlOrmFactory(models).open(url)
    assert "secret" not in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("content", [b"this is a text and no database, " * 100])
async def test_a_file_that_is_no_database_is_unavailable(
    models: Any, tmp_path: Path, content: bytes
) -> None:
    """Another kind of file is not overwritten."""
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(UnavailableError, match="file is not a database"):
        await SqlOrmFactory(models).open(f"sqlite:///{file}")
    assert file.read_bytes() == content


async def test_a_directory_that_does_not_exist_is_unavailable(models: Any, tmp_path: Path) -> None:
    """The message says so."""
    with pytest.raises(UnavailableError, match="the directory does not exist"):
        await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/none/x.db")


async def test_a_locked_database_is_unavailable_and_nothing_is_written(
    models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the lock: reads go on, a write fails, later it works."""
    monkeypatch.setattr("l8orm._database.BUSY_TIMEOUT", 0.05)
    orm = await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/x.db")
    await orm.write(Action.POST, [Thing("a")])
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="database is locked"):
        await orm.write(Action.POST, [Thing("b")])
    assert await orm.storage(Thing).get("a") == Thing("a")
    other.execute("ROLLBACK")
    other.close()
    assert await orm.storage(Thing).get("b") is None
    await orm.write(Action.POST, [Thing("b")])
    await orm.aclose()


async def test_a_read_only_database_is_read(models: Any, tmp_path: Path) -> None:
    """Reads work, a write is refused with the reason."""
    orm = await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/x.db")
    await orm.write(Action.POST, [Thing("a", parts=[Part("p")])])
    await orm.aclose()
    with sqlite3.connect(tmp_path / "x.db") as file:
        file.execute("PRAGMA journal_mode = DELETE")
    file.close()
    orm = await SqlOrmFactory(models).open(f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true")
    assert await orm.storage(Thing).get("a") == Thing("a", parts=[Part("p")])
    with pytest.raises(UnavailableError, match="read-only"):
        await orm.write(Action.POST, [Thing("b")])
    await orm.aclose()


async def test_a_full_database_is_unavailable_and_nothing_is_written(
    models: Any, tmp_path: Path
) -> None:
    """A write that does not fit leaves no part of it behind."""
    orm = await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/x.db")
    await orm.write(Action.POST, [Thing("a")])

    async def limit(connection: Any) -> None:
        pages = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
        await connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 4}"))

    await orm._database.read("testing", limit)
    big = [Thing(f"b{n}", raw=b"x" * 5_000, parts=[Part(leaves=[Leaf()])]) for n in range(50)]
    with pytest.raises(UnavailableError, match="full"):
        await orm.write(Action.POST, big)
    assert [entry[0] async for entry in orm.storage(Thing).items()] == ["a"]
    await orm.aclose()


async def test_a_migration_that_finds_no_space_leaves_nothing(models: Any, tmp_path: Path) -> None:
    """No table of a model is made when not all of them fit."""
    orm = await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/x.db")
    await orm.write(Action.POST, [Sign("a")])
    tables = sa.text("SELECT name FROM sqlite_master")

    async def limit(connection: Any) -> list[str]:
        pages = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
        await connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 2}"))
        return list((await connection.execute(tables)).scalars())

    before = await orm._database.read("testing", limit)
    calls: list[Any] = [
        lambda: orm.prepare(Thing),
        lambda: orm.write(Action.POST, [Thing("a")]),
    ]
    for call in calls:
        with pytest.raises(UnavailableError, match=r"preparing thing failed: .* full"):
            await call()
    found = await orm._database.read("testing", lambda each: each.execute(tables))
    assert list(found.scalars()) == before
    assert [entry[0] async for entry in orm.storage(Sign).items()] == ["a"]
    await orm.aclose()


async def test_a_database_that_is_locked_at_the_start_is_unavailable(
    models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables cannot be made then; later they are, without opening it anew."""
    monkeypatch.setattr("l8orm._database.BUSY_TIMEOUT", 0.05)
    orm = await SqlOrmFactory(models).open(f"sqlite:///{tmp_path}/x.db")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="another process is writing; try again later"):
        await orm.write(Action.POST, [Thing("a")])
    other.execute("ROLLBACK")
    assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    other.close()
    await orm.write(Action.POST, [Thing("a")])
    await orm.aclose()


async def test_writes_and_reads_overlap(orm: SqlOrm) -> None:
    """Many tasks at once: every write is there, every read sees whole items."""
    parts = [Part(str(number)) for number in range(5)]

    async def write(number: int) -> None:
        await orm.write(Action.POST, [Thing("same", count=number, parts=parts[: number % 5 + 1])])
        await orm.write(Action.PATCH, [Thing(f"t{number}", count=number + 1)])

    async def read() -> None:
        found: Any = await orm.storage(Thing).get("same")
        assert found is None or len(found.parts) == found.count % 5 + 1

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(write(number))
            group.create_task(read())
    assert len([entry[0] async for entry in orm.storage(Thing).items()]) == 21


async def test_a_cancelled_write_leaves_a_usable_store(orm: SqlOrm) -> None:
    """A write that is cancelled is there as a whole or not at all, and the next one works."""
    await orm.write(Action.POST, [Thing("first")])
    for delay in (0.0, 0.001, 0.005):
        try:
            async with asyncio.timeout(delay):
                await orm.write(Action.POST, [Thing(f"c{n}") for n in range(50)])
        except TimeoutError:
            pass
        count = len([entry[0] async for entry in orm.storage(Thing).items()])
        assert count in {1, 51}
    await orm.write(Action.POST, [Thing("last")])
    assert await orm.storage(Thing).get("first") == Thing("first")


async def test_passing_stores_are_apart(models: Any) -> None:
    """Each opening makes a database of its own."""
    one = await SqlOrmFactory(models).open("sqlite://")
    two = await SqlOrmFactory(models).open("sqlite://")
    await one.write(Action.POST, [Thing("a")])
    assert await two.storage(Thing).get("a") is None
    await one.aclose()
    await two.aclose()


async def test_a_file_is_written_ahead(models: Any, tmp_path: Path) -> None:
    """Readers and the writer do not wait for each other."""
    database = Database(f"sqlite:///{tmp_path}/x.db")
    pragma = sa.text("PRAGMA journal_mode")
    mode = await database.read("testing", lambda each: each.execute(pragma))
    assert mode.scalar_one() == "wal"
    await database.aclose()


async def test_the_entry_point_makes_a_factory(models: Any) -> None:
    """It takes the introspector of the node."""

    class Parts:
        introspector = models

    factory = create_orm_factory(Parts())  # type: ignore[arg-type]
    orm = await factory.open("sqlite://")
    await orm.prepare(Thing)
    await orm.aclose()
