# SPDX-License-Identifier: Apache-2.0
"""Write-behind in batches: one transaction for many items, and no item that blocks the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from l8services import Tuning
from l8types.enums import Action
from l8types.errors import UnavailableError

from .data import FakeStore
from .model import Book
from .network import BOOKS, FakeNetwork
from .virtual import run, until

if TYPE_CHECKING:
    from l8services import BaseService

    from .network import FakeNode


def books(count: int) -> list[Book]:
    """Some books."""
    return [Book(f"{number:03}", stock=number) for number in range(count)]


async def posted(a: FakeNode, store: FakeStore, *items: Book, delay: float = 0.1) -> BaseService:
    """A service with write-behind that took some items."""
    service = await a.serve(store=store, write_behind=delay)
    await a.do(Action.POST, *items)
    return service


def test_a_batch_is_one_write_of_the_store() -> None:
    """Items are stored as many at once as the tuning says, in the order of their changes."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(flush_batch=40)) as network:
            a, store, items = network.node("a"), FakeStore(), books(100)
            service = await posted(a, store, *items)
            await until(lambda: service.settled, "all are stored")
            assert [len(batch) for batch in store.batches] == [40, 40, 20]
            assert store.writes == [book.isbn for book in items]
            assert store.content == {book.isbn: book for book in items}

    run(scenario())


def test_what_is_gone_leaves_the_store_before_what_is_new_comes() -> None:
    """A unique key that an item gives up is free for another item of the same batch."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore(Book("1", code="x"))
            service = await posted(a, store, Book("2"), delay=2.0)
            await a.do(Action.DELETE, Book("1"))
            await a.do(Action.POST, Book("3", code="x"))
            await until(lambda: service.settled, "all are stored")
            assert store.batches == [["1"], ["2", "3"]]
            assert store.content == {"2": Book("2"), "3": Book("3", code="x")}

    run(scenario())


@pytest.mark.parametrize("poison", [{"000"}, {"049"}, {"017", "018", "042"}])
def test_an_item_that_is_refused_does_not_block_the_others(poison: set[str]) -> None:
    """The batch is halved until the culprit is alone; all others are stored at once."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store, items = network.node("a"), FakeStore(), books(50)
            store.refused = poison
            service = await posted(a, store, *items)
            started = asyncio.get_running_loop().time()
            await until(lambda: len(store.content) == 50 - len(poison), "the others are stored")
            assert asyncio.get_running_loop().time() - started < 1.0
            assert store.attempts <= 2 * len(poison) * 6 + 1
            assert not service.settled
            await a.do(Action.POST, Book("new"))
            await until(lambda: "new" in store.content, "later items are stored")
            store.refused = set()
            await until(lambda: service.settled, "the store takes it at last")
            assert store.content == {book.isbn: book for book in [*items, Book("new")]}

    run(scenario())


def test_an_item_that_is_refused_is_tried_ever_more_slowly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Pauses double up to the longest one, also while other items come; one warning is enough."""

    async def scenario() -> None:
        tuning = Tuning(flush_retry=1.0, flush_retry_max=8.0)
        async with FakeNetwork(tuning=tuning) as network:
            a, store = network.node("a"), FakeStore()
            store.refused = {"1"}
            await posted(a, store, Book("1"))
            for number in range(100):
                await a.do(Action.POST, Book("2", stock=number))
                await asyncio.sleep(1)
            tried = sum(batch == ["1"] for batch in store.batches)
            assert 100 / 8 <= tried <= 20
            assert store.content == {"2": Book("2", stock=99)}
            store.refused = set()
            await a.services.deactivate(BOOKS)

    run(scenario())
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "refuses item '1'" in warnings[0].getMessage()


def test_a_change_of_a_refused_item_is_tried_at_once() -> None:
    """What was wrong with it may have been repaired, so nothing waits for the next attempt."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(flush_retry=1000.0, flush_retry_max=1000.0)) as net:
            a, store = net.node("a"), FakeStore()
            store.refused = {"1"}
            service = await posted(a, store, Book("1", stock=-1))
            await until(lambda: store.attempts, "it is refused")
            store.refused = set()
            started = asyncio.get_running_loop().time()
            await a.do(Action.POST, Book("1", stock=1))
            await until(lambda: service.settled, "the store takes it")
            assert store.content == {"1": Book("1", stock=1)}
            assert asyncio.get_running_loop().time() - started < 1.0

    run(scenario())


def test_a_store_that_goes_away_between_halves_loses_nothing() -> None:
    """What was not written yet is written when it is back, what was refused is tried again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store, items = network.node("a"), FakeStore(), books(8)
            store.refused, store.delay = {"006"}, 1.0
            service = await posted(a, store, *items)
            await until(lambda: store.content, "the first half is stored")
            store.failing = UnavailableError("the database is down")
            await until(lambda: store.attempts > 4, "the store is away")
            store.failing = None
            await until(lambda: len(store.content) == 7, "the others are stored")
            store.refused = set()
            await until(lambda: service.settled, "all are stored")
            assert store.content == {book.isbn: book for book in items}

    run(scenario())


def test_closing_does_not_wait_for_what_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried once more; then the log tells how many items were not stored."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            store.refused = {"1"}
            await posted(a, store, Book("1"), Book("2"), delay=1000.0)
            started = asyncio.get_running_loop().time()
            await a.services.deactivate(BOOKS)
            assert asyncio.get_running_loop().time() - started < 1.0
            assert store.content == {"2": Book("2")}

    run(scenario())
    assert "closed with 1 items not stored" in caplog.text
