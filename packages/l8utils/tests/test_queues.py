# SPDX-License-Identifier: Apache-2.0
"""Queues: order, fairness, bounds, policies, waiting and closing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from l8types.enums import OverflowPolicy, Priority
from l8types.errors import ClosedError, InvalidInputError, OverloadedError
from l8utils import AsyncQueue, PriorityByteQueue
from l8utils._buffers import LEVELS, PriorityBuffer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def ending(operation: Awaitable[object]) -> str:
    """How an operation on a closed queue ends."""
    with pytest.raises(ClosedError) as caught:
        await operation
    return caught.value.message


def drain(buffer: PriorityBuffer) -> list[bytes]:
    """Everything in the order of consumption."""
    return [buffer.pop()[0] for _ in range(len(buffer))]


def buffer_of(
    *frames: tuple[bytes, Priority], max_items: int = 0, max_bytes: int = 0
) -> PriorityBuffer:
    """A buffer with these frames."""
    buffer = PriorityBuffer(max_items=max_items, max_bytes=max_bytes)
    for frame in frames:
        buffer.push(frame)
    return buffer


class TestOrder:
    """What comes next."""

    @pytest.mark.feature("QUE-01")
    def test_urgent_frames_come_first_and_each_level_keeps_its_order(self) -> None:
        """A few frames of each level fit in one round."""
        buffer = buffer_of(
            (b"a", Priority.P7), (b"x", Priority.P1), (b"b", Priority.P7), (b"y", Priority.P1),
            (b"m", Priority.P4),
        )  # fmt: skip
        assert drain(buffer) == [b"x", b"y", b"m", b"a", b"b"]

    @pytest.mark.feature("QUE-01")
    def test_no_level_waits_for_ever(self) -> None:
        """However much of the highest there is, the lowest gets its turn in each round."""
        buffer = buffer_of(*[(b"high", Priority.P1)] * 1000, *[(b"low", Priority.P8)] * 3)
        order = drain(buffer)
        assert [order.index(b"low"), order.count(b"low")] == [8, 3]
        assert order[:18].count(b"low") == 2

    @pytest.mark.feature("QUE-01")
    def test_turns_follow_the_rank(self) -> None:
        """With all levels full, a round of 36 gives each as many turns as its rank."""
        frames = [(bytes([level]), Priority(level)) for level in range(LEVELS) for _ in range(40)]
        round_ = drain(buffer_of(*frames))[:36]
        assert [round_.count(bytes([level])) for level in range(LEVELS)] == [1, 2, 3, 4, 5, 6, 7, 8]


class BufferMachine(RuleBasedStateMachine):
    """Random frames through a buffer and through plain lists."""

    @initialize(max_items=st.integers(1, 6), max_bytes=st.integers(4, 20))
    def start(self, max_items: int, max_bytes: int) -> None:
        self.buffer = PriorityBuffer(max_items=max_items, max_bytes=max_bytes)
        self.limits = max_items, max_bytes
        self.levels: list[deque[bytes]] = [deque() for _ in range(LEVELS)]
        self.waits = [0] * LEVELS

    @rule(data=st.binary(min_size=1, max_size=4), priority=st.sampled_from(Priority))
    def put(self, data: bytes, priority: Priority) -> None:
        if self.buffer.fits((data, priority)):
            self.buffer.push((data, priority))
            self.levels[priority].append(data)

    @rule(data=st.binary(min_size=1, max_size=4), priority=st.sampled_from(Priority))
    def drop_oldest(self, data: bytes, priority: Priority) -> None:
        before = len(self.buffer)
        dropped, fits = self.buffer.make_room((data, priority))
        assert before - len(self.buffer) == dropped
        assert fits == self.buffer.fits((data, priority))
        for _ in range(dropped):
            lowest = next(level for level in self.levels if level)
            assert self.levels.index(lowest) <= priority
            lowest.popleft()

    @precondition(lambda self: len(self.buffer) > 0)
    @rule()
    def take(self) -> None:
        data, priority = self.buffer.pop()
        assert self.levels[priority].popleft() == data
        for level in range(LEVELS):
            waiting = self.levels[level] and level != priority
            self.waits[level] = self.waits[level] + 1 if waiting else 0
            # Two rounds without the own turns are the most that anybody waits.
            assert self.waits[level] <= 2 * 36

    @invariant()
    def sizes_are_true_and_within_bounds(self) -> None:
        frames = [data for level in self.levels for data in level]
        assert (len(self.buffer), self.buffer.size_bytes) == (len(frames), sum(map(len, frames)))
        assert len(frames) <= self.limits[0]
        assert sum(map(len, frames)) <= self.limits[1]


TestBuffer = pytest.mark.feature("QUE-01")(BufferMachine.TestCase)
TestBuffer.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


class TestPolicies:
    """A full queue."""

    @pytest.mark.feature("QUE-02")
    async def test_wait_holds_the_producer_until_there_is_room(self) -> None:
        """In the order in which producers came."""
        queue: AsyncQueue[int] = AsyncQueue(1)
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(queue.put(number))
            await until(lambda: queue.statistics().waiting_producers == 2)
            assert [await queue.get() for _ in range(3)] == [0, 1, 2]

    @pytest.mark.feature("QUE-02")
    async def test_fail_raises_and_so_does_not_waiting(self) -> None:
        """The message has the size."""
        for policy in (OverflowPolicy.FAIL, OverflowPolicy.WAIT):
            queue: AsyncQueue[int] = AsyncQueue(1, policy=policy)
            assert queue.put_nowait(1)
            with pytest.raises(OverloadedError, match="full with 1 items"):
                queue.put_nowait(2)
        failing: AsyncQueue[int] = AsyncQueue(1, policy=OverflowPolicy.FAIL)
        await failing.put(1)
        with pytest.raises(OverloadedError):
            await failing.put(2)

    @pytest.mark.feature("QUE-02")
    async def test_dropping_is_counted(self) -> None:
        """Either the new one or the oldest is lost."""
        newest: AsyncQueue[int] = AsyncQueue(2, policy=OverflowPolicy.DROP_NEWEST)
        oldest: AsyncQueue[int] = AsyncQueue(2, policy=OverflowPolicy.DROP_OLDEST)
        assert [await newest.put(number) for number in range(3)] == [True, True, False]
        assert [await oldest.put(number) for number in range(3)] == [True, True, True]
        assert newest.clear() == [0, 1]
        assert oldest.clear() == [1, 2]
        assert newest.statistics().dropped == oldest.statistics().dropped == 1

    @pytest.mark.feature("QUE-01")
    async def test_an_urgent_frame_is_not_dropped_for_a_lesser_one(self) -> None:
        """The new one is lost then; the lowest level loses first otherwise."""
        queue = PriorityByteQueue(max_items=2, policy=OverflowPolicy.DROP_OLDEST)
        assert await queue.put(b"urgent", Priority.P1)
        assert await queue.put(b"low")
        assert await queue.put(b"higher", Priority.P5)
        assert not await queue.put(b"lower")
        assert queue.clear() == [b"urgent", b"higher"]
        assert queue.statistics().dropped == 2

    @pytest.mark.feature("QUE-01")
    async def test_bytes_are_bounded_too(self) -> None:
        """A frame that could never fit is refused at once."""
        queue = PriorityByteQueue(max_items=0, max_bytes=10, policy=OverflowPolicy.FAIL)
        queue.put_nowait(b"x" * 6)
        with pytest.raises(OverloadedError, match="of 6 bytes"):
            queue.put_nowait(b"x" * 5)
        with pytest.raises(InvalidInputError, match="frame of 11 bytes never fits a queue of 10"):
            await queue.put(b"x" * 11)
        assert queue.statistics().size_bytes == 6

    async def test_a_large_frame_is_not_overtaken_for_ever(self) -> None:
        """While it waits for room, small ones that would fit wait behind it."""
        queue = PriorityByteQueue(max_bytes=10)
        queue.put_nowait(b"12345678")
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.put(b"1234567890"))
            await until(lambda: queue.statistics().waiting_producers == 1)
            group.create_task(queue.put(b"x"))
            await until(lambda: queue.statistics().waiting_producers == 2)
            with pytest.raises(OverloadedError):
                queue.put_nowait(b"y")
            assert [await queue.get() for _ in range(3)] == [b"12345678", b"1234567890", b"x"]


class TestWaiting:
    """Consumers, cancellation, closing."""

    @pytest.mark.feature("QUE-02")
    async def test_a_consumer_waits_for_an_item(self) -> None:
        """And gets it as soon as it is there; nothing is an item too."""
        queue: AsyncQueue[int | None] = AsyncQueue()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(queue.get())
            await until(lambda: queue.statistics().waiting_consumers == 1)
            queue.put_nowait(None)
        assert first.result() is None
        assert len(queue) == 0

    @pytest.mark.feature("QUE-01")
    async def test_frames_are_taken_in_batches(self) -> None:
        """One has to be there, more are taken as they are there."""
        queue = PriorityByteQueue()
        for data in (b"a", b"b", b"c"):
            await queue.put(data)
        assert await queue.get_batch(2) == [b"a", b"b"]
        assert await queue.get_batch(9) == [b"c"]

    async def test_a_cancelled_producer_leaves_nothing(self) -> None:
        """Its item is not put in later, and the others move up."""
        queue: AsyncQueue[int] = AsyncQueue(1)
        queue.put_nowait(1)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(queue.put(2))
            second = group.create_task(queue.put(2))
            group.create_task(queue.put(3))
            await until(lambda: queue.statistics().waiting_producers == 3)
            first.cancel()
            await until(first.done)
            assert queue.statistics().waiting_producers == 2
            second.cancel()
            # The room appears before the cancelled task has run.
            assert await queue.get() == 1
            assert await queue.get() == 3
        assert len(queue) == 0

    async def test_a_cancelled_consumer_takes_nothing(self) -> None:
        """Also when it was just woken: the item goes to the next."""
        queue: AsyncQueue[int] = AsyncQueue()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(queue.get())
            second = group.create_task(queue.get())
            third = group.create_task(queue.get())
            await until(lambda: queue.statistics().waiting_consumers == 3)
            third.cancel()
            await until(third.done)
            queue.put_nowait(1)
            first.cancel()
            await until(second.done)
        assert second.result() == 1
        assert first.cancelled()
        assert third.cancelled()

    @pytest.mark.feature("QUE-01", "QUE-02")
    async def test_a_closed_queue_is_emptied_and_then_ends(self) -> None:
        """Nothing gets lost that was in it; producers and consumers that wait are told."""
        queue: AsyncQueue[int] = AsyncQueue(1)
        queue.put_nowait(1)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ending(queue.put(2)))
            await until(lambda: queue.statistics().waiting_producers == 1)
            queue.close()
            queue.close()
        assert "nothing can be put in" in waiting.result()
        assert queue.closed
        with pytest.raises(ClosedError):
            await queue.put(3)
        assert await queue.get() == 1
        with pytest.raises(ClosedError, match="closed and empty"):
            await queue.get()

    async def test_consumers_that_wait_are_told_of_the_end(self) -> None:
        """All of them."""
        queue = PriorityByteQueue()
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(ending(queue.get())) for _ in range(2)]
            await until(lambda: queue.statistics().waiting_consumers == 2)
            queue.close()
        assert all("closed and empty" in task.result() for task in waiting)

    @pytest.mark.feature("QUE-01")
    async def test_clearing_lets_producers_go_on(self) -> None:
        """The room is theirs."""
        queue = PriorityByteQueue(max_items=1)
        queue.put_nowait(b"a")
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(queue.put(b"b"))
            await until(lambda: queue.statistics().waiting_producers == 1)
            assert queue.clear() == [b"a"]
        assert waiting.result()
        assert queue.clear() == [b"b"]

    @pytest.mark.feature("QUE-01")
    async def test_many_producers_and_consumers_lose_nothing(self) -> None:
        """Whatever the interleaving."""
        queue = PriorityByteQueue(max_items=3)
        taken: list[bytes] = []

        async def produce(number: int) -> None:
            for index in range(50):
                await queue.put(b"%d-%d" % (number, index), Priority(number))

        async def consume() -> None:
            while True:
                try:
                    taken.append(await queue.get())
                except ClosedError:
                    return

        async with asyncio.TaskGroup() as consumers:
            for _ in range(3):
                consumers.create_task(consume())
            async with asyncio.TaskGroup() as producers:
                for number in range(8):
                    producers.create_task(produce(number))
            queue.close()
        assert len(taken) == len(set(taken)) == 400
