# SPDX-License-Identifier: Apache-2.0
"""Transaction groups under faults drawn from seeds: kills, restarts, partitions, loss."""

from __future__ import annotations

import asyncio

import pytest

from l8types.enums import Quorum

from .groups import Clients, GroupNet, problems, spread
from .virtual import run, until


async def trouble(net: GroupNet, seconds: float) -> None:
    """Faults for a while, then none."""
    random, loop = net.random, asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(random.expovariate(1.0))
        alive = [member for member in net.members if member.alive]
        dead = [member for member in net.members if not member.alive]
        match random.randrange(6):
            case 0 if len(alive) > 1:
                random.choice(alive).kill()
            case 1 if dead:
                await random.choice(dead).start()
            case 2:
                names = [member.name for member in net.members]
                random.shuffle(names)
                cut = random.randrange(1, len(names))
                net.partition("".join(names[:cut]), "".join(names[cut:]))
            case 3:
                net.partition()
            case 4:
                net.loss = random.choice([0.0, 0.0, 0.02, 0.1])
                net.doubled = random.choice([0.0, 0.1])
            case 5 if net.steps and alive:
                member = random.choice(alive)
                member.crash_at = random.choice(net.steps[-200:])[1]
    net.partition()
    net.loss = net.doubled = 0.0
    for member in net.members:
        member.crash_at = ""
        if not member.alive:
            await member.start()


async def scenario(
    seed: int, names: str, quorum: Quorum, seconds: float = 15.0, count: int | None = None
) -> GroupNet:
    """One run of a group under faults, with clients all the while."""
    async with GroupNet(*names, seed=seed, quorum=quorum, count=count) as net:
        # Nodes that meet for the first time apart from each other are two services; see the README.
        await net.settle()
        clients = Clients(net, "xyz" if count is None else "tuvwxyz")
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(clients.run(pace=0.1))
            await trouble(net, seconds)
            await asyncio.sleep(5.0)
            clients.running = False
        await net.settle()
        if count is not None:
            await until(lambda: not spread(net, count), "items with their holders", 30)
        found = problems(net, clients.history)
        done = sum(operation.status == "ok" for operation in clients.history)
        assert not found, f"seed {seed}: {found}"
        assert done > 50, f"seed {seed}: only {done} of {len(clients.history)} operations succeeded"
    return net


@pytest.mark.parametrize("seed", range(12))
def test_faults(seed: int) -> None:
    """Copies are equal in the end, nothing acknowledged is lost, nothing refused is done."""
    run(scenario(seed, "abcde"[: 2 + seed % 4], Quorum.MAJORITY))


@pytest.mark.parametrize("seed", range(12))
def test_replicated(seed: int) -> None:
    """The same with items on some members only; in the end each is where it is to be."""
    run(scenario(seed, "abcde"[: 3 + seed % 3], Quorum.MAJORITY, count=1 + seed % 3))
