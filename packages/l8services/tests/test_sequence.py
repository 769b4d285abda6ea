# SPDX-License-Identifier: Apache-2.0
"""Counting the changes of other instances."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from l8services._sequence import MAX_MISSING, SequenceTracker


@given(count=st.integers(1, 60), lost=st.sets(st.integers(1, 60)), seed=st.integers())
def test_gap_is_seen_exactly_when_a_change_is_missing(
    count: int, lost: set[int], seed: int
) -> None:
    """In any order of arrival, and once the count is told."""
    numbers = [number for number in range(1, count + 1) if number not in lost]
    random.Random(seed).shuffle(numbers)
    tracker = SequenceTracker()
    for number in numbers:
        tracker.observe("a", number)
    tracker.beacon("a", count)
    missing = [number for number in range(1, count + 1) if number in lost]
    assert tracker.gap("a") == bool(missing)
    assert tracker.seen() == {"a": missing[0] - 1 if missing else count}


@given(first=st.sets(st.integers(1, 40)), through=st.integers(0, 50))
def test_copy_settles_what_it_covers_and_no_more(first: set[int], through: int) -> None:
    """After a fetched copy only later changes are missing."""
    tracker = SequenceTracker()
    for number in sorted(first):
        tracker.observe("a", number)
    top = max(first, default=0)
    tracker.settle("a", through)
    later = [n for n in range(through + 1, top + 1) if n not in first]
    assert tracker.gap("a") == bool(later)
    assert tracker.through("a") == max(top, through)


def test_restarted_source_counts_anew() -> None:
    """A new change with an old number, or a smaller count, is a restart and not a duplicate."""
    tracker = SequenceTracker()
    for number in range(1, 6):
        tracker.observe("a", number, time=100 + number)
    tracker.observe("a", 3, time=103)
    assert tracker.seen() == {"a": 5}
    tracker.observe("a", 2, time=200)
    assert (tracker.gap("a"), tracker.through("a")) == (True, 2)
    tracker.settle("a", 2)
    tracker.beacon("a", 1)
    assert (tracker.gap("a"), tracker.through("a")) == (True, 1)


def test_large_gap_is_remembered_as_one() -> None:
    """Memory stays bounded however far the count jumps; one copy settles all of it."""
    tracker = SequenceTracker()
    tracker.observe("a", MAX_MISSING * 10)
    assert tracker.gap("a")
    assert tracker.seen() == {}
    tracker.settle("a", MAX_MISSING * 10)
    assert not tracker.gap("a")
    tracker.observe("b", MAX_MISSING * 10)
    tracker.settle("b", MAX_MISSING * 10 - 2)
    assert tracker.gap("b")
