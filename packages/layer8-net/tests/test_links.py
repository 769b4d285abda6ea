# SPDX-License-Identifier: Apache-2.0
"""Switches linked over real sockets on loopback: delivery, loss and return."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import UnavailableError
from l8types.frozen import replace
from l8types.settings import NodeSettings
from l8types.values import Message, ServiceKey

from .fakes import (
    FakeElements,
    cut_off,
    make_switch,
    make_vnic,
    node,
    resources,
    services_of,
    until,
)

if TYPE_CHECKING:
    from layer8_net import TcpSwitch, TcpVNic

TESTS = ServiceKey("Tests")
FAST = NodeSettings(keep_alive=0.5, request_timeout=10.0)


async def silent(elements: FakeElements, message: Message) -> FakeElements | None:
    """A handler that takes what comes."""
    return None


class Network:
    """Three linked switches with four nodes each, of which three offer the service."""

    def __init__(self) -> None:
        self.switches: list[TcpSwitch] = []
        self.nodes: list[list[TcpVNic]] = []

    @property
    def everyone(self) -> list[TcpVNic]:
        return [vnic for group in self.nodes for vnic in group]

    @property
    def hosts(self) -> list[TcpVNic]:
        return [vnic for group in self.nodes for vnic in group[:3]]

    def received(self) -> list[int]:
        """How many messages each host got that are no failures."""
        return [sum(not one.failure for one in services_of(vnic).messages) for vnic in self.hosts]

    async def converged(self, count: int = 15) -> None:
        """Wait until every node and every switch knows all."""
        views = [one.directory for one in self.switches]
        views += [one.directory for one in self.everyone]
        await until(lambda: {len(view.nodes()) for view in views} == {count})


async def build(stack: AsyncExitStack, settings: NodeSettings = FAST) -> Network:
    """A chain of three switches that completes itself, with nodes."""
    net = Network()
    for _ in range(3):
        switch = await stack.enter_async_context(make_switch(resources(settings=settings)))
        for earlier in net.switches[-1:]:
            await switch.connect("127.0.0.1", earlier.port)
        net.switches.append(switch)
    for switch in net.switches:
        offers = [(TESTS,)] * 3 + [()]
        group = [
            await stack.enter_async_context(node(switch, *keys, handler=silent, settings=settings))
            for keys in offers
        ]
        net.nodes.append(group)
    await net.converged()
    await until(lambda: all(len(one.directory.providers(TESTS)) == 9 for one in net.everyone))
    return net


class TestThreeSwitches:
    """The scenarios of a whole network."""

    @pytest.mark.feature("NET-10", "NET-11", "NET-19", "HLT-03", "TST-01")
    async def test_everybody_knows_everybody(self) -> None:
        """Every node knows the same 15 nodes; every switch has two links and four nodes."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            ids = {tuple(one.uuid for one in vnic.directory.nodes()) for vnic in net.everyone}
            assert len(ids) == 1
            for switch in net.switches:
                figures = switch.statistics()
                assert (figures.links, figures.connections) == (2, 4)

    @pytest.mark.feature("NET-05")
    async def test_multicast(self) -> None:
        """A multicast reaches each of nine hosts once, the sender included."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            await net.hosts[0].send(MulticastMode.ALL, "Tests", 0, Action.POST, "x")
            await until(lambda: sum(net.received()) >= 9)
            # An answer of each, over the same links, comes after whatever was under way before.
            for host in net.hosts:
                await net.nodes[1][3].request(host.uuid, "Tests", 0, Action.GET)
            assert net.received() == [2] * 9

    @pytest.mark.feature("NET-04", "NET-06", "NET-08")
    async def test_unicast_and_anycast(self) -> None:
        """A message to a node reaches that node, one to any provider exactly one of nine."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            await net.nodes[0][1].send(net.nodes[2][2].uuid, "Tests", 0, Action.POST, "x")
            await until(lambda: net.received() == [0] * 8 + [1])
            for _ in range(9):
                await net.nodes[0][3].request("", "Tests", 0, Action.POST, "x")
            assert sorted(net.received()) == [1] * 8 + [2]

    @pytest.mark.feature("NET-04")
    async def test_request(self) -> None:
        """A request crosses to another switch and its answer comes back."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            services_of(net.nodes[0][1]).handler = _echo
            answer = await net.nodes[2][0].request(
                net.nodes[0][1].uuid, "Tests", 0, Action.POST, ["request"], timeout=5.0
            )
            assert answer.first == "request"

    async def test_order(self) -> None:
        """Messages of one sender to one receiver arrive in order, over a link too."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            receiver = net.nodes[2][0]
            for number in range(500):
                await net.nodes[0][0].send(receiver.uuid, "Tests", 0, Action.POST, number)
            messages = services_of(receiver).messages
            await until(lambda: len(messages) == 500)
            sequences = [message.sequence for message in messages]
            assert sequences == sorted(sequences)

    @pytest.mark.feature("NET-09", "NET-18")
    async def test_node_that_is_gone(self) -> None:
        """What is sent to a node that left another switch comes back to its sender."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            gone = net.nodes[0].pop(0)
            sender = net.nodes[2][1]
            await gone.__aexit__(None, None, None)
            await sender.send(gone.uuid, "Tests", 0, Action.POST, "x")
            await until(lambda: any(one.failure for one in services_of(sender).messages))
            await net.converged(14)

    @pytest.mark.feature("HLT-07", "NET-17")
    async def test_figures(self) -> None:
        """The figures of nodes and switches are known behind every other switch."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            there = net.nodes[2][0].directory

            def known() -> bool:
                nodes = [there.node(one.uuid) for one in (net.nodes[0][1], net.switches[0])]
                return all(
                    one is not None
                    and one.statistics.memory_bytes > 0
                    and one.statistics.cpu_ratio >= 0
                    and one.statistics.tx_bytes > 0
                    for one in nodes
                )

            await until(known)
            node_there = there.node(net.nodes[0][1].uuid)
            assert node_there is not None
            assert set(node_there.services) == {TESTS}


