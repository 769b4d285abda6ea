# SPDX-License-Identifier: Apache-2.0
"""The owner of a handler's tasks."""

import asyncio

import pytest

from collect._tasks import TaskScope
from l8types.errors import ClosedError

from .fakes import until


async def test_a_scope_is_opened_and_closed_by_different_tasks() -> None:
    """Its work runs in between and ends with it."""
    scope, ended = TaskScope("test"), list[str]()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async with asyncio.TaskGroup() as group:
        await group.create_task(scope.open())
        scope.start(work, "waits")
        await asyncio.sleep(0)
        await group.create_task(scope.aclose())
    assert ended == ["work"]
    await scope.aclose()


async def test_one_piece_of_work_is_stopped_alone() -> None:
    """Also one that has not begun."""
    scope, begun = TaskScope("test"), list[int]()

    async def work() -> None:
        begun.append(1)
        await asyncio.Event().wait()

    await scope.open()
    job = scope.start(work, "one")
    scope.start(work, "two")
    await until(lambda: len(begun) == 2)
    await job.stop()
    await scope.start(work, "three").stop()
    assert len(begun) == 2
    await scope.aclose()


async def test_work_that_fails_is_logged_and_ends_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Its siblings serve others."""
    scope, steps = TaskScope("test"), list[int]()

    async def fails() -> None:
        raise ZeroDivisionError

    async def works() -> None:
        while True:
            await asyncio.sleep(0)
            steps.append(1)

    await scope.open()
    scope.start(works, "works")
    scope.start(fails, "fails")
    await until(lambda: "fails failed" in caplog.text)
    count = len(steps)
    await until(lambda: len(steps) > count)
    await scope.aclose()


async def test_a_closed_scope_starts_nothing() -> None:
    """Neither before nor after."""
    scope = TaskScope("test")
    with pytest.raises(ClosedError, match="cannot start 'x'"):
        scope.start(scope.open, "x")
    await scope.open()
    await scope.aclose()
    with pytest.raises(ClosedError, match="test is not active"):
        scope.start(scope.open, "x")
