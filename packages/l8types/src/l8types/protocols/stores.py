# SPDX-License-Identifier: Apache-2.0
"""Stores: items of a model by key, items of any model, samples over time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from l8types.enums import Action, Downsample
from l8types.protocols.data import Query, Scope
from l8types.values import Page, TimeSeriesPoint

__all__ = ["Orm", "OrmFactory", "Storage", "TimeSeriesFactory", "TimeSeriesStore"]


class Storage(Protocol):
    """Durable items of one model by key."""

    async def put(self, key: str, item: object) -> None:
        """Store an item; durable when it returns."""
        ...

    async def get(self, key: str) -> object | None:
        """The item, ``None`` when absent."""
        ...

    async def delete(self, key: str) -> object | None:
        """Remove and return the item, ``None`` when absent."""
        ...

    async def put_many(self, items: Sequence[tuple[str, object]]) -> None:
        """Store items with their keys, all or none; durable when it returns.

        A store at the other end of a network may need several requests for very many, and
        promises this for each of them.
        """
        ...

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove the items with these keys, passing over those that are absent.

        When it fails, each item is there or not; doing it again does no harm.
        """
        ...

    def items(self) -> AsyncIterator[tuple[str, object]]:
        """All keys and items in key order."""
        ...

    async def aclose(self) -> None:
        """No longer usable; idempotent. What it stands on is closed by whoever opened that."""
        ...


class Orm(Protocol):
    """Relational store of any registered model, queried with the query language."""

    async def prepare(self, model: type) -> None:
        """Create or additively migrate the tables of a model.

        Raises:
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
        """
        ...

    async def write(self, action: Action, items: Sequence[object]) -> None:
        """POST, PUT or PATCH items in one transaction: all or none.

        Raises:
            InvalidInputError: An item does not fit its model or has no key.
            UnavailableError: The database is down, locked or full; nothing was written.
        """
        ...

    async def read(self, query: Query, *, scope: Scope | None = None) -> Page:
        """Answer of a query, paged after ``scope``."""
        ...

    def stream(self, query: Query, *, scope: Scope | None = None) -> AsyncIterator[object]:
        """All matches one by one, without holding them in memory.

        With a ``scope``, what it hides is neither matched nor given. A store that cannot do that
        part by part reads the answer as a whole.
        """
        ...

    async def delete(self, query: Query, *, scope: Scope | None = None) -> int:
        """Delete the matches with all that belongs to them; how many there were.

        What ``scope`` hides is neither matched nor deleted.
        """
        ...

    def storage(self, model: type) -> Storage:
        """The items of one model as a plain store."""
        ...

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        ...


class OrmFactory(Protocol):
    """Opens relational stores."""

    async def open(self, url: str) -> Orm:
        """Open the database of a URL such as ``sqlite:///books.db`` or ``postgresql://host/db``.

        Raises:
            ConfigurationError: Not a URL of a supported database.
            UnavailableError: The database cannot be reached; tells why.
        """
        ...


class TimeSeriesStore(Protocol):
    """Samples by property id, in Unix seconds and finite numbers.

    What a call takes or gives is bounded; above the bound it is refused, never cut. Calls may
    overlap.
    """

    async def append(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        """Add samples in any order; one with a known stamp replaces the old one.

        Durable when it returns; doing it again changes nothing.

        Raises:
            InvalidInputError: A stamp or value that is no sample; none was added.
            UnavailableError: The store is down, locked or full; none was added.
        """
        ...

    async def append_many(self, series: Mapping[str, Sequence[TimeSeriesPoint]]) -> None:
        """The same for many series at once, all or none."""
        ...

    async def range(self, property_id: str, start: int, end: int) -> list[TimeSeriesPoint]:
        """Samples from ``start`` to ``end`` (Unix seconds, both included), ascending.

        Raises:
            InvalidInputError: It ends before it starts, or holds more than one answer may.
        """
        ...

    async def latest(self, property_id: str, count: int) -> list[TimeSeriesPoint]:
        """The newest samples, ascending."""
        ...

    async def latest_many(
        self, property_ids: Collection[str], count: int
    ) -> dict[str, list[TimeSeriesPoint]]:
        """The newest samples of each of many series, ascending; one without samples is left out."""
        ...

    async def buckets(
        self, property_id: str, start: int, end: int, *, width: int, function: Downsample
    ) -> list[TimeSeriesPoint]:
        """One value for every ``width`` seconds of a range in which there are samples, ascending.

        Buckets begin at multiples of the width, which is the stamp of the value; the first and the
        last hold only what the range does. A gap in the samples is a gap in the answer.

        Raises:
            InvalidInputError: Width or range make no sense, or there are more buckets than one
                answer may have.
        """
        ...

    async def expire(self, before: int) -> int:
        """Remove all samples older than a stamp; how many there were."""
        ...

    async def forget(self, property_ids: Collection[str]) -> int:
        """Remove the series of properties and of all that is below them; how many samples."""
        ...

    async def aclose(self) -> None:
        """Release the connection; idempotent."""
        ...


class TimeSeriesFactory(Protocol):
    """Opens stores of samples."""

    async def open(self, url: str, *, retention: float | None = None) -> TimeSeriesStore:
        """Open the database of a URL such as ``sqlite:///samples.db`` or ``postgresql://host/db``.

        Args:
            url: The database.
            retention: Age in seconds above which samples are removed from time to time; ``None``
                keeps them.

        Raises:
            ConfigurationError: Not a URL of a supported database, or an age that is none.
            UnavailableError: The database cannot be reached; tells why.
        """
        ...
