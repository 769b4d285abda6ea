# SPDX-License-Identifier: Apache-2.0
"""Where calls go, what they end with, and what is told about them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import (
    EncodeError,
    L8Error,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.pb import L8NotificationSet
from l8types.settings import NodeSettings
from l8types.values import Message, ServiceKey
from layer8_net import BreakerOptions, VNicOptions
from layer8_net._trouble import Trouble
from layer8_net.errors import (
    CircuitOpenError,
    MovedError,
    NameTooLongError,
    NoInstanceError,
    PayloadTooLargeError,
    PeerLostError,
    UnknownServiceError,
)

from .fakes import (
    FakeElements,
    cut_off,
    error_of_asking,
    give_up,
    make_switch,
    metrics_of,
    new_id,
    node,
    received,
    services_of,
    until,
)

if TYPE_CHECKING:
    from l8types.protocols.net import Target
    from layer8_net import TcpVNic

BOOKS = ServiceKey("Books", 3)
ASK = (BOOKS.name, BOOKS.area, Action.GET)
RULE = MulticastMode.ROUND_ROBIN


class Work:
    """A handler that waits, and tells how it ended."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = 0
        self.cancelled = 0
        self.done = 0

    async def __call__(self, elements: FakeElements, message: Message) -> FakeElements | None:
        self.begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.done += 1
        return elements


