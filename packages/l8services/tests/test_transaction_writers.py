# SPDX-License-Identifier: Apache-2.0
"""The threads that wait for disks."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from l8services._transactions.writers import THREADS, Writers

from .virtual import until


def wait_for(event: threading.Event) -> None:
    """Be as slow as the event is late."""
    event.wait(30)


def alive() -> list[threading.Thread]:
    """The threads that are there now."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("journals ")]


async def test_work_is_done_elsewhere_and_its_errors_come_back() -> None:
    """The caller waits for the end, gets what was raised, and others are not held up."""
    writers = Writers.join()
    try:
        where: list[str] = []
        await writers.run(lambda: where.append(threading.current_thread().name))
        assert where != [threading.current_thread().name]

        def fails() -> None:
            raise OSError(28, "no space left on device")

        with pytest.raises(OSError, match="no space"):
            await writers.run(fails)
        await writers.run(lambda: where.append("after"))
        assert where[-1] == "after"
    finally:
        writers.leave()


async def test_much_at_a_time() -> None:
    """However much comes, all of it is done, by a few threads."""
    writers = Writers.join()
    done: list[int] = []
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(writers.run(partial(done.append, number)))
        assert sorted(done) == list(range(200))
        assert 1 <= len(alive()) <= THREADS
    finally:
        writers.leave()


async def test_a_slow_one_does_not_hold_up_the_next() -> None:
    """While one write waits for its disk, another one is done."""
    writers, go = Writers.join(), threading.Event()
    try:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            slow = group.create_task(writers.run(lambda: wait_for(go)))
            await asyncio.sleep(0)
            await writers.run(lambda: None)
            assert not slow.done()
            go.set()
    finally:
        go.set()
        writers.leave()


async def test_threads_end_with_their_last_user() -> None:
    """Users of one loop share the threads; what was asked for before the end is done."""
    first, second = Writers.join(), Writers.join()
    assert first is second
    await first.run(lambda: None)
    first.leave()
    done: list[int] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(second.run(lambda: done.append(1)))
        await asyncio.sleep(0)
        second.leave()
    assert done == [1]
    await until(lambda: not alive(), "the end of the threads")
    third = Writers.join()
    assert third is not first
    third.leave()


async def test_who_gives_up_harms_nobody() -> None:
    """A cancelled caller leaves the threads as they were."""
    writers, go = Writers.join(), threading.Event()
    try:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(writers.run(lambda: wait_for(go)))
            await asyncio.sleep(0)
            waiting.cancel()
        go.set()
        await writers.run(lambda: None)
    finally:
        writers.leave()
