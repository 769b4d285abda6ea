# SPDX-License-Identifier: Apache-2.0
"""Connections that break or fall silent, and networks that meet late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test import until
from l8test.topology import Place

from .support import CONVERGENCE, PROFILES, behind, network, without

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("NIC-06")
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_connection_that_is_cut(tmp_path: Path, profile: str) -> None:
    """The node connects again and offers its services again."""
    place = Place(1, 1)
    async with network(
        tmp_path, switches=2, nodes=3, proxied=(place,), settings={"profile": profile}
    ) as net:
        proxy = net.proxies[place]
        before = (await net.members[place].ask("figures"))["connections"]
        proxy.refuse()
        await net.converged(CONVERGENCE, among=without(net, place))
        proxy.heal()
        await net.converged(CONVERGENCE)
        assert (await net.members[place].ask("figures"))["connections"] == before + 1


@pytest.mark.feature("NET-20", "NIC-06")
async def test_a_half_open_connection(tmp_path: Path) -> None:
    """Both ends notice that nothing comes any more, and meet again when something can."""
    place = Place(1, 1)
    async with network(tmp_path, switches=2, nodes=3, proxied=(place,)) as net:
        proxy = net.proxies[place]
        proxy.silence()
        await net.converged(CONVERGENCE, among=without(net, place))
        proxy.heal()
        await net.converged(CONVERGENCE)


@pytest.mark.feature("NET-10", "NIC-06")
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_switch_that_flickers(tmp_path: Path, profile: str) -> None:
    """All connections of a switch break at once, again and again; afterwards all is well."""
    place = Place(1)
    async with network(
        tmp_path, switches=2, nodes=3, proxied=(place,), settings={"profile": profile}
    ) as net:
        proxy = net.proxies[place]
        for _ in range(5):
            accepted = proxy.accepted
            proxy.cut()
            await until(lambda: proxy.accepted > accepted, 10)  # noqa: B023 - waited for at once
        await net.converged(CONVERGENCE)


@pytest.mark.feature("NET-10", "NET-21", "NET-22")
@pytest.mark.parametrize("profile", PROFILES)
async def test_two_grown_switches_that_are_linked_late(tmp_path: Path, profile: str) -> None:
    """Nodes that were there before the link know each other, with their services, after it."""
    async with network(
        tmp_path, switches=2, nodes=3, linked=False, settings={"profile": profile}
    ) as net:
        for switch in (1, 2):
            await net.converged(CONVERGENCE, among=behind(net, switch))
        await net.switch(2).ask("connect", host=net.hosts[0], port=net.ports[0])
        await net.converged(CONVERGENCE)
        across = await net.node(1, 3).ask("ask", text="over", target=net.uuids[Place(2, 1)])
        assert across == ["over"]
