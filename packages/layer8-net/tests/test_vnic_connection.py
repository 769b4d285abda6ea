# SPDX-License-Identifier: Apache-2.0
"""The connection of an interface: lost, found again, and its end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, DirectoryEventType, MulticastMode
from l8types.errors import (
    ClosedError,
    ConfigurationError,
    HandshakeError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.settings import NodeSettings
from l8types.values import DirectoryEvent, Message, ServiceKey

from .fakes import (
    FakeElements,
    FakeResources,
    cut_off,
    give_up,
    make_switch,
    make_vnic,
    metrics_of,
    never,
    new_id,
    node,
    outcome_of,
    resources,
    until,
)

if TYPE_CHECKING:
    from layer8_net import TcpSwitch

BOOKS = ServiceKey("Books of the whole library", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)


class TestConnection:
    """Connecting, losing the connection and getting it back."""

    @pytest.mark.feature("NIC-06", "NIC-03")
    async def test_switch_restart(self) -> None:
        """W-03: after a restart of the switch nodes come back, and their services are found."""
        async with make_switch() as first_switch:
            port = first_switch.port
            async with node(first_switch, BOOKS) as provider, node(first_switch) as caller:
                await first_switch.__aexit__(None, None, None)
                await until(lambda: not provider.connected and not caller.connected)
                with pytest.raises(UnavailableError, match="no connection to the switch"):
                    await caller.send(provider.uuid, *ASK)
                async with make_switch(resources(port)) as second_switch:
                    await provider.wait_connected()
                    await caller.wait_connected()
                    await until(lambda: BOOKS in _services(second_switch, provider.uuid))
                    answer = await caller.request(MulticastMode.PROXIMITY, *ASK, 7)
                    assert answer.first == 7
                    assert caller.statistics().connections == 2
                    assert caller.directory.node(first_switch.uuid) is None
                    assert caller.directory.node(second_switch.uuid) is not None

    async def test_lost_while_waiting(self) -> None:
        """A request pending on a lost connection fails at once."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=never) as provider,
            node(switch) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            task = tasks.create_task(outcome_of(caller.request(provider.uuid, *ASK)))
            await until(lambda: provider.statistics().active_handlers == 1)
            cut_off(caller)
            error = await task
            assert isinstance(error, UnavailableError)
            assert "connection to the switch was lost" in error.message
            give_up(provider)
            await caller.wait_connected()

    async def test_no_switch(self) -> None:
        """Without a switch the start fails in time with one line that says where it looked."""
        async with make_switch() as switch:
            port = switch.port
        parts = resources(port, NodeSettings(request_timeout=0.3))
        with pytest.raises(UnavailableError) as caught:
            await make_vnic(parts).__aenter__()
        assert f"cannot reach the switch at 127.0.0.1:{port}: " in caught.value.message
        assert "is it running?" in caught.value.message
        assert "\n" not in caught.value.message

    async def test_switch_that_comes_later(self) -> None:
        """A node that starts before its switch waits for it."""
        async with make_switch() as switch:
            port = switch.port
        async with asyncio.TaskGroup() as tasks:
            vnic = make_vnic(resources(port))
            entering = tasks.create_task(vnic.__aenter__())
            await until(lambda: vnic.running)
            async with make_switch(resources(port)):
                assert (await entering).connected
                await vnic.__aexit__(None, None, None)

    async def test_wrong_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        """A wrong secret fails the start with one line that names what to check."""
        caplog.set_level(logging.WARNING)
        async with make_switch() as switch:
            parts = resources(switch.port)
            parts.security.secret = b"another secret"
            with pytest.raises(HandshakeError, match="set the same secret on both") as caught:
                await make_vnic(parts).__aenter__()
            assert f"127.0.0.1:{switch.port}" in caught.value.message
            await until(lambda: switch.statistics().refused_handshakes == 1)
        assert len(caplog.records) == 1
        assert "secrets of the two sides differ" in caplog.text
        assert "another secret" not in caplog.text

    async def test_wrong_secret_after_a_restart(self) -> None:
        """A node that was connected once keeps trying, and joins when the secret is right again."""
        async with make_switch() as first_switch:
            port = first_switch.port
            async with node(first_switch) as vnic:
                await first_switch.__aexit__(None, None, None)
                other = resources(port)
                other.security.secret = b"another secret"
                async with make_switch(other) as wrong:
                    await until(lambda: wrong.statistics().refused_handshakes >= 2)
                async with make_switch(resources(port)):
                    await vnic.wait_connected()

    @pytest.mark.feature("SEC-01")
    async def test_not_admitted(self) -> None:
        """A node that the security provider refuses learns so."""
        parts = resources()
        parts.security.refusal = PermissionDeniedError("node is banned")
        async with make_switch(parts) as switch:
            with pytest.raises(PermissionDeniedError, match="node is banned"):
                await make_vnic(resources(switch.port)).__aenter__()

    async def test_admission_that_fails(self, caplog: pytest.LogCaptureFixture) -> None:
        """A security provider that crashes admits nobody and does not end the switch."""
        parts = resources()
        parts.security.refusal = ZeroDivisionError()
        quick = NodeSettings(request_timeout=0.3)
        async with make_switch(parts) as switch:
            with pytest.raises(UnavailableError, match="cannot decide on admissions"):
                await make_vnic(resources(switch.port, quick)).__aenter__()
            parts.security.refusal = None
            async with node(switch) as vnic:
                assert vnic.connected
        assert "the security provider failed" in caplog.text

    async def test_id_of_the_switch(self) -> None:
        """A node with the id of its switch is refused with a reason."""
        async with make_switch() as switch:
            parts = FakeResources(NodeSettings(port=switch.port, uuid=switch.uuid))
            with pytest.raises(HandshakeError, match="ids must differ"):
                await make_vnic(parts).__aenter__()

    async def test_empty_secret(self) -> None:
        """A node without a secret does not start."""
        async with make_switch() as switch:
            parts = resources(switch.port)
            parts.security.secret = b""
            with pytest.raises(ConfigurationError, match="secret is empty"):
                await make_vnic(parts).__aenter__()

    async def test_silent_switch(self) -> None:
        """A switch that gives no sign of life is given up."""
        quick = NodeSettings(keep_alive=0.05)
        async with (
            make_switch(resources(settings=quick)) as switch,
            node(switch, settings=quick) as vnic,
        ):
            switch._workers[0].cancel()
            await until(lambda: vnic.statistics().connections > 1)


