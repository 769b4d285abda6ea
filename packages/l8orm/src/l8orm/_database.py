# SPDX-License-Identifier: Apache-2.0
"""A database behind a URL: connections for reading and for writing, and the errors of both."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from l8orm import _sqlite
from l8orm._faults import database_faults
from l8types.errors import ClosedError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


__all__ = ["Database"]

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

BUSY_TIMEOUT: Final = 5.0
"""Seconds for which a write waits for the writer of another process."""


LOCK_TIMEOUT: Final = 15.0
"""The same in PostgreSQL, where every statement may meet a lock."""

CONNECT_TIMEOUT: Final = 10.0
"""Seconds within which a server has to answer."""


class Database:
    """Connections to one database.

    Args:
        url: ``sqlite:///file``, ``sqlite://`` for one that lasts until it is closed, or
            ``postgresql://…``.

    Raises:
        ConfigurationError: Not such a URL, or the driver is not installed.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.sqlite = parsed.drivername.startswith("sqlite")
        self.name = parsed.render_as_string(hide_password=True)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False
        # One writer at a time is all that SQLite can do; here they queue up in order.
        self._writing = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        passing = self.sqlite and parsed.database in {None, "", ":memory:"}
        if passing:
            # In memory there would have to be one connection for all: two lock each other out
            # without waiting, and a call that is cancelled takes its connection with it.
            self._folder = tempfile.TemporaryDirectory(prefix="l8orm-")
            parsed = parsed.set(database=f"{self._folder.name}/passing.db")
        try:
            self._engine = self._open(parsed)
        except ImportError as error:
            raise ConfigurationError(
                f"the driver for {parsed.drivername} is not installed: {error}; "
                "install l8orm[postgresql]"
            ) from error
        except (exc.ArgumentError, TypeError) as error:
            raise ConfigurationError(f"database url {self.name!r} cannot work: {error}") from error
        if self.sqlite:
            _sqlite.set_up(self._engine, durable=not passing)

    def _open(self, url: sa.URL) -> AsyncEngine:
        if self.sqlite:
            return create_async_engine(url, connect_args={"timeout": BUSY_TIMEOUT})
        settings = {"lock_timeout": str(int(LOCK_TIMEOUT * 1_000))}
        arguments = {"timeout": CONNECT_TIMEOUT, "server_settings": settings}
        return create_async_engine(url, pool_pre_ping=True, connect_args=arguments)

    @property
    def dialect(self) -> sa.Dialect:
        """The kind of SQL spoken."""
        return self._engine.dialect

    async def read(self, what: str, work: Work[T]) -> T:
        """Run work that reads within a transaction, in which it sees one state of the database.

        Args:
            what: The operation for messages, such as ``reading Book``.
            work: What to do on a connection; called once.

        Raises:
            UnavailableError: The database cannot be reached.
            ClosedError: It was closed.
        """
        options: dict[str, object] = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}

        async def run() -> T:
            async with self._transaction(what, options) as connection:
                return await work(connection)

        return await self._finished(run())

    @asynccontextmanager
    async def snapshot(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database for as long as the block lasts.

        For a server: on SQLite a block that is left by a cancellation could leave its lock behind.

        Raises:
            UnavailableError: The database cannot be reached.
            ClosedError: It was closed.
        """
        options: dict[str, object] = {"isolation_level": "REPEATABLE READ"}
        async with self._transaction(what, options) as connection:
            yield connection

    async def write(self, what: str, work: Work[T]) -> T:
        """Run work that writes within a transaction, which is committed when the work ends well.

        A call that is cancelled has written everything or nothing.

        Raises:
            UnavailableError: The database is down, locked, full or read-only.
            ClosedError: It was closed.
        """
        options: dict[str, object] = {_sqlite.WRITES: True}

        async def run() -> T:
            try:
                async with self._transaction(what, options) as connection:
                    return await work(connection)
            finally:
                if self.sqlite:
                    self._writing.release()

        if self.sqlite:
            await self._writing.acquire()
        return await self._finished(run())

    async def _finished(self, run: Coroutine[object, object, T]) -> T:
        """Wait for a transaction; on SQLite it goes on to its end when the waiting is cancelled.

        There a statement runs in a thread and cannot be interrupted: its connection would be torn
        down behind its back and hold its locks until the thread notices.
        """
        if not self.sqlite:
            return await run
        # Owned by this object: kept here until done, and waited for when it is closed.
        task = asyncio.create_task(run, name="database: transaction")  # noqa: TID251
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)  # noqa: TID251

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
        what = f"opening {self.name}"
        path = self._engine.url.database or ""
        if self.sqlite and not path.startswith("file:"):
            with database_faults(what):
                await asyncio.to_thread(_sqlite.probe, path)
        await self.read(what, lambda each: each.execute(sa.select(1)))

    async def aclose(self) -> None:
        """Close all connections; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._running:
            await asyncio.wait(self._running)
        await self._engine.dispose()
        if self._folder is not None:
            self._folder.cleanup()


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
