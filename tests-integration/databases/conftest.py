# SPDX-License-Identifier: Apache-2.0
"""The databases of these tests: SQLite always, PostgreSQL where a server can be started."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from l8test.postgres import PostgresMissingError, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a private server."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres_server())
        except PostgresMissingError as missing:
            pytest.skip(f"no PostgreSQL: {missing}")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """URL of a database; that of SQLite is new and empty whenever it is opened."""
    if request.param == "sqlite":
        return "sqlite://"
    url: str = request.getfixturevalue("postgres")
    return url
