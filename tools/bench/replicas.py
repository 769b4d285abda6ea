# SPDX-License-Identifier: Apache-2.0
"""Changes of a distributed cache with nine instances behind three linked switches, one process.

One instance takes the writes. A change counts when all instances have it; what it costs is the work
of all nodes and switches together on one processor. A delivery is one change at one other instance.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from l8services import BaseService
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, run
from tools.bench.nine import NODES, start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BATCH: Final = 100
"""Items per write."""
SERVICE: Final = ServiceKey("Books")
POSTED, PATCHED = "items added", "items changed"
DELIVERED: Final = "deliveries of changes"


@dataclass
class Book:
    """What is kept."""

    isbn: str = ""
    title: str = ""
    price: float = 0.0
    stock: int = 0


def measure(seconds: float) -> dict[str, float]:
    """Return how many changes per second reach all instances."""
    return run(_measure(seconds))


def measure_noted(_: float) -> dict[str, float]:
    """Noted elsewhere: the implementation in Go."""
    return {POSTED: 11_200.0, PATCHED: 11_200.0, DELIVERED: 89_300.0}


async def _measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        async with AsyncExitStack() as stack:
            nodes = await _network(stack, Path(directory))
            writer = nodes[0]

            async def post(round_: int) -> None:
                await writer.post(SERVICE.name, books(round_, 0))

            async def patch(round_: int) -> None:
                await writer.patch(SERVICE.name, books(round_ % 10, round_))

            posted = await _rate(post, nodes, seconds)
            patched = await _rate(patch, nodes, seconds)
            return {POSTED: posted, PATCHED: patched, DELIVERED: patched * (NODES - 1)}


def books(block: int, stock: int) -> list[Book]:
    """A block of items, each with this stock and one more."""
    first = block * BATCH
    return [Book(f"isbn-{n}", f"title {n}", 9.5, stock + 1) for n in range(first, first + BATCH)]


async def _network(stack: AsyncExitStack, directory: Path) -> list[Node]:
    sla = ServiceLevelAgreement(
        name=SERVICE.name, handler=BaseService, model=Book, primary_keys=("isbn",)
    )
    nodes = await start(stack, directory, sla)
    async with asyncio.timeout(30):
        while True:
            if all(len(node.vnic.directory.providers(SERVICE)) == NODES for node in nodes):
                return nodes
            await asyncio.sleep(0.05)


async def _rate(
    operation: Callable[[int], Awaitable[None]], nodes: list[Node], seconds: float
) -> float:
    """Changes per second, until the last one is everywhere."""
    rounds = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        rounds += 1
        await operation(rounds)
        # Writers are held back by nothing else; what waits must stay what instances can take.
        await _behind(nodes, 20 * BATCH)
    await _behind(nodes, 0)
    return rounds * BATCH / (time.perf_counter() - begin)


async def _behind(nodes: list[Node], limit: int) -> None:
    """Wait until no instance lacks more than so many changes of the first."""
    source = nodes[0].vnic.uuid
    handlers = [cast("BaseService", node.resources.services.handler(SERVICE)) for node in nodes]
    while True:
        made, *seen = (handler.changes_seen().get(source, 0) for handler in handlers)
        if made - min(seen) <= limit:
            return
        await asyncio.sleep(0.001)
