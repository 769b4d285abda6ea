# SPDX-License-Identifier: Apache-2.0
"""Handling of received messages: in order, many at a time, but not too many.

Handlers are started in the order of arrival (by priority when there are more messages than free
places) and then overlap. A message keeps its place until its handler is done; a handler that
fails is logged and ends nothing but itself. The handler of a request is cancelled when nobody
waits for its answer any more.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from layer8_net._core.priority import FairQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8types.values import Message

__all__ = ["Inbound"]

_log = logging.getLogger(__name__)

Key = tuple[str, int]
"""A request: the id of the node that asks, and the sequence that it gave to it."""

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
        self._running: dict[asyncio.Task[None], Key | None] = {}
        self._requests: dict[Key, tuple[asyncio.Task[None], float]] = {}
        self._queued: set[Key] = set()
        self.expired = 0
        """Requests dropped because their time was over before a handler was free."""
        self.cancelled = 0
        """Requests ended because nobody waits for their answers any more."""

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
        now = self._monotonic()
        for message in messages:
            if self.active < self._limit:
                self._start(message, now)
            else:
                self._waiting.push((message, now), message.priority, len(message.data) + _OVERHEAD)
                if message.request:
                    self._queued.add((message.source, message.sequence))
        if not self._holding and self._waiting.size_bytes > self._queue_bytes:
            self._holding = True
            self._hold()

    def forget(self) -> list[Message]:
        """Remove and return what waits, in order of arrival."""
        waiting = self._waiting.clear()
        queued, self._queued = self._queued, set()
        return [message for message, _ in waiting if not message.request or _key(message) in queued]

    def deadline(self, message: Message) -> float | None:
        """When the time of a request that is being handled is over, ``None`` without a limit."""
        running = self._requests.get(_key(message))
        return running[1] if running is not None and message.timeout else None

    def cancel_request(self, key: Key) -> None:
        """Nobody waits for the answer to a request any more; unknown ones are none of ours."""
        running = self._requests.get(key)
        if running is not None:
            if running[0].cancelling():
                return
            running[0].cancel()
        elif key in self._queued:
            self._queued.discard(key)
        else:
            return
        self.cancelled += 1

    def cancel_requests_of(self, node: str) -> None:
        """A node left: nobody waits for the answers to its requests."""
        keys = [key for key in (*self._requests, *self._queued) if key[0] == node]
        for key in keys:
            self.cancel_request(key)

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

    def _start(self, message: Message, now: float) -> None:
        self._idle.clear()
        task = self._tasks.create_task(self._run(message))
        key = _key(message) if message.request else None
        self._running[task] = key
        if key is not None:
            self._requests[key] = task, now + message.timeout
        task.add_done_callback(self._done)

    async def _run(self, message: Message) -> None:
        try:
            await self._handle(message)
        except Exception:  # noqa: BLE001 - the outermost boundary of a task
            _log.exception("handling of a message to %s area %d", message.service, message.area)

    def _done(self, task: asyncio.Task[None]) -> None:
        # Not at the end of the task itself: one that is cancelled early never gets there.
        key = self._running.pop(task)
        if key is not None and self._requests.get(key, (None,))[0] is task:
            # A peer may give the same number to two requests; the entry is the later one's.
            del self._requests[key]
        while self._waiting and self.active < self._limit:
            self._start_next(*self._waiting.pop())
        if not self.active:
            self._idle.set()
        if self._holding and self._waiting.size_bytes < self._queue_bytes / 2:
            self._holding = False
            self._release()

    def _start_next(self, message: Message, arrived: float) -> None:
        if message.request:
            key = _key(message)
            if key not in self._queued:
                return
            self._queued.discard(key)
        now = self._monotonic()
        if not message.timeout:
            self._start(message, now)
        elif now > arrived + message.timeout:
            self.expired += 1
        else:
            # What it waited is part of its time: whoever works on it has what is left.
            left = max(0.001, arrived + message.timeout - now)
            self._start(replace(message, timeout=left), now)


def _key(message: Message) -> Key:
    return message.source, message.sequence
