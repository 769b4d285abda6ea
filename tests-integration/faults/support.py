# SPDX-License-Identifier: Apache-2.0
"""Networks of real processes for the tests of this folder."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from l8test import until
from l8test.faults import Child, Nursery, Proxy
from l8test.topology import Place, Processes, Topology

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8test.topology import Audit

CONVERGENCE: Final = 15.0
"""Seconds after any fault until routes, services, health and leaders are right everywhere."""

PROFILES: Final = ("native", "go")
MODULES: Final = ("l8test.topology", "l8utils", "l8services", "l8srlz", "layer8_net", "uvloop")
LOOP: Final = "uvloop:new_event_loop"
"""That of the nodes of a real network."""


class Network(Topology[Child]):
    """A network of processes, some of which reach their switch through a proxy."""

    proxies: dict[Place, Proxy]
    expected_troubles: dict[str, list[str]]
    """What members have to tell in the end, none by default."""


@asynccontextmanager
async def nursery(directory: Path) -> AsyncIterator[Nursery]:
    """Where processes come from; when it is left none of them may have logged an error."""
    async with Nursery(directory, MODULES, loop=LOOP) as opened:
        yield opened


@asynccontextmanager
async def network(
    directory: Path, *, proxied: tuple[Place, ...] = (), **options: Any
) -> AsyncIterator[Network]:
    """A network of processes, by default of the standard shape, under a steady load.

    Nodes of the places ``proxied``, or all who look for the switch at one, go through a proxy.

    At the end: every request ended once, was executed at most once, and if answered exactly once;
    no process has anything to tell that calls for a person; and nobody is left behind.
    """
    async with AsyncExitStack() as stack:
        born = await stack.enter_async_context(nursery(directory))
        opened = Network(Processes(born), directory, **options)
        opened.proxies, opened.expected_troubles = {}, {}
        for place in proxied:
            proxy = await stack.enter_async_context(Proxy(opened.ports[place.switch - 1]))
            opened.proxies[place] = proxy
            opened.dial[place] = proxy.port
        await stack.enter_async_context(opened)
        await opened.load()
        for place in opened.places():
            await ended(opened, place, "reply")
        yield opened
        books = await opened.audit()
        check(books)
        assert await troubles(opened) == opened.expected_troubles


def check(books: Audit) -> None:
    """No promise to who asks was broken, and the load was one."""
    assert books.problems == []
    assert books.outcomes["reply"] > 0
    # Faults of others are told as what they are.
    assert set(books.outcomes) <= {
        "reply",
        "BrokenError",
        "CircuitOpenError",
        "LinkLostError",
        "MovedError",
        "NoInstanceError",
        "PeerLostError",
        "RequestTimeoutError",
        "UnavailableError",
        "UnknownServiceError",
    }


async def ended(opened: Network, place: Place, outcome: str) -> None:
    """Wait until a request of the load of a node ended in some way."""

    async def seen() -> bool:
        reports = await opened.members[place].ask("loaded")
        return any(report["outcomes"].get(outcome) for report in reports)

    await until(seen, CONVERGENCE, message=f"{outcome} at {place.name}")


async def troubles(opened: Network) -> dict[str, list[str]]:
    """What members have to tell that calls for a person, and tracebacks of all that ever lived."""
    found = {}
    for place in opened.living():
        if seen := await opened.members[place].ask("troubles"):
            found[place.name] = seen
    return found


async def restart(opened: Network, place: Place) -> None:
    """Start a killed member again, and have it take part in the load."""
    await opened.start(place)
    if place.node:
        await opened.load([place])


def behind(opened: Network, switch: int) -> list[Place]:
    """A switch and its nodes."""
    return [place for place in opened.members if place.switch == switch]


def without(opened: Network, *gone: Place) -> list[Place]:
    """Everybody who lives, except these."""
    return [place for place in opened.living() if place not in gone]
