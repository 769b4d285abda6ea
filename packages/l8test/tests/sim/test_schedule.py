# SPDX-License-Identifier: Apache-2.0
"""Schedules of faults: drawn, applied, taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8test.sim import Fault, FaultKind, Schedule, World, shrink, simulate

from .programs import forever

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTS = ["a", "b", "c", "d"]


@given(seed=st.integers(), seconds=st.floats(1, 1000))
def test_drawn_schedules(seed: int, seconds: float) -> None:
    """A seed always gives the same faults; they are in order, in time, and on known hosts."""
    schedule = Schedule.random(seed, HOSTS, seconds)
    assert Schedule.random(seed, HOSTS, seconds) == schedule
    assert 1 <= len(schedule.faults) <= 8
    assert schedule.end <= seconds + 0.01
    assert list(schedule.faults) == sorted(schedule.faults, key=lambda fault: fault.at)
    for fault in schedule.faults:
        assert set(fault.hosts) <= set(HOSTS)
        assert str(fault) in str(schedule)


def test_all_kinds_are_drawn() -> None:
    """Over many seeds all kinds of faults come up, and only allowed ones if told."""
    drawn = [fault for seed in range(100) for fault in Schedule.random(seed, HOSTS, 30).faults]
    assert {fault.kind for fault in drawn} == set(FaultKind)
    kills = Schedule.random(1, HOSTS, 30, kinds=[FaultKind.KILL], count=20)
    assert {fault.kind for fault in kills.faults} == {FaultKind.KILL}


@pytest.mark.parametrize("kind", FaultKind)
def test_a_fault_begins_and_ends(kind: FaultKind) -> None:
    """Each kind of fault is noted when it happens; when it has ended all is as it was."""
    strength = {FaultKind.SLOW: 1000.0, FaultKind.SKEW: 60.0}.get(kind, 0.5)
    fault = Fault(1.0, kind, ("a",), 2.0, strength)

    async def scenario(world: World) -> None:
        hosts = [world.host(name) for name in "ab"]
        for host in hosts:
            host.start(forever)
        quality = world.network.quality(*hosts)
        world.apply(Schedule((fault,)))
        await world.sleep(2)
        changed = (
            world.network.quality(*hosts) != quality,
            not hosts[0].alive,
            hosts[0].paused,
            bool(hosts[0].clock.skew),
        )
        instant = kind in {FaultKind.RESET, FaultKind.HALF_OPEN}
        assert sum(changed) == (0 if instant else 1)
        assert any(entry.time == 1.0 for entry in world.timeline.entries)
        await world.sleep(2)
        assert world.network.quality(*hosts) == quality
        assert hosts[0].alive
        assert hosts[0].powered
        assert not hosts[0].paused
        assert not hosts[0].clock.skew

    with simulate() as world:
        world.run(scenario)


def test_only_some_faults() -> None:
    """Faults are picked by number."""
    schedule = Schedule.random(1, HOSTS, 30, count=5)
    assert schedule.only([3, 0, 3]).faults == (schedule.faults[0], schedule.faults[3])


@given(
    count=st.integers(0, 24),
    needed=st.sets(st.integers(0, 23), max_size=4),
)
def test_shrinking_finds_what_is_needed(count: int, needed: set[int]) -> None:
    """Of any parts, exactly those that are needed for the failure are left."""
    wanted = {part for part in needed if part < count}

    def fails(parts: Sequence[int]) -> bool:
        return wanted <= set(parts)

    assert set(shrink(count, fails)) == wanted


def test_shrinking_is_quick() -> None:
    """Two of a hundred parts are found with far fewer attempts than there are pairs."""
    attempts: list[int] = []

    def fails(parts: Sequence[int]) -> bool:
        attempts.append(len(parts))
        return {17, 71} <= set(parts)

    assert shrink(100, fails) == [17, 71]
    assert len(attempts) < 100
