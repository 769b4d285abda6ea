# SPDX-License-Identifier: Apache-2.0
"""Which services tell their other instances of changes."""

from __future__ import annotations

import pytest

from l8types.enums import Action

from .data import FakeStore
from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run, until


async def served(network: FakeNetwork, **options: object) -> list[FakeNode]:
    """Two nodes with the sample service, as these options have it."""
    nodes = [network.node("a"), network.node("b")]
    for node in nodes:
        await node.serve(**options)
    return nodes


@pytest.mark.feature("BAS-05")
@pytest.mark.parametrize("voter", [True, False])
def test_stateful_service_tells_each_change_once(*, voter: bool) -> None:
    """Whether an instance may lead or not: it takes writes, so that the others have to hear it."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await served(network, voter=voter)
            for number in range(3):
                await a.do(Action.POST, Book(str(number), "Dune"))
                await until(lambda n=number: str(n) in b.books(), "the other one has it")  # type: ignore[misc]
            told = network.changes()
            assert {(sent.source, sent.service) for sent in told} == {(a.uuid, "Books")}
            assert sum(sent.target == b.uuid for sent in told) == 3

    run(scenario())


@pytest.mark.feature("BAS-05")
def test_service_without_state_tells_nothing() -> None:
    """Its items are in the store, which all instances share."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            store = FakeStore()
            a, b = await served(network, stateful=False, store=store)
            await a.do(Action.POST, Book("1", "Dune"))
            assert (await b.do(Action.GET, Book("1"))).first == Book("1", "Dune")
            assert network.changes() == []

    run(scenario())
