# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent: bounded, the newest wins, nothing is lost uncounted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect import OutboxStatistics
from collect._outbox import Outbox
from l8types.errors import InvalidInputError


def test_entries_leave_in_the_order_of_their_keys() -> None:
    """A newer value takes the place of the older one."""
    outbox = Outbox[str, int](3)
    outbox.put("a", 1)
    outbox.put("b", 2)
    outbox.put("a", 3)
    assert outbox.take(5) == [("a", 3), ("b", 2)]
    assert outbox.statistics() == OutboxStatistics(waiting=0, replaced=1, dropped=0)


def test_a_full_outbox_drops_what_has_waited_longest() -> None:
    """And counts it."""
    outbox = Outbox[str, int](2)
    for position, key in enumerate("abc"):
        outbox.put(key, position)
    assert outbox.statistics().dropped == 1
    assert outbox.take(1) == [("b", 1)]


def test_what_is_restored_goes_first_but_not_before_something_newer() -> None:
    """An entry that came meanwhile wins over the one that could not be sent."""
    outbox = Outbox[str, int](5)
    outbox.put("a", 1)
    outbox.put("b", 1)
    taken = outbox.take(2)
    outbox.put("b", 2)
    outbox.put("c", 2)
    outbox.restore(taken)
    assert outbox.take(5) == [("a", 1), ("b", 2), ("c", 2)]


def test_restoring_into_a_full_outbox_drops_the_oldest() -> None:
    """The limit holds always."""
    outbox = Outbox[str, int](1)
    outbox.put("a", 1)
    taken = outbox.take(1)
    outbox.put("b", 1)
    outbox.restore(taken)
    assert (outbox.take(2), outbox.statistics().dropped) == ([("b", 1)], 1)


def test_an_outbox_holds_something() -> None:
    """A limit of zero is a mistake."""
    with pytest.raises(InvalidInputError, match="at least 1"):
        Outbox(0)


@given(
    limit=st.integers(1, 5),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 7)),
            st.tuples(st.just("send"), st.integers(1, 4)),
            st.tuples(st.just("fail"), st.integers(1, 4)),
        ),
        max_size=60,
    ),
)
def test_every_entry_is_sent_replaced_dropped_or_waits(
    limit: int, steps: list[tuple[str, int]]
) -> None:
    """The counters account for everything, and an old value never follows a newer one."""
    outbox = Outbox[int, int](limit)
    put = sent = 0
    newest: dict[int, int] = {}
    for what, number in steps:
        if what == "put":
            put += 1
            outbox.put(number, put)
        else:
            entries = outbox.take(number)
            if what == "fail":
                outbox.restore(entries)
            else:
                sent += len(entries)
                assert all(newest.get(key, 0) < value for key, value in entries)
                newest |= dict(entries)
        assert len(outbox) <= limit
    counters = outbox.statistics()
    assert put == sent + counters.waiting + counters.replaced + counters.dropped
