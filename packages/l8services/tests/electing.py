# SPDX-License-Identifier: Apache-2.0
"""What the tests of elections over a network have in common."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from l8types.values import Message, ServiceKey

from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from l8types.enums import Action


GROUP = ServiceKey("Library")
FILMS = ServiceKey("Films", 2)


def now() -> float:
    """Virtual time."""
    return asyncio.get_running_loop().time()


def leads(nodes: Sequence[FakeNode], leader: str, key: ServiceKey = BOOKS) -> Callable[[], bool]:
    """Whether all of them know that leader."""
    return lambda: {node.services.leader(key) for node in nodes} == {leader}


async def serving(network: FakeNetwork, names: str, **options: object) -> list[FakeNode]:
    """Nodes with the sample service, started one after the other; the first one leads."""
    nodes = []
    for name in names:
        nodes.append(network.node(name))
        await nodes[-1].serve(**options)
        await until(leads(nodes, nodes[0].uuid), "the first leads")
    return nodes


async def deliver(node: FakeNode, action: Action, source: str, *values: object) -> FakeNode:
    """Let a request of the election come in; raises what it is answered."""
    message = Message(source=source, service=BOOKS.name, action=action, request=True)
    answer = await node.services.handle(node.resources.elements.of(*values), message, node.nic)
    assert answer is not None
    answer.raise_for_error()
    return node


class Plain:
    """Answers with what it was asked."""

    async def activate(self, sla: object, vnic: object) -> None:
        pass

    async def deactivate(self) -> None:
        pass

    async def get(self, elements: object, call: object) -> object:
        return elements
