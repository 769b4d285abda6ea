# SPDX-License-Identifier: Apache-2.0
"""Nine nodes behind three linked switches, all of them in this process.

What is measured on them is therefore the work of all nodes and switches together on one processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layer8 import Node, load_settings, make_switch

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

    from l8types.sla import ServiceLevelAgreement

__all__ = ["NODES", "SWITCHES", "start", "start_switches"]

SWITCHES: Final = 3
NODES: Final = 9


async def start_switches(stack: AsyncExitStack, directory: Path) -> list[int]:
    """Start the switches, each linked with all others; their ports.

    Args:
        stack: Ends them.
        directory: Where they keep their files.
    """
    ports: list[int] = []
    for number in range(SWITCHES):
        settings = load_settings(alias=f"switch-{number}", port=0, data_directory=directory)
        switch = await stack.enter_async_context(make_switch(settings))
        for port in ports:
            await switch.connect("127.0.0.1", port)
        ports.append(switch.port)
    return ports


async def start(stack: AsyncExitStack, directory: Path, sla: ServiceLevelAgreement) -> list[Node]:
    """Start the switches, then the nodes one after the other, each with the service.

    Args:
        stack: Ends them.
        directory: Where they keep their files.
        sla: Agreement of the service.
    """
    ports = await start_switches(stack, directory)
    nodes = []
    for number in range(NODES):
        port = ports[number % SWITCHES]
        settings = load_settings(alias=f"node-{number}", port=port, data_directory=directory)
        node = await stack.enter_async_context(Node(settings=settings, bring_switch=False))
        await node.activate(sla)
        nodes.append(node)
    return nodes
