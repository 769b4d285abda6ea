# SPDX-License-Identifier: Apache-2.0
"""Instances prove that they agree, and repair what no count of changes shows."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8services import BaseService, Tuning
from l8services._digests.divergence import BUSY_AFTER, BUSY_AT_ONCE, DivergenceTracker
from l8services._digests.frames import ask_ranges, is_question, read_digests
from l8services._digests.ranges import RANGES, RangeDigests, range_of
from l8services._versions import Stamp
from l8types.enums import Action, WireProfile
from l8types.errors import InvalidInputError
from l8types.pb import L8Query
from l8types.settings import NodeSettings

from .data import FakeStore
from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode, Sent, changes_in
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8services._replica import Replica

KEYS = st.text(max_size=3)
STAMPS = st.builds(Stamp, st.integers(0, 3), st.sampled_from(["", "a", "b"]))
HEALED_WITHIN = 5.0
"""Seconds from any heal until all instances agree and say so, with the default settings."""


def digests_of(items: dict[str, Stamp]) -> RangeDigests:
    """Digests of a copy, made in the order of its keys."""
    digests = RangeDigests(items.get)
    for key in sorted(items):
        digests.touch(key)
    return digests


@given(
    writes=st.lists(st.tuples(KEYS, st.one_of(st.none(), STAMPS), st.booleans()), max_size=30),
    other=st.dictionaries(KEYS, STAMPS, max_size=8),
)
def test_digests_are_equal_when_and_only_when_the_copies_are(
    writes: list[tuple[str, Stamp | None, bool]], other: dict[str, Stamp]
) -> None:
    """However a copy came to be, its digests are those of its items and versions."""
    items: dict[str, Stamp] = {}
    digests = RangeDigests(items.get)
    for key, stamp, asked in writes:
        if stamp is None:
            items.pop(key, None)
        else:
            items[key] = stamp
        digests.touch(key)
        if asked:
            digests.fold(1)
    same = digests_of(dict(items))
    assert digests.root() == same.root()
    assert digests.sums() == same.sums()
    assert sorted(digests.keys(range(RANGES))) == sorted(items)
    assert digests.waiting == 0
    different = digests_of(other)
    assert (digests.root() == different.root()) == (items == other)
    ranges = {n for n in range(RANGES) if digests.sums()[n] != different.sums()[n]}
    keys = {key for key in items.keys() | other.keys() if items.get(key) != other.get(key)}
    assert ranges == {range_of(key) for key in keys}


def test_swapped_versions_are_no_equal_copies() -> None:
    """The sum over a range does not hide that two of its items have each other's version."""
    first, second = [key for key in map(str, range(2000)) if range_of(key) == 7][:2]
    one, two = Stamp(1, "a"), Stamp(2, "a")
    there = digests_of({first: one, second: two})
    assert there.sums() != digests_of({first: two, second: one}).sums()


SAME = (1, 2, 3, 4, 5, 6)


def test_range_that_stays_different_is_fetched_at_the_second_comparison() -> None:
    """What is still on its way has arrived by then."""
    tracker = DivergenceTracker()
    theirs = (1, 9, 3, 4, 5, 6)
    assert tracker.compare("b", SAME, theirs) == []
    assert tracker.divergence == 0
    assert tracker.compare("b", SAME, theirs) == [1]
    assert tracker.divergence == 1
    assert tracker.compare("b", theirs, theirs) == []
    assert tracker.divergence == 0
    assert not tracker.differs("b")


