# SPDX-License-Identifier: Apache-2.0
"""Nodes that leave, and networks that are gone for a while: nothing fails that need not."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ClosedError,
    ConfigurationError,
    L8Error,
    OverloadedError,
    UnavailableError,
)
from l8types.settings import NodeSettings
from l8types.values import Message, ServiceKey
from layer8_net import OutagePolicy, VNicOptions

from .fakes import (
    FakeElements,
    make_switch,
    make_vnic,
    node,
    resources,
    services_of,
    until,
)

if TYPE_CHECKING:
    from layer8_net import TcpSwitch, TcpVNic

BOOKS = ServiceKey("Books", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)
RULE = MulticastMode.ROUND_ROBIN
HOLD = VNicOptions(outage=OutagePolicy.HOLD)


class Load:
    """Callers that ask without a pause, and what became of it."""

    def __init__(self, *callers: TcpVNic) -> None:
        self.callers = callers
        self.errors: list[L8Error] = []
        self.answers = 0
        self.running = True

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Ask until told to stop, several at a time from each caller."""
        for caller in self.callers:
            for _ in range(4):
                tasks.create_task(self._ask(caller))

    async def more(self, answers: int) -> None:
        """Wait until so many more answers came."""
        wanted = self.answers + answers
        await until(lambda: self.answers >= wanted)

    async def _ask(self, caller: TcpVNic) -> None:
        while self.running:
            number = self.answers
            try:
                answer = await caller.request(RULE, *ASK, number)
            except L8Error as error:
                self.errors.append(error)
            else:
                assert answer.first == number
                self.answers += 1


async def slowly(elements: FakeElements, message: Message) -> FakeElements | None:
    """A handler that takes a moment, so that there is always work begun."""
    await asyncio.sleep(0.001)
    return elements


class TestDrain:
    """Leaving without a failed request."""

    @pytest.mark.feature("NIC-17")
    async def test_rolling_restart(self) -> None:
        """Three providers are drained and replaced one after the other under load: no error."""
        async with make_switch() as switch, asyncio.TaskGroup() as tasks:
            async with node(switch) as one, node(switch) as two:
                providers = [await _provider(switch) for _ in range(3)]
                await until(lambda: len(one.directory.providers(BOOKS)) == 3)
                await until(lambda: len(two.directory.providers(BOOKS)) == 3)
                load = Load(one, two)
                await load.run(tasks)
                for index, old in enumerate(providers):
                    await old.drain()
                    await old.__aexit__(None, None, None)
                    # The load goes on while it is away, and for a while after.
                    await load.more(100)
                    providers[index] = await _provider(switch)
                    await load.more(100)
                load.running = False
                await until(lambda: one.statistics().pending_requests == 0)
                await until(lambda: two.statistics().pending_requests == 0)
                assert load.errors == []
                assert load.answers > 600
            for provider in providers:
                await provider.__aexit__(None, None, None)

    async def test_leaving_without_a_drain(self) -> None:
        """Who is left at once fails no more than what it had begun; the load goes on elsewhere."""
        async with (
            make_switch() as switch,
            asyncio.TaskGroup() as tasks,
            node(switch) as one,
            node(switch, BOOKS, handler=slowly),
        ):
            leaving = await _provider(switch)
            await until(lambda: len(one.directory.providers(BOOKS)) == 2)
            load = Load(one)
            await load.run(tasks)
            await load.more(50)
            await leaving.__aexit__(None, None, None)
            await load.more(50)
            load.running = False
            await until(lambda: one.statistics().pending_requests == 0)
            # Four callers: no more than these can have been on their way to it.
            assert len(load.errors) <= 4

    async def test_late_requests_are_answered(self) -> None:
        """Who did not know of the drain yet is answered; who names the node always is."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as provider,
            node(switch) as caller,
        ):
            await until(lambda: bool(caller.directory.providers(BOOKS)))
            await provider.drain()
            assert caller.directory.providers(BOOKS) == ()
            assert provider.directory.providers(BOOKS) == ()
            frame = caller._core.address(provider.uuid, one=True)[0], int(RULE)
            assert provider._session.offers.serves(Message(service="Books", area=3, mode=RULE))
            assert frame[0].decode() == provider.uuid
            assert (await caller.request(provider.uuid, *ASK, 5)).first == 5
            await provider.drain()
            await provider.withdraw(BOOKS)
            assert not provider._session.offers.serves(Message(service="Books", area=3, mode=RULE))
            await provider.announce(BOOKS)
            await until(lambda: bool(caller.directory.providers(BOOKS)))
            assert (await caller.request(RULE, *ASK, 6)).first == 6

    async def test_everybody_knows_when_it_returns(self) -> None:
        """After the drain no node of the network picks the drained one any more."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as provider,
            node(switch) as a,
            node(switch) as b,
            node(switch) as c,
        ):
            for one in (a, b, c):
                await until(partial(_knows, one))
            await provider.drain()
            # Without waiting for a condition: it holds when the drain returns.
            assert [one.directory.providers(BOOKS) for one in (a, b, c)] == [(), (), ()]

    async def test_time_limit(self, caplog: pytest.LogCaptureFixture) -> None:
        """A handler that does not finish holds a drain up for no longer than it was given."""
        gate = asyncio.Event()

        async def wait(elements: FakeElements, message: Message) -> FakeElements | None:
            await gate.wait()
            return elements

        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=wait) as provider,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            asked = tasks.create_task(caller.request(provider.uuid, *ASK, 1))
            await until(lambda: provider.statistics().active_handlers == 1)
            await provider.drain(0.05)
            assert "1 handlers did not finish" in caplog.text
            gate.set()
            assert (await asked).first == 1

    async def test_without_a_connection(self) -> None:
        """A node without a connection has nobody to wait for; a closed one cannot drain."""
        async with make_switch() as switch:
            async with node(switch, BOOKS) as provider:
                await switch.__aexit__(None, None, None)
                await until(lambda: not provider.connected)
                async with asyncio.timeout(5):
                    await provider.drain()
            with pytest.raises(ClosedError):
                await provider.drain()


