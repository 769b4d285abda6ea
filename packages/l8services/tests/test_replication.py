# SPDX-License-Identifier: Apache-2.0
"""Replicated services: items on some of the members, also while members are lost and come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action
from l8types.errors import InvalidInputError, NotFoundError, UnavailableError
from l8types.protocols.services import Call

from .groups import KEY, GroupNet, PickledFactory, SpreadValues, group_of, spread
from .virtual import run, until

if TYPE_CHECKING:
    from l8services._replication.index import Place
    from l8types.pb import L8Query
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic

    from .groups import Member


def values_of(member: Member) -> SpreadValues:
    """The handler of a node."""
    return cast("SpreadValues", member.handler)


def holders(net: GroupNet, key: str) -> list[Member]:
    """The nodes that hold a key, by replica."""
    leader = next(member for member in net.members if member.alive and member.group.leading)
    uuids = dict(group_of(leader).places())[key]
    return [next(m for m in net.members if m.uuid == uuid) for uuid in uuids]


async def settle(net: GroupNet, count: int) -> None:
    """Wait until all members agree and every key is where it is to be."""
    await net.settle()
    await until(lambda: not spread(net, count), f"keys on {count} members", 30)


@pytest.mark.feature("REP-04")
@pytest.mark.feature("REP-05")
def test_written_and_read() -> None:
    """An item is on as many members as asked for, and a read through any node finds it."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            for number in range(20):
                await net.members[number % 5].write((f"k{number}", number))
            await settle(net, 2)
            loads = [len(member.handler.values) for member in net.members]
            assert sum(loads) == 40
            assert max(loads) - min(loads) <= 1
            for number in range(20):
                assert await net.members[(number + 1) % 5].read(f"k{number}") == number
            before = holders(net, "k3")
            await net["a"].write(("k3", "again"))
            assert await net["b"].read("k3") == "again"
            await settle(net, 2)
            assert holders(net, "k3") == before

    run(scenario())


@pytest.mark.feature("REP-05")
@pytest.mark.feature("REP-06")
def test_asked_as_replica() -> None:
    """A holder is told which replica it is, in writes and in reads; reads go to replica 0."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2) as net:
            await net.settle()
            await net["a"].write(("x", 1))
            first, second = holders(net, "x")
            assert values_of(first).asked == [("x", 0, 0)]
            assert values_of(second).asked == [("x", 1, 1)]
            others = [m for m in net.members if m not in (first, second)]
            assert all(values_of(member).asked == [] for member in others)
            assert await others[0].read("x") == 1
            assert values_of(first).asked == [("x", 0, 0), ("x", 0, 0)]
            first.kill()
            assert await others[0].read("x") == 1
            assert values_of(second).asked[-1] == ("x", 1, 1)
            await net.settle()
            assert await others[0].read("x") == 1
            assert values_of(second).asked[-1] == ("x", 0, 0)

    run(scenario())


@pytest.mark.feature("REP-05")
def test_query_of_one_key() -> None:
    """A query that says which key it is about goes to one holder, also while holders are lost."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            for number in range(10):
                await net["a"].write((f"k{number}", number))
            key = next(f"k{n}" for n in range(10) if net["a"] not in holders(net, f"k{n}"))
            first, second = holders(net, key)
            query = PickledFactory().query(cast("L8Query", f"key={key}"))
            call = Call(net["a"].group._vnic, Action.GET, KEY)

            async def asked() -> tuple[list[object], list[str]]:
                before = {member.name: values_of(member).shares for member in net.members}
                values = list((await net["a"].group.submit(cast("Elements", query), call)).values)
                named = [m.name for m in net.members if values_of(m).shares > before[m.name]]
                return values, named

            assert await asked() == ([int(key[1:])], [first.name])
            first.kill()
            assert await asked() == ([int(key[1:])], [second.name])

    run(scenario())


@pytest.mark.feature("REP-07")
def test_replicas_of_one_node() -> None:
    """A node that holds replicas of different numbers answers for each with its own item."""

    async def scenario() -> None:
        async with GroupNet(*"abc", count=2) as net:
            await net.settle()
            for number in range(6):
                await net["a"].write((f"k{number}", number))
            await settle(net, 2)
            numbers: dict[str, set[int]] = {}
            for _, nodes in group_of(net["a"]).places():
                assert len(set(nodes)) == 2
                for number, node in enumerate(nodes):
                    numbers.setdefault(node, set()).add(number)
            assert {0, 1} in numbers.values()
            for number in range(6):
                assert await net["b"].read(f"k{number}") == number

    run(scenario())


