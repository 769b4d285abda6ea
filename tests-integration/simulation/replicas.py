# SPDX-License-Identifier: Apache-2.0
"""Replicated items on simulated nodes: whatever goes wrong, in the end all copies are equal."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from typing_extensions import override

from l8services import BaseService
from l8types.enums import Action, DecoratorType
from l8types.errors import L8Error, NotFoundError
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .cluster import CONVERGENCE, Network, NetworkTrial

if TYPE_CHECKING:
    from l8test.sim import Host, Schedule, World
    from l8types.protocols.net import VNic

ITEMS: Final = ServiceKey("Items")
KEYS: Final = 12
PACE: Final = 1.0
"""Mean of the seconds between two writes of a node."""


@dataclass
class Item:
    """What is replicated."""

    id: str
    value: int = 0
    writer: str = ""


@dataclass
class Replicas(Network):
    """Nodes that all keep the same items and all change them."""

    service: ServiceKey = ITEMS
    writing: bool = True
    written: int = 0

    @override
    async def serve(self, host: Host, vnic: VNic) -> None:
        """Keep a copy, and change items now and then."""
        resources = vnic.resources
        resources.register(Item)
        resources.introspector.decorate(Item, DecoratorType.PRIMARY, "id")
        agreement = ServiceLevelAgreement(
            name=ITEMS.name, handler=BaseService, model=Item, primary_keys=("id",)
        )
        await resources.services.activate(agreement, vnic)
        try:
            while True:
                await asyncio.sleep(random.uniform(0.2, 1.8) * PACE)
                if self.writing:
                    await self._write(host, vnic)
        finally:
            await resources.services.aclose()

    async def _write(self, host: Host, vnic: VNic) -> None:
        resources = vnic.resources
        self.written += 1
        action = random.choice([Action.POST, Action.PUT, Action.PATCH, Action.DELETE])
        item = Item(f"key-{random.randrange(KEYS)}", self.written, host.name)
        try:
            await resources.services.call(ITEMS, action, resources.elements.of(item), vnic)
        except NotFoundError as error:
            # Another node was faster to delete it.
            host.disk["last miss"] = error.message
        except L8Error as error:
            if self.quiet:
                self.observer.problems.append(f"a write failed in quiet times: {error.message}")

    async def copies(self) -> dict[str, list[Item]]:
        """What each node keeps."""
        found: dict[str, list[Item]] = {}
        for host in self.node_hosts():
            found[host.name] = await host.call(partial(_copy, host.disk["member"]))
        return found


async def _copy(vnic: VNic) -> list[Item]:
    resources = vnic.resources
    query = resources.elements.query("select * from Item sort-by id")
    answer = await resources.services.call(ITEMS, Action.GET, query, vnic)
    return [cast("Item", value) for value in answer.values]


@dataclass(frozen=True)
class ReplicasTrial(NetworkTrial):
    """Faults while all nodes write; when it is over, the copies become equal."""

    @override
    async def play(self, world: World, schedule: Schedule) -> None:
        """Come up, write under faults, stop, converge, compare."""
        replicas = Replicas(world, *self.shape(world.seed))
        replicas.start()
        await self._settle(world, replicas)
        world.invariant("no error is logged", replicas.logged_error, every=5.0)
        world.invariant("writes succeed", lambda: "; ".join(replicas.observer.problems))
        world.apply(schedule)
        await world.sleep(self.faults_for)
        replicas.writing = False
        world.timeline.note(f"the last fault is over, {replicas.written} writes")
        await world.sleep(CONVERGENCE)
        await self._settle(world, replicas, within=0)
        await self._compare(world, replicas)
        replicas.quiet = replicas.writing = True
        await world.sleep(5)
        replicas.writing = False
        await world.sleep(5)
        await self._compare(world, replicas)

    @staticmethod
    async def _compare(world: World, replicas: Replicas) -> None:
        copies = await replicas.copies()
        first, expected = next(iter(copies.items()))
        for name, items in copies.items():
            if items != expected:
                ours = [item for item in expected if item not in items]
                theirs = [item for item in items if item not in expected]
                world.fail(
                    "all copies are equal", f"only on {first}: {ours}; only on {name}: {theirs}"
                )
        world.timeline.note(f"all copies have the same {len(expected)} items")


REPLICAS: Final = ReplicasTrial(switches=2, nodes=6)
