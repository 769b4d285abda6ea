# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.topology import Local, Place, Topology

from .support import CONVERGENCE, PROFILES, behind, ended, network, restart, without

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("NET-18", "TST-13", "TST-14", "TST-15")
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_killed_node(tmp_path: Path, profile: str) -> None:
    """It is gone from all directories at once; a new one in its place is known everywhere."""
    async with network(tmp_path, settings={"profile": profile}) as net:
        gone = Place(2, 1)
        await net.members[gone].kill()
        await net.converged(CONVERGENCE)
        assert gone not in net.living()
        await restart(net, gone)
        await net.converged(CONVERGENCE)
        assert len(net.living()) == 15


@pytest.mark.feature("NET-18", "NET-10", "NET-21", "NET-22", "NIC-06")
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_killed_switch(tmp_path: Path, profile: str) -> None:
    """What is behind it is gone, and is back with all services when it is back."""
    async with network(tmp_path, settings={"profile": profile}) as net:
        lost = behind(net, 1)
        await net.switch(1).kill()
        await net.converged(CONVERGENCE, among=without(net, *lost))
        await restart(net, Place(1))
        await net.converged(CONVERGENCE)
        # Nodes were never restarted: they found their switch and offered their services again.
        answer = await net.node(1, 4).ask("ask", text="again", target=net.uuids[Place(3, 1)])
        assert answer == ["again"]


@pytest.mark.feature("NET-09", "NET-18")
async def test_everybody_who_serves_is_killed(tmp_path: Path) -> None:
    """Requests then end as unavailable, and are answered again when one provider is back."""
    async with network(tmp_path, switches=2, nodes=2) as net:
        for switch in (1, 2):
            await net.node(switch, 1).kill()
        await net.converged(CONVERGENCE)
        for switch in (1, 2):
            await ended(net, Place(switch, 2), "NoInstanceError")
        await restart(net, Place(2, 1))
        await net.converged(CONVERGENCE)
        assert await net.node(1, 2).ask("ask", text="back") == ["back"]


async def test_all_switches_are_killed(tmp_path: Path) -> None:
    """A network without any switch is whole again soon after they are back."""
    async with network(tmp_path, switches=2, nodes=2) as net:
        for switch in (1, 2):
            await net.switch(switch).kill()
        for switch in (1, 2):
            await restart(net, Place(switch))
        await net.converged(CONVERGENCE)


@pytest.mark.feature("l8test:TST-01", "TST-13", "TST-14", "TST-15", "TST-16", "TST-21")
@pytest.mark.parametrize("profile", PROFILES)
async def test_the_standard_network_in_one_process(tmp_path: Path, profile: str) -> None:
    """Three linked switches with four nodes each by one call, ready when all see all."""
    async with Local() as local:
        net = Topology[object](local, tmp_path, settings={"profile": profile})  # type: ignore[type-var]
        async with net:
            assert await net.disagreement() == ""
            assert [place.name for place in net.living()][:2] == ["switch-1", "switch-1-node-1"]
            await net.load(pace=0.02)
            books = await net.audit()
        assert (books.problems, books.failed) == ([], 0)
        assert books.sent >= 12
        assert net.living() == []
