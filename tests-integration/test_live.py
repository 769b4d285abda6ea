# SPDX-License-Identifier: Apache-2.0
"""Live queries with the real parts: the network, the cache, the query language."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from l8services import BaseService, LiveUpdate, LiveView
from l8types.enums import Durability
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, load_settings, make_switch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from l8types.settings import NodeSettings

pytestmark = pytest.mark.feature("BAS-07")


@dataclass
class Lamp:
    """What is kept."""

    id: str = ""
    watts: int = 0
    room: str = ""


@asynccontextmanager
async def network(folder: Path, *aliases: str) -> AsyncIterator[list[Node]]:
    """Nodes that know each other."""

    def settings(alias: str, port: int) -> NodeSettings:
        return load_settings(alias=alias, port=port, data_directory=folder, environment={})

    async with AsyncExitStack() as stack:
        switch = await stack.enter_async_context(make_switch(settings("hub", 0)))
        nodes = [Node(settings=settings(alias, switch.port)) for alias in aliases]
        for node in nodes:
            await stack.enter_async_context(node)
            node.resources.register(Lamp)
        yield nodes


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(node: Node, query: str) -> AsyncIterator[tuple[LiveView, deque[LiveUpdate]]]:
    """A view that follows a live query, and all updates."""
    await until(lambda: node.vnic.directory.services_of_model("Lamp"))
    view = LiveView(node.resources.queries.parse(query))
    updates: deque[LiveUpdate] = deque()

    async def read() -> None:
        async with aclosing(node.live(query)) as source:
            async for update in source:
                view.apply(update)
                updates.append(update)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(read())
        await until(lambda: updates)
        yield view, updates
        task.cancel()


def watts(view: LiveView) -> list[int]:
    """The present answer."""
    return [getattr(item, "watts") for item in view.items()]  # noqa: B009


async def test_window_of_a_sorted_query_follows_the_items(tmp_path: Path) -> None:
    """The brightest three, reduced to two attributes, while lamps change on another node."""
    query = "select id,watts from Lamp where room=hall sort-by watts descending limit 3"
    async with network(tmp_path, "lamps", "page") as (lamps, page):
        await lamps.serve(Lamp, key="id", name="Lamps")
        await lamps.post("Lamps", [Lamp(str(n), n * 10, "hall") for n in range(1, 6)])
        async with reading(page, query) as (view, _):
            assert watts(view) == [50, 40, 30]
            await lamps.patch("Lamps", Lamp("1", 99))
            await until(lambda: watts(view) == [99, 50, 40])
            await lamps.delete("Lamps", Lamp("5"))
            await until(lambda: watts(view) == [99, 40, 30])
            await lamps.put("Lamps", Lamp("4", 40, "attic"))
            await until(lambda: watts(view) == [99, 30, 20])
            assert {getattr(item, "room") for item in view.items()} == {""}  # noqa: B009
            assert await page.get(query) == view.items()


async def test_answer_moves_with_the_service(tmp_path: Path) -> None:
    """The provider stops, then the next one vanishes with its node: the view stays true."""
    async with network(tmp_path, "one", "two", "page") as (one, two, page):
        await one.serve(Lamp, key="id", name="Lamps")
        await one.post("Lamps", [Lamp(str(n), n) for n in range(2000)])
        async with reading(page, "select * from Lamp") as (view, updates):
            await until(lambda: len(view) == 2000)
            await two.serve(Lamp, key="id", name="Lamps")
            started = asyncio.get_running_loop().time()
            await one.resources.services.deactivate(ServiceKey("Lamps"))
            assert asyncio.get_running_loop().time() - started < 4.0
            await two.delete("Lamps", Lamp("7"))
            await two.patch("Lamps", Lamp("8", 800))
            await until(lambda: len(view) == 1999 and 800 in watts(view))
            await until(lambda: updates[-1].token)
            await one.serve(Lamp, key="id", name="Lamps")
            await two.vnic.drain(5.0)
            await one.patch("Lamps", Lamp("9", 900))
            await until(lambda: 900 in watts(view))
            assert sum(update.fresh for update in updates) >= 2


async def test_answer_goes_on_when_the_switch_was_away(tmp_path: Path) -> None:
    """Both nodes lose their connection; what was written meanwhile is told when it is back."""

    def settings(alias: str, port: int) -> NodeSettings:
        return load_settings(alias=alias, port=port, data_directory=tmp_path, environment={})

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        port = (await first.enter_async_context(make_switch(settings("hub", 0)))).port
        nodes = [Node(settings=settings(alias, port), bring_switch=False) for alias in "ab"]
        lamps, page = [await stack.enter_async_context(node) for node in nodes]
        page.resources.register(Lamp)
        await lamps.serve(Lamp, key="id", name="Lamps")
        await lamps.post("Lamps", [Lamp("1", 10), Lamp("2", 20)])
        async with reading(page, "select * from Lamp") as (view, updates):
            await until(lambda: watts(view) == [10, 20])
            await first.aclose()
            await until(lambda: not page.vnic.connected)
            await lamps.delete("Lamps", Lamp("1"))
            await lamps.post("Lamps", Lamp("3", 30))
            await stack.enter_async_context(make_switch(settings("hub", port)))
            await until(lambda: watts(view) == [20, 30])
            assert sum(update.fresh for update in updates) == 1


async def test_transactional_service_tells_what_was_acknowledged(tmp_path: Path) -> None:
    """The answer is that of one member; it follows the log of the leader."""
    agreement = ServiceLevelAgreement(
        name="Lamps",
        handler=BaseService,
        model=Lamp,
        primary_keys=("id",),
        transactional=True,
        durability=Durability.MEMORY,
    )
    async with network(tmp_path, "one", "two", "page") as (one, two, page):
        await one.activate(agreement)
        await two.activate(agreement)
        await until(lambda: one.resources.services.leader(agreement.key))
        await one.post("Lamps", Lamp("1", 10))
        async with reading(page, "select * from Lamp") as (view, _):
            await until(lambda: watts(view) == [10])
            await two.patch("Lamps", Lamp("1", 20))
            await until(lambda: watts(view) == [20])
