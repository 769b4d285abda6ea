# SPDX-License-Identifier: Apache-2.0
"""Owns the tasks of a service handler, which is started and stopped by calls, not by a block."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from l8types.errors import ClosedError

__all__ = ["Job", "TaskScope"]

_log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[object, object, None]]
"""Makes what a task runs; called in the task, so that one cancelled early leaves nothing behind."""


class Job:
    """A started piece of work."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    async def stop(self) -> None:
        """Cancel the work and wait until it ended."""
        self._task.cancel()
        await asyncio.wait([self._task])


class TaskScope:
    """A task group held by a task of its own.

    A handler is activated in one task and deactivated in another one, which a ``TaskGroup`` that
    was entered by the first cannot bear.

    Args:
        name: Name of the component; its tasks are called ``name: purpose``.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._owner: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None

    async def open(self) -> None:
        """Get ready for :meth:`start`."""
        ready = asyncio.Event()
        # The only task without a group: it holds the group.
        self._owner = asyncio.create_task(  # noqa: TID251
            self._hold(ready), name=f"{self._name}: owner"
        )
        await ready.wait()

    def start(self, work: Work, purpose: str) -> Job:
        """Run ``work`` until it ends, is cancelled or the scope is closed.

        Raises:
            ClosedError: The scope is not open.
        """
        if self._group is None:
            raise ClosedError(f"{self._name} is not active and cannot start {purpose!r}")
        name = f"{self._name}: {purpose}"
        return Job(self._group.create_task(_guard(work, purpose), name=name))

    async def aclose(self) -> None:
        """Cancel all tasks and wait until they ended; idempotent."""
        owner, self._owner, self._group = self._owner, None, None
        if owner is not None:
            owner.cancel()
            await asyncio.wait([owner])

    async def _hold(self, ready: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as self._group:
            ready.set()
            await asyncio.Event().wait()


async def _guard(work: Work, purpose: str) -> None:
    """Let a failing task end alone; its siblings serve other hosts and receivers."""
    try:
        await work()
    except Exception:  # noqa: BLE001 - the boundary of a task
        _log.exception("%s failed", purpose)
