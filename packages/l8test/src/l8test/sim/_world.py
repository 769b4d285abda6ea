# SPDX-License-Identifier: Apache-2.0
"""A simulated network of hosts that runs real asyncio code, repeatable from one seed."""

from __future__ import annotations

import gc
import itertools
import logging
import random
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from l8test.sim._errors import BrokenPromiseError, SimulationError
from l8test.sim._graveyard import close_all
from l8test.sim._host import Death, Host
from l8test.sim._net_loop import NetworkLoop
from l8test.sim._network import KERNEL, Network
from l8test.sim._process import CURRENT, Process, is_unseen
from l8test.sim._quality import LAN, Condition, LinkQuality
from l8test.sim._randomness import seeded
from l8test.sim._steps import CrashPoints
from l8test.sim._timeline import LogCapture, Timeline

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterable, Iterator

    from l8test.sim._schedule import Schedule

__all__ = ["World", "simulate"]

_LOOK: Final = 0.01
"""Virtual seconds between two looks of ``World.until``."""


class World:
    """Hosts, the network between them, and time.

    Made by :func:`simulate`.

    Attributes:
        seed: From which everything that is random is drawn.
        loop: Virtual time.
        network: The ways between the hosts.
        timeline: What happened.
        random: Source for decisions of the scenario.
        crash_points: Steps at which hosts are to crash.
        failure: The first promise that was broken, if any.
    """

    def __init__(self, seed: int, *, quality: LinkQuality = LAN) -> None:
        self.seed = seed
        self.loop = NetworkLoop()
        self.timeline = Timeline(self.loop.time)
        self.random = random.Random(f"{seed}/world")  # noqa: S311 - repeatable is what is wanted
        source = random.Random(f"{seed}/network")  # noqa: S311
        self.network = Network(self.loop, source, self.timeline, quality)
        self.loop.network = self.network
        self.loop.on_error = self._report
        self.loop.adopt_root = self._adopt
        self.crash_points = CrashPoints()
        self.failure: BrokenPromiseError | None = None
        self._hosts: dict[str, Host] = {}
        self._addresses = itertools.count(1)
        self._dead: list[Process] = []
        self._root_tasks: list[asyncio.Task[Any]] = []
        self._final: list[tuple[str, Callable[[], object]]] = []
        self._over = False

    # Hosts

    def host(self, name: str) -> Host:
        """A machine by name; made when it is asked for first."""
        found = self._hosts.get(name)
        if found is None:
            number = next(self._addresses)
            address = f"10.0.{number // 250}.{number % 250 + 1}"
            found = Host(self, name, address, f"{self.seed}/{name}")
            self._hosts[name] = found
            self.network.add(found)
        return found

    def hosts(self) -> list[Host]:
        """All hosts, in the order in which they were made."""
        return list(self._hosts.values())

    def crash_at(self, step: str, host: str, *, nth: int = 1, death: Death = Death.CLOSED) -> None:
        """Kill a host when its code comes to a named step for the ``nth`` time from now."""
        self.crash_points.order(step, host, nth, death)

    # The network

    def partition(self, *groups: Iterable[str]) -> Condition:
        """Cut all ways between groups of hosts; those in no group form one more.

        Returns:
            What :meth:`heal` takes to end it.
        """
        named = [frozenset(group) for group in groups]
        rest = frozenset(self._hosts).difference(*named)
        split = tuple(group for group in [*named, rest] if group)
        text = " | ".join(",".join(sorted(group)) for group in split)
        return self._impose(Condition(LinkQuality(cut=True), split, name=f"partition {text}"))

    def cut_one_way(self, source: Iterable[str], destination: Iterable[str]) -> Condition:
        """Cut the ways from some hosts to others, not those back."""
        groups = (frozenset(source), frozenset(destination))
        text = " -x-> ".join(",".join(sorted(group)) for group in groups)
        return self._impose(
            Condition(LinkQuality(cut=True), groups, one_way=True, name=f"one way {text}")
        )

    def degrade(self, hosts: Iterable[str], quality: LinkQuality) -> Condition:
        """Make the ways of some hosts to all others worse."""
        chosen = frozenset(hosts)
        groups = (*(frozenset({one}) for one in sorted(chosen)), frozenset(self._hosts) - chosen)
        text = f"degraded {','.join(sorted(chosen))}: {_differences(quality)}"
        return self._impose(Condition(quality, groups, name=text))

    def heal(self, condition: Condition | None = None) -> None:
        """End a condition of the network, or all of them."""
        if condition is None:
            self.network.lift_all()
            self.timeline.note("all healed")
        else:
            self.network.lift(condition)
            self.timeline.note(f"healed: {condition.name}")

    def reset(self, hosts: Iterable[str]) -> None:
        """Reset all connections of some hosts, as a fire wall that is restarted does."""
        for connection in self._connections(hosts, "connections reset"):
            connection.reset_soon()

    def sever(self, hosts: Iterable[str]) -> None:
        """Let the connections of some hosts go dead without telling either end."""
        for connection in self._connections(hosts, "connections half-open"):
            connection.severed = True
            connection.peer.severed = True

    def _connections(self, hosts: Iterable[str], what: str) -> list[Any]:
        chosen = [self.host(name) for name in hosts]
        for host in chosen:
            self.timeline.note(what, host.name)
        return [one for host in chosen for one in host.connections()]

    def _impose(self, condition: Condition) -> Condition:
        self.timeline.note(condition.name)
        return self.network.impose(condition)

    # Promises

    def invariant(
        self, name: str, check: Callable[[], object], *, every: float | None = 1.0
    ) -> None:
        """Have a promise checked.

        Args:
            name: Names it in a failure.
            check: Returns nothing when it holds and otherwise what is wrong; an ``AssertionError``
                says the same.
            every: Virtual seconds between two checks; ``None`` for one at the end only.
        """
        self._final.append((name, check))
        if every is not None:
            self.loop.call_later(every, self._check_again, name, check, every, context=KERNEL)

    def fail(self, name: str, detail: str, host: str = "") -> None:
        """Note that a promise is broken, and end the simulation."""
        if self.failure is None and not self._over:
            self.failure = BrokenPromiseError(name, detail, self.loop.time(), host)
            self.timeline.note(f"FAILED {name}: {detail}", host)
            self.loop.stop()

    def unexpected(self, error: BaseException, host: str = "") -> None:
        """Note an exception that should not have come this far."""
        self.fail("no exception escapes", f"{type(error).__name__}: {error}", host)

    def _check_again(self, name: str, check: Callable[[], object], every: float) -> None:
        self._check(name, check)
        self.loop.call_later(every, self._check_again, name, check, every, context=KERNEL)

    def _check(self, name: str, check: Callable[[], object]) -> None:
        try:
            wrong = check()
        except AssertionError as error:
            wrong = str(error) or "assertion failed"
        if wrong:
            self.fail(name, str(wrong))

    # Time

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self.loop.time()

    async def until(
        self, condition: Callable[[], object], timeout: float = 15.0, *, message: str = ""
    ) -> object:
        """Let time pass until a condition holds.

        Args:
            condition: Looked at every hundredth of a second.
            timeout: Virtual seconds that it has.
            message: What was waited for; by default the condition's name.

        Returns:
            The first true result.

        Raises:
            TimeoutError: It did not hold in time.
        """
        deadline = self.loop.time() + timeout
        while not (result := condition()):
            if self.loop.time() >= deadline:
                what = message or getattr(condition, "__qualname__", repr(condition))
                raise TimeoutError(f"{what} did not hold within {timeout} s; last {result!r}")
            await _sleep(self.loop, _LOOK)
        return result

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await _sleep(self.loop, seconds)

    def apply(self, schedule: Schedule) -> None:
        """Have the faults of a schedule happen, counted from now."""
        schedule.apply(self)

    # Running

    def run(self, scenario: Callable[[World], Coroutine[Any, Any, object]]) -> None:
        """Run a scenario to its end; then check all promises a last time.

        Args:
            scenario: Starts hosts and waits for what has to happen.

        Raises:
            BrokenPromiseError: A promise was broken.
            SimulationError: The simulation cannot go on.
            Exception: What the scenario raised.
        """
        if self._over:
            raise SimulationError("a world runs one scenario; make a new one")
        task = self.loop.create_task(_started(scenario, self), name="scenario")
        try:
            self.loop.run_until_complete(task)
        except RuntimeError:
            # The loop was stopped by the failure before the scenario was done.
            if self.failure is None:
                raise
        self._check_unseen()
        for name, check in self._final:
            self._check(name, check)
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """End all hosts and forget what ran on them; idempotent."""
        if self._over:
            return
        self._over = True
        for host in self._hosts.values():
            host.end()
        close_all(self.loop, self._take_tasks)
        self.loop.close()

    def bury(self, process: Process) -> None:
        """Keep what is left of a killed process until the end."""
        self._dead.append(process)

    def _adopt(self, task: asyncio.Task[Any]) -> None:
        self._root_tasks.append(task)

    def _take_tasks(self) -> list[asyncio.Task[Any]]:
        tasks, self._root_tasks = self._root_tasks, []
        for process in self._dead:
            tasks += process.take_tasks()
        return tasks

    def _check_unseen(self) -> None:
        living = [host.unseen() for host in self._hosts.values()]
        for task in itertools.chain(*living, filter(_failed, self._root_tasks)):
            error = task.exception()
            if error is not None:
                self.unexpected(error, task.get_name())

    def _report(self, context: dict[str, Any], process: Process | None) -> None:
        """Asyncio tells of an exception that nobody caught."""
        if self._over or (process is not None and process.dead):
            return
        error = context.get("exception")
        text = context.get("message", "")
        what = f"{text}: {type(error).__name__}: {error}" if error is not None else str(text)
        self.fail("no exception escapes", what, "" if process is None else process.host.name)

    def running_host(self) -> str:
        """Name of the host whose code runs, "" for none."""
        process = CURRENT.get()
        return "" if process is None else process.host.name


