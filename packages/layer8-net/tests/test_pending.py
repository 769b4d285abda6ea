# SPDX-License-Identifier: Apache-2.0
"""Requests on their way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer8_net._core.pending import Pending


@pytest.mark.feature("WIR-06")
def test_sequence_numbers() -> None:
    """Each message gets a number of its own, starting with 1."""
    pending: Pending[str] = Pending()
    assert pending.open("a", "", 1.0, 0.0) == 1
    assert pending.next_sequence() == 2
    assert pending.open("b", "", 1.0, 0.0) == 3


def test_only_the_first_answer_counts() -> None:
    """A request is there once."""
    pending: Pending[str] = Pending()
    sequence = pending.open("a", "", 1.0, 0.0)
    request = pending.close(sequence)
    assert request is not None
    assert request.waiter == "a"
    assert pending.close(sequence) is None


@given(st.lists(st.floats(0.0, 100.0), max_size=30), st.floats(0.0, 120.0))
def test_expiry(timeouts: list[float], now: float) -> None:
    """No request ends early, and none lives longer than a slot beyond its time."""
    pending: Pending[float] = Pending()
    for timeout in timeouts:
        pending.open(timeout, "", timeout, 0.0)
    expired = [request.waiter for request in pending.expire(now)]
    assert all(timeout <= now for timeout in expired)
    assert len(expired) + len(pending) == len(timeouts)
    deadline = pending.next_deadline()
    assert (deadline is None) == (len(pending) == 0)
    assert deadline is None or deadline > now
    pending.expire(101.0)
    assert len(pending) == 0


def test_nothing_is_left_behind() -> None:
    """Requests that were answered leave no deadline."""
    pending: Pending[int] = Pending()
    for number in range(1000):
        pending.close(pending.open(number, "", number / 10, 0.0))
    assert pending.next_deadline() is None
    assert (len(pending), pending.expire(1000.0)) == (0, [])


def test_by_target() -> None:
    """The requests to one node are found, those that the network routes are not."""
    pending: Pending[str] = Pending()
    for waiter, target in [("a", "x"), ("b", ""), ("c", "x"), ("d", "y")]:
        pending.open(waiter, target, 1.0, 0.0)
    assert [request.waiter for request in pending.take_target("x")] == ["a", "c"]
    assert [request.waiter for request in pending.take_all()] == ["b", "d"]
    assert pending.next_deadline() is None


def test_deadline_that_rests() -> None:
    """A request whose deadline is taken away does not expire until it has its whole time again."""
    pending: Pending[str] = Pending()
    sequence = pending.open("a", "", 1.0, 100.0)
    pending.suspend(sequence)
    pending.suspend(sequence)
    assert pending.next_deadline() is None
    assert pending.expire(200.0) == []
    pending.resume(sequence, 300.0)
    pending.resume(sequence, 300.5)
    assert pending.expire(301.4) == []
    assert [one.waiter for one in pending.expire(301.6)] == ["a"]
    assert pending.get(sequence) is None
    pending.resume(sequence, 400.0)
    pending.suspend(sequence)
    assert pending.next_deadline() is None


def test_request_without_a_deadline_can_be_closed() -> None:
    """Closing works whether there is a deadline or not."""
    pending: Pending[str] = Pending()
    sequence = pending.open("a", "", 1.0, 100.0)
    pending.suspend(sequence)
    assert pending.close(sequence) is not None
    assert len(pending) == 0
    assert pending.close(sequence) is None
