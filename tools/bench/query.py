# SPDX-License-Identifier: Apache-2.0
"""The query language: filtering small objects against a comprehension, and parsing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gsql import QueryFactory
from reflect import Introspector
from tools.bench.timing import rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from gsql import BoundQuery

ITEMS: Final = 10_000
"""Items of one filter."""


@dataclass(slots=True)
class Sample:
    """A small object."""

    x: int
    name: str
    active: bool


QUERIES: Final = {
    "filter x>5000": "select * from Sample where x>5000",
    "filter three conditions": (
        "select * from Sample where x>5000 and (active=true or name=item-1*) match-case"
    ),
}
PARSED: Final = (
    "select x, name from Sample where x>{} and (active=true or name=item-1*) "
    "sort-by x descending limit 50 page 2"
)
"""A text of the usual length; the number makes it a new one."""
NOTED: Final = {"filter x>5000": 1e9 / 118}
"""What was noted of the same condition in Go on a machine with two cores: 118 ns for an item."""


def samples() -> list[Sample]:
    """Return the items."""
    return [Sample(number, f"item-{number}", number % 2 == 0) for number in range(ITEMS)]


def by_hand() -> dict[str, Callable[[list[Sample]], list[Sample]]]:
    """Return what one would write without a query language, for each query."""
    return {
        "filter x>5000": lambda items: [it for it in items if it.x > 5000],
        "filter three conditions": lambda items: [
            it for it in items if it.x > 5000 and (it.active or it.name.startswith("item-1"))
        ],
    }


def factory() -> QueryFactory:
    """Return a factory that knows the model."""
    introspector = Introspector()
    introspector.inspect(Sample)
    return QueryFactory(introspector)


def parses(queries: QueryFactory) -> Callable[[], BoundQuery]:
    """Return a function that parses a text that was not there before."""
    numbers = iter(range(1, 1_000_000_000))
    return lambda: queries.parse(PARSED.format(next(numbers)))


def measure(seconds: float) -> dict[str, float]:
    """Return items filtered, and texts parsed, per second."""
    queries, items = factory(), samples()
    figures = {}
    for name, text in QUERIES.items():
        query = queries.parse(text)
        if query.filter(items) != by_hand()[name](items):
            raise RuntimeError(f"{name}: the answer differs from that of the comprehension")
        figures[name] = rate(lambda query=query: query.filter(items), seconds) * ITEMS  # type: ignore[misc]
    parse = parses(queries)
    parse()
    figures["parse cold"] = rate(parse, seconds)
    text = PARSED.format(0)
    figures["parse from cache"] = rate(lambda: queries.parse(text), seconds)
    return figures


def measure_by_hand(seconds: float) -> dict[str, float]:
    """Return items per second that a comprehension with the same condition filters."""
    items = samples()
    return {
        name: rate(lambda select=select: select(items), seconds) * ITEMS  # type: ignore[misc]
        for name, select in by_hand().items()
    }


def measure_noted(_seconds: float) -> dict[str, float]:
    """Return what was noted of another node."""
    return NOTED
