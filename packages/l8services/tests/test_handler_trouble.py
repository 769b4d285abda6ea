# SPDX-License-Identifier: Apache-2.0
"""Handlers that return nonsense or fail: a clear error, and a service that stays up."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action, DecoratorType
from l8types.errors import InvalidInputError, RemoteError
from l8types.sla import ServiceLevelAgreement

from .electing import leads
from .groups import GroupNet, Values
from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from l8types.protocols.data import Elements
    from l8types.protocols.services import ServiceHandler

NONSENSE = [None, "text", "", [], {}, 7, object()]


class Odd:
    """Gives what it is told to give."""

    def __init__(self) -> None:
        self.answer: object = None
        self.sane = False

    async def activate(self, sla: object, vnic: object) -> None:
        pass

    async def deactivate(self) -> None:
        pass

    async def post(self, elements: object, call: object) -> object:
        return elements if self.sane else self.answer

    put = patch = delete = get = post

    async def notify(self, elements: object, call: object) -> None:
        raise ZeroDivisionError

    async def failed(self, elements: object, call: object) -> None:
        raise ZeroDivisionError


class OddParts(Odd):
    """Gives it in parts."""

    async def stream(self, elements: object, call: object) -> AsyncGenerator[object, None]:
        yield elements
        if not self.sane:
            yield self.answer


async def odd(node: FakeNode, handler: Odd) -> Odd:
    """Offer it under the name of the sample service."""
    sla = ServiceLevelAgreement(name="Books", handler=lambda: cast("ServiceHandler", handler))
    await node.services.activate(sla, node.nic)
    return handler


@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_answer_that_is_none_fails_its_call_alone(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Callers of this process and of the network are told alike, and the log says what it was."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            handler = await odd(a, Odd())
            handler.answer = answer
            for action in (Action.GET, Action.POST):
                with pytest.raises(RemoteError, match="the log of node"):
                    await a.do(action, 1)
                with pytest.raises(RemoteError, match="the log of node"):
                    await b.nic.request(a.uuid, "Books", 0, action, [1])
            handler.sane = True
            assert (await b.nic.request(a.uuid, "Books", 0, Action.GET, [1])).values == [1]

    run(scenario())
    assert sum(record.exc_info is not None for record in caplog.records) == 4


async def read_into(seen: list[object], parts: AsyncIterator[Elements]) -> None:
    """Read an answer in parts."""
    async for part in parts:
        seen += part.values


@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_part_that_is_none_ends_the_answer(answer: object) -> None:
    """The parts before it are given."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            handler = await odd(a, OddParts())
            handler.answer = answer
            seen: list[object] = []
            with pytest.raises(RemoteError):
                await read_into(seen, b.nic.stream(a.uuid, "Books", 0, Action.GET, [1]))
            assert seen == [1]
            handler.sane = True
            seen = [p.first async for p in b.nic.stream(a.uuid, "Books", 0, Action.GET, [2])]
            assert seen == [2]

    run(scenario())


def test_failing_notices_stop_nobody() -> None:
    """A handler that fails on a change, or on a message that came back, goes on serving."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            handler = await odd(a, Odd())
            handler.sane = True
            notice = a.message(Action.NOTIFY, source=b.uuid, request=False)
            assert await a.services.handle(a.resources.elements.of(1), notice, a.nic) is None
            back = a.message(Action.POST, source=b.uuid, failure="unavailable: gone")
            await a.services.handle(a.resources.elements.of(1), back, a.nic)
            assert (await a.do(Action.GET, 3)).values == [3]

    run(scenario())


@pytest.mark.parametrize("staged", [None, "text", 7], ids=repr)
def test_staging_nonsense_is_a_refused_write(staged: object) -> None:
    """W-16: nothing of it is anywhere, the caller is told, and the next write is made."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            good = Values.stage

            async def nonsense(*_: object) -> object:
                return staged

            net["b"].handler.stage = nonsense  # type: ignore[method-assign, assignment]
            with pytest.raises(RemoteError):
                await net["a"].write(("x", 1))
            net["b"].handler.stage = good.__get__(net["b"].handler)  # type: ignore[method-assign]
            await net["a"].write(("y", 1))
            await net.settle()
            assert all(member.handler.values == {"y": 1} for member in net.members)

    run(scenario())


def test_declared_keys_outlive_an_agreement_without_keys() -> None:
    """W-36: what an agreement does not mention is not taken back."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            other = ServiceLevelAgreement(
                name="Others",
                handler=lambda: cast("ServiceHandler", Odd()),
                model=Book,
                stateful=False,
            )
            await a.services.activate(other, a.nic)
            declared = a.resources.introspector.declared
            assert declared[Book, DecoratorType.PRIMARY] == ("isbn",)

    run(scenario())


def test_service_that_keeps_items_needs_their_keys() -> None:
    """Missing keys are told before anything is announced, with what to do."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            with pytest.raises(InvalidInputError, match="name the attributes in primary_keys"):
                await a.serve(primary_keys=())
            assert a.services.handler(BOOKS) is None
            assert not a.nic.directory.providers(BOOKS)
            await a.serve()
            assert a.nic.directory.providers(BOOKS) == (a.uuid,)

    run(scenario())


def test_services_of_ones_own_elect_again_when_networks_meet() -> None:
    """W-38: every stateful service does, whatever its handler is."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            nodes = [network.node(name) for name in "abc"]
            for node in nodes:
                await odd(node, Odd())
            await until(leads(nodes, nodes[0].uuid), "the first leads")
            network.isolate(nodes[0])
            await until(leads(nodes[1:], nodes[2].uuid), "the others elect")
            network.heal(nodes[0])
            await until(leads(nodes, nodes[2].uuid), "one is left")

    run(scenario())
