# SPDX-License-Identifier: Apache-2.0
"""What the scenarios have in common."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from l8test.topology import Local, Opened, Place, Processes, Topology

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

__all__ = ["EVERY", "FEW", "FORMS", "Net", "Opener", "Standard", "ask", "at", "everywhere", "hosts"]

FORMS: Final = ("one process", "processes")
EVERY: Final = tuple(f"{form}, {profile}" for form in FORMS for profile in ("native", "go"))
"""All forms of the network; those of tests that take long choose fewer."""
FEW: Final = ("one process, go", "processes, native")
"""Each of the forms and each of the profiles once."""

Net: TypeAlias = Topology[Opened]
Opener: TypeAlias = Local | Processes
if TYPE_CHECKING:
    Standard: TypeAlias = Callable[..., AbstractAsyncContextManager[Net]]
else:
    Standard = Any


def hosts(net: Net) -> list[Place]:
    """The nine nodes that offer services."""
    return [place for place in net.places() if net.serves(place)]


async def at(net: Net, switch: int, node: int, command: str, **arguments: Any) -> Any:
    """Ask a node by its place."""
    return await net.members[Place(switch, node)].ask(command, within=30.0, **arguments)


async def ask(net: Net, place: Place, command: str, **arguments: Any) -> Any:
    """Ask a node."""
    return await net.members[place].ask(command, within=30.0, **arguments)


async def everywhere(net: Net, command: str, **arguments: Any) -> list[Any]:
    """Ask all hosts at the same time."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(net, place, command, **arguments)) for place in hosts(net)]
    return [task.result() for task in tasks]
