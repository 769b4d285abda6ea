# SPDX-License-Identifier: Apache-2.0
"""A base service with a store: nothing half done, nothing lost."""

from __future__ import annotations

import asyncio

import pytest

from l8services import Tuning
from l8types.enums import Action
from l8types.errors import ConflictError, L8Error, UnavailableError

from .data import FakeStore
from .model import Book
from .network import BOOKS, FakeNetwork
from .virtual import run, until

DOWN = UnavailableError("the database is down")


@pytest.mark.feature("DCH-04", "l8utils:CAC-02")
def test_items_of_the_store_are_there_after_a_restart() -> None:
    """Without another instance the items come from the store."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(store=FakeStore(Book("1", "Dune")))
            assert a.books() == {"1": Book("1", "Dune")}

    run(scenario())


def test_items_of_another_instance_come_before_those_of_the_store() -> None:
    """The other instance may have what was not stored yet."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await a.do(Action.POST, Book("1", "new"))
            await b.serve(store=FakeStore(Book("1", "old"), Book("2")))
            assert b.books() == {"1": Book("1", "new")}

    run(scenario())


@pytest.mark.feature("l8utils:CAC-03")
def test_initial_items_fill_an_empty_store_only() -> None:
    """Initial items are used and stored when there is nothing else."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            empty, full = FakeStore(), FakeStore(Book("1", "Dune"))
            await network.node("a").serve(store=empty, initial_items=(Book("9"),))
            await until(lambda: empty.content == {"9": Book("9")}, "the initial item is stored")
            b = network.node("b")
            await b.serve(store=full, initial_items=(Book("9"),), area=1)
            assert b.books() == {"1": Book("1", "Dune")}

    run(scenario())


def test_unreadable_store_stops_the_activation() -> None:
    """A service whose items cannot be read does not pretend to have none."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            store.failing = DOWN
            with pytest.raises(UnavailableError, match="down"):
                await a.serve(store=store)
            assert (a.services.handler(BOOKS), a.offered) == (None, {})

    run(scenario())


@pytest.mark.parametrize("action", [Action.POST, Action.PUT, Action.PATCH, Action.DELETE])
def test_failing_store_leaves_nothing_half_done(action: Action) -> None:
    """Written through: when the store refuses, cache and other instances stay as they were."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, store = network.node("a"), network.node("b"), FakeStore(Book("1", "Dune"))
            await a.serve(store=store)
            await b.serve()
            store.failing = DOWN
            with pytest.raises(UnavailableError, match="down"):
                await a.do(action, Book("1", "Emma"))
            await asyncio.sleep(5)
            assert a.books() == b.books() == store.content == {"1": Book("1", "Dune")}
            assert network.changes() == []

    run(scenario())


def test_written_through_before_it_is_acknowledged() -> None:
    """When the call returns, the merged state is in the store."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore(Book("1", "Dune", 9.0))
            await a.serve(store=store)
            await a.do(Action.PATCH, Book("1", price=8.0))
            assert store.content == {"1": Book("1", "Dune", 8.0)}
            await a.do(Action.DELETE, Book("1"))
            assert store.content == {}

    run(scenario())


def test_store_forgets_what_the_cache_refuses() -> None:
    """A unique key that is taken is found after storing; the store is put back."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            await a.serve(store=store, unique_keys=("code",))
            await a.do(Action.POST, Book("1", code="x"), Book("2", code="y"))
            with pytest.raises(ConflictError):
                await a.do(Action.POST, Book("3", code="x"))
            with pytest.raises(ConflictError):
                await a.do(Action.PUT, Book("2", code="x"))
            assert store.content == {"1": Book("1", code="x"), "2": Book("2", code="y")}

    run(scenario())


def test_change_that_arrives_while_the_store_works_is_not_lost() -> None:
    """The state to store is made again when another node changed the item meanwhile."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, store = network.node("a"), network.node("b"), FakeStore(Book("1"))
            await a.serve(store=store)
            await b.serve()
            store.delay = 1.0
            async with asyncio.TaskGroup() as group:
                group.create_task(a.do(Action.PATCH, Book("1", title="Dune")))
                await until(lambda: store.attempts, "the store works")
                await b.do(Action.PATCH, Book("1", stock=4))
            wanted = {"1": Book("1", "Dune", stock=4)}
            assert a.books() == store.content == wanted
            await until(lambda: b.books() == wanted, "the other node agrees")

    run(scenario())


def test_a_write_whose_caller_leaves_does_not_part_store_and_cache() -> None:
    """A write that is cancelled when the store has taken it is taken back by the store."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore(Book("1", "Dune"))
            await a.serve(store=store)
            store.late = 5.0
            async with asyncio.TaskGroup() as group:
                leaving = group.create_task(a.do(Action.POST, Book("1", "Emma")))
                await until(lambda: store.content["1"] == Book("1", "Emma"), "the store took it")
                leaving.cancel()
            await until(lambda: store.content["1"] == Book("1", "Dune"), "it is taken back")
            assert a.books() == {"1": Book("1", "Dune")}

    run(scenario())


def test_writes_of_one_item_follow_each_other() -> None:
    """Concurrent writes of one item reach the store one by one; those of others do not wait."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            await a.serve(store=store)
            store.delay = 1.0
            started = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as group:
                group.create_task(a.do(Action.PATCH, Book("1", title="Dune")))
                group.create_task(a.do(Action.PATCH, Book("1", stock=4)))
                group.create_task(a.do(Action.POST, Book("2")))
            assert asyncio.get_running_loop().time() - started == pytest.approx(2.0)
            assert store.content["1"] == a.books()["1"] == Book("1", "Dune", stock=4)

    run(scenario())