def test_several_items() -> None:
    """A write of several items is one whole, also where they are on different members."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            await net["a"].write(*((f"k{n}", n) for n in range(10)))
            await settle(net, 2)
            last = holders(net, "k9")[1]
            last.handler.dislikes = lambda _, value: value == "bad"
            async with asyncio.TaskGroup() as group:
                for number in range(10, 20):
                    group.create_task(net["b"].write((f"k{number}", number)))
                with pytest.raises(InvalidInputError, match="does not like 'bad'"):
                    await net["c"].write(*((f"k{n}", "new") for n in range(9)), ("k9", "bad"))
            await settle(net, 2)
            for number in range(20):
                assert await net["a"].read(f"k{number}") == number
            assert not any(member.handler.staged for member in net.members)

    run(scenario())


def test_delete() -> None:
    """A deleted key is forgotten by all; deleting what is not there is refused."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2) as net:
            await net.settle()
            await net["a"].write(("x", 1), ("y", 2))
            await net["b"].write(("x", None), action=Action.DELETE)
            answer = await net["c"].call(Action.GET, "x", "y")
            assert [entry.value for entry in answer] == [None, 2]
            assert answer.error.startswith("not-found")
            with pytest.raises(NotFoundError, match="'x' to delete"):
                await net["b"].write(("x", None), action=Action.DELETE)
            await settle(net, 2)
            assert [key for key, _ in group_of(net["d"]).places()] == ["y"]

    run(scenario())


def test_index_follows_writes() -> None:
    """The index names what is written and nothing else: no read, no refused write changes it.

    The leader knows a place before the write is acknowledged, so that the next one finds it.
    """

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=2) as net:
            await net.settle()
            index = group_of(net["d"]).items.index
            await net["a"].write(("x", "old"))
            place = index.get("x")
            assert place is not None
            holders(net, "x")[1].handler.dislikes = lambda _, value: value == "bad"
            for key in ("x", "y"):
                with pytest.raises(InvalidInputError):
                    await net["a"].write((key, "bad"), ("x", "bad"), action=Action.POST)
            await net["b"].call(Action.GET, "x", "y")
            await ask_all(net["c"])
            await net.settle()
            assert dict(index.places()) == {"x": place}
            assert [m.handler.values for m in holders(net, "x")] == [{"x": "old"}] * 2
            async with asyncio.TaskGroup() as group:
                for number in range(10):
                    group.create_task(net["b"].write(("x", number)))
            assert dict(index.places()).keys() == {"x"}
            assert cast("Place", index.get("x")).holders == place.holders

    run(scenario())


def test_query() -> None:
    """A query has each key once, whichever nodes are there."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            await net["a"].write(*((f"k{n}", n) for n in range(30)))
            for lost in ("", "b", "d"):
                if lost:
                    net[lost].kill()
                answer = await ask_all(net["a"])
                assert sorted(cast("list[int]", answer)) == list(range(30))

    run(scenario())


async def ask_all(member: Member) -> list[object]:
    """What a query for everything gives."""
    call = Call(vnic=cast("VNic", None), action=Action.GET, key=KEY)
    question = PickledFactory().of()
    question.query = cast("L8Query", "everything")
    answer = await member.group.submit(cast("Elements", question), call)
    return list(answer.values)


def test_one_moment() -> None:
    """A read of items on several members shows no write by half, however many writes there are."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            keys = [f"k{n}" for n in range(8)]
            await net["a"].write(*((key, 0) for key in keys))
            running, written = True, 0

            async def write(name: str) -> None:
                nonlocal written
                while running:
                    written += 1
                    number = written
                    await net[name].write(*((key, number) for key in keys))

            async with asyncio.TaskGroup() as group:
                for name in "abc":
                    group.create_task(write(name))
                for _ in range(10):
                    before = written
                    found = list((await net["d"].call(Action.GET, *keys)).values)
                    assert len(found) == 8
                    assert len(set(found)) == 1
                    found = await ask_all(net["d"])
                    assert len(found) == 8
                    assert len(set(found)) == 1
                    await until(lambda before=before: written > before, "writes go on")  # type: ignore[misc]
                running = False

    run(scenario())


def test_holders_are_lost() -> None:
    """Reads go on when holders are lost one after the other, and each key gets new holders."""

    async def scenario() -> None:
        async with GroupNet(*"abcdefghi", count=2) as net:
            await net.settle()
            for number in range(30):
                await net["a"].write((f"k{number}", number))
            for name in "ihg":
                net[name].kill()
                for number in range(0, 30, 7):
                    assert await net["a"].read(f"k{number}") == number
                await settle(net, 2)
            for number in range(30):
                assert await net["b"].read(f"k{number}") == number

    run(scenario())


