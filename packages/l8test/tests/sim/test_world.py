# SPDX-License-Identifier: Apache-2.0
"""Worlds: repeatable from a seed, with promises that are watched, and without traces afterwards."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import secrets
import uuid

import pytest

from l8test.sim import BrokenPromiseError, Host, LinkQuality, Schedule, World, run_seed, simulate

from .programs import forever
from .trials import GOOD


def timeline(seed: int) -> str:
    """Time-line of a run with many faults."""
    with simulate(seed, log_level=logging.DEBUG) as world:
        world.run(lambda world: GOOD.run(world, GOOD.schedule(seed)))
    return world.timeline.render()


def test_one_seed_one_timeline() -> None:
    """The same seed gives the same time-line to the letter, another seed another one."""
    first = timeline(7)
    garbage = [object() for _ in range(1000)]
    assert timeline(7) == first
    assert timeline(8) != first
    assert first.count("heard") > 30
    assert len(garbage) == 1000


def draw() -> tuple[object, ...]:
    """Something from each source of randomness."""
    return (
        random.random(),
        os.urandom(4),
        uuid.uuid4(),
        secrets.token_hex(4),
        random.SystemRandom().random(),
    )


def drawn(seed: int) -> dict[str, list[tuple[object, ...]]]:
    """What hosts and scenario draw."""
    seen: dict[str, list[tuple[object, ...]]] = {}

    async def main(host: Host) -> None:
        seen.setdefault(host.name, []).append(draw())

    async def scenario(world: World) -> None:
        for name in "ab":
            world.host(name).start(main)
        seen["scenario"] = [draw()]
        await world.sleep(1)

    with simulate(seed) as world:
        world.run(scenario)
    return seen


def test_randomness_comes_from_the_seed() -> None:
    """All common sources repeat with the seed; each host has its own; afterwards they are real."""
    state, urandom = random.getstate(), os.urandom
    first = drawn(3)
    assert drawn(3) == first
    assert drawn(4) != first
    assert first["a"] != first["b"]
    assert os.urandom is urandom
    assert random.getstate() == state
    assert secrets.token_hex(8) != secrets.token_hex(8)


def test_a_host_draws_its_own() -> None:
    """What one host draws changes nothing for another one."""

    def of_b(draws: int) -> object:
        seen: list[bytes] = []

        async def a(host: Host) -> None:
            for _ in range(draws):
                os.urandom(8)

        async def b(host: Host) -> None:
            seen.append(os.urandom(8))

        async def scenario(world: World) -> None:
            world.host("a").start(a)
            await world.sleep(1)
            world.host("b").start(b)
            await world.sleep(1)

        with simulate() as world:
            world.run(scenario)
        return seen

    assert of_b(0) == of_b(5)


def test_promises_are_watched() -> None:
    """A promise that is broken ends the simulation at once; the time-line and the error say it."""
    broken: list[str] = []

    async def scenario(world: World) -> None:
        world.invariant("peace", lambda: "; ".join(broken), every=0.5)
        await world.sleep(2.2)
        broken.append("war")
        await world.sleep(100)

    with simulate() as world, pytest.raises(BrokenPromiseError) as caught:
        world.run(scenario)
    assert (caught.value.name, caught.value.detail, caught.value.time) == ("peace", "war", 2.5)
    assert "FAILED peace: war" in world.timeline.render()


def test_promises_are_checked_at_the_end() -> None:
    """A promise may be for the end alone, and say what is wrong with an assertion."""

    def never() -> None:
        raise AssertionError("as expected")

    async def scenario(world: World) -> None:
        world.invariant("end", never, every=None)
        await world.sleep(5)

    with simulate() as world, pytest.raises(BrokenPromiseError, match=r"end at 5\.000 s: as expe"):
        world.run(scenario)


def test_waiting_for_conditions() -> None:
    """A scenario waits for conditions in virtual time, and is told which one never came."""

    async def scenario(world: World) -> None:
        assert await world.until(lambda: world.now >= 3 and "done") == "done"
        with pytest.raises(TimeoutError, match=r"^the end did not hold within 2 s"):
            await world.until(lambda: False, 2, message="the end")
        assert world.now == pytest.approx(5, abs=0.05)

    with simulate() as world:
        world.run(scenario)


def test_errors_of_scenarios() -> None:
    """What a scenario raises comes out as it is."""

    async def scenario(world: World) -> None:
        raise KeyError("mine")

    with simulate() as world, pytest.raises(KeyError, match="mine"):
        world.run(scenario)


def test_logs_go_into_the_timeline() -> None:
    """Log records of hosts appear with their host, time and error."""
    log = logging.getLogger("test")

    async def main(host: Host) -> None:
        await asyncio.sleep(1.5)
        log.warning("number %d", 5, exc_info=ValueError("five"))
        log.info("nobody hears this")

    async def scenario(world: World) -> None:
        world.host("a").start(main)
        await world.sleep(2)

    with simulate() as world:
        world.run(scenario)
    text = world.timeline.render()
    assert "  1.500000  a             warning test: number 5 (ValueError: five)" in text
    assert "nobody" not in text
    assert world.timeline.render(1).startswith(f"... {len(world.timeline.entries) - 1} earlier")


def test_degrading() -> None:
    """Conditions add up, the worst counts, and each can be ended alone."""

    async def scenario(world: World) -> None:
        a, b, c = (world.host(name) for name in "abc")
        quality = world.network.quality
        slow = world.degrade(["a"], LinkQuality(latency=1))
        lossy = world.degrade(["a", "b"], LinkQuality(loss=0.5))
        assert (quality(a, b).latency, quality(a, b).loss) == (1, 0.5)
        assert (quality(b, c).latency, quality(b, c).loss) == (0.0002, 0.5)
        assert quality(a, a).latency < 0.0001
        world.heal(slow)
        assert (quality(a, b).latency, quality(a, b).loss) == (0.0002, 0.5)
        world.heal(lossy)
        assert quality(a, b).loss == 0
        three = world.partition(["a"], ["b"])
        assert all(quality(x, y).cut for x, y in ((a, b), (b, c), (c, a)))
        world.heal(three)
        assert not quality(a, b).cut

    with simulate() as world:
        world.run(scenario)


def test_the_collector_is_back_afterwards() -> None:
    """Automatic garbage collection rests while a world runs, and only then."""
    assert gc.isenabled()
    with simulate():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with simulate():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_worlds_do_not_pile_up() -> None:
    """What a world used can be collected when it is over."""

    def count() -> int:
        gc.collect()
        return sum(isinstance(one, Host) for one in gc.get_objects())

    before = count()
    for seed in range(3):
        assert run_seed(GOOD, seed).good
    assert count() <= before


def test_an_empty_schedule() -> None:
    """Nothing happens, and says so."""

    async def scenario(world: World) -> None:
        world.host("a").start(forever)
        world.apply(Schedule())
        await world.sleep(1)

    with simulate() as world:
        world.run(scenario)
    assert str(Schedule()) == "  no faults"
    assert Schedule().end == 0
