# SPDX-License-Identifier: Apache-2.0
"""Transactions of nine members behind three linked switches, all of them in this process.

What a transaction costs is therefore the work of all nodes and switches together on one processor.
Clients are on the node that leads, or on another one.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from l8services import BaseService
from l8types.enums import Durability
from l8types.errors import L8Error
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, run
from tools.bench.nine import NODES, start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CLIENTS: Final = 50
HOLDERS: Final = 2
"""How many members hold each item of a replicated service."""
SERVICE: Final = ServiceKey("Books")
ONE, MANY, READS = "one after another", f"{CLIENTS} at a time", "reads from the leader"


@dataclass
class Book:
    """What is written."""

    isbn: str = ""
    title: str = ""
    price: float = 0.0


def measure(seconds: float) -> dict[str, float]:
    """With journals on the disk, the default."""
    return run(_measure(seconds, Durability.DISK))


def measure_memory(seconds: float) -> dict[str, float]:
    """Without journals, as the reference."""
    return run(_measure(seconds, Durability.MEMORY))


def measure_replicated(seconds: float) -> dict[str, float]:
    """Each item on two of the members, with journals on the disk."""
    return run(_measure(seconds, Durability.DISK, HOLDERS))


def measure_replicated_memory(seconds: float) -> dict[str, float]:
    """The same without journals, as the reference."""
    return run(_measure(seconds, Durability.MEMORY, HOLDERS))


def measure_replicated_noted(_: float) -> dict[str, float]:
    """Noted elsewhere: the implementation in Go, without a journal."""
    return {ONE: 151.0, MANY: 51.0}


def measure_noted(_: float) -> dict[str, float]:
    """Noted elsewhere: the implementation in Go, without a journal."""
    return {ONE: 454.0, MANY: 458.0, READS: 3_550.0}


async def _measure(
    seconds: float, durability: Durability, count: int | None = None
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        async with AsyncExitStack() as stack:
            nodes = await start(stack, Path(directory), _agreement(durability, count))
            leader = await _leader(nodes)
            other = next(node for node in nodes if node is not leader)
            await other.post(SERVICE.name, Book("1", "first", 1.0))
            return {
                ONE: await _rate(lambda n: _write(other, n), seconds),
                MANY: await _rate(lambda n: _write(other, n), seconds, CLIENTS),
                READS: await _rate(lambda _: _read(leader), seconds),
            }


def _agreement(durability: Durability, count: int | None) -> ServiceLevelAgreement:
    return ServiceLevelAgreement(
        name=SERVICE.name,
        handler=BaseService,
        model=Book,
        primary_keys=("isbn",),
        transactional=True,
        durability=durability,
        replication_count=count,
    )


async def _leader(nodes: list[Node]) -> Node:
    """The node that all agree to be the leader, once a write went through everywhere."""
    async with asyncio.timeout(30):
        while True:
            known = {node.resources.services.leader(SERVICE) for node in nodes}
            lengths = {len(node.resources.services.participants(SERVICE)) for node in nodes}
            if len(known) == 1 and "" not in known and lengths == {NODES}:
                try:
                    await _settle(nodes[0])
                except L8Error:
                    continue
                if await _everywhere(nodes):
                    return next(node for node in nodes if node.vnic.uuid in known)
            await asyncio.sleep(0.1)


async def _settle(node: Node) -> None:
    """New items, enough for each member to hold some, also where each is on a few members."""
    for number in range(NODES):
        await node.put(SERVICE.name, Book(f"{time.monotonic()}-{number}", "settled"))


async def _everywhere(nodes: list[Node]) -> bool:
    await asyncio.sleep(0.5)
    handlers = [node.resources.services.handler(SERVICE) for node in nodes]
    return all(isinstance(handler, BaseService) and len(handler) for handler in handlers)


async def _write(node: Node, number: int) -> None:
    await node.put(SERVICE.name, Book(f"isbn-{number % 100}", "title", float(number)))


async def _read(node: Node) -> None:
    await node.get("select * from Book where isbn='1'")


async def _rate(
    operation: Callable[[int], Awaitable[None]], seconds: float, clients: int = 1
) -> float:
    done = 0
    begin = time.perf_counter()

    async def client() -> None:
        nonlocal done
        while time.perf_counter() - begin < seconds:
            done += 1
            await operation(done)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return done / (time.perf_counter() - begin)
