# SPDX-License-Identifier: Apache-2.0
"""A database behind a URL: connections for reading and for writing, and the errors of both."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from l8orm import _sqlite
from l8orm._faults import database_faults
from l8types.errors import ClosedError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Database"]

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_MEMORY_NAMES: Final = itertools.count()

BUSY_TIMEOUT: Final = 5.0
"""Seconds for which a write waits for the writer of another process."""


class Database:
    """Connections to one database.

    Args:
        url: ``sqlite:///file``, ``sqlite://`` for one in memory, or ``postgresql://…``.

    Raises:
        ConfigurationError: Not such a URL, or the driver is not installed.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.sqlite = parsed.drivername.startswith("sqlite")
        self.name = parsed.render_as_string(hide_password=True)
        self._keeper: sqlite3.Connection | None = None
        self._closed = False
        # One writer at a time is all that SQLite can do; here they queue up in order.
        self._writing = asyncio.Lock()
        memory = self.sqlite and parsed.database in {None, "", ":memory:"}
        try:
            self._engine = self._open_memory() if memory else self._open(parsed)
        except ImportError as error:
            raise ConfigurationError(
                f"the driver for {parsed.drivername} is not installed: {error}; "
                "install l8orm[postgresql]"
            ) from error
        except (exc.ArgumentError, TypeError) as error:
            raise ConfigurationError(f"database url {self.name!r} cannot work: {error}") from error
        if self.sqlite:
            _sqlite.set_up(self._engine, memory=memory)

    def _open(self, url: sa.URL) -> AsyncEngine:
        if self.sqlite:
            return create_async_engine(url, connect_args={"timeout": BUSY_TIMEOUT})
        return create_async_engine(url, pool_pre_ping=True)

    def _open_memory(self) -> AsyncEngine:
        """A database that lives as long as its keeper, whatever happens to other connections.

        There is one other connection: two would lock each other out without waiting.
        """
        name = f"file:l8orm-{next(_MEMORY_NAMES)}?mode=memory&cache=shared"
        self._keeper = sqlite3.connect(name, uri=True, check_same_thread=False)
        url = sa.URL.create(
            "sqlite+aiosqlite",
            database=name.partition("?")[0],
            query={"mode": "memory", "cache": "shared", "uri": "true"},
        )
        return create_async_engine(
            url, poolclass=sa.AsyncAdaptedQueuePool, pool_size=1, max_overflow=0
        )

    @property
    def dialect(self) -> sa.Dialect:
        """The kind of SQL spoken."""
        return self._engine.dialect

    @asynccontextmanager
    async def reading(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A connection within a transaction that sees one state of the database.

        Raises:
            UnavailableError: The database cannot be reached.
            ClosedError: It was closed.
        """
        options: dict[str, object] = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        async with self._transaction(what, options) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A connection within a transaction that is committed when the block ends well.

        Raises:
            UnavailableError: The database is down, locked, full or read-only.
            ClosedError: It was closed.
        """
        async with AsyncExitStack() as stack:
            if self.sqlite:
                await stack.enter_async_context(self._writing)
            options: dict[str, object] = {_sqlite.WRITES: True}
            yield await stack.enter_async_context(self._transaction(what, options))

    @asynccontextmanager
    async def _transaction(
        self, what: str, options: dict[str, object]
    ) -> AsyncIterator[AsyncConnection]:
        if self._closed:
            raise ClosedError(f"{what} failed: the database was closed")
        with database_faults(what):
            async with self._engine.connect() as connection:
                tuned = await connection.execution_options(**options)
                async with tuned.begin():
                    yield tuned

    async def check(self) -> None:
        """Reach the database once.

        Raises:
            UnavailableError: It cannot be reached.
        """
        async with self.reading(f"opening {self.name}") as connection:
            await connection.execute(sa.select(1))

    async def aclose(self) -> None:
        """Close all connections; idempotent."""
        if self._closed:
            return
        self._closed = True
        await self._engine.dispose()
        if self._keeper is not None:
            self._keeper.close()


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "the database url cannot be read; write sqlite:///file.db or postgresql://host/name"
        ) from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ConfigurationError(
            f"there is no driver for {parsed.drivername!r} databases; "
            "use sqlite:///file.db or postgresql://host/name"
        )
    return parsed.set(drivername=driver)
