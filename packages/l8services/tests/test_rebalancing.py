# SPDX-License-Identifier: Apache-2.0
"""Keys move to members that join, in the background and whatever is lost meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from .groups import Clients, GroupNet, Member, group_of, problems, spread
from .test_replication import holders, settle, values_of
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import Sequence

ITEMS = 60


async def join(net: GroupNet, name: str) -> Member:
    """A node more, which nobody knew before."""
    member = Member(net, name)
    net.members.append(member)
    await member.start()
    return member


def loads(net: GroupNet) -> list[int]:
    """How many items each node has that is there."""
    return [len(values_of(member).values) for member in net.members if member.alive]


def even(net: GroupNet) -> bool:
    """Whether the items are evenly spread, each at two nodes."""
    return not spread(net, 2) and max(loads(net)) - min(loads(net)) <= 1


async def filled(net: GroupNet, count: int = 2) -> None:
    """Items on all members."""
    await net.settle()
    for start in range(0, ITEMS, 20):
        await net.members[0].write(*((f"k{n}", n) for n in range(start, start + 20)))
    await settle(net, count)


async def all_there(net: GroupNet, reader: Member) -> None:
    """Every item has its value."""
    for number in range(ITEMS):
        assert await reader.read(f"k{number}") == number


@pytest.mark.feature("REP-04")
def test_a_node_joins() -> None:
    """A new node gets its share of the keys that were there before; reads find all, all the time.

    How far it is, the metrics and the index tell.
    """

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2, balance_step=4) as net:
            await filled(net)
            await join(net, "e")
            while not even(net):
                await all_there(net, net["a"])
            assert loads(net) == [24] * 5
            leader = next(member for member in net.members if member.group.leading)
            assert leader.figures["layer8_replication_moved_keys_total balance"] == 24
            await until(lambda: leader.figures["layer8_replication_excess_keys"] <= 1, "the gauge")
            assert group_of(leader).standing() == {
                "keys": ITEMS,
                "short": 0,
                "unavailable": 0,
                "excess": 0,
                "moved": 24,
            }
            await net["e"].write(("k3", 3))
            assert loads(net) == [24] * 5

    run(scenario())


def test_the_rate_is_bounded() -> None:
    """Between two steps there is a pause, and a step moves no more keys than it may."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2, balance_step=3, balance_pause=0.5) as net:
            await filled(net)
            joined = await join(net, "e")
            seen: list[tuple[float, int]] = []
            clock = asyncio.get_running_loop().time
            while not even(net):
                seen.append((clock(), len(values_of(joined).values)))
                await asyncio.sleep(0.01)
            begun = next(time for time, number in seen if number)
            # What is seen of a step may come a little late.
            assert all(
                number <= 3 * (1 + (time - begun + 0.1) / 0.5) for time, number in seen if number
            )
            assert clock() - begun >= 3.0

    run(scenario())


def test_never_fewer_copies() -> None:
    """At no moment has a key fewer holders than asked for, and its item is at all of them."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2, balance_step=2) as net:
            await filled(net)
            await join(net, "e")
            while not even(net):
                check_copies(net)
                await asyncio.sleep(0.001)

    run(scenario())


def check_copies(net: GroupNet) -> None:
    """Whoever an index names has the item, as far as its own index is that far."""
    leader = next((member for member in net.members if member.group.leading), None)
    if leader is None:
        return
    for key, place in group_of(leader).items.index.places():
        assert len(set(place.holders)) == 2
        for member in net.members:
            mine = group_of(member).items
            known = mine.index.get(key)
            if known is not None and mine.me in known.holders:
                assert key in values_of(member).values


STEPS: Sequence[str] = ("prepare.begin", "prepare.staged", "prepare.kept", "after.commit")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("who", ["leader", "joined", "holder"])
def test_a_crash_in_the_middle(who: str, step: str) -> None:
    """Whoever crashes at whatever step of a move: all items are there, each at two nodes again."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2, balance_step=4) as net:
            await filled(net)
            joined = await join(net, "e")
            await until(lambda: 4 <= len(values_of(joined).values) < 20, "moves", 30)
            leader = next(member for member in net.members if member.group.leading)
            holder = next(m for m in holders(net, "k0") if m not in (leader, joined))
            victim = {"leader": leader, "joined": joined, "holder": holder}[who]
            if step == "after.commit" and victim is not leader:
                # Only the leader has this step.
                victim.kill()
            else:
                victim.crash_at = step
            await until(lambda: not victim.alive, "the crash")
            reader = next(member for member in net.members if member.alive)
            await all_there(net, reader)
            await until(lambda: even(net), "an even spread", 60)
            await victim.start()
            await net.settle()
            await until(lambda: even(net), "an even spread of all", 60)
            await all_there(net, victim)

    run(scenario())


