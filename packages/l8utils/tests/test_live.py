# SPDX-License-Identifier: Apache-2.0
"""Live queries: what enters, changes in and leaves an answer, and who is told."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

import pytest

from l8types.criteria import Aggregate
from l8types.enums import Operator
from l8types.errors import ConflictError, InvalidInputError, OverloadedError
from l8utils import LiveChange, LiveChangeType, LiveQueries

from .fakes import Book, FakeNode, FakeQuery, ManualClock, cache_of, path_of, query, where

if TYPE_CHECKING:
    from l8types.protocols.data import Query
    from l8utils import MemoryCache

ENTER, UPDATE, LEAVE = LiveChangeType.ENTER, LiveChangeType.UPDATE, LiveChangeType.LEAVE
DEAR = query(criteria=where("price", Operator.GE, 10))


class Reader:
    """A subscriber that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[LiveChange] = []

    def __call__(self, change: LiveChange) -> None:
        self.told.append(change)

    @property
    def short(self) -> list[tuple[LiveChangeType, str]]:
        return [(change.type, change.key) for change in self.told]


def live_of(cache: MemoryCache, *, max_subscriptions: int = 100) -> tuple[LiveQueries, ManualClock]:
    """Live queries of a cache, and the clock that they go by."""
    clock = ManualClock()
    return LiveQueries(cache, clock, max_subscriptions=max_subscriptions), clock


@pytest.mark.feature("CAC-23", "CAC-24")
def test_a_subscriber_hears_what_enters_changes_and_leaves() -> None:
    """What matches neither before nor after is not its affair."""
    cache = cache_of(Book("1", "a", 5), Book("2", "b", 20))
    live, _ = live_of(cache)
    reader = Reader()
    live.subscribe("ann", DEAR, reader)
    cache.patch(Book("1", price=12))
    cache.patch(Book("1", title="c"))
    cache.patch(Book("1", price=3))
    cache.patch(Book("1", title="d"))
    cache.delete("2")
    cache.post(Book("3", price=10))
    assert reader.short == [(ENTER, "1"), (UPDATE, "1"), (LEAVE, "1"), (LEAVE, "2"), (ENTER, "3")]
    assert [change.sequence for change in reader.told] == [1, 2, 3, 4, 5]
    assert reader.told[1].item == Book("1", "c", 12)
    assert reader.told[1].changes is not None
    assert [change.new for change in reader.told[1].changes] == ["c"]
    assert reader.told[2].item is None


@pytest.mark.feature("CAC-24")
def test_an_answer_followed_by_its_changes_stays_the_answer() -> None:
    """Whoever applies what it hears has what it would get by asking again."""
    cache = cache_of(*(Book(str(number), price=number * 3) for number in range(10)))
    live, _ = live_of(cache)
    reader = Reader()
    known = {cast("Book", item).isbn: item for item in cache.fetch(DEAR).items}
    live.subscribe("ann", DEAR, reader)
    for number in range(0, 12, 2):
        cache.put(Book(str(number), price=(number * 7) % 25))
        cache.delete(str(number + 3))
    for change in reader.told:
        if change.item is None:
            del known[change.key]
        else:
            known[change.key] = cast("Book", change.item)
    assert known == {cast("Book", item).isbn: item for item in cache.fetch(DEAR).items}


@pytest.mark.feature("CAC-24")
def test_hidden_items_are_not_told_of() -> None:
    """Neither that they are there, nor that they go; a permission counts when it is looked at."""
    cache = cache_of(Book("1", "ann", 20), Book("2", "bob", 20))
    live, _ = live_of(cache)
    allowed = {"ann"}

    def mine(item: object) -> object | None:
        return item if cast("Book", item).title in allowed else None

    reader = Reader()
    live.subscribe("ann", DEAR, reader, scope=mine)
    cache.patch(Book("2", price=30))
    cache.delete("2")
    cache.patch(Book("1", price=30))
    assert reader.short == [(UPDATE, "1")]
    cache.patch(Book("1", title="bob"))
    cache.patch(Book("1", price=40))
    assert reader.short == [(UPDATE, "1"), (LEAVE, "1")]
    allowed.add("bob")
    cache.patch(Book("1", price=50))
    assert reader.told[-1].item == Book("1", "bob", 50)


def test_redacted_attributes_are_not_told_by_their_changes() -> None:
    """Not as a value, not as a change, not by the fact that something changed."""
    cache = cache_of(Book("1", "a", 20))
    live, _ = live_of(cache)

    def hide(item: object) -> object:
        return dataclasses.replace(cast("Book", item), price=None)

    everything, dear = Reader(), Reader()
    live.subscribe("ann", query(), everything, scope=hide)
    live.subscribe("ann", DEAR, dear, scope=hide)
    cache.patch(Book("1", price=30))
    assert everything.told == []
    cache.patch(Book("1", title="b"))
    assert everything.told == [LiveChange(UPDATE, "1", 1, Book("1", "b"))]
    assert dear.told == []