STEPS = ["prepare.begin", "prepare.staged", "prepare.kept"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [1, 2])
def test_holder_is_back(step: str, count: int) -> None:
    """A holder that was lost while an item was written has the item when it is a member again.

    Or it holds it no longer; nobody is named as a holder without having the item.
    """

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=count, repair_after=60.0) as net:
            await net.settle()
            await net["e"].write(*((f"k{n}", n) for n in range(10)))
            # One that the leader, from whom the others copy, does not hold.
            keys = (f"k{n}" for n in range(10))
            key = next(key for key in keys if net["e"] not in holders(net, key))
            victim = holders(net, key)[0]
            old = await net["e"].read(key)
            victim.crash_at = step
            if count > 1:
                await net["e"].write((key, "new"))
            else:
                # There is nobody else to write it.
                with pytest.raises(UnavailableError):
                    await net["e"].call(Action.PUT, (key, "new"), limit=8.0)
            assert not victim.alive
            # With this the order above is not told again, which would be as good as the item.
            await net["e"].write(("other", 1))
            await victim.start()
            await net.settle()
            await until(lambda: not spread(net, count), "items with their holders", 10)
            assert await net["e"].read(key) == ("new" if count > 1 else old)

    run(scenario())


@pytest.mark.parametrize("step", ["send.order", *STEPS, "before.commit", "after.commit"])
def test_leader_crashes(step: str) -> None:
    """Wherever the leader crashes, a write happens once, and all holders have its item."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            await net["a"].write(*((f"k{n}", n) for n in range(10)))
            net["e"].crash_at = step
            await net["a"].write(*((f"k{n}", n + 100) for n in range(5, 15)))
            assert not net["e"].alive
            for number in range(15):
                assert await net["b"].read(f"k{number}") == number + 100 * (number >= 5)
            await net["e"].start()
            await settle(net, 2)
            for number in range(15):
                assert await net["b"].read(f"k{number}") == number + 100 * (number >= 5)

    run(scenario())


def test_all_restart() -> None:
    """Acknowledged writes survive the crash of all nodes at once, where they were."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            for number in range(10):
                await net["a"].write((f"k{number}", number))
            await settle(net, 2)
            before = dict(group_of(net["a"]).places())
            for member in net.members:
                member.kill()
            for member in net.members:
                await member.start()
            await settle(net, 2)
            assert dict(group_of(net["a"]).places()) == before
            for number in range(10):
                assert await net["c"].read(f"k{number}") == number

    run(scenario())


def test_away_is_not_gone() -> None:
    """Items whose holders are all away are unavailable, not missing, until one is back."""

    async def scenario() -> None:
        async with GroupNet(*"abcde", count=2) as net:
            await net.settle()
            await net["e"].write(*((f"k{n}", n) for n in range(10)))
            lost = holders(net, "k0")
            for member in lost:
                member.kill()
            other = next(member for member in net.members if member.alive)
            answer = await other.call(Action.GET, "k0", limit=6.0)
            assert answer.error.startswith("unavailable")
            with pytest.raises(UnavailableError, match="are away"):
                await other.write(("k0", "new"))
            with pytest.raises(UnavailableError, match="are away"):
                await other.write(("k0", None), action=Action.DELETE)
            await lost[1].start()
            await net.settle()
            assert await other.read("k0") == 0
            await settle(net, 2)

    run(scenario())


def test_drained() -> None:
    """A member that leaves hands over what only it holds before it goes."""

    async def scenario() -> None:
        async with GroupNet(*"abcd", count=1) as net:
            await net.settle()
            await net["a"].write(*((f"k{n}", n) for n in range(20)))
            await group_of(net["b"]).drain(5.0)
            assert not net["b"].handler.values
            net["b"].kill()
            for number in range(20):
                assert await net["a"].read(f"k{number}") == number
            await settle(net, 1)

    run(scenario())


def test_newcomers() -> None:
    """Keys that had too few members get more holders as members come."""

    async def scenario() -> None:
        async with GroupNet("e", count=3) as net:
            net["e"].handler.first = [(f"first{n}", n) for n in range(5)]
            await net.settle()
            await net["e"].write(("x", 1))
            for name in "abcd":
                net.members += GroupNet(name, count=3).members
                net[name].net = net
                await net[name].start()
                await settle(net, 3)
            assert await net["d"].read("x") == 1
            assert await net["a"].read("first3") == 3

    run(scenario())
