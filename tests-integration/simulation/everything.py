# SPDX-License-Identifier: Apache-2.0
"""All trials in one: each seed is one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8test.sim import Trial

from .cluster import NETWORK
from .ledger import FOUNDING
from .ledger import TRIAL as LEDGER

if TYPE_CHECKING:
    from l8test.sim import Schedule, World

SHARE: Final = 5
"""Of so many seeds the last one is about transactions, the others about the network alone."""


@dataclass(frozen=True)
class AnyTrial:
    """The trial of a seed."""

    network: Trial = NETWORK
    ledger: Trial = LEDGER
    founding: Trial = FOUNDING

    def of(self, seed: int) -> Trial:
        """Which one."""
        if seed % SHARE < SHARE - 1:
            return self.network
        return self.founding if seed % 2 else self.ledger

    def schedule(self, seed: int) -> Schedule:
        """The faults of a seed."""
        return self.of(seed).schedule(seed)

    async def run(self, world: World, schedule: Schedule) -> None:
        """What happens."""
        await self.of(world.seed).run(world, schedule)


TRIAL: Final = AnyTrial()
