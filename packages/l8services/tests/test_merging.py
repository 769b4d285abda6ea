# SPDX-License-Identifier: Apache-2.0
"""Pages of several instances become the page of all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from hypothesis import given
from hypothesis import strategies as st

from l8services._replication.merging import beginning, in_pages, in_parts, merged, of_all
from l8types.enums import DecoratorType
from l8types.values import Element

from .data import FakeCaches, FakeQuery, fake_parts
from .groups import PickledFactory
from .model import Book

if TYPE_CHECKING:
    from l8types.protocols.data import Elements, Query


def tens(item: object) -> tuple[bool, str]:
    """Whether the stock is ten or more."""
    return cast("Book", item).stock >= 10, ""


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=30),
    st.integers(0, 5),
    st.integers(0, 4),
    st.booleans(),
)
def test_as_if_in_one_place(
    books: list[tuple[int, int]], limit: int, page: int, by_stock: bool
) -> None:
    """Page and counters are those of one instance with all items; no share exceeds the page end."""
    introspector, updater, _ = fake_parts()
    introspector.declared[Book, DecoratorType.PRIMARY] = ("isbn",)
    caches = FakeCaches(introspector, updater)
    words = ["select * from Book"]
    words += ["sort-by stock"] * by_stock
    words += [f"limit {limit} page {page}"] * bool(limit)
    query = FakeQuery(" ".join(words))
    whole = caches.create(Book)
    parts = [caches.create(Book) for _ in range(4)]
    for cache in (whole, *parts):
        cache.add_counter("Tens", tens)
    for number, (stock, part) in enumerate(books):
        book = Book(f"b{number:02}", stock=stock)
        whole.put(book)
        parts[part].put(book)
    shares: list[Elements] = []
    for cache in parts:
        first = cache.fetch(cast("FakeQuery", beginning(cast("Query", query))))
        assert not limit or len(first.items) <= limit * (page + 1)
        entries = [Element(item, key=cache.key_of(item)) for item in first.items]
        shares.append(cast("Elements", PickledFactory().entries(entries, metadata=first.metadata)))
    expected = whole.fetch(query)
    made = merged(cast("Query", query), shares)
    assert list(made.items) == list(expected.items)
    assert made.total == expected.total
    counts, wanted = made.metadata.key_count.counts, expected.metadata.key_count.counts
    assert dict(counts) == dict(wanted)


def test_what_pages_cannot_tell() -> None:
    """Distinct results and aggregates are made of all items, not of pages."""
    query = FakeQuery("select * from Book limit 3")
    assert in_pages(cast("Query", query))
    query.distinct = True
    assert not in_pages(cast("Query", query))


def asked(*functions: str, **more: object) -> Query:
    """A query of aggregates, each called as its function."""
    aggregates = tuple(SimpleNamespace(function=name, alias=name) for name in functions)
    options = {"distinct": False, "group_by": (), "having": None, "text": "t", **more}
    return cast("Query", SimpleNamespace(aggregates=aggregates, **options))


def row(numbers: list[int]) -> dict[str, object]:
    """Aggregates of some numbers; of none there are only their count and nothings."""
    made: dict[str, object] = {"count": len(numbers), "sum": None, "min": None, "max": None}
    return (
        made | {"sum": sum(numbers), "min": min(numbers), "max": max(numbers)} if numbers else made
    )


@given(st.lists(st.lists(st.integers(-5, 5), max_size=4), min_size=1, max_size=5))
def test_aggregates_of_all(parts: list[list[int]]) -> None:
    """Counts, sums, least and greatest values of the instances make those of all items."""
    query = asked("count", "sum", "min", "max")
    assert in_parts(query)
    shares = [cast("Elements", PickledFactory().of(row(part))) for part in parts]
    made = of_all(query, shares)
    assert made.aggregate([]) == [row([number for part in parts for number in part])]
    assert made.text == "t"


def test_aggregates_of_nobody() -> None:
    """Where no instance was asked, the query works on no items by itself."""
    query = asked("count")
    assert of_all(query, []) is query


def test_what_parts_cannot_tell() -> None:
    """Averages, different values, groups and conditions on them are made of all items."""
    assert not in_parts(asked())
    assert not in_parts(asked("count", "avg"))
    assert not in_parts(asked("count distinct"))
    for more in ({"distinct": True}, {"group_by": ("kind",)}, {"having": "n>1"}):
        assert not in_parts(asked("count", **more))
