# SPDX-License-Identifier: Apache-2.0
"""The smallest store of samples that keeps its promises."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from l8types.enums import Downsample
from l8types.errors import InvalidInputError
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

Disk = dict[str, dict[int, float]]

FUNCTIONS: Final[Mapping[Downsample, Callable[[list[float]], float]]] = {
    Downsample.AVG: fmean,
    Downsample.MIN: min,
    Downsample.MAX: max,
    Downsample.LAST: lambda values: values[-1],
    Downsample.COUNT: lambda values: float(len(values)),
}


class FakeSeries:
    """Samples by property and stamp, on what stands for a disk."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    async def append(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        await self.append_many({property_id: points})

    async def append_many(self, series: Mapping[str, Sequence[TimeSeriesPoint]]) -> None:
        self.check(point for points in series.values() for point in points)
        for name, points in series.items():
            if points:
                stamps = self.disk.setdefault(name, {})
                stamps |= {point.stamp: point.value for point in points}

    def check(self, points: Any) -> None:
        """Refuse what is no sample."""
        if not all(math.isfinite(point.value) for point in points):
            raise InvalidInputError("a value is no finite number")

    async def range(self, property_id: str, start: int, end: int) -> list[TimeSeriesPoint]:
        if end < start:
            raise InvalidInputError(f"{start} to {end} is no range")
        known = sorted(self.disk.get(property_id, {}).items())
        return [TimeSeriesPoint(*pair) for pair in known if start <= pair[0] <= end]

    async def latest(self, property_id: str, count: int) -> list[TimeSeriesPoint]:
        known = sorted(self.disk.get(property_id, {}).items())
        return [TimeSeriesPoint(*pair) for pair in known[max(len(known) - count, 0) :]]

    async def latest_many(
        self, property_ids: Collection[str], count: int
    ) -> dict[str, list[TimeSeriesPoint]]:
        found = {name: await self.latest(name, count) for name in property_ids}
        return {name: points for name, points in found.items() if points}

    async def buckets(
        self, property_id: str, start: int, end: int, *, width: int, function: Downsample
    ) -> list[TimeSeriesPoint]:
        if width <= 0:
            raise InvalidInputError(f"{width} is no width")
        groups: dict[int, list[float]] = {}
        for point in await self.range(property_id, start, end):
            groups.setdefault(self.bucket(point.stamp, width), []).append(point.value)
        return [TimeSeriesPoint(at, FUNCTIONS[function](group)) for at, group in groups.items()]

    def bucket(self, stamp: int, width: int) -> int:
        """Where the bucket of a stamp begins."""
        return stamp // width * width

    async def expire(self, before: int) -> int:
        gone = [(s, at) for s in self.disk.values() for at in s if at < before]
        for series, stamp in gone:
            del series[stamp]
        return len(gone)

    async def forget(self, property_ids: Collection[str]) -> int:
        gone = [name for name in self.disk if any(self.below(name, one) for one in property_ids)]
        return sum(len(self.disk.pop(name)) for name in gone)

    def below(self, name: str, above: str) -> bool:
        """Whether a property is another, or part of it."""
        return name == above or name.startswith(f"{above}.")

    async def aclose(self) -> None:
        return None
