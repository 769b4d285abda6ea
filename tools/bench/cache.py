# SPDX-License-Identifier: Apache-2.0
"""Operations of a cache of 100 000 items, put together by the composition root as in a node.

Two models: a dataclass and a protobuf message, each with few attributes. A query filters half of
the items, sorts them by a number and takes a page of 25. Figures are operations per second:

- *get*: one item by its key, a copy;
- *first page*: the query for the first time, with another constant each time;
- *first by text*: the same with the items sorted by a text;
- *same page*: the same query again;
- *after a change*: one item of the answer changed, then the same query; the change is not timed.

What it is held against is written by hand: a dictionary, a comprehension, `sorted`, `deepcopy` or
`CopyFrom`, with nothing kept between two questions. So `same page` and `after a change` cost it as
much as a first page does.
"""

import copy
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import Any, Final

from l8types.enums import DecoratorType
from l8types.pb import TestProto
from l8types.settings import NodeSettings
from l8utils import NodeResources
from tools.bench.timing import rate

ITEMS: Final = 100_000
PAGE: Final = 25
MIXED: Final = 7919
"""A prime number that does not divide the number of items: it spreads values over all of them."""

Operation = Callable[[], object]


@dataclass
class Device:
    """A small item."""

    id: str = ""
    name: str = ""
    load: int = 0
    rank: int = 0
    up: bool = False


def device(number: int) -> Device:
    """The item of a number."""
    return Device(
        f"d{number:06}", f"name {number}", number, number * MIXED % ITEMS, up=number % 3 == 0
    )


def message(number: int) -> TestProto:
    """The item of a number."""
    return TestProto(
        myString=f"d{number:06}",
        myInt32=number,
        myInt64=number * MIXED % ITEMS,
        myFloat64=float(number),
        myBool=number % 3 == 0,
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """A model, and how it is asked."""

    name: str
    model: type
    make: Callable[[int], Any]
    key: str
    load: str
    rank: str
    text: str
    """An attribute that holds texts."""


SAMPLES: Final = (
    Sample("dataclass", Device, device, "id", "load", "rank", "name"),
    Sample("protobuf", TestProto, message, "myString", "myInt32", "myInt64", "myString"),
)


class OurCache:
    """The cache of a node."""

    def __init__(self, sample: Sample) -> None:
        resources = NodeResources(NodeSettings(alias="bench"))
        resources.register(sample.model)
        resources.introspector.decorate(sample.model, DecoratorType.PRIMARY, sample.key)
        self._queries = resources.queries
        self._cache = resources.caches.create(sample.model)
        for number in range(ITEMS):
            self._cache.post(sample.make(number))
        self._sample = sample

    def get(self, key: str) -> object:
        """One item."""
        return self._cache.get(key)

    def put(self, item: object) -> None:
        """Replace one item."""
        self._cache.put(item)

    def question(self, above: int, order: str = "") -> Operation:
        """The query with this constant and order, ready to be asked."""
        sample = self._sample
        where = f"from {sample.model.__name__} where {sample.load}>:above"
        paged = f"sort-by {order or sample.rank} limit {PAGE} page 2"
        query = self._queries.parse(f"select * {where} {paged}", above=above)
        return lambda: self._cache.fetch(query).items


class PlainDict:
    """What one writes by hand."""

    def __init__(self, sample: Sample) -> None:
        self._load, self._rank = attrgetter(sample.load), attrgetter(sample.rank)
        self._key = attrgetter(sample.key)
        self._items = {f"d{number:06}": sample.make(number) for number in range(ITEMS)}

    def get(self, key: str) -> object:
        """One item."""
        return copy.deepcopy(self._items[key])

    def put(self, item: object) -> None:
        """Replace one item."""
        self._items[self._key(item)] = copy.deepcopy(item)

    def question(self, above: int, order: str = "") -> Operation:
        """The query with this constant and order, ready to be asked."""
        load, rank = self._load, attrgetter(order) if order else self._rank

        def ask() -> list[object]:
            found = sorted((item for item in self._items.values() if load(item) > above), key=rank)
            return [copy.deepcopy(item) for item in found[2 * PAGE : 3 * PAGE]]

        return ask


def rate_of_each(operations: Iterator[Operation], seconds: float) -> float:
    """Return operations per second, each another one; what makes the next is not timed."""
    next(operations)()
    spent, done = 0.0, 0
    while spent < seconds:
        operation = next(operations)
        begin = time.perf_counter()
        operation()
        spent += time.perf_counter() - begin
        done += 1
    return done / spent


def after_changes(cache: OurCache | PlainDict, sample: Sample) -> Iterator[Operation]:
    """The same question again and again, each time after another item of the answer changed."""
    ask = cache.question(ITEMS // 2)
    for turn in count():
        item = sample.make(ITEMS // 2 + 1 + turn * 17 % (ITEMS // 2 - 1))
        setattr(item, sample.rank, turn * MIXED % ITEMS)
        cache.put(item)
        yield ask


def figures_of(
    cache: OurCache | PlainDict, sample: Sample, seconds: float
) -> Iterator[tuple[str, float]]:
    """Yield each figure of one model."""
    # What was made here stays; the collector need not look at it during the measurement.
    gc.collect()
    gc.freeze()
    yield f"{sample.name} get", rate(lambda: cache.get("d050000"), seconds)
    yield (
        f"{sample.name} first page",
        rate_of_each((cache.question(ITEMS // 2 + one) for one in count()), seconds),
    )
    yield (
        f"{sample.name} first by text",
        rate_of_each((cache.question(ITEMS // 2 + one, sample.text) for one in count()), seconds),
    )
    yield f"{sample.name} same page", rate(cache.question(ITEMS // 2), seconds)
    yield f"{sample.name} after a change", rate_of_each(after_changes(cache, sample), seconds)


def measure(seconds: float) -> dict[str, float]:
    """Return operations per second of our cache."""
    return {
        name: value
        for sample in SAMPLES
        for name, value in figures_of(OurCache(sample), sample, seconds)
    }
