# SPDX-License-Identifier: Apache-2.0
"""An event loop whose time is virtual and whose network is simulated.

Time stands still while code runs and jumps to the next timer when nothing is left to run. Equal
input gives equal runs: timers of one moment go off in the order in which they were made, and tasks
have an order even in a set.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from asyncio import events
from typing import TYPE_CHECKING, Any, Final, TypeVar

from typing_extensions import override

from l8test.sim._errors import SimulationError
from l8test.sim._process import CURRENT

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Executor
    from contextvars import Context

    from typing_extensions import TypeVarTuple, Unpack

    from l8test.sim._process import Process

__all__ = ["SimLoop"]

T = TypeVar("T")
if TYPE_CHECKING:
    Ts = TypeVarTuple("Ts")

_IMPATIENCE: Final = 1000
"""Turns of the loop in one moment of time, after which each further one takes a moment."""
_MOMENT: Final = 1e-6
"""Seconds of such a moment."""
_STANDSTILL: Final = 100_000
"""Turns without a pause that no working program needs: whoever gets there spins."""
_MANY_CANCELLED: Final = 1000
"""Cancelled timers above which the list is cleared of them, when they are the larger part."""


class _Task(asyncio.Task[T]):
    """A task with a place in the order of all tasks.

    asyncio keeps tasks in sets and goes through them, e.g. to cancel them. By default that would
    be the order of their addresses, another one in each run.
    """

    def __init__(
        self,
        number: int,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        loop: asyncio.AbstractEventLoop,
        name: object,
        context: Context | None,
    ) -> None:
        self._number = number
        super().__init__(coro, loop=loop, name=str(name or f"task-{number}"), context=context)

    @override
    def __hash__(self) -> int:
        return self._number


class SimLoop(asyncio.BaseEventLoop):
    """Event loop with virtual time.

    Attributes:
        active: Process whose code is running, ``None`` for the scenario and the network.
        steps: Callbacks run so far.
        on_error: Told of what asyncio reports: exceptions that nobody caught, by process.
    """

    # What asyncio keeps in the base class and does not declare.
    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self._time = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._cancelled = 0
        self._task_numbers = itertools.count(1)
        self._turns = 0
        self.active: Process | None = None
        self.steps = 0
        self.on_error: Callable[[dict[str, Any], Process | None], None] | None = None
        self.adopt_root: Callable[[asyncio.Task[Any]], None] | None = None

    # Time

    @override
    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._time

    @override
    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = events.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    # One thread runs everything, so there is nothing to be safe from.
    call_soon_threadsafe = call_soon

    @override
    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time + delay, callback, *args, context=context)

    @override
    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        if self.is_closed():
            raise RuntimeError("the simulation is over")
        handle = events.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        handle._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio's own mark
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by a timer that is cancelled while it waits."""
        self._cancelled += 1
        if self._cancelled > _MANY_CANCELLED and 2 * self._cancelled > len(self._timers):
            self._timers = [one for one in self._timers if not one[2].cancelled()]
            heapq.heapify(self._timers)
            self._cancelled = 0

    # Running

    def _run_once(self) -> None:
        """Run what is ready; when nothing is, let time pass until something is."""
        ready = self._ready
        if not ready and not self._stopping:
            self._jump()
        if self._turns > _IMPATIENCE:
            self._creep()
        count = len(ready)
        self._turns += 1
        self.steps += count
        if self._turns > _STANDSTILL:
            raise SimulationError(f"{_STANDSTILL} turns without a pause; last: {ready[0]}")
        for _ in range(count):
            handle: Any = ready.popleft()
            if handle._cancelled:  # noqa: SLF001 - what asyncio's own loop does
                continue
            process = handle._context.get(CURRENT)  # noqa: SLF001
            if process is None or process.running:
                self.active = process
                handle._run()  # noqa: SLF001
            elif not process.dead:
                process.parked.append(handle)
        self.active = None

    def _jump(self) -> None:
        """Go to the next moment at which a timer goes off."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
            self._cancelled -= 1
        if not timers:
            raise SimulationError(f"all wait for each other at {self._time:.3f} s: no timer is set")
        if timers[0][0] - self._time >= _MOMENT:
            self._turns = 0
        self._time = max(self._time, timers[0][0])
        self._collect_due()

    def _creep(self) -> None:
        """Let a little time pass although there is something to run.

        Who waits for the rest of a time that rounding has made too small to count would otherwise
        wait for ever.
        """
        self._time += _MOMENT
        self._collect_due()

    def _collect_due(self) -> None:
        timers = self._timers
        while timers and timers[0][0] <= self._time:
            handle = heapq.heappop(timers)[2]
            handle._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001
            if handle.cancelled():
                self._cancelled -= 1
            else:
                self._ready.append(handle)

    def unpark(self, process: Process) -> None:
        """Make ready what waited for a paused process."""
        self._ready.extend(process.parked)
        process.parked.clear()

    @override
    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        task = _Task[T](next(self._task_numbers), coro, self, name, context)
        process = CURRENT.get() if context is None else context.get(CURRENT)
        if process is not None:
            process.adopt(task)
        elif self.adopt_root is not None:
            self.adopt_root(task)
        return task

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run it here and now: another thread would bring an order of its own."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the caller gets whatever it is
            future.set_exception(error)
        return future

    @override
    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self.on_error is not None:
            self.on_error(context, self.active)

    def _process_events(self, event_list: list[Any]) -> None:
        """Part of the base class's contract; no real events exist."""

    def _write_to_self(self) -> None:
        """Part of the base class's contract; nothing sleeps that could be woken."""
