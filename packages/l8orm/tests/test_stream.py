# SPDX-License-Identifier: Apache-2.0
"""Answers and writes of any size."""

from __future__ import annotations

import tracemalloc
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import SqlOrm, SqlOrmFactory, orm_sla
from l8types.criteria import SortKey
from l8types.enums import Action, DecoratorType, Operator
from l8types.errors import ConflictError, InvalidInputError
from l8types.pb import L8Query
from l8types.values import ServiceKey

from .models import Leaf, Part, Thing
from .network import FakeNode, active
from .queries import path, query, where
from .test_groups import spied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.protocols.models import Introspector

KEY = ServiceKey("things", 3)


def things(number: int) -> list[Thing]:
    """As many things with children."""
    return [
        Thing(f"t{n:05}", name=f"n{n % 10}", count=n, tags=["x"] * (n % 2), parts=[Part(str(n))])
        for n in range(number)
    ]


async def test_a_stream_follows_the_order_and_the_limit(orm: SqlOrm, models: Introspector) -> None:
    """As a read does, whatever decides about the order."""
    await orm.write(Action.POST, things(2_100))
    root = models.inspect(Thing)
    for facts in (
        {"sort_keys": (SortKey(path(root, "name"), True),)},
        {"sort_keys": (SortKey(path(root, "count"), True),), "limit": 1_500},
        {"criteria": where(root, "tags", Operator.EQ, "x"), "limit": 7, "page": 2},
        {"distinct": True, "columns": (path(root, "name"),)},
        {"criteria": where(root, "count", Operator.GE, 50)},
    ):
        asked = query(root, **cast("Any", facts))
        assert [item async for item in orm.stream(asked)] == (await orm.read(asked)).items


async def test_a_stream_gives_whole_items_to_the_scope(orm: SqlOrm, models: Introspector) -> None:
    """It decides by attributes that are not selected, and about the order."""
    await orm.write(Action.POST, things(1_200))
    root = models.inspect(Thing)

    def scope(item: object) -> object | None:
        return item if cast("Thing", item).count % 2 else None

    for keys in ((), (SortKey(path(root, "count"), True),)):
        asked = query(root, columns=(path(root, "name"),), sort_keys=keys)
        found = [item async for item in orm.stream(asked, scope=scope)]
        assert len(found) == 600
        assert found == (await orm.read(asked, scope=scope)).items


async def test_a_server_gives_one_state_through_a_cursor(models: Any, postgres: str) -> None:
    """What is written meanwhile is not seen, and no more than a part was fetched."""
    orm = await SqlOrmFactory(models).open(postgres)
    await orm.prepare(Thing)
    root = models.inspect(Thing)
    await orm.delete(query(root))
    await orm.write(Action.POST, things(2_500))
    statements = spied(orm)
    async with aclosing(orm.stream(query(root))) as found:
        first = await anext(found)
        assert len([each for each in statements if "FROM thing__parts \n" in each]) == 1
        await orm.write(Action.PATCH, [Thing("t02400", name="changed")])
        statements.clear()
        rest = [item async for item in found]
    assert [first, *rest] == things(2_500)
    assert len([each for each in statements if "FROM thing__parts \n" in each]) == 2
    await orm.aclose()


async def test_a_stream_that_is_left_early_holds_nothing(orm: SqlOrm, models: Introspector) -> None:
    """Its connection is free for a write of the same rows."""
    await orm.write(Action.POST, things(1_200))
    root = models.inspect(Thing)
    for _ in range(20):
        async with aclosing(orm.stream(query(root))) as found:
            assert cast("Thing", await anext(found)).id == "t00000"
    assert await orm.delete(query(root)) == 1_200


