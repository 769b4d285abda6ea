# SPDX-License-Identifier: Apache-2.0
"""Live answers go on after a loss: of the reader, of the node, of the network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from l8services import LiveKind, Tuning
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    UnavailableError,
)

from .model import Book
from .network import BOOKS, FakeNetwork
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8types.pb import L8Query
    from l8types.values import Message

    from .data import FakeElements
    from .network import Sent

from .watching import Reader, hub

pytestmark = pytest.mark.feature("BAS-07")


def test_reader_that_comes_back_is_told_what_it_missed() -> None:
    """After a broken link the same instance goes on; nothing is lost and nothing told twice."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await a.do(Action.POST, Book("1", "Dune"), Book("2", "Emma"))
            async with Reader(b) as first:
                await until(lambda: first.updates, "the answer comes")
            token = first.updates[-1].token
            await a.do(Action.DELETE, "1")
            await a.do(Action.POST, Book("3", "Ulysses"))
            async with Reader(b, token=token) as second:
                await until(lambda: any(update.token for update in second.updates), "it goes on")
                assert second.fresh == 0
                told = [(c.kind, c.key) for update in second.updates for c in update.changes]
                assert told == [(LiveKind.REMOVED, "1"), (LiveKind.ADDED, "3")]

    run(scenario())


@pytest.mark.parametrize("token", ["nonsense", "000000000000.3", "", ".", "a.b"])
def test_token_that_is_not_known_begins_anew(token: str) -> None:
    """Too old, of another instance, or no token at all: the answer is whole, and marked so."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, Book("1", "Dune"))
            async with Reader(a, token=token) as reader:
                await until(lambda: reader.titles == ["Dune"], "the answer comes")
                assert reader.updates[0].fresh

    run(scenario())


def test_half_of_a_fresh_answer_is_nothing_to_go_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the link breaks in the middle of it the whole is asked for again, not what changed."""
    asked: list[str] = []

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            stream = a.stream

            async def half(*args: object, **options: object) -> AsyncGenerator[FakeElements, None]:
                asked.append(cast("L8Query", args[4]).schema)
                async for part in stream(*args, **options):  # type: ignore[arg-type]
                    yield part
                    if len(asked) < 3:
                        raise UnavailableError("the link broke")

            monkeypatch.setattr(a, "stream", half)
            await a.do(Action.POST, *(Book(f"{number:04}") for number in range(501)))
            async with Reader(a, token="000000000000.7") as reader:
                await until(lambda: len(reader.view) == 501, "the answer comes")
                assert [not update.token for update in reader.updates] == [True, True, True, False]
                assert asked == ["live:000000000000.7", "live:", "live:"]

    run(scenario())


def test_unread_answer_is_dropped_after_a_while() -> None:
    """Until then it goes on; the cache is not listened to for nobody."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(live_linger=5.0)) as network:
            a = network.node("a")
            service = await a.serve()
            async with Reader(a) as reader:
                await until(lambda: reader.updates, "the answer comes")
            cache = a.resources.caches.last
            assert cache is not None
            assert (len(hub(service)), len(cache.listeners)) == (1, 1)
            await until(lambda: not cache.listeners, "nobody listens")
            assert len(hub(service)) == 0

    run(scenario())


def test_answer_goes_on_at_another_node_when_its_provider_leaves() -> None:
    """Deactivation does not wait for endless answers: their readers move, and lose nothing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            await a.serve()
            await b.serve()
            await a.do(Action.POST, Book("1", "Dune"), Book("2", "Emma"))
            async with Reader(c) as reader:
                await until(lambda: reader.updates, "the answer comes")
                started = asyncio.get_running_loop().time()
                await a.services.deactivate(BOOKS)
                assert asyncio.get_running_loop().time() - started < 1.0
                await b.do(Action.DELETE, "1")
                await until(lambda: reader.titles == ["Emma"], "the other one goes on")
                assert reader.fresh == 2
                await b.do(Action.POST, Book("3", "Ulysses"))
                await until(lambda: reader.titles == ["Emma", "Ulysses"], "and goes on")

    run(scenario())


def test_drained_node_sends_its_readers_away() -> None:
    """A node that drains offers nothing any more; its services still run."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            service = await a.serve()
            await b.serve()
            async with Reader(c) as reader:
                await until(lambda: reader.updates, "the answer comes")
                await a.drain()
                await until(lambda: reader.fresh == 2, "the other one goes on")
                (feed,) = hub(service)._feeds.values()
                assert feed.readers == 0

    run(scenario())


def test_answer_goes_on_when_its_provider_dies() -> None:
    """What the link says when it breaks is an error; the reader only sees a fresh answer."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            await a.serve()
            await b.serve()
            await b.do(Action.POST, Book("1", "Dune"))
            breaking = asyncio.Event()
            parts = network.parts

            async def broken(sent: Sent, message: Message) -> AsyncGenerator[FakeElements, None]:
                async for part in parts(sent, message):
                    yield part
                    if sent.target == a.uuid:
                        breaking.set()
                        raise UnavailableError("the link broke")

            network.parts = broken  # type: ignore[method-assign]
            async with Reader(c) as reader:
                await until(breaking.is_set, "the link breaks")
                network.kill(a)
                await until(lambda: reader.titles == ["Dune"], "the other one answers")
                await b.do(Action.POST, Book("2", "Emma"))
                await until(lambda: reader.titles == ["Dune", "Emma"], "and goes on")

    run(scenario())


def test_patience_ends_with_the_last_error() -> None:
    """Nobody answers: the caller is told so after the time that it gave."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            async with Reader(a, patience=3.0) as reader:
                started = asyncio.get_running_loop().time()
                await until(lambda: reader.error, "patience ends")
                assert isinstance(reader.error, UnavailableError)
                assert 3.0 <= asyncio.get_running_loop().time() - started < 6.0

    run(scenario())


def test_closed_interface_ends_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be asked again where nothing can be asked."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")

            def closed(*_: object, **__: object) -> object:
                raise ClosedError("the interface was shut down")

            monkeypatch.setattr(a, "stream", closed)
            async with Reader(a) as reader:
                await until(lambda: reader.error, "it ends")
                assert isinstance(reader.error, ClosedError)

    run(scenario())
