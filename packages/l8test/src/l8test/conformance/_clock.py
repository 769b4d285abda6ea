# SPDX-License-Identifier: Apache-2.0
"""Conformance of clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from l8test.wait import until

if TYPE_CHECKING:
    from l8types.protocols.runtime import Clock

__all__ = ["ClockConformance"]

READINGS: Final = 1000
LONG_AGO: Final = 1_577_836_800.0
"""The year 2020; no machine that runs this thinks that it is earlier."""
FAR_AHEAD: Final = 4_102_444_800.0
"""The year 2100: milliseconds and nanoseconds since 1970 are beyond it."""


class ClockConformance:
    """What every ``Clock`` promises.

    Fixture:
        clock: A ``Clock``.
    """

    runs: ClassVar[bool] = True
    """Capability: time passes by itself (that of a test stands still until it is moved)."""

    def test_wall(self, clock: Clock) -> None:
        """The wall clock shows Unix seconds."""
        assert isinstance(clock.now(), float)
        assert LONG_AGO < clock.now() < FAR_AHEAD

    def test_monotonic(self, clock: Clock) -> None:
        """Monotonic time never goes back."""
        readings = [clock.monotonic() for _ in range(READINGS)]
        assert readings == sorted(readings)

    async def test_runs(self, clock: Clock) -> None:
        """Both readings pass, and as fast as each other."""
        if not self.runs:
            pytest.skip("time passes only when the test says so")
        wall, start = clock.now(), clock.monotonic()
        await until(lambda: clock.monotonic() - start >= 0.02)
        await until(lambda: clock.now() > wall)
        passed = clock.monotonic() - start
        assert clock.now() - wall < passed + 1.0
