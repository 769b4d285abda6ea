# SPDX-License-Identifier: Apache-2.0
"""Runs many jobs with a limit on how many at once; every task has an owner."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Generic, TypeVar

from l8types.errors import ClosedError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

_logger = logging.getLogger(__name__)


class Job(Generic[T]):
    """One job of a pool."""

    def __init__(self, name: str) -> None:
        self.name = name
        """What it is called in the log."""
        self._done = asyncio.Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._done.is_set()

    async def result(self) -> T:
        """Wait for the end of the job.

        Raises:
            ClosedError: The job was cancelled with its pool.
            Exception: What the job raised.
        """
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set whenever there is no error

    async def _run(self, work: Callable[[], Awaitable[T]]) -> None:
        try:
            self._value = await work()
        except asyncio.CancelledError:
            self._error = ClosedError(f"job {self.name!r} was cancelled with its pool")
            raise
        except Exception as error:
            self._error = error
            _logger.exception("job %s failed", self.name)
        finally:
            self._done.set()


class WorkerPool:
    """Jobs with a limit on how many run at once. An async context manager that owns them.

    Leaving the block waits for the jobs that run; leaving it with an exception cancels them. A job
    that fails does not disturb the others: its exception is logged and raised by ``Job.result``.

    Args:
        limit: Jobs that run at once.
        name: What the pool is called in the names of its tasks.

    Raises:
        InvalidInputError: The limit is below one.
    """

    def __init__(self, limit: int, *, name: str = "workers") -> None:
        if limit < 1:
            raise InvalidInputError(f"a pool of {limit} workers does nothing, take one at least")
        self._free = asyncio.Semaphore(limit)
        self._name = name
        self._group: asyncio.TaskGroup | None = None
        self._running = 0

    def __len__(self) -> int:
        """Jobs that run."""
        return self._running

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        group, self._group = self._group, None
        if group is not None:
            await group.__aexit__(exc_type, exc, traceback)

    async def submit(self, work: Callable[[], Awaitable[T]], *, name: str = "") -> Job[T]:
        """Start a job, waiting while as many as allowed run.

        Args:
            work: Called without arguments once the job may run.
            name: What the job is called in the log.

        Raises:
            ClosedError: The pool was not entered, or is being left.
        """
        await self._free.acquire()
        if self._group is None:
            self._free.release()
            raise ClosedError(f"pool {self._name!r} takes jobs only within its block")
        job: Job[T] = Job(name or "job")
        self._group.create_task(self._guard(job, work), name=f"{self._name}: {job.name}")
        self._running += 1
        return job

    async def _guard(self, job: Job[T], work: Callable[[], Awaitable[T]]) -> None:
        try:
            await job._run(work)  # noqa: SLF001 - the two classes are one thing
        finally:
            self._running -= 1
            self._free.release()


async def run_all(works: Iterable[Callable[[], Awaitable[T]]], *, limit: int = 0) -> list[T]:
    """Run jobs together and wait for all.

    Args:
        works: Called without arguments.
        limit: Jobs that run at once, 0 for all.

    Returns:
        The results in the order of ``works``.

    Raises:
        Exception: What the first failing job raised; the others are cancelled then.
    """
    jobs = list(works)
    free = asyncio.Semaphore(limit or max(1, len(jobs)))

    async def run(work: Callable[[], Awaitable[T]]) -> T:
        async with free:
            return await work()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(work), name="run_all: job") for work in jobs]
    except* Exception as failed:  # noqa: BLE001 - whatever a job raises is for the caller
        raise _first(failed) from None
    return [task.result() for task in tasks]


def _first(failed: BaseExceptionGroup[Exception]) -> Exception:
    error = failed.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
