# SPDX-License-Identifier: Apache-2.0
"""Threads that wait for disks, so that the event loop need not.

Handing a write to a thread of the loop's own pool costs about as much as the write itself. Here a
few threads serve all journals of a loop: a thread that is awake takes what has come meanwhile, and
wakes the loop once for several writes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Writers"]

THREADS: Final = 3
"""Disks do several writes at a time in less time than one after the other, a few of them."""
STRETCH: Final = 3
"""Writes that a thread does before it tells the loop."""

_Job = tuple["Callable[[], None]", "asyncio.Future[None]"]


class Writers:
    """The threads of one event loop, there as long as somebody uses them.

    All methods but :meth:`run` may be called in the thread of the loop only.
    """

    _of: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Writers]] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: deque[_Job | None] = deque()
        """What is to be done; ``None`` ends a thread."""
        self._count = threading.Semaphore(0)
        """As many as there are jobs: a thread that takes several finds fewer later."""
        self._users = 0
        self._threads = 0

    @classmethod
    def join(cls) -> Writers:
        """Those of the running loop; to be left with :meth:`leave`."""
        loop = asyncio.get_running_loop()
        writers = cls._of.get(loop)
        if writers is None:
            writers = cls._of[loop] = cls(loop)
        writers._users += 1
        return writers

    def leave(self) -> None:
        """Not used any more; the threads end with the last user, after what is on its way."""
        self._users -= 1
        if not self._users:
            for _ in range(self._threads):
                self._put(None)
            self._threads = 0
            # Who comes later gets threads of its own.
            self._of.pop(self._loop, None)

    async def run(self, work: Callable[[], None]) -> None:
        """Do something in a thread and wait for its end; whoever gives up does not stop it.

        Raises:
            Exception: What ``work`` raised.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        if len(self._jobs) >= self._threads < THREADS:
            self._threads += 1
            name = f"journals {self._threads}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        self._put((work, future))
        await future

    def _put(self, job: _Job | None) -> None:
        self._jobs.append(job)
        self._count.release()

    def _serve(self) -> None:
        """Work until told to end."""
        while True:
            self._count.acquire()
            done: list[tuple[asyncio.Future[None], Exception | None]] = []
            while len(done) < STRETCH:
                try:
                    job = self._jobs.popleft()
                except IndexError:
                    # Another thread was quicker, which had more than its share.
                    break
                if job is None:
                    self._tell(done)
                    return
                done.append((job[1], _error_of(job[0])))
            self._tell(done)

    def _tell(self, done: list[tuple[asyncio.Future[None], Exception | None]]) -> None:
        if done:
            # A loop that was closed meanwhile has nobody who waits.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_finish, done)


def _error_of(work: Callable[[], None]) -> Exception | None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        return error
    return None


def _finish(done: list[tuple[asyncio.Future[None], Exception | None]]) -> None:
    for future, error in done:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
