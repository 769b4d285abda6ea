# SPDX-License-Identifier: Apache-2.0
"""Delivery to services that come and go."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from collect import CourierSettings
from collect._courier import Courier
from l8types.enums import Action, MulticastMode
from l8types.errors import UnavailableError
from l8types.values import ServiceKey

from .fakes import FakeVNic, refusal, until

PARSER = ServiceKey("NPars", 0)
QUICK = CourierSettings(limit=3, batch=2, pause=0.001, longest_pause=0.002)


@asynccontextmanager
async def running(vnic: FakeVNic, settings: CourierSettings = QUICK) -> AsyncIterator[Courier]:
    """A courier at work."""
    courier = Courier(vnic.real, PARSER, Action.POST, MulticastMode.PROXIMITY, settings)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(courier.run())
        try:
            yield courier
        finally:
            task.cancel()


@pytest.mark.feature("COL-11", "PAR-07")
async def test_what_waits_is_sent_together() -> None:
    """In batches, in the order in which it came, to the service, one provider of it."""
    vnic = FakeVNic()
    async with running(vnic) as courier:
        for key in "abc":
            courier.put(key, key.upper())
        await until(lambda: len(vnic.requests) == 2)
    assert [sent.payload for sent in vnic.requests] == [["A", "B"], ["C"]]
    first = vnic.requests[0]
    assert (first.target, first.service, first.action) == (
        MulticastMode.PROXIMITY,
        PARSER,
        Action.POST,
    )


async def test_an_absent_service_gets_the_newest_of_each_when_it_comes() -> None:
    """What was replaced or did not fit is counted."""
    vnic = FakeVNic()
    vnic.failure = UnavailableError("nobody")
    async with running(vnic) as courier:
        courier.put("a", 1)
        await until(lambda: vnic.attempts >= 2 and courier.statistics().waiting)
        for value in (2, 3):
            courier.put("a", value)
        for key in "bcd":
            courier.put(key, 4)
        await until(lambda: vnic.attempts >= 4)
        vnic.failure = None
        await until(lambda: len(vnic.payloads()) == 3)
    assert vnic.payloads() == [4, 4, 4]
    counters = courier.statistics()
    assert (counters.waiting, counters.replaced, counters.dropped) == (0, 2, 1)


async def test_what_is_refused_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """It would be refused again; what comes after it is sent."""
    vnic = FakeVNic()
    vnic.failure = refusal()
    async with running(vnic) as courier:
        courier.put("a", 1)
        await until(lambda: courier.refused)
        vnic.failure = None
        courier.put("b", 2)
        await until(lambda: vnic.requests)
    assert (vnic.payloads(), courier.refused) == ([2], 1)
    assert "NPars--0 refused 1 entries: does not fit" in caplog.text


async def test_an_unexpected_failure_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A mistake in one place must not stop the data for ever."""
    vnic = FakeVNic()
    vnic.failure = ZeroDivisionError("oops")
    async with running(vnic) as courier:
        courier.put("a", 1)
        await until(lambda: vnic.attempts >= 2)
        vnic.failure = None
        await until(lambda: vnic.requests)
    assert "delivery to NPars--0 failed" in caplog.text


async def test_an_absence_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """And its end."""
    caplog.set_level(logging.INFO)
    vnic = FakeVNic()
    vnic.failure = UnavailableError("nobody")
    async with running(vnic) as courier:
        courier.put("a", 1)
        await until(lambda: vnic.attempts >= 4)
        vnic.failure = None
        await until(lambda: "available again" in caplog.text)
    lines = [record.message for record in caplog.records]
    assert lines == [
        "NPars--0 is not available, will try again: nobody",
        "NPars--0 is available again",
    ]


class HungVNic(FakeVNic):
    """Takes a request and never answers."""

    async def request(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        self.attempts += 1
        await asyncio.Event().wait()
        return None


async def test_a_cancelled_delivery_loses_nothing() -> None:
    """What was on its way waits again."""
    vnic = HungVNic()
    async with running(vnic) as courier:
        courier.put("a", 1)
        await until(lambda: vnic.attempts)
        assert courier.statistics().waiting == 0
    assert courier.statistics().waiting == 1


async def test_pauses_grow_to_a_limit() -> None:
    """And no two couriers keep step."""
    courier = Courier(
        FakeVNic().real,
        PARSER,
        Action.POST,
        MulticastMode.PROXIMITY,
        CourierSettings(pause=0.2, longest_pause=5.0),
    )
    for failures, longest in ((1, 0.2), (2, 0.4), (3, 0.8), (50, 5.0)):
        pauses = [courier._pause(failures) for _ in range(50)]
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
