# SPDX-License-Identifier: Apache-2.0
"""Replicated services on a real network: nine nodes behind three switches, two of them per item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import pytest

from l8services import BaseService
from l8test.wait import until
from l8types.enums import Action, Durability, MulticastMode
from l8types.errors import NotFoundError
from l8types.pb import L8ReplicationIndex
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8test.network import Network
    from l8test.network import NetworkNode as Node
    from l8types.protocols.data import Elements

TESTS: Final = ServiceKey("Tests", 2)
REPLICAS: Final = ServiceKey("Replicas")
ITEMS: Final = 30


@dataclass
class Thing:
    """An item."""

    id: str = ""
    value: int = 0
    kind: str = ""


AGREEMENT: Final = ServiceLevelAgreement(
    name=TESTS.name,
    area=TESTS.area,
    handler=BaseService,
    model=Thing,
    primary_keys=("id",),
    transactional=True,
    durability=Durability.MEMORY,
    replication_count=2,
)


async def ask(node: Node, action: Action, *values: object, key: ServiceKey = TESTS) -> Elements:
    """Call a service from a node, as a client anywhere does."""
    answer = await node.vnic.request(
        MulticastMode.PROXIMITY, key.name, key.area, action, list(values)
    )
    return answer.raise_for_error()


async def query(node: Node, text: str) -> Elements:
    """Ask a query."""
    question = node.resources.elements.query(text)
    return await node.vnic.request(
        MulticastMode.PROXIMITY, TESTS.name, TESTS.area, Action.GET, question
    )


async def where(node: Node) -> dict[str, set[str]]:
    """Nodes by key, as the index of a node tells."""
    asked = L8ReplicationIndex(service_name=TESTS.name, service_area=TESTS.area)
    services = node.resources.services
    content = node.resources.elements.of(asked)
    answer = await services.call(REPLICAS, Action.GET, content, node.vnic)
    index = cast("L8ReplicationIndex", answer.first)
    return {key: set(place.location) for key, place in index.keys.items()}


async def spread(net: Network) -> bool:
    """Whether all nodes know the same two holders of each item, and just these have it."""
    having: dict[str, set[str]] = {}
    for node in net.nodes.values():
        for key in cast("BaseService", node.handler(TESTS)).collect(lambda _: True):
            having.setdefault(key, set()).add(node.uuid)
    known = [await where(node) for node in net.nodes.values()]
    two = all(len(nodes) == 2 for nodes in having.values())
    return two and all(places == having for places in known)


async def eventually(net: Network) -> None:
    """Wait until items are spread as they are to be."""
    await until(lambda: spread(net), 30.0, message="two holders of each item")


@pytest.mark.feature("l8services:REP-01", "REP-02", "REP-04", "REP-05")
async def test_two_of_nine(l8_network: Callable[..., Network]) -> None:
    """Items are spread evenly, found from everywhere, and moved when nodes leave."""
    async with l8_network(switches=3, nodes=3) as net:
        await net.activate(AGREEMENT)
        first, last = net.node(1, 1), net.node(3, 3)
        for number in range(ITEMS):
            kind = "even" if number % 2 == 0 else "odd"
            await ask(first, Action.POST, Thing(f"t{number:02}", number, kind))
        await eventually(net)
        loads = [len(cast("BaseService", one)) for one in net.handlers(TESTS)]
        assert sum(loads) == 2 * ITEMS
        assert max(loads) - min(loads) <= 1
        before = await where(first)
        await ask(last, Action.PATCH, Thing("t07", 700))
        assert (await ask(first, Action.GET, "t07")).first == Thing("t07", 700, "odd")
        assert await where(first) == before
        for node in (net.node(2, 1), net.node(2, 2)):
            await net.stop(node)
            await check(first)
            await check(last)
        await eventually(net)
        await ask(first, Action.DELETE, "t07")
        with pytest.raises(NotFoundError):
            await ask(last, Action.GET, "t07")


@pytest.mark.feature("l8services:REP-04")
async def test_a_node_joins(l8_network: Callable[..., Network]) -> None:
    """A node that comes gets its share of what was there before; nobody misses anything."""
    async with l8_network(switches=2, nodes=2) as net:
        await net.activate(AGREEMENT)
        first = net.node(1, 1)
        things = [Thing(f"t{n:02}", n, "even" if n % 2 == 0 else "odd") for n in range(ITEMS)]
        things[7].value = 700
        await ask(first, Action.POST, *things)
        await eventually(net)
        fresh = cast("BaseService", (await net.renew(net.node(2, 2))).handler(TESTS))

        async def shared() -> bool:
            await check(first)
            loads = [len(cast("BaseService", one)) for one in net.handlers(TESTS)]
            return max(loads) - min(loads) <= 1 and len(fresh) == min(loads)

        await until(shared, 30.0, message="a share for the new node")
        await eventually(net)
        await check(first)


async def check(node: Node) -> None:
    """All items are there, in whatever way they are asked for."""
    for number in range(0, ITEMS, 8):
        assert cast("Thing", (await ask(node, Action.GET, f"t{number:02}")).first).value == number
    answer = await query(node, "select * from Thing where kind='even' sort-by value limit 4 page 1")
    assert [cast("Thing", item).value for item in answer.values] == [8, 10, 12, 14]
    assert answer.metadata is not None
    assert answer.metadata.key_count.counts["Total"] == ITEMS // 2
    # Sorted by what is not selected, and about one key only.
    answer = await query(
        node, "select id from Thing where kind='even' sort-by value limit 2 page 2"
    )
    assert list(answer.values) == [Thing("t08"), Thing("t10")]
    for text in (
        "select * from Thing where id='t16' match-case",
        "select * from Thing where id='t16'",
        "select * from Thing where kind='even' and id='T16'",
    ):
        answer = await query(node, text)
        assert list(answer.values) == [Thing("t16", 16, "even")]
    assert not len(await query(node, "select * from Thing where id='T16' match-case"))
    assert not len(await query(node, "select * from Thing where id='t16' and kind='odd'"))
    assert answer.metadata is not None
    assert answer.metadata.key_count.counts["Total"] == 1
    answer = await query(node, "select count(*) as n, min(value) as m from Thing where value>7")
    assert list(answer.values) == [{"n": ITEMS - 7, "m": 8}]
    assert answer.metadata is not None
    assert answer.metadata.key_count.counts["n"] == ITEMS - 7
    answer = await query(node, "select count(*) as n, sum(value) as s from Thing where value>999")
    assert list(answer.values) == [{"n": 0, "s": None}]
    answer = await query(
        node, "select kind, count(*) as n, sum(value) as s from Thing group-by kind"
    )
    found = {
        row["kind"]: (row["n"], row["s"]) for row in cast("list[dict[str, object]]", answer.values)
    }
    assert found["even"] == (15, 210)
    assert found["odd"] == (15, 225 - 7 + 700)
