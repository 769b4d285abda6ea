# SPDX-License-Identifier: Apache-2.0
"""An event loop whose time jumps to the next timer, so that minutes of a network take no time."""

from __future__ import annotations

import asyncio
import selectors
from types import CoroutineType
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

LONGEST: Final = 3600.0
"""Virtual seconds that a scenario may take."""
_GRACE: Final = 60.0
"""Virtual seconds more, in which the tasks of a scenario that took too long are ended."""
_TURNS: Final = 500_000
"""Turns of the loop in which no time passes; more are a circle of tasks that wake each other."""


class EndlessError(Exception):
    """A scenario does not come to its end."""


class _JumpingSelector(selectors.SelectSelector):
    """Does not wait but moves the time of the loop.

    What ends a test that hangs is an exception of an alarm. In this loop, which never rests, it is
    raised within some task, dies with that, and the others go on for ever. So the loop itself sees
    to an end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._end = self.now + LONGEST
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("everything waits for something that never comes")
            self._pass(max(timeout, 0.0))
        return events

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self._turns = 0 if seconds else self._turns + 1
        if self.now > self._end:
            self._end = self.now + _GRACE
            raise EndlessError(f"after {LONGEST:g} virtual seconds there is no end: {_at_work()}")
        if self._turns > _TURNS:
            self._turns = 0
            raise EndlessError(f"in {_TURNS} turns no time passed: {_at_work()}")


def _at_work() -> str:
    """Tasks, and where in the code they wait."""
    return ", ".join(sorted(f"{task.get_name()}{_place(task)}" for task in asyncio.all_tasks()))


def _place(task: asyncio.Task[object]) -> str:
    place = ""
    waiting: object = task.get_coro()
    while isinstance(waiting, CoroutineType):
        place += f" > {waiting.__qualname__}"
        waiting = waiting.cr_await
    return place


class VirtualLoop(asyncio.SelectorEventLoop):
    """Loop with a clock of its own."""

    def __init__(self) -> None:
        self.selector = _JumpingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now

    def run_in_executor(
        self, executor: object, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Run it here and now: time does not pass, and so does not jump, while a thread works."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the caller gets whatever it is
            future.set_exception(error)
        return future


class LoopClock:
    """The clock protocol on the time of the running loop."""

    def now(self) -> float:
        return 1_700_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def run(scenario: Coroutine[object, object, T]) -> T:
    """Run a scenario in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario)


async def until(condition: Callable[[], object], what: str, limit: float = 120.0) -> None:
    """Wait until a condition holds, in virtual seconds."""
    end = asyncio.get_running_loop().time() + limit
    while not condition():
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"never came: {what}")
        await asyncio.sleep(0.01)
