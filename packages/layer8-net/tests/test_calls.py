# SPDX-License-Identifier: Apache-2.0
"""Calls over real sockets: cancelled, timed, routed, guarded, and failing by name."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import (
    RequestTimeoutError,
)
from l8types.values import Message, ServiceKey
from layer8_net.errors import (
    LinkLostError,
)

from .fakes import (
    FakeElements,
    cut_off,
    error_of_asking,
    make_switch,
    node,
    received,
    services_of,
    until,
)

if TYPE_CHECKING:
    from layer8_net import TcpVNic

BOOKS = ServiceKey("Books", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)
RULE = MulticastMode.ROUND_ROBIN


class Work:
    """A handler that waits, and tells how it ended."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = 0
        self.cancelled = 0
        self.done = 0

    async def __call__(self, elements: FakeElements, message: Message) -> FakeElements | None:
        self.begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.done += 1
        return elements


class TestCancellation:
    """Work that nobody waits for ends."""

    @pytest.mark.parametrize("target", ["node", RULE])
    async def test_cancelled_caller(self, target: str | MulticastMode) -> None:
        """A caller that is cancelled ends the handler, also when a rule picked the provider."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as provider,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            await until(lambda: caller.directory.providers(BOOKS) == (provider.uuid,))
            task = tasks.create_task(
                caller.request(provider.uuid if target == "node" else target, *ASK)
            )
            await until(lambda: work.begun == 1)
            task.cancel()
            await until(lambda: work.cancelled == 1)
            assert provider.statistics().cancelled_requests == 1
            assert provider.statistics().active_handlers == 0
            assert caller.statistics().failed_calls == {"cancelled": 1}

    async def test_time_out(self) -> None:
        """W-32: a caller whose time is over ends the handler; servers do not work for nobody."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as provider,
            node(switch) as caller,
        ):
            with pytest.raises(RequestTimeoutError):
                await caller.request(provider.uuid, *ASK, timeout=0.05)
            await until(lambda: work.cancelled == 1)

    async def test_over_every_hop(self) -> None:
        """A cancelled caller ends the handler, and what that asked of others, and so on."""
        work = Work()
        async with make_switch() as switch, node(switch, BOOKS, handler=work) as last:

            async def ask_on(elements: FakeElements, message: Message) -> FakeElements | None:
                answer = await middle.request(last.uuid, *ASK, 1)
                return cast("FakeElements", answer)

            async def forward(elements: FakeElements, message: Message) -> FakeElements | None:
                answer = await first.forward(message, first.resources.elements.of(), middle.uuid)
                return cast("FakeElements", answer)

            async with (
                node(switch, BOOKS, handler=ask_on) as middle,
                node(switch, BOOKS, handler=forward) as first,
                node(switch) as caller,
                asyncio.TaskGroup() as tasks,
            ):
                task = tasks.create_task(caller.request(first.uuid, *ASK))
                await until(lambda: work.begun == 1)
                task.cancel()
                await until(lambda: work.cancelled == 1)
                await until(lambda: first.statistics().active_handlers == 0)
                await until(lambda: middle.statistics().active_handlers == 0)

    async def test_caller_that_dies(self) -> None:
        """A node that is gone waits for nothing: its requests are ended."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as provider,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            task = tasks.create_task(error_of_asking(caller, provider.uuid, *ASK))
            await until(lambda: work.begun == 1)
            cut_off(caller)
            await until(lambda: work.cancelled == 1)
            assert isinstance(await task, LinkLostError)

    async def test_others_go_on(self) -> None:
        """Cancelling one request leaves the others of the same caller alone."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as provider,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            asked = [tasks.create_task(caller.request(provider.uuid, *ASK, n)) for n in range(3)]
            await until(lambda: work.begun == 3)
            asked[1].cancel()
            await until(lambda: work.cancelled == 1)
            work.gate.set()
            assert [(await asked[n]).first for n in (0, 2)] == [0, 2]


class TestDeadlines:
    """Time that is left, not time that was given."""

    async def test_what_is_left_is_passed_on(self) -> None:
        """A request that is sent on has the rest of the first one's time, not a fresh one."""
        async with make_switch() as switch, node(switch, BOOKS) as last:

            async def forward(elements: FakeElements, message: Message) -> FakeElements | None:
                await asyncio.sleep(0.05)
                nothing = middle.resources.elements.of()
                answer = await middle.forward(message, nothing, last.uuid, timeout=60.0)
                return cast("FakeElements", answer)

            async with node(switch, BOOKS, handler=forward) as middle, node(switch) as caller:
                await caller.request(middle.uuid, *ASK, timeout=5.0)
                [first] = services_of(middle).messages
                [second] = services_of(last).messages
                assert first.timeout == 5.0
                assert 4.0 < second.timeout <= 4.95

    async def test_nothing_is_left(self) -> None:
        """A request whose time is over is not sent on at all."""
        errors: list[Exception] = []

        async with make_switch() as switch, node(switch, BOOKS) as last:

            async def late(elements: FakeElements, message: Message) -> FakeElements | None:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    errors.append(await _error_of_forward(middle, message, last.uuid))
                    raise
                return None

            async with node(switch, BOOKS, handler=late) as middle, node(switch) as caller:
                with pytest.raises(RequestTimeoutError):
                    await caller.request(middle.uuid, *ASK, timeout=0.05)
                await until(lambda: len(errors) == 1)
                assert isinstance(errors[0], RequestTimeoutError)
                assert services_of(last).messages == []


class TestSideBySide:
    """What goes on at the same time."""

    @pytest.mark.feature("NIC-04")
    async def test_nothing_waits_for_handlers(self) -> None:
        """With all handlers at work a node still sends, and reads the answers to its requests."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as busy,
            node(switch, BOOKS) as other,
            asyncio.TaskGroup() as tasks,
        ):
            asked = [tasks.create_task(other.request(busy.uuid, *ASK, n)) for n in range(300)]
            await until(lambda: busy.statistics().queued_messages == 300 - work.begun > 0)
            assert (await busy.request(other.uuid, *ASK, 1)).first == 1
            await busy.send(other.uuid, *ASK, 2)
            await until(partial(received, other, 2))
            assert work.done == 0
            work.gate.set()
            assert [(await one).first for one in asked] == list(range(300))


async def _error_of_forward(vnic: TcpVNic, message: Message, target: str) -> Exception:
    try:
        await vnic.forward(message, vnic.resources.elements.of(), target)
    except RequestTimeoutError as error:
        return error
    raise AssertionError("a request without time was sent on")
