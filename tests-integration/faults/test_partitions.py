# SPDX-License-Identifier: Apache-2.0
"""Three hosts, each with a switch and nodes, between which cables are pulled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.faults import Lan

from .support import CONVERGENCE, behind, network

if TYPE_CHECKING:
    from pathlib import Path

    from l8test.topology import Place

    from .support import Network

NO_LAN = Lan.unavailable()
pytestmark = pytest.mark.skipif(bool(NO_LAN), reason=NO_LAN)
BEYOND_LOOPBACK = {"insecure": True}
"""What the switches listen on are addresses of the hosts, and there are no certificates."""


def of(net: Network, *switches: int) -> list[Place]:
    """All that is behind some switches."""
    return [place for switch in switches for place in behind(net, switch)]


@pytest.mark.feature("NET-10", "NET-18", "NET-20", "NET-21", "NET-22")
async def test_partition_and_heal(tmp_path: Path) -> None:
    """Each side becomes a network of its own, with a leader of its own, and then one again."""
    with Lan(3) as lan:
        async with network(
            tmp_path,
            nodes=3,
            settings=BEYOND_LOOPBACK,
            namespaces=lan.namespaces,
            hosts=lan.addresses,
        ) as net:
            lan.partition([0])
            await net.converged(CONVERGENCE, among=of(net, 1))
            await net.converged(CONVERGENCE, among=of(net, 2, 3))
            lan.heal()
            await net.converged(CONVERGENCE)


@pytest.mark.feature("NET-10", "NET-20", "NET-22")
async def test_everybody_alone(tmp_path: Path) -> None:
    """Three networks of one switch each grow together again."""
    with Lan(3) as lan:
        async with network(
            tmp_path,
            nodes=2,
            settings=BEYOND_LOOPBACK,
            namespaces=lan.namespaces,
            hosts=lan.addresses,
        ) as net:
            lan.partition([0], [1], [2])
            for switch in (1, 2, 3):
                await net.converged(CONVERGENCE, among=of(net, switch))
            lan.heal()
            await net.converged(CONVERGENCE)
