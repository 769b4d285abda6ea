# SPDX-License-Identifier: Apache-2.0
"""A store as a service of the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import OrmService, SqlOrmFactory, orm_sla
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.pb import L8Query
from l8types.pb import tests_pb2 as pb
from l8types.protocols.services import Call, HookResult
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .models import Part, Thing, Tree
from .network import FakeElements, FakeNode, active

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8orm import SqlOrm
    from l8types.protocols.services import ServiceHandler

KEY = ServiceKey("things", 3)
ROOTS: dict[str, type] = {"Thing": Thing, "Tree": Tree, "TestProto": pb.TestProto}


@pytest.fixture
async def store(models: Any) -> AsyncIterator[SqlOrm]:
    """An empty store in a file that is gone afterwards."""
    opened = await SqlOrmFactory(models).open("sqlite://")
    yield opened
    await opened.aclose()


@pytest.fixture
async def node(store: SqlOrm, models: Any) -> AsyncIterator[FakeNode]:
    """A node that serves things."""
    async with active(FakeNode(models, ROOTS), orm_sla(KEY, Thing, store)) as running:
        yield running


def asking(text: str) -> L8Query:
    """A query as it travels."""
    return L8Query(text=text)


@pytest.mark.feature("ORM-24", "ORM-25", "ORM-38")
def test_an_agreement_says_what_is_served(store: SqlOrm) -> None:
    """Name, area, model and keys; items are not kept in memory."""
    sla = orm_sla(KEY, Thing, store, primary_keys=("id",), non_unique_keys=("count",))
    assert (sla.key, sla.model, sla.stateful) == (KEY, Thing, False)
    assert (sla.primary_keys, sla.non_unique_keys) == (("id",), ("count",))
    handler: ServiceHandler = sla.handler()
    assert isinstance(handler, OrmService)


@pytest.mark.feature("ORM-26")
async def test_items_are_written_read_and_deleted(node: FakeNode) -> None:
    """The five verbs, by example and by query."""
    answer = await node.ask(Action.POST, Thing("a", count=1), Thing("b", count=2))
    assert [entry.key for entry in answer] == ["a", "b"]
    await node.ask(Action.PUT, Thing("a", count=5))
    await node.ask(Action.PATCH, Thing("a", name="n"))
    assert (await node.ask(Action.GET, Thing("a"))).values == [Thing("a", "n", 5)]
    page = await node.ask(Action.GET, asking("select * from Thing where count > 1 limit 1"))
    assert page.values == [Thing("a", "n", 5)]
    assert page.to_page().total == 2
    answer = await node.ask(Action.DELETE, asking("select * from Thing where count > 4"))
    assert answer.to_page().total == 1
    assert (await node.ask(Action.DELETE, Thing("b"))).values == [Thing("b", count=2)]
    assert (await node.ask(Action.GET, asking("select * from Thing"))).first is None


@pytest.mark.feature("ORM-28")
@pytest.mark.parametrize("key", ["o'b\"x", "a_b", "a%b", "[{24}a]::", "nil"])
async def test_an_example_finds_the_item_of_its_key(node: FakeNode, key: str) -> None:
    """Whatever is in the key, and no other item."""
    await node.ask(Action.POST, Thing(key, count=1), Thing("axb", count=2))
    assert (await node.ask(Action.GET, Thing(key))).values == [Thing(key, count=1)]
    assert (await node.ask(Action.DELETE, Thing(key))).values == [Thing(key, count=1)]
    page = await node.ask(Action.GET, asking("select * from Thing"))
    assert page.values == [Thing("axb", count=2)]


@pytest.mark.feature("ORM-28")
async def test_an_example_without_an_item_is_an_error_of_its_entry(node: FakeNode) -> None:
    """The others are answered; a key text without an item is nothing."""
    await node.ask(Action.POST, Thing("a"))
    for action in (Action.GET, Action.DELETE):
        answer = await node.ask(action, Thing("none"), "none", Thing("a"))
        assert answer.values == [None, None, Thing("a")]
        with pytest.raises(NotFoundError, match="'none'"):
            answer.raise_for_error()
        assert [bool(entry.error) for entry in answer] == [True, False, False]


async def test_a_request_is_written_as_a_whole_or_not(node: FakeNode) -> None:
    """One item that does not fit keeps all others out."""
    answer = await node.ask(Action.POST, Thing("a"), Thing("b", count=2**63))
    with pytest.raises(InvalidInputError, match=r"thing\.count"):
        answer.raise_for_error()
    assert (await node.ask(Action.GET, "a")).values == [None]


@pytest.mark.feature("ORM-26")
async def test_a_list_message_brings_several_items(store: SqlOrm, models: Any) -> None:
    """A list of the model is unpacked; a model with an attribute called list is not."""
    async with active(FakeNode(models, ROOTS), orm_sla(KEY, pb.TestProto, store)) as running:
        items = [pb.TestProto(myString=name) for name in "ab"]
        answer = await running.ask(Action.POST, pb.TestProtoList(list=items))
        assert [entry.key for entry in answer] == ["a", "b"]
        assert (await running.ask(Action.GET, "b")).values == [items[1]]


async def test_what_is_of_another_model_is_refused(node: FakeNode) -> None:
    """Items, examples and queries."""
    requests: list[tuple[Action, object]] = [
        (Action.POST, Tree("a")),
        (Action.GET, Tree("a")),
        (Action.GET, asking("select * from Tree")),
        (Action.DELETE, asking("select * from Tree")),
        (Action.GET, FakeElements()),
        (Action.DELETE, FakeElements()),
    ]
    for action, payload in requests:
        with pytest.raises(InvalidInputError):
            (await node.ask(action, payload)).raise_for_error()


@pytest.mark.feature("ORM-20")
async def test_a_caller_sees_and_changes_only_what_he_may_see(node: FakeNode) -> None:
    """Pages, examples, writes and deletes are bound to the scope; the network itself is not."""
    await node.ask(Action.POST, *(Thing(f"t{n}", count=n) for n in range(6)))
    node.scope = lambda who, item: item if who == "ann" and item.count % 2 else None
    sla = orm_sla(KEY, Thing, node.service._orm)  # type: ignore[union-attr]
    async with active(node, sla):
        node.identity = "ann"
        page = await node.ask(Action.GET, asking("select * from Thing limit 2 page 1"))
        assert [cast("Thing", item).id for item in page.values] == ["t5"]
        assert page.to_page().total == 3
        with pytest.raises(NotFoundError):
            (await node.ask(Action.GET, Thing("t2"))).raise_for_error()
        assert (await node.ask(Action.DELETE, "t2")).values == [None]
        for action in (Action.POST, Action.PUT, Action.PATCH):
            with pytest.raises(PermissionDeniedError, match="'ann' may not"):
                (await node.ask(action, Thing("t2", count=1))).raise_for_error()
        await node.ask(Action.PUT, Thing("t1", count=7))
        deleted = await node.ask(Action.DELETE, asking("select * from Thing"))
        assert deleted.to_page().total == 3
        node.identity = ""
        left = await node.ask(Action.GET, asking("select * from Thing"))
        assert [cast("Thing", item).id for item in left.values] == ["t0", "t2", "t4"]


@dataclass
class FakeHook:
    """Stops what is called stop, renames the rest, hides what is called hidden."""

    after_: list[object] = field(default_factory=list)

    async def before(self, item: Any, call: Call) -> HookResult:
        if not isinstance(item, Thing):
            return HookResult()
        if item.name == "fail":
            raise InvalidInputError("not this one")
        if item.name == "stop":
            return HookResult(proceed=False)
        return HookResult(Thing(item.id, name="seen", parts=[Part("hook")]))

    async def after(self, item: Any, call: Call) -> HookResult:
        self.after_.append(item)
        return HookResult(proceed=item.id != "hidden")


@pytest.mark.feature("ORM-27")
async def test_a_hook_changes_stops_and_refuses(store: SqlOrm, models: Any) -> None:
    """Before a write it decides, after it and on reads it sees the item."""
    hook = FakeHook()
    sla = orm_sla(KEY, Thing, store, hook=hook)
    async with active(FakeNode(models, ROOTS), sla) as node:
        answer = await node.ask(Action.POST, Thing("a"), Thing("b", name="stop"), Thing("hidden"))
        assert [entry.key for entry in answer] == ["a", "hidden"]
        changed = Thing("a", name="seen", parts=[Part("hook")])
        assert hook.after_[0] == changed
        assert (await node.ask(Action.GET, asking("select * from Thing"))).values == [changed]
        with pytest.raises(InvalidInputError, match="not this one"):
            (await node.ask(Action.PUT, Thing("c", name="fail"))).raise_for_error()
        assert (await node.ask(Action.GET, "b")).values == [None]


async def test_an_inactive_service_refuses(store: SqlOrm, models: Any) -> None:
    """Before activation and after deactivation; the store stays open."""
    service = OrmService(store)
    node = FakeNode(models, ROOTS, service=service)
    with pytest.raises(ClosedError):
        (await node.ask(Action.GET, "a")).raise_for_error()
    bare = ServiceLevelAgreement(name="x", handler=OrmService, stateful=False)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="no model"):
        await service.activate(bare, node.vnic)
    async with active(node, orm_sla(KEY, Thing, store)):
        assert (await node.ask(Action.POST, Thing("a"))).error == ""
    with pytest.raises(ClosedError):
        (await node.ask(Action.GET, "a")).raise_for_error()
    assert await store.storage(Thing).get("a") == Thing("a")


async def test_news_of_other_instances_change_nothing(
    node: FakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is the truth; a message that came back is logged."""
    assert node.service is not None
    await node.ask(Action.POST, Thing("a"))
    elements = cast("Any", FakeElements())
    await node.service.notify(elements, node.call(Action.NOTIFY))
    await node.service.failed(elements, node.call(Action.NOTIFY))
    assert "came back undelivered" in caplog.text
    assert (await node.ask(Action.GET, "a")).values == [Thing("a")]