async def _echo(elements: FakeElements, message: Message) -> FakeElements | None:
    return elements


class TestTrouble:
    """Switches that come late, die and return."""

    @pytest.mark.feature("NET-22", "NET-07")
    async def test_late_link(self) -> None:
        """Two networks that grew apart reach each other's services as soon as they are linked."""
        async with (
            make_switch(resources(settings=FAST)) as one,
            make_switch(resources(settings=FAST)) as other,
            node(one, TESTS, handler=_echo) as a,
            node(other, TESTS, handler=silent) as b,
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: len(a.directory.providers(TESTS)) == 2)
            await until(lambda: len(b.directory.providers(TESTS)) == 2)
            alias = b.directory.node(a.uuid)
            assert alias is not None
            assert alias.switch == one.uuid
            await b.send(MulticastMode.ALL, "Tests", 0, Action.POST, "x")
            await until(lambda: len(services_of(a).messages) == 1)
            await until(lambda: len(services_of(b).messages) == 1)

    @pytest.mark.feature("NET-18")
    async def test_switch_death(self) -> None:
        """All that was behind a switch whose connections are cut is gone at once, on all others."""
        async with AsyncExitStack() as stack:
            net = await build(stack)
            await _kill(net.switches[0])
            rest = net.nodes[1] + net.nodes[2]
            await until(lambda: all(len(one.directory.nodes()) == 10 for one in rest), 5.0)
            assert len(rest[0].directory.providers(TESTS)) == 6

    async def test_request_to_a_node_behind_a_dead_switch(self) -> None:
        """Who waits for an answer from behind a switch that dies learns it at once."""
        never = asyncio.Event()

        async def wait(elements: FakeElements, message: Message) -> FakeElements | None:
            await never.wait()
            return None

        async with (
            make_switch(resources(settings=FAST)) as one,
            make_switch(resources(settings=FAST)) as other,
            node(one, handler=wait) as a,
            node(other) as b,
        ):
            await other.connect("127.0.0.1", one.port)
            await until(lambda: b.directory.node(a.uuid) is not None)
            async with asyncio.TaskGroup() as tasks:
                call = tasks.create_task(_fails(b, a.uuid))
                await until(lambda: len(services_of(a).messages) == 1)
                never.set()
                await _kill(one)
                await call

    @pytest.mark.feature("NET-10", "NIC-06")
    async def test_switch_restart(self) -> None:
        """After a restart of a switch it is linked again, and its nodes' services are back."""
        async with make_switch(resources(settings=FAST)) as one, AsyncExitStack() as stack:
            before = make_switch(resources(settings=FAST))
            await before.__aenter__()
            await one.connect("127.0.0.1", before.port)
            vnic = await stack.enter_async_context(make_vnic(resources(before.port, FAST)))
            await vnic.announce(TESTS)
            await until(lambda: len(one.directory.providers(TESTS)) == 1)
            await before.__aexit__(None, None, None)
            await until(lambda: len(one.directory.nodes()) == 1)
            parts = resources(before.port, FAST)
            again = await stack.enter_async_context(make_switch(parts))
            await until(lambda: len(one.directory.providers(TESTS)) == 1, 15.0)
            known = one.directory.node(vnic.uuid)
            assert known is not None
            assert known.switch == again.uuid
            assert one.statistics().lost_links == 1
            caller = await stack.enter_async_context(node(one))
            assert (await caller.request("", "Tests", 0, Action.GET, 7)).first == 7

    async def test_link_that_breaks(self) -> None:
        """A link that breaks is made again, and what was known over it is known again."""
        async with (
            make_switch(resources(settings=FAST)) as one,
            make_switch(resources(settings=FAST)) as other,
            node(other, TESTS),
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: len(one.directory.providers(TESTS)) == 1)
            _break_links(one)
            await until(lambda: one.statistics().lost_links == 1)
            await until(lambda: len(one.directory.providers(TESTS)) == 1)

    async def test_node_that_breaks(self) -> None:
        """A node whose connection is cut is back with its services, behind every switch."""
        async with (
            make_switch(resources(settings=FAST)) as one,
            make_switch(resources(settings=FAST)) as other,
            node(one, TESTS) as vnic,
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: len(other.directory.providers(TESTS)) == 1)
            cut_off(vnic)
            await until(lambda: vnic.statistics().connections == 2)
            await until(lambda: other.directory.providers(TESTS) == (vnic.uuid,))

    @pytest.mark.feature("NET-20")
    async def test_link_that_falls_silent(self) -> None:
        """A switch that is connected but says nothing is given up after three intervals."""
        quick = replace(FAST, keep_alive=0.1)
        parts = resources(settings=quick)
        metrics = parts.metrics
        async with (
            make_switch(parts) as one,
            make_switch(resources(settings=quick)) as other,
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: one.statistics().links == 1)
            await until(lambda: metrics.gauges.get("layer8_switch_links") == 1.0)
            for link in other._connections._links.values():
                link.send = lambda frames: None  # type: ignore[method-assign]
            await until(lambda: one.statistics().silent_peers >= 1)
            await until(lambda: metrics.counters.get("layer8_switch_silent_peers_total", 0) >= 1)
            await until(lambda: one.statistics().links == 1)


