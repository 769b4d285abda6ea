# SPDX-License-Identifier: Apache-2.0
"""Live queries while the network loses messages, links break and services come and go."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8services import Tuning
from l8types.enums import Action
from l8types.errors import NotFoundError, UnavailableError

from .data import FakeQuery
from .model import Book
from .network import BOOKS, FakeNetwork
from .virtual import run, until
from .watching import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8types.values import Message

    from .data import FakeElements
    from .network import FakeNode, Sent

QUICK = Tuning(
    resync_delay=0.05,
    resync_interval=0.1,
    resync_retry_max=1.0,
    beacon_interval=0.2,
    beacon_interval_max=1.0,
    live_linger=2.0,
    live_pulse=1.0,
)
QUESTIONS = (
    "select * from Book",
    "select * from Book where stock=1",
    "select * from Book sort-by price limit 3",
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "delete", "break", "move", "wait"]),
        st.sampled_from("ab"),
        st.sampled_from("12345"),
        st.integers(0, 2),
    ),
    max_size=30,
)


class Links:
    """Breaks the streams of a network when it is told to."""

    def __init__(self, network: FakeNetwork) -> None:
        self.breaks = 0
        self._parts = network.parts
        network.parts = self.parts  # type: ignore[method-assign]

    async def parts(self, sent: Sent, message: Message) -> AsyncGenerator[FakeElements, None]:
        begun = self.breaks
        async for part in self._parts(sent, message):
            if self.breaks != begun:
                raise UnavailableError("the link broke")
            yield part


async def write(node: FakeNode, step: str, isbn: str, number: int) -> None:
    """One write at a node that may just not offer the service."""
    try:
        if step == "delete":
            await node.do(Action.DELETE, isbn)
        else:
            await node.do(Action.POST, Book(isbn, "title", float(-number), number))
    except NotFoundError:
        return


async def move(a: FakeNode, b: FakeNode, name: str) -> None:
    """Stop the service on one node, or start it again, so that one always runs."""
    node, other = (a, b) if name == "a" else (b, a)
    if BOOKS not in node.offered:
        await node.serve()
    elif BOOKS in other.offered:
        await node.services.deactivate(BOOKS)


@pytest.mark.feature("BAS-07")
@settings(deadline=None, max_examples=60)
@given(steps=STEPS, seed=st.integers(0, 10_000), question=st.sampled_from(QUESTIONS))
def test_view_is_the_answer_asked_anew_when_all_is_quiet(
    steps: list[tuple[str, str, str, int]], seed: int, question: str
) -> None:
    """Whatever is written where, lost, broken and moved: the reader never errs in the end."""

    async def scenario() -> None:
        chance = random.Random(seed)
        async with FakeNetwork(tuning=QUICK) as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            await a.serve()
            await b.serve()
            links = Links(network)
            network.delay = lambda _: chance.uniform(0.001, 0.05)
            network.lose = lambda sent: sent.action is Action.NOTIFY and chance.random() < 0.2
            async with Reader(c, question) as reader:
                for step, name, isbn, number in steps:
                    if step == "break":
                        links.breaks += 1
                    elif step == "move":
                        await move(a, b, name)
                    elif step == "wait":
                        await asyncio.sleep(number)
                    else:
                        await write(a if name == "a" else b, step, isbn, number)
                network.lose = lambda _: False
                await until(lambda: true(reader, a, b, question), "the view is true")
                await asyncio.sleep(5)
                assert true(reader, a, b, question)
                assert reader.error is None

    run(scenario())


def true(reader: Reader, a: FakeNode, b: FakeNode, question: str) -> bool:
    """Whether the view is the answer of all nodes that offer the service."""
    query = FakeQuery(question)
    for node in (a, b):
        if BOOKS in node.offered:
            content = node.books()
            found = query.sort(
                content[key] for key in sorted(content) if query.matches(content[key])
            )
            window = found[: query.limit or None]
            if sorted(map(repr, window)) != sorted(map(repr, reader.view.items())):
                return False
    return bool(reader.updates)
