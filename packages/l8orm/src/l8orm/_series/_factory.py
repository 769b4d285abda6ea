# SPDX-License-Identifier: Apache-2.0
"""Opens stores of samples; what the entry point names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from l8orm._database import Database
from l8orm._series._retention import check_terms
from l8orm._series._store import SqlTimeSeriesStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.runtime import Resources
    from l8types.protocols.stores import TimeSeriesFactory

__all__ = ["SqlTimeSeriesFactory", "create_series_factory"]


class SqlTimeSeriesFactory:
    """Opens databases of samples by URL; implements ``l8types`` ``TimeSeriesFactory``.

    Args:
        now: Unix seconds, by which samples grow old.
    """

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now

    async def open(self, url: str, *, retention: float | None = None) -> SqlTimeSeriesStore:
        """Open the database of a URL.

        Args:
            url: As for items: ``sqlite:///samples.db``, ``sqlite://`` (a new one, gone when
                closed) or ``postgresql://user@host/name``. It may be the database of items.
            retention: Age in seconds above which samples are removed from time to time; ``None``
                keeps them.

        Raises:
            ConfigurationError: Not a URL of a supported database, its driver is missing, or an age
                that is none.
            UnavailableError: The database cannot be reached; tells why.
            ConflictError: It was written by a newer release.
        """
        if retention is not None:
            check_terms(retention)
        store = SqlTimeSeriesStore(Database(url), now=self._now)
        try:
            await store.database.check()
            await store.is_there()
            if retention is not None:
                await store.keep_for(retention)
        except BaseException:
            await store.aclose()
            raise
        return store


def create_series_factory(resources: Resources) -> TimeSeriesFactory:
    """Factory of stores of samples for a node."""
    return SqlTimeSeriesFactory(now=resources.clock.now)
