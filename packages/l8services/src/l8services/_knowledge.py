# SPDX-License-Identifier: Apache-2.0
"""How much of the changes of each instance is known here; a synchronous core.

Deletions are remembered for a while only. What tells an item that was known and deleted here from
one that never arrived is whether the change that made it was known: stamps of an instance never go
back, so one time per instance says that for all its changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8services._versions import Stamp

__all__ = ["Knowledge", "covered"]


class Knowledge:
    """Times of stamps, per instance, up to which all its changes are known; they only grow."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def reach(self, source: str, time: int) -> None:
        """All changes of an instance with stamps up to this time are known."""
        if time > self._times.get(source, 0):
            self._times[source] = time

    def merge(self, times: Mapping[str, int]) -> None:
        """A whole copy of an instance that knows this much was taken over."""
        for source, time in times.items():
            self.reach(source, time)

    def covers(self, stamp: Stamp) -> bool:
        """Whether a version was known here."""
        return covered(self._times, stamp)

    def times(self) -> dict[str, int]:
        """All of it."""
        return dict(self._times)


def covered(times: Mapping[str, int], stamp: Stamp) -> bool:
    """Whether who knows this much knew a version."""
    return stamp.time <= times.get(stamp.source, 0)
