# SPDX-License-Identifier: Apache-2.0
"""Reads of several members that have to show one moment, while writes go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from l8services._transactions.office import Phase
from l8types.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8services._transactions.leader import Leader
    from l8services._transactions.timing import Timing
    from l8services._transactions.views import View
    from l8types.protocols.runtime import Clock
    from l8types.values import ServiceKey

__all__ = ["Steady"]

T = TypeVar("T")


class Steady:
    """Repeats a read until nothing was decided while it was made.

    Members are never ahead of their leader, so that they all answered with what it had decided. The
    first attempt disturbs nobody. Where writes are too frequent for it, they wait during the next
    ones: one read after the other, and with a batch of writes between two reads.

    Args:
        key: The service.
        leader: Gives the leader of this node.
        hold: Lets no further batch begin before a time.
        release: Ends that.
        clock: Time.
        timing: Times and limits.
    """

    def __init__(
        self,
        key: ServiceKey,
        leader: Callable[[], Leader],
        hold: Callable[[float], None],
        release: Callable[[], None],
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._key = key
        self._leader = leader
        self._hold = hold
        self._release = release
        self._clock = clock
        self._timing = timing
        self._turn = asyncio.Lock()

    def view(self) -> View:
        """The view that this node leads.

        Raises:
            UnavailableError: It leads none.
        """
        leader = self._leader()
        if leader.phase is not Phase.LEADING or leader.view is None:
            raise UnavailableError(f"this node does not lead service {self._key} any more")
        return leader.view

    async def read(self, gather: Callable[[], Awaitable[T | None]], end: float) -> T:
        """What several members answered at one moment.

        Args:
            gather: Asks them; ``None`` when one did not answer.
            end: When to give up.

        Raises:
            UnavailableError: There was no such moment, or this node leads no longer.
        """
        result = await self._once(gather)
        if result is not None:
            return result
        async with self._turn:
            while True:
                self._hold(self._clock.monotonic() + self._timing.round_timeout)
                try:
                    result = await self._once(gather)
                finally:
                    self._release()
                if result is not None:
                    return result
                pause = self._timing.retry / 10
                if self._clock.monotonic() + pause > end:
                    raise UnavailableError(
                        f"not all nodes of service {self._key} answered for their items in time"
                    )
                await asyncio.sleep(pause)

    async def _once(self, gather: Callable[[], Awaitable[T | None]]) -> T | None:
        before = self.view(), self._leader().outcome
        result = await gather()
        return result if before == (self.view(), self._leader().outcome) else None
