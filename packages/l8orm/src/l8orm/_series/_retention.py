# SPDX-License-Identifier: Apache-2.0
"""Old samples are removed from time to time, for as long as their store is open."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from l8types.errors import ConfigurationError, L8Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Retention", "RetentionStatistics", "check_terms"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionStatistics:
    """What the task has done so far."""

    runs: int = 0
    failures: int = 0
    """Runs that ended with an error; what they left is removed by the next one."""
    removed: int = 0
    """Samples."""


def check_terms(age: float, interval: float = 1.0) -> None:
    """Refuse an age or interval, both in seconds, that is none.

    Raises:
        ConfigurationError: It is not positive.
    """
    if not 0 < age < float("inf"):
        raise ConfigurationError(
            f"samples cannot be kept for {age} seconds; name a positive number, or none at all"
        )
    if not 0 < interval < float("inf"):
        raise ConfigurationError(f"old samples cannot be removed every {interval} seconds")


class Retention:
    """The task that removes old samples.

    A run that fails is logged and repeated at the next turn; only closing ends the task.

    Args:
        expire: Removes what is older than a stamp and tells how much that was.
        age: Seconds above which a sample is old.
        interval: Seconds between two runs; the first is made at once.
        now: Unix seconds.

    Raises:
        ConfigurationError: An age or interval that is none.
    """

    def __init__(
        self,
        expire: Callable[[int], Awaitable[int]],
        *,
        age: float,
        interval: float,
        now: Callable[[], float],
    ) -> None:
        check_terms(age, interval)
        self.age = age
        self._interval = interval
        self._expire = expire
        self._now = now
        self._statistics = RetentionStatistics()
        self._closing = asyncio.Event()
        # Owned by this object: it is told to end, and waited for, when it is closed.
        self._task = asyncio.create_task(self._run(), name="time series: expiry")  # noqa: TID251

    def statistics(self) -> RetentionStatistics:
        """What was done so far."""
        return self._statistics

    async def run(self) -> int:
        """Remove what is old now; how many samples.

        Raises:
            UnavailableError: The store is down or locked.
        """
        return await self._expire(floor(self._now() - self.age))

    async def aclose(self) -> None:
        """End the task after what it is just doing; idempotent."""
        self._closing.set()
        await self._task

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._try()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._closing.wait()

    async def _try(self) -> None:
        before = self._statistics
        try:
            removed = await self.run()
        except L8Error as error:
            _log.warning("old samples could not be removed, trying again later: %s", error)
        except Exception:  # noqa: BLE001 - the boundary of the task
            _log.exception("old samples could not be removed, trying again later")
        else:
            self._statistics = RetentionStatistics(
                before.runs + 1, before.failures, before.removed + removed
            )
            return
        self._statistics = RetentionStatistics(before.runs + 1, before.failures + 1, before.removed)
