# SPDX-License-Identifier: Apache-2.0
"""Interfaces and switches of the go profile over real sockets."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, DirectoryEventType, MulticastMode, WireProfile
from l8types.errors import (
    EncodeError,
    HandshakeError,
    L8Error,
    NotFoundError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.values import ServiceKey
from layer8_net import _profiles
from layer8_net.errors import NameTooLongError, PeerLostError

from .fakes import cut_off, make_switch, make_vnic, new_id, services_of, until
from .go_net import GO, knows, node, parts
from .go_parts import SONGS

if TYPE_CHECKING:
    from l8types.values import DirectoryEvent, Message
    from layer8_net import TcpSwitch, TcpVNic

    from .fakes import FakeElements


@pytest.mark.feature("NIC-07", "NET-04", "NIC-08")
async def test_ways_to_send() -> None:
    """To all each provider once, the sender too; to a node that node; to any exactly one."""
    async with (
        make_switch(parts()) as switch,
        node(switch, SONGS) as ann,
        node(switch, SONGS) as bob,
        node(switch, SONGS) as eve,
    ):
        nodes = (ann, bob, eve)

        def counts() -> list[int]:
            return [len(services_of(one).messages) for one in nodes]

        await ann.send(MulticastMode.ALL, "Songs", 0, Action.POST, "all")
        await until(lambda: counts() == [1, 1, 1])
        await ann.send(bob.uuid, "Songs", 0, Action.POST, "bob")
        await until(lambda: counts() == [1, 2, 1])
        await ann.send("", "Songs", 0, Action.POST, "any")
        await until(lambda: sum(counts()) == 5)


@pytest.mark.feature("WIR-06", "NIC-09")
async def test_requests() -> None:
    """A request is answered by the node that it names, or by the one that is chosen."""
    async with (
        make_switch(parts()) as switch,
        node(switch, SONGS) as ann,
        node(switch, SONGS) as bob,
    ):
        answer = await ann.request(bob.uuid, "Songs", 0, Action.POST, ["request"], timeout=5)
        assert answer.first == "request"
        assert len(services_of(bob).messages) == 1
        for mode in (MulticastMode.ROUND_ROBIN, MulticastMode.LOCAL, MulticastMode.PROXIMITY):
            answer = await ann.request(mode, "Songs", 0, Action.GET, [str(mode)])
            assert answer.first == str(mode)


@pytest.mark.feature("NET-09")
async def test_undeliverable() -> None:
    """A request that cannot be delivered ends at once; a message comes back to its service."""
    async with make_switch(parts()) as switch, node(switch) as ann:
        with pytest.raises(UnavailableError, match="no node"):
            await ann.request(new_id(), "Songs", 0, Action.GET, timeout=60)
        with pytest.raises(UnavailableError, match="'Songs'"):
            await ann.request("", "Songs", 0, Action.GET, timeout=60)
        await ann.send(new_id(), "Songs", 0, Action.POST, "lost")
        await until(lambda: len(services_of(ann).messages) == 1)
        (message,) = services_of(ann).messages
        assert message.failure.startswith("unavailable: no node")


@pytest.mark.feature("HLT-10", "NET-18")
async def test_nodes_leave() -> None:
    """Who leaves is gone from the directory of the others, and what it was asked ends."""
    async with make_switch(parts()) as switch, node(switch) as ann:
        events: list[DirectoryEvent] = []
        ann.directory.watch(events.append)
        started = asyncio.Event()

        async def never(elements: FakeElements, message: Message) -> FakeElements:
            started.set()
            await asyncio.Event().wait()
            return elements

        async with node(switch, SONGS, handler=never) as bob:
            await knows(ann, bob)
            async with asyncio.TaskGroup() as tasks:
                asked = tasks.create_task(_fails(ann, bob.uuid))
                await started.wait()
                cut_off(bob)
                assert isinstance(await asked, PeerLostError)
            bob._session._inbound.cancel()
        await until(lambda: ann.directory.node(bob.uuid) is None)
        assert DirectoryEventType.LEFT in {event.type for event in events}


async def _fails(vnic: TcpVNic, target: str) -> L8Error:
    with pytest.raises(L8Error) as caught:
        await vnic.request(target, "Songs", 0, Action.GET, timeout=60)
    return caught.value


@pytest.mark.feature("NIC-06", "NIC-12")
async def test_reconnection() -> None:
    """W-03: after a cut, and a restart of the switch, all are found again with their services."""
    async with AsyncExitStack() as stack:
        switch = await stack.enter_async_context(make_switch(parts()))
        async with node(switch, SONGS) as ann, node(switch) as bob:
            await knows(bob, ann)
            cut_off(ann)
            await until(lambda: not ann.connected)
            await until(lambda: ann.connected and ann.uuid in switch.directory.providers(SONGS))
            await knows(bob, ann)
            await stack.aclose()
            await until(lambda: not ann.connected and not bob.connected)
            async with make_switch(parts(switch.port)) as again:
                await until(lambda: ann.uuid in again.directory.providers(SONGS))
                await until(lambda: bob.connected)
                await knows(bob, ann)
                answer = await bob.request(ann.uuid, "Songs", 0, Action.GET, ["again"])
                assert answer.first == "again"


@pytest.mark.feature("NIC-14", "NIC-15")
async def test_figures() -> None:
    """The figures of each node arrive at all others."""
    async with make_switch(parts()) as switch, node(switch, SONGS) as ann, node(switch) as bob:
        await bob.send(MulticastMode.ALL, "Songs", 0, Action.POST, ["x"])

        def counted() -> bool:
            known = ann.directory.node(bob.uuid)
            return known is not None and known.statistics.tx_messages > 0

        await until(counted)
        await until(lambda: _statistics(ann, switch.uuid) > 0)


def _statistics(vnic: TcpVNic, uuid: str) -> int:
    known = vnic.directory.node(uuid)
    return 0 if known is None else known.statistics.rx_bytes


@pytest.mark.feature("NIC-12")
async def test_services_go() -> None:
    """W-20: a service that is withdrawn receives nothing any more."""
    async with (
        make_switch(parts()) as switch,
        node(switch, SONGS) as ann,
        node(switch, SONGS) as bob,
    ):
        await ann.withdraw(SONGS)
        await until(lambda: switch.directory.providers(SONGS) == (bob.uuid,))
        await bob.send(MulticastMode.ALL, "Songs", 0, Action.POST, ["x"])
        await until(lambda: len(services_of(bob).messages) == 1)
        assert services_of(ann).messages == []


async def test_limits_of_the_profile() -> None:
    """What the profile cannot carry is refused at the caller, and nothing is lost by it."""
    async with make_switch(parts()) as switch, node(switch, SONGS) as ann:
        with pytest.raises(NameTooLongError, match="up to 10 bytes"):
            await ann.send(MulticastMode.ALL, "elevenbytes", 0, Action.POST, ["x"])
        with pytest.raises(NameTooLongError):
            await ann.announce(ServiceKey("elevenbytes"))
        with pytest.raises(EncodeError, match="identity"):
            await ann.request(ann.uuid, "Songs", 0, Action.GET, ["x"], identity="i" * 37)
        with pytest.raises(EncodeError, match="network itself"):
            await ann.send(MulticastMode.ALL, "sysMsg", 99, Action.POST, ["x"])
        with pytest.raises(EncodeError, match="max_frame_bytes"):
            await ann.send(ann.uuid, "Songs", 0, Action.POST, "x" * GO.max_frame_bytes)
        answer = await ann.request(ann.uuid, "Songs", 0, Action.GET, ["fine"])
        assert answer.first == "fine"
        assert ann.statistics().connections == 1


async def test_without_streams() -> None:
    """A streamed answer comes in one part, and a node drains without an echo of the others."""
    async with make_switch(parts()) as switch, node(switch) as ann, node(switch, SONGS) as bob:
        await knows(ann, bob)
        stream = ann.stream(bob.uuid, "Songs", 0, Action.GET, ["whole"])
        assert [part.first async for part in stream] == ["whole"]
        await bob.drain(5.0)
        await until(lambda: ann.directory.providers(SONGS) == ())
        with pytest.raises(UnavailableError):
            await ann.request("", "Songs", 0, Action.GET, ["late"])


async def test_errors_of_services() -> None:
    """What a service raises is raised at the caller, over the border of the profile too."""

    async def missing(elements: FakeElements, message: Message) -> FakeElements:
        raise NotFoundError("no such song")

    async def slow(elements: FakeElements, message: Message) -> FakeElements:
        await asyncio.Event().wait()
        return elements

    async with make_switch(parts()) as switch, node(switch, SONGS, handler=missing) as ann:
        with pytest.raises(NotFoundError, match="no such song"):
            await ann.request(ann.uuid, "Songs", 0, Action.GET, ["x"])
        async with node(switch, handler=slow) as bob:
            with pytest.raises(RequestTimeoutError):
                await ann.request(bob.uuid, "Songs", 0, Action.GET, ["x"], timeout=0.05)
            bob._session._inbound.cancel()


@pytest.mark.feature("SEC-01")
async def test_wrong_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Another secret is refused; the script has no refusal, so the switch's log tells why."""
    async with make_switch(parts()) as switch:
        made = parts(switch.port, replace(GO, request_timeout=0.2))
        made.security.secret = b"another secret"
        with caplog.at_level(logging.WARNING), pytest.raises((HandshakeError, UnavailableError)):
            async with make_vnic(made):
                raise AssertionError("joined with a wrong secret")
        assert "secrets of the two sides differ" in caplog.text


