# SPDX-License-Identifier: Apache-2.0
"""Hosts: killed, paused, started again, and their clocks."""

from __future__ import annotations

import asyncio
import gc

import pytest

from l8test.sim import (
    EPOCH,
    BrokenPromiseError,
    Death,
    Host,
    HostDiedError,
    SimulationError,
    World,
    simulate,
    step,
)

from .programs import forever


def test_a_killed_host_runs_nothing_more() -> None:
    """After a kill no ``finally``, no callback and no timer of the host runs."""
    seen: list[str] = []

    async def main(host: Host) -> None:
        host.loop.call_later(1.5, seen.append, "timer")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(forever(host))
                await asyncio.sleep(2)
        except asyncio.CancelledError:
            seen.append("cancelled")
        finally:
            seen.append("finally")

    async def scenario(world: World) -> None:
        host = world.host("a")
        host.start(main)
        await world.sleep(1)
        host.kill()
        assert not host.alive
        gc.collect()
        await world.sleep(5)
        assert seen == []

    with simulate() as world:
        world.run(scenario)


def test_a_restart_is_a_new_life() -> None:
    """The program starts from the beginning; what it wrote on its disk is there."""

    async def main(host: Host) -> None:
        host.disk["lives"] = host.disk.get("lives", 0) + 1
        await forever(host)

    async def scenario(world: World) -> None:
        host = world.host("a")
        host.start(main)
        await world.sleep(1)
        host.restart()
        with pytest.raises(SimulationError, match="runs already"):
            host.start(main)
        host.kill(Death.SILENT)
        host.kill()
        host.restart()
        await world.sleep(1)
        assert host.disk == {"lives": 2}
        with pytest.raises(SimulationError, match="never started"):
            world.host("b").restart()

    with simulate() as world:
        world.run(scenario)


def test_a_paused_host_catches_up() -> None:
    """While it is paused nothing of it runs; resumed, what became due runs in order."""
    seen: list[tuple[int, float]] = []

    def note(number: int) -> None:
        seen.append((number, world.now))

    async def main(host: Host) -> None:
        for number in range(1, 4):
            host.loop.call_later(number, note, number)
        await forever(host)

    async def scenario(world: World) -> None:
        host = world.host("a")
        host.start(main)
        await world.sleep(1.5)
        host.pause()
        assert host.paused
        await world.sleep(8.5)
        assert seen == [(1, 1.0)]
        host.resume()
        host.resume()
        await world.sleep(1)
        assert seen == [(1, 1.0), (2, 10.0), (3, 10.0)]
        assert "resumed, 2 steps due" in world.timeline.render()

    with simulate() as world:
        world.run(scenario)


def test_a_paused_host_can_be_killed() -> None:
    """What waited for the host to go on is gone with it."""
    seen: list[str] = []

    async def main(host: Host) -> None:
        await asyncio.sleep(1)
        seen.append("ran")

    async def scenario(world: World) -> None:
        host = world.host("a")
        host.start(main)
        await world.sleep(0.5)
        host.pause()
        await world.sleep(1)
        host.kill()
        host.resume()
        host.pause()
        await world.sleep(1)
        assert seen == []

    with simulate() as world:
        world.run(scenario)


def test_calls_from_outside() -> None:
    """A scenario runs code on a host and gets its result, its error, or learns that it died."""

    async def scenario(world: World) -> None:
        host = world.host("a")

        async def name() -> str:
            return world.running_host()

        async def fail() -> None:
            raise KeyError("x")

        with pytest.raises(HostDiedError, match="not alive"):
            await host.call(name)
        with pytest.raises(HostDiedError, match="not alive"):
            host.do(name)
        host.start(forever)
        assert await host.call(name) == "a"
        assert world.running_host() == ""
        with pytest.raises(KeyError):
            await host.call(fail)
        world.loop.call_later(1, host.kill)
        with pytest.raises(HostDiedError, match="killed"):
            await host.call(lambda: forever(host))

    with simulate() as world:
        world.run(scenario)


