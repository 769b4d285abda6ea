# SPDX-License-Identifier: Apache-2.0
"""Virtual time: it jumps, keeps an order, and says when nothing can happen any more."""

from __future__ import annotations

import asyncio
import time

import pytest

from l8test.sim import SimulationError, World, simulate


def test_hours_pass_in_no_time() -> None:
    """A day of waiting takes no time of this machine."""

    async def scenario(world: World) -> None:
        await asyncio.sleep(86_400)

    started = time.perf_counter()
    with simulate() as world:
        world.run(scenario)
        assert world.now == 86_400
    assert time.perf_counter() - started < 5


def test_timers_of_one_moment_keep_their_order() -> None:
    """Timers that are due at the same time go off in the order in which they were set."""
    seen: list[int] = []

    async def scenario(world: World) -> None:
        for number in range(100):
            world.loop.call_at(1.0, seen.append, number)
        await asyncio.sleep(1.0)
        await asyncio.sleep(0)

    with simulate() as world:
        world.run(scenario)
    assert seen == list(range(100))


def test_cancelled_timers_are_cleared_away() -> None:
    """However many timers are cancelled, the others go off and time does not go to the former."""
    seen: list[float] = []

    async def scenario(world: World) -> None:
        loop = world.loop
        for number in range(5000):
            loop.call_later(1000 + number, seen.append, 0.0).cancel()
        loop.call_later(2, lambda: seen.append(loop.time()))
        assert len(loop._timers) < 3000
        await asyncio.sleep(3)

    with simulate() as world:
        world.run(scenario)
        assert (seen, world.now) == ([2.0], 3.0)


def test_time_limits_work() -> None:
    """``asyncio.timeout`` follows virtual time."""

    async def scenario(world: World) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7):
                await asyncio.Event().wait()

    with simulate() as world:
        world.run(scenario)
        assert world.now == 7


def test_deadlock_is_an_error() -> None:
    """When all wait for each other the simulation ends and says so."""

    async def scenario(world: World) -> None:
        await asyncio.Event().wait()

    with simulate() as world, pytest.raises(SimulationError, match="all wait for each other"):
        world.run(scenario)


def test_spinning_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that never lets time pass is found instead of hanging the test."""
    monkeypatch.setattr("l8test.sim._loop._STANDSTILL", 5000)

    async def scenario(world: World) -> None:
        while True:
            await asyncio.sleep(0)

    with simulate() as world, pytest.raises(SimulationError, match="without a pause"):
        world.run(scenario)


def test_rounding_does_not_stop_time() -> None:
    """Who waits for a rest of time that is too small to be added gets on all the same."""

    async def scenario(world: World) -> None:
        await asyncio.sleep(1e9)
        due = world.loop.time() + 1e-4
        while (left := due - world.loop.time()) > 0:
            await asyncio.sleep(left / 1e6)

    with simulate() as world:
        world.run(scenario)
        assert 1e9 < world.now < 1e9 + 0.01


def test_sets_of_tasks_have_an_order() -> None:
    """Tasks in a set come in the order in which they were made: cancelling is repeatable."""

    async def scenario(world: World) -> None:
        async def nothing() -> None:
            pass

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(nothing()) for _ in range(50)]
            assert list(set(tasks)) == tasks

    with simulate() as world:
        world.run(scenario)


def test_executors_run_inline() -> None:
    """Blocking code runs at once, on the one thread; its errors arrive at the caller."""

    async def scenario(world: World) -> None:
        assert await asyncio.to_thread(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)

    with simulate() as world:
        world.run(scenario)


def test_a_world_is_used_once() -> None:
    """A world that is over runs nothing more."""

    async def scenario(world: World) -> None:
        await asyncio.sleep(1)

    with simulate() as world:
        world.run(scenario)
    with pytest.raises(SimulationError, match="make a new one"):
        world.run(scenario)
    with pytest.raises(RuntimeError, match="over"):
        world.loop.call_later(1, print)
