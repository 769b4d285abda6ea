# SPDX-License-Identifier: Apache-2.0
"""Transaction groups: what is promised while nodes and network are well, and while they are not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from l8services._transactions.messages import Answered, Command, Result, Submit, encode
from l8types.enums import Action, Quorum
from l8types.errors import (
    DecodeError,
    InvalidInputError,
    L8Error,
    PermissionDeniedError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.values import Message

from .groups import Clients, GroupNet, PickledFactory, Values, problems
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import Sequence


def now() -> float:
    """Time of the loop."""
    return asyncio.get_running_loop().time()


@pytest.mark.feature("TRX-01")
@pytest.mark.feature("TRX-03")
@pytest.mark.feature("TRX-06")
def test_write_everywhere() -> None:
    """A write through any node is on all nodes, and seen by a read through any of them."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["a"].write(("x", 1))
            assert await net["b"].read("x") == 1
            await net["b"].write(("x", 2), ("y", 3))
            assert await net["a"].read("x") == 2
            await net.settle()
            assert all(m.handler.values == {"x": 2, "y": 3} for m in net.members)

    run(scenario())


@pytest.mark.feature("TRX-07")
@pytest.mark.feature("TRX-08")
def test_refused_by_one() -> None:
    """What one member refuses is on none, is told as its error, and takes nothing else along."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            net["b"].handler.dislikes = lambda _, value: value == "bad"
            await net.settle()
            await net["a"].write(("x", "old"))
            async with asyncio.TaskGroup() as group:
                for number in range(10):
                    group.create_task(net["c"].write((f"k{number}", number)))
                with pytest.raises(InvalidInputError, match="b does not like 'bad'"):
                    await net["a"].write(("z", 1), ("x", "bad"))
            await net.settle()
            expected = {"x": "old", **{f"k{number}": number for number in range(10)}}
            for member in net.members:
                assert member.handler.values == expected
                assert not member.handler.staged
                assert member.group.desk.member.pending is None

    run(scenario())


@pytest.mark.feature("TRX-12")
def test_hanging_handler() -> None:
    """W-14: a handler that hangs on one member ends the write with a time-out, on all alike."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            net["b"].handler.hang = True
            begin = now()
            with pytest.raises(RequestTimeoutError):
                await net["a"].write(("x", 1))
            assert now() - begin < 5
            net["b"].handler.hang = False
            await net["a"].write(("y", 2))
            await net.settle()
            assert all(m.handler.values == {"y": 2} for m in net.members)

    run(scenario())


@pytest.mark.feature("TRX-09")
def test_reads_do_not_wait() -> None:
    """A read is answered while a write is on its way, and does not see it."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["a"].write(("x", 1))
            assert await net["a"].read("x") == 1
            net["b"].handler.hang = True
            async with asyncio.TaskGroup() as group:
                write = group.create_task(refused_write(net))
                await asyncio.sleep(0.05)
                begin = now()
                assert await net["a"].read("x") == 1
                assert now() - begin < 0.1
                assert not write.done()

    run(scenario())


async def refused_write(net: GroupNet) -> None:
    """A write that ends with a time-out."""
    with pytest.raises(RequestTimeoutError):
        await net["a"].write(("x", 2))


def record_order(handler: Values) -> list[tuple[str, object]]:
    """The changes of a handler, as they are made from now on."""
    order: list[tuple[str, object]] = []
    apply = handler.apply

    def recorded(changes: Sequence[tuple[str, object]]) -> None:
        order.extend(changes)
        apply(changes)

    handler.apply = recorded  # type: ignore[method-assign]
    return order


@pytest.mark.feature("TRX-05")
def test_one_order() -> None:
    """Concurrent writes of one key happen in one order, the same on all nodes."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            orders = {member.name: record_order(member.handler) for member in net.members}
            async with asyncio.TaskGroup() as group:
                for number in range(40):
                    group.create_task(net.members[number % 3].write(("x", number)))
            await net.settle()
            assert len(orders["a"]) == 40
            assert orders["a"] == orders["b"] == orders["c"]

    run(scenario())


@pytest.mark.feature("TRX-11")
def test_minority() -> None:
    """W-04: a leader that is cut off from the others acknowledges nothing more; they go on."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["a"].write(("x", 1))
            net.partition("ab", "c")
            with pytest.raises(L8Error) as raised:
                await net["c"].call(Action.PUT, ("x", "lost"), limit=8.0)
            assert raised.value.code in {"unavailable", "outcome-unknown"}
            await net["a"].write(("x", 2))
            with pytest.raises(UnavailableError, match="missing"):
                await net["c"].call(Action.PUT, ("y", "never"), limit=8.0)
            net.partition()
            await net.settle()
            assert all(m.handler.values == {"x": 2} for m in net.members)

    run(scenario())


def test_told_and_not_heard() -> None:
    """Members that do not hear what is told to all are asked by themselves; nobody waits long."""

    async def scenario() -> None:
        async with GroupNet(*"abcde") as net:
            await net.settle()
            net.deaf = "ab"
            begin = now()
            await net["d"].write(("x", 1))
            assert now() - begin < 1
            net.deaf = "abcde"
            await net["a"].write(("x", 2))
            await net.settle()
            assert all(m.handler.values == {"x": 2} for m in net.members)

    run(scenario())


LEADER_STEPS = [
    "send.order",
    "prepare.begin",
    "prepare.staged",
    "prepare.kept",
    "before.commit",
    "after.commit",
]


@pytest.mark.parametrize("step", LEADER_STEPS)
def test_leader_crashes(step: str) -> None:
    """W-06: wherever the leader crashes, a write happens once, on all nodes."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["a"].write(("x", 1))
            net["c"].crash_at = step
            await net["a"].write(("x", 2))
            assert not net["c"].alive
            assert await net["b"].read("x") == 2
            await net["c"].start()
            await net.settle()
            assert all(m.handler.values == {"x": 2} for m in net.members)

    run(scenario())


