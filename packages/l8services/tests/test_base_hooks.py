# SPDX-License-Identifier: Apache-2.0
"""User code around the operations of the ready-made service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action
from l8types.errors import (
    InvalidInputError,
    NotFoundError,
)
from l8types.protocols.services import Call, HookResult

from .model import Book
from .network import FakeNetwork
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Callable


DUNE, EMMA = Book("1", "Dune", 9.5, 3), Book("2", "Emma", 7.0, 1)


class Hook:
    """Runs what the test says, and remembers what it saw."""

    def __init__(
        self,
        before: Callable[[object], HookResult] = lambda _: HookResult(),
        after: Callable[[object], HookResult] = lambda _: HookResult(),
    ) -> None:
        self._before = before
        self._after = after
        self.seen: list[tuple[str, Action, object]] = []

    async def before(self, item: object, call: Call) -> HookResult:
        self.seen.append(("before", call.action, item))
        return self._before(item)

    async def after(self, item: object, call: Call) -> HookResult:
        self.seen.append(("after", call.action, item))
        return self._after(item)


@pytest.mark.feature("BAS-02", "l8types:TYP-27")
def test_hook_sees_each_item_before_and_after() -> None:
    """Hooks run around each item of a write, in order."""

    async def scenario() -> None:
        hook = Hook()
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(hook=hook)
            await a.do(Action.POST, DUNE, EMMA)
            assert hook.seen == [
                ("before", Action.POST, DUNE),
                ("after", Action.POST, DUNE),
                ("before", Action.POST, EMMA),
                ("after", Action.POST, EMMA),
            ]

    run(scenario())


@pytest.mark.feature("BAS-02", "l8types:TYP-27")
def test_hook_replaces_stops_and_refuses() -> None:
    """One hook writes another item, ends one with success, and refuses a third; others go on."""

    def decide(item: object) -> HookResult:
        match item:
            case Book(isbn="1"):
                return HookResult(Book("1", "replaced"))
            case Book(isbn="2"):
                return HookResult(proceed=False)
            case Book(isbn="3"):
                raise InvalidInputError("no book 3, please")
        return HookResult()

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(hook=Hook(decide))
            elements = a.resources.elements.of(*(Book(str(n)) for n in range(1, 5)))
            answer = await a.services.handle(elements, a.message(Action.POST), a.nic)
            assert answer is not None
            assert [entry.error for entry in answer] == [
                "",
                "",
                "invalid-input: no book 3, please",
                "",
            ]
            assert [entry.key for entry in answer] == ["1", None, None, "4"]
            assert a.books() == {"1": Book("1", "replaced"), "4": Book("4")}

    run(scenario())


@pytest.mark.feature("BAS-02")
def test_hook_shapes_an_answer() -> None:
    """After a read a hook may replace items and leave some out; before it, the question."""

    def shape(item: object) -> HookResult:
        if item == DUNE:
            return HookResult(Book("1", "shown"))
        return HookResult(proceed=False)

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(hook=Hook(after=shape))
            await a.do(Action.POST, DUNE, EMMA)
            assert (await a.do(Action.GET, "select * from Book")).values == [Book("1", "shown")]
            assert (await a.do(Action.GET, Book("1"))).values == [Book("1", "shown")]
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, Book("2"))

    run(scenario())


@pytest.mark.feature("BAS-02")
def test_hook_replaces_or_stops_a_question() -> None:
    """Before a read a hook gets the container and may exchange it or end with nothing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            other = a.resources.elements.query("select * from Book where title=Emma")

            def exchange(asked: object) -> HookResult:
                if isinstance(asked, Book):
                    return HookResult()
                query = getattr(asked, "query", None)
                return HookResult(other) if query is not None else HookResult(proceed=False)

            await a.serve(hook=Hook(exchange))
            await a.do(Action.POST, DUNE, EMMA)
            assert (await a.do(Action.GET, "select * from Book")).values == [EMMA]
            assert (await a.do(Action.GET, Book("1"))).values == []

    run(scenario())
