# SPDX-License-Identifier: Apache-2.0
"""Batches: what leaves, when, in which order, and what stays when it cannot leave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import Action
from l8types.errors import ClosedError, EncodeError, InvalidInputError, UnavailableError
from layer8_net._batch import ServiceBatch
from layer8_net._core.batch import Collector

from .fakes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ACTIONS = st.sampled_from([Action.POST, Action.PATCH])


class Outlet:
    """Where batches go; it may be broken."""

    def __init__(self) -> None:
        self.sent: list[tuple[Action, list[object]]] = []
        self.broken = False
        self.attempts = 0
        self.closed: list[ServiceBatch] = []

    async def send(self, action: Action, items: list[object]) -> None:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.broken:
            raise UnavailableError("no connection")
        self.sent.append((action, items))

    @asynccontextmanager
    async def open(
        self, *, interval: float = 60.0, max_items: int = 100, max_bytes: int = 1000
    ) -> AsyncIterator[ServiceBatch]:
        """A batch whose items are as large as they say."""
        async with asyncio.TaskGroup() as tasks:
            yield ServiceBatch(
                Collector(max_items, max_bytes),
                self.send,
                _size,
                tasks.create_task,
                interval=interval,
                closed=self.closed.append,
            )


def _size(item: object) -> int:
    if not isinstance(item, int):
        raise EncodeError(f"{item!r} is no number")
    return item


@given(st.lists(st.tuples(ACTIONS, st.integers(0, 50))), st.integers(1, 10), st.integers(1, 100))
def test_nothing_is_lost_or_reordered(
    items: list[tuple[Action, int]], max_items: int, max_bytes: int
) -> None:
    """Whatever the limits, all items leave once, in order, each under its action."""
    collector = Collector(max_items, max_bytes)
    left: list[tuple[Action, object]] = []

    def flush() -> None:
        # What cannot leave at first comes back to its place.
        if (run := collector.first()) is not None:
            collector.put_back(run)
        while (run := collector.first()) is not None:
            assert run.items
            assert len(run.items) <= max_items
            assert run.size_bytes <= max_bytes or len(run.items) == 1
            left.extend((run.action, item) for item in run.items)

    for action, item in items:
        if not collector.fits(item):
            flush()
        collector.add(action, item, item)
    flush()
    assert left == items
    assert (collector.items, collector.size_bytes) == (0, 0)


@pytest.mark.parametrize(("max_items", "max_bytes"), [(0, 1), (1, 0)])
def test_bad_limits(max_items: int, max_bytes: int) -> None:
    """Limits that let nothing in are refused."""
    with pytest.raises(InvalidInputError, match="above zero"):
        Collector(max_items, max_bytes)


@pytest.mark.feature("NIC-20")
async def test_items_bytes_and_time() -> None:
    """Enough items, enough bytes, or enough time let a batch leave, whichever comes first."""
    outlet = Outlet()
    async with outlet.open(max_items=2) as batch:
        for item in (1, 2, 3):
            await batch.add(Action.POST, item)
        assert outlet.sent == [(Action.POST, [1, 2])]
        await batch.aclose()
    async with outlet.open(max_bytes=100) as batch:
        for item in (40, 50, 20):
            await batch.add(Action.PUT, item)
        assert outlet.sent[2:] == [(Action.PUT, [40, 50])]
        await batch.aclose()
    async with outlet.open(interval=0.01) as batch:
        await batch.add(Action.PATCH, 7)
        await until(lambda: outlet.sent[-1] == (Action.PATCH, [7]))
        await batch.aclose()


async def test_outage() -> None:
    """Without a connection items stay and are tried again; beyond the limit the caller is told."""
    outlet = Outlet()
    outlet.broken = True
    async with outlet.open(interval=0.005, max_items=2) as batch:
        await batch.add(Action.POST, 1)
        await batch.add(Action.POST, 2)
        with pytest.raises(UnavailableError):
            await batch.add(Action.POST, 3)
        await until(lambda: outlet.attempts > 3)
        outlet.broken = False
        await until(lambda: outlet.sent == [(Action.POST, [1, 2])])
        await batch.aclose()


async def test_order_of_flushes() -> None:
    """Flushes at the same time do not overtake each other, and send nothing twice."""
    outlet = Outlet()
    async with outlet.open() as batch:
        for number in range(10):
            await batch.add(Action.POST if number % 2 else Action.PUT, number)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(batch.flush())
        assert [items for _, items in outlet.sent] == [[number] for number in range(10)]
        await batch.aclose()


async def test_bad_item() -> None:
    """An item that cannot be sent is refused when it is added and does not spoil the others."""
    outlet = Outlet()
    async with outlet.open() as batch:
        await batch.add(Action.POST, 1)
        with pytest.raises(EncodeError):
            await batch.add(Action.POST, "x")
        await batch.aclose()
        assert outlet.closed == [batch]
    assert outlet.sent == [(Action.POST, [1])]
    with pytest.raises(ClosedError):
        await batch.add(Action.POST, 1)


async def test_close_without_a_connection() -> None:
    """What cannot be sent at the end is an error to whoever closes, not a silent loss."""
    outlet = Outlet()
    outlet.broken = True
    async with outlet.open() as batch:
        await batch.add(Action.POST, 1)
        with pytest.raises(UnavailableError):
            await batch.aclose()
