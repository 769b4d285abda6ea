# SPDX-License-Identifier: Apache-2.0
"""The databases on which the tests run: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from l8orm import SqlOrm, SqlOrmFactory
from l8types.pb import tests_pb2 as pb

from .fakes import introspector
from .models import Extra, Sign, Thing, Tree
from .postgres import MissingError, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from l8types.protocols.models import Introspector


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a private server."""
    try:
        running = server()
        url = running.__enter__()
    except MissingError as missing:
        pytest.skip(f"no PostgreSQL: {missing}")
    yield url
    running.__exit__(None, None, None)


@pytest.fixture
def models() -> Introspector:
    """An introspector that knows all models of the tests."""
    known: tuple[type, ...] = (Thing, Tree, Sign, Extra)
    return introspector(*((each, "id") for each in known), (pb.TestProto, "myString"))


@pytest.fixture(params=["passing", "sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    return "sqlite://" if request.param == "passing" else await _file_or_server(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
async def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database that outlives its store."""
    return await _file_or_server(request, tmp_path)


async def _file_or_server(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    found: str = request.getfixturevalue("postgres")
    engine = create_async_engine(found.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.begin() as connection:
        await connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        await connection.execute(sa.text("CREATE SCHEMA public"))
    await engine.dispose()
    return found


@pytest.fixture
async def orm(url: str, models: Any) -> AsyncIterator[SqlOrm]:
    """An empty store."""
    opened = await SqlOrmFactory(models).open(url)
    yield opened
    await opened.aclose()
