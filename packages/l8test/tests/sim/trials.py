# SPDX-License-Identifier: Apache-2.0
"""Small clusters to try the simulator on; found by name, also from other processes."""

from __future__ import annotations

import asyncio
import os
import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8test.sim import Fault, FaultKind, Schedule

if TYPE_CHECKING:
    from l8test.sim import Host, World

PORT: Final = 9
SECONDS: Final = 20.0


@dataclass(frozen=True)
class Gossip:
    """Nodes that ask one server over and over.

    Args:
        fragile: Whether it takes for granted that no two clocks are wrong at a time.
    """

    fragile: bool = False

    def schedule(self, seed: int) -> Schedule:
        """Six faults; of the fragile kind, only two of them together do harm."""
        hosts = ["server", "a", "b", "c"]
        drawn = Schedule.random(seed, hosts, SECONDS, count=6)
        if not self.fragile:
            return drawn
        quiet = [Fault(float(number), FaultKind.SKEW, ("a",), 1.0, 5.0) for number in range(1, 9)]
        harm = [
            Fault(5.5, FaultKind.SKEW, ("b",), 6.0, 7.0),
            Fault(7.5, FaultKind.SKEW, ("c",), 6.0, 7.0),
        ]
        return Schedule(tuple(sorted([*quiet, *harm], key=lambda fault: fault.at)))

    async def run(self, world: World, schedule: Schedule) -> None:
        """Talk while things go wrong."""
        world.host("server").start(self._serve)
        for name in "abc":
            world.host(name).start(self._ask)
        if self.fragile:
            world.invariant("clocks agree", lambda: self._skewed(world), every=0.5)
        world.apply(schedule)
        await world.sleep(SECONDS + 5)

    @staticmethod
    def _skewed(world: World) -> str:
        wrong = [name for name in "bc" if world.host(name).clock.skew]
        return "two clocks are wrong" if len(wrong) == 2 else ""

    async def _serve(self, host: Host) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while line := await reader.readline():
                    writer.write(line.upper())
                    await writer.drain()
            except ConnectionError as error:
                host.note(f"lost a client: {error}")
            finally:
                writer.close()

        await asyncio.start_server(answer, host.address, PORT)
        await asyncio.Event().wait()

    async def _ask(self, host: Host) -> None:
        while True:
            try:
                async with asyncio.timeout(3):
                    reader, writer = await asyncio.open_connection("server", PORT)
                    try:
                        writer.write(f"{uuid.uuid4()} {os.urandom(2).hex()}\n".encode())
                        host.note(f"heard {(await reader.readline()).decode().strip()}")
                    finally:
                        writer.close()
            except (OSError, TimeoutError) as error:
                host.note(f"failed: {type(error).__name__}")
            await asyncio.sleep(random.random())


GOOD: Final = Gossip()
FRAGILE: Final = Gossip(fragile=True)
