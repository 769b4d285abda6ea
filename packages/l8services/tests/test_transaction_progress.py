# SPDX-License-Identifier: Apache-2.0
"""How far a transaction is can be asked for while it is not done."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8services._transactions.messages import Answered, Refused, Result
from l8services._transactions.progress import KEPT, Progress
from l8types.enums import Action, TransactionState
from l8types.errors import InvalidInputError, RequestTimeoutError, UnavailableError
from l8types.pb import L8Transaction

from .groups import GroupNet, Member
from .virtual import LoopClock, run

if TYPE_CHECKING:
    from collections.abc import Sequence


async def track(member: Member, *ids: str) -> Sequence[L8Transaction]:
    """Where transactions stand, as a node tells it; all open ones without ids."""
    examples = [L8Transaction(id=name) for name in ids] or [L8Transaction()]
    answer = await member.call(Action.GET, *examples)
    return cast("Sequence[L8Transaction]", list(answer.values))


def states(found: Sequence[L8Transaction]) -> list[tuple[int, bool]]:
    """States, and whether each is the last one."""
    return sorted((one.State, one.end != 0) for one in found)


@pytest.mark.feature("TRX-04")
def test_progress_until_the_end() -> None:
    """A transaction tells that it runs, or waits for its turn, and how it ended.

    Every node tells the same, and who wrote waits for the end all the time.
    """

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            net["b"].handler.hang = True
            first = net.group.create_task(timed_out(net["a"]))
            while not (found := await track(net["a"])):
                pass
            second = net.group.create_task(net["b"].write(("y", 2)))
            while len(found := await track(net["a"])) < 2:
                pass
            assert states(found) == [
                (TransactionState.QUEUED, False),
                (TransactionState.RUNNING, False),
            ]
            for member in net.members:
                assert list(await track(member)) == list(found)
            running, waiting = sorted(found, key=lambda one: -one.running)
            assert 0 < running.created == running.queued <= running.running
            assert 0 < waiting.created == waiting.queued
            assert not first.done()
            assert not second.done()
            net["b"].handler.hang = False
            await first
            await second
            assert not await track(net["a"])
            ended = await track(net["c"], running.id, waiting.id)
            assert states(ended) == [
                (TransactionState.COMMITTED, True),
                (TransactionState.FAILED, True),
            ]
            assert all(one.end > one.created for one in ended)
            assert ended[0].err_msg.startswith("timeout: ")
            assert ended[1].err_msg == ""

    run(scenario())


async def timed_out(member: Member) -> None:
    """A write that ends with a time-out."""
    with pytest.raises(RequestTimeoutError):
        await member.write(("x", 1))


@pytest.mark.feature("TRX-04")
def test_a_failure_is_told() -> None:
    """What was refused tells why; what nobody knows is left out."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            net["b"].handler.dislikes = lambda _, value: value == "bad"
            seen: set[str] = set()
            write = net.group.create_task(refused(net["a"]))
            while not write.done():
                seen |= {one.id for one in await track(net["b"])}
            (told,) = await track(net["a"], *seen, "nobody")
            assert told.State == TransactionState.FAILED
            assert told.err_msg == "invalid-input: b does not like 'bad'"
            assert told.end > 0

    run(scenario())


async def refused(member: Member) -> None:
    """A write that one member does not like."""
    with pytest.raises(InvalidInputError, match="does not like"):
        await member.write(("x", "bad"))


def test_what_cannot_be_told() -> None:
    """Other examples beside, and a group without a leader, are clear errors."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            with pytest.raises(InvalidInputError, match="by their ids"):
                await net["a"].call(Action.GET, L8Transaction(id="x"), "y")
            with pytest.raises(InvalidInputError, match="by their ids"):
                await net["a"].call(Action.GET, L8Transaction(id="x"), L8Transaction())
            net.partition("a", "b")
            with pytest.raises(UnavailableError):
                await track(net["a"])

    run(scenario())


def test_the_last_ones_are_known() -> None:
    """Of those that ended, a limited number is remembered; one that begins again is open again."""

    async def scenario() -> None:
        progress = Progress(LoopClock())
        for number in range(KEPT + 3):
            progress.begun(str(number))
            progress.ended(str(number), Answered(Result(str(number))))
        assert [one.id for one in progress.of(["2", "3"], (), 0.0)] == ["3"]
        progress.ended("unknown", Answered(Result("unknown")))
        assert not list(progress.of(["unknown"], (), 0.0))
        progress.begun("3")
        progress.begun("3")
        assert [one.State for one in progress.of([], (), 0.0)] == [TransactionState.QUEUED]
        progress.ended("3", Refused((1, "a"), "unavailable: later"))
        (again,) = progress.of(["3"], (), 0.0)
        assert (again.State, again.err_msg) == (TransactionState.FAILED, "unavailable: later")
        assert not list(progress.of([], (), 0.0))

    run(scenario())
