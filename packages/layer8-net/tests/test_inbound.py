# SPDX-License-Identifier: Apache-2.0
"""Handling received messages within limits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Priority
from l8types.values import Message
from layer8_net._inbound import Inbound

from .fakes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Desk:
    """Handlers that wait until the test lets them go."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.gate = asyncio.Event()
        self.now = 0.0
        self.held = 0
        self.released = 0

    async def handle(self, message: Message) -> None:
        self.started.append(message.sequence)
        await self.gate.wait()

    def hold(self) -> None:
        self.held += 1

    def release(self) -> None:
        self.released += 1

    @asynccontextmanager
    async def open(
        self,
        *,
        limit: int = 2,
        queue_bytes: int = 10_000,
        handle: Callable[[Message], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Inbound]:
        """An inbound side with tasks of its own."""
        async with asyncio.TaskGroup() as tasks:
            inbound = Inbound(
                handle or self.handle,
                tasks,
                lambda: self.now,
                limit=limit,
                queue_bytes=queue_bytes,
                hold=self.hold,
                release=self.release,
            )
            yield inbound
            await inbound.drain(10)
            inbound.cancel()


def _message(number: int, **fields: object) -> Message:
    return Message(sequence=number, **fields)  # type: ignore[arg-type]


@pytest.mark.feature("NIC-16")
async def test_limit() -> None:
    """Only so many handlers run; the others start when one is done, in order."""
    desk = Desk()
    async with desk.open(limit=2) as inbound:
        inbound.put([_message(number) for number in range(5)])
        await until(lambda: len(desk.started) == 2)
        assert (inbound.active, len(inbound)) == (2, 3)
        desk.gate.set()
        await until(lambda: len(desk.started) == 5)
    assert desk.started == [0, 1, 2, 3, 4]
    assert inbound.active == 0


async def test_priority_of_those_who_wait() -> None:
    """Who waits is served by priority."""
    desk = Desk()
    async with desk.open(limit=1) as inbound:
        inbound.put([_message(0), _message(1), _message(2, priority=Priority.P1)])
        desk.gate.set()
        await until(lambda: len(desk.started) == 3)
    assert desk.started == [0, 2, 1]


async def test_reading_stops_and_goes_on() -> None:
    """Above the limit in bytes the reading stops, below half of it it goes on."""
    desk = Desk()
    async with desk.open(limit=1, queue_bytes=1000) as inbound:
        inbound.put([_message(0), _message(1, data=bytes(900))])
        assert inbound.holding
        inbound.put([_message(2, data=bytes(900))])
        assert (desk.held, desk.released) == (1, 0)
        desk.gate.set()
        await until(lambda: not inbound.holding)
        assert desk.released == 1


async def test_expired() -> None:
    """A request whose time was over while it waited is not started."""
    desk = Desk()
    async with desk.open(limit=1) as inbound:
        inbound.put([_message(0), _message(1, timeout=1.0), _message(2, timeout=9.0)])
        await until(lambda: desk.started == [0])
        desk.now = 2.0
        desk.gate.set()
        await until(lambda: len(desk.started) == 2)
    assert desk.started == [0, 2]
    assert inbound.expired == 1


async def test_crash(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails is logged and ends nothing but itself."""
    handled: list[int] = []

    async def crash(message: Message) -> None:
        handled.append(message.sequence)
        raise ValueError("boom")

    async with Desk().open(limit=1, handle=crash) as inbound:
        inbound.put([_message(1, service="S"), _message(2, service="S")])
        await until(lambda: handled == [1, 2])
    assert caplog.text.count("ValueError: boom") == 2


@pytest.mark.feature("NIC-17")
async def test_end(caplog: pytest.LogCaptureFixture) -> None:
    """At the end those who wait are handed back, those at work may finish, then they are cut."""
    desk = Desk()
    async with desk.open(limit=1) as inbound:
        inbound.put([_message(0), _message(1), _message(2)])
        assert [message.sequence for message in inbound.forget()] == [1, 2]
        await inbound.drain(0.01)
        assert "1 handlers did not finish" in caplog.text
        inbound.cancel()
    assert inbound.active == 0
    await inbound.drain(1.0)


async def test_what_is_left_of_the_time() -> None:
    """W-32: a request that waited is handled with what is left of its time."""
    desk = Desk()
    seen: list[float] = []

    async def handle(message: Message) -> None:
        seen.append(message.timeout)
        await desk.gate.wait()

    async with desk.open(limit=1, handle=handle) as inbound:
        first, second = (_message(n, timeout=9.0, request=True) for n in range(2))
        inbound.put([first, second])
        await until(lambda: seen == [9.0])
        assert inbound.deadline(first) == 9.0
        assert inbound.deadline(second) is None
        desk.now = 4.0
        desk.gate.set()
        await until(lambda: len(seen) == 2)
    assert seen == [9.0, 5.0]
    assert inbound.deadline(first) is None


async def test_cancelled_requests() -> None:
    """Cancelled requests end, at work or waiting; others, and unknown ones, are left alone."""
    desk = Desk()
    async with desk.open(limit=1) as inbound:
        inbound.put([_message(n, source="a", request=True) for n in range(4)])
        await until(lambda: desk.started == [0])
        inbound.cancel_request(("a", 2))
        inbound.cancel_request(("a", 2))
        inbound.cancel_request(("b", 3))
        inbound.cancel_request(("a", 0))
        inbound.cancel_request(("a", 0))
        await until(lambda: desk.started == [0, 1])
        desk.gate.set()
        await until(lambda: desk.started == [0, 1, 3])
    assert inbound.cancelled == 2


async def test_request_cancelled_before_its_handler_ran() -> None:
    """A handler that is cancelled before its first step leaves nothing behind."""
    desk = Desk()
    async with desk.open() as inbound:
        inbound.put([_message(1, source="a", request=True)])
        inbound.cancel_request(("a", 1))
        await until(lambda: inbound.active == 0)
        assert desk.started == []
        # The number may come again: a node that was restarted begins anew.
        inbound.put([_message(1, source="a", request=True)])
        desk.gate.set()
        await until(lambda: desk.started == [1])


async def test_same_number_twice() -> None:
    """A peer that gives one number to two requests confuses nobody but itself."""
    desk = Desk()
    async with desk.open() as inbound:
        inbound.put([_message(1, source="a", request=True) for _ in range(2)])
        await until(lambda: desk.started == [1, 1])
        desk.gate.set()
        await until(lambda: inbound.active == 0)
        inbound.cancel_request(("a", 1))
    assert inbound.cancelled == 0


async def test_node_that_left() -> None:
    """All requests of a node that left end; those of others go on."""
    desk = Desk()
    async with desk.open(limit=2) as inbound:
        inbound.put([_message(n, source="ab"[n % 2], request=True) for n in range(6)])
        await until(lambda: desk.started == [0, 1])
        inbound.cancel_requests_of("a")
        desk.gate.set()
        await until(lambda: inbound.active == 0)
        assert sorted(desk.started) == [0, 1, 3, 5]
    assert inbound.cancelled == 3


async def test_short_handlers_share_a_task() -> None:
    """Messages whose handlers wait for nothing do not cost a task each."""
    tasks: list[asyncio.Task[None] | None] = []

    async def handle(_message: Message) -> None:
        tasks.append(asyncio.current_task())

    async with Desk().open(limit=100, handle=handle) as inbound:
        inbound.put([_message(number) for number in range(50)])
        await until(lambda: len(tasks) == 50)
        assert inbound.active == 0
    assert len(set(tasks)) == 1


async def test_waiting_handlers_hold_up_nobody() -> None:
    """Handlers that wait, in between others, let all later ones start, in order."""
    desk = Desk()

    async def handle(message: Message) -> None:
        desk.started.append(message.sequence)
        if message.sequence % 3:
            await desk.gate.wait()

    async with desk.open(limit=100, handle=handle) as inbound:
        inbound.put([_message(number) for number in range(40)])
        await until(lambda: len(desk.started) == 40)
        assert desk.started == sorted(desk.started)
        assert inbound.active == 26
        desk.gate.set()
        await until(lambda: inbound.active == 0)


async def test_context_of_a_handler_is_its_own() -> None:
    """What a handler puts into its context the next one does not see."""
    variable: ContextVar[int] = ContextVar("variable", default=-1)
    seen: list[int] = []

    async def handle(message: Message) -> None:
        seen.append(variable.get())
        variable.set(message.sequence)

    async with Desk().open(limit=10, handle=handle) as inbound:
        inbound.put([_message(number) for number in range(5)])
        await until(lambda: len(seen) == 5)
        assert inbound.active == 0
    assert seen == [-1] * 5


async def test_handlers_may_set_time_limits() -> None:
    """A handler runs in a task, as ``asyncio.timeout`` needs it, and its limit ends only itself."""
    ended: list[int] = []

    async def handle(message: Message) -> None:
        try:
            async with asyncio.timeout(0 if message.sequence == 1 else 60):
                await asyncio.sleep(0 if message.sequence != 1 else 60)
        except TimeoutError:
            ended.append(-message.sequence)
        else:
            ended.append(message.sequence)

    async with Desk().open(limit=10, handle=handle) as inbound:
        inbound.put([_message(number) for number in range(3)])
        await until(lambda: len(ended) == 3)
        assert inbound.active == 0
    assert sorted(ended) == [-1, 0, 2]


async def test_long_runs_let_others_in() -> None:
    """However many messages came, others get their turn on the loop between them."""
    handled, looks = 0, []

    async def handle(_message: Message) -> None:
        nonlocal handled
        handled += 1

    async with Desk().open(limit=5000, handle=handle) as inbound:
        inbound.put([_message(number) for number in range(2000)])
        while handled < 2000:
            await asyncio.sleep(0)
            looks.append(handled)
    assert len({look for look in looks if 0 < look < 2000}) > 3