def test_clocks() -> None:
    """Wall clocks can be wrong by host; time that passes is the same for all."""

    async def scenario(world: World) -> None:
        a, b = world.host("a"), world.host("b")
        await world.sleep(10)
        a.set_skew(-90)
        assert (a.clock.now(), b.clock.now()) == (EPOCH - 80, EPOCH + 10)
        assert a.clock.monotonic() == b.clock.monotonic() == 10

    with simulate() as world:
        world.run(scenario)


def test_errors_do_not_vanish() -> None:
    """An exception that leaves a program, a callback or a forgotten task fails the simulation."""

    async def main(host: Host) -> None:
        raise ValueError("main")

    async def callback(host: Host) -> None:
        host.loop.call_soon(lambda: 1 / 0)
        await forever(host)

    async def forgotten(host: Host) -> None:
        async def fail() -> None:
            raise ValueError("forgotten")

        _ = host.loop.create_task(fail())
        await forever(host)

    for program, text in ((main, "main"), (callback, "division"), (forgotten, "forgotten")):
        with simulate() as world:
            world.host("a").start(program)
            with pytest.raises(BrokenPromiseError, match=rf"no exception escapes.*{text}"):
                world.run(lambda world: world.sleep(1))


def test_a_crash_at_a_named_step() -> None:
    """A host that was told to dies in the middle of its code, at the step and time it was told."""
    seen: list[str] = []

    async def main(host: Host) -> None:
        for number in range(5):
            await asyncio.sleep(1)
            step("before")
            step("write")
            seen.append(f"{host.disk.setdefault('life', 1)}.{number}")
        await forever(host)

    async def scenario(world: World) -> None:
        world.crash_at("write", "a", nth=3)
        with pytest.raises(ValueError, match="nth 0"):
            world.crash_at("write", "a", nth=0)
        a, b = world.host("a"), world.host("b")
        a.start(main)
        await world.until(lambda: not a.alive)
        assert world.now == pytest.approx(3, abs=0.02)
        assert seen == ["1.0", "1.1"]
        assert world.crash_points.pending() == []
        b.start(main)
        a.disk["life"] = 2
        a.restart()
        await world.sleep(6)
        assert [one for one in seen if one.startswith("2")] == [f"2.{n}" for n in range(5)]
        assert b.alive
        step("write")

    with simulate() as world:
        world.run(scenario)
        assert "reached the step write" in world.timeline.render()


def test_a_crash_that_was_called_off() -> None:
    """A host that has not come to its last step when that is cancelled lives on."""

    async def main(host: Host) -> None:
        await asyncio.sleep(1)
        step("write")
        await forever(host)

    async def scenario(world: World) -> None:
        world.crash_at("write", "a")
        world.host("a").start(main)
        assert world.crash_points.pending() == [("write", "a")]
        world.crash_points.cancel()
        assert world.crash_points.pending() == []
        await world.sleep(2)
        assert world.host("a").alive

    with simulate() as world:
        world.run(scenario)


def test_a_crash_in_a_callback() -> None:
    """A crash may also hit a callback; nobody takes it for an error."""

    async def main(host: Host) -> None:
        host.loop.call_later(1, step, "tick")
        await forever(host)

    with simulate() as world:
        world.crash_at("tick", "a", death=Death.SILENT)
        world.host("a").start(main)
        world.run(lambda world: world.sleep(2))
        assert not world.host("a").powered


def test_nothing_is_left_behind() -> None:
    """The end of a simulation closes what ran, even code that waits on its way out; silently."""

    async def stubborn(host: Host) -> None:
        try:
            await forever(host)
        finally:
            await asyncio.sleep(1)
            await asyncio.sleep(1)

    async def scenario(world: World) -> None:
        for name in "abc":
            world.host(name).start(stubborn)
        await world.sleep(1)
        world.host("a").kill()

    with simulate() as world:
        world.run(scenario)
    gc.collect()
