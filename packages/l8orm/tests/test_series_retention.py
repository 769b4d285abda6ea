# SPDX-License-Identifier: Apache-2.0
"""Old samples are removed from time to time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from l8orm._series._factory import SqlTimeSeriesFactory
from l8orm._series._retention import Retention, RetentionStatistics
from l8types.errors import ConfigurationError, UnavailableError
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class FakeStore:
    """Tells what it was asked to expire, and fails as told."""

    before: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def expire(self, before: int) -> int:
        self.before.append(before)
        if self.failures:
            raise self.failures.pop(0)
        return 3


async def until(condition: Callable[[], bool]) -> None:
    """Let the task work until something holds."""
    while not condition():
        await asyncio.sleep(0)


async def test_it_runs_at_once_and_again_by_the_clock_it_was_given() -> None:
    """What is removed is older than now less the age; the figures add up."""
    store, times = FakeStore(), iter((100.9, 200.0, *range(300, 10_000)))
    task = Retention(store.expire, age=60, interval=1e-6, now=lambda: next(times))
    await until(lambda: len(store.before) >= 3)
    await task.aclose()
    assert store.before[:3] == [40, 140, 240]
    runs = len(store.before)
    assert task.statistics() == RetentionStatistics(runs, 0, 3 * runs)


async def test_a_run_that_fails_is_logged_and_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a database that is down nor a mistake ends the task."""
    store = FakeStore(failures=[UnavailableError("the database is down"), KeyError("odd")])
    task = Retention(store.expire, age=60, interval=1e-6, now=lambda: 0.0)
    await until(lambda: len(store.before) >= 3)
    await task.aclose()
    assert (task.statistics().failures, task.statistics().removed) == (
        2,
        3 * (len(store.before) - 2),
    )
    assert "trying again later: the database is down" in caplog.text
    assert "KeyError" in caplog.text


async def test_closing_ends_the_task_in_the_middle_of_waiting() -> None:
    """However long the interval is; a second time is as the first."""
    store = FakeStore()
    task = Retention(store.expire, age=60, interval=1e6, now=lambda: 0.0)
    await until(lambda: bool(store.before))
    await task.aclose()
    await task.aclose()
    assert store.before == [-60]


async def test_ages_and_intervals_are_positive() -> None:
    """Anything else is told before a task is made."""
    store = FakeStore()
    for age, interval in ((0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (float("nan"), 1.0)):
        with pytest.raises(ConfigurationError):
            Retention(store.expire, age=age, interval=interval, now=lambda: 0.0)
    assert store.before == []


@pytest.mark.feature("ORM-32")
async def test_a_store_that_is_opened_with_an_age_removes_what_is_older(lasting: str) -> None:
    """As time goes by and on demand; a new age replaces the old one."""
    now = 1_000.0
    factory = SqlTimeSeriesFactory(now=lambda: now)
    store = await factory.open(lasting, retention=100)
    first = store.retention
    assert first is not None
    await store.append("s", [TimeSeriesPoint(stamp, 1.0) for stamp in (899, 900, 950, 1_000)])
    assert await first.run() in {0, 1}
    assert [point.stamp for point in await store.range("s", 0, 2_000)] == [900, 950, 1_000]
    now = 1_045.0
    await store.keep_for(90, interval=1e-3)
    second = store.retention
    assert second is not None
    await until(lambda: second.statistics().removed == 2)
    assert [point.stamp for point in await store.range("s", 0, 2_000)] == [1_000]
    for age, interval in ((-1, 1.0), (1, 0.0)):
        with pytest.raises(ConfigurationError):
            await store.keep_for(age, interval=interval)
    assert store.retention is second
    await store.aclose()
