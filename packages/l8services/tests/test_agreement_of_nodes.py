# SPDX-License-Identifier: Apache-2.0
"""Instances of a service agree while changes are lost, late and out of order."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8services import Tuning
from l8types.enums import Action, WireProfile
from l8types.pb import L8NotificationSet
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.settings import NodeSettings

from .agreeing import QUICK, agreed, changes_to, converged, pair, replica_of
from .model import Book
from .network import FakeNetwork, FakeNode, changes_in
from .virtual import run, until


@pytest.mark.feature("DCH-01", "NTF-01")
def test_patch_travels_as_the_changed_property_only() -> None:
    """W-23: a patch on one node reaches the other as a PATCH with the one property that changed."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await b.serve()
            await a.do(Action.POST, Book("1", "Dune", 9.5, 3))
            await agreed(a, b)
            network.sent.clear()
            await a.do(Action.PATCH, Book("1", price=8.0))
            await until(lambda: changes_to(network, b), "a change is sent")
            await agreed(a, b)
            (change,) = changes_to(network, b)
            assert isinstance(change, L8NotificationSet)
            assert change.type == L8NotificationType.Patch
            assert [part.property_id for part in change.notification_list] == ["book<{24}1>.price"]
            assert (change.source, change.sequence, change.model_key) == (a.uuid, 2, "1")
            assert b.books() == {"1": Book("1", "Dune", 8.0, 3)}

    run(scenario())


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([Action.POST, Action.PUT, Action.PATCH, Action.DELETE]),
        st.sampled_from("12345"),
        st.sampled_from(["", "Dune", "Emma"]),
        st.integers(0, 3),
        st.sampled_from([0.0, 0.002, 0.3]),
    ),
    max_size=40,
)


async def operate(node: FakeNode, action: Action, book: Book) -> None:
    """One write; deleting what is not there is part of the game."""
    elements = node.resources.elements.of(book)
    answer = await node.services.handle(elements, node.message(action), node.nic)
    assert answer is not None
    assert not answer.error or answer.error.startswith("not-found")


@pytest.mark.feature("DCH-01")
@settings(deadline=None, max_examples=150)
@given(operations=OPERATIONS, seed=st.integers(0, 10_000), loss=st.sampled_from([0.0, 0.1, 0.5]))
def test_nodes_agree_after_any_operations_losses_and_reordering(
    operations: list[tuple[str, Action, str, str, int, float]], seed: int, loss: float
) -> None:
    """Whatever is written where, lost and reordered: in the end all three nodes have the same."""

    async def scenario() -> None:
        chance = random.Random(seed)
        async with FakeNetwork(tuning=QUICK) as network:
            nodes = {name: network.node(name) for name in "abc"}
            running = [await node.serve() for node in nodes.values()]
            network.lose = lambda _: chance.random() < loss
            network.delay = lambda _: chance.uniform(0.001, 0.1)
            for name, action, isbn, title, stock, pause in operations:
                await operate(nodes[name], action, Book(isbn, title, stock=stock))
                await asyncio.sleep(pause)
            network.lose = lambda _: False
            await converged(list(nodes.values()), running)

    run(scenario())


def test_lost_change_is_noticed_at_the_next_one() -> None:
    """W-25: a gap in the count makes an instance fetch the copy of its source, and deletions."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(beacon_interval=1000.0)) as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1"), Book("2", "Emma"))
            await agreed(a, b)
            network.lose = lambda sent: sent.action is Action.NOTIFY
            await a.do(Action.DELETE, Book("1"))
            await a.do(Action.PATCH, Book("2", stock=7))
            await until(lambda: len(changes_to(network, b)) == 4, "the losses")
            network.lose = lambda _: False
            await a.do(Action.POST, Book("3"))
            await agreed(a, b)
            assert b.books() == {"2": Book("2", "Emma", stock=7), "3": Book("3")}
            assert len(network.asked) == 1

    run(scenario())


@pytest.mark.parametrize(
    ("profile", "tuning", "messages"),
    [
        (WireProfile.NATIVE, Tuning(), 1),
        (WireProfile.NATIVE, Tuning(send_batch=4), 3),
        (WireProfile.GO, Tuning(), 10),
    ],
)
def test_changes_that_wait_travel_together(
    profile: WireProfile, tuning: Tuning, messages: int
) -> None:
    """Ten changes of one write are one message, where the other nodes can read it."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=tuning) as network:
            a = network.node("a", NodeSettings(uuid="a" * 36, profile=profile))
            b = network.node("b", NodeSettings(uuid="b" * 36, profile=profile))
            await a.serve()
            await b.serve()
            network.sent.clear()
            await a.do(Action.POST, *(Book(str(number)) for number in range(10)))
            await agreed(a, b)
            assert len(changes_to(network, b)) == 10
            assert sum(sent.target == b.uuid for sent in network.changes()) == messages

    run(scenario())


