# SPDX-License-Identifier: Apache-2.0
"""Transactional services as callers and neighbours see them, over a real network."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8services import BaseService
from l8test.models import SAMPLES
from l8test.transactional import TransactionalCountingService, transactional_sla
from l8test.wait import until
from l8types.enums import Action, Durability, MulticastMode
from l8types.errors import ConflictError, NotFoundError
from l8types.protocols.services import Call, HookResult
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8test.network import Network, NetworkNode
    from l8types.protocols.data import Elements
    from l8types.protocols.services import ServiceHook

SAMPLE = SAMPLES[1]
TESTS = ServiceKey("Tests", 1)


def records(hook: ServiceHook | None = None) -> ServiceLevelAgreement:
    """The ready-made service for sample records, with transactions."""
    return ServiceLevelAgreement(
        name=TESTS.name,
        area=TESTS.area,
        handler=BaseService,
        model=SAMPLE.model,
        primary_keys=("MyString",),
        transactional=True,
        durability=Durability.MEMORY,
        hook=hook,
    )


class Picky:
    """Refuses what has a certain number, when the write is about to be made."""

    async def before(self, item: object, call: Call) -> HookResult:
        if isinstance(item, SAMPLE.model) and SAMPLE.read(item, "my_int32") == 13:
            raise ConflictError("13 is not wanted")
        return HookResult()

    async def after(self, item: object, call: Call) -> HookResult:
        return HookResult()


async def call(node: NetworkNode, action: Action, *items: object, who: str = "") -> Elements:
    """Call the service through a node, in the name of somebody."""
    content = node.resources.elements.of(*items)
    services = node.resources.services
    return await services.call(TESTS, action, content, node.vnic, identity=who)


async def numbers(node: NetworkNode, who: str = "") -> dict[object, object]:
    """Keys and numbers of all items, as a node shows them to somebody."""
    question = node.resources.elements.query(SAMPLE.query())
    answer = await node.resources.services.call(
        TESTS, Action.GET, question, node.vnic, identity=who
    )
    return {SAMPLE.read(item, "my_string"): SAMPLE.read(item, "my_int32") for item in answer.values}


def record(key: str, number: int) -> object:
    """An item."""
    return SAMPLE.make(my_string=key, my_int32=number)


@pytest.mark.parametrize("action", [Action.POST, Action.PUT, Action.PATCH])
async def test_a_write_over_an_item_that_is_refused_keeps_the_old_one(
    l8_network: Callable[..., Network], action: Action
) -> None:
    """W-12: on all instances; a POST over an item is no exception."""
    async with l8_network(nodes=2) as net:
        await net.activate(records(Picky()))
        first, second = net.node(1, 1), net.node(1, 2)
        await call(first, Action.POST, record("a", 1), record("b", 2))
        with pytest.raises(ConflictError, match="13 is not wanted"):
            await call(second, action, record("a", 7), record("b", 13))
        for node in (first, second):
            assert await numbers(node) == {"a": 1, "b": 2}


@pytest.mark.parametrize("action", [Action.PUT, Action.PATCH])
async def test_a_write_of_an_absent_item_adds_it(
    l8_network: Callable[..., Network], action: Action
) -> None:
    """W-13: in a transaction as without one; when it is refused, the item stays absent."""
    async with l8_network(nodes=2) as net:
        await net.activate(records(Picky()))
        first, second = net.node(1, 1), net.node(1, 2)
        await call(second, action, record("new", 3))
        with pytest.raises(ConflictError):
            await call(second, action, record("newer", 4), record("x", 13))
        for node in (first, second):
            assert await numbers(node) == {"new": 3}
        await call(first, Action.DELETE, record("new", 0))
        assert await numbers(second) == {}


async def test_reads_of_transactional_services_are_scoped(
    l8_network: Callable[..., Network],
) -> None:
    """W-15: whichever instance answers, a caller gets what it may see."""
    async with l8_network(nodes=2) as net:
        await net.activate(records())
        first, second = net.node(1, 1), net.node(1, 2)
        await call(first, Action.POST, record("a", 1), record("secret", 2))
        for node in (first, second):

            def scope_item(identity: str, item: object) -> object | None:
                return None if identity == "eve" and item == record("secret", 2) else item

            def scope_view(identity: str, elements: Elements, node: NetworkNode = node) -> Elements:
                kept = [item for item in elements.values if scope_item(identity, item) is not None]
                return node.resources.elements.of(*kept)

            security = node.resources.security
            security.scope_item = scope_item  # type: ignore[method-assign]
            security.scope_view = scope_view  # type: ignore[method-assign]
        both = record("a", 0), record("secret", 0)
        for node in (first, second):
            assert len((await call(node, Action.GET, *both)).values) == 2
            seen = await call(node, Action.GET, both[0], who="eve")
            assert list(seen.values) == [record("a", 1)]
            with pytest.raises(NotFoundError):
                await call(node, Action.GET, both[1], who="eve")
            assert await numbers(node, "eve") == {"a": 1}
            assert len(await numbers(node, "ann")) == 2


@pytest.mark.feature("l8services:TRX-10")
async def test_a_write_that_nobody_waits_for(l8_network: Callable[..., Network]) -> None:
    """A message that asks for no answer starts a transaction: it is on all instances, or on none.

    Whoever sent it goes on at once, and is not told what became of it; the log is.
    """
    async with l8_network(nodes=3) as net:
        handlers = cast(
            "list[TransactionalCountingService]",
            await net.activate(transactional_sla(model=SAMPLE.model)),
        )
        vnic = net.node(1, 3).vnic

        async def send(number: int) -> None:
            item = SAMPLE.build(number)
            await vnic.send(MulticastMode.PROXIMITY, TESTS.name, TESTS.area, Action.POST, item)

        for number in range(5):
            await send(number)
        expected = [f"string-{number}" for number in range(5)]
        await until(lambda: [sorted(one.items) for one in handlers] == [expected] * 3)
        assert all(set(one.changed.values()) == {1} for one in handlers)
        handlers[1].failing = True
        await send(7)
        await until(lambda: any("told to fail" in r.getMessage() for r in net.log.records))
        handlers[1].failing = False
        await send(8)
        await until(lambda: all("string-8" in one.items for one in handlers))
        assert not any("string-7" in one.items for one in handlers)


@pytest.mark.feature("l8services:BAS-05")
async def test_no_notifications_among_instances(l8_network: Callable[..., Network]) -> None:
    """Instances of a transactional service make the same changes; nobody tells them of any."""
    agreement = records()
    async with l8_network(nodes=2) as net:
        await net.activate(agreement)
        first, second = net.node(1, 1), net.node(1, 2)
        key = agreement.key
        for number in range(5):
            content = first.resources.elements.of(SAMPLE.build(number))
            await first.resources.services.call(key, Action.POST, content, first.vnic)
        content = second.resources.elements.of(*map(SAMPLE.build, range(5)))
        found = await second.resources.services.call(key, Action.GET, content, second.vnic)
        assert len(found.values) == 5
        assert net.messages.total(service=key, action=Action.NOTIFY) == 0
