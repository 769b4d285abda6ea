# SPDX-License-Identifier: Apache-2.0
"""A machine of the simulated network, with one process that is killed, paused and started again."""

from __future__ import annotations

import enum
import random
from typing import TYPE_CHECKING, Any, Final, TypeVar

from l8test.sim._errors import HostDiedError, SimulationError
from l8test.sim._ports import Ports
from l8test.sim._process import CURRENT, Process

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine

    from l8test.sim._loop import SimLoop
    from l8test.sim._stream import SimTransport
    from l8test.sim._world import World

__all__ = ["EPOCH", "Death", "Host", "HostClock"]

T = TypeVar("T")

EPOCH: Final = 1_750_000_000.0
"""Wall clock of all hosts when a simulation starts, Unix seconds."""


class Death(enum.Enum):
    """What the peers of a killed process see."""

    CLOSED = "closed"
    """Its kernel closes its connections, as after ``kill -9``."""
    RESET = "reset"
    """Its kernel resets its connections."""
    SILENT = "silent"
    """Nothing: the machine lost its power. Connections stay half-open until it is back."""


class HostClock:
    """Clock of one host; what a node takes as its ``Clock``.

    Args:
        loop: Virtual time.
    """

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.skew = 0.0
        """Seconds by which the wall clock is ahead."""

    def now(self) -> float:
        """Wall clock, Unix seconds."""
        return EPOCH + self._loop.time() + self.skew

    def monotonic(self) -> float:
        """Seconds since the simulation started."""
        return self._loop.time()