class TestRouting:
    """Who is asked."""

    @pytest.mark.feature("NIC-07", "NIC-08")
    async def test_all_providers_take_turns(self) -> None:
        """Requests by rule are spread evenly over the providers, the caller's own among them."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as a,
            node(switch, BOOKS) as b,
            node(switch, BOOKS) as c,
        ):
            await until(lambda: len(a.directory.providers(BOOKS)) == 3)
            for number in range(9):
                await a.request(RULE, *ASK, number)
            assert [len(services_of(one).messages) for one in (a, b, c)] == [3, 3, 3]

    async def test_leader(self) -> None:
        """W-22: a message to the leader goes to the elected one, not to whom the switch guesses."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as a,
            node(switch, BOOKS) as b,
            node(switch) as caller,
        ):
            for elected in (a, b):
                services_of(caller).leaders[BOOKS] = elected.uuid
                services_of(elected).messages.clear()
                await caller.request(MulticastMode.LEADER, *ASK, 1)
                await caller.send(MulticastMode.LEADER, *ASK, 2)
                await until(partial(received, elected, 2))

    async def test_local(self) -> None:
        """W-22: a message to the own node does not touch the wire, and keeps its circumstances."""
        async with make_switch() as switch, node(switch, BOOKS) as a, node(switch, BOOKS) as b:
            await until(lambda: len(a.directory.providers(BOOKS)) == 2)
            before = a.statistics().tx_messages
            for number in range(5):
                answer = await a.request(MulticastMode.LOCAL, *ASK, number, identity="vera")
                assert answer.first == number
            await a.send(MulticastMode.LOCAL, *ASK, "one way")
            parts = [p.first async for p in a.stream(MulticastMode.LOCAL, *ASK, [1, 2])]
            assert parts == [1, 2]
            await until(lambda: len(services_of(a).messages) == 7)
            assert a.statistics().tx_messages == before
            assert services_of(b).messages == []
            message = services_of(a).messages[0]
            assert (message.source, message.identity, message.key) == (a.uuid, "vera", BOOKS)
            assert [m.request for m in services_of(a).messages].count(False) == 1

    async def test_local_time_out(self) -> None:
        """A service of the own node is no reason to wait for ever."""
        work = Work()
        async with make_switch() as switch, node(switch, BOOKS, handler=work) as own:
            with pytest.raises(RequestTimeoutError, match="from this node within"):
                await own.request(MulticastMode.LOCAL, *ASK, timeout=0.02)
            assert work.cancelled == 1

    async def test_local_without_the_service(self) -> None:
        """What the own node does not offer is not asked of another one."""
        async with make_switch() as switch, node(switch, BOOKS) as other, node(switch) as own:
            await until(lambda: own.directory.providers(BOOKS) == (other.uuid,))
            with pytest.raises(UnavailableError):
                await own.request(MulticastMode.LOCAL, *ASK)
            assert services_of(other).messages == []

    async def test_moved(self) -> None:
        """A request that reaches a node which withdrew the service is asked of another one."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as stays,
            node(switch, BOOKS) as leaves,
            node(switch) as caller,
        ):
            await until(lambda: len(caller.directory.providers(BOOKS)) == 2)
            # The caller does not know yet: the node has forgotten the service, and told nobody.
            leaves._session.offers.remove((BOOKS.name, BOOKS.area))
            for number in range(4):
                assert (await caller.request(RULE, *ASK, number)).first == number
            assert len(services_of(stays).messages) == 4
            assert services_of(leaves).messages == []
            assert caller.statistics().moved_requests >= 2
            parts = [p.first async for p in caller.stream(RULE, *ASK, [1, 2])]
            assert parts == [1, 2]

    async def test_moved_everywhere(self) -> None:
        """When nobody takes the request the caller learns so; nobody is asked twice."""
        async with make_switch() as switch, node(switch, BOOKS) as a, node(switch, BOOKS) as b:
            await until(lambda: len(a.directory.providers(BOOKS)) == 2)
            for one in (a, b):
                one._session.offers.remove((BOOKS.name, BOOKS.area))
            with pytest.raises(NoInstanceError, match="none of the 2 providers"):
                await a.request(RULE, *ASK)

    async def test_named_node_is_not_replaced(self) -> None:
        """Who names a node gets that node or an error, never another one."""
        async with make_switch() as switch, node(switch, BOOKS), node(switch) as caller:
            with pytest.raises(UnavailableError):
                await caller.request(new_id(), *ASK)
            assert caller.statistics().moved_requests == 0

    async def test_error_of_the_provider_is_final(self) -> None:
        """A request that was executed and failed is not asked again."""
        tried: Counter[str] = Counter()

        async def fail(elements: FakeElements, message: Message) -> FakeElements | None:
            tried["all"] += 1
            raise MovedError("says the service itself")

        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=fail) as a,
            node(switch, BOOKS, handler=fail),
        ):
            await until(lambda: len(a.directory.providers(BOOKS)) == 2)
            with pytest.raises(MovedError):
                await a.request(RULE, *ASK)
            assert tried["all"] == 1

    @pytest.mark.feature("NIC-13")
    async def test_notify(self) -> None:
        """Changes of properties reach every instance of the service that they name."""
        async with (
            make_switch() as switch,
            node(switch, BOOKS) as a,
            node(switch, BOOKS) as b,
            node(switch, ServiceKey("Other")) as other,
        ):
            changes = L8NotificationSet(service_name="Books", service_area=3, model_key="k")
            await other.notify(changes, identity="vera")
            for one in (a, b):
                await until(partial(received, one, 1))
                [message] = services_of(one).messages
                assert (message.action, message.identity) == (Action.NOTIFY, "vera")
                content = one.resources.elements.decode(message.data).first
                assert content == changes
            assert services_of(other).messages == []


class TestBreaker:
    """Targets that fail are left alone."""

    OPTIONS = VNicOptions(breaker=BreakerOptions(max_failures=2, reset_after=0.2))

    @pytest.mark.feature("CB-01", "MET-01")
    async def test_open(self) -> None:
        """W-29: after failures calls end at once, by name; a good probe lets them through again."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as provider,
            node(switch, options=self.OPTIONS) as caller,
        ):
            for _ in range(2):
                with pytest.raises(RequestTimeoutError):
                    await caller.request(provider.uuid, *ASK, timeout=0.02)
            with pytest.raises(CircuitOpenError, match=f"on node {provider.uuid} failed too often"):
                await caller.request(provider.uuid, *ASK)
            assert work.begun == 2
            work.gate.set()
            async with asyncio.timeout(5):
                while await _refused(caller, provider.uuid):
                    await asyncio.sleep(0.01)
            for number in range(5):
                assert (await caller.request(provider.uuid, *ASK, number)).first == number
        metrics = metrics_of(caller)
        labels = ("node", "node"), ("state", "open"), ("target", f"Books--3@{provider.uuid}")
        assert metrics.series["layer8_circuit_breaker_requests_total", labels] >= 1
        assert metrics.gauges["layer8_circuit_breaker_state"] == 0

    async def test_rules_avoid_it(self) -> None:
        """A provider whose breaker is open is not picked while there are others."""
        bad, options = Work(), self.OPTIONS
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=bad) as broken,
            node(switch, BOOKS) as works,
            node(switch, options=options) as caller,
        ):
            await until(lambda: len(caller.directory.providers(BOOKS)) == 2)
            for _ in range(2):
                with pytest.raises(RequestTimeoutError):
                    await caller.request(broken.uuid, *ASK, timeout=0.02)
            for number in range(4):
                assert (await caller.request(RULE, *ASK, number)).first == number
            assert bad.begun == 2
            await works.withdraw(BOOKS)
            await until(lambda: caller.directory.providers(BOOKS) == (broken.uuid,))
            caller._calls.breakers.end((broken.uuid, "Books", 3), 1, caller._session.now())  # type: ignore[arg-type]
            with pytest.raises(CircuitOpenError, match="all providers"):
                await caller.request(RULE, *ASK)

    async def test_application_errors(self) -> None:
        """A provider that answers with errors works; no breaker opens for what it says."""

        async def refuse(elements: FakeElements, message: Message) -> FakeElements | None:
            raise EncodeError("no")

        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=refuse) as provider,
            node(switch, options=self.OPTIONS) as caller,
        ):
            for _ in range(10):
                with pytest.raises(EncodeError):
                    await caller.request(provider.uuid, *ASK)
            assert caller.statistics().failed_calls == {}


