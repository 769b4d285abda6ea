# SPDX-License-Identifier: Apache-2.0
"""Replicated services on simulated clusters of the real code, under faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from typing_extensions import override

from l8services._replication.caretaker import Caretaker
from l8test.sim import Schedule, run_seed

from .ledger import conclude, promise
from .spread import SpreadTrial

if TYPE_CHECKING:
    from l8test.sim import World

    from .ledger import Ledger

SEEDS: Final = 6
STEPS: Final = ("send.order", "prepare.begin", "prepare.staged", "prepare.kept", "after.commit")
NODES: Final = 5


@pytest.mark.feature("l8services:REP-04", "REP-05")
@pytest.mark.parametrize("seed", range(SEEDS))
def test_promises_hold(seed: int) -> None:
    """Whatever fails: nothing acknowledged is lost, nothing halved, each item at two nodes."""
    outcome = run_seed(SpreadTrial(switches=2, nodes=9), seed)
    assert outcome.good, outcome.detail + outcome.timeline


@dataclass(frozen=True)
class Crashes(SpreadTrial):
    """All nodes die, one after the other, at a named step; each comes back."""

    step: str = ""

    @override
    def shape(self, seed: int) -> tuple[int, int]:
        """One switch."""
        return 1, NODES

    @override
    def schedule(self, seed: int) -> Schedule:
        """Nothing else goes wrong."""
        return Schedule(())

    @override
    async def act(self, world: World, ledger: Ledger, schedule: Schedule) -> None:
        """Work, and have one node after the other die at the step."""
        ledger.start()
        promise(world, ledger)
        await self._settle(world, ledger)
        await world.sleep(2)
        for host in ledger.node_hosts():
            world.crash_at(self.step, host.name)
            await world.sleep(4)
            self._restart(ledger)
            await world.sleep(4)
        world.crash_points.cancel()
        self._restart(ledger)
        ledger.working = False
        await world.sleep(10)
        await self._settle(world, ledger, within=0)
        await conclude(world, ledger)

    @staticmethod
    def _restart(ledger: Ledger) -> None:
        for host in ledger.node_hosts():
            if not host.alive:
                host.restart()


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_does_no_harm(step: str) -> None:
    """Whoever dies, wherever in its code: items are complete, and on two nodes in the end."""
    outcome = run_seed(Crashes(step=step), 3)
    assert outcome.good, outcome.detail + outcome.timeline


def test_items_that_are_not_copied_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without repair what was written while a holder was away stays at one node."""
    monkeypatch.setattr(Caretaker, "due", lambda *_: False)
    seen = [run_seed(SpreadTrial(switches=1, nodes=5), seed).promise for seed in range(6)]
    assert "all copies are equal" in seen
