# SPDX-License-Identifier: Apache-2.0
"""Handling of received messages: in order, many at a time, but not too many.

Handlers are started in the order of arrival (by priority when there are more messages than free
places) and then overlap. A message keeps its place until its handler is done; a handler that
fails is logged and ends nothing but itself.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from layer8_net._core.priority import FairQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8types.values import Message

__all__ = ["Inbound"]

_log = logging.getLogger(__name__)

_OVERHEAD: Final = 200
"""Bytes that a waiting message is charged beside its data."""


class Inbound:
    """Starts handlers within a limit and stops the reading when too much waits.

    Args:
        handle: Handles one message.
        tasks: Owner of the handler tasks.
        monotonic: Clock for deadlines.
        limit: Handlers at a time; it bounds memory, and the work that a burst brings upon what
            is behind the services.
        queue_bytes: Bytes that may wait before ``hold`` is called.
        hold: Stops the reading.
        release: Starts it again.
    """

    def __init__(
        self,
        handle: Callable[[Message], Awaitable[None]],
        tasks: asyncio.TaskGroup,
        monotonic: Callable[[], float],
        *,
        limit: int,
        queue_bytes: int,
        hold: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self._handle = handle
        self._tasks = tasks
        self._monotonic = monotonic
        self._limit = limit
        self._queue_bytes = queue_bytes
        self._hold = hold
        self._release = release
        self._waiting: FairQueue[tuple[Message, float]] = FairQueue()
        self._holding = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._running: set[asyncio.Task[None]] = set()
        self.expired = 0
        """Requests dropped because their time was over before a handler was free."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Handlers at work."""
        return len(self._running)

    @property
    def holding(self) -> bool:
        """Whether the reading is stopped now."""
        return self._holding

    def put(self, messages: list[Message]) -> None:
        """Start the handlers of messages, or let the messages wait."""
        for message in messages:
            if self.active < self._limit:
                self._start(message)
            else:
                # Only who waits can be overtaken by a deadline, so only here the clock is read.
                entry = (message, self._monotonic())
                self._waiting.push(entry, message.priority, len(message.data) + _OVERHEAD)
        if not self._holding and self._waiting.size_bytes > self._queue_bytes:
            self._holding = True
            self._hold()

    def forget(self) -> list[Message]:
        """Remove and return what waits, in order of arrival."""
        return [message for message, _ in self._waiting.clear()]

    async def drain(self, timeout: float) -> None:
        """Let those at work finish for up to ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("%d handlers did not finish within %g s", self.active, timeout)

    def cancel(self) -> None:
        """End what is at work."""
        for task in self._running:
            task.cancel()

    def _start(self, message: Message) -> None:
        self._idle.clear()
        task = self._tasks.create_task(self._run(message))
        self._running.add(task)
        task.add_done_callback(self._done)

    async def _run(self, message: Message) -> None:
        try:
            await self._handle(message)
        except Exception:  # noqa: BLE001 - the outermost boundary of a task
            _log.exception("handling of a message to %s area %d", message.service, message.area)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        while self._waiting and self.active < self._limit:
            message, arrived = self._waiting.pop()
            if message.timeout and self._monotonic() > arrived + message.timeout:
                self.expired += 1
            else:
                self._start(message)
        if not self.active:
            self._idle.set()
        if self._holding and self._waiting.size_bytes < self._queue_bytes / 2:
            self._holding = False
            self._release()
