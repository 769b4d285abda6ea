# SPDX-License-Identifier: Apache-2.0
"""Opens relational stores; what the entry point names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8orm._database import Database
from l8orm._orm import SqlOrm

if TYPE_CHECKING:
    from l8types.protocols.models import Introspector
    from l8types.protocols.runtime import Resources
    from l8types.protocols.stores import OrmFactory, TimeSeriesStore

__all__ = ["SqlOrmFactory", "create_orm_factory"]


class SqlOrmFactory:
    """Opens databases by URL; implements ``l8types`` ``OrmFactory``.

    Args:
        introspector: Knows the models and keys of what will be stored.
        series: Where the samples in items are kept, by default in the database of the items;
            whoever opened it closes it.
        keep_history: Whether the samples of an item outlive it.
    """

    def __init__(
        self,
        introspector: Introspector,
        *,
        series: TimeSeriesStore | None = None,
        keep_history: bool = False,
    ) -> None:
        self._introspector = introspector
        self._series = series
        self._keep_history = keep_history

    async def open(self, url: str) -> SqlOrm:
        """Open the database of a URL.

        Args:
            url: ``sqlite:///books.db`` (relative), ``sqlite:////srv/books.db`` (absolute),
                ``sqlite://`` (a new one, gone when closed) or ``postgresql://user@host/name``,
                which needs ``l8orm[postgresql]``.

        Raises:
            ConfigurationError: Not a URL of a supported database, or its driver is missing.
            UnavailableError: The database cannot be reached; tells why.
        """
        database = Database(url)
        try:
            await database.check()
        except BaseException:
            await database.aclose()
            raise
        return SqlOrm(
            database, self._introspector, series=self._series, keep_history=self._keep_history
        )


def create_orm_factory(resources: Resources) -> OrmFactory:
    """Factory of stores for the models of a node."""
    return SqlOrmFactory(resources.introspector)
