# SPDX-License-Identifier: Apache-2.0
"""Servers, datagrams, names and encryption on the simulated network."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from typing_extensions import override

from l8test.sim import Host, LinkQuality, SimulationError, World, simulate
from l8test.sim._sockets import ANY

from .programs import PORT, Peer, forever

LOCAL = (ANY, PORT)


class Datagrams(asyncio.DatagramProtocol):
    """Remembers what came."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.sources: list[tuple[str, int]] = []
        self.errors: list[Exception] = []
        self.lost = False

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.append(data)
        self.sources.append(addr)

    @override
    def error_received(self, exc: Exception) -> None:
        self.errors.append(exc)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def endpoint(host: Host, **options: Any) -> tuple[Any, Datagrams]:
    """A datagram endpoint on a host that is started if need be."""
    if not host.alive:
        host.start(forever)

    async def make() -> tuple[Any, Datagrams]:
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(Datagrams, **options)

    return await host.call(make)


def test_datagrams() -> None:
    """Datagrams find their way to who is bound, and back to where they came from."""

    async def scenario(world: World) -> None:
        a, b = world.host("a"), world.host("b")
        sender, near = await endpoint(a)
        receiver, far = await endpoint(b, local_addr=LOCAL)
        sender.sendto(b"ping", ("b", PORT))
        sender.sendto(b"nobody", ("b", PORT + 1))
        await world.sleep(1)
        assert far.received == [b"ping"]
        receiver.sendto(b"pong", far.sources[0])
        await world.sleep(1)
        assert near.received == [b"pong"]
        assert near.errors == []
        sender.sendto(b"x" * 70_000, ("b", PORT))
        assert isinstance(near.errors[0], OSError)
        with pytest.raises(ValueError, match="needs an address"):
            sender.sendto(b"x")
        receiver.close()
        receiver.sendto(b"late", far.sources[0])
        await world.sleep(1)
        assert (far.lost, near.received) == (True, [b"pong"])

    with simulate() as world:
        world.run(scenario)


def test_connected_datagrams() -> None:
    """A connected endpoint talks to one peer and learns that nobody is there."""

    async def scenario(world: World) -> None:
        a, b = world.host("a"), world.host("b")
        sender, near = await endpoint(a, remote_addr=("b", PORT))
        sender.sendto(b"x")
        b.start(forever)
        await world.sleep(1)
        assert isinstance(near.errors[0], ConnectionRefusedError)
        with pytest.raises(ValueError, match="Invalid address"):
            sender.sendto(b"x", ("a", PORT))

    with simulate() as world:
        world.host("b")
        world.run(scenario)


def test_broadcasts() -> None:
    """A broadcast reaches all hosts that listen, when it is allowed; ports can be shared."""

    async def scenario(world: World) -> None:
        hosts = [world.host(name) for name in "abc"]
        bound = [await endpoint(host, local_addr=LOCAL, reuse_port=True) for host in hosts]
        second = await endpoint(hosts[0], local_addr=LOCAL, reuse_port=True)
        allowed, _ = await endpoint(hosts[0], allow_broadcast=True)
        allowed.sendto(b"all", ("255.255.255.255", PORT))
        await world.sleep(1)
        assert [one[1].received for one in (*bound, second)] == [[b"all"]] * 4
        bound[0][0].sendto(b"all", ("255.255.255.255", PORT))
        assert isinstance(bound[0][1].errors[0], PermissionError)
        with pytest.raises(OSError, match="in use"):
            await endpoint(hosts[0], local_addr=LOCAL)

    with simulate() as world:
        world.run(scenario)


@pytest.mark.parametrize(
    "quality",
    [LinkQuality(loss=0.3), LinkQuality(duplicate=0.3), LinkQuality(reorder=0.3)],
    ids=["loss", "duplicate", "reorder"],
)
def test_bad_ways_for_datagrams(quality: LinkQuality) -> None:
    """Datagrams are lost, doubled or overtaken, each only when the way is bad in that manner."""

    async def scenario(world: World) -> None:
        sender, _ = await endpoint(world.host("a"))
        _, far = await endpoint(world.host("b"), local_addr=LOCAL)
        world.degrade(["a"], quality)
        for number in range(200):
            sender.sendto(bytes([number]), ("b", PORT))
            await world.sleep(0.005)
        await world.sleep(1)
        arrived = [data[0] for data in far.received]
        assert (len(set(arrived)) < 190) is bool(quality.loss)
        assert (len(arrived) > len(set(arrived)) + 10) is bool(quality.duplicate)
        assert (arrived != sorted(arrived)) is bool(quality.reorder)

    with simulate() as world:
        world.run(scenario)


def test_ports_are_exclusive() -> None:
    """A port is taken by one server of a host; another host has its own; closed, it is free."""

    async def listen(host: Host, address: str | None = None) -> Any:
        async def make() -> Any:
            return await asyncio.get_running_loop().create_server(Peer, address, PORT)

        return await host.call(make)

    async def scenario(world: World) -> None:
        a, b = world.host("a"), world.host("b")
        a.start(forever)
        b.start(forever)
        server = await listen(a)
        assert server.is_serving()
        assert server.get_loop() is world.loop
        for address in (None, "a", "127.0.0.1"):
            with pytest.raises(OSError, match="in use"):
                await listen(a, address)
        with pytest.raises(OSError, match="assign"):
            await listen(a, "b")
        await listen(b)
        server.close()
        await server.wait_closed()
        assert server.sockets == ()
        again = await listen(a)
        a.kill()
        assert not again.is_serving()
        a.restart()
        assert (await listen(a)).is_serving()

    with simulate() as world:
        world.run(scenario)


def test_names() -> None:
    """Names of hosts resolve, others do not."""

    async def scenario(world: World) -> None:
        a = world.host("a")
        a.start(forever)

        async def ask() -> None:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo("a", 80)
            assert found[0][4] == (a.address, 80)
            assert await loop.getnameinfo((a.address, 80)) == ("a", "80")
            with pytest.raises(socket.gaierror):
                await loop.getaddrinfo("example.org", 80)

        await a.call(ask)

    with simulate() as world:
        world.run(scenario)


def test_what_leads_out_is_refused() -> None:
    """Real sockets, certificates of this machine and calls outside of hosts are clear errors."""

    async def scenario(world: World) -> None:
        loop: Any = world.loop
        with pytest.raises(SimulationError, match="outside of a host"):
            await loop.create_connection(Peer, "a", PORT)
        host = world.host("a")
        host.start(forever)

        async def wrong() -> None:
            with pytest.raises(SimulationError, match="out of the simulation"):
                await loop.create_connection(Peer, sock=socket.socket)
            with pytest.raises(SimulationError, match="give a context"):
                await loop.create_connection(Peer, "a", PORT, ssl=True)
            with pytest.raises(ValueError, match="host and port"):
                await loop.create_connection(Peer)
            with pytest.raises(SimulationError, match="sock_recv takes a real socket"):
                await loop.sock_recv(None, 1)

        await host.call(wrong)

    with simulate() as world:
        world.run(scenario)


def test_quality_is_checked() -> None:
    """A share of 1 and a negative delay are refused."""
    with pytest.raises(ValueError, match="cut=True"):
        LinkQuality(loss=1)
    with pytest.raises(ValueError, match="below zero"):
        LinkQuality(latency=-1)
    worse = LinkQuality(latency=1, bandwidth=5).worse(LinkQuality(loss=0.1, bandwidth=3))
    assert worse == LinkQuality(latency=1, loss=0.1, bandwidth=3)
