# SPDX-License-Identifier: Apache-2.0
"""Base services without a cache: what a hook makes of calls, and what a store answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action
from l8types.errors import (
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.protocols.services import Call, HookResult

from .data import FakeElements, FakeStore
from .model import Book, Note
from .network import FakeNetwork, FakeNode
from .virtual import run, until
from .watching import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = "select * from Book"


class Hook:
    """Answers questions, and remembers what it was given."""

    def __init__(self, decide: Callable[[object], HookResult] = lambda _: HookResult()) -> None:
        self._decide = decide
        self.seen: list[tuple[str, Action, object]] = []

    async def before(self, item: object, call: Call) -> HookResult:
        self.seen.append(("before", call.action, item))
        return self._decide(item)

    async def after(self, item: object, call: Call) -> HookResult:
        self.seen.append(("after", call.action, item))
        return HookResult()


async def written(node: FakeNode, action: Action, *values: object) -> FakeElements:
    """The answer to a write, errors included."""
    elements = node.resources.elements.of(*values)
    answer = await node.services.handle(elements, node.message(action), node.nic)
    assert answer is not None
    return cast("FakeElements", answer)


@pytest.mark.feature("BAS-04")
def test_hook_is_the_service() -> None:
    """Writes are what the hook makes of them, a read is answered with what it leaves."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            answer = a.resources.elements.of("answer")
            hook = Hook(lambda item: HookResult(None if isinstance(item, Book) else answer))
            await a.serve(stateful=False, model=None, primary_keys=(), hook=hook)
            await a.do(Action.POST, Book("1"), Book("2"))
            assert hook.seen == [
                (step, Action.POST, Book(key)) for key in "12" for step in ("before", "after")
            ]
            assert (await a.do(Action.GET, "select nothing")).values == ["answer"]

    run(scenario())


@pytest.mark.feature("BAS-04", "BAS-02")
def test_hook_refuses_stops_and_fails_one_by_one() -> None:
    """W-18: a refused item does not keep the others away, and is told with its reason."""

    def decide(item: object) -> HookResult:
        if item == Book("1"):
            raise InvalidInputError("no book 1, please")
        return HookResult(proceed=item != Book("2"))

    async def scenario() -> None:
        hook = Hook(decide)
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(stateful=False, hook=hook)
            answer = await written(a, Action.PUT, Book("1"), Book("2"), Book("3"), None)
            assert [entry.error.partition(":")[0] for entry in answer] == [
                "invalid-input",
                "",
                "",
                "invalid-input",
            ]
            assert [entry[2] for entry in hook.seen if entry[0] == "after"] == [Book("3")]

    run(scenario())


@pytest.mark.feature("BAS-04")
def test_service_without_anything_to_do_is_refused() -> None:
    """W-28: an agreement without state, hook and store is an error, not a crash later."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            with pytest.raises(InvalidInputError, match="neither a hook nor a store"):
                await a.serve(stateful=False)
            with pytest.raises(InvalidInputError, match="no model of its items"):
                await a.serve(stateful=False, model=None, primary_keys=(), store=FakeStore())
            assert a.offered == {}
            await a.serve()

    run(scenario())


def test_store_without_cache_is_asked() -> None:
    """W-33: with caching disabled a query sees all that is stored, sorted, paged and counted."""

    async def scenario() -> None:
        store = FakeStore(Book("1", "Dune", stock=3), Book("2", "Emma", stock=1))
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(stateful=False, store=store)
            page = await a.do(Action.GET, "select * from Book sort-by stock limit 1")
            assert (page.values, page.to_page().total) == ([Book("2", "Emma", stock=1)], 2)
            page = await a.do(Action.GET, "select * from Book sort-by stock limit 1 page 1")
            assert page.values == [Book("1", "Dune", stock=3)]
            assert (await a.do(Action.GET, Book("1"))).values == [Book("1", "Dune", stock=3)]
            assert len((await a.do(Action.GET, ALL)).values) == 2
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, "9")

    run(scenario())


def test_writes_go_to_the_store() -> None:
    """Each verb as with a cache; what fails is told item by item."""

    async def scenario() -> None:
        store = FakeStore()
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(stateful=False, store=store, hook=Hook())
            await a.do(Action.POST, Book("1", "Dune", stock=3), Book("2"))
            await a.do(Action.PATCH, Book("1", stock=4), Book("3", "new"))
            await a.do(Action.PUT, Book("2", "Emma"))
            assert store.content == {
                "1": Book("1", "Dune", stock=4),
                "2": Book("2", "Emma"),
                "3": Book("3", "new"),
            }
            answer = await written(a, Action.DELETE, "1", Book("2"), "9", Note("1"), Book())
            assert [entry.key for entry in answer] == ["1", "2", None, None, None]
            assert [entry.error.partition(":")[0] for entry in answer] == [
                "",
                "",
                "not-found",
                "invalid-input",
                "property",
            ]
            assert store.content == {"3": Book("3", "new")}
            with pytest.raises(InvalidInputError, match="key text"):
                await a.do(Action.POST, "3")
            with pytest.raises(InvalidInputError, match="one by one"):
                await a.do(Action.DELETE, ALL)
            store.failing = UnavailableError("the database is down")
            with pytest.raises(UnavailableError):
                await a.do(Action.POST, Book("4"))

    run(scenario())


def test_hidden_items_of_a_store_are_neither_read_nor_written() -> None:
    """The scope of the caller holds without a cache too."""

    async def scenario() -> None:
        store = FakeStore(Book("1", "Dune"), Book("2", "Emma"))
        async with FakeNetwork() as network:
            a = network.node("a")
            a.resources.security.hidden = {"1"}
            await a.serve(stateful=False, store=store)
            assert (await a.do(Action.GET, ALL, identity="eve")).values == [Book("2", "Emma")]
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, Book("1"), identity="eve")
            with pytest.raises(PermissionDeniedError):
                await a.do(Action.DELETE, Book("1"), identity="eve")
            assert len(store.content) == 2

    run(scenario())


@pytest.mark.feature("BAS-07")
def test_service_without_items_keeps_nothing_live() -> None:
    """The refusal is at once and clear."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(stateful=False, store=FakeStore())
            async with Reader(a) as reader:
                await until(lambda: reader.error, "it is refused")
                assert isinstance(reader.error, InvalidInputError)
                assert a.network.sent == []

    run(scenario())