async def _fails(vnic: TcpVNic, target: str) -> None:
    with pytest.raises(UnavailableError):
        await vnic.request(target, "Tests", 0, Action.GET)


async def _kill(switch: TcpSwitch) -> None:
    """End a switch as the end of its process would: its port closes, its connections are cut."""
    assert switch._server is not None
    switch._server.close()
    for worker in switch._workers:
        worker.cancel()
    for link in list(switch._connections._links.values()):
        link.abort("killed")
    await until(lambda: not switch._connections._links)


def _break_links(switch: TcpSwitch) -> None:
    """Cut the connections to other switches."""
    for number in list(switch._core._tables.peers):  # type: ignore[attr-defined]
        switch._connections._links[number].abort("broken by the test")


class TestPressure:
    """Nodes that do not keep up, behind another switch."""

    @pytest.mark.feature("NET-14")
    async def test_slow_node_elsewhere(self) -> None:
        """Senders to a slow node behind another switch wait; others go on; nothing is lost."""
        gate = asyncio.Event()

        async def wait(elements: FakeElements, message: Message) -> FakeElements | None:
            await gate.wait()
            return None

        small = replace(FAST, queue_bytes=200_000, keep_alive=5.0)
        async with (
            # What is under way between the switches when the news comes must fit as well.
            make_switch(resources(settings=replace(small, queue_bytes=8_000_000))) as one,
            make_switch(resources(settings=replace(small, queue_bytes=8_000_000))) as other,
            node(one, settings=small) as sender,
            node(one, settings=small) as bystander,
            node(other, handler=wait, settings=small) as slow,
            node(other, TESTS, settings=small) as quick,
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: sender.directory.node(slow.uuid) is not None)
            await until(lambda: bystander.directory.providers(TESTS) == (quick.uuid,))
            data, sent = bytes(20_000), 0
            async with asyncio.TaskGroup() as tasks:

                async def flood() -> None:
                    nonlocal sent
                    for _ in range(3000):
                        await sender.send(slow.uuid, "S", 0, Action.POST, data)
                        sent += 1

                tasks.create_task(flood())
                await until(lambda: bool(one._core._tables.slow))  # type: ignore[attr-defined]
                before = -1
                while before != sent:
                    before = sent
                    for _ in range(20):
                        answer = await bystander.request(quick.uuid, "Tests", 0, Action.GET, 1)
                        assert answer.first == 1
                assert sent < 3000
                gate.set()
            messages = services_of(slow).messages
            await until(lambda: len(messages) == 3000)
            assert not any(message.failure for message in services_of(sender).messages)

    async def test_both_sides_slow(self) -> None:
        """Two nodes that flood each other over a link, each busy itself, both get everything."""
        small = replace(FAST, queue_bytes=100_000, keep_alive=5.0)
        async with (
            make_switch(resources(settings=small)) as one,
            make_switch(resources(settings=small)) as other,
            node(one, handler=silent, settings=small) as a,
            node(other, handler=silent, settings=small) as b,
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: a.directory.node(b.uuid) is not None)
            await until(lambda: b.directory.node(a.uuid) is not None)

            async def flood(sender: TcpVNic, receiver: TcpVNic) -> None:
                for _ in range(1000):
                    await sender.send(receiver.uuid, "S", 0, Action.POST, bytes(10_000))

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(flood(a, b))
                tasks.create_task(flood(b, a))
            for vnic in (a, b):
                messages = services_of(vnic).messages
                await until(lambda messages=messages: len(messages) == 1000)  # type: ignore[misc]
                assert not any(message.failure for message in messages)

    async def test_oversized_frame(self) -> None:
        """A frame above the limit costs its sender the connection, and only for a moment."""
        async with (
            make_switch(resources(settings=replace(FAST, max_frame_bytes=5000))) as one,
            make_switch(resources(settings=replace(FAST, max_frame_bytes=5000))) as other,
            node(one) as a,
            node(other, handler=silent) as b,
        ):
            await one.connect("127.0.0.1", other.port)
            await until(lambda: a.directory.node(b.uuid) is not None)
            await a.send(b.uuid, "S", 0, Action.POST, bytes(6000))
            await until(lambda: a.statistics().connections == 2 and a.connected)
            await until(lambda: a.directory.node(b.uuid) is not None)
            for _ in range(3):
                await a.send(b.uuid, "S", 0, Action.POST, "x")
            await until(lambda: len(services_of(b).messages) == 3)
            assert one.statistics().links == 1
