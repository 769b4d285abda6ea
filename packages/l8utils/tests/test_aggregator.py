# SPDX-License-Identifier: Apache-2.0
"""Messages for one destination go together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import ClosedError, InvalidInputError, OverloadedError, UnavailableError
from l8types.pb import L8Health
from l8utils import Aggregator, Destination

if TYPE_CHECKING:
    from l8types.protocols.data import Elements

pytestmark = pytest.mark.feature("AGG-01")

A = Destination("Books", 1)
LONG = 1000.0


@dataclass
class FakeNetwork:
    """Keeps what is sent; fails as it is told."""

    sent: list[tuple[object, ...]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self, target: object, service: str, area: int, action: Action, payload: object = None,
        **options: object,
    ) -> None:  # fmt: skip
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((target, service, area, action, payload, *options.values()))
        self.arrived.set()

    async def request(
        self, target: object, service: str, area: int, action: Action, payload: object = None,
        **options: object,
    ) -> Elements:  # fmt: skip
        await self.send(target, service, area, action, payload, **options)
        return cast("Elements", None)

    @property
    def payloads(self) -> list[object]:
        return [message[4] for message in self.sent]


def aggregator(network: FakeNetwork, **options: float) -> Aggregator:
    """An aggregator that sends at the end unless told otherwise."""
    return Aggregator(network, **{"interval": LONG, **options})  # type: ignore[arg-type]


async def test_elements_for_one_destination_leave_in_one_message() -> None:
    """What still waits at the end is sent."""
    network = FakeNetwork()
    async with aggregator(network) as batches:
        batches.add("a", A)
        batches.add(["b", "c"], A)
        batches.add(b"bytes", A)
    assert network.sent == [(MulticastMode.ALL, "Books", 1, Action.POST, ["a", "b", "c", b"bytes"])]
    assert batches.statistics().sent == 4


@pytest.mark.parametrize(
    "other",
    [
        replace(A, service="Authors"),
        replace(A, area=2),
        replace(A, action=Action.PATCH),
        replace(A, target="node-1"),
        replace(A, request=True),
    ],
)
async def test_a_batch_ends_where_the_destination_changes(other: Destination) -> None:
    """The order is kept, so the same destination later is another batch."""
    network = FakeNetwork()
    async with aggregator(network) as batches:
        for number, destination in enumerate([A, A, other, A]):
            batches.add(number, destination)
    assert network.payloads == [[0, 1], [2], [3]]


async def test_requests_have_the_time_limit() -> None:
    """The one that was given."""
    network = FakeNetwork()
    async with aggregator(network, timeout=7.0) as batches:
        batches.add("a", replace(A, request=True))
    assert network.sent[0][5:] == (7.0,)


async def test_elements_leave_after_the_interval() -> None:
    """Without the block being left; nothing is sent when nothing waits."""
    network = FakeNetwork()
    async with aggregator(network, interval=0.01) as batches, asyncio.timeout(10):
        batches.add("a", A)
        await network.arrived.wait()
        assert batches.statistics().pending == 0
    assert network.payloads == [["a"]]


async def test_many_elements_leave_at_once_in_messages_of_bounded_size() -> None:
    """The interval is not waited for then."""
    network = FakeNetwork()
    async with aggregator(network, batch_size=2) as batches, asyncio.timeout(10):
        batches.add([1, 2, 3], A)
        await network.arrived.wait()
        assert network.payloads == [[1, 2], [3]]


async def test_an_unavailable_network_gets_the_batch_again() -> None:
    """In order, and before what came later."""
    network = FakeNetwork(failures=[UnavailableError("no connection"), UnavailableError("still")])
    async with aggregator(network, interval=0.01) as batches, asyncio.timeout(10):
        batches.add([1, 2], A)
        batches.add(3, replace(A, area=2))
        await network.arrived.wait()
        batches.add(4, A)
    assert network.payloads == [[1, 2], [3], [4]]


async def test_another_error_gives_the_batch_up(caplog: pytest.LogCaptureFixture) -> None:
    """It may have arrived; it is logged and counted, and the others are sent."""
    network = FakeNetwork(failures=[OverloadedError("full")])
    async with aggregator(network) as batches:
        batches.add([1, 2], A)
        batches.add(3, replace(A, area=2))
    assert network.payloads == [[3]]
    assert batches.statistics().failed == 2
    assert "2 elements to" in caplog.text


async def test_what_cannot_be_sent_at_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Silence would look like success."""
    network = FakeNetwork(failures=[UnavailableError("gone")] * 3)
    async with aggregator(network) as batches:
        batches.add([1, 2], A)
    assert "closes with 2 elements not sent" in caplog.text


async def test_elements_are_taken_within_the_block_and_within_the_bound() -> None:
    """A list that does not fit as a whole is not taken at all."""
    network = FakeNetwork()
    batches = aggregator(network, batch_size=2, max_pending=2)
    with pytest.raises(ClosedError, match="only within its block"):
        batches.add(1, A)
    async with batches:
        with pytest.raises(OverloadedError, match="at most 2 may"):
            batches.add([1, 2, 3], A)
        assert batches.statistics().pending == 0
    with pytest.raises(ClosedError):
        batches.add(1, A)


@pytest.mark.parametrize(
    "options",
    [{"interval": 0}, {"timeout": 0}, {"batch_size": 0}, {"batch_size": 9, "max_pending": 8}],
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    """At construction."""
    with pytest.raises(InvalidInputError):
        aggregator(FakeNetwork(), **options)


async def test_messages_are_bounded_in_bytes_too() -> None:
    """A byte string is one element, and an element that is larger than the bound goes alone."""
    network = FakeNetwork()
    health, large = L8Health(alias="abcdef"), bytes(20)
    async with aggregator(network, batch_bytes=10) as batches:
        for element in (b"12345", b"67890", "abc", large, health, "x", 7):
            batches.add(element, A)
    assert network.payloads == [[b"12345", b"67890"], ["abc"], [large], [health, "x", 7]]