def test_write_behind_collects_the_changes_of_an_item() -> None:
    """Several changes of one item within the delay are one write."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            await a.serve(store=store, write_behind=2.0)
            for stock in range(1, 6):
                await a.do(Action.POST, Book("1", stock=stock))
            assert store.writes == []
            await until(lambda: store.writes, "the write")
            assert (store.writes, store.content) == (["1"], {"1": Book("1", stock=5)})

    run(scenario())


def test_write_behind_repeats_until_the_store_takes_it(caplog: pytest.LogCaptureFixture) -> None:
    """A store that is away is tried again, ever more slowly; one warning is enough."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            service = await a.serve(store=store, write_behind=0.1)
            store.failing = DOWN
            await a.do(Action.POST, Book("1"), Book("2"))
            await asyncio.sleep(300)
            assert 10 < store.attempts < 30
            await a.do(Action.DELETE, Book("2"))
            store.failing = None
            await until(lambda: service.settled, "the store has all")
            assert store.content == {"1": Book("1")}

    run(scenario())
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1


def test_store_that_was_away_gets_everything_anew() -> None:
    """A store that lost its content while it was away is complete again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            service = await a.serve(store=store, write_behind=0.1)
            await a.do(Action.POST, Book("1"))
            await until(lambda: service.settled, "it is stored")
            store.failing = DOWN
            await a.do(Action.POST, Book("2"))
            await until(lambda: store.attempts > 2, "the store refuses")
            store.content.clear()
            store.failing = None
            await until(lambda: service.settled, "the store has all")
            assert store.content == {"1": Book("1"), "2": Book("2")}

    run(scenario())


@pytest.mark.feature("DCH-05")
def test_deactivation_stores_what_is_left() -> None:
    """Closing does not wait for the delay of write-behind."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore()
            await a.serve(store=store, write_behind=1000.0)
            await a.do(Action.POST, Book("1"))
            await a.services.deactivate(BOOKS)
            assert store.content == {"1": Book("1")}

    run(scenario())


def test_deactivation_gives_up_on_a_store_that_refuses(caplog: pytest.LogCaptureFixture) -> None:
    """Closing ends in time and says what is lost."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(close_timeout=3.0)) as network:
            a, store = network.node("a"), FakeStore()
            await a.serve(store=store, write_behind=1000.0)
            await a.do(Action.POST, Book("1"))
            store.failing = DOWN
            started = asyncio.get_running_loop().time()
            await a.services.deactivate(BOOKS)
            assert asyncio.get_running_loop().time() - started == pytest.approx(3.0, abs=0.1)

    run(scenario())
    assert "1 items not stored" in caplog.text


def test_writes_of_a_lost_node_are_stored_by_the_others() -> None:
    """What a node took and did not store before it died is stored by those who have it."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, store = network.node("a"), network.node("b"), FakeStore(Book("0"))
            await a.serve(store=store, write_behind=1000.0)
            await b.serve(store=store, write_behind=0.5)
            await a.do(Action.POST, Book("1"))
            await a.do(Action.DELETE, Book("0"))
            await until(lambda: b.books() == {"1": Book("1")}, "the other node has it")
            assert store.content == {"0": Book("0")}
            network.kill(a)
            await until(lambda: store.content == {"1": Book("1")}, "the other node stores it")
            store.failing = DOWN
            await a.services.aclose()
            store.failing = None

    run(scenario())


def test_store_ends_with_the_state_that_won() -> None:
    """Two nodes write one item at the same moment: the store has what the caches have."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, store = network.node("a"), network.node("b"), FakeStore()
            services = [await a.serve(store=store), await b.serve(store=store)]
            async with asyncio.TaskGroup() as group:
                group.create_task(b.do(Action.POST, Book("1", "Emma")))
                group.create_task(a.do(Action.POST, Book("1", "Dune")))
            await until(
                lambda: (
                    a.books() == b.books() == store.content
                    and all(service.settled for service in services)
                ),
                "caches and store agree",
            )

    run(scenario())


def test_error_of_one_item_keeps_no_other_from_being_written() -> None:
    """Each item of a call has its own result."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            elements = a.resources.elements.of(Book("1"), Book(""), "text", Book("2"))
            answer = await a.services.handle(elements, a.message(Action.POST), a.nic)
            assert answer is not None
            errors = [entry.error.partition(":")[0] for entry in answer]
            assert errors == ["", "property", "invalid-input", ""]
            assert [entry.key for entry in answer] == ["1", None, None, "2"]
            assert set(a.books()) == {"1", "2"}
            with pytest.raises(L8Error):
                answer.raise_for_error()

    run(scenario())


def test_stale_store_does_not_bring_deleted_items_back() -> None:
    """What another instance deleted and the store still has stays deleted."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, store = network.node("a"), network.node("b"), FakeStore(Book("1"))
            await a.serve(store=store, write_behind=1000.0)
            await a.do(Action.DELETE, Book("1"))
            await b.serve(store=store, write_behind=1000.0)
            assert (b.books(), set(store.content)) == ({}, {"1"})

    run(scenario())