def test_a_leader_of_before_moves_nothing() -> None:
    """A leader that is cut off in the middle moves no further key, and what it began is void."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2, balance_step=2) as net:
            await filled(net)
            joined = await join(net, "e")
            await until(lambda: len(values_of(joined).values) >= 4, "moves", 30)
            old = next(member for member in net.members if member.group.leading)
            net.partition(old.name)
            before = dict(group_of(old).items.index.places())
            others = [member for member in net.members if member is not old]
            await until(lambda: any(m.group.leading for m in others), "another leader", 30)
            assert dict(group_of(old).items.index.places()) == before
            await all_there(net, others[0])
            net.partition()
            await net.settle()
            await until(lambda: even(net), "an even spread", 60)
            await all_there(net, old)

    run(scenario())


@pytest.mark.parametrize("seed", range(6))
def test_under_load(seed: int) -> None:
    """While clients write and read, nodes join and one after the other crashes: nothing is lost."""

    async def scenario() -> None:
        names = [f"k{n}" for n in range(12)]
        async with GroupNet(*"abcd", count=2, seed=seed, balance_step=2, balance_after=0.5) as net:
            await net.settle()
            await net["a"].write(*((name, name) for name in names))
            clients = Clients(net)
            clients.keys = names  # type: ignore[assignment]
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(clients.run())
                for name in "ef":
                    await join(net, name)
                    await asyncio.sleep(net.random.uniform(0.5, 3.0))
                    victim = net.random.choice([m for m in net.members if m.alive])
                    victim.kill()
                    await asyncio.sleep(net.random.uniform(0.2, 4.0))
                    await victim.start()
                    await net.settle()
                    await settle(net, 2)
                clients.running = False
            await net.settle()
            await until(lambda: even(net), "an even spread", 60)
            history = [o for o in clients.history if o.write or o.value not in names]
            written = {o.key for o in clients.history if o.write and o.status == "ok"}
            assert not [text for text in problems(net, history) if text.split(":")[0] in written]
            for name in set(names) - {o.key for o in clients.history if o.write}:
                assert await net["a"].read(name) == name

    run(scenario())


@pytest.mark.parametrize("seed", range(3))
def test_a_key_that_is_written_all_the_time(seed: int) -> None:
    """It gets its new holder, too: for a moment the writes wait, and none of them fails."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2, seed=seed) as net:
            await filled(net)
            leader = next(m for m in net.members if m.group.leading)
            # One that the leader has to get from the other holder first.
            key = next(f"k{n}" for n in range(ITEMS) if leader not in holders(net, f"k{n}"))
            victim = holders(net, key)[0]
            done = asyncio.Event()

            async def client() -> None:
                while not done.is_set():
                    await leader.write((key, 0))

            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(client())
                victim.kill()
                await until(lambda: len(living(net, key)) == 2, "a second holder", 10)
                done.set()

    run(scenario())


def living(net: GroupNet, key: str) -> list[Member]:
    """The holders of a key that live."""
    if not any(m.alive and m.group.leading for m in net.members):
        return []
    return [member for member in holders(net, key) if member.alive]
