# SPDX-License-Identifier: Apache-2.0
"""Random kills, pauses and partitions under load for a while; afterwards all is well.

``CHAOS_SECONDS`` and ``CHAOS_SEED`` of the environment make it longer, or another one:

    CHAOS_SECONDS=60 CHAOS_SEED=7 hatch run test tests-integration/faults/test_chaos.py
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from l8test import until
from l8test.faults import Lan
from l8test.linearizability import check_linearizable, recorded

from .havoc import Havoc
from .ledger_clients import HISTORY, KEYS
from .support import CONVERGENCE, network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8test.topology import Place

    from .support import Network

SECONDS: Final = float(os.environ.get("CHAOS_SECONDS", "8"))
"""How long it goes on; 60 for the whole of it."""
SEED: Final = int(os.environ.get("CHAOS_SEED", "1"))
FOLDER: Final = Path(__file__).parents[1]
EXTENSION: Final = "faults.ledger_clients:extend_fully"
DIVERGENCE: Final = 5.0
"""Seconds from any heal until the copies of a distributed cache are equal, and say so."""

_log = logging.getLogger(__name__)


@pytest.mark.timeout(3 * SECONDS + 120)
@pytest.mark.feature("NET-05", "NET-10", "NET-18", "NIC-06", "TRX-06", "TRX-07")
async def test_chaos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happened, 15 s later all agree on who is there, on one leader and on all items.

    Every multicast reaches all hosts once; every request ended once; each acknowledged write of a
    transactional service is there, none is halved or comes back from the dead: the history of all
    clients has an order. The copies of a distributed cache are equal. Where the machine has
    network namespaces, hosts are cut off from each other as well.
    """
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    async with chaos(tmp_path, "native", extension=EXTENSION) as net:
        await everybody_is_told(net)
        await nothing_is_lost(net, tmp_path / HISTORY)
        await copies_are_equal(net)


@pytest.mark.timeout(3 * SECONDS + 120)
@pytest.mark.feature("NET-05", "NET-10", "NET-18", "NIC-06")
async def test_chaos_among_nodes_of_the_go_profile(tmp_path: Path) -> None:
    """The same without transactions: 15 s later all agree, and a multicast reaches everybody."""
    async with chaos(tmp_path, "go") as net:
        await everybody_is_told(net)


@asynccontextmanager
async def chaos(directory: Path, profile: str, **options: Any) -> AsyncIterator[Network]:
    """A network that was broken for a while and is whole again; all agree on who is there."""
    async with AsyncExitStack() as stack:
        lan = None if Lan.unavailable() else stack.enter_context(Lan(3))
        options["settings"] = {"profile": profile, "insecure": lan is not None}
        if lan is not None:
            options |= {"namespaces": lan.namespaces, "hosts": lan.addresses}
        net = await stack.enter_async_context(network(directory, **options))

        async def revived(place: Place) -> None:
            if "extension" in options:
                await work(net, place)

        for place in net.places():
            await revived(place)
        havoc = Havoc(net, SEED, lan, revived)
        await havoc.wreak(SECONDS)
        took = await net.converged(CONVERGENCE)
        _log.info("%s; converged after %.1f s", havoc.counts, took)
        yield net


async def work(net: Network, place: Place, *, on: bool = True) -> None:
    """Have a node write and read, or stop it."""
    if place.node:
        await net.members[place].ask("work", on=on, within=30.0)


async def everybody_is_told(net: Network) -> None:
    """A multicast of every node reaches all hosts once."""
    for place in net.places():
        await net.members[place].ask("tell", text=f"all-{place.name}")
    await until(lambda: len(heard(net)) >= 12 * 9, CONVERGENCE, message="108 deliveries")
    lines = heard(net)
    assert len(lines) == len(set(lines)) == 12 * 9


def heard(net: Network) -> list[str]:
    """What was delivered of the multicasts: by whom and which."""
    lines = net.ledger.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if " PATCH all-" in line]


async def nothing_is_lost(net: Network, history: Path) -> None:
    """One leader, equal copies, and a history that could have happened one after the other."""
    hosts = [place for place in net.places() if net.serves(place)]

    async def led() -> bool:
        seen = [await net.members[place].ask("standing", within=20.0) for place in hosts]
        leaders = {one["leader"] for one in seen}
        known = leaders <= {net.uuids[place] for place in hosts}
        return len(leaders) == 1 and known and all(one["participants"] == 9 for one in seen)

    await until(led, CONVERGENCE, message="one leader of all")
    for place in net.places():
        await work(net, place, on=False)
    for number, place in enumerate(net.places()):
        await net.members[place].ask("write-pair", key=number % KEYS, within=30.0)
        await net.members[place].ask("read-pairs", within=30.0)

    async def equal() -> bool:
        copies = [await net.members[place].ask("items", within=20.0) for place in hosts]
        return all(copy == copies[0] and len(copy) == 2 * KEYS for copy in copies)

    await until(equal, 5.0, message="equal copies")
    operations = recorded(history)
    writes = [one for one in operations if one.write]
    certain = sum(math.isfinite(one.end) for one in writes)
    _log.info(
        "%d writes, %d certain; %d reads", len(writes), certain, len(operations) - len(writes)
    )
    assert certain > SECONDS
    assert await asyncio.to_thread(check_linearizable, operations) == ""


async def copies_are_equal(net: Network) -> None:
    """All copies of the distributed cache have the same items, and no instance knows better."""
    hosts = [place for place in net.places() if net.serves(place)]
    last: list[dict[str, Any]] = []

    async def equal() -> bool:
        last[:] = [await net.members[place].ask("copy", within=20.0) for place in hosts]
        return all(one["items"] == last[0]["items"] and not one["divergence"] for one in last)

    try:
        await until(equal, DIVERGENCE, message="equal copies of the cache")
    finally:
        _log.info("%d items, %d writes", len(last[0]["items"]), sum(o["written"] for o in last))
