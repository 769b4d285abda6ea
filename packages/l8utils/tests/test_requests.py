# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for their answers."""

from __future__ import annotations

import asyncio

import pytest

from l8types.errors import (
    BusyError,
    ConflictError,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)
from l8utils import PendingRequests

pytestmark = pytest.mark.feature("REQ-01")


async def test_the_first_answer_ends_a_request() -> None:
    """A second one, and one for a request that is over, are told apart from it."""
    requests = PendingRequests[str]()
    with requests.open("a", 1) as request:
        assert requests.resolve("a", 1, "first")
        assert not requests.resolve("a", 1, "second")
        assert not requests.fail("a", 1, UnavailableError("gone"))
        assert await request.wait(timeout=5) == "first"
        assert await request.wait() == "first"
    assert not requests.resolve("a", 1, "late")
    assert len(requests) == 0


async def test_an_answer_may_come_while_waiting() -> None:
    """The waiting task goes on at once, whatever its limit."""
    requests = PendingRequests[str]()
    with requests.open("a", 1) as request:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(request.wait(timeout=60))
            await asyncio.sleep(0)
            requests.resolve("a", 1, "answer")
    assert waiting.result() == "answer"


async def test_no_answer_in_time_is_an_error_and_a_late_one_does_no_harm() -> None:
    """The message names request and limit."""
    requests = PendingRequests[str]()
    with requests.open("a", 1) as request:
        with pytest.raises(RequestTimeoutError, match=r"request 1 of 'a' within 0\.01 s"):
            await request.wait(timeout=0.01)
        assert not requests.resolve("a", 1, "late")


async def test_a_failed_request_raises_its_error() -> None:
    """Also when the error is itself a time-out, told by the network."""
    requests = PendingRequests[str]()
    for error in (UnavailableError("no provider"), RequestTimeoutError("no answer from b")):
        with requests.open("a", 1) as request:
            assert requests.fail("a", 1, error)
            with pytest.raises(type(error), match=error.message):
                await request.wait(timeout=5)


async def test_all_can_be_failed_at_once() -> None:
    """Each with an error of its own; an error that nobody waits for is no trouble."""
    requests = PendingRequests[str]()
    with requests.open("a", 1) as first, requests.open("a", 2), requests.open("b", 1) as third:
        requests.resolve("b", 1, "answer")
        assert requests.fail_all(lambda: UnavailableError("connection lost")) == 2
        with pytest.raises(UnavailableError):
            await first.wait()
        assert await third.wait() == "answer"
    assert not requests.fail("a", 1, UnavailableError("again"))


async def test_steps_of_a_transaction_are_not_the_answer() -> None:
    """What is final is for the owner to say."""
    requests = PendingRequests[int](is_final=lambda state: state >= 4)
    with requests.open("a", 1) as request:
        assert not requests.resolve("a", 1, 2)
        assert not requests.resolve("a", 1, 3)
        assert requests.resolve("a", 1, 4)
        assert await request.wait() == 4


async def test_source_and_number_name_a_request_together() -> None:
    """Neither alone, nor both written next to each other."""
    requests = PendingRequests[str]()
    with requests.open("a", 11), requests.open("a1", 1), requests.open("b", 11):
        with pytest.raises(ConflictError, match="request 11 of 'a' waits already"):
            requests.open("a", 11)
        assert len(requests) == 3
    with requests.open("a", 11):
        assert len(requests) == 1


async def test_the_number_of_requests_is_bounded() -> None:
    """An answer that never comes must not eat the memory."""
    requests = PendingRequests[str](max_pending=1)
    with requests.open("a", 1), pytest.raises(OverloadedError, match="1 requests wait already"):
        requests.open("a", 2)


async def test_only_one_task_waits_for_an_answer() -> None:
    """A second one would get half a promise."""
    requests = PendingRequests[str]()
    with requests.open("a", 1) as request:
        async with asyncio.TaskGroup() as group:
            group.create_task(request.wait())
            await asyncio.sleep(0)
            with pytest.raises(BusyError, match="waited for already"):
                await request.wait()
            requests.resolve("a", 1, "answer")


async def test_a_cancelled_request_is_forgotten() -> None:
    """Its answer finds nobody."""
    requests = PendingRequests[str]()

    async def ask() -> None:
        with requests.open("a", 1) as request:
            await request.wait()

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(ask())
        await asyncio.sleep(0)
        asking.cancel()
    assert len(requests) == 0
    assert not requests.resolve("a", 1, "late")


async def test_a_hundred_requests_at_once_get_their_own_answers() -> None:
    """In any order."""
    requests = PendingRequests[int]()

    async def ask(number: int) -> int:
        with requests.open("a", number) as request:
            return await request.wait(timeout=30)

    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(ask(number)) for number in range(100)]
        await asyncio.sleep(0)
        for number in reversed(range(100)):
            assert requests.resolve("a", number, number * 2)
    assert [task.result() for task in asking] == [number * 2 for number in range(100)]
    assert len(requests) == 0
