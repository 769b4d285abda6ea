# SPDX-License-Identifier: Apache-2.0
"""Connections on which one direction is lost and the other is not; nobody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test import until
from l8test.faults import Lan, Way
from l8test.topology import Place

from .support import CONVERGENCE, behind, network, without

if TYPE_CHECKING:
    from pathlib import Path

NO_LAN = Lan.unavailable()


@pytest.mark.feature("NET-20", "NIC-06")
@pytest.mark.parametrize(
    ("way", "profile"), [(Way.FORTH, "native"), (Way.BACK, "native"), (Way.FORTH, "go")]
)
async def test_a_node_that_is_heard_or_hears_only(tmp_path: Path, way: Way, profile: str) -> None:
    """It is gone for the others within 15 s, whichever way is lost, and back after it is healed."""
    place = Place(1, 1)
    settings = {"profile": profile}
    async with network(tmp_path, switches=2, nodes=3, proxied=(place,), settings=settings) as net:
        proxy = net.proxies[place]
        proxy.silence(way)
        await net.converged(CONVERGENCE, among=without(net, place))
        proxy.heal()
        await net.converged(CONVERGENCE)


@pytest.mark.skipif(bool(NO_LAN), reason=NO_LAN)
@pytest.mark.feature("NET-10", "NET-20", "NET-21", "NET-22")
@pytest.mark.parametrize(("source", "target", "profile"), [(0, 1, "native"), (1, 0, "go")])
async def test_switches_of_which_one_does_not_hear_the_other(
    tmp_path: Path, source: int, target: int, profile: str
) -> None:
    """Both give the link up within 15 s, and are linked again when packets go both ways."""
    with Lan(2) as lan:
        async with network(
            tmp_path,
            switches=2,
            nodes=3,
            settings={"insecure": True, "profile": profile},
            namespaces=lan.namespaces,
            hosts=lan.addresses,
        ) as net:
            lan.cut_one_way(source, target)
            for switch in (1, 2):
                await net.converged(CONVERGENCE, among=behind(net, switch))
            lan.heal()
            await net.converged(CONVERGENCE)


@pytest.mark.skipif(bool(NO_LAN), reason=NO_LAN)
@pytest.mark.feature("NET-10", "NET-20", "NET-22")
async def test_one_of_three_links_is_half_open(tmp_path: Path) -> None:
    """Whatever the others saw meanwhile: when packets go both ways again all see all."""
    with Lan(3) as lan:
        async with network(
            tmp_path,
            nodes=2,
            settings={"insecure": True},
            namespaces=lan.namespaces,
            hosts=lan.addresses,
        ) as net:
            lan.cut_one_way(0, 1)
            lost = set(behind(net, 1))

            async def noticed() -> bool:
                seen = await net.members[Place(2)].ask("view")
                return not any(net.uuids[place] in seen["nodes"] for place in lost)

            await until(noticed, CONVERGENCE, message="the link is given up")
            lan.heal()
            await net.converged(CONVERGENCE)
