# SPDX-License-Identifier: Apache-2.0
"""What interfaces promise each other holds across two switches too."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import L8Error
from l8types.settings import NodeSettings
from l8types.values import Message, ServiceKey

from .fakes import FakeElements, make_switch, make_vnic, node, resources, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from layer8_net import TcpSwitch, TcpVNic

BOOKS = ServiceKey("Books", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)
RULE = MulticastMode.ROUND_ROBIN


@asynccontextmanager
async def two_switches() -> AsyncIterator[tuple[TcpSwitch, TcpSwitch]]:
    """Two switches that are linked."""
    async with make_switch() as one:
        settings = NodeSettings(request_timeout=10.0, peers=(("127.0.0.1", one.port),))
        async with make_switch(resources(settings=settings)) as two:
            await until(lambda: one.directory.node(two.uuid) is not None)
            await until(lambda: two.directory.node(one.uuid) is not None)
            yield one, two


async def test_streams() -> None:
    """Parts keep their order over both switches, and the credit its effect."""
    made = 0

    async def count(elements: FakeElements, message: Message) -> AsyncIterator[FakeElements]:
        nonlocal made
        for number in range(2000):
            made += 1
            yield FakeElements((number,))

    async with (
        two_switches() as (one, two),
        node(one, BOOKS, streamer=count),
        node(two) as reader,
    ):
        await until(lambda: bool(reader.directory.providers(BOOKS)))
        parts = [part.first async for part in reader.stream(RULE, *ASK)]
        assert parts == list(range(2000))
        made = 0
        async with aclosing(reader.stream(RULE, *ASK)) as stream:
            await anext(stream)
            for _ in range(5):
                await reader.request(RULE, *ASK, 1)
            assert made < 200


async def test_cancellation() -> None:
    """A cancelled caller ends the work behind the other switch."""
    cancelled = asyncio.Event()
    begun = asyncio.Event()

    async def work(elements: FakeElements, message: Message) -> FakeElements | None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return None

    async with (
        two_switches() as (one, two),
        node(one, BOOKS, handler=work),
        node(two) as caller,
        asyncio.TaskGroup() as tasks,
    ):
        await until(lambda: bool(caller.directory.providers(BOOKS)))
        asked = tasks.create_task(caller.request(RULE, *ASK))
        await begun.wait()
        asked.cancel()
        await cancelled.wait()


@pytest.mark.feature("NIC-17")
async def test_rolling_drain() -> None:
    """Providers behind both switches are drained and replaced under load: no failed request."""
    errors: list[L8Error] = []
    answers = 0
    running = True

    async def ask(caller: TcpVNic) -> None:
        nonlocal answers
        while running:
            try:
                await caller.request(RULE, *ASK, 1)
            except L8Error as error:
                errors.append(error)
            answers += 1

    async def more(count: int) -> None:
        wanted = answers + count
        await until(lambda: answers >= wanted)

    async with two_switches() as (one, two):
        providers = [await _provider(one), await _provider(two), await _provider(one)]
        async with node(one) as a, node(two) as b:
            for caller in (a, b):
                while len(caller.directory.providers(BOOKS)) < 3:
                    await asyncio.sleep(0)
            async with asyncio.TaskGroup() as tasks:
                for caller in (a, a, b, b):
                    tasks.create_task(ask(caller))
                for index, switch in enumerate((one, two, one)):
                    await providers[index].drain()
                    await providers[index].__aexit__(None, None, None)
                    await more(50)
                    providers[index] = await _provider(switch)
                    await more(50)
                running = False
        assert errors == []
        assert answers >= 300
        for provider in providers:
            await provider.__aexit__(None, None, None)


async def _provider(switch: TcpSwitch) -> TcpVNic:
    vnic = await make_vnic(resources(switch.port)).__aenter__()
    await vnic.announce(BOOKS)
    return vnic
