# SPDX-License-Identifier: Apache-2.0
"""Answers of a cache: order, pages, counters, scope, and what is kept between calls."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

import pytest

from l8types.criteria import Aggregate, And
from l8types.enums import Operator
from l8types.errors import InvalidInputError
from l8types.pb import L8MetaData
from l8utils._cache_view import _frozen

from .fakes import (
    Book,
    FakeCloner,
    FakeNode,
    FakeQuery,
    ManualClock,
    books,
    by,
    cache_of,
    path_of,
    query,
    where,
)

if TYPE_CHECKING:
    from l8types.protocols.data import Query
    from l8types.values import Page
    from l8utils import MemoryCache


def keys(page: Page) -> list[str]:
    """Primary keys of the books on a page."""
    return [cast("Book", item).isbn for item in page.items]


def asked(cache: MemoryCache, query: FakeQuery) -> int:
    """How many items a fetch had to look at."""
    query.asked.clear()
    cache.fetch(cast("Query", query))
    return len(query.asked)


@pytest.mark.feature("CAC-13")
def test_the_answer_holds_the_matches_in_key_order() -> None:
    """Without a sort key, items come by primary key."""
    cache = cache_of(*reversed(books(5, 9, 5)))
    page = cache.fetch(query(criteria=where("price", Operator.EQ, 5)))
    assert keys(page) == ["1", "3"]
    assert page.total == 2


@pytest.mark.feature("CAC-16")
def test_items_of_equal_rank_come_by_key_in_either_direction() -> None:
    """The order is total, so pages never overlap; absent values come last."""
    cache = cache_of(*books(5, 9, 5, 9), Book("0"))
    assert keys(cache.fetch(query(sort_keys=(by("price"),)))) == ["1", "3", "2", "4", "0"]
    falling = query(sort_keys=(by("price", descending=True),))
    assert keys(cache.fetch(falling)) == ["2", "4", "1", "3", "0"]


@pytest.mark.feature("CAC-17", "CAC-20")
def test_pages_cut_the_answer_and_limit_0_is_everything() -> None:
    """Pages count from 0; one behind the end is empty; the total is that of all pages."""
    cache = cache_of(*books(1, 2, 3, 4, 5))
    pages = [cache.fetch(query(limit=2, page=number)) for number in range(4)]
    assert [keys(page) for page in pages] == [["1", "2"], ["3", "4"], ["5"], []]
    assert {page.total for page in pages} == {5}
    assert len(cache.fetch(query(limit=0, page=3)).items) == 5


def test_only_the_page_is_copied() -> None:
    """The cost of a page does not grow with the answer."""
    cloner = FakeCloner()
    cache = cache_of(*books(*range(50)), cloner=cloner)
    cloner.copies = 0
    cache.fetch(query(limit=10))
    assert cloner.copies == 10


def test_selected_columns_are_all_there_is() -> None:
    """The projection acts on copies."""
    cache = cache_of(Book("1", "Dune", 9.5))
    page = cache.fetch(query(columns=(path_of("isbn"), path_of("price"))))
    assert page.items == [Book("1", price=9.5)]


def test_distinct_results_come_once() -> None:
    """Equality is that of the projected items; the total counts them."""
    cache = cache_of(*books(5, 9, 5))
    page = cache.fetch(query(columns=(path_of("price"),), distinct=True, limit=1, page=1))
    assert page.items == [Book(price=9)]
    assert page.total == 2


def test_frozen_values_are_equal_where_the_values_are() -> None:
    """Order of a map does not matter, order of a list does."""

    class Struct:
        __struct_fields__ = ("name", "parts")
        __hash__ = None  # type: ignore[assignment]

        def __init__(self, name: str, parts: dict[str, list[bytes]]) -> None:
            self.name, self.parts = name, parts

    one = Struct("x", {"a": [b"1"], "b": []})
    same = Struct("x", {"b": [], "a": [bytearray(b"1")]})  # type: ignore[list-item]
    assert _frozen(one) == _frozen(same)
    assert _frozen([1, 2]) != _frozen([2, 1])
    assert _frozen(L8MetaData()) == _frozen(L8MetaData())
    assert _frozen({1, 2}) == repr({1, 2})


def test_a_query_about_another_model_is_refused() -> None:
    """It would match nothing, which looks like an answer."""
    with pytest.raises(InvalidInputError, match="'Author' in a cache of 'Book'"):
        cache_of().fetch(query(root=FakeNode("Author")))


class TestCounters:
    """Metadata."""

    @pytest.mark.feature("CAC-19")
    def test_counters_count_matches_and_buckets(self) -> None:
        """Over all matches of the query, on whatever page."""
        cache = cache_of(*books(5, 9, 5, 20))
        cache.add_counter("cheap", lambda item: (cast("Book", item).price == 5, ""))
        cache.add_counter("price", lambda item: (True, str(cast("Book", item).price)))
        page = cache.fetch(query(criteria=where("price", Operator.LT, 20), limit=1))
        assert dict(page.metadata.key_count.counts) == {"Total": 3.0, "cheap": 2.0, "price": 3.0}
        assert dict(page.metadata.value_count["price"].counts) == {"5": 2.0, "9": 1.0}

    @pytest.mark.feature("CAC-19")
    def test_counters_follow_changes(self) -> None:
        """Also those of answers that are brought up to date; what is at 0 is left out."""
        cache = cache_of(*books(5, 9))
        cache.add_counter("five", lambda item: (cast("Book", item).price == 5, "yes"))
        assert cache.fetch(query()).metadata.key_count.counts["five"] == 1
        cache.patch(Book("2", price=5))
        assert cache.fetch(query()).metadata.key_count.counts["five"] == 2
        cache.delete("1")
        cache.patch(Book("2", price=1))
        metadata = cache.fetch(query()).metadata
        assert dict(metadata.key_count.counts) == {"Total": 1.0}
        assert not metadata.value_count

    @pytest.mark.feature("CAC-19")
    def test_the_whole_cache_has_counters_too(self) -> None:
        """They follow changes, also very many between two looks."""
        cache = cache_of(*books(5, 9))
        assert dict(cache.metadata().key_count.counts) == {"Total": 2.0}
        cache.add_counter("five", lambda item: (cast("Book", item).price == 5, "yes"))
        assert cache.metadata().key_count.counts["five"] == 1
        cache.patch(Book("2", price=5))
        cache.post(Book("3", price=5))
        cache.delete("1")
        assert cache.metadata().key_count.counts["five"] == 2
        for price in range(3000):
            cache.put(Book("2", price=price + 6))
        metadata = cache.metadata()
        assert dict(metadata.key_count.counts) == {"Total": 2.0, "five": 1.0}
        assert dict(metadata.value_count["five"].counts) == {"yes": 1.0}

    def test_a_counter_added_later_counts_what_is_there(self) -> None:
        """Kept answers do not hide it."""
        cache = cache_of(*books(5, 9))
        cache.fetch(query())
        cache.add_counter("all", lambda item: (item is not None, ""))
        assert cache.fetch(query()).metadata.key_count.counts["all"] == 2


class TestScope:
    """What a caller may see."""

    @pytest.mark.feature("CAC-18")
    def test_hidden_items_are_in_no_page_and_no_counter(self) -> None:
        """Pages are cut after hiding, so that each is full."""
        cache = cache_of(*books(1, 2, 3, 4, 5))
        cache.add_counter("all", lambda item: (item is not None, ""))

        def odd(item: object) -> object | None:
            return item if int(cast("Book", item).isbn) % 2 else None

        page = cache.fetch(query(limit=2, page=0), scope=odd)
        assert keys(page) == ["1", "3"]
        assert dict(page.metadata.key_count.counts) == {"Total": 3.0, "all": 3.0}

    @pytest.mark.feature("CAC-18")
    def test_one_caller_does_not_get_the_answer_of_another(self) -> None:
        """The kept answer is the one of everybody; the scope is applied on each call."""
        cache = cache_of(*books(1, 2))
        assert cache.fetch(query(), scope=lambda _: None).total == 0
        assert cache.fetch(query()).total == 2
        assert cache.fetch(query(), scope=lambda _: None).total == 0

    @pytest.mark.feature("CAC-18")
    def test_a_permission_that_changed_counts_at_once(self) -> None:
        """Nothing about visibility is kept between two calls."""
        cache = cache_of(*books(1, 2))
        hidden: set[str] = set()

        def scope(item: object) -> object | None:
            return None if cast("Book", item).isbn in hidden else item

        assert keys(cache.fetch(query(), scope=scope)) == ["1", "2"]
        hidden.add("1")
        assert keys(cache.fetch(query(), scope=scope)) == ["2"]

    def test_a_redacted_attribute_cannot_be_found_out_by_asking(self) -> None:
        """Criteria and order act on what is shown."""
        cache = cache_of(*books(7, 3, 9))

        def hide(item: object) -> object:
            return dataclasses.replace(cast("Book", item), price=None)

        dear = query(criteria=where("price", Operator.GE, 7))
        assert cache.fetch(dear, scope=hide).total == 0
        ordered = cache.fetch(query(sort_keys=(by("price"),)), scope=hide)
        assert keys(ordered) == ["1", "2", "3"]
        assert [cast("Book", item).price for item in ordered.items] == [None] * 3

    def test_one_object_shown_for_all_keeps_every_row(self) -> None:
        """Sorting what is shown does not lose rows that look alike."""
        cache = cache_of(*books(7, 3))
        mask = Book("*", price=1)
        page = cache.fetch(query(sort_keys=(by("price"),)), scope=lambda _: mask)
        assert keys(page) == ["*", "*"]


class TestAggregates:
    """Aggregate queries."""

    @pytest.mark.feature("CAC-21")
    def test_groups_are_items_and_counters(self) -> None:
        """The counter of a group is named by alias and group, an absent value ``<nil>``."""
        cache = cache_of(*books(5, 9, 5), Book("4"))
        page = cache.fetch(
            query(aggregates=(Aggregate("count", None, "count"),), group_by=(path_of("price"),))
        )
        assert page.items == [
            {"price": 5, "count": 2},
            {"price": 9, "count": 1},
            {"price": None, "count": 1},
        ]
        assert dict(page.metadata.key_count.counts) == {
            "Total": 3.0,
            "count:5": 2.0,
            "count:9": 1.0,
            "count:<nil>": 1.0,
        }

    @pytest.mark.feature("CAC-21")
    def test_the_order_of_groups_is_not_the_order_of_items(self) -> None:
        """Sort keys of an aggregate query are about its groups, which the query has ordered."""
        cache = cache_of(*books(5, 9))
        count = query(aggregates=(Aggregate("count", None, "count"),), sort_keys=(by("count"),))
        assert cache.fetch(count, scope=dataclasses.replace).items == [{"count": 2}]  # type: ignore[arg-type]
        cache.post(Book("3"))
        assert cache.fetch(count).items == [{"count": 3}]

    @pytest.mark.feature("CAC-21")
    def test_hidden_items_are_not_aggregated(self) -> None:
        """A sum over what a caller may not see would tell it."""
        cache = cache_of(*books(5, 9, 5))
        count = query(aggregates=(Aggregate("count", None, "count"),))
        page = cache.fetch(
            count, scope=lambda item: item if cast("Book", item).price == 9 else None
        )
        assert page.items == [{"count": 1}]
        assert page.metadata.key_count.counts["count"] == 1


class TestKeptAnswers:
    """What a second call costs."""

    @pytest.mark.feature("CAC-14")
    def test_the_same_again_and_the_next_page_look_at_no_item(self) -> None:
        """The answer is kept without its page."""
        cache = cache_of(*books(*range(100)))
        first = FakeQuery(criteria=where("price", Operator.GE, 50), sort_keys=(by("price"),))
        assert asked(cache, first) == 100
        assert asked(cache, first) == 0
        assert asked(cache, dataclasses.replace(first, limit=10, page=2)) == 0

    @pytest.mark.feature("CAC-14")
    def test_after_a_change_only_the_changed_item_is_looked_at(self) -> None:
        """Once as it was and once as it is, however often it changed."""
        cache = cache_of(*books(*range(100)))
        dear = FakeQuery(criteria=where("price", Operator.GE, 50), sort_keys=(by("price"),))
        cache.fetch(cast("Query", dear))
        cache.patch(Book("1", price=70))
        cache.patch(Book("1", price=75.5))
        assert asked(cache, dear) == 2
        assert "1" in keys(cache.fetch(cast("Query", dear)))

    def test_after_very_many_changes_the_answer_is_made_anew(self) -> None:
        """Applying them one by one would cost more."""
        cache = cache_of(*books(*range(100)))
        ordered = FakeQuery(sort_keys=(by("price"),))
        cache.fetch(cast("Query", ordered))
        for number in range(1, 101):
            cache.patch(Book(str(number), price=1000 - number))
        assert asked(cache, ordered) == 100
        assert keys(cache.fetch(cast("Query", ordered)))[:2] == ["100", "99"]

    def test_an_item_that_changed_in_the_same_moment_is_seen(self) -> None:
        """States are counted, not stamped with a time: added, replaced, patched and removed."""
        cache = cache_of(*books(5, 9))
        nine = query(criteria=where("price", Operator.EQ, 9))
        assert keys(cache.fetch(nine)) == ["2"]
        cache.put(Book("2", price=33))
        assert keys(cache.fetch(nine)) == []
        cache.patch(Book("1", price=9))
        cache.post(Book("3", price=9))
        assert keys(cache.fetch(nine)) == ["1", "3"]
        cache.delete("1")
        assert keys(cache.fetch(nine)) == ["3"]

    def test_items_come_by_key_in_whatever_order_they_were_added(self) -> None:
        """Also those that were added after the first answer, with and without an index."""
        cache = cache_of(*(Book(str(n), shelf=1) for n in (7, 3, 9)), indexed={"shelf": "shelf"})
        assert keys(cache.fetch(query())) == ["3", "7", "9"]
        for number in (5, 1, 8):
            cache.post(Book(str(number), shelf=1))
        first = query(criteria=where("shelf", Operator.EQ, 1))
        assert keys(cache.fetch(first)) == ["1", "3", "5", "7", "8", "9"]
        assert keys(cache.fetch(query(sort_keys=(by("shelf"),)))) == ["1", "3", "5", "7", "8", "9"]

    def test_queries_that_differ_in_a_value_share_nothing(self) -> None:
        """The whole criteria are compared, not a hash of the text."""
        cache = cache_of(*books(5, 9))
        assert keys(cache.fetch(query(criteria=where("price", Operator.EQ, 5)))) == ["1"]
        assert keys(cache.fetch(query(criteria=where("price", Operator.EQ, 9)))) == ["2"]

    def test_queries_that_differ_in_case_share_nothing(self) -> None:
        """Texts are in another order then."""
        cache = cache_of(Book("1", "b"), Book("2", "A"), Book("3", "B"))
        order = (by("title"),)
        assert keys(cache.fetch(query(sort_keys=order))) == ["2", "3", "1"]
        assert keys(cache.fetch(query(sort_keys=order, match_case=False))) == ["2", "1", "3"]

    def test_criteria_that_cannot_be_compared_are_answered_but_not_kept(self) -> None:
        """A list in a condition is unusual, not an error."""
        cache = cache_of(Book("1", tags=["a"]))
        odd = FakeQuery(criteria=where("tags", Operator.EQ, ["a"]))
        assert asked(cache, odd) == 1
        assert asked(cache, odd) == 1

    @pytest.mark.feature("CAC-15")
    def test_an_answer_that_nobody_asks_for_is_dropped_after_a_while(self) -> None:
        """At the next fetch of any query; asking for it keeps it."""
        clock = ManualClock()
        cache = cache_of(*books(5), clock=clock)
        dear, cheap = (query(criteria=where("price", Operator.GE, n)) for n in (9, 1))
        cache.fetch(dear)
        cache.fetch(cheap)
        clock.time += 29
        cache.fetch(cheap)
        clock.time += 2
        cache.fetch(cheap)
        assert cache.statistics().answers == 1
        clock.time += 31
        cache.fetch(dear)
        assert cache.statistics().answers == 1

    @pytest.mark.feature("CAC-15")
    def test_the_number_of_kept_answers_is_bounded(self) -> None:
        """The one that was not asked for longest goes."""
        cache = cache_of(*books(5), max_answers=2)
        one, two, three = (FakeQuery(criteria=where("price", Operator.GE, n)) for n in range(3))
        for each in (one, two, one, three):
            cache.fetch(cast("Query", each))
        assert asked(cache, one) == 0
        assert asked(cache, two) == 1

    @pytest.mark.feature("CAC-15")
    def test_an_answer_that_nobody_asks_for_is_dropped_after_many_changes(self) -> None:
        """It would keep the old states of the items alive."""
        cache = cache_of(*books(5))
        cache.fetch(query())
        assert len(cache._answers) == 1
        for price in range(2100):
            cache.patch(Book("1", price=price + 10))
        assert len(cache._answers) == 0

    def test_an_order_that_does_not_last_costs_a_new_answer(self) -> None:
        """A value that is not equal to itself has no place that could be found again."""
        cache = cache_of(*books(*(float("nan") if n % 3 else -n for n in range(1, 41))))
        ordered = query(sort_keys=(by("price"),))
        cache.fetch(ordered)
        for number in range(1, 10):
            cache.delete(str(number))
        assert sorted(keys(cache.fetch(ordered)), key=int) == [str(n) for n in range(10, 41)]


class TestIndex:
    """Attributes to search by."""

    def test_a_search_by_an_indexed_value_looks_at_its_items_alone(self) -> None:
        """Also as one term of several, and after changes."""
        cache = cache_of(
            *(Book(str(n), title=f"t{n % 10}", shelf=n % 2) for n in range(100)),
            indexed={"title": "title", "shelf": "shelf"},
        )
        assert asked(cache, FakeQuery(criteria=where("title", Operator.EQ, "t3"))) == 10
        both = And((where("title", Operator.EQ, "t3"), where("shelf", Operator.EQ, 1)))
        assert asked(cache, FakeQuery(criteria=both)) == 10
        cache.patch(Book("0", title="t4"))
        cache.delete("4")
        found = cache.fetch(query(criteria=where("title", Operator.EQ, "t4")))
        assert sorted(keys(found)) == ["0", "14", "24", "34", "44", "54", "64", "74", "84", "94"]
        assert cache.fetch(query(criteria=where("title", Operator.EQ, "t99"))).total == 0

    @pytest.mark.parametrize(
        "criteria",
        [
            where("title", Operator.GE, "t3"),
            where("title", Operator.EQ, "t*"),
            where("title", Operator.EQ, "t3", match_case=False),
            where("title", Operator.EQ, ""),
            where("price", Operator.EQ, 1.0),
            where("tags", Operator.EQ, "a"),
        ],
    )
    def test_what_the_index_cannot_decide_looks_at_all(self, criteria: object) -> None:
        """Ranges, wildcards, folded case, zero values, floats and lists."""
        indexed = {"title": "title", "price": "price", "tags": "tags"}
        cache = cache_of(*(Book(str(n), title=f"t{n}") for n in range(20)), indexed=indexed)
        assert asked(cache, FakeQuery(criteria=criteria)) == 20  # type: ignore[arg-type]
