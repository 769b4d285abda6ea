# SPDX-License-Identifier: Apache-2.0
"""Members that leave hand over what they hold, however much that is."""

from __future__ import annotations

import asyncio

import pytest

from .groups import GroupNet, Member, group_of, spread
from .test_rebalancing import ITEMS, all_there, filled
from .test_replication import settle, values_of
from .virtual import run


async def leave(member: Member, patience: float = 5.0) -> float:
    """Have a member hand over and stop; how long that took."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    await group_of(member).drain(patience)
    member.kill()
    return clock() - begun


@pytest.mark.feature("REP-04")
def test_as_long_as_it_takes() -> None:
    """A hand-over ends by its time only when nothing moves any more, not while it goes on."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=1, repair_step=1) as net:
            net.latest = 0.2
            await filled(net, 1)
            held = len(values_of(net["a"]).values)
            assert held == ITEMS // 4
            taken = await leave(net["a"], 2.0)
            assert taken > 2.0
            await all_there(net, net["b"])

    run(scenario())


def test_nothing_moves() -> None:
    """Without a majority nothing can be handed over, and the member leaves after its time."""

    async def scenario() -> None:
        async with GroupNet(*"abc", count=1) as net:
            await filled(net, 1)
            net["b"].kill()
            net["c"].kill()
            assert await leave(net["a"], 5.0) <= 5.5

    run(scenario())


def test_while_new_keys_come() -> None:
    """New keys do not keep a member from leaving, and no key has fewer copies for a moment."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await filled(net, 2)
            written: list[str] = []

            async def client(name: str) -> None:
                while net["a"].alive or len(written) % 10:
                    key = f"{name}{len(written)}"
                    await net["b"].write((key, key))
                    written.append(key)

            async with asyncio.TaskGroup() as group:
                for name in ("x", "y", "z"):
                    group.create_task(client(name))
                taken = await leave(net["a"])
            assert taken < 2.0
            for key, place in group_of(net["b"]).items.index.places():
                there = [m for m in net.members if m.alive and key in values_of(m).values]
                assert len(place.holders) == 2, key
                assert len(there) == 2, key
            await settle(net, 2)
            assert not spread(net, 2)
            for key in written:
                assert await net["c"].read(key) == key

    run(scenario())