class Host:
    """A machine.

    Made by ``World.host``.

    Attributes:
        name: Under which the others find it.
        address: Its IPv4 address.
        clock: Its clock.
        disk: What outlives its process.
        powered: Whether the machine is on, so that its kernel answers.
        ports: Who listens on it.
        random: Source behind ``os.urandom``, ``uuid`` and ``secrets`` of its code.
    """

    def __init__(self, world: World, name: str, address: str, seed: str) -> None:
        self.name = name
        self.address = address
        self.loop = world.loop
        self.clock = HostClock(world.loop)
        self.disk: dict[str, Any] = {}
        self.powered = True
        self.ports = Ports(address)
        self.random = random.Random(seed)  # noqa: S311 - repeatable is what is wanted
        self._world = world
        self._main: Callable[[Host], Coroutine[Any, Any, object]] | None = None
        self._process: Process | None = None
        self._lives = 0
        self._waiting: dict[asyncio.Future[Any], None] = {}

    @property
    def alive(self) -> bool:
        """Whether its process was started and not killed."""
        return self._process is not None

    @property
    def paused(self) -> bool:
        """Whether its process is alive and stands still."""
        return self._process is not None and not self._process.running

    def connections(self) -> list[SimTransport]:
        """Its ends of connections, in the order in which they were opened."""
        return [] if self._process is None else list(self._process.connections)

    def unseen(self) -> list[asyncio.Task[Any]]:
        """Its tasks that failed with nobody noticing."""
        return [] if self._process is None else list(self._process.unseen())

    # Life

    def start(self, main: Callable[[Host], Coroutine[Any, Any, object]]) -> None:
        """Start its process.

        Args:
            main: What it runs; :meth:`restart` runs it again.

        Raises:
            SimulationError: A process is alive already.
        """
        if self._process is not None:
            raise SimulationError(f"host {self.name!r} runs already; kill it first")
        self._main = main
        self._lives += 1
        process = self._process = Process(self, self._lives)
        self._power_on()
        self._world.timeline.note("started" if self._lives == 1 else "started again", self.name)
        self._spawn(process, self._run(main))

    def restart(self) -> None:
        """Start its process again, or for the first time; nothing happens while it is alive.

        Raises:
            SimulationError: It was never started, so there is nothing to run.
        """
        if self._main is None:
            raise SimulationError(f"host {self.name!r} was never started")
        if self._process is None:
            self.start(self._main)

    def kill(self, death: Death = Death.CLOSED) -> None:
        """End its process at once: none of its code runs any more, not even a ``finally``.

        Nothing happens when it is dead already.
        """
        if self._process is not None:
            self._world.timeline.note(f"killed ({death.value})", self.name)
            self._end(self._process, death)

    def end(self) -> None:
        """End its process because the simulation is over."""
        if self._process is not None:
            self._end(self._process, Death.SILENT)

    def _end(self, process: Process, death: Death) -> None:
        self._process = None
        process.running = False
        process.dead = True
        process.parked.clear()
        self._world.bury(process)
        for server in list(process.servers):
            server.die()
        for endpoint in list(process.endpoints):
            endpoint.die()
        for connection in list(process.connections):
            connection.die(fin=death is Death.CLOSED, reset=death is Death.RESET)
        if death is Death.SILENT:
            self.powered = False
        waiting, self._waiting = self._waiting, {}
        for future in waiting:
            if not future.done():
                future.set_exception(HostDiedError(f"host {self.name!r} was killed"))

    def reached(self, step: str) -> None:
        """Its code has come to a named step, see ``World.crash_at``."""
        self._world.crash_points.reached(step, self)

    def crash(self, step: str, death: Death) -> None:
        """Kill it at a named step."""
        self._world.timeline.note(f"reached the step {step}", self.name)
        self.kill(death)

    def set_skew(self, seconds: float) -> None:
        """Turn its wall clock, to be this much ahead of the others."""
        self.clock.skew = seconds
        self._world.timeline.note(f"clock ahead by {seconds:g} s", self.name)

    def pause(self) -> None:
        """Let its process stand still, as ``SIGSTOP`` does; its connections stay open."""
        if self._process is not None and self._process.running:
            self._process.running = False
            self._world.timeline.note("paused", self.name)

    def resume(self) -> None:
        """Let its process go on with what has become due meanwhile."""
        process = self._process
        if process is not None and not process.running:
            process.running = True
            self._world.timeline.note(f"resumed, {len(process.parked)} steps due", self.name)
            self.loop.unpark(process)

    def _power_on(self) -> None:
        if not self.powered:
            self.powered = True
            self._world.network.changed()

    def note(self, event: str) -> None:
        """Write something into the time-line, as having happened here."""
        self._world.timeline.note(event, self.name)

    # Running code on it

    async def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function on the host and wait for its result.

        Raises:
            HostDiedError: The host is not alive, or is killed before the result is there.
            Exception: What the function raised.
        """
        process = self._process
        if process is None:
            raise HostDiedError(f"host {self.name!r} is not alive")
        result: asyncio.Future[T] = self.loop.create_future()
        self._waiting[result] = None
        try:
            self._spawn(process, _deliver(function, result))
            return await result
        finally:
            self._waiting.pop(result, None)

    def do(self, function: Callable[[], Awaitable[object]]) -> None:
        """Run a coroutine function on the host without waiting; it must not fail.

        Raises:
            HostDiedError: The host is not alive.
        """
        if self._process is None:
            raise HostDiedError(f"host {self.name!r} is not alive")
        self._spawn(self._process, self._guard(function))

    def _spawn(self, process: Process, work: Coroutine[Any, Any, object]) -> None:
        token = CURRENT.set(process)
        try:
            # The process owns the task, see ``Process.adopt``.
            _ = self.loop.create_task(work, name=f"{self.name}: main")
        finally:
            CURRENT.reset(token)

    async def _run(self, main: Callable[[Host], Coroutine[Any, Any, object]]) -> None:
        await self._guard(lambda: main(self))
        self._world.timeline.note("its main function returned", self.name)

    async def _guard(self, function: Callable[[], Awaitable[object]]) -> None:
        try:
            await function()
        except Exception as error:  # noqa: BLE001 - the boundary of a process
            self._world.unexpected(error, self.name)

    def __repr__(self) -> str:
        state = "paused" if self.paused else "alive" if self.alive else "dead"
        return f"<Host {self.name} {self.address} {state}>"


async def _deliver(function: Callable[[], Awaitable[T]], result: asyncio.Future[T]) -> None:
    try:
        value = await function()
    except Exception as error:  # noqa: BLE001 - the caller gets whatever it is
        if not result.done():
            result.set_exception(error)
    else:
        if not result.done():
            result.set_result(value)
