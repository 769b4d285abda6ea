# SPDX-License-Identifier: Apache-2.0
"""The same distributed cache with each instance in a process of its own.

The writer and the three switches share one process, the eight other instances have one each. How
many run at a time is up to the machine; what counts is the time until all have a change.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from l8services import BaseService
from l8types.sla import ServiceLevelAgreement
from layer8 import Node, load_settings, run
from tools.bench.nine import NODES, SWITCHES, start_switches
from tools.bench.replicas import BATCH, DELIVERED, PATCHED, POSTED, SERVICE, Book, books

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from multiprocessing.sharedctypes import SynchronizedArray

POLL: Final = 0.002
"""Seconds between two looks at what has arrived."""
BEHIND: Final = 20 * BATCH


def measure(seconds: float) -> dict[str, float]:
    """Return how many changes per second reach all instances."""
    with tempfile.TemporaryDirectory() as directory:
        return run(_measure(seconds, Path(directory)))


def _agreement() -> ServiceLevelAgreement:
    return ServiceLevelAgreement(
        name=SERVICE.name, handler=BaseService, model=Book, primary_keys=("isbn",)
    )


async def _measure(seconds: float, directory: Path) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        ports = await start_switches(stack, directory)
        settings = load_settings(alias="node-0", port=ports[0], data_directory=directory)
        writer = await stack.enter_async_context(Node(settings=settings, bring_switch=False))
        await writer.activate(_agreement())
        seen = await stack.enter_async_context(_others(directory, ports, writer.vnic.uuid))
        async with asyncio.timeout(60):
            while True:
                if len(writer.vnic.directory.providers(SERVICE)) == NODES:
                    break
                await asyncio.sleep(POLL)

        async def post(round_: int) -> None:
            await writer.post(SERVICE.name, books(round_, 0))

        async def patch(round_: int) -> None:
            await writer.patch(SERVICE.name, books(round_ % 10, round_))

        posted = await _rate(post, writer, seen, seconds)
        patched = await _rate(patch, writer, seen, seconds)
        return {POSTED: posted, PATCHED: patched, DELIVERED: patched * (NODES - 1)}


@asynccontextmanager
async def _others(
    directory: Path, ports: list[int], source: str
) -> AsyncIterator[SynchronizedArray[int]]:
    """Eight processes, and what each of them has of the changes of the writer."""
    spawn = multiprocessing.get_context("spawn")
    seen = cast("SynchronizedArray[int]", spawn.Array("q", NODES - 1))
    over = spawn.Event()
    processes = [
        spawn.Process(
            target=_instance,
            args=(directory, ports[number % SWITCHES], number, source, seen, over),
            daemon=True,
        )
        for number in range(1, NODES)
    ]
    for process in processes:
        process.start()
    try:
        yield seen
    finally:
        over.set()
        for process in processes:
            # The switches are here and have to say good-bye.
            await asyncio.to_thread(process.join, 10)
            process.kill()


def _instance(
    directory: Path,
    port: int,
    number: int,
    source: str,
    seen: SynchronizedArray[int],
    over: multiprocessing.synchronize.Event,
) -> None:
    """One process: a node with the service, which tells what has arrived."""

    async def main() -> None:
        settings = load_settings(alias=f"node-{number}", port=port, data_directory=directory)
        async with Node(settings=settings, bring_switch=False) as node:
            await node.activate(_agreement())
            handler = cast("BaseService", node.resources.services.handler(SERVICE))
            while not over.is_set():
                seen[number - 1] = handler.changes_seen().get(source, 0)
                await asyncio.sleep(POLL)

    run(main())


async def _rate(
    operation: Callable[[int], Awaitable[None]],
    writer: Node,
    seen: SynchronizedArray[int],
    seconds: float,
) -> float:
    """Changes per second, until the last one is everywhere."""
    rounds = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        rounds += 1
        await operation(rounds)
        await _behind(writer, seen, BEHIND)
    await _behind(writer, seen, 0)
    return rounds * BATCH / (time.perf_counter() - begin)


async def _behind(writer: Node, seen: SynchronizedArray[int], limit: int) -> None:
    """Wait until no instance lacks more than so many changes."""
    handler = cast("BaseService", writer.resources.services.handler(SERVICE))
    while True:
        if handler.changes_seen()[writer.vnic.uuid] - min(seen[:]) <= limit:
            return
        await asyncio.sleep(POLL)
