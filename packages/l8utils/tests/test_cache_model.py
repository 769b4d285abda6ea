# SPDX-License-Identifier: Apache-2.0
"""The cache against a dictionary: whatever happens, in whatever order, both agree."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from l8types.enums import Operator
from l8types.errors import ConflictError
from l8utils import _cache_answers

from .fakes import Book, FakeQuery, by, cache_of, where

if TYPE_CHECKING:
    from l8types.protocols.data import Query
    from l8types.values import ItemChange

QUERIES = [
    FakeQuery(),
    FakeQuery(criteria=where("price", Operator.GE, 2)),
    FakeQuery(sort_keys=(by("price"),)),
    FakeQuery(criteria=where("shelf", Operator.EQ, 1), sort_keys=(by("title", descending=True),)),
    FakeQuery(sort_keys=(by("shelf", descending=True), by("price")), limit=3, page=1),
]

ISBNS = st.sampled_from([str(number) for number in range(8)])
BOOKS = st.builds(
    Book,
    isbn=ISBNS,
    title=st.sampled_from(["", "a", "b"]),
    price=st.none() | st.integers(0, 4).map(float),
    code=st.sampled_from(["", "", "x", "y"]),
    shelf=st.integers(0, 2),
)


def expected(query: FakeQuery, items: dict[str, Book]) -> list[Book]:
    """The answer computed anew from all items."""
    matches = [item for _, item in sorted(items.items()) if query.matches(item)]
    ordered = cast("list[Book]", query.sort(matches))
    start = query.page * query.limit
    return ordered[start : start + query.limit] if query.limit else ordered


class CacheMachine(RuleBasedStateMachine):
    """Random writes and reads on a cache, a replica of it, and a dictionary."""

    @initialize(journal=st.sampled_from([2, 1024]), answers=st.sampled_from([2, 64]))
    def start(self, journal: int, answers: int) -> None:
        self.cache = cache_of(indexed={"shelf": "shelf"}, max_answers=answers)
        self.cache._items.journal = _cache_answers.Journal(journal)
        self.replica = cache_of()
        self.items: dict[str, Book] = {}
        self.told = 0
        self.cache.add_counter("first", lambda item: (cast("Book", item).shelf == 1, ""))
        self.cache.subscribe(self.hear)

    def hear(self, event: ItemChange) -> None:
        self.told += 1
        assert event.sequence == self.told
        self.replica.apply(event)

    def conflicts(self, item: Book) -> bool:
        return any(
            item.code and other.code == item.code and key != item.isbn
            for key, other in self.items.items()
        )

    @rule(item=BOOKS, verb=st.sampled_from(["post", "put"]))
    def write(self, item: Book, verb: str) -> None:
        if self.conflicts(item):
            with pytest.raises(ConflictError):
                getattr(self.cache, verb)(item)
            return
        event = getattr(self.cache, verb)(item)
        assert (event is None) == (self.items.get(item.isbn) == item)
        self.items[item.isbn] = copy.deepcopy(item)

    @rule(item=BOOKS)
    def patch(self, item: Book) -> None:
        if self.conflicts(item):
            with pytest.raises(ConflictError):
                self.cache.patch(item)
            return
        merged = copy.deepcopy(self.items.get(item.isbn, item))
        for name, value in vars(item).items():
            if value:
                setattr(merged, name, value)
        self.cache.patch(item)
        self.items[item.isbn] = merged

    @rule(isbn=ISBNS)
    def delete(self, isbn: str) -> None:
        event = self.cache.delete(isbn)
        assert (event.item if event else None) == self.items.pop(isbn, None)

    @rule(query=st.sampled_from(QUERIES))
    def fetch(self, query: FakeQuery) -> None:
        page = self.cache.fetch(cast("Query", query))
        assert page.items == expected(query, self.items)
        matches = [item for item in self.items.values() if query.matches(item)]
        assert page.total == len(matches)
        first = sum(item.shelf == 1 for item in matches)
        assert page.metadata.key_count.counts["first"] == first

    @invariant()
    def everybody_agrees(self) -> None:
        assert dict(self.cache.items()) == self.items
        assert dict(self.replica.items()) == self.items
        for item in self.items.values():
            if item.code:
                assert self.cache.get(Book(code=item.code)) == item


TestCache = pytest.mark.feature("CAC-06", "CAC-13", "CAC-14", "CAC-17", "CAC-19")(
    CacheMachine.TestCase
)
TestCache.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
