# SPDX-License-Identifier: Apache-2.0
"""Items of a replicated service move to a new node while processes are killed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from l8test import until

from .support import nursery
from .test_failover import FOLDER, settled, start_node, start_switch

if TYPE_CHECKING:
    from pathlib import Path

    from l8test.faults import Child

ITEMS: Final = 3000
COUNT: Final = 2
PATIENCE: Final = 40.0


async def spread(nodes: list[Child]) -> bool:
    """Whether each item is at two of these nodes, and all hold about as many."""
    held = [await node.ask("held", within=20.0) for node in nodes]
    copies = Counter(key for keys in held for key in keys)
    loads = [len(keys) for keys in held]
    return len(copies) == ITEMS and set(copies.values()) == {COUNT} and max(loads) - min(loads) <= 1


async def read(node: Child) -> None:
    """Every item is there."""
    assert await node.ask("read", within=30.0) == {f"e{n}": n for n in range(ITEMS)}


@pytest.mark.feature("l8services:REP-04")
@pytest.mark.parametrize("who", ["leader", "newcomer"])
async def test_a_process_is_killed_in_the_middle(
    who: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed while a new node gets its share: nothing is lost, it goes on without it.

    When it is back it gets a share again.
    """
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    async with nursery(tmp_path) as born:
        port = await start_switch(born, tmp_path)
        nodes = [await start_node(born, tmp_path, number, port, COUNT) for number in range(4)]
        leader = await settled(nodes)
        await nodes[0].ask("write_many", first=0, last=ITEMS, within=30.0)
        newcomer = await start_node(born, tmp_path, 4, port, COUNT)
        nodes.append(newcomer)

        async def some() -> bool:
            return len(await newcomer.ask("held", within=20.0)) > 0

        await until(some, PATIENCE, message="the first items at the new node")
        victim = {"leader": leader, "newcomer": newcomer}[who]
        number = nodes.index(victim)
        await victim.kill()
        left = [node for node in nodes if node is not victim]
        await read(left[0])
        await until(lambda: spread(left), PATIENCE, message="two holders of each item")
        await read(left[1])
        nodes[number] = await start_node(born, tmp_path, number, port, COUNT)
        await until(lambda: spread(nodes), PATIENCE, message="a share for each")
        await read(nodes[number])
