# SPDX-License-Identifier: Apache-2.0
"""Owns the tasks of a component that is started and stopped by calls, not by a block."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Worker = Callable[[], Coroutine[object, object, None]]

__all__ = ["TaskScope", "forever"]

_log = logging.getLogger(__name__)


class TaskScope:
    """A task group with an owner task of its own.

    A handler is activated in one task and deactivated in another one, which a ``TaskGroup`` entered
    by the first cannot bear. Here one task holds the group for the whole life of the handler.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._owner: asyncio.Task[None] | None = None

    def start(self, **workers: Worker) -> None:
        """Run the workers, each named by its keyword, until :meth:`aclose`."""
        # The one place that makes a task without a group: it is the owner of the group.
        self._owner = asyncio.create_task(  # noqa: TID251
            self._run(workers), name=f"{self._name}: owner"
        )

    async def aclose(self) -> None:
        """Cancel the workers and wait until they ended; idempotent."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        owner.cancel()
        await asyncio.wait([owner])
        if not owner.cancelled() and (error := owner.exception()) is not None:
            _log.error("%s: ended with %r", self._name, error)

    async def _run(self, workers: dict[str, Worker]) -> None:
        async with asyncio.TaskGroup() as group:
            for purpose, worker in workers.items():
                group.create_task(worker(), name=f"{self._name}: {purpose}")


async def forever(step: Callable[[], Awaitable[None]], *, what: str, pause: float = 1.0) -> None:
    """Repeat a step for ever; one that fails is logged and repeated after a pause.

    Args:
        step: Waits until there is something to do and does it.
        what: Name of the step in the log.
        pause: Seconds after a failure.
    """
    while True:
        try:
            await step()
        except Exception:  # noqa: BLE001 - the boundary of a task that must survive what it meets
            _log.exception("%s failed", what)
            await asyncio.sleep(pause)