class TestErrors:
    """Every kind of trouble has a name, a log line and a counter."""

    async def test_names(self, caplog: pytest.LogCaptureFixture) -> None:
        """What is wrong with a call is told by the class of its error and counted by its code."""
        caplog.set_level(logging.WARNING)
        small = NodeSettings(max_frame_bytes=4096)
        async with make_switch() as switch, node(switch, settings=small) as caller:
            cases: list[tuple[type[L8Error], str, Target, str, object]] = [
                (UnknownServiceError, "unknown-service", RULE, "Nothing", None),
                (UnavailableError, "unavailable", new_id(), "Books", None),
                (PayloadTooLargeError, "payload-too-large", new_id(), "Books", bytes(5000)),
                (NameTooLongError, "name-too-long", new_id(), "n" * 256, None),
            ]
            for kind, code, target, service, payload in cases:
                caplog.clear()
                for _ in range(3):
                    with pytest.raises(kind) as caught:
                        await caller.request(target, service, 0, Action.GET, payload)
                    assert caught.value.code == code
                    assert type(caught.value) is kind
                # One line, however often it happens.
                assert len(caplog.records) == 1
                assert code in caplog.text
                assert caller.statistics().failed_calls[code] == 3
        labels = (("code", "name-too-long"), ("node", "node"))
        assert metrics_of(caller).series["layer8_failed_calls_total", labels] == 3

    async def test_no_instance(self) -> None:
        """A service that was there and is gone is another trouble than one that never was."""
        async with make_switch() as switch, node(switch) as caller:
            async with node(switch, BOOKS):
                await until(lambda: bool(caller.directory.providers(BOOKS)))
            await until(lambda: not caller.directory.providers(BOOKS))
            with pytest.raises(NoInstanceError, match="no live provider of service 'Books'"):
                await caller.request(RULE, *ASK)

    async def test_peer_lost(self) -> None:
        """W-11: a request to a node that dies ends at once, by name; it may have been executed."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch) as caller,
            node(switch, BOOKS, handler=work) as provider,
            asyncio.TaskGroup() as tasks,
        ):
            task = tasks.create_task(error_of_asking(caller, provider.uuid, *ASK))
            await until(lambda: work.begun == 1)
            cut_off(provider)
            assert isinstance(await task, PeerLostError)
            give_up(provider)

    async def test_too_many_pending(self) -> None:
        """The table of pending requests is bounded: one more is refused by name."""
        work = Work()
        async with (
            make_switch() as switch,
            node(switch, BOOKS, handler=work) as provider,
            node(switch, options=VNicOptions(max_pending=2)) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            asked = [tasks.create_task(caller.request(provider.uuid, *ASK)) for _ in range(2)]
            await until(lambda: work.begun == 2)
            with pytest.raises(OverloadedError, match="2 requests wait"):
                await caller.request(provider.uuid, *ASK)
            work.gate.set()
            for task in asked:
                await task

    def test_quiet_log(self, caplog: pytest.LogCaptureFixture) -> None:
        """The next line after a pause tells how many were left out."""
        caplog.set_level(logging.WARNING)
        now = [0.0]
        trouble = Trouble("me", lambda: now[0])
        for _ in range(4):
            trouble.note("timeout", "S", 1, "late", level=logging.WARNING)
        now[0] = 11.0
        trouble.note("timeout", "S", 1, "late", level=logging.WARNING)
        assert caplog.messages == [
            "me: S area 1: timeout: late",
            "me: S area 1: timeout: late (and 3 more like it)",
        ]
        assert trouble.counts == {"timeout": 5}


class TestFigures:
    """What a node tells about itself."""

    @pytest.mark.feature("HLT-07", "NIC-14", "NIC-15")
    async def test_use_of_the_machine(self) -> None:
        """The directory shows memory and processor of each node, soon after it joined."""
        quick = NodeSettings(keep_alive=0.05)
        async with make_switch() as switch, node(switch, settings=quick) as one:

            def known() -> bool:
                info = switch.directory.node(one.uuid)
                return info is not None and info.statistics.memory_bytes > 1_000_000

            await until(known)
            info = switch.directory.node(one.uuid)
            assert info is not None
            assert 0.0 <= info.statistics.cpu_ratio <= 1.0

    @pytest.mark.feature("MET-01", "MET-02", "MET-03")
    async def test_metrics_are_fed(self) -> None:
        """W-29: messages, latencies and the state of the connection reach the metrics sink."""
        async with make_switch() as switch, node(switch, BOOKS) as one:
            for number in range(3):
                await one.request(one.uuid, *ASK, number)
            figures = one.statistics()
            assert (figures.connection_score, figures.connection_state) == (100, 0)
        metrics = metrics_of(one)
        assert len(metrics.observed["layer8_message_latency_ms"]) == 3
        assert all(0 < ms < 10_000 for ms in metrics.observed["layer8_message_latency_ms"])
        assert metrics.gauges["layer8_connection_score"] == 100
        for name in (
            "layer8_messages_sent_total",
            "layer8_bytes_sent_total",
            "layer8_messages_received_total",
            "layer8_bytes_received_total",
        ):
            assert metrics.counters[name] > 0
        assert "layer8_connections_total" in metrics.gauges
        for _, labels in metrics.series:
            assert list(labels) == sorted(labels)


async def _refused(caller: TcpVNic, target: str) -> bool:
    try:
        await caller.request(target, *ASK, 1)
    except CircuitOpenError:
        return True
    return False
