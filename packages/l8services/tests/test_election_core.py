# SPDX-License-Identifier: Apache-2.0
"""Elections among many nodes that lose, delay, cut and restart: the promises hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8services._election import ElectionRules

from .electorate import Electorate, bully

RULES = {"native": ElectionRules(), "go": ElectionRules.go()}


@pytest.mark.feature("ELE-01", "ELE-09", "ELE-13")
@pytest.mark.parametrize("profile", RULES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(3, 15))
def test_one_leader_whatever_happens(profile: str, seed: int, size: int) -> None:
    """10 s after the last trouble each group with a voter has one leader, whom all of it know."""
    dice = random.Random(seed)
    voters = [dice.random() < 0.75 for _ in range(size)]
    world = Electorate(
        bully(RULES[profile]),
        voters,
        seed=seed,
        loss=dice.choice([0.0, 0.05, 0.2]),
        delay=dice.choice([0.01, 0.1]),
        noticed=dice.choice([0.05, 1.0]),
    )
    world.unique = RULES[profile].terms
    names = list(world.citizens)
    world.start(*names[: dice.randint(1, size)])
    left = 0.0
    for _ in range(dice.randint(1, 10)):
        pause = dice.choice([0.01, 0.3, 2.0, 7.0])
        world.run(pause)
        left = max(left - pause, trouble(world, dice))
    world.loss = 0.0
    world.run(left + 10.0)
    assert world.disagreement() == ""
    assert world.problems == []


def trouble(world: Electorate, dice: random.Random) -> float:
    """Something goes wrong, or right again; the seconds that it lasts."""
    name = dice.choice(list(world.citizens))
    match dice.randrange(6):
        case 0:
            world.kill(name)
        case 1 | 2:
            world.start(name)
        case 3:
            world.split({one: dice.randrange(3) for one in world.citizens})
        case 4:
            world.split(dict.fromkeys(world.citizens, 0))
        case _:
            seconds = dice.choice([1.0, 8.0])
            world.pause(name, seconds)
            return seconds
    return 0.0
