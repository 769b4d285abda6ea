# SPDX-License-Identifier: Apache-2.0
"""Reasons for an election that never cease do not put it off for ever."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from l8services._election import BullyElection, ElectionRules
from l8types.enums import Action
from l8types.protocols.services import ElectionEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.services import ElectionEffect

ME = "m"
RULES = {"native": ElectionRules(), "go": ElectionRules.go()}


def ticking(
    election: BullyElection, rules: ElectionRules, seconds: float
) -> Iterator[tuple[float, ElectionEffect]]:
    """Let time pass in steps shorter than the debounce, with a reason for an election in each."""
    step = rules.debounce / 3
    for number in itertools.count(1):
        now = 100.0 + number * step
        if now > 100.0 + seconds:
            return
        weaker = ElectionEvent(Action.ELECTION_REQUEST, "a", 0)
        for event in (weaker, ElectionEvent()):
            for effect in election.step(event, now):
                yield now, effect


@pytest.mark.parametrize("profile", RULES)
def test_steady_reasons_put_an_election_off_for_a_limited_time(profile: str) -> None:
    """W-30: each service has a limit of its own for it, and nothing sleeps."""
    rules = RULES[profile]
    election = BullyElection(ME, rules)
    election.step(ElectionEvent(source="a", joined=True), 100.0)
    election.step(ElectionEvent(source=ME, joined=True), 100.0)
    limit = rules.search + rules.debounce_max + rules.window + rules.debounce
    told = list(ticking(election, rules, limit + 1.0))
    led = [now for now, effect in told if effect.leader == ME]
    assert led
    assert led[0] - 100.0 <= limit
