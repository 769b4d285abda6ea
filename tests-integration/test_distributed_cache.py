# SPDX-License-Identifier: Apache-2.0
"""The distributed cache at nine nodes behind three switches, and services in trouble."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from l8services import BaseService
from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    RemoteError,
    RequestTimeoutError,
)
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, load_settings, make_switch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ServiceHandler
    from l8types.values import NodeInfo

BASE = ServiceKey("base")


@dataclass
class Sample:
    """What is kept."""

    name: str = ""
    level: int = 0


class Network:
    """Switches that are linked, and nodes behind them in turn."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.ports: list[int] = []
        self.nodes: list[Node] = []

    async def switch(self) -> None:
        """One more switch, linked to the others."""
        settings = load_settings(
            alias=f"vnet-{len(self.ports)}", port=0, data_directory=self._folder, environment={}
        )
        switch = await self._stack.enter_async_context(make_switch(settings))
        for port in self.ports:
            await switch.connect("127.0.0.1", port)
        self.ports.append(switch.port)

    async def node(self) -> Node:
        """One more node, entered until it is left or the network is."""
        settings = load_settings(
            alias=f"node-{len(self.nodes)}",
            port=self.ports[len(self.nodes) % len(self.ports)],
            data_directory=self._folder,
            environment={},
        )
        node = Node(settings=settings, bring_switch=False)
        await self._stack.enter_async_context(node)
        self.nodes.append(node)
        return node


@asynccontextmanager
async def network(folder: Path, switches: int = 1) -> AsyncIterator[Network]:
    """A network without nodes."""
    async with AsyncExitStack() as stack:
        made = Network(stack, folder)
        for _ in range(switches):
            await made.switch()
        yield made


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def serve(node: Node, *, initial: Sequence[object] = (), model: type = Sample) -> BaseService:
    """Activate the service."""
    sla = ServiceLevelAgreement(
        name=BASE.name,
        handler=BaseService,
        model=model,
        primary_keys=("name",),
        initial_items=tuple(initial),
    )
    return cast("BaseService", await node.activate(sla))


def seen(node: Node, uuid: str) -> NodeInfo:
    """A node as another one knows it."""
    info = node.vnic.directory.node(uuid)
    assert info is not None
    return info


@pytest.mark.feature("DCH-01", "l8services:NTF-01", "l8services:REC-01", "l8types:TYP-21")
@pytest.mark.feature("SVC-09", "SVC-10", "SVC-13")
async def test_nine_caches_hold_the_same_and_so_does_one_that_is_replaced(tmp_path: Path) -> None:
    """T-11: ten posts at one node are at all nine within a second.

    T-12: a node is replaced by a new one, which has them within ten seconds. T-13: a node that
    deactivates the service is listed without it everywhere within five. The health record of a node
    lists its services, at itself, at the others and at switches.
    """
    async with network(tmp_path, switches=3) as net:
        nodes = [await net.node() for _ in range(9)]
        services = [await serve(node) for node in nodes]
        everybody = sorted(node.vnic.uuid for node in nodes)
        await until(
            lambda: all(sorted(node.vnic.directory.providers(BASE)) == everybody for node in nodes)
        )
        await nodes[0].post("base", [Sample(f"sample-{n}", n) for n in range(10)])
        await until(lambda: all(len(service) == 10 for service in services), 1.0)
        assert all(dict(one.items()) == dict(services[0].items()) for one in services)

        replaced = nodes[5]
        assert BASE in seen(replaced, replaced.vnic.uuid).services
        await replaced.resources.services.deactivate(BASE)
        await until(lambda: all(BASE not in seen(n, replaced.vnic.uuid).services for n in nodes), 5)
        newcomer = await net.node()
        joined = await serve(newcomer)
        await until(lambda: len(joined) == 10, 10.0)
        assert seen(newcomer, newcomer.vnic.uuid).services[BASE] == "Sample"
        await until(lambda: BASE in seen(nodes[0], newcomer.vnic.uuid).services)


@pytest.mark.feature("DCH-01", "DCH-03", "BAS-06")
async def test_one_cache_behaves_like_a_dictionary(tmp_path: Path) -> None:
    """T-14: post, get, put, patch and delete of one item. T-15: what is got is a copy.

    T-16: many at once without an error, a hundred replaced, fifty deleted. T-18: none is refused.
    T-19: initial items are there from the start.
    """
    async with network(tmp_path) as net:
        node = await net.node()
        cache = await serve(node, initial=[Sample(f"initial-{n}") for n in range(5)])
        assert sorted(dict(cache.items())) == [f"initial-{n}" for n in range(5)]
        await node.delete("base", [Sample(f"initial-{n}") for n in range(5)])

        await node.post("base", Sample("one", 1))
        assert (len(cache), cache.item("one")) == (1, Sample("one", 1))
        with pytest.raises(NotFoundError):
            await node.vnic.request(MulticastMode.LOCAL, "base", 0, Action.GET, Sample("unknown"))
        await node.put("base", Sample("one", 2))
        assert (len(cache), cache.item("one")) == (1, Sample("one", 2))
        await node.patch("base", Sample("one", 3))
        first, second = cache.item("one"), cache.item("one")
        assert first == second == Sample("one", 3)
        first.level = 99
        assert second == cache.item("one") == Sample("one", 3)
        await node.delete("base", Sample("one"))
        assert len(cache) == 0

        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(node.post("base", Sample(f"many-{number}")))
            reads = [group.create_task(node.get("select * from Sample")) for _ in range(25)]
        assert (len(cache), len(reads)) == (50, 25)
        for action in (Action.POST, Action.PUT):
            items = [Sample(f"item-{number:03}", action) for number in range(1, 101)]
            await node.call(BASE, action, items)
        assert len(cache) == 150
        await node.delete("base", [Sample(f"item-{number:03}") for number in range(1, 51)])
        await node.delete("base", [Sample(f"many-{number}") for number in range(50)])
        names = [f"item-{number:03}" for number in range(51, 101)]
        assert sorted(dict(cache.items())) == names

        for action in (Action.POST, Action.PUT, Action.PATCH, Action.DELETE):
            with pytest.raises(L8Error):
                await node.call(BASE, action, [None])
        assert len(cache) == 50


