# SPDX-License-Identifier: Apache-2.0
"""Processes that stand still for a while: alive for the kernel, dead for the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.topology import Place

from .support import CONVERGENCE, PROFILES, behind, network, without

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("NET-20")
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_paused_node(tmp_path: Path, profile: str) -> None:
    """With the default settings it is removed within 15 s, and is back soon after it goes on."""
    async with network(tmp_path, switches=2, nodes=3, settings={"profile": profile}) as net:
        asleep = Place(2, 1)
        net.members[asleep].pause()
        await net.converged(CONVERGENCE, among=without(net, asleep))
        net.members[asleep].resume()
        await net.converged(CONVERGENCE)


@pytest.mark.feature("NET-20", "NET-18")
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_paused_switch(tmp_path: Path, profile: str) -> None:
    """All that is behind it is removed within 15 s, and is back soon after it goes on."""
    async with network(tmp_path, switches=2, nodes=3, settings={"profile": profile}) as net:
        net.switch(2).pause()
        await net.converged(CONVERGENCE, among=without(net, *behind(net, 2)))
        net.switch(2).resume()
        await net.converged(CONVERGENCE)
