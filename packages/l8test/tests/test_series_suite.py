# SPDX-License-Identifier: Apache-2.0
"""The suite about samples passes a store that keeps its promises and catches each mutant."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import TimeSeriesConformance
from l8types.values import TimeSeriesPoint

from .fake_series import FakeSeries
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def stores(*, forgetful: bool = False, **members: Any) -> Fixtures:
    """Fixtures with a store that differs in these members."""
    make = type("Mutant", (FakeSeries,), members)

    def opener() -> Callable[[], Any]:
        disk: dict[str, Any] = {}

        @asynccontextmanager
        async def opened() -> AsyncIterator[Any]:
            if forgetful:
                disk.clear()
            yield make(disk)

        return opened

    return {"open_series": opener}


async def open_ended(self: FakeSeries, name: str, start: int, end: int) -> list[TimeSeriesPoint]:
    """A range without its last stamp."""
    return await FakeSeries.range(self, name, start, end - 1)


async def any_range(self: FakeSeries, name: str, start: int, end: int) -> list[TimeSeriesPoint]:
    """A range that may end before it starts."""
    return await FakeSeries.range(self, name, start, max(start, end))


async def one_series(self: FakeSeries, series: Any) -> None:
    """Everything goes to the first series."""
    for points in series.values():
        await FakeSeries.append_many(self, {next(iter(series)): points})


async def first_wins(self: FakeSeries, series: Any) -> None:
    """A stamp that is known keeps its value."""
    self.check(point for points in series.values() for point in points)
    for name, points in series.items():
        for point in points:
            self.disk.setdefault(name, {}).setdefault(point.stamp, point.value)


async def one_by_one(self: FakeSeries, series: Any) -> None:
    """A batch that stops half-way."""
    for name, points in series.items():
        await FakeSeries.append_many(self, {name: points})


async def oldest(self: FakeSeries, name: str, count: int) -> list[TimeSeriesPoint]:
    """The other end of the series."""
    return [TimeSeriesPoint(*pair) for pair in sorted(self.disk.get(name, {}).items())][:count]


async def with_empty(self: FakeSeries, names: Any, count: int) -> Any:
    """Tells of series that have no samples."""
    return {name: await self.latest(name, count) for name in names}


async def whole_buckets(
    self: FakeSeries, name: str, start: int, end: int, *, width: int, function: Any
) -> list[TimeSeriesPoint]:
    """The first and the last bucket hold what is beside the range, too."""
    start, end = start // width * width, end // width * width + width - 1
    return await FakeSeries.buckets(self, name, start, end, width=width, function=function)


async def inclusive(self: FakeSeries, before: int) -> int:
    """The stamp itself goes, too."""
    return await FakeSeries.expire(self, before + 1)


async def close_once(self: FakeSeries) -> None:
    """A store that cannot be closed again."""
    del self.disk


MUTANTS: list[tuple[type, Fixtures, str]] = [
    (TimeSeriesConformance, stores(range=open_ended), "test_range"),
    (TimeSeriesConformance, stores(range=any_range), "test_nonsense"),
    (TimeSeriesConformance, stores(append_many=one_series), "test_append_many"),
    (TimeSeriesConformance, stores(append_many=first_wins), "test_again"),
    (TimeSeriesConformance, stores(append_many=one_by_one), "test_no_number"),
    (TimeSeriesConformance, stores(check=lambda *_: None), "test_no_number"),
    (TimeSeriesConformance, stores(latest=oldest), "test_latest"),
    (TimeSeriesConformance, stores(latest_many=with_empty), "test_latest_many"),
    (
        TimeSeriesConformance,
        stores(bucket=lambda self, stamp, width: int(stamp / width) * width),
        "test_buckets",
    ),
    (TimeSeriesConformance, stores(buckets=whole_buckets), "test_bucket_bounds"),
    (TimeSeriesConformance, stores(expire=inclusive), "test_expire"),
    (
        TimeSeriesConformance,
        stores(below=lambda self, name, above: name.startswith(above)),
        "test_forget",
    ),
    (TimeSeriesConformance, stores(aclose=close_once), "test_close"),
    (TimeSeriesConformance, stores(forgetful=True), "test_durable"),
]


def test_sound() -> None:
    """A store that keeps its promises passes."""
    assert failures(TimeSeriesConformance, stores()) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """A store that breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