@pytest.mark.feature("l8services:NTF-01", "DCH-02")
async def test_each_change_is_told_once(tmp_path: Path) -> None:
    """T-17: post, put, patch and delete reach a listener at another node as four changes."""
    async with network(tmp_path) as net:
        one, two = await net.node(), await net.node()
        await serve(one)
        cache = await serve(two)
        await until(lambda: len(one.vnic.directory.providers(BASE)) == 2)
        source = one.vnic.uuid

        def told(number: int) -> bool:
            return cache.changes_seen().get(source) == number

        for number, (action, level) in enumerate(
            [(Action.POST, 1), (Action.PUT, 2), (Action.PATCH, 3), (Action.DELETE, 0)], start=1
        ):
            await one.call(BASE, action, Sample("one", level))
            await until(partial(told, number))
        assert cache.changes_seen() == {source: 4, two.vnic.uuid: 0}
        assert len(cache) == 0


def version_two() -> Callable[..., object]:
    """The model of a later version, with an attribute more."""

    @dataclass
    class Sample:
        name: str = ""
        level: int = 0
        colour: str = ""

    return Sample


async def test_nodes_of_two_versions_of_a_model_do_not_harm_each_other(tmp_path: Path) -> None:
    """What the older one does not know it leaves out or refuses with a reason; both go on."""
    later = version_two()
    async with network(tmp_path) as net:
        old, new = await net.node(), await net.node()
        older = await serve(old)
        newer = await serve(new, model=cast("type", later))
        await until(lambda: len(old.vnic.directory.providers(BASE)) == 2)
        await new.post("base", later("one", 1, "red"))
        await old.post("base", Sample("two", 2))
        await until(lambda: len(newer) == 2)
        assert newer.item("two") == later("two", 2)
        assert newer.item("one") == later("one", 1, "red")
        await old.patch("base", Sample("two", 3))
        await until(lambda: newer.item("two") == later("two", 3))
        assert (await old.get("select * from Sample where name=two")) == [Sample("two", 3)]
        await until(lambda: older.item("one") == Sample("one", 1))


class Trouble:
    """A service that does what it should not."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Nothing is needed."""

    async def deactivate(self) -> None:
        """Nothing is held."""

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Fine."""
        return call.vnic.resources.elements.of(1)

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Hang."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return elements

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Fail."""
        raise ZeroDivisionError("a fault of the author")

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Answer nonsense."""
        return cast("Elements", "nonsense")

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Answer nothing."""
        return cast("Elements", None)


async def test_service_stays_up_whatever_its_handler_does(tmp_path: Path) -> None:
    """A handler hangs, fails, answers nonsense: the caller gets a clear error, others are served.

    A hanging call ends when the caller's time is over, so that nothing piles up.
    """
    trouble = Trouble()
    sla = ServiceLevelAgreement(
        name="trouble", handler=lambda: cast("ServiceHandler", trouble), stateful=False
    )
    async with network(tmp_path) as net:
        provider, caller = await net.node(), await net.node()
        await provider.activate(sla)
        with pytest.raises(ConflictError, match="active already"):
            await provider.activate(ServiceLevelAgreement(name="trouble", handler=sla.handler))
        await until(lambda: caller.vnic.directory.providers(sla.key))

        async def ask(action: Action) -> Elements:
            return await caller.vnic.request(
                MulticastMode.PROXIMITY, "trouble", 0, action, "one", timeout=0.5
            )

        for action, error in (
            (Action.POST, RequestTimeoutError),
            (Action.PUT, RemoteError),
            (Action.PATCH, L8Error),
            (Action.DELETE, L8Error),
        ):
            with pytest.raises(error):
                await ask(action)
            assert list((await ask(Action.GET)).values) == [1]
        await until(trouble.cancelled.is_set)


async def test_missing_keys_are_errors_of_their_items(tmp_path: Path) -> None:
    """An item without a key is refused with a reason, and the others are kept."""
    async with network(tmp_path) as net:
        node = await net.node()
        cache = await serve(node)
        with pytest.raises(InvalidInputError, match="key") as raised:
            await node.post("base", [Sample("one"), Sample("", 7), Sample("two")])
        assert sorted(dict(cache.items())) == ["one", "two"]
        answer = raised.value.answer
        assert answer is not None
        assert [bool(entry.error) for entry in answer] == [False, True, False]
