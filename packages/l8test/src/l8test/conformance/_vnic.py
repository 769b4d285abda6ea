# SPDX-License-Identifier: Apache-2.0
"""Conformance of interfaces to a network, with two nodes of one network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from l8test.wait import until
from l8types.enums import Action, DirectoryEventType, MulticastMode
from l8types.errors import (
    ClosedError,
    ConflictError,
    EncodeError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.values import DirectoryEvent, Message

__all__ = ["Inbox", "PairOpener", "VNicConformance"]

TESTS = ServiceKey("Tests", 2)
MARKER = -1
NOBODY = "00000000-0000-4000-8000-000000000000"


class Inbox:
    """Takes the place of a node's service manager: keeps what arrives and echoes its content.

    Attributes:
        messages: What arrived, in order.
        values: The values of each message.
        error: Raised instead of echoing, as an error of the answer, when set.
        gate: Requests are answered only while it is set; it is at first.
        cancelled: Handlers and streams that were ended before they were done.
        made: Parts that were made for streams.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.values: list[list[object]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0
        self.made = 0

    def leader(self, key: ServiceKey) -> str:
        """Nobody is elected here: the network has to pick."""
        return ""

    async def handle(self, elements: Elements, message: Message, vnic: VNic) -> Elements | None:
        """Keep and echo."""
        self.messages.append(message)
        self.values.append(list(elements.values))
        if message.request:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if self.error is not None:
            return vnic.resources.elements.error(self.error)
        return elements if message.request else None

    async def stream(
        self, elements: Elements, message: Message, vnic: VNic
    ) -> AsyncGenerator[Elements, None]:
        """Keep, and echo each value as a part of its own; the error, when set, is the last part."""
        self.messages.append(message)
        self.values.append(list(elements.values))
        done = False
        try:
            for value in elements.values:
                await self.gate.wait()
                self.made += 1
                yield vnic.resources.elements.of(value)
            if self.error is not None:
                yield vnic.resources.elements.error(self.error)
            done = True
        finally:
            self.cancelled += not done


PairOpener = Callable[[Inbox, Inbox], AbstractAsyncContextManager[tuple["VNic", "VNic"]]]
"""Opens a network with two connected nodes, whose ``resources.services`` are the two inboxes."""


class VNicConformance:
    """What every ``VNic`` promises.

    Fixture:
        open_pair: A ``PairOpener``; the request time-out of its nodes is at least a second.
    """

    async def test_life(self, open_pair: PairOpener) -> None:
        """A node is connected once it was entered, and not when it was left."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            for node in (a, b):
                assert node.running
                assert node.connected
                assert not node.is_switch
                assert node.alias
                await node.wait_connected()
            assert a.uuid != b.uuid
        assert not a.running
        assert not a.connected

    async def test_request(self, open_pair: PairOpener) -> None:
        """A request reaches the node it names, with all its circumstances, and is answered."""
        inbox = Inbox()
        async with open_pair(Inbox(), inbox) as (a, b):
            answer = await a.request(
                b.uuid, TESTS.name, TESTS.area, Action.GET, ["x", 1], identity="vera"
            )
            assert list(answer.values) == ["x", 1]
            [message] = inbox.messages
            assert (message.source, message.destination) == (a.uuid, b.uuid)
            assert (message.key, message.action) == (TESTS, Action.GET)
            assert (message.identity, message.request) == ("vera", True)

    async def test_payloads(self, open_pair: PairOpener) -> None:
        """Nothing, an item, a list, a container and the text of a query can be sent."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            for payload, values in (
                (None, []),
                (7, [7]),
                ([1, 2], [1, 2]),
                (a.resources.elements.of("a", "b"), ["a", "b"]),
            ):
                answer = await a.request(b.uuid, TESTS.name, TESTS.area, Action.POST, payload)
                assert list(answer.values) == values
            text = "select * from Anything"
            answer = await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, text)
            assert answer.query is not None
            assert answer.query.text == text

    async def test_bad_payload(self, open_pair: PairOpener) -> None:
        """A payload that cannot be represented is refused where it is sent."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            with pytest.raises(EncodeError):
                await a.request(b.uuid, TESTS.name, TESTS.area, Action.POST, object())

    async def test_error(self, open_pair: PairOpener) -> None:
        """The error of a provider is raised at the caller as the class that its code names."""
        inbox = Inbox()
        inbox.error = ConflictError("key 'x' is taken")
        async with open_pair(Inbox(), inbox) as (a, b):
            with pytest.raises(ConflictError, match="key 'x' is taken"):
                await a.request(b.uuid, TESTS.name, TESTS.area, Action.POST, 1)

    async def test_service(self, open_pair: PairOpener) -> None:
        """A request to a service finds its provider, by every rule that picks one or the other."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            await b.announce(TESTS)
            await until(lambda: a.directory.providers(TESTS) == (b.uuid,))
            for mode in (MulticastMode.ROUND_ROBIN, MulticastMode.PROXIMITY, MulticastMode.ALL):
                answer = await a.request(mode, TESTS.name, TESTS.area, Action.GET, 5)
                assert answer.first == 5

    async def test_verbs(self, open_pair: PairOpener) -> None:
        """The five verbs of a service are requests with the actions of their names."""
        inbox = Inbox()
        async with open_pair(Inbox(), inbox) as (a, b):
            await b.announce(TESTS)
            await until(lambda: a.directory.providers(TESTS) == (b.uuid,))
            api = a.api(TESTS.name, TESTS.area)
            verbs = (api.post, api.put, api.patch, api.delete, api.get)
            for number, verb in enumerate(verbs):
                assert (await verb([number])).first == number
            assert [(one.key, one.action) for one in inbox.messages] == [
                (TESTS, action)
                for action in (Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET)
            ]

    async def test_unknown_service(self, open_pair: PairOpener) -> None:
        """A request to a service that nobody offers ends at once."""
        async with open_pair(Inbox(), Inbox()) as (a, _):
            with pytest.raises(UnavailableError):
                await a.request(MulticastMode.ROUND_ROBIN, "Nobody", 0, Action.GET)

    async def test_unknown_node(self, open_pair: PairOpener) -> None:
        """A request to a node that is not there ends at once."""
        async with open_pair(Inbox(), Inbox()) as (a, _):
            with pytest.raises(UnavailableError):
                await a.request(NOBODY, TESTS.name, TESTS.area, Action.GET)

    async def test_time_out(self, open_pair: PairOpener) -> None:
        """A request without an answer ends with its time, and the next one is not disturbed."""
        inbox = Inbox()
        inbox.gate.clear()
        async with open_pair(Inbox(), inbox) as (a, b):
            with pytest.raises(RequestTimeoutError):
                await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, 1, timeout=0.05)
            inbox.gate.set()
            answer = await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, 2)
            assert answer.first == 2

    async def test_cancellation(self, open_pair: PairOpener) -> None:
        """A cancelled request is ended where it is worked on, and the next is not disturbed."""
        inbox = Inbox()
        inbox.gate.clear()
        async with open_pair(Inbox(), inbox) as (a, b):
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(
                    a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, 1)
                )
                await until(lambda: inbox.messages)
                waiting.cancel()
            await until(lambda: inbox.cancelled == 1)
            inbox.gate.set()
            answer = await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, 2)
            assert answer.first == 2

    async def test_side_by_side(self, open_pair: PairOpener) -> None:
        """Each of many requests at the same time gets its own answer."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, number))
                    for number in range(50)
                ]
            assert [task.result().first for task in tasks] == list(range(50))

    async def test_order(self, open_pair: PairOpener) -> None:
        """Messages of one sender arrive in order, each once, and are not answered."""
        inbox = Inbox()
        async with open_pair(Inbox(), inbox) as (a, b):
            for number in range(100):
                await a.send(b.uuid, TESTS.name, TESTS.area, Action.POST, number)
            await until(lambda: len(inbox.values) >= 100)
            assert inbox.values == [[number] for number in range(100)]
            assert not any(message.request for message in inbox.messages)

    async def test_multicast(self, open_pair: PairOpener) -> None:
        """A multicast reaches every provider once, the sender included."""
        inboxes = Inbox(), Inbox()
        async with open_pair(*inboxes) as (a, b):
            for node in (a, b):
                await node.announce(TESTS)
            await until(lambda: len(a.directory.providers(TESTS)) == 2)
            for number in range(5):
                await a.send(MulticastMode.ALL, TESTS.name, TESTS.area, Action.POST, number)
            # What is sent later arrives later: behind the marker nothing is on its way any more.
            for node in (a, b):
                await a.request(node.uuid, TESTS.name, TESTS.area, Action.GET, MARKER)
            await until(lambda: all(len(inbox.values) >= 6 for inbox in inboxes))
            for inbox in inboxes:
                content = [values for values in inbox.values if values != [MARKER]]
                assert content == [[number] for number in range(5)]

    async def test_forward(self, open_pair: PairOpener) -> None:
        """A received request can be sent on under the identity of its caller."""
        inboxes = Inbox(), Inbox()
        async with open_pair(*inboxes) as (a, b):
            await a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, 1, identity="vera")
            [received] = inboxes[1].messages
            answer = await b.forward(received, b.resources.elements.of("on"), a.uuid)
            assert answer.first == "on"
            [forwarded] = inboxes[0].messages
            assert (forwarded.identity, forwarded.key) == ("vera", TESTS)

    async def test_stream(self, open_pair: PairOpener) -> None:
        """An answer can be received in parts, complete and in order, however many there are."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            for count in (0, 1, 500):
                asked = list(range(count))
                parts = [
                    value
                    async for part in a.stream(b.uuid, TESTS.name, TESTS.area, Action.GET, asked)
                    for value in part.values
                ]
                assert parts == asked

    async def test_stream_error(self, open_pair: PairOpener) -> None:
        """The error of a provider ends a stream, after the parts that came before it."""
        inbox = Inbox()
        inbox.error = ConflictError("no more")
        async with open_pair(Inbox(), inbox) as (a, b):
            stream = a.stream(b.uuid, TESTS.name, TESTS.area, Action.GET, [1, 2])
            assert [(await anext(stream)).first for _ in range(2)] == [1, 2]
            with pytest.raises(ConflictError, match="no more"):
                await anext(stream)

    async def test_stream_stop(self, open_pair: PairOpener) -> None:
        """A reader that stops ends the making of parts, long before all are made."""
        inbox = Inbox()
        async with open_pair(Inbox(), inbox) as (a, b):
            asked = list(range(20_000))
            stream = a.stream(b.uuid, TESTS.name, TESTS.area, Action.GET, asked)
            assert isinstance(stream, AsyncGenerator)
            async with aclosing(stream):
                assert (await anext(stream)).first == 0
                # The reader reads one part; how many are made ahead of it is bounded.
                assert inbox.made < len(asked)
            await until(lambda: inbox.cancelled == 1)
            assert inbox.made < len(asked)

    async def test_drain(self, open_pair: PairOpener) -> None:
        """A drained node is not found any more, has finished what it began, and stays connected."""
        inboxes = Inbox(), Inbox()
        inboxes[1].gate.clear()
        async with open_pair(*inboxes) as (a, b):
            for node in (a, b):
                await node.announce(TESTS)
            await until(lambda: len(a.directory.providers(TESTS)) == 2)
            async with asyncio.TaskGroup() as group:
                begun = group.create_task(
                    a.request(b.uuid, TESTS.name, TESTS.area, Action.GET, MARKER)
                )
                await until(lambda: inboxes[1].messages)
                draining = group.create_task(b.drain())
                await until(lambda: a.directory.providers(TESTS) == (a.uuid,))
                assert not draining.done()
                for number in range(4):
                    answer = await a.request(
                        MulticastMode.ROUND_ROBIN, TESTS.name, TESTS.area, Action.GET, number
                    )
                    assert answer.first == number
                inboxes[1].gate.set()
            assert begun.result().first == MARKER
            assert len(inboxes[1].messages) == 1
            await b.drain()
            assert b.connected

    async def test_batch(self, open_pair: PairOpener) -> None:
        """Items leave together, in order, as one message for each run of one action."""
        inbox = Inbox()
        async with open_pair(Inbox(), inbox) as (a, b):
            batch = a.batch(b.uuid, TESTS.name, TESTS.area, interval=60.0, max_items=3)
            for action, item in [(Action.POST, 1), (Action.POST, 2), (Action.PATCH, 3)]:
                assert not inbox.messages
                await batch.add(action, item)
            await until(lambda: len(inbox.messages) == 2)
            assert inbox.values == [[1, 2], [3]]
            assert [one.action for one in inbox.messages] == [Action.POST, Action.PATCH]
            await batch.add(Action.POST, 4)
            await batch.flush()
            await batch.add(Action.POST, 5)
            await batch.aclose()
            await batch.aclose()
            await until(lambda: len(inbox.messages) == 4)
            assert inbox.values[2:] == [[4], [5]]
            with pytest.raises(ClosedError):
                await batch.add(Action.POST, 6)

    async def test_batch_time(self, open_pair: PairOpener) -> None:
        """Items leave by themselves when the interval is over."""
        inbox = Inbox()
        async with open_pair(Inbox(), inbox) as (a, b):
            batch = a.batch(b.uuid, TESTS.name, TESTS.area, interval=0.01)
            await batch.add(Action.POST, 1)
            await until(lambda: inbox.values == [[1]])

    async def test_batch_close(self, open_pair: PairOpener) -> None:
        """What is collected when the node is left is sent, not lost."""
        inbox = Inbox()
        async with open_pair(inbox, Inbox()) as (a, b):
            batch = b.batch(a.uuid, TESTS.name, TESTS.area, interval=60.0)
            await batch.add(Action.POST, 1)
            assert inbox.values == []
            # Leaving is idempotent: the network of the test leaves it once more.
            await b.__aexit__(None, None, None)
            await until(lambda: inbox.values == [[1]])

    async def test_directory(self, open_pair: PairOpener) -> None:
        """Each node knows both, itself included, and who is not there."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            for one, other in ((a, b), (b, a)):
                assert one.directory.uuid == one.uuid
                await until(partial(one.directory.node, other.uuid))
                ids = [info.uuid for info in one.directory.nodes() if not info.is_switch]
                assert ids == sorted((a.uuid, b.uuid))
                found = one.directory.node(other.uuid)
                assert found is not None
                assert found.alias == other.alias
                assert one.directory.node(NOBODY) is None

    async def test_announcement(self, open_pair: PairOpener) -> None:
        """Others find a service and its model while it is announced, and are told of it."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            told: list[DirectoryEvent] = []
            subscription = a.directory.watch(told.append)
            await b.withdraw(TESTS)
            await b.announce(TESTS, model="Book")
            await until(lambda: a.directory.providers(TESTS) == (b.uuid,))
            assert a.directory.services_of_model("Book") == (TESTS,)
            assert any(
                event.type is DirectoryEventType.CHANGED and event.node.uuid == b.uuid
                for event in told
            )
            subscription.close()
            subscription.close()
            told.clear()
            await b.withdraw(TESTS)
            await until(lambda: a.directory.providers(TESTS) == ())
            assert a.directory.services_of_model("Book") == ()
            assert told == []

    async def test_closed(self, open_pair: PairOpener) -> None:
        """A node that was left sends nothing any more."""
        async with open_pair(Inbox(), Inbox()) as (a, b):
            target = b.uuid
        with pytest.raises(ClosedError):
            await a.request(target, TESTS.name, TESTS.area, Action.GET)
        with pytest.raises(ClosedError):
            await a.send(target, TESTS.name, TESTS.area, Action.GET)
