# SPDX-License-Identifier: Apache-2.0
"""A map and a queue that threads may share.

Within one event loop a ``dict`` and :class:`~l8utils.AsyncQueue` are what to use. These are for
blocking code that runs in threads beside the loop. The standard ``queue.Queue`` cannot be closed
before Python 3.13, and knows no policy but waiting.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from l8types.enums import OverflowPolicy
from l8types.errors import ClosedError, OverloadedError
from l8utils._buffers import FifoBuffer

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class SharedMap(Generic[K, V]):
    """A map whose operations are atomic among threads. What is returned is a copy.

    Example:
        >>> from l8utils import SharedMap
        >>> seen = SharedMap[str, int]()
        >>> seen.put_if_absent("a", 1), seen.put_if_absent("a", 2)
        (True, False)
        >>> seen.get("a")
        1
    """

    def __init__(self) -> None:
        self._entries: dict[K, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: K) -> V | None:
        """The value of a key, ``None`` when there is none."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> bool:
        """Store a value; whether the key is new."""
        with self._lock:
            is_new = key not in self._entries
            self._entries[key] = value
            return is_new

    def put_if_absent(self, key: K, value: V) -> bool:
        """Store a value unless the key has one; whether it was stored."""
        with self._lock:
            if key in self._entries:
                return False
            self._entries[key] = value
            return True

    def update(self, key: K, change: Callable[[V | None], V]) -> V:
        """Store what a function makes of the present value (``None`` for none); returns it.

        The map is locked meanwhile: the function must be short and must not use the map.
        """
        with self._lock:
            value = self._entries[key] = change(self._entries.get(key))
            return value

    def pop(self, key: K) -> V | None:
        """Remove a key; its value, ``None`` when there was none."""
        with self._lock:
            return self._entries.pop(key, None)

    def drain(self) -> dict[K, V]:
        """Take everything out."""
        with self._lock:
            entries, self._entries = self._entries, {}
            return entries

    def snapshot(self) -> dict[K, V]:
        """What is in the map now."""
        with self._lock:
            return dict(self._entries)


class SharedQueue(Generic[T]):
    """First in, first out, between threads; bounded and to be closed.

    Args:
        max_items: Items that fit, 0 for any number.
        policy: What happens to an item when the queue is full.
    """

    def __init__(self, max_items: int = 0, *, policy: OverflowPolicy = OverflowPolicy.WAIT) -> None:
        self._buffer: FifoBuffer[T] = FifoBuffer(max_items)
        self._policy = policy
        self._closed = False
        self._dropped = 0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._buffer)

    @property
    def closed(self) -> bool:
        """Whether the queue takes nothing any more."""
        return self._closed

    @property
    def dropped(self) -> int:
        """Items lost to the policy so far."""
        return self._dropped

    def put(self, item: T, *, timeout: float | None = None) -> bool:
        """Put an item in, waiting for room if that is the policy.

        Args:
            item: The item.
            timeout: Seconds to wait for room at most, ``None`` for no limit.

        Returns:
            Whether it is in; false when the policy dropped it.

        Raises:
            ClosedError: The queue is closed, or was closed meanwhile.
            OverloadedError: It is full and the policy is to fail.
            TimeoutError: There was no room in time.
        """
        with self._changed:
            if self._policy is OverflowPolicy.WAIT:
                self._wait(lambda: self._closed or self._buffer.fits(item), timeout)
            if self._closed:
                raise ClosedError("the queue is closed, nothing can be put in")
            if not self._buffer.fits(item) and not self._make_room(item):
                self._dropped += 1
                return False
            self._buffer.push(item)
            self._changed.notify_all()
            return True

    def get(self, *, timeout: float | None = None) -> T:
        """Take the next item out, waiting for one.

        Args:
            timeout: Seconds to wait at most, ``None`` for no limit.

        Raises:
            ClosedError: The queue is closed and empty.
            TimeoutError: There was no item in time.
        """
        with self._changed:
            self._wait(lambda: self._closed or len(self._buffer) > 0, timeout)
            if not len(self._buffer):
                raise ClosedError("the queue is closed and empty")
            item = self._buffer.pop()
            self._changed.notify_all()
            return item

    def clear(self) -> list[T]:
        """Take out everything that is in the queue now."""
        with self._changed:
            items = [self._buffer.pop() for _ in range(len(self._buffer))]
            self._changed.notify_all()
            return items

    def close(self) -> None:
        """Take nothing any more; what is in the queue can still be taken out. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool], timeout: float | None) -> None:
        start = time.monotonic()
        if not self._changed.wait_for(ready, timeout):
            raise TimeoutError(f"the queue was not ready within {time.monotonic() - start:.3f} s")

    def _make_room(self, item: T) -> bool:
        if self._policy is OverflowPolicy.FAIL:
            raise OverloadedError(f"the queue is full with {len(self._buffer)} items")
        if self._policy is OverflowPolicy.DROP_NEWEST:
            return False
        dropped, fits = self._buffer.make_room(item)
        self._dropped += dropped
        return fits
