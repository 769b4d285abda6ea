# SPDX-License-Identifier: Apache-2.0
"""What changes on a device: functions of time alone, so that every run and every reader agree.

Nothing moves because it is read. All times are seconds since the device booted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probler.sim._values import Kind, Value

if TYPE_CHECKING:
    from random import Random

    from probler.sim._mib import Reading

__all__ = ["Flow", "Wave", "counter", "gauge", "ticks"]

_TURN = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Wave:
    """A level that swings around a mean.

    Attributes:
        mean: The mean.
        swing: Largest distance from the mean.
        period: Seconds from crest to crest.
        phase: Angle at boot, in radians.
    """

    mean: float
    swing: float
    period: float
    phase: float

    def level(self, since_boot: float) -> float:
        """Level at a time."""
        return self.mean + self.swing * math.sin(_TURN * since_boot / self.period + self.phase)

    @classmethod
    def drawn(cls, random: Random, mean: float, swing: float) -> Wave:
        """Wave with a period between one and fifteen minutes and any phase."""
        return cls(mean, swing, random.uniform(60.0, 900.0), random.uniform(0.0, _TURN))


@dataclass(frozen=True, slots=True)
class Flow:
    """A total that grows at a rate which swings but never turns negative.

    Attributes:
        rate: The rate per second; its swing is at most its mean.
    """

    rate: Wave

    def __post_init__(self) -> None:
        if not 0 <= self.rate.swing <= self.rate.mean:
            msg = f"swing {self.rate.swing} is not between 0 and the mean {self.rate.mean}"
            raise ValueError(msg)

    def total(self, since_boot: float) -> int:
        """Total at a time: the integral of the rate, so it never falls."""
        rate = self.rate
        turns = _TURN / rate.period
        swung = math.cos(rate.phase) - math.cos(turns * since_boot + rate.phase)
        return int(rate.mean * since_boot + rate.swing / turns * swung)

    def scaled(self, factor: float) -> Flow:
        """The same flow in another unit, such as packets for octets."""
        rate = self.rate
        return Flow(Wave(rate.mean * factor, rate.swing * factor, rate.period, rate.phase))


def counter(kind: Kind, flow: Flow, uptime: float) -> Reading:
    """Reading of a counter that wraps where its type ends.

    Args:
        kind: ``COUNTER32`` or ``COUNTER64``.
        flow: What is counted.
        uptime: Seconds between the boot of the device and the start of the simulation.
    """
    modulus = 2**32 if kind is Kind.COUNTER32 else 2**64
    return lambda now: Value(kind, flow.total(uptime + now) % modulus)


def gauge(kind: Kind, wave: Wave, uptime: float, *, high: int) -> Reading:
    """Reading of a level, rounded and kept between 0 and a limit.

    Args:
        kind: ``INTEGER`` or ``GAUGE32``.
        wave: The level.
        uptime: As for :func:`counter`.
        high: The limit.
    """
    return lambda now: Value(kind, min(max(round(wave.level(uptime + now)), 0), high))


def ticks(uptime: float) -> Reading:
    """Reading of a TimeTicks that counts hundredths of a second since boot, and wraps.

    Args:
        uptime: As for :func:`counter`.
    """
    return lambda now: Value(Kind.TIME_TICKS, int((uptime + now) * 100) % 2**32)
