# SPDX-License-Identifier: Apache-2.0
"""Handling of received messages: in order, many at a time, but not too many.

Handlers are started in the order of arrival (by priority when there are more messages than free
places) and then overlap. A message keeps its place until its handler is done; a handler that
fails is logged and ends nothing but itself. The handler of a request is cancelled when nobody
waits for its answer any more.

A task costs more than a short handler. So a task works on one message after the other as long as
their handlers do not wait for anything; only when one does, others take over what is left. The
last one that has nothing more to do rests until more comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

import msgspec

from l8types.frozen import replace
from l8types.values import Message
from layer8_net._core.priority import FairQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


__all__ = ["Inbound"]

_log = logging.getLogger(__name__)

Key = tuple[str, int]
"""A request: the id of the node that asks, and the sequence that it gave to it."""

_OVERHEAD: Final = 200
"""Bytes that a waiting message is charged beside its data."""
_STRETCH: Final = 256
"""Messages that a task works on before others get their turn on the event loop."""


class _Job(msgspec.Struct, eq=False):
    """A message that has its place."""

    message: Message
    deadline: float
    task: asyncio.Task[None] | None = None
    """Who works on it, ``None`` until then."""
    cancelled: bool = False


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
        handle: Callable[[Message], Awaitable[object]],
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
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._monotonic = monotonic
        self._limit = limit
        self._queue_bytes = queue_bytes
        self._hold = hold
        self._release = release
        self._waiting: FairQueue[tuple[Message, float]] = FairQueue()
        self._holding = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready: deque[_Job] = deque()
        """Messages with a place whose handlers are to be started, in this order."""
        self._busy = 0
        """Handlers that were started and are not done."""
        self._workers: set[asyncio.Task[None]] = set()
        self._coming = 0
        """Workers that were called and did not take their first step yet."""
        self._resting: asyncio.Future[None] | None = None
        """Wakes the worker that rests."""
        self._spread = 1
        """Workers that start together; more while handlers wait for something."""
        self._ended = False
        self._requests: dict[Key, _Job] = {}
        self._queued: set[Key] = set()
        self.expired = 0
        """Requests dropped because their time was over before a handler was free."""
        self.cancelled = 0
        """Requests ended because nobody waits for their answers any more."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Handlers at work, or about to start."""
        return self._busy + len(self._ready)

    @property
    def holding(self) -> bool:
        """Whether the reading is stopped now."""
        return self._holding

    def put(self, messages: list[Message]) -> None:
        """Start the handlers of messages, or let the messages wait."""
        now = self._monotonic()
        free = self._limit - self.active
        for message in messages:
            if free > 0:
                free -= 1
                self._place(message, now)
            else:
                self._waiting.push((message, now), message.priority, len(message.data) + _OVERHEAD)
                if message.request:
                    self._queued.add((message.source, message.sequence))
        if not self._holding and self._waiting.size_bytes > self._queue_bytes:
            self._holding = True
            self._hold()
        self._call_workers()

    def forget(self) -> list[Message]:
        """Remove and return what waits, in order of arrival."""
        waiting = self._waiting.clear()
        queued, self._queued = self._queued, set()
        if self._holding:
            self._holding = False
            self._release()
        return [message for message, _ in waiting if not message.request or _key(message) in queued]

    def deadline(self, message: Message) -> float | None:
        """When the time of a request that is being handled is over, ``None`` without a limit."""
        job = self._requests.get(_key(message))
        return job.deadline if job is not None and message.timeout else None

    def cancel_request(self, key: Key) -> None:
        """Nobody waits for the answer to a request any more; unknown ones are none of ours."""
        job = self._requests.get(key)
        if job is not None:
            if job.cancelled:
                return
            job.cancelled = True
            if job.task is not None:
                job.task.cancel()
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
        """End what is at work, and start nothing any more."""
        self._ended = True
        self._ready.clear()
        for worker in self._workers:
            worker.cancel()
        self._settle()

    # Workers

    def _place(self, message: Message, now: float) -> None:
        job = _Job(message, now + message.timeout)
        self._ready.append(job)
        if message.request:
            self._requests[message.source, message.sequence] = job

    def _call_workers(self) -> None:
        """Have somebody work on what is ready, unless somebody is about to."""
        if not self._ready or self._coming or self._ended:
            return
        self._idle.clear()
        wanted = min(self._spread, len(self._ready))
        self._coming = wanted
        if self._resting is not None:
            self._resting.set_result(None)
            self._resting = None
            wanted -= 1
        for _ in range(wanted):
            # Each in a context of its own, as if each message had its own task.
            worker = self._tasks.create_task(self._work(), context=self._context.copy())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def _take_over(self) -> None:
        """After the first step of a worker: if it waits for something, others go on."""
        if self._ready and not self._coming:
            self._spread *= 2
            self._call_workers()

    async def _work(self) -> None:
        """Work on what is ready, in order; then rest, or leave if another one rests already."""
        try:
            while True:
                self._coming -= 1
                if len(self._ready) > 1:
                    self._loop.call_soon(self._take_over)
                if not await self._stretch() or self._resting is not None:
                    return
                self._resting = self._loop.create_future()
                await self._resting
        finally:
            self._call_workers()

    async def _stretch(self) -> bool:
        """Work until nothing is ready.

        Returns:
            Whether this task may go on: a context that a handler changed, and a cancellation that
            may still be on its way, are not for the next message; and others on the event loop
            are to get their turn.
        """
        ready, handle, waiting = self._ready, self._handle, self._waiting
        task, context = asyncio.current_task(), copy_context()
        try:
            for _ in range(_STRETCH):
                if not ready:
                    self._spread = 1
                    return True
                job = ready.popleft()
                job.task = task
                self._busy += 1
                try:
                    if not job.cancelled:
                        await handle(job.message)
                except asyncio.CancelledError:
                    # The whole interface ends, unless it was this one request.
                    self._ended = self._ended or not job.cancelled
                    raise
                except Exception:  # noqa: BLE001 - the outermost boundary of a message
                    _log_failure(job.message)
                finally:
                    self._busy -= 1
                    if job.message.request:
                        self._forget_request(job)
                    if waiting.size_bytes and not self._ended:
                        # A place is free: the next one of those who wait gets it.
                        self._refill()
                if job.cancelled or copy_context() != context:
                    return False
        finally:
            self._settle()
        return False

    def _forget_request(self, job: _Job) -> None:
        key = _key(job.message)
        # A peer may give the same number to two requests; the entry is the later one's.
        if self._requests.get(key) is job:
            del self._requests[key]

    def _settle(self) -> None:
        if not self._busy and not self._ready:
            self._idle.set()

    def _refill(self) -> None:
        waiting, ready = self._waiting, self._ready
        while waiting and self._busy + len(ready) < self._limit:
            self._place_next(*waiting.pop())
        if self._holding and self._waiting.size_bytes < self._queue_bytes / 2:
            self._holding = False
            self._release()

    def _place_next(self, message: Message, arrived: float) -> None:
        if message.request:
            key = _key(message)
            if key not in self._queued:
                return
            self._queued.discard(key)
        if not message.timeout:
            # Its deadline means nothing, so the clock is not asked.
            self._place(message, arrived)
            return
        now = self._monotonic()
        if now > arrived + message.timeout:
            self.expired += 1
        else:
            # What it waited is part of its time: whoever works on it has what is left.
            left = max(0.001, arrived + message.timeout - now)
            self._place(replace(message, timeout=left), now)


def _key(message: Message) -> Key:
    return message.source, message.sequence


def _log_failure(message: Message) -> None:
    _log.exception("handling of a message to %s area %d", message.service, message.area)