@pytest.mark.parametrize("step", ["prepare.begin", "prepare.staged", "prepare.kept"])
def test_member_crashes(step: str) -> None:
    """A member that crashes costs no write and no waiting, and is equal again when it is back."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            net["a"].crash_at = step
            begin = now()
            await net["b"].write(("x", 1))
            assert now() - begin < 1
            assert not net["a"].alive
            await net["a"].start()
            await net.settle()
            assert net["a"].handler.values == {"x": 1}

    run(scenario())


def test_asked_twice() -> None:
    """W-29: a command that is sent again is not done again; its first result is the answer."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            data = PickledFactory().of(("x", 1)).encode()
            submit = Submit(Command("same", Action.PUT, "", data))
            leader = net["c"].group
            first = await leader._ask(net["c"].uuid, submit, 5.0)
            await net["a"].write(("x", 2))
            again = await leader._ask(net["c"].uuid, submit, 5.0)
            assert isinstance(first, Answered)
            assert again == first
            net["c"].kill()
            await until(lambda: net["b"].group.leading, "another leader")
            assert await net["b"].group._ask(net["b"].uuid, submit, 5.0) == first
            assert await net["a"].read("x") == 2

    run(scenario())


def test_all_restart() -> None:
    """W-06: acknowledged writes survive the crash of all nodes at once."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            for number in range(5):
                await net["a"].write((f"k{number}", number))
            for member in net.members:
                member.kill()
            for member in net.members:
                await member.start()
            await net.settle()
            assert all(m.handler.values == {f"k{n}": n for n in range(5)} for m in net.members)

    run(scenario())


def test_full_disk() -> None:
    """A full disk under the leader's journal is an error of writes; reads go on, later all."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["a"].write(("x", 1))
            net["c"].disk.full = True
            with pytest.raises(UnavailableError, match="no space left"):
                await net["a"].write(("x", 2))
            assert await net["a"].read("x") == 1
            net["c"].disk.full = False
            await net["a"].write(("x", 3))
            await net.settle()
            assert all(m.handler.values == {"x": 3} for m in net.members)

    run(scenario())


@pytest.mark.feature("l8types:TYP-24")
@pytest.mark.parametrize("quorum", Quorum)
def test_half_is_left(quorum: Quorum) -> None:
    """Of two, the later one alone goes on only where availability was chosen."""

    async def scenario() -> None:
        async with GroupNet("b", quorum=quorum) as net:
            await net.settle()
            net.members += GroupNet("a").members
            net["a"].net = net
            await net["a"].start()
            await net.settle()
            net["b"].kill()
            if quorum is Quorum.AVAILABLE:
                await net["a"].write(("x", 1))
                assert await net["a"].read("x") == 1
            else:
                with pytest.raises(UnavailableError, match=r"missing: b0+"):
                    await net["a"].write(("x", 1))

    run(scenario())


def test_late_joiner() -> None:
    """W-05: a node that comes while others write is equal to them, and misses nothing."""

    async def scenario() -> None:
        async with GroupNet("b", "c", page_size=7) as net:
            net["c"].handler.first = [(f"first{n}", n) for n in range(50)]
            await net.settle()
            clients = Clients(net, "uvwxyz")
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(clients.run(pace=0.005))
                await asyncio.sleep(0.5)
                net.members += GroupNet("a").members
                net["a"].net = net
                await net["a"].start()
                await until(lambda: net["a"].group.current, "a member")
                clients.running = False
            await net.settle()
            assert not problems(net, clients.history)
            assert len(net["a"].handler.values) == 56

    run(scenario())


def test_strangers_and_nonsense() -> None:
    """W-16: messages of nodes that take no part, and bytes that are none, are clear errors."""

    async def scenario() -> None:
        async with GroupNet("a") as net:
            await net.settle()
            group, factory = net["a"].group, PickledFactory()
            submit = encode(Submit(Command("1", Action.PUT, "", b"")))
            with pytest.raises(PermissionDeniedError, match="takes no part"):
                await group.handle(factory.of(submit), Message(source="stranger"))
            for nonsense in (b"", b"\xc1", b"\x93\x01\x02", "text", None):
                with pytest.raises(DecodeError):
                    await group.handle(factory.of(nonsense), Message(source=net["a"].uuid))
            answer = encode(Answered(Result("1")))
            told = Message(source=net["a"].uuid)
            with pytest.raises(InvalidInputError, match="is not told"):
                await group.handle(factory.of(answer), told)
            with pytest.raises(InvalidInputError, match="no question"):
                await group.handle(factory.of(answer), replace(told, request=True))

    run(scenario())
