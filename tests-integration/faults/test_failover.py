# SPDX-License-Identifier: Apache-2.0
"""How a transactional service goes on when the process of its leader is killed."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from l8test import until
from l8test.faults import lasting_port

from .support import CONVERGENCE, nursery

if TYPE_CHECKING:
    from l8test.faults import Child, Nursery

_log = logging.getLogger(__name__)
FOLDER: Final = Path(__file__).parents[1]
NODES: Final = 4
BOUND: Final = 10.0
"""Seconds that a busy machine may take; docs/promises.md has what an idle one takes."""


async def start(born: Nursery, directory: Path) -> list[Child]:
    """A switch, and nodes that offer the service."""
    port = await start_switch(born, directory)
    return [await start_node(born, directory, number, port) for number in range(NODES)]


async def start_switch(born: Nursery, directory: Path) -> int:
    """A switch; its port."""
    port = lasting_port()
    settings = {
        "alias": "switch",
        "host": "127.0.0.1",
        "port": port,
        "plugins": {"layer8.security": "shallow"},
        "data_directory": str(directory / "switch"),
    }
    program, resources = "l8test.topology._member:live", "l8utils:NodeResources"
    switch = await born.start(
        "switch", program, resources=resources, settings=settings, switch=True
    )
    await switch.ask("about", within=30.0)
    return port


async def start_node(
    born: Nursery, directory: Path, number: int, port: int, count: int | None = None
) -> Child:
    """A node that offers the service; its directory is that of an earlier life."""
    name = f"node-{number}"
    return await born.start(
        name,
        "faults.ledger_member:live",
        alias=name,
        port=port,
        directory=str(directory / name),
        count=count,
    )


async def settled(nodes: list[Child]) -> Child:
    """Wait until all agree on one of them, who leads and has answered a write."""

    async def look() -> Child | None:
        seen = [await node.ask("leader", within=20.0) for node in nodes]
        leaders = {one["leader"] for one in seen}
        if len(leaders) != 1 or any(one["participants"] != len(nodes) for one in seen):
            return None
        return next(
            (node for node, one in zip(nodes, seen, strict=True) if one["me"] in leaders), None
        )

    await until(look, CONVERGENCE, message="one leader")
    leader = await look()
    assert leader is not None
    return leader


@pytest.mark.feature("ELE-05", "TRX-03")
async def test_writes_go_on_soon_after_the_leader_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that begins when the leader is killed is acknowledged by the next one."""
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    async with nursery(tmp_path) as born:
        nodes = await start(born, tmp_path)
        leader = await settled(nodes)
        await nodes[0].ask("write", key="before", value=1, within=30.0)
        left = [node for node in nodes if node is not leader]
        begin = time.monotonic()
        await leader.kill()
        await left[0].ask("write", key="after", value=2, within=30.0)
        took = time.monotonic() - begin
        _log.info("%.3f s without writes", took)
        assert took < BOUND
        for node in left:
            assert await node.ask("read", within=30.0) == {"before": 1, "after": 2}
