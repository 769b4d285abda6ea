# SPDX-License-Identifier: Apache-2.0
"""More deletions than are remembered: nothing new is dropped, nothing old comes back unseen."""

from __future__ import annotations

import logging
from functools import partial
from typing import cast

import pytest

from l8services import BaseService, _replica
from l8services._knowledge import Knowledge, covered
from l8services._versions import TOMBSTONES, Stamp, Versions
from l8types.enums import Action

from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import run, until

FEW = 8
OLD = [Book(f"old-{number}") for number in range(60)]


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances that forget deletions soon."""
    monkeypatch.setattr(_replica, "Versions", partial(Versions, tombstones=FEW))


async def serving(network: FakeNetwork, old: list[Book]) -> list[FakeNode]:
    """Three nodes that all have the old items."""
    nodes = [network.node(name) for name in "abc"]
    services = [await node.serve() for node in nodes]
    await until(lambda: all(service.settled for service in services), "they know each other")
    await nodes[0].do(Action.POST, *old[::2])
    await nodes[2].do(Action.POST, *old[1::2])
    await until(lambda: all(len(node.books()) == len(old) for node in nodes), "the items")
    return nodes


async def told(*nodes: FakeNode) -> None:
    """Wait until what these wrote is on its way to whom they see; nobody else will hear of it."""
    replicas = [
        cast("BaseService", node.services.handler(BOOKS))._running.replica for node in nodes
    ]
    await until(lambda: not any(replica.outbox for replica in replicas), "all is sent")


def test_knowledge_only_grows() -> None:
    """What was known stays known; nothing is known of others."""
    known = Knowledge()
    known.reach("a", 5)
    known.reach("a", 3)
    known.merge({"a": 4, "b": 7})
    assert known.times() == {"a": 5, "b": 7}
    assert known.covers(Stamp(5, "a"))
    assert not known.covers(Stamp(6, "a"))
    assert not covered(known.times(), Stamp(1, "c"))


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("deleting", ["a", "b", "c"])
@pytest.mark.parametrize("writing", ["a", "b", "c"])
def test_items_that_the_other_side_never_saw_stay(deleting: str, writing: str) -> None:
    """Although they are older than deletions that are forgotten; what was deleted stays away."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            nodes = dict(zip("abc", await serving(network, OLD), strict=True))
            network.isolate(nodes["c"])
            await nodes[writing].do(Action.POST, Book("new"))
            await nodes[deleting].do(Action.DELETE, *OLD)
            await told(*nodes.values())
            network.heal(nodes["c"])

            def agree() -> bool:
                return all(node.books().keys() == {"new"} for node in nodes.values())

            await until(agree, "one state everywhere", limit=10)

    run(scenario())


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("changing", ["a", "b", "c"])
def test_an_item_that_was_changed_meanwhile_comes_back_loudly(
    changing: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it was changed after its deletion is forgotten: it is kept, and the log says so."""
    deleting = "a" if changing == "c" else "c"

    async def scenario() -> None:
        async with FakeNetwork() as network:
            nodes = dict(zip("abc", await serving(network, OLD), strict=True))
            network.isolate(nodes["c"])
            await nodes[changing].do(Action.PUT, Book("old-0", stock=7))
            await nodes[deleting].do(Action.DELETE, *OLD)
            await told(*nodes.values())
            network.heal(nodes["c"])

            def agree() -> bool:
                return all(node.books().keys() == {"old-0"} for node in nodes.values())

            await until(agree, "one state everywhere", limit=10)

    with caplog.at_level(logging.WARNING):
        run(scenario())
    assert "1 items of" in caplog.text
    assert "some of them may have been deleted" in caplog.text


@pytest.mark.usefixtures("_few")
def test_a_newcomer_learns_what_was_forgotten() -> None:
    """It takes no deleted items from an instance that missed the deletions, whoever is left."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, OLD)
            network.isolate(c)
            await a.do(Action.DELETE, *OLD)
            await a.do(Action.POST, Book("new"))
            await until(lambda: b.books().keys() == {"new"}, "the other one follows")
            late = network.node("d")
            await late.serve()
            await until(lambda: late.books().keys() == {"new"}, "the newcomer has all")
            network.kill(a)
            network.kill(b)
            network.heal(c)
            await until(
                lambda: all(node.books().keys() == {"new"} for node in (c, late)),
                "what was deleted stays away",
                limit=10,
            )

    run(scenario())


def test_more_deletions_than_are_remembered_by_default() -> None:
    """With the default limit: what one side deleted is gone, what the other one wrote is there."""
    old = [Book(f"old-{number}") for number in range(TOMBSTONES + 600)]

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, old)
            network.isolate(c)
            await c.do(Action.POST, *[Book(f"new-{number}") for number in range(20)])
            await a.do(Action.DELETE, *old)
            await told(a, c)
            network.heal(c)
            wanted = {f"new-{number}" for number in range(20)}
            await until(
                lambda: all(node.books().keys() == wanted for node in (a, b, c)),
                "one state everywhere",
                limit=15,
            )

    run(scenario())