def test_only_the_selected_columns_are_told() -> None:
    """A change of another attribute is none."""
    cache = cache_of(Book("1", "a", 20))
    live, _ = live_of(cache)
    reader = Reader()
    live.subscribe("ann", query(columns=(path_of("isbn"), path_of("title"))), reader)
    cache.patch(Book("1", price=30))
    cache.patch(Book("1", title="b"))
    assert reader.told == [LiveChange(UPDATE, "1", 1, Book("1", "b"))]


@pytest.mark.feature("CAC-23")
def test_a_caller_may_have_several_subscriptions() -> None:
    """Ending one leaves the other; the same id again replaces; another caller's id is refused."""
    cache = cache_of()
    live, clock = live_of(cache)
    first, second, third = Reader(), Reader(), Reader()
    live.subscribe("ann", query(), first, name="tab-1")
    live.subscribe("ann", query(), second, name="tab-2")
    assert live.unsubscribe("tab-1")
    assert not live.unsubscribe("tab-1")
    live.subscribe("ann", DEAR, third, name="tab-2")
    cache.post(Book("1", price=20))
    assert (len(first.told), len(second.told), len(third.told)) == (0, 0, 1)
    with pytest.raises(ConflictError, match="another caller"):
        live.subscribe("bob", DEAR, first, name="tab-2")
    found = live.subscriptions()
    assert [(one.id, one.caller, one.refreshed) for one in found] == [("tab-2", "ann", clock.time)]


@pytest.mark.feature("CAC-23")
def test_subscriptions_that_are_not_refreshed_are_dropped() -> None:
    """After five minutes, at the next change; a refresh prevents it."""
    cache = cache_of()
    live, clock = live_of(cache)
    lost, present = Reader(), Reader()
    live.subscribe("ann", query(), lost, name="lost")
    live.subscribe("bob", query(), present, name="present")
    clock.time += 200
    assert live.refresh("present")
    clock.time += 101
    cache.post(Book("1"))
    assert (len(lost.told), len(present.told), len(live)) == (0, 1, 1)
    assert not live.refresh("lost")
    clock.time += 301
    assert live.evict() == 1


def test_one_query_of_many_is_matched_once_for_all() -> None:
    """The cost of matching does not grow with the subscribers of a query."""
    cache = cache_of(Book("1", price=20))
    live, _ = live_of(cache)
    readers = [Reader() for _ in range(20)]
    asked = FakeQuery(criteria=where("price", Operator.GE, 10))
    for reader in readers:
        live.subscribe("ann", cast("Query", dataclasses.replace(asked, limit=5)), reader)
    cache.patch(Book("1", price=30))
    assert all(len(reader.told) == 1 for reader in readers)
    assert len(asked.asked) == 2


def test_queries_whose_criteria_cannot_be_compared_stay_apart() -> None:
    """They are live all the same."""
    cache = cache_of(Book("1", tags=["a"]))
    live, _ = live_of(cache)
    reader = Reader()
    live.subscribe("ann", query(criteria=where("tags", Operator.EQ, ["a"])), reader)
    cache.patch(Book("1", tags=["b"]))
    assert reader.short == [(LEAVE, "1")]


def test_a_failing_listener_ends_its_subscription_alone(caplog: pytest.LogCaptureFixture) -> None:
    """It has missed something and must ask again; the others go on."""
    cache = cache_of()
    live, _ = live_of(cache)
    reader = Reader()

    def fail(change: LiveChange) -> None:
        raise RuntimeError(change.key)

    live.subscribe("ann", query(), fail)
    live.subscribe("bob", query(), reader)
    cache.post(Book("1"))
    cache.post(Book("2"))
    assert reader.short == [(ENTER, "1"), (ENTER, "2")]
    assert len(live) == 1
    assert "of Book ends" in caplog.text


def test_a_listener_may_end_another_subscription() -> None:
    """Who was ended a moment ago hears nothing more."""
    cache = cache_of()
    live, _ = live_of(cache)
    reader = Reader()

    def end_it(_change: LiveChange) -> None:
        live.unsubscribe("second")

    live.subscribe("ann", query(), end_it)
    live.subscribe("ann", query(), reader, name="second")
    cache.post(Book("1"))
    assert reader.told == []


def test_the_number_of_subscriptions_is_bounded() -> None:
    """Replacing one is possible at the limit."""
    live, _ = live_of(cache_of(), max_subscriptions=1)
    live.subscribe("ann", query(), Reader(), name="one")
    live.subscribe("ann", DEAR, Reader(), name="one")
    with pytest.raises(OverloadedError, match="1 subscriptions"):
        live.subscribe("ann", query(), Reader())


@pytest.mark.parametrize(
    "asked",
    [query(root=FakeNode("Author")), query(aggregates=(Aggregate("count", None, "count"),))],
)
def test_what_cannot_stay_live_is_refused(asked: Query) -> None:
    """Another model, and aggregates."""
    live, _ = live_of(cache_of())
    with pytest.raises(InvalidInputError):
        live.subscribe("ann", asked, Reader())


def test_closing_ends_all() -> None:
    """The cache does not know it any more; closing twice does no harm."""
    cache = cache_of()
    live, _ = live_of(cache)
    reader = Reader()
    live.subscribe("ann", query(), reader)
    live.close()
    live.close()
    cache.post(Book("1"))
    assert reader.told == []
    assert cache.statistics().listeners == 0
