# SPDX-License-Identifier: Apache-2.0
"""Bounded queues between tasks of one event loop, with a named policy for when they are full."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from l8types.enums import OverflowPolicy, Priority
from l8types.errors import ClosedError, OverloadedError
from l8utils._buffers import Buffer, FifoBuffer, Frame, PriorityBuffer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueueStatistics:
    """State of a queue.

    Attributes:
        items: Items that wait.
        size_bytes: Their bytes, 0 where items have no size.
        dropped: Items lost to the overflow policy so far.
        waiting_producers: Tasks that wait for room.
        waiting_consumers: Tasks that wait for an item.
    """

    items: int
    size_bytes: int
    dropped: int
    waiting_producers: int
    waiting_consumers: int


class _WaitingQueue(Generic[T]):
    """Tasks that wait around a buffer, served in the order in which they came.

    A producer that waits leaves its item in the line, from where it is put in as soon as it fits.
    So a large item cannot be overtaken for ever by small ones, and nothing has to be checked again
    when the producer wakes up.
    """

    def __init__(self, buffer: Buffer[T], policy: OverflowPolicy) -> None:
        self._buffer = buffer
        self._policy = policy
        self._producers: deque[tuple[asyncio.Future[None], T]] = deque()
        self._consumers: deque[asyncio.Future[None]] = deque()
        self._dropped = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._buffer)

    @property
    def closed(self) -> bool:
        """Whether the queue takes nothing any more."""
        return self._closed

    def statistics(self) -> QueueStatistics:
        """What is in the queue and what it has dropped."""
        return QueueStatistics(
            len(self._buffer),
            self._buffer.size_bytes,
            self._dropped,
            len(self._producers),
            len(self._consumers),
        )

    def close(self) -> None:
        """Take nothing any more, not even from producers that wait; idempotent.

        What is in the queue can still be taken out.
        """
        self._closed = True
        while self._producers:
            waiter, _ = self._producers.popleft()
            if not waiter.done():
                waiter.set_exception(_closed_error())
        while self._consumers:
            self._wake_consumer()

    def _take(self, limit: int) -> list[T]:
        count = min(limit, len(self._buffer))
        items = [self._buffer.pop() for _ in range(count)]
        while self._producers and self._buffer.fits(self._producers[0][1]):
            waiter, item = self._producers.popleft()
            # One that was cancelled takes itself out of the line, but only when it runs again.
            if not waiter.done():
                self._push(item)
                waiter.set_result(None)
        return items

    async def _put(self, item: T) -> bool:
        if self._policy is not OverflowPolicy.WAIT or self._has_room(item):
            return self._put_now(item)
        waiter = asyncio.get_running_loop().create_future()
        entry = (waiter, item)
        self._producers.append(entry)
        try:
            await waiter
        finally:
            if entry in self._producers:
                self._producers.remove(entry)
        return True

    def _put_now(self, item: T) -> bool:
        if not self._has_room(item) and not self._make_room(item):
            self._dropped += 1
            return False
        self._push(item)
        return True

    async def _get(self) -> T:
        while not len(self._buffer):
            if self._closed:
                raise ClosedError("the queue is closed and empty")
            waiter = asyncio.get_running_loop().create_future()
            self._consumers.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter in self._consumers:
                    self._consumers.remove(waiter)
                elif len(self._buffer):
                    # Woken and cancelled at once: the item belongs to the next in line.
                    self._wake_consumer()
                raise
        return self._take(1)[0]

    def _has_room(self, item: T) -> bool:
        if self._closed:
            raise _closed_error()
        self._buffer.check(item)
        return not self._producers and self._buffer.fits(item)

    def _push(self, item: T) -> None:
        self._buffer.push(item)
        self._wake_consumer()

    def _make_room(self, item: T) -> bool:
        if self._policy is OverflowPolicy.DROP_NEWEST:
            return False
        if self._policy is OverflowPolicy.DROP_OLDEST:
            dropped, fits = self._buffer.make_room(item)
            self._dropped += dropped
            return fits
        raise OverloadedError(
            f"the queue is full with {len(self._buffer)} items "
            f"of {self._buffer.size_bytes} bytes, try again later"
        )

    def _wake_consumer(self) -> None:
        while self._consumers:
            waiter = self._consumers.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


def _closed_error() -> ClosedError:
    return ClosedError("the queue is closed, nothing can be put in")


class AsyncQueue(_WaitingQueue[T]):
    """First in, first out.

    Args:
        max_items: Items that fit, 0 for any number.
        policy: What happens to an item when the queue is full.
    """

    def __init__(self, max_items: int = 0, *, policy: OverflowPolicy = OverflowPolicy.WAIT) -> None:
        super().__init__(FifoBuffer(max_items), policy)

    async def put(self, item: T) -> bool:
        """Put an item in, waiting for room if that is the policy.

        Returns:
            Whether it is in; false when the policy dropped it.

        Raises:
            ClosedError: The queue is closed.
            OverloadedError: It is full and the policy is to fail.
        """
        return await self._put(item)

    def put_nowait(self, item: T) -> bool:
        """The same without waiting: a full queue with the policy to wait fails.

        Raises:
            ClosedError: The queue is closed.
            OverloadedError: It is full and the policy is to wait or to fail.
        """
        return self._put_now(item)

    async def get(self) -> T:
        """Take the next item out, waiting for one.

        Raises:
            ClosedError: The queue is closed and empty.
        """
        return await self._get()

    def clear(self) -> list[T]:
        """Take out everything that is in the queue now."""
        return self._take(len(self))


class PriorityByteQueue(_WaitingQueue[Frame]):
    """Frames by priority, fair to the lower levels, bounded in number and in bytes.

    Args:
        max_items: Frames that fit, 0 for any number.
        max_bytes: Bytes that fit, 0 for any number.
        policy: What happens to a frame when the queue is full. The oldest of the lowest level is
            dropped first, never one that is more urgent than the new.
    """

    def __init__(
        self,
        *,
        max_items: int = 100_000,
        max_bytes: int = 67_108_864,
        policy: OverflowPolicy = OverflowPolicy.WAIT,
    ) -> None:
        super().__init__(PriorityBuffer(max_items=max_items, max_bytes=max_bytes), policy)

    async def put(self, data: bytes, priority: Priority = Priority.P8) -> bool:
        """Put a frame in, waiting for room if that is the policy.

        Returns:
            Whether it is in; false when the policy dropped it.

        Raises:
            ClosedError: The queue is closed.
            OverloadedError: It is full and the policy is to fail.
            InvalidInputError: The frame is larger than the whole queue.
        """
        return await self._put((data, priority))

    def put_nowait(self, data: bytes, priority: Priority = Priority.P8) -> bool:
        """The same without waiting: a full queue with the policy to wait fails.

        Raises:
            ClosedError: The queue is closed.
            OverloadedError: It is full and the policy is to wait or to fail.
            InvalidInputError: The frame is larger than the whole queue.
        """
        return self._put_now((data, priority))

    async def get(self) -> bytes:
        """Take the next frame out, waiting for one.

        Raises:
            ClosedError: The queue is closed and empty.
        """
        return (await self._get())[0]

    async def get_batch(self, limit: int) -> list[bytes]:
        """Wait for a frame, then take up to ``limit`` that are there.

        Raises:
            ClosedError: The queue is closed and empty.
        """
        first = await self._get()
        return [first[0], *(data for data, _ in self._take(limit - 1))]

    def clear(self) -> list[bytes]:
        """Take out everything that is in the queue now, in the order of consumption."""
        return [data for data, _ in self._take(len(self))]