async def test_a_stream_needs_memory_for_a_part(lasting: str, models: Any) -> None:
    """A large answer takes a fraction of what it takes to have it as a whole."""
    orm = await SqlOrmFactory(models).open(lasting)
    heavy = (
        Thing(f"t{n:05}", raw=bytes(2_000), parts=[Part(leaves=[Leaf()])]) for n in range(12_000)
    )
    assert await orm.write_batches(Action.POST, heavy) == 12_000
    root = models.inspect(Thing)
    tracemalloc.start()
    count = 0
    async with aclosing(orm.stream(query(root))) as found:
        async for _ in found:
            count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 12_000
    # The bytes alone are 24 MB.
    assert peak < 12_000_000
    await orm.aclose()


@pytest.mark.feature("ORM-15")
async def test_large_writes_are_cut_into_batches_each_one_transaction(
    orm: SqlOrm, models: Introspector
) -> None:
    """The batches before one that fails stay written, that one is not, and the error tells."""
    models.decorate(Thing, DecoratorType.UNIQUE, "name")
    await orm.write(Action.POST, [Thing("other", name="taken")])

    async def source() -> AsyncIterator[Thing]:
        for number in range(25):
            yield Thing(f"t{number:02}", name="taken" if number == 23 else f"n{number}")

    with pytest.raises(ConflictError) as caught:
        await orm.write_batches(Action.POST, source(), size=10)
    assert "20 items were written before" in caught.value.__notes__
    stored = [key async for key, _ in orm.items(Thing)]
    assert stored == ["other", *(f"t{number:02}" for number in range(20))]
    with pytest.raises(InvalidInputError):
        await orm.write_batches(Action.POST, [], size=0)


@pytest.mark.feature("ORM-15")
async def test_a_batch_is_as_large_as_it_is_said_to_be(orm: SqlOrm, models: Introspector) -> None:
    """Nothing is left over, and nothing is written for nothing."""
    for size, batches in ((7, 3), (20, 1), (500, 1)):
        before = await orm.generation(Thing)
        made = [Thing(f"s{size}-{n}") for n in range(20)]
        assert await orm.write_batches(Action.PUT, made, size=size) == 20
        assert await orm.generation(Thing) == before + batches
    assert await orm.write_batches(Action.PUT, []) == 0
    assert (await orm.read(query(models.inspect(Thing)))).total == 60


async def test_a_service_answers_in_parts(models: Any) -> None:
    """Each part holds what the caller may see; an answer of nothing is one empty part."""
    store = await SqlOrmFactory(models).open("sqlite://")
    node = FakeNode(
        models, {"Thing": Thing}, scope=lambda _, item: item if item.count % 2 else None
    )
    async with active(node, orm_sla(KEY, Thing, store)):
        await node.ask(Action.POST, *things(1_300))
        whole = L8Query(text="select * from Thing")
        parts = await node.parts(whole)
        assert [len(part) for part in parts] == [500, 500, 300]
        assert [item for part in parts for item in part] == things(1_300)
        node.identity = "ann"
        for text in ("select * from Thing", "select * from Thing limit 9999 sort-by name"):
            parts = await node.parts(L8Query(text=text))
            assert [len(part) for part in parts] == [500, 150]
            assert all(cast("Thing", item).count % 2 for part in parts for item in part)
        assert await node.parts(L8Query(text="select * from Thing where count > 9999")) == [[]]
        assert [len(part) for part in await node.parts("t00001", "t00003")] == [2]
    await store.aclose()


@pytest.mark.feature("ORM-37")
async def test_a_service_votes_and_its_key_is_the_primary_key(models: Any) -> None:
    """What has no key has the empty one."""
    store = await SqlOrmFactory(models).open("sqlite://")
    node = FakeNode(models, {"Thing": Thing})
    async with active(node, orm_sla(KEY, Thing, store)):
        service: Any = node.service
        assert service.voter
        assert service.replication() is None
        make = node.resources.elements.of
        assert service.key_of(make(Thing("a"), Thing("b"))) == "a"
        assert service.key_of(make("k")) == "k"
        assert service.key_of(make()) == ""
        assert service.key_of(make(Thing(""))) == ""
        assert service.key_of(make(None)) == ""
    assert service.key_of(make(Thing("a"))) == ""
    await store.aclose()
