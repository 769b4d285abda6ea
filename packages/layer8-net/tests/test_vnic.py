# SPDX-License-Identifier: Apache-2.0
"""The interface and the switch together, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import time

import pytest

from l8types.enums import Action, DirectoryEventType, MulticastMode, Priority
from l8types.errors import (
    ConflictError,
    EncodeError,
    InvalidInputError,
    RemoteError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.settings import NodeSettings
from l8types.values import DirectoryEvent, Message, ServiceKey, Transaction
from layer8_net._calls import Call

from .fakes import (
    FakeElements,
    cut_off,
    echo,
    give_up,
    make_switch,
    never,
    new_id,
    node,
    outcome_of,
    resources,
    services_of,
    until,
)

BOOKS = ServiceKey("Books of the whole library", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)


class TestRequests:
    """Requests and their answers."""

    @pytest.mark.feature("NIC-07", "NIC-01")
    async def test_to_a_node(self) -> None:
        """A request reaches the node it names and its answer comes back."""
        async with make_switch() as switch, node(switch, BOOKS) as provider, node(switch) as caller:
            answer = await caller.request(provider.uuid, *ASK, ["a", 1], identity="me")
            assert answer.values == ("a", 1)
            [message] = services_of(provider).messages
            assert (message.source, message.key, message.action) == (caller.uuid, BOOKS, Action.GET)
            assert (message.identity, message.request) == ("me", True)
            assert message.timeout == 10.0

    @pytest.mark.feature("NIC-07", "NIC-08")
    @pytest.mark.parametrize("target", ["", *list(MulticastMode)[:5]])
    async def test_by_rule(self, target: str | MulticastMode) -> None:
        """A request by rule is answered by one provider, also when that is the caller itself."""
        async with make_switch() as switch, node(switch, BOOKS) as caller:
            assert (await caller.request(target, *ASK, 7)).first == 7

    async def test_to_itself(self) -> None:
        """A node may ask itself by its id."""
        async with make_switch() as switch, node(switch, BOOKS) as caller:
            assert (await caller.request(caller.uuid, *ASK, 7)).first == 7

    @pytest.mark.feature("NET-09")
    async def test_unknown_service(self) -> None:
        """Nobody offers it: the caller learns so at once."""
        async with make_switch() as switch, node(switch) as caller:
            with pytest.raises(UnavailableError, match="no live provider of service 'Nothing'"):
                await caller.request(MulticastMode.PROXIMITY, "Nothing", 0, Action.GET)

    async def test_trouble_is_told_by_errors_and_the_log(
        self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """W-33: nothing is printed; a choice among nobody is an error and a line in the log."""
        async with make_switch() as switch, node(switch) as vnic:
            with pytest.raises(UnavailableError):
                await vnic.request(MulticastMode.ROUND_ROBIN, "Nothing", 0, Action.GET)
        assert capsys.readouterr() == ("", "")
        assert "Nothing" in caplog.text

    async def test_unknown_node(self) -> None:
        """There is no such node: the caller learns so at once."""
        nobody = new_id()
        async with make_switch() as switch, node(switch) as caller:
            with pytest.raises(UnavailableError, match=f"no node {nobody}"):
                await caller.request(nobody, *ASK)

    async def test_time_out(self) -> None:
        """An answer that does not come in time is an error, and nothing is left behind."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=never) as provider,
            node(switch) as caller,
        ):
            begin = time.monotonic()
            with pytest.raises(RequestTimeoutError, match=r"within 0\.05 s"):
                await caller.request(provider.uuid, *ASK, timeout=0.05)
            assert time.monotonic() - begin >= 0.05
            assert caller.statistics().pending_requests == 0
            give_up(provider)

    async def test_cancellation(self) -> None:
        """A cancelled request is forgotten, and its late answer is only counted."""
        gate = asyncio.Event()

        async def stubborn(elements: FakeElements, message: Message) -> FakeElements | None:
            try:
                await gate.wait()
            except asyncio.CancelledError:
                await gate.wait()
            return elements

        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=stubborn) as provider,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            task = tasks.create_task(caller.request(provider.uuid, *ASK))
            await until(lambda: provider.statistics().active_handlers == 1)
            assert caller.statistics().pending_requests == 1
            task.cancel()
            await until(lambda: caller.statistics().pending_requests == 0)
            await until(lambda: provider.statistics().cancelled_requests == 1)
            gate.set()
            await until(lambda: caller.statistics().late_answers == 1)

    async def test_error_of_the_provider(self) -> None:
        """What the provider answers is raised as the class that it names."""

        async def refuse(elements: FakeElements, message: Message) -> FakeElements | None:
            raise ConflictError("that book is there already")

        async with make_switch() as switch, node(switch, BOOKS, handler=refuse) as caller:
            with pytest.raises(ConflictError, match=r"^that book is there already$"):
                await caller.request(caller.uuid, *ASK)

    async def test_crash_of_the_provider(self, caplog: pytest.LogCaptureFixture) -> None:
        """A handler that fails answers with an error; the node goes on."""

        async def crash(elements: FakeElements, message: Message) -> FakeElements | None:
            raise ZeroDivisionError("secret detail")

        async with make_switch() as switch, node(switch, BOOKS, handler=crash) as provider:
            with pytest.raises(RemoteError, match=r"^the service failed: ZeroDivisionError$"):
                await provider.request(provider.uuid, *ASK)
            services_of(provider).handler = echo
            assert (await provider.request(provider.uuid, *ASK, 1)).first == 1
        assert "secret detail" in caplog.text

    async def test_no_answer_is_an_empty_one(self) -> None:
        """A handler that returns nothing answers with an empty container."""

        async def nothing(elements: FakeElements, message: Message) -> FakeElements | None:
            return None

        async with make_switch() as switch, node(switch, BOOKS, handler=nothing) as provider:
            assert len(await provider.request(provider.uuid, *ASK, 1)) == 0

    async def test_body_that_cannot_be_decoded(self) -> None:
        """A body that is no container is answered with an error by the receiver."""
        async with make_switch() as switch, node(switch, BOOKS) as provider, node(switch) as caller:
            core = caller._session.core
            answer = await caller._calls.ask(
                Call(
                    provider.uuid,
                    BOOKS.name,
                    BOOKS.area,
                    5.0,
                    0,
                    lambda address, number, left: core.frame(
                        address, *ASK, b"no container", sequence=number, request=True
                    ),
                )
            )
            assert caller.resources.elements.decode(answer).error.startswith("remote: the service")
            assert services_of(provider).messages == []

    async def test_large_messages(self) -> None:
        """Messages of many megabytes go both ways, beside small ones."""
        data = bytes(5_000_000)
        async with make_switch() as switch, node(switch, BOOKS) as provider, node(switch) as caller:
            async with asyncio.TaskGroup() as tasks:
                large = tasks.create_task(caller.request(provider.uuid, *ASK, data))
                small = tasks.create_task(caller.request(provider.uuid, *ASK, 1))
            assert large.result().first == data
            assert small.result().first == 1

    async def test_too_large(self) -> None:
        """A message above the limit is refused before it is sent, an answer is an error."""
        limit = NodeSettings(max_frame_bytes=4096)

        async def grow(elements: FakeElements, message: Message) -> FakeElements | None:
            return FakeElements((bytes(5000),))

        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=grow, settings=limit) as caller,
        ):
            with pytest.raises(EncodeError, match="above max_frame_bytes 4096"):
                await caller.request(caller.uuid, *ASK, bytes(5000))
            with pytest.raises(EncodeError, match="above max_frame_bytes 4096"):
                await caller.request(caller.uuid, *ASK, b"")
            assert caller.connected

    async def test_many_at_a_time(self) -> None:
        """A thousand requests at once all get their own answers."""
        async with make_switch() as switch, node(switch, BOOKS) as provider, node(switch) as caller:
            async with asyncio.TaskGroup() as tasks:
                asked = [
                    tasks.create_task(caller.request(provider.uuid, *ASK, number))
                    for number in range(1000)
                ]
            assert [task.result().first for task in asked] == list(range(1000))

    async def test_nested(self) -> None:
        """A handler may ask in turn, even the node that asked it."""

        async def ask_back(elements: FakeElements, message: Message) -> FakeElements | None:
            answer = await provider.request(message.source, "Inner", 0, Action.GET, 2)
            return FakeElements((elements.first, answer.first))

        async with (
            make_switch() as switch,
            node(switch, ServiceKey("Inner")) as caller,
            node(switch, BOOKS, handler=ask_back) as provider,
        ):
            assert (await caller.request(provider.uuid, *ASK, 1)).values == (1, 2)

    async def test_peer_leaves_before_it_answers(self) -> None:
        """A request to a node that leaves fails at once, not at its time-out."""
        async with (
            make_switch() as switch,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            async with node(switch, BOOKS, handler=never) as provider:
                task = tasks.create_task(outcome_of(caller.request(provider.uuid, *ASK)))
                await until(lambda: provider.statistics().active_handlers == 1)
                cut_off(provider)
                error = await task
                give_up(provider)
            assert isinstance(error, UnavailableError)
            assert "left the network" in error.message

    @pytest.mark.feature("NIC-10")
    async def test_api(self) -> None:
        """The five verbs of a service are methods."""
        async with make_switch() as switch, node(switch, BOOKS) as caller:
            api = caller.api(BOOKS.name, BOOKS.area)
            for verb in (api.post, api.put, api.patch, api.delete, api.get):
                assert (await verb(7)).first == 7
            actions = [message.action for message in services_of(caller).messages]
            assert actions == [Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET]

    async def test_stream(self) -> None:
        """A streamed request gives the answer."""
        async with make_switch() as switch, node(switch, BOOKS) as caller:
            parts = [part.first async for part in caller.stream(caller.uuid, *ASK, 7)]
            assert parts == [7]

    @pytest.mark.feature("NIC-07")
    async def test_forward(self) -> None:
        """A message sent on keeps who asked and its transaction, and brings the answer."""
        transaction = Transaction(id="t", epoch=3)
        async with make_switch() as switch, node(switch, BOOKS) as provider, node(switch) as middle:
            message = Message(
                source=new_id(),
                service=BOOKS.name,
                area=BOOKS.area,
                action=Action.POST,
                identity="me",
                transaction=transaction,
                timeout=5.0,
                request=True,
            )
            answer = await middle.forward(
                message, middle.resources.elements.of(7), MulticastMode.PROXIMITY
            )
            assert answer.first == 7
            [received] = services_of(provider).messages
            assert (received.source, received.identity) == (middle.uuid, "me")
            assert (received.transaction, received.action) == (transaction, Action.POST)
            assert received.timeout == 5.0


class TestMessages:
    """Messages without an answer."""

    @pytest.mark.feature("NIC-07")
    async def test_multicast(self) -> None:
        """Every provider receives one, the sender too if it is one."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as first,
            node(switch, BOOKS) as second,
            node(switch, ServiceKey("Other")) as other,
        ):
            await first.send(MulticastMode.ALL, *ASK, "x")
            await until(lambda: len(services_of(second).messages) == 1)
            await until(lambda: len(services_of(first).messages) == 1)
            assert not services_of(first).messages[0].request
            # An answered request shows that nothing else is on its way to the others.
            await other.request(other.uuid, "Other", 0, Action.GET)
            assert len(services_of(other).messages) == 1

    @pytest.mark.feature("NET-09", "WIR-05")
    async def test_undeliverable(self) -> None:
        """A message that nobody can receive comes back to the services of its sender."""
        async with make_switch() as switch, node(switch) as sender:
            await sender.send(new_id(), "Mine", 4, Action.NOTIFY, "lost")
            await until(lambda: len(services_of(sender).messages) == 1)
            [message] = services_of(sender).messages
            assert message.failure.startswith("unavailable: no node")
            assert (message.service, message.area, message.action) == ("Mine", 4, Action.NOTIFY)
            assert sender.resources.elements.decode(message.data).first is not None

    async def test_order(self) -> None:
        """Handlers start in the order of sending, even when early ones take long."""
        started: list[object] = []

        async def slow_first(elements: FakeElements, message: Message) -> FakeElements | None:
            started.append(elements.first)
            if elements.first == 0:
                await asyncio.sleep(0.01)
            return None

        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=slow_first) as receiver,
            node(switch) as sender,
        ):
            for number in range(500):
                await sender.send(receiver.uuid, *ASK, number)
            await until(lambda: len(started) == 500)
            assert started == list(range(500))

    @pytest.mark.feature("NIC-05")
    async def test_back_pressure(self) -> None:
        """More than all queues hold arrives complete and in order at a slow receiver."""
        small = NodeSettings(queue_bytes=100_000)
        gate = asyncio.Event()
        received: list[object] = []

        async def slow(elements: FakeElements, message: Message) -> FakeElements | None:
            received.append(elements.values[0])
            await gate.wait()
            return None

        async with (
            make_switch(resources(settings=small)) as switch,
            node(switch, BOOKS, handler=slow, settings=small) as receiver,
            node(switch, settings=small) as sender,
            asyncio.TaskGroup() as tasks,
        ):

            async def flood() -> None:
                for number in range(1500):
                    await sender.send(receiver.uuid, *ASK, [number, bytes(20_000)])

            flooding = tasks.create_task(flood())
            await until(lambda: receiver.statistics().queued_messages > 3)
            assert not flooding.done()
            gate.set()
            await until(lambda: len(received) == 1500, 30.0)
            assert received == list(range(1500))

    async def test_back_pressure_is_no_silence(self) -> None:
        """A node that stops reading, as too much waits, does not think that its switch is dead."""
        small = NodeSettings(queue_bytes=10_000, keep_alive=0.05)
        gate = asyncio.Event()
        received: list[object] = []

        async def slow(elements: FakeElements, message: Message) -> FakeElements | None:
            received.append(elements.values[0])
            await gate.wait()
            return None

        async with (
            make_switch(resources(settings=small)) as switch,
            node(switch, BOOKS, handler=slow, settings=small) as receiver,
            node(switch) as sender,
        ):
            for number in range(300):
                await sender.send(receiver.uuid, *ASK, [number, bytes(1000)])
            session = receiver._session
            await until(lambda: session._inbound.holding)
            link = session.link
            assert link is not None
            beats = link.tx_frames
            await until(lambda: session.link is not link or link.tx_frames > beats + 12)
            assert session.link is link
            assert session._inbound.holding
            gate.set()
            await until(lambda: len(received) == 300)
            assert received == list(range(300))
            assert receiver.statistics().connections == 1

    async def test_priority_travels(self) -> None:
        """The priority arrives with the message."""
        async with make_switch() as switch, node(switch, BOOKS) as vnic:
            await vnic.send(vnic.uuid, *ASK, priority=Priority.P1)
            await until(lambda: len(services_of(vnic).messages) == 1)
            assert services_of(vnic).messages[0].priority is Priority.P1

    @pytest.mark.parametrize("target", ["short", "é" * 36, MulticastMode.UNICAST])
    async def test_bad_target(self, target: str | MulticastMode) -> None:
        """What is no node id is refused before anything is sent."""
        async with make_switch() as switch, node(switch) as vnic:
            with pytest.raises(InvalidInputError):
                await vnic.send(target, *ASK)
            with pytest.raises(InvalidInputError):
                await vnic.request(target, *ASK)

    async def test_service_without_a_name(self) -> None:
        """A message needs the name of a service."""
        async with make_switch() as switch, node(switch) as vnic:
            with pytest.raises(EncodeError, match="name of a service"):
                await vnic.send(vnic.uuid, "", 0, Action.GET)


class TestDirectory:
    """Who is there."""

    @pytest.mark.feature("NIC-11", "NIC-12", "NET-13")
    async def test_everybody_is_known(self) -> None:
        """Each node knows all nodes and their services, with the models they declared."""
        async with make_switch() as switch, node(switch) as first, node(switch) as second:
            await second.announce(BOOKS, model="Book")
            assert second.directory.providers(BOOKS) == (second.uuid,)
            await until(lambda: first.directory.providers(BOOKS) == (second.uuid,))
            assert first.directory.services_of_model("Book") == (BOOKS,)
            ids = sorted([switch.uuid, first.uuid, second.uuid])
            assert [one.uuid for one in first.directory.nodes()] == ids
            known = first.directory.node(switch.uuid)
            assert known is not None
            assert known.is_switch
            await second.withdraw(BOOKS)
            await second.withdraw(BOOKS)
            await until(lambda: first.directory.providers(BOOKS) == ())

    @pytest.mark.feature("NET-18")
    async def test_killed_peer(self) -> None:
        """A node whose connection breaks has left, and those who watch are told."""
        events: list[DirectoryEvent] = []
        async with make_switch() as switch, node(switch) as watcher:
            watch = watcher.directory.watch(events.append)
            async with node(switch, BOOKS) as victim:
                await until(lambda: watcher.directory.providers(BOOKS) == (victim.uuid,))
                cut_off(victim)
                await until(lambda: events[-1].type is DirectoryEventType.LEFT)
            assert events[0].type is DirectoryEventType.JOINED
            assert events[-1].node.uuid == victim.uuid
            assert watcher.directory.node(victim.uuid) is None
            watch.close()
            watch.close()
            seen = len(events)
            async with node(switch) as newcomer:
                await until(lambda: watcher.directory.node(newcomer.uuid) is not None)
            assert len(events) == seen

    async def test_listener_that_fails(self, caplog: pytest.LogCaptureFixture) -> None:
        """A listener that raises is logged and does not keep others from hearing."""
        heard: list[DirectoryEvent] = []

        def fail(event: DirectoryEvent) -> None:
            raise ValueError("listener")

        async with make_switch() as switch, node(switch) as vnic:
            vnic.directory.watch(fail)
            vnic.directory.watch(heard.append)
            await vnic.announce(BOOKS)
            assert len(heard) == 1
        assert "directory listener failed" in caplog.text

    @pytest.mark.feature("NIC-14", "NIC-15")
    async def test_figures_reach_others(self) -> None:
        """Reports bring the figures of a node to everybody."""
        quick = NodeSettings(keep_alive=0.05)
        async with (
            make_switch(resources(settings=quick)) as switch,
            node(switch, BOOKS, settings=quick) as busy,
            node(switch) as other,
        ):
            await busy.request(busy.uuid, *ASK)

            def sent() -> int:
                known = other.directory.node(busy.uuid)
                return 0 if known is None else known.statistics.tx_messages

            await until(lambda: sent() > 3)