class TestOutage:
    """W-05: messages while there is no connection are kept or failed, never silently lost."""

    async def test_kept_until_the_connection_is_back(self) -> None:
        """Held messages and requests leave in order once the switch is there again."""
        async with make_switch() as first_switch:
            port = first_switch.port
            async with (
                node(first_switch, BOOKS, options=HOLD) as own,
                asyncio.TaskGroup() as tasks,
            ):
                await first_switch.__aexit__(None, None, None)
                await until(lambda: not own.connected)
                # To itself over the switch, so that it does not matter when others are back.
                for number in range(3):
                    await own.send(own.uuid, *ASK, number)
                asked = tasks.create_task(own.request(own.uuid, *ASK, 3))
                held = own._session.waitlist.size_bytes
                await until(lambda: own._session.waitlist.size_bytes > held)
                assert own.statistics().held_messages == 3
                async with make_switch(resources(port)):
                    assert (await asked).first == 3
                    decode = own.resources.elements.decode
                    contents = [decode(one.data).first for one in services_of(own).messages]
                    assert contents == [0, 1, 2, 3]
                    assert own.statistics().held_messages == 0
                    assert own._session.waitlist.size_bytes == 0

    async def test_bounded(self) -> None:
        """There is room for so much; more is refused by name, a request too."""
        options = VNicOptions(outage=OutagePolicy.HOLD, held_bytes=1000)
        async with make_switch() as switch, node(switch, options=options) as caller:
            await switch.__aexit__(None, None, None)
            await until(lambda: not caller.connected)
            await caller.send(caller.uuid, *ASK, bytes(600))
            with pytest.raises(OverloadedError, match="no room for"):
                await caller.send(caller.uuid, *ASK, bytes(600))
            with pytest.raises(OverloadedError, match="no room for"):
                await caller.request(caller.uuid, *ASK, bytes(600))
            assert caller.statistics().held_messages == 1

    async def test_request_waits_no_longer_than_its_time(self) -> None:
        """A held request ends with its time, and says that the connection did not come back."""
        async with make_switch() as switch, node(switch, options=HOLD) as caller:
            await switch.__aexit__(None, None, None)
            await until(lambda: not caller.connected)
            with pytest.raises(UnavailableError, match=r"did not come back within 0\.05 s"):
                await caller.request(caller.uuid, *ASK, timeout=0.05)
            assert caller._session.waitlist.size_bytes == 0

    async def test_end_without_a_connection(self) -> None:
        """What is still kept at the end comes back to the services, and who waits gets an error."""
        async with make_switch() as switch, asyncio.TaskGroup() as tasks:
            async with node(switch, options=HOLD) as caller:
                await switch.__aexit__(None, None, None)
                await until(lambda: not caller.connected)
                await caller.send(caller.uuid, *ASK, 77)
                asked = tasks.create_task(_closed(caller))
                connecting = tasks.create_task(_closed_while_waiting(caller))
                await asyncio.sleep(0)
            assert await asked
            assert await connecting
        [message] = services_of(caller).messages
        assert message.failure.startswith("closed: ")
        assert message.reply
        assert caller.resources.elements.decode(message.data).first == 77

    async def test_fails_by_default(self) -> None:
        """Unless told otherwise nothing is kept: the caller learns at once."""
        async with make_switch() as switch, node(switch) as caller:
            await switch.__aexit__(None, None, None)
            await until(lambda: not caller.connected)
            with pytest.raises(UnavailableError, match="no connection to the switch"):
                await caller.send(caller.uuid, *ASK)
            with pytest.raises(UnavailableError, match="no connection to the switch"):
                await caller.request(caller.uuid, *ASK)

    async def test_attempts_are_not_a_busy_loop(self) -> None:
        """W-04: a node without a switch tries again with growing pauses, and rests in between."""
        quick = NodeSettings(request_timeout=0.5)
        async with make_switch() as switch:
            port = switch.port
        vnic = make_vnic(resources(port, quick))
        with pytest.raises(UnavailableError):
            await vnic.__aenter__()
        # Pauses of at least 0.05, 0.1, 0.2, 0.4 s fit in no more than this.
        assert 1 <= vnic._session.figures.connection_errors <= 5

    @pytest.mark.parametrize("name", ["held_bytes", "max_pending", "max_streams"])
    def test_bad_options(self, name: str) -> None:
        """Options that cannot work are refused with their values."""
        with pytest.raises(ConfigurationError, match=f"{name} 0 must be above zero"):
            VNicOptions(**{name: 0})  # type: ignore[arg-type]