@contextmanager
def simulate(
    seed: int = 0, *, quality: LinkQuality = LAN, log_level: int = logging.WARNING
) -> Iterator[World]:
    """Make a world; its randomness is that of the whole process while the block runs.

    Args:
        seed: From which everything that is random is drawn.
        quality: The ways between hosts when nothing is wrong.
        log_level: Log records of at least this level go into the time-line.

    Example:
        >>> from l8test.sim import simulate
        >>> async def scenario(world):
        ...     async def main(host):
        ...         host.disk["time"] = host.clock.monotonic()
        ...
        ...     world.host("a").start(main)
        ...     await world.sleep(3600)
        >>> with simulate(seed=1) as world:
        ...     world.run(scenario)
        ...     print(world.now, world.host("a").disk)
        3600.0 {'time': 0.0}
    """
    with ExitStack() as stack:
        stack.enter_context(seeded(seed))
        stack.enter_context(_without_collector())
        world = World(seed, quality=quality)
        stack.callback(world.close)
        capture = LogCapture(world.timeline, world.running_host, log_level)
        logging.root.addHandler(capture)
        stack.callback(logging.root.removeHandler, capture)
        yield world


@contextmanager
def _without_collector() -> Iterator[None]:
    """Finalizers would run whenever the collector happens to come by."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def _started(scenario: Callable[[World], Coroutine[Any, Any, object]], world: World) -> None:
    await scenario(world)


async def _sleep(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    done = loop.create_future()
    loop.call_later(seconds, _set, done)
    await done


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and is_unseen(task)


def _differences(quality: LinkQuality) -> str:
    nothing = LinkQuality()
    fields = ("latency", "jitter", "loss", "duplicate", "reorder", "bandwidth", "cut")
    return ", ".join(
        f"{name} {getattr(quality, name):g}"
        for name in fields
        if getattr(quality, name) != getattr(nothing, name)
    )
