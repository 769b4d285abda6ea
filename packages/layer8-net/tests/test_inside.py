# SPDX-License-Identifier: Apache-2.0
"""Services that a switch offers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import ClosedError, ConfigurationError, NotFoundError, UnavailableError
from l8types.settings import NodeSettings
from l8types.values import ServiceKey

from .fakes import make_switch, node, resources, services_of, until

if TYPE_CHECKING:
    from layer8_net import TcpSwitch

CLOCK = ServiceKey("Clock")
BOOKS = ServiceKey("Books", 2)


def offered(switch: TcpSwitch, *by: TcpSwitch) -> bool:
    """Whether a switch knows that exactly these offer the service."""
    return set(switch.directory.providers(CLOCK)) == {one.uuid for one in by}


@pytest.mark.feature("NET-12")
@pytest.mark.parametrize(
    "target", ["", "id", MulticastMode.ROUND_ROBIN, MulticastMode.PROXIMITY, MulticastMode.LEADER]
)
async def test_a_node_asks_its_switch(target: str | MulticastMode) -> None:
    """A service of the switch is found and used as one of a node, by its id or by any rule."""
    async with make_switch() as switch, node(switch) as client, switch.interface() as interface:
        assert interface.is_switch
        assert interface.uuid == switch.uuid
        await interface.announce(CLOCK, model="Time")
        await until(lambda: client.directory.providers(CLOCK) == (switch.uuid,))
        to = switch.uuid if target == "id" else target
        answer = await client.request(to, CLOCK.name, CLOCK.area, Action.GET, 7)
        assert answer.first == 7
        assert services_of(interface).messages[-1].source == client.uuid


@pytest.mark.feature("NET-12")
async def test_messages_to_all_reach_the_switch() -> None:
    """A message to all providers reaches the switch that is one of them, once."""
    async with make_switch() as switch, switch.interface() as interface:
        await interface.announce(CLOCK)
        async with node(switch, CLOCK) as client:
            await until(lambda: len(client.directory.providers(CLOCK)) == 2)
            await client.send(MulticastMode.ALL, CLOCK.name, CLOCK.area, Action.POST, 1)
            await until(lambda: len(services_of(interface).messages) == 1)
            await until(lambda: len(services_of(client).messages) == 1)


@pytest.mark.feature("NET-12")
async def test_across_switches() -> None:
    """Each switch offers its own; a node elsewhere reaches any of them, the near one first."""
    async with make_switch() as one, make_switch() as other:
        await one.connect("127.0.0.1", other.port)
        async with one.interface() as mine, other.interface() as theirs, node(one) as client:
            await mine.announce(CLOCK)
            await theirs.announce(CLOCK)
            await until(lambda: len(client.directory.providers(CLOCK)) == 2)
            for switch in (one, other):
                answer = await client.request(switch.uuid, CLOCK.name, 0, Action.GET, 1)
                assert answer.first == 1
            for _ in range(3):
                await client.request(MulticastMode.PROXIMITY, CLOCK.name, 0, Action.GET, 2)
            assert len(services_of(mine).messages) == 4
            await client.send(MulticastMode.ALL, CLOCK.name, 0, Action.POST, 3)
            await until(lambda: len(services_of(theirs).messages) == 2)
            answer = await theirs.request(one.uuid, CLOCK.name, 0, Action.GET, 4)
            assert answer.first == 4


async def test_a_switch_asks_a_node() -> None:
    """The switch calls services of nodes as any node does, and knows who is there."""
    async with (
        make_switch() as switch,
        node(switch, BOOKS) as provider,
        switch.interface() as interface,
    ):
        assert {one.uuid for one in interface.directory.nodes()} == {switch.uuid, provider.uuid}
        answer = await interface.request("", BOOKS.name, BOOKS.area, Action.GET, 5)
        assert answer.first == 5
        parts = [part.first async for part in interface.stream("", BOOKS.name, 2, Action.GET, 2)]
        assert parts


async def test_without_it() -> None:
    """When the interface is left its services are gone, and the switch says that it has none."""
    async with make_switch() as switch, node(switch) as client:
        async with switch.interface() as interface:
            await interface.announce(CLOCK)
            await until(lambda: client.directory.providers(CLOCK) == (switch.uuid,))
            assert switch.statistics().connections == 1
        await until(lambda: client.directory.providers(CLOCK) == ())
        with pytest.raises(UnavailableError):
            await client.request(MulticastMode.ROUND_ROBIN, CLOCK.name, 0, Action.GET, 1)
        with pytest.raises(NotFoundError):
            await client.request(switch.uuid, CLOCK.name, 0, Action.GET, 1)
        assert client.connected
        known = client.directory.node(switch.uuid)
        assert known is not None
        assert known.is_switch


async def test_the_switch_ends_first() -> None:
    """An interface whose switch ended is no trouble to leave."""
    switch = await make_switch().__aenter__()
    async with switch.interface() as interface:
        await switch.__aexit__(None, None, None)
        await until(lambda: not interface.connected)
    with pytest.raises(ClosedError):
        switch.interface()


async def test_go_networks() -> None:
    """A switch of a Go network has none: it answers itself."""
    parts = resources(settings=NodeSettings(profile=WireProfile.GO))
    async with make_switch(parts) as switch:
        with pytest.raises(ConfigurationError, match="answers itself"):
            switch.interface()
