# SPDX-License-Identifier: Apache-2.0
"""Faults as data: drawn from a seed, applied to a world, taken apart when something fails."""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8test.sim._host import Death, Host
from l8test.sim._quality import LinkQuality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from l8test.sim._world import World

__all__ = ["Fault", "FaultKind", "Schedule"]


class FaultKind(enum.StrEnum):
    """What can go wrong."""

    KILL = "kill"
    """``kill -9``; started again afterwards."""
    POWER = "power"
    """The machine loses its power; started again afterwards."""
    PAUSE = "pause"
    """``SIGSTOP``; resumed afterwards."""
    PARTITION = "partition"
    """The hosts are cut off from all others."""
    ONE_WAY = "one way"
    """Nothing that the hosts send arrives at the others."""
    LOSS = "loss"
    """A share of the packets of the hosts is lost."""
    DELAY = "delay"
    """The packets of the hosts take longer, by seconds."""
    DISORDER = "disorder"
    """A share of the datagrams of the hosts is doubled, and one is overtaken."""
    SLOW = "slow"
    """Connections of the hosts are limited to bytes per second."""
    RESET = "reset"
    """All connections of the hosts are reset once."""
    HALF_OPEN = "half-open"
    """All connections of the hosts go dead without notice."""
    SKEW = "skew"
    """The wall clocks of the hosts go wrong, by seconds."""


_STRENGTHS: Final[dict[FaultKind, tuple[float, float]]] = {
    FaultKind.LOSS: (0.01, 0.3),
    FaultKind.DELAY: (0.01, 0.5),
    FaultKind.DISORDER: (0.05, 0.5),
    FaultKind.SLOW: (2_000, 200_000),
    FaultKind.SKEW: (-600, 600),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong for a while."""

    at: float
    """Virtual seconds after the schedule was applied."""
    kind: FaultKind
    hosts: tuple[str, ...]
    """Names of those concerned."""
    seconds: float = 0.0
    """How long it lasts; without effect on resets and half-open connections."""
    strength: float = 0.0
    """As the kind says; 0 where it has none."""

    @property
    def end(self) -> float:
        """Virtual seconds after which it is over."""
        return self.at + self.seconds

    def __str__(self) -> str:
        strength = f" {self.strength:.4g}" if self.strength else ""
        lasts = f" for {self.seconds:.3f} s" if self.seconds else ""
        return f"{self.at:8.3f} s  {self.kind.value}{strength} {','.join(self.hosts)}{lasts}"

    def begin(self, world: World) -> Callable[[], object]:
        """Let it happen; returns what ends it."""
        hosts = [world.host(name) for name in self.hosts]
        match self.kind:
            case FaultKind.KILL | FaultKind.POWER:
                death = Death.CLOSED if self.kind is FaultKind.KILL else Death.SILENT
                _each(hosts, lambda host: host.kill(death))
                return lambda: _each(hosts, Host.restart)
            case FaultKind.PAUSE:
                _each(hosts, Host.pause)
                return lambda: _each(hosts, Host.resume)
            case FaultKind.RESET:
                world.reset(self.hosts)
            case FaultKind.HALF_OPEN:
                world.sever(self.hosts)
            case FaultKind.SKEW:
                _each(hosts, lambda host: host.set_skew(self.strength))
                return lambda: _each(hosts, lambda host: host.set_skew(0.0))
            case _:
                return self._begin_condition(world)
        return lambda: None

    def _begin_condition(self, world: World) -> Callable[[], object]:
        rest = [host.name for host in world.hosts() if host.name not in self.hosts]
        match self.kind:
            case FaultKind.PARTITION:
                condition = world.partition(self.hosts)
            case FaultKind.ONE_WAY:
                condition = world.cut_one_way(self.hosts, rest)
            case FaultKind.LOSS:
                condition = world.degrade(self.hosts, LinkQuality(loss=self.strength))
            case FaultKind.DELAY:
                quality = LinkQuality(latency=self.strength, jitter=self.strength / 4)
                condition = world.degrade(self.hosts, quality)
            case FaultKind.DISORDER:
                quality = LinkQuality(duplicate=self.strength, reorder=self.strength)
                condition = world.degrade(self.hosts, quality)
            case _:
                condition = world.degrade(self.hosts, LinkQuality(bandwidth=self.strength))
        return lambda: world.heal(condition)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Faults in the order in which they begin; each ends by itself."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def random(
        cls,
        seed: int,
        hosts: Sequence[str],
        seconds: float,
        *,
        count: int | None = None,
        kinds: Iterable[FaultKind] = tuple(FaultKind),
        longest: float = 15.0,
    ) -> Schedule:
        """Draw a schedule.

        Args:
            seed: Equal seeds give equal schedules.
            hosts: Names of those that may be hit.
            seconds: All faults are over by then.
            count: How many; by default one to eight.
            kinds: What may happen.
            longest: Seconds that one may last.
        """
        source = random.Random(f"{seed}/schedule")  # noqa: S311 - repeatable is what is wanted
        number = source.randint(1, 8) if count is None else count
        allowed = list(kinds)
        drawn = [_draw(source, allowed, hosts, seconds, longest) for _ in range(number)]
        return cls(tuple(sorted(drawn, key=lambda fault: (fault.at, fault.kind, fault.hosts))))

    @property
    def end(self) -> float:
        """Virtual seconds after which all faults are over."""
        return max((fault.end for fault in self.faults), default=0.0)

    def only(self, numbers: Iterable[int]) -> Schedule:
        """Some of the faults, by their numbers from 0."""
        return Schedule(tuple(self.faults[number] for number in sorted(set(numbers))))

    def apply(self, world: World) -> None:
        """Have the faults happen in a world, counted from now."""
        for fault in self.faults:
            world.loop.call_later(fault.at, _happen, fault, world)

    def __str__(self) -> str:
        lines = (f"  [{number}] {fault}" for number, fault in enumerate(self.faults))
        return "\n".join(lines) or "  no faults"


def _each(hosts: Iterable[Host], act: Callable[[Host], None]) -> None:
    for host in hosts:
        act(host)


def _happen(fault: Fault, world: World) -> None:
    end = fault.begin(world)
    world.loop.call_later(fault.seconds, end)


def _draw(
    source: random.Random,
    kinds: Sequence[FaultKind],
    hosts: Sequence[str],
    seconds: float,
    longest: float,
) -> Fault:
    kind = source.choice(kinds)
    several = 1 + int(source.random() ** 2 * len(hosts) / 2)
    chosen = tuple(sorted(source.sample(list(hosts), min(several, len(hosts)))))
    instant = kind in {FaultKind.RESET, FaultKind.HALF_OPEN}
    lasts = 0.0 if instant else round(0.05 + source.random() ** 2 * min(longest, seconds / 2), 3)
    at = round(source.uniform(0.0, max(0.0, seconds - lasts)), 3)
    low, high = _STRENGTHS.get(kind, (0.0, 0.0))
    strength = float(f"{source.uniform(low, high):.4g}")
    return Fault(at, kind, chosen, lasts, strength)
