# SPDX-License-Identifier: Apache-2.0
"""Errors of databases and drivers as errors of the ecosystem, in one clear line."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import exc

from l8types.errors import ConflictError, InvalidInputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["database_faults"]

_HINTS = (
    ("database is locked", "another process is writing; try again later"),
    ("database or disk is full", "free some space; nothing was written"),
    ("attempt to write a readonly database", "the database is read-only; nothing was written"),
    ("unable to open database file", "the directory does not exist or may not be used"),
    ("file is not a database", "the file was not made by SQLite"),
    ("due to lock timeout", "another process holds a lock; nothing was written"),
    ("No space left on device", "free some space; nothing was written"),
    ("read-only transaction", "the database is read-only; nothing was written"),
)


def _line(error: BaseException) -> str:
    """What the driver said, in one line without the statement and its parameters."""
    cause = getattr(error, "orig", None) or error
    inner = getattr(cause, "__cause__", None)
    # The driver of PostgreSQL is wrapped once more, with its class in the text.
    text = str(inner if inner is not None and str(inner) else cause).strip()
    return text.splitlines()[0] if text else type(cause).__name__


def _unavailable(error: BaseException, what: str) -> UnavailableError:
    line = _line(error)
    hint = next(
        (hint for text, hint in _HINTS if text in line), "is the database up and reachable?"
    )
    return UnavailableError(f"{what} failed: {line}; {hint}")


@contextmanager
def database_faults(what: str) -> Iterator[None]:
    """Translate what a database raises within the block.

    Args:
        what: The operation for the message, such as ``writing Book``.

    Raises:
        ConflictError: Another item holds the unique key.
        InvalidInputError: The database cannot hold a value.
        UnavailableError: It is down, locked, full, read-only or refuses the connection.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise ConflictError(
            f"{what} failed: {_line(error)}; another item has this key already"
        ) from error
    except exc.DataError as error:
        raise InvalidInputError(
            f"{what} failed: the database cannot hold a value: {_line(error)}"
        ) from error
    except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, OSError) as error:
        raise _unavailable(error, what) from error
