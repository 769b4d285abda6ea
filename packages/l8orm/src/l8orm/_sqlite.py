# SPDX-License-Identifier: Apache-2.0
"""What a connection to SQLite needs before it behaves: settings, transactions, functions.

The functions give a query the meaning that it has in memory: SQLite itself folds the case of ASCII
letters only.
"""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

__all__ = ["FOLD", "LIKE", "WRITES", "fetched", "pattern_pieces", "probe", "set_up"]

FOLD: Final = "l8_fold"
"""SQL function: the text in lower case, as Python sees it."""

LIKE: Final = "l8_like"
"""SQL function of a pattern and a text: whether the pattern matches the whole text."""

WRITES: Final = "l8orm_writes"
"""Execution option of a connection that is going to write."""


def pattern_pieces(pattern: str) -> list[str]:
    """Tokens of a pattern: ``%`` and ``_`` stand for wildcards, ``=x`` for the character x."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return [part if part in {"%", "_"} else "=" + part[-1] for part in parts]


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    segments = [""]
    for piece in pattern_pieces(pattern):
        if piece == "%":
            segments.append("")
        else:
            segments[-1] += "." if piece == "_" else re.escape(piece[1:])
    head, *rest = segments
    if not rest:
        return re.compile(head, re.DOTALL)
    *middle, tail = rest
    # The first place where a piece in the middle fits is never a wrong one: atomic groups keep
    # the time linear, whatever the pattern.
    inner = "".join(f"(?>.*?{segment})" for segment in middle if segment)
    return re.compile(f"{head}{inner}.*{tail}", re.DOTALL)


def _like(pattern: object, text: object) -> int | None:
    if not isinstance(pattern, str) or not isinstance(text, str):
        return None
    return int(_pattern(pattern).fullmatch(text) is not None)


def _fold(text: object) -> object:
    return text.lower() if isinstance(text, str) else None


def probe(path: str) -> None:
    """Open a file once, as its name says; blocks.

    The driver's thread answers a connection that failed after its caller has been told, so a
    process that ends then would end with a traceback. What cannot be opened is found here first.

    Raises:
        sqlite3.Error: It cannot be opened, or is no database.
    """
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA schema_version")
    finally:
        connection.close()


async def fetched(
    connection: AsyncConnection, statement: str, parameters: tuple[object, ...]
) -> Sequence[Sequence[Any]]:
    """Rows of a ready statement; in one trip to the thread of the driver instead of four.

    Raises:
        sqlite3.Error: What SQLite says, without the wrapping of SQLAlchemy.
    """
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101 - it is in use
    rows: Sequence[Sequence[Any]] = await raw.driver_connection.execute_fetchall(
        statement, parameters
    )
    return rows


def set_up(engine: AsyncEngine, *, durable: bool) -> None:
    """Make every connection of an engine ready when it is opened.

    Without ``durable`` a commit does not wait for the disk.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: object) -> None:  # noqa: ANN401 - any driver
        try:
            _prepare(connection, durable=durable)
        except BaseException:
            # The pool forgets a connection that was not made ready; its thread would outlive it.
            connection.close()
            raise

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        # A transaction that begins as a reader and then writes could fail in the middle.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(connection: Any, *, durable: bool) -> None:  # noqa: ANN401 - any driver
    # Transactions are begun here and not by the driver, which would begin none for a read.
    connection.isolation_level = None
    connection.create_function(FOLD, 1, _fold, deterministic=True)
    connection.create_function(LIKE, 2, _like, deterministic=True)
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: Any) -> None:  # noqa: ANN401 - any driver
    """Let readers and the writer work at the same time; a read-only file stays as it is."""
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.fetchall()
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error):
            raise
