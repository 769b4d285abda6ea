# SPDX-License-Identifier: Apache-2.0
"""Services in trouble over a network: a clear error, the service stays up, nothing is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING, cast

import pytest
from typing_extensions import override

from l8services import BaseService
from l8test.services import CountingService, counting_sla
from l8test.wait import until
from l8types.enums import Action
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    L8Error,
    RemoteError,
    RequestTimeoutError,
)
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8test.network import Network, NetworkNode
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

TESTS, NOTES = ServiceKey("Tests"), ServiceKey("Notes")


class Troubled(CountingService):
    """Hangs, raises or answers with nonsense, by verb; POST is sound."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = 0

    @override
    async def get(self, elements: Elements, call: Call) -> Elements:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return elements

    @override
    async def put(self, elements: Elements, call: Call) -> Elements:
        raise KeyError("a fault of the author")

    @override
    async def patch(self, elements: Elements, call: Call) -> Elements:
        return cast("Elements", [])

    @override
    async def delete(self, elements: Elements, call: Call) -> Elements:
        return cast("Elements", None)


async def ask(
    node: NetworkNode, target: NetworkNode, action: Action, timeout: float = 10.0
) -> object:
    """One request to the sample service of a node."""
    answer = await node.vnic.request(target.uuid, "Tests", 0, action, ["x"], timeout=timeout)
    return answer.first


async def test_a_troubled_handler_troubles_its_callers_only(
    l8_network: Callable[..., Network],
) -> None:
    """Each of them is told, in time; the service goes on, and its node with it."""
    async with l8_network(nodes=2, level=logging.ERROR) as net:
        user, server = net.node(1, 1), net.node(1, 2)
        service = Troubled()
        await server.activate(counting_sla(service))
        await until(lambda: server.uuid in user.vnic.directory.providers(TESTS))
        for action in (Action.PUT, Action.PATCH, Action.DELETE):
            with pytest.raises(RemoteError, match=rf"failed on {action.name}; the log of node"):
                await ask(user, server, action)
            assert await ask(user, server, Action.POST) == "x"
        async with asyncio.TaskGroup() as group:
            hanging = group.create_task(refused(ask(user, server, Action.GET, timeout=1.0)))
            assert await ask(user, server, Action.POST) == "x"
            assert not hanging.done()
        assert isinstance(hanging.result(), RequestTimeoutError)
        await until(lambda: service.cancelled == 1, message="the handler is told, too")
        content = server.resources.elements.of("x")
        with pytest.raises(RequestTimeoutError, match=r"did not answer GET within 0\.1 s"):
            await server.resources.services.call(
                TESTS, Action.GET, content, server.vnic, timeout=0.1
            )
        assert service.cancelled == 2
        told = [record for record in net.log.records if record.exc_info]
        assert len(told) == 3
        assert await ask(user, server, Action.POST) == "x"


async def refused(work: object) -> L8Error | None:
    """The error with which a request ends."""
    try:
        await work  # type: ignore[misc]
    except L8Error as error:
        return error
    return None


async def test_a_second_activation_leaves_the_first_alone(
    l8_network: Callable[..., Network],
) -> None:
    """Under another agreement it is a conflict, at once or while the first one starts."""
    async with l8_network(nodes=1) as net:
        node = net.node(1, 1)
        first = CountingService()
        await node.activate(counting_sla(first))
        with pytest.raises(ConflictError, match="active already; deactivate it first"):
            await node.activate(counting_sla(CountingService()))
        await ask(node, node, Action.POST)
        assert first.counts[Action.POST] == 1
        two = [counting_sla(CountingService(), name="Both") for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(refused(node.activate(sla))) for sla in two]
        assert [type(task.result()) for task in tasks].count(ConflictError) == 1


def note(**fields: type) -> type:
    """A model called ``Note`` with a key, and these fields."""
    defaults = [(name, kind, dataclasses.field(default=kind())) for name, kind in fields.items()]
    return dataclasses.make_dataclass("Note", [("key", str, ""), *defaults])


def notes(model: type) -> ServiceLevelAgreement:
    """The ready-made service for a model."""
    return ServiceLevelAgreement(
        name="Notes", handler=BaseService, model=model, primary_keys=("key",)
    )


async def call(node: NetworkNode, action: Action, *items: object) -> Elements:
    """Call the service of notes on a node."""
    content = node.resources.elements.of(*items)
    return await node.resources.services.call(NOTES, action, content, node.vnic)


async def test_a_missing_key_fails_its_item_alone(l8_network: Callable[..., Network]) -> None:
    """The other items of the write are there, on both nodes."""
    model = note(text=str)
    async with l8_network(nodes=2) as net:
        first, second = net.node(1, 1), net.node(1, 2)
        await net.activate(notes(model))
        with pytest.raises(InvalidInputError) as told:
            await call(first, Action.POST, model("a"), model(""), model("b"))
        assert told.value.answer is not None
        assert [bool(entry.error) for entry in told.value.answer] == [False, True, False]
        await until(lambda: held(second) == {"a": "", "b": ""})


def held(node: NetworkNode) -> dict[str, object]:
    """Keys and texts of the items that a node has."""
    service = cast("BaseService", node.handler(NOTES))
    return service.collect(lambda item: getattr(item, "text"))  # noqa: B009 - made at run time


async def test_versions_of_a_model_live_side_by_side(l8_network: Callable[..., Network]) -> None:
    """A node with an older model keeps what it knows of an item; the newer ones lose nothing."""
    old, new = note(text=str), note(text=str, stars=int)
    async with l8_network(nodes=3) as net:
        ahead, behind, other = (net.node(1, number) for number in (1, 2, 3))
        for node, model in ((ahead, new), (behind, old), (other, new)):
            await node.activate(notes(model))
        await net.converged()
        await call(ahead, Action.POST, new("a", "first", 3))
        await until(lambda: held(behind) == {"a": "first"}, message="the older one has it")
        await call(behind, Action.PATCH, old("a", "second"))
        await until(lambda: held(ahead) == held(other) == {"a": "second"})
        for node in (ahead, other):
            found = (await call(node, Action.GET, new("a"))).first
            assert found == new("a", "second", 3)
        await call(ahead, Action.PATCH, new("a", stars=5))
        await call(behind, Action.POST, old("b", "more"))
        await until(lambda: held(ahead) == held(other) == held(behind))
        found = (await call(other, Action.GET, new("a"))).first
        assert found == new("a", "second", 5)


KEYS = ("fe80::1", "a::b::c", "<24>x", "a>b<c", "a12", "{24}", "50%", "ü/ß", "a b", "-", "__DD__")


async def test_keys_of_any_text_travel_with_their_changes(
    l8_network: Callable[..., Network],
) -> None:
    """W-24: a change reaches the item with that very key, and no other one."""
    model = note(text=str)
    async with l8_network(nodes=2) as net:
        first, second = net.node(1, 1), net.node(1, 2)
        await net.activate(notes(model))
        await call(first, Action.POST, *(model(key, "old") for key in KEYS))
        await until(lambda: held(second) == dict.fromkeys(KEYS, "old"))
        for number, key in enumerate(KEYS):
            await call(second, Action.PATCH, model(key, f"new {number}"))
        expected = {key: f"new {number}" for number, key in enumerate(KEYS)}
        await until(lambda: held(first) == expected == held(second))
        await call(first, Action.DELETE, *map(model, KEYS[::2]))
        left = {key: text for key, text in expected.items() if key in KEYS[1::2]}
        await until(lambda: held(second) == left == held(first))
