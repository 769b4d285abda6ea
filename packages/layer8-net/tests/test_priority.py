# SPDX-License-Identifier: Apache-2.0
"""Waiting by priority."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer8_net._core.priority import FairQueue


def test_order() -> None:
    """The highest level goes first, and within a level who came first."""
    queue: FairQueue[str] = FairQueue()
    for item, level in [("a", 1), ("b", 3), ("c", 5), ("d", 3), ("e", 99)]:
        queue.push(item, level, 1)
    assert [queue.pop() for _ in range(5)] == ["e", "c", "b", "d", "a"]
    with pytest.raises(IndexError):
        queue.pop()


def test_nothing_starves() -> None:
    """W-17: a low item leaves although higher ones keep coming."""
    queue: FairQueue[str] = FairQueue()
    queue.push("low", 0, 1)
    taken = []
    for _ in range(20):
        queue.push("high", 7, 1)
        taken.append(queue.pop())
    assert "low" in taken


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9))))
def test_nothing_is_lost(entries: list[tuple[int, int]]) -> None:
    """What went in comes out, in order within each level, and the size is that of what waits."""
    queue: FairQueue[tuple[int, int]] = FairQueue()
    for number, (level, size) in enumerate(entries):
        queue.push((level, number), level, size)
    assert queue.size_bytes == sum(size for _, size in entries)
    half = [queue.pop() for _ in range(len(entries) // 2)]
    rest = queue.clear()
    assert rest == sorted(rest, key=lambda entry: entry[1])
    assert (queue.size_bytes, len(queue), bool(queue)) == (0, 0, False)
    for level in range(8):
        ours = [number for one, number in half + rest if one == level]
        assert ours == sorted(ours)
    assert len(half + rest) == len(entries)
