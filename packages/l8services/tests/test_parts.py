# SPDX-License-Identifier: Apache-2.0
"""Answers in parts: authorized, filtered, closed in time, and errors are parts too."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action
from l8types.errors import ConflictError, NotFoundError
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ServiceHandler

    from .data import FakeElements

LINES = ServiceKey("Lines", 1)


class Lines:
    """Answers each value as a part of its own, or fails where it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.made = 0
        self.closed = False
        self.call: Call | None = None

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None: ...

    async def deactivate(self) -> None: ...

    async def get(self, elements: FakeElements, call: Call) -> FakeElements:
        return elements

    post = get

    async def stream(self, elements: FakeElements, call: Call) -> AsyncIterator[FakeElements]:
        self.call = call
        try:
            for value in elements.values:
                self.made += 1
                yield call.vnic.resources.elements.of(value)  # type: ignore[misc]
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


async def serving(network: FakeNetwork, handler: object) -> FakeNode:
    """A node with a handler."""
    node = network.node("a")
    sla = ServiceLevelAgreement(
        name=LINES.name, area=LINES.area, handler=lambda: cast("ServiceHandler", handler)
    )
    await node.services.activate(sla, node.nic)
    return node


async def parts(
    node: FakeNode, *values: object, action: Action = Action.GET, **fields: object
) -> list[FakeElements]:
    """All parts of an answer."""
    message = node.message(action, LINES, source="somebody", stream=True, **fields)
    elements = node.resources.elements.of(*values)
    found = [one async for one in node.services.stream(elements, message, node.nic)]
    return cast("list[FakeElements]", found)


def test_parts_come_one_by_one() -> None:
    """Each part of the handler is a part of the answer; the whole has no deadline."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            handler = Lines()
            node = await serving(network, handler)
            found = await parts(node, 1, 2, 3, identity="eve", timeout=2.0)
            assert [part.values for part in found] == [[1], [2], [3]]
            assert node.resources.security.asked == [("eve", Action.GET, LINES)]
            assert handler.call is not None
            assert (handler.call.identity, handler.call.deadline) == ("eve", None)

    run(scenario())


def test_handler_without_parts_answers_in_one() -> None:
    """A service that is no streaming one is read in parts too: in one part."""

    async def scenario() -> None:
        async with FakeNetwork() as network:

            class Plain(Lines):
                stream = None  # type: ignore[assignment]

            found = await parts(await serving(network, Plain()), 1, 2)
            assert [part.values for part in found] == [[1, 2]]

    run(scenario())


def test_other_actions_answer_in_one_part() -> None:
    """Only a query has many parts."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serving(network, Lines())
            [part] = await parts(node, 1, 2, action=Action.POST)
            assert part.values == [1, 2]

    run(scenario())


def test_only_what_the_caller_may_see() -> None:
    """Every part is filtered, and who may not ask gets an error and nothing is made."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            handler = Lines()
            node = await serving(network, handler)
            security = node.resources.security
            security.hidden.add("secret")
            found = await parts(node, Book("secret"), Book("open"), identity="eve")
            assert [len(part) for part in found] == [0, 1]
            security.denied.add(("eve", Action.GET))
            handler.made = 0
            [part] = await parts(node, 1, identity="eve")
            assert part.error is not None
            assert part.error.startswith("permission-denied: ")
            assert handler.made == 0

    run(scenario())


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConflictError("no more"), "conflict: no more"),
        (ZeroDivisionError("inside"), "remote: service Lines--1 failed on GET"),
    ],
)
def test_error_is_the_last_part(error: Exception, text: str) -> None:
    """What was made is kept, then the error follows; an unexpected one shows nothing inside."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            found = await parts(await serving(network, Lines(error)), 1, 2)
            assert [part.values for part in found[:-1]] == [[1], [2]]
            assert found[-1].error is not None
            assert found[-1].error.startswith(text)
            assert "inside" not in found[-1].error

    run(scenario())


def test_unknown_service_is_the_only_part() -> None:
    """A service that is not active is an error, not an exception."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            [part] = await parts(network.node("a"), 1)
            assert part.error is not None
            assert part.error.startswith("not-found: ")

    run(scenario())


def test_reader_that_stops_closes_the_producer() -> None:
    """The handler's iterator is closed when the reader stops, and no part too many is made."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            handler = Lines()
            node = await serving(network, handler)
            message = node.message(Action.GET, LINES, stream=True)
            elements = node.resources.elements.of(1, 2, 3)
            async with aclosing(node.services.stream(elements, message, node.nic)) as answer:
                async for _ in answer:
                    break
            assert (handler.made, handler.closed) == (1, True)
            # Deactivation waits for calls at work; here none is left.
            async with asyncio.timeout(1.0):
                await node.services.deactivate(LINES)

    run(scenario())


def test_over_the_network() -> None:
    """Another node reads the parts, and is told of an error behind them."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            await serving(network, Lines(ConflictError("no more")))
            reader = network.node("b")
            target = network.node("a-twin").uuid
            parts = _asked(reader, next(iter(network.nodes)))
            assert [(await anext(parts)).first for _ in range(3)] == [1, 2, 3]
            with pytest.raises(ConflictError, match="no more"):
                await anext(parts)
            with pytest.raises(NotFoundError):
                await anext(_asked(reader, target))

    run(scenario())


def _asked(reader: FakeNode, target: str) -> AsyncIterator[FakeElements]:
    asked = reader.resources.elements.of(1, 2, 3)
    return reader.stream(target, LINES.name, LINES.area, Action.GET, asked)
