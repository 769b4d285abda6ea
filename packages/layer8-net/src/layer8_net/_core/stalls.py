# SPDX-License-Identifier: Apache-2.0
"""Tells the silence of a peer from a pause of our own.

A process that is stopped for a while, or a loop that is busy, hears nothing, however much its
peers say: it lies unread. Such a time is no silence. The first look at the clock afterwards leaves
it out, so that what waits is read before anybody is given up.
"""

from __future__ import annotations

__all__ = ["Stalls"]


class Stalls:
    """Finds the times in which this side did not run, by the looks at the clock that are late.

    Args:
        usual: Seconds between two looks that are nothing unusual.
    """

    __slots__ = ("_late", "_looked", "_usual")

    def __init__(self, usual: float) -> None:
        self._usual = usual
        self._looked: float | None = None
        self._late = False

    def look(self, now: float) -> float:
        """Seconds since the last look in which this side did not run, 0 when it was not late.

        Where one look after the other is late, the usual time counts each time, so that the
        silence of a peer is noticed all the same.

        Args:
            now: Monotonic seconds.
        """
        last, self._looked = self._looked, now
        gap = 0.0 if last is None else now - last
        again, self._late = self._late, gap > self._usual
        if not self._late:
            return 0.0
        return gap - self._usual if again else gap