def test_range_that_a_fetch_does_not_repair_is_fetched_more_seldom() -> None:
    """An item that cannot be taken over here must not be fetched every second."""
    tracker = DivergenceTracker()
    theirs = (1, 9, 3, 4, 5, 6)
    fetches = [bool(tracker.compare("b", SAME, theirs)) for _ in range(200)]
    at = [number for number, fetched in enumerate(fetches, 1) if fetched]
    pauses = [after - before for before, after in pairwise(at)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert set(pauses[6:]) == {32}


def test_failed_fetch_is_repeated_at_the_next_comparison() -> None:
    """A fetch that got no answer says nothing about its effect."""
    tracker = DivergenceTracker()
    theirs = (1, 9, 3, 4, 5, 6)
    tracker.compare("b", SAME, theirs)
    for _ in range(10):
        assert tracker.compare("b", SAME, theirs) == [1]
        tracker.failed("b", [1])


@given(rounds=st.integers(BUSY_AFTER, 40))
def test_ranges_that_change_all_the_time_are_fetched_a_few_at_a_time(rounds: int) -> None:
    """A busy service repairs as well, with a bounded share of its work; each range has a turn."""
    tracker = DivergenceTracker()
    fetched: list[list[int]] = []
    for count in range(rounds):
        mine = [1000 * count + n for n in range(20)]
        fetched.append(tracker.compare("b", mine, [number + 500 for number in mine]))
        assert tracker.divergence == 0
    assert [len(ranges) for ranges in fetched[: BUSY_AFTER - 1]] == [0] * (BUSY_AFTER - 1)
    assert all(len(ranges) == BUSY_AT_ONCE for ranges in fetched[BUSY_AFTER - 1 :])
    turns = fetched[BUSY_AFTER - 1 :][: 20 // BUSY_AT_ONCE]
    assert len({n for ranges in turns for n in ranges}) == BUSY_AT_ONCE * len(turns)


def test_instances_are_told_apart() -> None:
    """What differs from one instance is forgotten when that one is gone."""
    tracker = DivergenceTracker()
    for _ in range(2):
        tracker.compare("b", SAME, (9, 2, 3, 4, 5, 6))
        tracker.compare("c", SAME, (9, 9, 3, 4, 5, 6))
    assert tracker.divergence == 3
    tracker.agree("c")
    assert tracker.divergence == 1


@pytest.mark.parametrize("schema", ["copy.ranges:", "copy.ranges:xyz", "copy.ranges:" + "00" * 300])
def test_question_about_no_ranges_is_refused(schema: str) -> None:
    """A question that nobody of this kind asks gets a clear error."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            query = L8Query(text="select * from Book", schema=schema)
            with pytest.raises(InvalidInputError, match="names no ranges"):
                await b.request(a.uuid, BOOKS.name, BOOKS.area, Action.GET, query)

    run(scenario())


def test_answer_without_digests_is_none() -> None:
    """An instance that does not know the question answers it as a query."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, Book("1"))
            answer = await a.do(Action.GET, "select * from Book")
            assert read_digests(answer) is None

    run(scenario())
    assert is_question(ask_ranges("Book", {3, 255}).schema)
    assert not is_question("copy")


def replica_of(node: FakeNode) -> Replica:
    """The replica inside the sample service."""
    return cast("BaseService", node.services.handler(BOOKS))._running.replica


async def serving(network: FakeNetwork, names: str) -> list[FakeNode]:
    """Nodes with the sample service that have told each other all."""
    nodes = [network.node(name) for name in names]
    services = [await node.serve() for node in nodes]
    await until(lambda: all(service.settled for service in services), "they know each other")
    network.asked.clear()
    return nodes


def gauge(node: FakeNode) -> float:
    """The divergence that the metrics of a node show."""
    return node.resources.metrics.observed["layer8_cache_divergence", "Books", "0"][-1]


def agree(nodes: list[FakeNode]) -> bool:
    """Whether all have the same items, and say so."""
    return all(node.books() == nodes[0].books() and gauge(node) == 0 for node in nodes)


async def lose_unseen(network: FakeNetwork, target: FakeNode, write: Callable[[], object]) -> None:
    """Let a write not reach a node, which yet takes it for known: what no count shows."""
    network.lose = lambda sent: sent.target == target.uuid and sent.action is Action.NOTIFY
    network.sent.clear()
    await cast("asyncio.Future[object]", write())
    await until(network.changes, "the change is sent")
    network.lose = lambda _: False
    for change in (value for sent in network.changes() for value in sent.elements.values):
        for told in changes_in(change):
            replica_of(target).tracker.observe(told.source, told.sequence)


@pytest.mark.parametrize("reader", ["a", "c"])
@pytest.mark.parametrize("writer", ["a", "b", "c"])
@pytest.mark.parametrize(
    ("action", "left"),
    [(Action.POST, {"1", "2", "3"}), (Action.DELETE, {"2"}), (Action.PATCH, {"1", "2"})],
)
def test_difference_that_no_count_shows_is_found_and_repaired(
    action: Action, left: set[str], writer: str, reader: str
) -> None:
    """Whoever misses it, the instance that tells its digests or another one, has it within 5 s."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            nodes = dict(zip("abc", await serving(network, "abc"), strict=True))
            await nodes["a"].do(Action.POST, Book("1"), Book("2"))
            everyone = list(nodes.values())
            await until(lambda: all(len(node.books()) == 2 for node in everyone), "the items")
            book = Book("3") if action is Action.POST else Book("1", stock=3)
            at = nodes[writer]
            await lose_unseen(network, nodes[reader], lambda: at.do(action, book))
            await until(lambda: agree(everyone) and at.books().keys() == left, "all agree", limit=5)
            await asyncio.sleep(30)
            assert agree(everyone)

    if writer != reader:
        run(scenario())


def test_metric_tells_of_a_divergence_until_it_is_repaired() -> None:
    """The gauge of an instance counts the ranges that differ, and is 0 again after the repair."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await serving(network, "ab")
            service = cast("BaseService", a.services.handler(BOOKS))
            await lose_unseen(network, a, lambda: b.do(Action.POST, Book("1"), Book("2")))
            network.lose = lambda sent: "ranges" in _schema(sent)
            await until(lambda: gauge(a) == 2, "the divergence shows", limit=5)
            assert service.divergence == 2
            assert a.books() == {}
            network.lose = lambda _: False
            await until(lambda: agree([a, b]), "the repair", limit=HEALED_WITHIN)
            assert service.divergence == 0
            assert a.books().keys() == {"1", "2"}

    run(scenario())


def _schema(sent: Sent) -> str:
    query = sent.elements.query
    return "" if query is None else query.schema


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    loss=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    lost_for=st.sampled_from([1.0, 20.0, 90.0]),
)
def test_divergence_is_0_within_5_seconds_of_a_heal(
    seed: int, loss: float, lost_for: float
) -> None:
    """After messages of any kind were lost for any time, all agree and say so, by default."""

    async def scenario() -> None:
        chance = random.Random(seed)
        async with FakeNetwork() as network:
            nodes = await serving(network, "abcd")
            network.lose = lambda _: chance.random() < loss
            for _ in range(30):
                action = chance.choice([Action.POST, Action.PATCH, Action.DELETE])
                node = chance.choice(nodes)
                book = Book(str(chance.randrange(12)), stock=chance.randrange(5))
                message = node.message(action)
                await node.services.handle(node.resources.elements.of(book), message, node.nic)
                await asyncio.sleep(lost_for / 30)
            network.lose = lambda _: False
            await until(lambda: agree(nodes), "all agree", limit=HEALED_WITHIN)

    run(scenario())


def test_instances_in_agreement_exchange_one_message_per_interval() -> None:
    """Only the instance with the greatest id tells; nobody answers, nobody asks."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = (network.node(name) for name in "abc")
            for node in (a, b, c):
                await node.serve(store=FakeStore(Book("1"), Book("2")))
            await asyncio.sleep(5)
            assert all(len(node.books()) == 2 for node in (a, b, c))
            network.sent.clear()
            network.asked.clear()
            await asyncio.sleep(10)
            assert {sent.source for sent in network.sent} == {c.uuid}
            assert 9 <= sum(sent.target == a.uuid for sent in network.sent) <= 11
            assert network.asked == []

    run(scenario())


def test_many_differences_are_fetched_page_by_page() -> None:
    """A copy that lost nearly everything is not asked for range by range."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(page_size=100)) as network:
            a, b = await serving(network, "ab")
            books = [Book(str(number)) for number in range(400)]
            await lose_unseen(network, a, lambda: b.do(Action.POST, *books))
            await until(lambda: agree([a, b]), "all agree", limit=HEALED_WITHIN)
            assert len(a.books()) == 400
            assert not [sent for sent in network.asked if "ranges" in _schema(sent)]
            assert len([sent for sent in network.asked if _schema(sent) == "copy"]) == 5

    run(scenario())


def test_ranges_are_told_in_parts_of_a_page() -> None:
    """One answer holds about a page of items; the rest is asked for again."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(page_size=5)) as network:
            a, b = await serving(network, "ab")
            books = [Book(str(number)) for number in range(40)]
            await lose_unseen(network, a, lambda: b.do(Action.POST, *books))
            await until(lambda: agree([a, b]), "all agree", limit=HEALED_WITHIN)
            assert len(a.books()) == 40
            asked = [sent for sent in network.asked if "ranges" in _schema(sent)]
            assert 8 <= len(asked) <= 16

    run(scenario())


def test_networks_of_other_implementations_see_no_digests() -> None:
    """They do not know the message."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = (
                network.node(name, NodeSettings(uuid=name.ljust(36, "0"), profile=WireProfile.GO))
                for name in "ab"
            )
            service = await a.serve()
            await b.serve()
            await asyncio.sleep(30)
            assert network.sent == []
            assert service.divergence == 0

    run(scenario())
