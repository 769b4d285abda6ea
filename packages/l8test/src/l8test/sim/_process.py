# SPDX-License-Identifier: Apache-2.0
"""One life of a host: what runs on it, from a start to its end.

Everything that a process runs carries it in a context variable, which asyncio passes on by itself
from task to task and to every timer and callback. So the loop can tell at each step whose it is,
and code under test needs to know nothing.
"""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from l8test.sim._datagram import SimDatagramTransport
    from l8test.sim._host import Host
    from l8test.sim._server import SimServer
    from l8test.sim._stream import SimTransport

__all__ = ["CURRENT", "Process"]

CURRENT: Final[ContextVar[Process | None]] = ContextVar("process", default=None)
"""The process whose code runs; ``None`` for the scenario and for the network itself."""

_PRUNE: Final = 64
"""Tasks that are remembered before finished ones are first forgotten."""


class Process:
    """What runs on a host between a start and a kill.

    Attributes:
        host: Where it runs.
        number: Counts the lives of the host, from 1.
        running: Whether its code may run now: neither paused nor dead.
        dead: Whether it was killed.
        parked: What became due while it was paused, in order.
        connections: Its open connections, in the order in which they were opened.
        servers: Where it listens.
        endpoints: Its datagram endpoints.
    """

    __slots__ = (
        "_limit",
        "_tasks",
        "connections",
        "dead",
        "endpoints",
        "host",
        "number",
        "parked",
        "running",
        "servers",
    )

    def __init__(self, host: Host, number: int) -> None:
        self.host = host
        self.number = number
        self.running = True
        self.dead = False
        self.parked: deque[asyncio.Handle] = deque()
        # Dictionaries because they keep an order, which sets of objects do not.
        self.connections: dict[SimTransport, None] = {}
        self.servers: dict[SimServer, None] = {}
        self.endpoints: dict[SimDatagramTransport, None] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._limit = _PRUNE

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Remember a task, so that it neither vanishes early nor outlives the simulation."""
        self._tasks.append(task)
        if len(self._tasks) > self._limit:
            self._tasks = [one for one in self._tasks if not one.done() or is_unseen(one)]
            self._limit = max(_PRUNE, 2 * len(self._tasks))

    def take_tasks(self) -> list[asyncio.Task[Any]]:
        """Remove and return all tasks that are remembered."""
        tasks, self._tasks = self._tasks, []
        return tasks

    def unseen(self) -> Iterator[asyncio.Task[Any]]:
        """Tasks that failed with nobody noticing."""
        return (task for task in self._tasks if task.done() and is_unseen(task))


def is_unseen(task: asyncio.Task[Any]) -> bool:
    """Whether a task ended with an exception that nobody has looked at."""
    return bool(getattr(task, "_log_traceback", False))