def test_large_changes_travel_alone() -> None:
    """A message has a bounded size, whatever waits."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            network.sent.clear()
            await a.do(Action.POST, *(Book(str(n), "x" * 200_000) for n in range(3)))
            await agreed(a, b)
            sent = [one for one in network.changes() if one.target == b.uuid]
            told = [len(changes_in(value)) for one in sent for value in one.elements.values]
            assert told == [1, 1, 1]

    run(scenario())


def test_loss_of_the_last_change_is_noticed_by_the_beacon() -> None:
    """When no further change comes, the count that an instance tells reveals the loss."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            network.lose = lambda sent: sent.action is Action.NOTIFY
            await a.do(Action.POST, Book("1"))
            await until(lambda: changes_to(network, b), "the loss")
            network.lose = lambda _: False
            assert b.books() == {}
            await agreed(a, b)

    run(scenario())


def test_late_change_needs_no_fetch() -> None:
    """Changes that only overtook each other are in place before anything is fetched."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            delays = iter([0.05, 0.05, 0.001, 0.001])
            network.delay = lambda sent: next(delays, 0.001)
            await a.do(Action.POST, Book("1"))
            await a.do(Action.POST, Book("2"))
            await until(lambda: len(b.books()) == 2, "both changes")
            await asyncio.sleep(5)
            assert network.asked == []

    run(scenario())


@pytest.mark.feature("DCH-02")
def test_own_changes_that_come_back_are_ignored() -> None:
    """A multicast reaches its sender too; nothing is applied or told again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1"))
            await agreed(a, b)
            assert len(changes_to(network, a)) == 1
            assert {sent.source for sent in network.changes()} == {a.uuid}

    run(scenario())


def test_concurrent_patches_of_different_attributes_both_last() -> None:
    """Two nodes patch one item at the same moment: neither patch is lost."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1"))
            await agreed(a, b)
            await a.do(Action.PATCH, Book("1", title="Dune"))
            await b.do(Action.PATCH, Book("1", stock=5))
            wanted = {"1": Book("1", "Dune", stock=5)}
            await until(lambda: a.books() == b.books() == wanted, "both patches")

    run(scenario())


def test_concurrent_first_patches_of_an_item_are_merged() -> None:
    """Two nodes learn different things of a new item at the same moment."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            await a.do(Action.PATCH, Book("1", title="Dune"))
            await b.do(Action.PATCH, Book("1", stock=5))
            wanted = {"1": Book("1", "Dune", stock=5)}
            await until(lambda: a.books() == b.books() == wanted, "both patches")

    run(scenario())


def test_single_instance_sends_nothing() -> None:
    """Without others there is nobody to tell."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            service = await a.serve()
            await a.do(Action.POST, Book("1"))
            await until(lambda: service.settled, "the outbox is empty")
            assert network.sent == []

    run(scenario())


def test_go_network_gets_no_beacons() -> None:
    """Other implementations do not know the message that tells a count."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as network:
            go = NodeSettings(uuid="a".ljust(36, "0"), profile=WireProfile.GO)
            a, b = network.node("a", go), network.node("b")
            await a.serve()
            await b.serve()
            await a.do(Action.POST, Book("1"))
            await agreed(a, b)
            await asyncio.sleep(60)
            assert len([sent for sent in network.sent if sent.source == a.uuid]) == 2

    run(scenario())


def test_changes_without_stamps_are_taken_as_they_come() -> None:
    """A node of another implementation leaves the time at 0; its changes count in their order."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await pair(network)
            await a.do(Action.POST, Book("1", stock=1))
            await agreed(a, b)
            changes: list[L8NotificationSet] = []
            for stock in (2, 3):
                await a.do(Action.PATCH, Book("1", stock=stock))
                await agreed(a, b)
                change = L8NotificationSet()
                change.CopyFrom(cast("L8NotificationSet", changes_to(network, b)[-1]))
                change.source, change.time = "foreign", 0
                changes.append(change)
            await b.do(Action.NOTIFY, changes[0])
            assert b.books() == {"1": Book("1", stock=2)}
            await b.do(Action.NOTIFY, changes[1])
            assert b.books() == {"1": Book("1", stock=3)}

    run(scenario())


def test_full_outbox_drops_and_the_others_fetch() -> None:
    """W-25: writers never wait for room; changes that find none are repaired like lost ones."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=replace(QUICK, outbox_limit=2)) as network:
            a, b = await pair(network)
            for number in range(10):
                replica_of(a).commit(Action.POST, Book(str(number)))
            await a.do(Action.POST, Book("last"))
            await agreed(a, b)
            assert len(changes_to(network, b)) == 2
            assert len(b.books()) == 11

    run(scenario())