class TestBatches:
    """W-27: batches of an interface."""

    async def test_items_in_one_message(self) -> None:
        """Three changes of one item each arrive as one change of three, to the providers."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as provider,
            node(switch) as sender,
        ):
            batch = sender.batch(MulticastMode.ALL, BOOKS.name, BOOKS.area, interval=0.01)
            for number in range(3):
                await batch.add(Action.PATCH, number)
            await until(lambda: len(services_of(provider).messages) == 1)
            [message] = services_of(provider).messages
            assert provider.resources.elements.decode(message.data).values == (0, 1, 2)

    async def test_flushed_at_the_end(self) -> None:
        """Nothing that was collected is lost when the interface is left."""
        async with make_switch() as switch, node(switch, BOOKS) as provider:
            async with node(switch) as sender:
                batch = sender.batch(provider.uuid, BOOKS.name, BOOKS.area, interval=60.0)
                await batch.add(Action.POST, 7)
            await until(lambda: len(services_of(provider).messages) == 1)
            with pytest.raises(ClosedError):
                await batch.add(Action.POST, 8)
            with pytest.raises(ClosedError):
                sender.batch(provider.uuid, BOOKS.name)

    async def test_large_items(self) -> None:
        """A batch never grows beyond a message; what does not fit is refused when it is added."""
        small = NodeSettings(max_frame_bytes=20_000)
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as provider,
            node(switch, settings=small) as sender,
        ):
            batch = sender.batch(provider.uuid, BOOKS.name, BOOKS.area, interval=60.0)
            for _ in range(5):
                await batch.add(Action.POST, bytes(6000))
            with pytest.raises(L8Error, match="10000 are the limit"):
                await batch.add(Action.POST, bytes(12_000))
            await batch.aclose()
            await until(lambda: len(services_of(provider).messages) == 5)

    @pytest.mark.parametrize("limits", [{"interval": 0.0}, {"max_items": 0}, {"max_bytes": 0}])
    async def test_bad_limits(self, limits: dict[str, float]) -> None:
        """Limits that make no sense are refused."""
        async with make_switch() as switch, node(switch) as sender:
            with pytest.raises(L8Error, match="above zero"):
                sender.batch(RULE, "Books", **limits)  # type: ignore[arg-type]


async def _provider(switch: TcpSwitch) -> TcpVNic:
    parts = resources(switch.port)
    parts.services.handler = slowly
    vnic = await make_vnic(parts).__aenter__()
    await vnic.announce(BOOKS)
    return vnic


def _knows(vnic: TcpVNic) -> bool:
    return bool(vnic.directory.providers(BOOKS))


async def _closed(vnic: TcpVNic) -> bool:
    try:
        await vnic.request(vnic.uuid, *ASK)
    except ClosedError:
        return True
    return False


async def _closed_while_waiting(vnic: TcpVNic) -> bool:
    try:
        await vnic.wait_connected()
    except ClosedError:
        return True
    return False
