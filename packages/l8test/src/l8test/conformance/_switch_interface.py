# SPDX-License-Identifier: Apache-2.0
"""Conformance of switches that offer services themselves."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Final, Protocol, cast

import pytest

from l8test.conformance._switch import HOST, SETTLED, TESTS, Exchange, finds, seen, sees
from l8test.conformance._vnic import Inbox
from l8test.wait import until
from l8types.enums import Action, MulticastMode
from l8types.errors import L8Error

if TYPE_CHECKING:
    from l8types.protocols.net import Switch, SwitchInterface, VNic

__all__ = ["HostExchange", "SwitchInterfaceConformance"]

ASK: Final = (TESTS.name, TESTS.area, Action.GET)
TELL: Final = (TESTS.name, TESTS.area, Action.PATCH)


class HostExchange(Exchange, Protocol):
    """Makes the members of the networks of a test, switches with services among them."""

    def host(self, inbox: Inbox) -> AbstractAsyncContextManager[Switch]:
        """A switch on the loopback interface that is a ``SwitchInterface``.

        What is sent to its services reaches the inbox.
        """
        ...


def interface_of(switch: Switch) -> VNic:
    """The interface of a switch."""
    return cast("SwitchInterface", switch).interface()


class SwitchInterfaceConformance:
    """What every ``SwitchInterface`` promises.

    Fixture:
        hosts: A ``HostExchange``.
    """

    async def test_identity(self, hosts: HostExchange) -> None:
        """The interface is the switch: the same id, known as one member and not as two."""
        async with hosts.host(Inbox()) as switch:
            interface = interface_of(switch)
            assert not interface.running
            async with interface, hosts.node(switch, Inbox()) as node:
                assert interface.running
                assert interface.uuid == switch.uuid
                assert interface.is_switch
                for end in (switch, node, interface):
                    await sees(end, {switch.uuid, node.uuid})
            assert not interface.running

    @pytest.mark.parametrize("target", ["id", "", MulticastMode.ROUND_ROBIN])
    async def test_offer(self, hosts: HostExchange, target: str | MulticastMode) -> None:
        """A service of the switch is found and asked as one of a node, by its id or by a rule."""
        inbox, other = Inbox(), Inbox()
        async with (
            hosts.host(inbox) as switch,
            hosts.node(switch, other) as node,
            interface_of(switch) as interface,
        ):
            await interface.announce(TESTS)
            await finds(node, (switch.uuid,))
            await finds(switch, (switch.uuid,))
            to = switch.uuid if target == "id" else target
            answer = await node.request(to, *ASK, ["x"])
            assert list(answer.values) == ["x"]
            assert [one.source for one in inbox.messages] == [node.uuid]
            assert other.messages == []

    async def test_withdraw(self, hosts: HostExchange) -> None:
        """What the switch offers no longer nobody finds there, and it can be offered again."""
        async with (
            hosts.host(Inbox()) as switch,
            hosts.node(switch, Inbox()) as node,
            interface_of(switch) as interface,
        ):
            for _ in range(2):
                await interface.announce(TESTS)
                await finds(node, (switch.uuid,))
                await interface.withdraw(TESTS)
                await finds(node, ())
                with pytest.raises(L8Error):
                    await node.request(MulticastMode.ROUND_ROBIN, *ASK, ["x"])

    async def test_ask(self, hosts: HostExchange) -> None:
        """The switch asks nodes, and they see who asked."""
        inbox = Inbox()
        async with hosts.host(Inbox()) as switch, hosts.node(switch, inbox) as node:
            await node.announce(TESTS)
            async with interface_of(switch) as interface:
                await finds(interface, (node.uuid,))
                for target in (node.uuid, ""):
                    answer = await interface.request(target, *ASK, [target])
                    assert answer.first == target
                assert [one.source for one in inbox.messages] == [switch.uuid] * 2

    async def test_to_all(self, hosts: HostExchange) -> None:
        """A message to all providers reaches the switch that is one of them once, as a node."""
        inbox, other = Inbox(), Inbox()
        async with hosts.host(inbox) as switch, hosts.node(switch, other) as node:
            await node.announce(TESTS)
            async with interface_of(switch) as interface:
                await interface.announce(TESTS)
                await finds(node, tuple(sorted((switch.uuid, node.uuid))))
                await finds(interface, tuple(sorted((switch.uuid, node.uuid))))
                await node.send(MulticastMode.ALL, *TELL, ["all"])
                await until(lambda: inbox.values and other.values, SETTLED)
                # Answered requests come behind what was sent before them.
                await node.request(switch.uuid, *ASK, ["end"])
                await node.request(node.uuid, *ASK, ["end"])
                assert (inbox.values, other.values) == ([["all"], ["end"]],) * 2

    async def test_leave(self, hosts: HostExchange) -> None:
        """When the interface is left its services are gone, and the switch goes on."""
        inbox, other = Inbox(), Inbox()
        async with AsyncExitStack() as stack:
            switch = await stack.enter_async_context(hosts.host(inbox))
            a = await stack.enter_async_context(hosts.node(switch, Inbox()))
            b = await stack.enter_async_context(hosts.node(switch, other))
            async with interface_of(switch) as interface:
                await interface.announce(TESTS)
                await finds(a, (switch.uuid,))
            await finds(a, ())
            with pytest.raises(L8Error):
                await a.request(switch.uuid, *ASK, ["x"])
            assert inbox.messages == []
            assert switch.running
            assert seen(a) == {switch.uuid, a.uuid, b.uuid}
            assert (await a.request(b.uuid, *ASK, ["y"])).first == "y"

    async def test_links(self, hosts: HostExchange) -> None:
        """Linked switches offer their services to the nodes of all, and to each other."""
        inboxes = [Inbox(), Inbox()]
        async with AsyncExitStack() as stack:
            one, other = [await stack.enter_async_context(hosts.host(box)) for box in inboxes]
            await other.connect(HOST, one.port)
            node = await stack.enter_async_context(hosts.node(one, Inbox()))
            ends = [await stack.enter_async_context(interface_of(each)) for each in (one, other)]
            for end in ends:
                await end.announce(TESTS)
            for end in (node, *ends):
                await finds(end, tuple(sorted((one.uuid, other.uuid))))
            assert (await node.request(other.uuid, *ASK, ["far"])).first == "far"
            assert (await ends[0].request(other.uuid, *ASK, ["over"])).first == "over"
            assert [box.values for box in inboxes] == [[], [["far"], ["over"]]]

    async def test_switch_that_does_not_run(self, hosts: HostExchange) -> None:
        """Before and after its life a switch has no interface to enter."""
        made = hosts.host(Inbox())
        async with made as switch:
            pass
        with pytest.raises(L8Error):
            async with interface_of(switch):
                pass