@pytest.mark.feature("NET-10", "NET-05", "NET-22", "NIC-10")
async def test_linked_switches() -> None:
    """Over a link of two switches all is as on one: late links bring everything over."""
    async with make_switch(parts()) as left, AsyncExitStack() as stack:
        right = await stack.enter_async_context(make_switch(parts()))
        async with node(left, SONGS) as ann, node(right, SONGS) as bob:
            await left.connect("127.0.0.1", right.port)
            await knows(ann, bob)
            await knows(bob, ann)
            await until(lambda: left.directory.providers(SONGS) == right.directory.providers(SONGS))
            answer = await ann.request(bob.uuid, "Songs", 0, Action.GET, ["over there"])
            assert answer.first == "over there"
            await bob.send(MulticastMode.ALL, "Songs", 0, Action.POST, "all")
            await until(lambda: len(services_of(ann).messages) == 1)
            await until(lambda: len(services_of(bob).messages) == 2)
            chosen = [
                await ann.request(MulticastMode.ROUND_ROBIN, "Songs", 0, Action.GET, number)
                for number in range(4)
            ]
            assert [one.first for one in chosen] == [0, 1, 2, 3]
            assert len(services_of(ann).messages) == 3
            api = ann.api("Songs")
            assert (await api.get("near")).first == "query near"
            assert len(services_of(ann).messages) == 4
            await stack.aclose()
            await until(lambda: ann.directory.node(bob.uuid) is None)
            assert left.directory.providers(SONGS) == (ann.uuid,)


