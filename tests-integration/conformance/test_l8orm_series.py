# SPDX-License-Identifier: Apache-2.0
"""The store of samples keeps what its interface promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from l8test.conformance import TimeSeriesConformance
from l8test.postgres import PostgresMissingError, postgres_server
from l8types.constants import Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from l8test.conformance import SeriesOpener
    from l8types.protocols.stores import TimeSeriesFactory, TimeSeriesStore
    from l8utils import NodeResources


@pytest.fixture
def open_series(resources: NodeResources, series_url: str) -> SeriesOpener:
    """Opens the one database of a test, and closes it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[TimeSeriesStore]:
        factory = cast("TimeSeriesFactory", resources.create(Plugin.TIME_SERIES))
        store = await factory.open(series_url)
        try:
            yield store
        finally:
            await store.aclose()

    return opened


@pytest.mark.feature("ORM-32")
class TestSqlite(TimeSeriesConformance):
    """Samples in a file."""

    @pytest.fixture
    def series_url(self, tmp_path: Path) -> str:
        """A file that is not there yet."""
        return f"sqlite:///{tmp_path / 'samples.db'}"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a private server."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres_server())
        except PostgresMissingError as missing:
            pytest.skip(f"no PostgreSQL: {missing}")
        yield url


@pytest.mark.feature("ORM-32")
class TestPostgres(TimeSeriesConformance):
    """Samples on a server."""

    @pytest.fixture
    async def series_url(self, server: str) -> str:
        """A database without tables."""
        engine = create_async_engine(server.replace("postgresql:", "postgresql+asyncpg:"))
        async with engine.begin() as connection:
            await connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            await connection.execute(sa.text("CREATE SCHEMA public"))
        await engine.dispose()
        return server