class TestEnd:
    """Leaving."""

    @pytest.mark.feature("NIC-17")
    async def test_no_tasks_are_left(self) -> None:
        """After everything is left no task of it is alive."""
        before = asyncio.all_tasks()
        async with make_switch() as switch, node(switch, BOOKS) as vnic:
            await vnic.request(vnic.uuid, *ASK)
            assert vnic.running
            assert switch.running
        assert not vnic.running
        assert not switch.running
        assert asyncio.all_tasks() == before

    async def test_afterwards(self) -> None:
        """Later calls say that it is closed."""
        async with make_switch() as switch, node(switch, BOOKS) as vnic:
            pass
        with pytest.raises(ClosedError):
            await vnic.send(vnic.uuid, *ASK)
        with pytest.raises(ClosedError):
            await vnic.request(vnic.uuid, *ASK)
        with pytest.raises(ClosedError):
            await vnic.__aenter__()

    @pytest.mark.feature("NIC-17")
    async def test_twice(self) -> None:
        """W-19: leaving twice does no harm, and the others hear of one departure."""
        events: list[DirectoryEvent] = []
        async with make_switch() as switch, node(switch) as watcher:
            async with node(switch) as vnic:
                await until(lambda: watcher.directory.node(vnic.uuid) is not None)
                watcher.directory.watch(events.append)
                await vnic.__aexit__(None, None, None)
            await until(lambda: watcher.directory.node(vnic.uuid) is None)
            await watcher.request(watcher.uuid, *ASK)
        assert [one.type for one in events].count(DirectoryEventType.LEFT) == 1

    async def test_before(self) -> None:
        """Calls before the start say that it is not running."""
        with pytest.raises(ClosedError, match="not running"):
            await make_vnic(resources(1)).send(new_id(), *ASK)

    async def test_handlers_finish(self) -> None:
        """A handler at work finishes, and its answer still leaves."""
        gate = asyncio.Event()

        async def wait(elements: FakeElements, message: Message) -> FakeElements | None:
            await gate.wait()
            return elements

        async with make_switch() as switch, node(switch) as caller, asyncio.TaskGroup() as tasks:
            async with node(switch, BOOKS, handler=wait) as provider:
                task = tasks.create_task(caller.request(provider.uuid, *ASK, 7))
                await until(lambda: provider.statistics().active_handlers == 1)
                asyncio.get_running_loop().call_later(0.02, gate.set)
            assert (await task).first == 7

    async def test_pending_requests_end(self) -> None:
        """Who waits for an answer while the interface is left gets an error."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=never) as provider,
            asyncio.TaskGroup() as tasks,
        ):
            async with node(switch) as caller:
                task = tasks.create_task(outcome_of(caller.request(provider.uuid, *ASK)))
                await until(lambda: provider.statistics().active_handlers == 1)
            assert isinstance(await task, ClosedError)
            give_up(provider)

    @pytest.mark.feature("NIC-15")
    async def test_metrics(self) -> None:
        """Counters and gauges reach the metrics sink when it ends, at the latest."""
        parts = resources()
        async with make_switch(parts) as switch, node(switch, BOOKS) as vnic:
            await vnic.request(vnic.uuid, *ASK)
            figures = vnic.statistics()
        counters = metrics_of(vnic).counters
        assert figures.tx_messages >= 4
        assert counters["layer8_messages_sent_total"] >= figures.tx_messages
        assert counters["layer8_bytes_received_total"] >= figures.rx_bytes > 0
        assert parts.metrics.counters["layer8_switch_forwarded_messages_total"] == 2
        assert parts.metrics.gauges["layer8_switch_connections"] == 0


def _services(switch: TcpSwitch, uuid: str) -> dict[ServiceKey, str]:
    found = switch.directory.node(uuid)
    return {} if found is None else dict(found.services)
