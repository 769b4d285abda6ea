# SPDX-License-Identifier: Apache-2.0
"""The map and the queue that threads share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from l8types.enums import OverflowPolicy
from l8types.errors import ClosedError, OverloadedError
from l8utils import SharedMap, SharedQueue


class TestMap:
    """Atomic operations."""

    @pytest.mark.feature("MAP-01")
    def test_each_operation_tells_what_it_found(self) -> None:
        """New or replaced, stored or not, there or absent."""
        shared: SharedMap[str, int] = SharedMap()
        assert shared.put("a", 1)
        assert not shared.put("a", 2)
        assert not shared.put_if_absent("a", 3)
        assert shared.put_if_absent("b", 4)
        assert (shared.get("a"), shared.get("x")) == (2, None)
        assert ("b" in shared, "x" in shared, len(shared)) == (True, False, 2)
        assert (shared.pop("b"), shared.pop("b")) == (4, None)
        copy = shared.snapshot()
        copy["c"] = 5
        assert shared.drain() == {"a": 2}
        assert len(shared) == 0

    @pytest.mark.feature("MAP-01")
    def test_threads_do_not_overwrite_each_other(self) -> None:
        """A value that is made of the present one is made of the latest."""
        shared: SharedMap[str, int] = SharedMap()
        first: list[int] = []

        def work(number: int) -> None:
            if shared.put_if_absent("first", number):
                first.append(number)
            for _ in range(500):
                shared.update("count", lambda count: (count or 0) + 1)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert shared.get("count") == 4000
        assert first == [shared.get("first")]


class TestQueue:
    """First in, first out."""

    @pytest.mark.feature("QUE-02")
    def test_a_full_queue_holds_its_producers(self) -> None:
        """Nothing is lost, each thread's items keep their order, and nobody polls."""
        shared: SharedQueue[tuple[int, int]] = SharedQueue(3)

        def produce(number: int) -> None:
            for value in range(100):
                assert shared.put((number, value))

        with ThreadPoolExecutor(4) as pool:
            for number in range(4):
                pool.submit(produce, number)
            got = [shared.get(timeout=10) for _ in range(400)]
        for number in range(4):
            assert [value for one, value in got if one == number] == list(range(100))
        assert len(shared) == 0

    @pytest.mark.feature("QUE-02")
    def test_policies_decide_about_one_more(self) -> None:
        """Drops are counted; waiting may be limited."""
        oldest: SharedQueue[int] = SharedQueue(2, policy=OverflowPolicy.DROP_OLDEST)
        newest: SharedQueue[int] = SharedQueue(2, policy=OverflowPolicy.DROP_NEWEST)
        for number in range(4):
            assert oldest.put(number)
            assert newest.put(number) is (number < 2)
        assert (oldest.dropped, newest.dropped) == (2, 2)
        assert (oldest.clear(), newest.clear()) == ([2, 3], [0, 1])
        failing: SharedQueue[None] = SharedQueue(1, policy=OverflowPolicy.FAIL)
        failing.put(None)
        with pytest.raises(OverloadedError, match="full with 1"):
            failing.put(None)
        waiting: SharedQueue[int] = SharedQueue(1)
        waiting.put(1)
        with pytest.raises(TimeoutError):
            waiting.put(2, timeout=0.01)
        with pytest.raises(TimeoutError):
            failing.clear() and failing.get(timeout=0.01)

    @pytest.mark.feature("QUE-02")
    def test_a_closed_queue_is_emptied_and_then_ends(self) -> None:
        """``None`` is an item like any other; whoever waits is told of the end."""
        shared: SharedQueue[int | None] = SharedQueue()
        shared.put(None)
        shared.close()
        shared.close()
        assert shared.closed
        with pytest.raises(ClosedError):
            shared.put(1)
        assert shared.get() is None
        with pytest.raises(ClosedError):
            shared.get()

    def test_waiting_threads_are_told_of_the_end(self) -> None:
        """The consumer of an empty queue and the producer of a full one."""
        empty: SharedQueue[int] = SharedQueue()
        full: SharedQueue[int] = SharedQueue(1)
        full.put(1)
        ended: list[str] = []

        def consume() -> None:
            with pytest.raises(ClosedError):
                empty.get(timeout=10)
            ended.append("consumer")

        def produce() -> None:
            with pytest.raises(ClosedError):
                full.put(2, timeout=10)
            ended.append("producer")

        threads = [threading.Thread(target=target) for target in (consume, produce)]
        for thread in threads:
            thread.start()
        empty.close()
        full.close()
        for thread in threads:
            thread.join(10)
        assert sorted(ended) == ["consumer", "producer"]
