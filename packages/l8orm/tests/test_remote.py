# SPDX-License-Identifier: Apache-2.0
"""A store that is a service on another node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from l8orm import RemoteStorage, SqlOrmFactory, orm_sla
from l8orm import _remote as remote_module
from l8types.enums import Action, DecoratorType
from l8types.errors import ClosedError, InvalidInputError, UnavailableError
from l8types.values import ServiceKey

from .models import Part, Thing, Tree
from .network import FakeNode, active

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.protocols.stores import Storage

KEY = ServiceKey("things", 3)


@dataclass
class Pair:
    """A model with a key of two attributes."""

    name: str
    number: int


ROOTS: dict[str, type] = {"Thing": Thing, "Pair": Pair}


@pytest.fixture
async def node(models: Any, request: pytest.FixtureRequest) -> AsyncIterator[FakeNode]:
    """A node at the other end of a network, where a service keeps items."""
    model = getattr(request, "param", Thing)
    models.decorate(Pair, DecoratorType.PRIMARY, "name", "number")
    opened = await SqlOrmFactory(models).open("sqlite://")
    async with active(FakeNode(models, ROOTS), orm_sla(KEY, model, opened)) as running:
        yield running
    await opened.aclose()


async def test_items_are_put_got_and_deleted(node: FakeNode) -> None:
    """Each by one request to the nearest instance."""
    storage: Storage = RemoteStorage(node.vnic, KEY, Thing)
    item = Thing("a", count=3, parts=[Part("p")])
    assert await storage.get("a") is None
    await storage.put("a", item)
    await storage.put("a", item)
    assert await storage.get("a") == item
    assert await storage.delete("a") == item
    assert await storage.delete("a") is None
    actions = [Action.GET, Action.PUT, Action.PUT, Action.GET, Action.DELETE, Action.DELETE]
    assert node.asked == [("PROXIMITY things 3", action) for action in actions]


async def test_many_items_are_few_requests(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many items as a page has go with one request, and the others with the next."""
    monkeypatch.setattr(remote_module, "PAGE_SIZE", 10)
    storage: Storage = RemoteStorage(node.vnic, KEY, Thing)
    items = {f"t{n:02}": Thing(f"t{n:02}", count=n) for n in range(25)}
    await storage.put_many(list(items.items()))
    assert node.asked == [("PROXIMITY things 3", Action.PUT)] * 3
    assert {key: item async for key, item in storage.items()} == items
    await storage.delete_many([*items, "unknown"])
    assert [entry async for entry in storage.items()] == []


async def test_all_items_come_in_key_order(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, and none is missed when others are deleted meanwhile."""
    monkeypatch.setattr(remote_module, "PAGE_SIZE", 10)
    await node.ask(Action.POST, *(Thing(f"t{n:02}") for n in range(25)))
    storage = RemoteStorage(node.vnic, KEY, Thing)
    keys = []
    async for key, item in storage.items():
        assert item == Thing(key)
        keys.append(key)
        if key == "t09":
            await node.ask(Action.DELETE, "t00", "t01", "t15")
    assert keys == [f"t{n:02}" for n in range(25) if n != 15]
    assert len(node.asked) == 3


async def test_no_items_are_no_items(node: FakeNode) -> None:
    """An empty answer, with the empty entry that some nodes put into it."""
    storage = RemoteStorage(node.vnic, KEY, Thing)
    assert [entry async for entry in storage.items()] == []


@pytest.mark.parametrize("node", [Pair], indirect=True)
async def test_a_key_of_several_attributes_is_read_by_page_number(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun again when items were deleted, and none is given twice."""
    monkeypatch.setattr(remote_module, "PAGE_SIZE", 10)
    await node.ask(Action.POST, *(Pair(f"p{n:02}", n) for n in range(25)))
    keys = []
    async for entry in RemoteStorage(node.vnic, KEY, Pair).items():
        keys.append(entry[0])
        if len(keys) == 10:
            await node.ask(Action.DELETE, "p000", "p011")
    assert keys == [f"p{n:02}{n}" for n in range(25)]


@pytest.mark.parametrize("node", [Pair], indirect=True)
async def test_reading_that_cannot_end_gives_up(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items that are deleted before each request."""
    monkeypatch.setattr(remote_module, "PAGE_SIZE", 2)
    await node.ask(Action.POST, *(Pair(f"p{n:03}", n) for n in range(100)))
    gone = iter(range(99, 0, -1))

    async def delete(at: FakeNode) -> None:
        number = next(gone)
        await at.ask(Action.DELETE, f"p{number:03}{number}")

    node.before_request = delete
    with pytest.raises(UnavailableError, match="deleted meanwhile"):
        [entry async for entry in RemoteStorage(node.vnic, KEY, Pair).items()]


async def test_what_is_not_its_own_is_refused(node: FakeNode) -> None:
    """Other models, other keys, and calls after closing."""
    storage = RemoteStorage(node.vnic, KEY, Thing)
    with pytest.raises(InvalidInputError, match="Tree"):
        await storage.put("a", Tree("a"))
    with pytest.raises(InvalidInputError, match="'a'"):
        await storage.put("b", Thing("a"))
    with pytest.raises(InvalidInputError):
        await storage.put("a", Thing("a", count=2**63))
    await storage.aclose()
    with pytest.raises(ClosedError):
        await storage.get("a")
    assert [action for _, action in node.asked] == [Action.PUT]
