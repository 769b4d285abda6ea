# SPDX-License-Identifier: Apache-2.0
"""Conformance of switches, with nodes behind them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from l8test.conformance._vnic import Inbox
from l8test.wait import until
from l8types.enums import Action, MulticastMode
from l8types.errors import L8Error
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.net import Switch, VNic

__all__ = ["Exchange", "SwitchConformance"]

TESTS: Final = ServiceKey("Tests", 3)
HOST: Final = "127.0.0.1"
SETTLED: Final = 15.0
"""Seconds within which a network is one again after any change."""


class Exchange(Protocol):
    """Makes the members of the networks of a test."""

    def switch(self, port: int = 0) -> AbstractAsyncContextManager[Switch]:
        """A switch on the loopback interface; 0 stands for a free port."""
        ...

    def node(self, switch: Switch, inbox: Inbox) -> AbstractAsyncContextManager[VNic]:
        """A node at a switch, whose ``resources.services`` is the inbox."""
        ...


async def accepts(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


def seen(end: Switch | VNic) -> set[str]:
    """Ids of the nodes that a member knows."""
    return {node.uuid for node in end.directory.nodes()}


async def sees(end: Switch | VNic, everybody: set[str]) -> None:
    """Wait until a member knows exactly these nodes."""
    await until(lambda: seen(end) == everybody, SETTLED, message=f"{everybody} at {end.uuid}")


async def finds(end: Switch | VNic, providers: tuple[str, ...]) -> None:
    """Wait until a member knows exactly these providers."""
    await until(lambda: end.directory.providers(TESTS) == providers, SETTLED)


class SwitchConformance:
    """What every ``Switch`` promises.

    Fixture:
        exchange: An ``Exchange``.
    """

    async def test_life(self, exchange: Exchange) -> None:
        """A switch runs and listens while it is entered."""
        async with exchange.switch() as switch:
            assert switch.running
            assert switch.port
            assert await accepts(switch.port)
        assert not switch.running
        assert not await accepts(switch.port)

    async def test_each_its_own(self, exchange: Exchange) -> None:
        """Switches on free ports differ in port and id, and do not find each other unasked."""
        async with exchange.switch() as one, exchange.switch() as other:
            assert one.port != other.port
            assert one.uuid != other.uuid
            async with exchange.node(one, Inbox()) as a, exchange.node(other, Inbox()) as b:
                await until(lambda: seen(one) == {one.uuid, a.uuid}, SETTLED)
                await until(lambda: seen(other) == {other.uuid, b.uuid}, SETTLED)
                with pytest.raises(L8Error):
                    await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, [1])

    async def test_directory(self, exchange: Exchange) -> None:
        """A switch knows its nodes while they are there, and what they offer."""
        async with exchange.switch() as switch, exchange.node(switch, Inbox()) as stays:
            async with exchange.node(switch, Inbox()) as goes:
                await goes.announce(TESTS)
                await until(lambda: seen(switch) == {switch.uuid, stays.uuid, goes.uuid}, SETTLED)
                await until(lambda: switch.directory.providers(TESTS) == (goes.uuid,), SETTLED)
                await until(lambda: seen(stays) == seen(switch), SETTLED)
            await until(lambda: seen(switch) == {switch.uuid, stays.uuid}, SETTLED)
            assert switch.directory.providers(TESTS) == ()
            await until(lambda: seen(stays) == seen(switch), SETTLED)

    async def test_forward(self, exchange: Exchange) -> None:
        """A message reaches the node it names, and no other."""
        inboxes = [Inbox() for _ in range(3)]
        async with AsyncExitStack() as stack:
            switch = await stack.enter_async_context(exchange.switch())
            a, b, _ = [
                await stack.enter_async_context(exchange.node(switch, inbox)) for inbox in inboxes
            ]
            answer = await a.request(b.uuid, TESTS.name, TESTS.area, Action.PUT, ["x"])
            assert list(answer.values) == ["x"]
            assert [len(inbox.messages) for inbox in inboxes] == [0, 1, 0]

    async def test_link(self, exchange: Exchange) -> None:
        """Linked switches are one network: nodes, services, requests and messages to all."""
        inbox, far = Inbox(), Inbox()
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(exchange.switch())
            other = await stack.enter_async_context(exchange.switch())
            # One node was there before the link and one comes later.
            a = await stack.enter_async_context(exchange.node(one, inbox))
            await a.announce(TESTS)
            await other.connect(HOST, one.port)
            b = await stack.enter_async_context(exchange.node(other, far))
            await b.announce(TESTS)
            everybody = {one.uuid, other.uuid, a.uuid, b.uuid}
            providers = tuple(sorted((a.uuid, b.uuid)))
            for end in (one, other, a, b):
                await sees(end, everybody)
                await finds(end, providers)
            for source, target in ((a, b), (b, a)):
                answer = await source.request(
                    target.uuid, TESTS.name, TESTS.area, Action.GET, [source.uuid]
                )
                assert answer.first == source.uuid
            inbox.values.clear()
            far.values.clear()
            await a.send(MulticastMode.ALL, TESTS.name, TESTS.area, Action.PATCH, ["all"])
            await until(lambda: far.values and inbox.values)
            # An answered request comes behind what was sent before it.
            await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, ["end"])
            assert (inbox.values, far.values) == ([["all"]], [["all"], ["end"]])

    async def test_link_to_one_that_is_not_there_yet(self, exchange: Exchange) -> None:
        """A link is kept up: it is made when the other switch comes, and again when it is back."""
        async with exchange.switch() as gone:
            port = gone.port
        async with exchange.switch() as switch, exchange.node(switch, Inbox()) as node:
            await switch.connect(HOST, port)
            for _ in range(2):
                async with exchange.switch(port) as other:
                    everybody = {switch.uuid, other.uuid, node.uuid}
                    for end in (switch, other, node):
                        await sees(end, everybody)
                await until(lambda: seen(node) == {switch.uuid, node.uuid}, SETTLED)
