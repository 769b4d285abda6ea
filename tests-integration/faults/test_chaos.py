# SPDX-License-Identifier: Apache-2.0
"""Random kills and restarts of switches and nodes for a while; afterwards all is well."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Final

import pytest

from l8test import until
from l8test.topology import Place

from .support import CONVERGENCE, network, restart

if TYPE_CHECKING:
    from pathlib import Path

    from .support import Network

SECONDS: Final = float(os.environ.get("CHAOS_SECONDS", "20"))
"""How long it goes on; 60 for the whole of it."""
SEED: Final = int(os.environ.get("CHAOS_SEED", "1"))


@pytest.mark.timeout(3 * SECONDS + 100)
@pytest.mark.feature("NET-05", "NET-10", "NET-18", "NIC-06")
async def test_chaos(tmp_path: Path) -> None:
    """After it every multicast reaches all hosts once, and all agree within 15 s."""
    dice = random.Random(SEED)
    async with network(tmp_path) as net:
        await wreak_havoc(net, dice)
        for place in sorted(set(net.members) - set(net.living())):
            await restart(net, place)
        await net.converged(CONVERGENCE)
        for place in net.living():
            if place.node:
                await net.members[place].ask("tell", text=f"all-{place.name}")
        await until(lambda: len(heard(net)) >= 12 * 9, CONVERGENCE, message="108 deliveries")
        lines = heard(net)
        assert len(lines) == len(set(lines)) == 12 * 9


async def wreak_havoc(net: Network, dice: random.Random) -> None:
    """Kill somebody, or start one of the dead again, every now and then."""
    clock = asyncio.get_running_loop().time
    end = clock() + SECONDS
    everybody = sorted(net.members)
    while clock() < end:
        dead = sorted(set(everybody) - set(net.living()))
        if dead and dice.random() < len(dead) / 6:
            await restart_if_possible(net, dice.choice(dead))
        else:
            await net.members[dice.choice(net.living())].kill()
        await asyncio.sleep(dice.uniform(0.1, 1.0))  # the pace of the chaos, nothing is waited for


async def restart_if_possible(net: Network, place: Place) -> None:
    """A node whose switch is dead starts its switch first: alone it would wait for it."""
    if place.node and not net.switch(place.switch).alive:
        place = Place(place.switch)
    await restart(net, place)


def heard(net: Network) -> list[str]:
    """What was delivered of the multicasts: by whom and which."""
    lines = net.ledger.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if " PATCH all-" in line]
