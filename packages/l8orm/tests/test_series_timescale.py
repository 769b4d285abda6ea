# SPDX-License-Identifier: Apache-2.0
"""What is asked of the TimescaleDB extension, on a server that has a stand-in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from l8orm._database import Database
from l8orm._series import _timescale
from l8orm._series._factory import SqlTimeSeriesFactory
from l8orm._series._timescale import Timescale
from l8types.enums import Downsample
from l8types.errors import UnavailableError
from l8types.values import TimeSeriesPoint

from . import timescale as fake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._series._store import SqlTimeSeriesStore

DAY = 86_400


@pytest.fixture
async def server(postgres: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A server with the stand-in, which goes by the name of an extension that every server has."""
    database = Database(postgres)

    async def clear(connection: AsyncConnection) -> None:
        await connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        await connection.execute(sa.text("CREATE SCHEMA public"))
        await fake.install(connection)

    monkeypatch.setattr(_timescale, "EXTENSION", "plpgsql")
    # A plain server has no such table options.
    monkeypatch.setattr(
        _timescale, "_COMPRESSION", (sa.text("SELECT 1"), _timescale._COMPRESSION[1])
    )
    try:
        await database.write("testing", clear)
        yield database
    finally:
        reset = sa.text("ALTER DATABASE postgres RESET ALL")
        await database.write("testing", lambda each: each.execute(reset))
        await database.aclose()


async def opened(server: Database, postgres: str, licensed: str) -> SqlTimeSeriesStore:
    """A store on the server, whose extension has a license."""
    alter = sa.text(f"ALTER DATABASE postgres SET timescaledb.license = '{licensed}'")
    await server.write("testing", lambda each: each.execute(alter))
    return await SqlTimeSeriesFactory(now=lambda: 10.0 * DAY).open(postgres)


async def test_a_server_without_the_extension_is_plain(postgres: str) -> None:
    """Nor is SQLite asked."""
    for url in (postgres, "sqlite://"):
        database = Database(url)
        assert await database.read("testing", _timescale.detect) is None
        await database.aclose()


async def test_the_community_edition_does_all(server: Database, postgres: str) -> None:
    """Chunks of a day, compression after a week, and a policy for the age."""
    assert await server.read("testing", _timescale.detect) == Timescale("1.0", community=False)
    store = await opened(server, postgres, "timescale")
    await store.append("s", [TimeSeriesPoint(1, 1.0)])
    assert await server.read("testing", fake.calls) == [
        "create_hypertable l8_points stamp 86400 t t",
        "set_integer_now_func l8_points l8_series_now t",
        "add_compression_policy l8_points 604800 t",
    ]
    now = await server.read("testing", lambda each: each.scalar(sa.text("SELECT l8_series_now()")))
    assert now is not None
    assert now > 1_700_000_000
    await store.keep_for(3 * DAY)
    await store.aclose()
    made = (await server.read("testing", fake.calls))[3:5]
    assert made == [
        "remove_retention_policy l8_points t",
        "add_retention_policy l8_points 259200",
    ]


async def test_the_other_edition_has_chunks_only(server: Database, postgres: str) -> None:
    """Expiry is left to the task of the store, which drops chunks before it looks at rows."""
    store = await opened(server, postgres, "apache")
    await store.append("s", [TimeSeriesPoint(n * DAY // 2, 1.0) for n in range(20)])
    await store.keep_for(5 * DAY)
    assert store.retention is not None
    await store.retention.run()
    left = await store.range("s", 0, 20 * DAY)
    assert [point.stamp for point in left] == [n * DAY // 2 for n in range(10, 20)]
    assert await store.expire(5 * DAY + DAY * 3 // 4) == 2
    await store.aclose()
    found = await server.read("testing", fake.calls)
    assert found[:2] == [
        "create_hypertable l8_points stamp 86400 t t",
        "set_integer_now_func l8_points l8_series_now t",
    ]
    assert set(found[2:]) == {f"drop_chunks {5 * DAY}", f"drop_chunks {5 * DAY + DAY * 3 // 4}"}


async def test_buckets_are_made_by_the_extension(server: Database, postgres: str) -> None:
    """With the same answer as without it."""
    store = await opened(server, postgres, "apache")
    await store.append("s", [TimeSeriesPoint(stamp, float(stamp)) for stamp in (-7, 0, 9, 30)])
    for function, values in (
        (Downsample.AVG, [-7.0, 4.5, 30.0]),
        (Downsample.LAST, [-7.0, 9.0, 30.0]),
    ):
        found = await store.buckets("s", -100, 100, width=10, function=function)
        assert found == [
            TimeSeriesPoint(stamp, value) for stamp, value in zip((-10, 0, 30), values, strict=True)
        ]
    drop = sa.text("DROP FUNCTION time_bucket")
    await server.write("testing", lambda each: each.execute(drop))
    with pytest.raises(UnavailableError, match="time_bucket"):
        await store.buckets("s", 0, 1, width=10, function=Downsample.AVG)
    await store.aclose()


def test_compression_is_by_series_and_newest_first() -> None:
    """The options of the table, which a plain server cannot be asked to take."""
    text = _timescale._COMPRESSION[0].text
    assert "compress_segmentby = 'series'" in text
    assert "compress_orderby = 'stamp DESC'" in text
