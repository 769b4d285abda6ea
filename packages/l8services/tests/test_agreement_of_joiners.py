# SPDX-License-Identifier: Apache-2.0
"""Instances that come, come back or were cut off get what they missed."""

from __future__ import annotations

import asyncio

import pytest

from l8types.enums import Action

from .agreeing import QUICK, agreed, changes_to, pair, replica_of
from .model import Book
from .network import BOOKS, FakeNetwork, Sent
from .virtual import run, until


@pytest.mark.feature("DCH-06", "REC-01")
def test_late_joiner_has_all_items_before_it_is_announced() -> None:
    """W-05: a node that starts fetches page by page, and serves only then."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await a.do(Action.POST, *(Book(str(n)) for n in range(5)))
            seen: list[int] = []
            a.watch(lambda _: seen.append(len(b.books())))
            await b.serve()
            assert seen == [5]
            assert len(network.asked) == 3
            await a.do(Action.PATCH, Book("1", stock=2))
            await agreed(a, b)
            assert len(network.asked) == 3, "a joiner knows the count from the copy"

    run(scenario())


def test_late_joiner_asks_the_next_instance_when_one_is_silent() -> None:
    """An instance that does not answer is passed over."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1"))
            await agreed(a, b)
            network.lose = lambda sent: sent.target == b.uuid
            c = network.node("c")
            await c.serve()
            assert c.books() == a.books()
            assert [sent.target for sent in network.asked] == [b.uuid, a.uuid]

    run(scenario())


def test_items_deleted_while_pages_are_read_hide_no_others() -> None:
    """Deletions move items to pages that were read already; those are read again."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await a.do(Action.POST, *(Book(str(n)) for n in range(8)))

            def delete_first(sent: Sent) -> float:
                if sent.source == b.uuid and len(network.asked) == 2:
                    for key in "01":
                        replica_of(a).commit(Action.DELETE, key)
                return 0.001

            network.delay = delete_first
            await b.serve()
            assert set(b.books()) >= {"2", "3", "4", "5", "6", "7"}
            await agreed(a, b)

    run(scenario())


def test_parted_network_agrees_again_when_it_is_healed() -> None:
    """Both sides go on; afterwards both have the writes of both, and the newer of each item."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1"), Book("2"))
            await agreed(a, b)
            network.isolate(b)
            await a.do(Action.POST, Book("3"))
            await a.do(Action.DELETE, Book("2"))
            await b.do(Action.POST, Book("4"))
            await b.do(Action.PATCH, Book("1", stock=1))
            await asyncio.sleep(60)
            assert a.books() != b.books()
            network.heal(b)
            await agreed(a, b)
            assert a.books() == {"1": Book("1", stock=1), "3": Book("3"), "4": Book("4")}

    run(scenario())


def test_last_change_of_a_dying_node_reaches_all_when_it_reached_one() -> None:
    """The leader collects from the others what a lost node could tell only some of them."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            nodes = [network.node(name) for name in "abcd"]
            for node in nodes:
                await node.serve()
            a, b, c, d = nodes
            network.lose = lambda sent: sent.target in {b.uuid, d.uuid}
            await c.do(Action.POST, Book("1"))
            await until(a.books, "one of them has it")
            network.kill(c)
            network.lose = lambda _: False
            await agreed(a, b, d)
            assert d.books() == {"1": Book("1")}
            await c.services.aclose()

    run(scenario())


def test_restarted_node_is_heard_although_it_counts_anew() -> None:
    """The changes of a node that lost its count are taken, and it gets the items back."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = await pair(network)
            await b.do(Action.POST, *(Book(str(n)) for n in range(4)))
            await agreed(a, b)
            await b.services.deactivate(BOOKS)
            await b.serve()
            assert b.books() == a.books()
            await b.do(Action.PATCH, Book("1", stock=9))
            await until(lambda: a.books()["1"] == Book("1", stock=9), "the new change")
            await agreed(a, b)

    run(scenario())


def test_joiner_that_saw_nobody_asks_the_first_one_that_shows() -> None:
    """The directory may fill after the start; also an instance that never wrote has items."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1"))
            await agreed(a, b)
            network.kill(a)
            network.isolate(b)
            c = network.node("c")
            await c.serve()
            assert c.books() == {}
            network.heal(b)
            await agreed(b, c)
            assert c.books() == {"1": Book("1")}
            await a.services.aclose()

    run(scenario())


def test_fetch_that_fails_is_repeated() -> None:
    """An instance that does not answer is asked again until it does."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = await pair(network)
            network.lose = lambda sent: sent.target == b.uuid or sent.action is Action.GET
            await a.do(Action.POST, Book("1"))
            await until(lambda: changes_to(network, b), "the loss")
            network.lose = lambda sent: sent.action is Action.GET
            await until(lambda: len(network.asked) > 3, "several attempts")
            network.lose = lambda _: False
            await agreed(a, b)

    run(scenario())


def test_items_that_contradict_each_other_keep_no_other_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two nodes give one unique key to two items: the rest still agrees, and the log tells."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = network.node("a"), network.node("b")
            await a.serve(unique_keys=("code",))
            await b.serve(unique_keys=("code",))
            network.lose = lambda sent: sent.action is Action.NOTIFY
            await a.do(Action.POST, Book("1", code="x"), Book("2"))
            await b.do(Action.POST, Book("3", code="x"), Book("4"))
            await until(lambda: changes_to(network, a) and changes_to(network, b), "the losses")
            network.lose = lambda _: False
            await until(lambda: {"2", "4"} <= a.books().keys() & b.books().keys(), "the rest")
            assert not {"1", "3"} <= a.books().keys()

    run(scenario())
    assert "cannot be taken" in caplog.text


def test_deletion_that_is_forgotten_is_still_one() -> None:
    """After more deletions than are remembered, an instance that missed them deletes as well."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            a, b = await pair(network)
            replica_of(a).versions._limit = 2
            await a.do(Action.POST, *(Book(str(n)) for n in range(6)))
            await agreed(a, b)
            network.isolate(b)
            for number in range(5):
                await a.do(Action.DELETE, str(number))
            network.heal(b)
            await agreed(a, b)
            assert b.books() == {"5": Book("5")}

    run(scenario())
