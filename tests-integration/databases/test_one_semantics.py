# SPDX-License-Identifier: Apache-2.0
"""One query has one answer, wherever it is asked: of a list, a cache, or a database.

Models, items and queries are random. The answer that the others have to give is made of a plain
list of the items in the order of their keys, with the query itself.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType
from l8types.pb import L8Query
from l8types.protocols.data import Cache
from l8types.protocols.stores import Orm
from l8types.settings import NodeSettings
from l8utils import NodeResources

from .models import Model, items_of, models
from .queries import Asked, aggregate_queries, item_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from l8types.protocols.data import ParsedQuery, Query
    from l8types.protocols.stores import OrmFactory
    from l8types.values import Page

EXAMPLES = int(os.environ.get("L8_EXAMPLES", "20"))
"""Examples of each test; ``L8_EXAMPLES=1000`` takes the time for more of them."""

pytestmark = pytest.mark.timeout(max(180, 3 * EXAMPLES))

RANDOM = settings(
    deadline=None,
    max_examples=EXAMPLES,
    # Making an example smaller takes more runs than there is time for; each makes tables.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
QUERIES = 6
"""Queries about the items of one example; tables are dear, queries are not."""


@dataclass
class Places:
    """Where the same items are."""

    resources: NodeResources
    items: list[Any]
    cache: Cache
    orm: Orm


@asynccontextmanager
async def places(
    directory: Path, database: str, model: Model, items: list[Any], declared: Sequence[str] = ()
) -> AsyncIterator[Places]:
    """The items in a list, a cache and a database, with some attributes declared as keys."""
    resources = NodeResources(NodeSettings(data_directory=directory))
    resources.register(model.kind)
    resources.introspector.decorate(model.kind, DecoratorType.PRIMARY, model.key)
    if declared:
        resources.introspector.decorate(model.kind, DecoratorType.NON_UNIQUE, *declared)
    orm = await cast("OrmFactory", resources.create(Plugin.ORM)).open(database)
    try:
        await orm.prepare(model.kind)
        # What an example before this one has left.
        await orm.delete(resources.queries.parse(f"select * from {model.kind.__name__}"))  # noqa: S608 - no SQL
        await orm.write(Action.POST, items)
        yield Places(resources, items, resources.caches.create(model.kind, items=items), orm)
    finally:
        await orm.aclose()


def answer_of(query: Query, items: list[Any]) -> tuple[int, list[Any]]:
    """How many there are, and the page that is asked for, without a store."""
    found: list[Any] = query.filter(items)
    found = query.aggregate(found) if query.aggregates else query.sort(found)
    if query.distinct and not query.aggregates:
        seen: list[Any] = []
        for item in found:
            if query.project(item) not in [query.project(other) for other in seen]:
                seen.append(item)
        found = seen
    page = found[query.page * query.limit :][: query.limit] if query.limit else found
    return len(found), page if query.aggregates else [query.project(item) for item in page]


def told(page: Page) -> tuple[int, list[Any]]:
    """The same of the page of a store."""
    return page.total, list(page.items)


def exact(value: Any) -> object:
    """A value with the types of all that it is made of.

    The sign of zero does not count, since SQLite drops it, and the entries of maps have no order.
    """
    kind = type(value).__name__
    if isinstance(value, Message):
        return kind, value.SerializeToString(deterministic=True)
    if isinstance(value, dict):
        return kind, sorted(
            (type(key).__name__, repr(key), exact(entry)) for key, entry in value.items()
        )
    if isinstance(value, list | tuple):
        return kind, [exact(each) for each in value]
    if isinstance(value, msgspec.Struct) or is_dataclass(value):
        return kind, exact({name: getattr(value, name) for name in type(value).__annotations__})
    return kind, repr(value + 0.0 if isinstance(value, float) else value)


def behind_each_other(query: ParsedQuery, items: list[Any]) -> list[Any]:
    """All items, page by page, each page behind the last item of the one before."""
    found, cursor = [], ""
    while page := query.after(items, cursor):
        found += page
        cursor = query.cursor(page[-1])
    return found


def counts(page: Page) -> dict[str, float]:
    """The counters of the answer."""
    return dict(page.metadata.key_count.counts)


async def check(here: Places, asked: Asked) -> None:
    """All places give the same answer, also to a query that was sent, and item by item."""
    query = here.resources.queries.parse(asked.text, **asked.parameters)
    expected = answer_of(query, here.items)
    held, stored = here.cache.fetch(query), await here.orm.read(query)
    assert told(held) == expected, asked
    assert told(stored) == expected, asked
    assert exact(stored.items) == exact(held.items), asked
    assert counts(stored) == counts(held), asked
    sent = L8Query.FromString(query.to_wire().SerializeToString())
    assert answer_of(here.resources.queries.from_wire(sent), here.items) == expected, asked
    if not query.aggregates and not query.distinct:
        matching = query.filter(here.items)
        assert behind_each_other(cast("ParsedQuery", query), matching) == query.sort(matching), (
            asked
        )
    if not query.aggregates:
        streamed = [item async for item in here.orm.stream(query)]
        assert streamed == expected[1], asked


@pytest.mark.feature("GQ-11", "GQ-13", "GQ-20", "GQ-25", "GQ-26")
@pytest.mark.feature("ORM-02", "ORM-05", "ORM-17", "ORM-18")
@RANDOM
@given(data=st.data())
async def test_items(data: st.DataObject, database: str, tmp_path: Path) -> None:
    """The same items in the same order, page by page, and the same number of them."""
    model = data.draw(models())
    items = data.draw(items_of(model))
    declared = data.draw(st.sets(st.sampled_from(model.names)))
    async with places(tmp_path, database, model, items, sorted(declared)) as here:
        root = here.resources.introspector.node(model.kind.__name__)
        for _ in range(QUERIES):
            await check(here, data.draw(item_queries(root)))


@pytest.mark.feature("GQ-15", "GQ-16", "GQ-17", "GQ-28")
@RANDOM
@given(data=st.data())
async def test_groups(data: st.DataObject, database: str, tmp_path: Path) -> None:
    """The same groups with the same results, in the same order."""
    model = data.draw(models())
    items = data.draw(items_of(model))
    declared = data.draw(st.sets(st.sampled_from(model.names)))
    async with places(tmp_path, database, model, items, sorted(declared)) as here:
        root = here.resources.introspector.node(model.kind.__name__)
        for _ in range(QUERIES):
            await check(here, data.draw(aggregate_queries(root)))