async def test_profiles_do_not_mix() -> None:
    """A node of the other profile is refused, and neither side is harmed."""
    async with make_switch(parts()) as switch, node(switch, SONGS) as ann:
        native = replace(GO, profile=WireProfile.NATIVE, request_timeout=0.3)
        with pytest.raises(L8Error):
            async with make_vnic(parts(switch.port, native)):
                raise AssertionError("joined a network of another profile")
        answer = await ann.request(ann.uuid, "Songs", 0, Action.GET, ["fine"])
        assert answer.first == "fine"


@pytest.mark.feature("NET-01", "NET-13")
async def test_near_and_distant_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-11: at one switch a node of its machine and a distant one connect, and ask each other.

    The distant one has the second area for its reports, which the switch serves as the first.
    """
    # Both are on this machine; one believes that its switch is elsewhere.
    monkeypatch.setattr(_profiles, "is_loopback", lambda host: host != "127.0.0.1")
    near, distant = (replace(GO, host=host) for host in ("localhost", "127.0.0.1"))
    async with (
        make_switch(parts()) as switch,
        make_vnic(parts(switch.port, near)) as ann,
        make_vnic(parts(switch.port, distant)) as far,
    ):
        assert (ann.connected, far.connected) == (True, True)
        for node_, area in ((ann, 0), (far, 1)):
            await node_.announce(SONGS)
            key = ServiceKey("Health", area)
            await until(partial(_serves, switch, node_.uuid, key))
        await knows(ann, far)
        for source, target in ((ann, far), (far, ann)):
            answer = await source.request(target.uuid, "Songs", 0, Action.GET, 7)
            assert answer.first == 7


def _serves(switch: TcpSwitch, uuid: str, key: ServiceKey) -> bool:
    """Whether a switch knows that a node offers a service."""
    return uuid in switch.directory.providers(key)
