# SPDX-License-Identifier: Apache-2.0
"""Messages without an answer that are collected and leave together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from l8types.errors import ClosedError, L8Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from l8types.enums import Action
    from layer8_net._core.batch import Collector

__all__ = ["ServiceBatch"]

_log = logging.getLogger(__name__)


class ServiceBatch:
    """Items for one service; see ``l8types.protocols.net.Batch``.

    What cannot be sent at the moment stays, in order, and is tried again after the interval. Once
    the limits are reached, :meth:`add` tells its caller why instead of taking more.

    Args:
        collector: Keeps the items.
        send: Sends the items of a run.
        size_of: Encoded size of an item; refuses what cannot be encoded.
        spawn: Starts a task of the interface, for the flush when the interval is over.
        interval: Seconds.
        closed: Told once that the batch is closed.
    """

    def __init__(
        self,
        collector: Collector,
        send: Callable[[Action, list[object]], Awaitable[None]],
        size_of: Callable[[object], int],
        spawn: Callable[[Coroutine[object, object, None]], object],
        *,
        interval: float,
        closed: Callable[[ServiceBatch], None],
    ) -> None:
        self._collector = collector
        self._send = send
        self._size_of = size_of
        self._spawn = spawn
        self._interval = interval
        self._on_closed = closed
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def add(self, action: Action, item: object) -> None:
        """Add an item; waits only while the send queue is full.

        Raises:
            ClosedError: The batch or its interface is closed.
            EncodeError: The item cannot be represented in the network's profile.
            UnavailableError: It is full and cannot be sent now; the item was not taken.
        """
        if self._closed:
            raise ClosedError("the batch is closed")
        size_bytes = self._size_of(item)
        if not self._collector.fits(size_bytes):
            await self.flush()
        self._collector.add(action, item, size_bytes)
        if self._collector.full:
            await self._try_flush()
        self._arm()

    async def flush(self) -> None:
        """Send what was collected: runs of one action, in order, as one message each.

        Raises:
            UnavailableError: There is no connection now; what was not sent stays.
        """
        # One at a time: a second flush must not overtake the first one.
        async with self._lock:
            while (run := self._collector.first()) is not None:
                try:
                    await self._send(run.action, run.items)
                except L8Error:
                    # An error says that nothing was sent; a cancellation comes after that.
                    self._collector.put_back(run)
                    raise

    async def aclose(self) -> None:
        """Flush and end; idempotent.

        Raises:
            UnavailableError: There is no connection now; what was not sent is lost.
        """
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._on_closed(self)
        await self.flush()

    def _arm(self) -> None:
        if self._timer is None and self._collector.items and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._due)

    def _due(self) -> None:
        self._timer = None
        if not self._closed:
            self._spawn(self._flush_and_arm())

    async def _flush_and_arm(self) -> None:
        await self._try_flush()
        self._arm()

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except L8Error as error:
            # What is kept now is bounded: the next item beyond the limits raises this error.
            _log.debug("%d items of a batch wait: %s", self._collector.items, error.message)
