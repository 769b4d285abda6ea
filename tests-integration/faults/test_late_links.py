# SPDX-License-Identifier: Apache-2.0
"""Two switches that are linked late, with a transactional service on the nodes of both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from l8test import until
from l8test.faults import Refused
from l8test.linearizability import check_linearizable, recorded
from l8test.topology import Place

from .ledger_clients import HISTORY
from .support import CONVERGENCE, behind, network, troubles

if TYPE_CHECKING:
    from .support import Network

FOLDER = Path(__file__).parents[1]


async def hosts_agree(net: Network, keys: int = 0) -> set[str]:
    """Wait until all hosts have the same items, of so many keys if told; what these are."""
    hosts = [place for place in net.places() if net.serves(place)]
    found: set[str] = set()

    async def equal() -> bool:
        copies = [await net.members[place].ask("items", within=20.0) for place in hosts]
        found.clear()
        found.update(name.partition("-")[0] for name in copies[0])
        return all(copy == copies[0] for copy in copies) and len(found) == (keys or len(found))

    await until(equal, CONVERGENCE, message="equal copies")
    return found


async def can_write(net: Network, place: Place, key: int) -> bool:
    """Whether a write of a node is acknowledged."""
    try:
        await net.members[place].ask("write-pair", key=key, within=40.0)
    except Refused:
        return False
    return True


@pytest.mark.feature("NET-10")
async def test_a_service_that_waits_for_the_other_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six nodes are expected and neither side has four: nothing is written before the link.

    After it the service begins once, takes writes of all nodes, and they all have them.
    """
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    options: dict[str, Any] = {
        "switches": 2,
        "linked": False,
        "extension": "faults.ledger_clients:extend_six",
    }
    async with network(tmp_path, **options) as net:
        for switch in (1, 2):
            await net.converged(CONVERGENCE, among=behind(net, switch))
            assert not await can_write(net, Place(switch, 1), key=switch)
        await net.switch(2).ask("connect", host=net.hosts[0], port=net.ports[0])
        await net.converged(CONVERGENCE)
        await until(lambda: can_write(net, Place(1, 1), key=0), CONVERGENCE, message="a write")
        for key, place in enumerate(net.places(), 1):
            await net.members[place].ask("write-pair", key=key, within=30.0)
        await hosts_agree(net, keys=9)
        for place in net.places():
            await net.members[place].ask("read-pairs", within=30.0)
        assert check_linearizable(recorded(tmp_path / HISTORY)) == ""


@pytest.mark.feature("NET-10")
async def test_two_services_that_began_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nodes that expect nobody both sides begin; one gives way, and says what is dropped.

    After the link there is one service, with the items of one side and with none of the other.
    """
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    options: dict[str, Any] = {
        "switches": 2,
        "linked": False,
        "extension": "faults.ledger_clients:extend_anyone",
    }
    async with network(tmp_path, **options) as net:
        for switch in (1, 2):
            await net.converged(CONVERGENCE, among=behind(net, switch))
        for key in range(2):
            await net.node(1, 1).ask("write-pair", key=key, within=30.0)
        for key in range(2, 7):
            await net.node(2, 1).ask("write-pair", key=key, within=30.0)
        await net.switch(2).ask("connect", host=net.hosts[0], port=net.ports[0])
        await net.converged(CONVERGENCE)
        kept = await hosts_agree(net)
        assert kept in ({"0", "1"}, {"2", "3", "4", "5", "6"})
        for place in net.places():
            await net.members[place].ask("write-pair", key=9, within=30.0)
        assert await hosts_agree(net, keys=len(kept) + 1) == kept | {"9"}
        net.expected_troubles = await troubles(net)
        lost = 2 if "0" in kept else 1
        told = {name: len(lines) for name, lines in net.expected_troubles.items()}
        assert told == {f"switch-{lost}-node-{number}": 1 for number in (1, 2, 3)}
        for (line,) in net.expected_troubles.values():
            assert "written here only, and dropped: " in line
