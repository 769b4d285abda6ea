# SPDX-License-Identifier: Apache-2.0
"""One seed of a trial: a world, a schedule of faults, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from l8test.sim._errors import BrokenPromiseError
from l8test.sim._shrink import shrink
from l8test.sim._world import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8test.sim._schedule import Schedule
    from l8test.sim._world import World

__all__ = ["Outcome", "Trial", "minimize", "run_seed"]

_TAIL = 60
"""Lines of a time-line that are kept of a failure."""


class Trial(Protocol):
    """What is run with many seeds."""

    def schedule(self, seed: int) -> Schedule:
        """The faults of a seed."""
        ...

    async def run(self, world: World, schedule: Schedule) -> None:
        """Start hosts, apply the schedule, wait for what has to happen."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one seed."""

    seed: int
    faults: tuple[int, ...]
    """Numbers of the faults that happened."""
    promise: str = ""
    """Name of the broken promise, "" when all held."""
    detail: str = ""
    """What was seen of it."""
    digest: str = ""
    """Equal for equal time-lines."""
    timeline: str = ""
    """Its end, of a failure."""
    schedule: str = ""
    """The faults, readable; of a failure."""
    simulated: float = 0.0
    """Virtual seconds."""
    cpu: float = 0.0
    """Seconds of this machine's processor."""
    steps: int = 0
    """Callbacks that were run."""

    @property
    def good(self) -> bool:
        """Whether all promises held."""
        return not self.promise


def run_seed(trial: Trial, seed: int, faults: Sequence[int] | None = None) -> Outcome:
    """Run one seed.

    Args:
        trial: What to run.
        seed: Decides everything.
        faults: Numbers of the only faults that are to happen, ``None`` for all of the schedule.
    """
    schedule = trial.schedule(seed)
    numbers = tuple(range(len(schedule.faults)) if faults is None else faults)
    chosen = schedule.only(numbers)
    promise = detail = ""
    started = time.process_time()
    with simulate(seed) as world:
        try:
            world.run(lambda world: trial.run(world, chosen))
        except BrokenPromiseError as error:
            promise, detail = error.name, str(error)
        except Exception as error:  # noqa: BLE001 - a trial that fails is what is looked for
            promise, detail = type(error).__name__, str(error)
    return Outcome(
        seed=seed,
        faults=numbers,
        promise=promise,
        detail=detail,
        digest=world.timeline.digest(),
        timeline=world.timeline.render(_TAIL) if promise else "",
        schedule=str(chosen) if promise else "",
        simulated=world.now,
        cpu=time.process_time() - started,
        steps=world.loop.steps,
    )


def minimize(trial: Trial, failed: Outcome) -> Outcome:
    """Leave out faults while the same promise is still broken; the smallest failure.

    Args:
        trial: What was run.
        failed: Its failure.
    """
    best = failed

    def fails(parts: Sequence[int]) -> bool:
        nonlocal best
        tried = run_seed(trial, failed.seed, [failed.faults[part] for part in parts])
        if tried.promise != failed.promise:
            return False
        best = tried
        return True

    shrink(len(failed.faults), fails)
    return best
