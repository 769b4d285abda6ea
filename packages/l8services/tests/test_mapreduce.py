# SPDX-License-Identifier: Apache-2.0
"""Calls that all participants of a service work on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from l8services._utility import UtilityHandler
from l8types.enums import Action
from l8types.errors import ConflictError, InvalidInputError, PermissionDeniedError
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

    from .data import FakeElements

SHARDS = ServiceKey("Shards")


class Shard(UtilityHandler):
    """Holds some items, and answers after a while."""

    def __init__(self, *items: object, delay: float = 0.0, error: Exception | None = None) -> None:
        super().__init__()
        self.items = list(items)
        self.delay = delay
        self.error = error
        self.calls: list[Call] = []

    async def get(self, elements: Elements, call: Call) -> Elements:
        self.calls.append(call)
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        factory = self.vnic.resources.elements
        if elements.query is None:
            return factory.of(*self.items)
        query = self.vnic.resources.queries.from_wire(elements.query)
        start = query.page * query.limit
        return factory.of(*self.items[start : start + query.limit or None])

    post = get

    async def merge(self, answers: Mapping[str, Elements]) -> Elements:
        entries = [entry for _, answer in sorted(answers.items()) for entry in answer]
        return self.vnic.resources.elements.entries(entries)


async def shard(network: FakeNetwork, name: str, handler: object) -> FakeNode:
    """A node that is one participant."""
    node = network.node(name)
    node.resources.register(Book)
    sla = ServiceLevelAgreement(name=SHARDS.name, handler=lambda: handler, stateful=False)  # type: ignore[arg-type,return-value]
    await node.services.activate(sla, node.nic)
    return node


def told(answer: FakeElements) -> tuple[float, float]:
    """How many were asked, and how many failed."""
    assert answer.metadata is not None
    counts = answer.metadata.value_count["mapreduce"].counts
    return counts["participants"], counts["failed"]


async def ask(node: FakeNode, action: Action, *values: object, **fields: object) -> FakeElements:
    """What all participants answer."""
    elements = node.resources.elements.of(*values)
    message = node.message(action, SHARDS, **fields)
    return cast("FakeElements", await node.services.handle(elements, message, node.nic))


@pytest.mark.feature("MAP-01", "MAP-02", "l8types:TYP-22")
@pytest.mark.parametrize("action", [Action.MAP_REDUCE_GET, Action.MAP_REDUCE_POST])
def test_participants_work_at_the_same_time_and_their_answers_become_one(action: Action) -> None:
    """All get the plain action in the caller's name; it takes as long as the slowest one."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            handlers = [Shard(Book(str(number)), delay=1.0) for number in range(3)]
            nodes = [await shard(network, n, h) for n, h in zip("abc", handlers, strict=True)]
            begun = asyncio.get_running_loop().time()
            answer = await ask(nodes[0], action, identity="ann")
            assert [cast("Book", value).isbn for value in answer.values] == ["0", "1", "2"]
            assert told(answer) == (3, 0)
            assert asyncio.get_running_loop().time() - begun < 1.5
            calls = [handler.calls[0] for handler in handlers]
            assert {call.identity for call in calls} == {"ann"}
            assert {call.action for call in calls} == {Action(action - 20)}

    run(scenario())


@pytest.mark.feature("MAP-02")
def test_error_of_a_participant_is_part_of_the_answer() -> None:
    """One participant that fails and one that is too late are errors beside the other answers."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await shard(network, "a", Shard(Book("1")))
            await shard(network, "b", Shard(error=ConflictError("no")))
            answer = await ask(a, Action.MAP_REDUCE_GET)
            assert told(answer) == (2, 1)
            assert [entry.error for entry in answer] == ["", "conflict: no"]
            c = await shard(network, "c", Shard(Book("3"), delay=60.0))
            answer = await ask(c, Action.MAP_REDUCE_GET, timeout=2.0)
            assert told(answer) == (3, 2)
            assert any(entry.error.startswith("timeout") for entry in answer)

    run(scenario())


def test_failure_of_all_is_an_error() -> None:
    """When nobody answers there is nothing to merge."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await shard(network, "a", Shard(error=ConflictError("no")))
            assert (await ask(a, Action.MAP_REDUCE_GET)).error == "conflict: no"

    run(scenario())


def test_query_may_ask_all_by_itself() -> None:
    """A query that says so is answered by all participants, each of which answers once."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            handlers = [Shard(Book("1")), Shard(Book("2"))]
            a = await shard(network, "a", handlers[0])
            await shard(network, "b", handlers[1])
            elements = a.resources.elements.query("select * from Book mapreduce")
            answer = await a.services.call(SHARDS, Action.GET, elements, a.nic)
            assert len(answer.values) == 2
            assert [len(handler.calls) for handler in handlers] == [1, 1]

    run(scenario())


def test_service_that_does_not_merge_refuses() -> None:
    """Only a handler that merges can be asked as a whole."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            with pytest.raises(InvalidInputError, match="does not merge"):
                await a.do(Action.MAP_REDUCE_GET, "1")

    run(scenario())


def test_right_to_the_plain_action_is_what_counts() -> None:
    """Who may not read may not read all parts either."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            handler = Shard(Book("1"))
            a = await shard(network, "a", handler)
            a.resources.security.denied.add(("eve", Action.GET))
            elements = a.resources.elements.of()
            with pytest.raises(PermissionDeniedError):
                await a.services.call(
                    SHARDS, Action.MAP_REDUCE_GET, elements, a.nic, identity="eve"
                )
            assert not handler.calls

    run(scenario())
