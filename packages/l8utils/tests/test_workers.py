# SPDX-License-Identifier: Apache-2.0
"""Many jobs, a few at once."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from l8types.errors import ClosedError, InvalidInputError
from l8utils import Job, WorkerPool, run_all


class Gauge:
    """Counts the jobs that run at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def work(self, result: int) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.now -= 1
        return result


async def fail() -> int:
    """A job that does not succeed."""
    raise ValueError("no")


@pytest.mark.feature("WRK-01")
async def test_no_more_than_the_limit_run_at_once() -> None:
    """All end, and each has its result."""
    gauge = Gauge()
    async with WorkerPool(2) as pool:
        jobs = [await pool.submit(partial(gauge.work, number)) for number in range(10)]
        assert len(pool) <= 2
    assert gauge.most == 2
    assert [await job.result() for job in jobs] == list(range(10))
    assert all(job.done for job in jobs)
    assert len(pool) == 0


@pytest.mark.feature("WRK-01")
async def test_a_failing_job_disturbs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Its error is in the log under its name, and in its result."""
    gauge = Gauge()
    async with WorkerPool(1) as pool:
        bad = await pool.submit(fail, name="bad one")
        good = await pool.submit(partial(gauge.work, 1))
    assert await good.result() == 1
    with pytest.raises(ValueError, match="no"):
        await bad.result()
    assert "job bad one failed" in caplog.text


async def test_leaving_with_an_exception_cancels_the_jobs() -> None:
    """Whoever waits for one is told."""
    jobs: list[Job[bool]] = []

    async def run() -> None:
        async with WorkerPool(1) as pool:
            jobs.append(await pool.submit(asyncio.Event().wait, name="endless"))
            await asyncio.sleep(0)
            raise KeyError("x")

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert caught.group_contains(KeyError)
    with pytest.raises(ClosedError, match="'endless' was cancelled"):
        await jobs[0].result()


async def test_jobs_are_taken_within_the_block_only() -> None:
    """Before and after, and while it is being left, nobody would own them."""
    pool = WorkerPool(1)
    with pytest.raises(ClosedError, match="only within its block"):
        await pool.submit(fail)
    late: list[BaseException] = []
    leaving = asyncio.Event()

    async def submit_late() -> None:
        await leaving.wait()
        try:
            await pool.submit(fail)
        except ClosedError as error:
            late.append(error)

    async with asyncio.TaskGroup() as group, pool:
        await pool.submit(partial(asyncio.sleep, 0))
        group.create_task(submit_late())
        leaving.set()
    assert len(late) == 1


def test_a_pool_has_a_worker_at_least() -> None:
    """Without one, the first submit would wait for ever."""
    with pytest.raises(InvalidInputError, match="pool of 0 workers"):
        WorkerPool(0)


@pytest.mark.feature("WRK-02")
async def test_results_come_in_the_order_of_the_jobs() -> None:
    """All at once, or a few; nothing gives nothing."""
    gauge = Gauge()
    assert await run_all([partial(gauge.work, n) for n in range(5)]) == [0, 1, 2, 3, 4]
    assert gauge.most == 5
    narrow = Gauge()
    assert await run_all([partial(narrow.work, n) for n in range(5)], limit=2) == [0, 1, 2, 3, 4]
    assert narrow.most == 2
    assert await run_all([]) == []


@pytest.mark.feature("WRK-02")
async def test_the_first_failure_is_raised_as_it_is() -> None:
    """Not as a group; the others are cancelled."""
    ended: list[str] = []

    async def endless() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return 0

    async def nested() -> int:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
        return 0

    for failing in (fail, nested):
        with pytest.raises(ValueError, match="no"):
            await run_all([endless, failing])
    assert ended == ["cancelled", "cancelled"]
