# SPDX-License-Identifier: Apache-2.0
"""One timer for the earliest of many deadlines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Goes off when the first deadline is over, and again for those that are left.

    Args:
        earliest: The earliest deadline in monotonic seconds, ``None`` without one.
        now: Monotonic seconds.
        due: Called when it goes off.
    """

    def __init__(
        self,
        earliest: Callable[[], float | None],
        now: Callable[[], float],
        due: Callable[[], None],
    ) -> None:
        self._earliest = earliest
        self._now = now
        self._due = due
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0

    def by(self, deadline: float) -> None:
        """Go off for a new deadline; mostly it goes off earlier anyway."""
        if self._timer is None or self._at > deadline:
            self.set()

    def set(self) -> None:
        """Go off for the earliest deadline."""
        deadline = self._earliest()
        if deadline is None or (self._timer is not None and self._at <= deadline):
            return
        self.cancel()
        self._at = deadline
        delay = max(0.0, deadline - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._go_off)

    def cancel(self) -> None:
        """Do not go off."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_off(self) -> None:
        self._timer = None
        self._due()
        self.set()
