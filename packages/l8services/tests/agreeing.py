# SPDX-License-Identifier: Apache-2.0
"""What the tests of nodes that agree have in common."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from l8services import BaseService, Tuning

from .network import BOOKS, changes_in
from .virtual import until

if TYPE_CHECKING:
    from l8services._replica import Replica
    from l8types.pb import L8NotificationSet
    from l8types.values import ItemChange

    from .network import FakeNetwork, FakeNode


def changes_to(network: FakeNetwork, node: FakeNode) -> list[ItemChange | L8NotificationSet]:
    """The changes that were sent to a node."""
    return [
        change
        for sent in network.sent
        for value in sent.elements.values
        for change in changes_in(value)
        if sent.target == node.uuid
    ]


async def agreed(*nodes: FakeNode) -> None:
    """Wait until the nodes have the same items and nothing is on its way."""

    def same() -> bool:
        return all(node.books() == nodes[0].books() for node in nodes)

    await until(same, "the nodes agree")


QUICK = Tuning(
    resync_delay=0.05,
    resync_interval=0.1,
    resync_retry_max=1.0,
    beacon_interval=0.2,
    beacon_interval_max=1.0,
    page_size=2,
)


async def converged(nodes: list[FakeNode], running: list[BaseService]) -> None:
    """Wait until the nodes agree, and see that they still do when all is quiet."""

    def quiet() -> bool:
        equal = all(node.books() == nodes[0].books() for node in nodes)
        return equal and all(service.settled for service in running)

    await until(quiet, "the nodes agree")
    await asyncio.sleep(10)
    assert quiet()


async def pair(network: FakeNetwork) -> tuple[FakeNode, FakeNode]:
    """Two nodes with the sample service."""
    a, b = network.node("a"), network.node("b")
    services = [await a.serve(), await b.serve()]
    await until(lambda: all(service.settled for service in services), "they know each other")
    network.asked.clear()
    return a, b


def replica_of(node: FakeNode) -> Replica:
    """The replica inside the sample service."""
    service = node.services.handler(BOOKS)
    assert isinstance(service, BaseService)
    return service._running.replica
