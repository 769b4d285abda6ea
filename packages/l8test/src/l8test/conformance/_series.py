# SPDX-License-Identifier: Apache-2.0
"""Conformance of stores of samples."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar

import pytest

from l8types.enums import Downsample
from l8types.errors import InvalidInputError
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from l8types.protocols.stores import TimeSeriesStore

__all__ = ["SeriesOpener", "TimeSeriesConformance"]

SeriesOpener = Callable[[], AbstractAsyncContextManager["TimeSeriesStore"]]
"""Opens a store of samples, and closes it; a second call opens the same samples again."""

_CPU = "device<{24}{24}a>.cpu"
_MEMORY = "device<{24}{24}a>.memory"
_EVER = (-(2**40), 2**40)


def _points(*pairs: tuple[int, float]) -> list[TimeSeriesPoint]:
    return [TimeSeriesPoint(stamp, value) for stamp, value in pairs]


class TimeSeriesConformance:
    """What every ``TimeSeriesStore`` promises.

    Fixture:
        open_series: A ``SeriesOpener``.
    """

    durable: ClassVar[bool] = True
    """Capability: the samples outlive the object that stored them."""

    async def test_range(self, open_series: SeriesOpener) -> None:
        """Samples come back ascending, in whatever order they came; both bounds are included."""
        async with open_series() as store:
            await store.append(_CPU, _points((180, 3.0), (60, 1.0)))
            await store.append(_CPU, _points((120, 2.0), (240, 4.0)))
            assert await store.range(_CPU, 60, 180) == _points((60, 1.0), (120, 2.0), (180, 3.0))
            assert await store.range(_CPU, 61, 119) == []
            assert await store.range("device<{24}{24}b>.cpu", *_EVER) == []

    async def test_append_many(self, open_series: SeriesOpener) -> None:
        """Several series in one call stay apart; empty ones leave nothing behind."""
        async with open_series() as store:
            await store.append_many(
                {_CPU: _points((1, 1.0), (2, 2.0)), _MEMORY: _points((1, 9.0)), "empty": []}
            )
            assert await store.range(_CPU, *_EVER) == _points((1, 1.0), (2, 2.0))
            assert await store.range(_MEMORY, *_EVER) == _points((1, 9.0))
            assert await store.range("empty", *_EVER) == []

    async def test_again(self, open_series: SeriesOpener) -> None:
        """Samples that come again change nothing; a new value of a stamp replaces the old one."""
        async with open_series() as store:
            for _ in range(2):
                await store.append(_CPU, _points((1, 1.0), (2, 2.0)))
            assert await store.range(_CPU, *_EVER) == _points((1, 1.0), (2, 2.0))
            await store.append(_CPU, _points((2, 5.0), (2, 6.0)))
            assert await store.range(_CPU, *_EVER) == _points((1, 1.0), (2, 6.0))

    async def test_latest(self, open_series: SeriesOpener) -> None:
        """The newest samples come ascending, fewer when there are fewer."""
        async with open_series() as store:
            assert await store.latest(_CPU, 5) == []
            await store.append(_CPU, _points((3, 3.0), (1, 1.0), (2, 2.0)))
            assert await store.latest(_CPU, 2) == _points((2, 2.0), (3, 3.0))
            assert await store.latest(_CPU, 9) == _points((1, 1.0), (2, 2.0), (3, 3.0))
            assert await store.latest(_CPU, 0) == []

    async def test_latest_many(self, open_series: SeriesOpener) -> None:
        """The same for many series at once; those without samples are left out."""
        async with open_series() as store:
            await store.append_many({_CPU: _points((1, 1.0), (2, 2.0)), _MEMORY: _points((7, 7.0))})
            assert await store.latest_many([_MEMORY, _CPU, "none"], 1) == {
                _CPU: _points((2, 2.0)),
                _MEMORY: _points((7, 7.0)),
            }

    @pytest.mark.parametrize(
        ("function", "values"),
        [
            (Downsample.AVG, (4.0, 2.0, 3.5)),
            (Downsample.MIN, (4.0, 1.0, 2.0)),
            (Downsample.MAX, (4.0, 3.0, 5.0)),
            (Downsample.LAST, (4.0, 3.0, 2.0)),
            (Downsample.COUNT, (1.0, 2.0, 2.0)),
        ],
    )
    async def test_buckets(
        self, open_series: SeriesOpener, function: Downsample, values: tuple[float, ...]
    ) -> None:
        """Buckets begin at multiples of the width, and gaps in the samples stay gaps."""
        async with open_series() as store:
            await store.append(_CPU, _points((-7, 4.0), (0, 1.0), (9, 3.0), (30, 5.0), (31, 2.0)))
            found = await store.buckets(_CPU, -9, 31, width=10, function=function)
            assert found == _points(*zip((-10, 0, 30), values, strict=True))

    async def test_bucket_bounds(self, open_series: SeriesOpener) -> None:
        """The first and the last bucket hold only what the range does."""
        async with open_series() as store:
            await store.append(_CPU, _points((1, 1.0), (5, 5.0), (12, 12.0), (19, 19.0)))
            found = await store.buckets(_CPU, 5, 12, width=10, function=Downsample.MAX)
            assert found == _points((0, 5.0), (10, 12.0))

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    async def test_no_number(self, open_series: SeriesOpener, value: float) -> None:
        """What is no finite number keeps its whole batch out."""
        async with open_series() as store:
            with pytest.raises(InvalidInputError):
                await store.append_many({_CPU: _points((1, 1.0)), _MEMORY: _points((2, value))})
            assert await store.range(_CPU, *_EVER) == []

    async def test_nonsense(self, open_series: SeriesOpener) -> None:
        """A range that ends before it starts, and buckets without width, are refused."""
        async with open_series() as store:
            with pytest.raises(InvalidInputError):
                await store.range(_CPU, 2, 1)
            with pytest.raises(InvalidInputError):
                await store.buckets(_CPU, 1, 2, width=0, function=Downsample.AVG)

    async def test_expire(self, open_series: SeriesOpener) -> None:
        """What is older than a stamp goes, the stamp itself stays."""
        async with open_series() as store:
            await store.append_many({_CPU: _points((1, 1.0), (5, 5.0)), _MEMORY: _points((4, 4.0))})
            assert (await store.expire(5), await store.expire(5)) == (2, 0)
            assert await store.range(_CPU, *_EVER) == _points((5, 5.0))
            assert await store.range(_MEMORY, *_EVER) == []

    async def test_forget(self, open_series: SeriesOpener) -> None:
        """A series goes with all that is below it, and nothing beside it."""
        gone = ("device<{24}{24}a>.cpu", "device<{24}{24}a>.ports<{2}0>.load", "host.cpu")
        kept = ("device<{24}{24}A>.cpu", "device<{24}{24}ab>.cpu", "host.cpus")
        async with open_series() as store:
            await store.append_many({name: _points((1, 1.0), (2, 2.0)) for name in gone + kept})
            assert await store.forget(["device<{24}{24}a>", "host.cpu", "none"]) == 6
            found = await store.latest_many(gone + kept, 1)
            assert sorted(found) == sorted(kept)

    async def test_close(self, open_series: SeriesOpener) -> None:
        """Closing twice is as closing once."""
        async with open_series() as store:
            await store.aclose()
            await store.aclose()

    async def test_durable(self, open_series: SeriesOpener) -> None:
        """What was stored is there when the store is opened again."""
        if not self.durable:
            pytest.skip("the implementation keeps samples in memory only")
        async with open_series() as store:
            await store.append(_CPU, _points((1, 1.0), (2, 2.0)))
        async with open_series() as again:
            assert await again.range(_CPU, *_EVER) == _points((1, 1.0), (2, 2.0))
