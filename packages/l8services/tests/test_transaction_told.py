# SPDX-License-Identifier: Apache-2.0
"""Writes that are told to the leader together, and what happens when that gets lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from l8services._transactions.messages import (
    Answered,
    Command,
    Ended,
    Refused,
    Result,
    Submit,
    Submits,
    decode,
)
from l8services._transactions.told import LARGE_BYTES, Outbox, Submissions, may_be_told
from l8types.enums import Action
from l8types.errors import UnavailableError

from .groups import GroupNet, PickledFactory
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Callable

PUT = Command("1", Action.PUT, "", b"")


def posts(net: GroupNet, drop: Callable[[object], bool] = lambda _: False) -> list[Any]:
    """The messages that are told from now on; those to be dropped do not arrive."""
    seen: list[Any] = []
    real = net.post

    def post(source: Any, target: Any, message: Any, data: bytes) -> None:
        told = decode(PickledFactory().decode(data).first)
        seen.append(told)
        if not drop(told):
            real(source, target, message, data)

    net.post = post  # type: ignore[method-assign]
    return seen


def test_together() -> None:
    """What clients submit in one turn is one message, and their answers are as few."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            seen = posts(net)
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(net["a"].write((f"k{number}", number)))
            told = [message for message in seen if isinstance(message, Submits)]
            assert [len(message.commands) for message in told] == [20]
            ended = [message for message in seen if isinstance(message, Ended)]
            assert [len(message.answers) for message in ended] == [20]
            await net.settle()
            assert len(net["b"].handler.values) == 20

    run(scenario())


@pytest.mark.parametrize("kind", [Submits, Ended])
def test_lost(kind: type) -> None:
    """A write whose message, or whose answer, is lost is asked for, and is done once."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            seen = posts(net, lambda message: isinstance(message, kind))
            before = net["c"].group.desk.member.outcome.number
            begin = asyncio.get_running_loop().time()
            await net["a"].write(("x", 1))
            assert asyncio.get_running_loop().time() - begin < 2 * net.timing.answer_patience
            assert any(isinstance(message, kind) for message in seen)
            await net.settle()
            assert net["c"].group.desk.member.outcome.number == before + 1
            assert net["b"].handler.values == {"x": 1}

    run(scenario())


def test_leader_is_lost() -> None:
    """That it is gone is noticed before the patience is over, and the write is done elsewhere."""

    async def scenario() -> None:
        async with GroupNet(*"abc", answer_patience=15.0) as net:
            await net.settle()
            posts(net, lambda message: isinstance(message, Submits))
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(net["a"].write(("x", 1)))
                await asyncio.sleep(0.1)
                assert not writing.done()
                del net.post
                net["c"].kill()
                begin = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - begin < 6
            assert net["b"].handler.values == {"x": 1}

    run(scenario())


def test_refusal_of_what_was_told_before() -> None:
    """Who does not know a write that he was told once cannot say that it did not happen."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            group, target = net["a"].group, net["b"].uuid
            first = await group._ask(target, Submit(PUT), 5.0)
            again = await group._ask(target, Submit(PUT, told=True), 5.0)
            assert isinstance(first, Refused)
            assert isinstance(again, Refused)
            assert first.reason.startswith("unavailable: ")
            assert again.reason.startswith("outcome-unknown: ")
            assert first.leader == again.leader == net["c"].uuid

    run(scenario())


def test_a_refusal_that_is_certain() -> None:
    """A write that a leader has in hand and gives up did not happen, also when it was asked for."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            leader, loop = net["c"].group, asyncio.get_running_loop()
            leader.leader.hold(loop.time() + 100)
            posts(net, lambda message: isinstance(message, Ended))
            async with asyncio.TaskGroup() as group:
                deliver = net["a"].group._deliver(net["c"].uuid, PUT, 5.0)
                task = group.create_task(deliver)
                await asyncio.sleep(2 * net.timing.answer_patience)
                assert not task.done()
                leader._run(leader.leader.resign("", loop.time()))
                reply = await task
            assert isinstance(reply, Refused)
            assert reply.reason.startswith("unavailable: ")

    run(scenario())


def test_what_is_told() -> None:
    """Small writes; a read, and what is large, is asked for by itself."""
    assert may_be_told(PUT)
    assert not may_be_told(Command("1", Action.GET, "", b""))
    assert may_be_told(Command("1", Action.POST, "", bytes(LARGE_BYTES)))
    assert not may_be_told(Command("1", Action.POST, "", bytes(LARGE_BYTES + 1)))


async def test_outbox() -> None:
    """What is collected goes to each node in order, and in parts when it is much."""
    sent: list[tuple[str, list[int]]] = []
    outbox: Outbox[int] = Outbox(lambda to, values: sent.append((to, values)), lambda size: size)
    for target, size in (("a", 1), ("b", 2), ("a", LARGE_BYTES), ("a", 3)):
        outbox.add(target, size)
    assert not sent
    await asyncio.sleep(0)
    assert sent == [("a", [1, LARGE_BYTES]), ("a", [3]), ("b", [2])]


async def test_ends_of_a_submission() -> None:
    """An answer, an error, the loss of the node and the end of patience; late ones are nothing."""
    sent: list[Submits] = []
    open_ = Submissions(lambda _, message: sent.append(message))
    answer = Answered(Result("1"))
    async with asyncio.TaskGroup() as group:

        async def submit(patience: float = 30.0) -> asyncio.Task[Answered | Refused | None]:
            task = group.create_task(open_.submit("a", PUT, 60.0, patience))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return task

        task = await submit()
        assert sent == [Submits((PUT,), (60.0,))]
        open_.ended("1", answer)
        open_.ended("1", answer)
        open_.failed(sent[0], UnavailableError("late"))
        assert await task == answer
        task = await submit()
        open_.lost({"a"})
        assert not task.done()
        open_.lost({"b"})
        assert await task is None
        assert await (await submit(0.0)) is None
        failing = open_.submit("a", PUT, 60.0, 30.0)
        asyncio.get_running_loop().call_later(
            0.01, open_.failed, sent[0], UnavailableError("no connection")
        )
        with pytest.raises(UnavailableError, match="no connection"):
            await failing
        open_.ended("1", answer)
