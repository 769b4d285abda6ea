# SPDX-License-Identifier: Apache-2.0
"""A service that keeps its items in memory as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import OrmService, SqlOrm, SqlOrmFactory, orm_sla
from l8types.enums import Action, NotificationType
from l8types.errors import ClosedError, InvalidInputError, UnavailableError
from l8types.pb import L8Query
from l8types.values import ServiceKey

from .models import Part, Thing
from .network import FakeNode, active

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = ServiceKey("things", 3)
ROOTS: dict[str, type] = {"Thing": Thing}
ALL = L8Query(text="select * from Thing")


@pytest.fixture
async def store(lasting: str, models: Any) -> AsyncIterator[SqlOrm]:
    """A store with three things."""
    opened = await SqlOrmFactory(models).open(lasting)
    await opened.write(Action.POST, [Thing(f"t{n}", count=n, parts=[Part("p")]) for n in range(3)])
    yield opened
    await opened.aclose()


@pytest.fixture
async def node(store: SqlOrm, models: Any) -> AsyncIterator[FakeNode]:
    """A node that serves things from memory."""
    sla = orm_sla(KEY, Thing, store, cached=True)
    async with active(FakeNode(models, ROOTS), sla) as running:
        yield running


def counts(answer: Any) -> list[tuple[str, int]]:
    """Keys and counts of things."""
    return [(item.id, item.count) for item in answer.values if item is not None]


@pytest.mark.feature("ORM-29", "ORM-31")
async def test_a_cache_is_filled_at_the_start_and_answers(node: FakeNode) -> None:
    """Queries and examples are answered from memory."""
    (cache,) = node.caches.made
    assert counts(await node.ask(Action.GET, ALL)) == [("t0", 0), ("t1", 1), ("t2", 2)]
    assert (await node.ask(Action.GET, "t1")).values == [Thing("t1", count=1, parts=[Part("p")])]
    assert cache.asked == 2


@pytest.mark.feature("ORM-29", "ORM-30")
async def test_a_write_goes_to_the_database_first_and_then_into_the_cache(
    node: FakeNode, store: SqlOrm
) -> None:
    """The cache has what the database has: a patch as it was merged there, and new items."""
    await node.ask(Action.POST, Thing("t8", count=8), Thing("t9", count=9))
    await node.ask(Action.PATCH, Thing("t1", count=11))
    (cache,) = node.caches.made
    found = await node.ask(Action.GET, ALL)
    assert cache.asked == 1
    assert found.values == [item async for _, item in store.items(Thing)]
    assert cast("Thing", found.values[1]).parts == [Part("p")]


@pytest.mark.feature("ORM-30")
async def test_a_patch_of_what_another_node_wrote_finds_it(node: FakeNode, store: SqlOrm) -> None:
    """The patched item is read from the database, whether the cache knows it or not."""
    await store.write(Action.POST, [Thing("new", name="theirs")])
    await node.ask(Action.PATCH, Thing("new", count=5))
    assert (await node.ask(Action.GET, "new")).values == [Thing("new", "theirs", 5)]


@pytest.mark.feature("ORM-31")
async def test_what_others_write_is_never_missed(node: FakeNode, lasting: str, models: Any) -> None:
    """Each answer is that of the database; when it has been quiet the cache is filled again."""
    other = await SqlOrmFactory(models).open(lasting)
    for number in range(3):
        await other.write(Action.PATCH, [Thing("t0", count=100 + number)])
        found = await node.ask(Action.GET, ALL)
        assert counts(found)[0] == ("t0", 100 + number)
    assert len(node.caches.made) == 1
    assert counts(await node.ask(Action.GET, ALL))[0] == ("t0", 102)
    assert len(node.caches.made) == 2
    assert counts(await node.ask(Action.GET, ALL))[0] == ("t0", 102)
    assert node.caches.made[1].asked == 2
    await other.aclose()


async def test_what_is_deleted_is_gone_from_the_cache(node: FakeNode) -> None:
    """By key, and by a query however many match it."""
    await node.ask(Action.DELETE, "t0")
    assert (await node.ask(Action.GET, "t0")).values == [None]
    await node.ask(Action.DELETE, L8Query(text="select * from Thing where count > 1"))
    for _ in range(3):
        assert counts(await node.ask(Action.GET, ALL)) == [("t1", 1)]


async def test_a_write_that_fails_does_not_change_the_cache(node: FakeNode) -> None:
    """What was not written is not answered."""
    with pytest.raises(InvalidInputError):
        (await node.ask(Action.POST, Thing("t9"), Thing("t1", count=2**70))).raise_for_error()
    assert counts(await node.ask(Action.GET, ALL)) == [("t0", 0), ("t1", 1), ("t2", 2)]


@pytest.mark.feature("ORM-20", "ORM-31")
async def test_a_cache_shows_a_caller_what_he_may_see(store: SqlOrm, models: Any) -> None:
    """The scope counts as it does without a cache."""
    node = FakeNode(models, ROOTS, scope=lambda _, item: item if item.count else None)
    async with active(node, orm_sla(KEY, Thing, store, cached=True)):
        node.identity = "ann"
        page = await node.ask(Action.GET, L8Query(text="select * from Thing limit 1 page 1"))
        assert counts(page) == [("t2", 2)]
        assert page.to_page().total == 2
        assert (await node.ask(Action.GET, "t0")).values == [None]
        assert node.caches.made[0].asked == 2


@pytest.mark.feature("ORM-40")
async def test_deactivation_closes_the_cache_and_a_store_that_is_owned(
    lasting: str, models: Any
) -> None:
    """A store that is not owned stays open."""
    for owned in (False, True):
        store = await SqlOrmFactory(models).open(lasting)
        sla = orm_sla(KEY, Thing, store, cached=True, owned=owned)
        async with active(FakeNode(models, ROOTS), sla) as node:
            assert (await node.ask(Action.POST, Thing("a"))).error == ""
        assert "not active" in (await node.ask(Action.GET, "a")).error
        if owned:
            with pytest.raises(ClosedError):
                await store.generation(Thing)
        else:
            assert await store.generation(Thing) > 0
            await store.aclose()


async def test_a_store_that_tells_nothing_of_its_writes_is_not_cached(
    models: Any, store: SqlOrm
) -> None:
    """The error says why."""

    class Plain:
        prepare = store.prepare
        storage = store.storage

    service = OrmService(cast("Any", Plain()), cached=True)
    node = FakeNode(models, ROOTS)
    with pytest.raises(InvalidInputError, match="does not tell when its items were written"):
        await service.activate(orm_sla(KEY, Thing, store), node.vnic)


@pytest.mark.feature("ORM-39")
async def test_what_is_written_is_told_to_those_who_watch(node: FakeNode) -> None:
    """Each write and delete that changed something is told once; reading and filling never."""
    node.watched = True
    await node.ask(Action.GET, ALL)
    await node.ask(Action.POST, Thing("t9", count=9))
    await node.ask(Action.PUT, Thing("t0", count=7))
    await node.ask(Action.PUT, Thing("t0", count=7))
    await node.ask(Action.DELETE, "t9")
    for _ in range(3):
        await node.ask(Action.GET, ALL)
    await node.ask(Action.DELETE, L8Query(text="select * from Thing where count > 6"))
    kinds = [(action, told) for _, action, told in node.told]
    assert {service for service, _, _ in node.told} == {"websock--0"}
    assert kinds == [
        (Action.POST, ("things", 3, NotificationType.POST, "t9")),
        (Action.PUT, ("things", 3, NotificationType.PUT, "t0")),
        (Action.DELETE, ("things", 3, NotificationType.DELETE, "t9")),
        (Action.DELETE, ("things", 3, NotificationType.DELETE, "t0")),
    ]


async def test_nobody_is_told_when_nobody_watches_or_can_be_reached(
    node: FakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    """A write has happened whether or not it could be told."""
    assert (await node.ask(Action.POST, Thing("a"))).error == ""
    node.watched, node.deaf = True, UnavailableError("no connection")
    assert (await node.ask(Action.POST, Thing("b"))).error == ""
    assert "is not told to those who watch: no connection" in caplog.text
    node.deaf = None
    await node.ask(Action.POST, Thing("c"))
    assert [told[3] for _, _, told in node.told] == ["c"]  # type: ignore[index]
