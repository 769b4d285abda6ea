# SPDX-License-Identifier: Apache-2.0
"""The switch at its sockets: who may come in, and what strangers can do."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8types.enums import Action
from l8types.errors import ClosedError, ConfigurationError, HandshakeError
from l8types.settings import NodeSettings
from l8types.values import ServiceKey
from layer8_net._core.handshake import Dialler, Endpoint

from .certificates import write_certificate
from .fakes import cut_off, make_switch, make_vnic, new_id, node, resources, until

if TYPE_CHECKING:
    from pathlib import Path

    from layer8_net import TcpSwitch

BOOKS = ServiceKey("Books")


async def _say(switch: TcpSwitch, *chunks: bytes) -> bytes:
    """Connect, write, and return what came until the switch closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", switch.port)
    with suppress(ConnectionError):
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        if not chunks:
            writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer
    return b""


class TestStrangers:
    """What somebody without the secret can do: nothing."""

    @pytest.mark.parametrize(
        "chunks",
        [
            (b"GET / HTTP/1.1\r\n\r\n",),
            (bytes(4),),
            (b"\0\0\0\x02\x01\x10",),
            (b"\xff" * 100,),
            (b"\0\0\0\x08\x01\x01garbage",),
            (),
        ],
    )
    async def test_garbage(self, chunks: tuple[bytes, ...]) -> None:
        """Garbage closes its own connection and disturbs nobody else."""
        async with make_switch() as switch, node(switch, BOOKS) as good:
            await _say(switch, *chunks)
            assert (await good.request(good.uuid, "Books", 0, Action.GET, 7)).first == 7
            await until(lambda: switch.statistics().refused_handshakes == 1)
            assert switch.statistics().connections == 1

    @settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(st.binary(min_size=1, max_size=64), min_size=1, max_size=3))
    def test_any_bytes(self, chunks: list[bytes]) -> None:
        """W-01: no bytes of a stranger end the switch."""

        async def attack() -> None:
            async with make_switch() as switch:
                _, writer = await asyncio.open_connection("127.0.0.1", switch.port)
                writer.writelines(chunks)
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
                async with node(switch) as good:
                    assert good.connected

        asyncio.run(attack())

    async def test_large_frame_before_authentication(self) -> None:
        """W-13: a stranger cannot make the switch wait for a large frame."""
        async with make_switch() as switch:
            assert await _say(switch, (1_000_000).to_bytes(4, "big")) == b""

    async def test_not_waiting_for_the_welcome(self) -> None:
        """Frames before the welcome are a violation, even of a peer that knows the secret."""
        parts = resources()
        admission = asyncio.Event()

        async def slowly(uuid: str, alias: str, address: str) -> None:
            await admission.wait()

        parts.security.admit = slowly  # type: ignore[method-assign]
        me = Endpoint(new_id(), "n", 5.0)
        async with make_switch(parts) as switch:
            dialler = Dialler(me, parts.security.secret, bytes(32))
            reader, writer = await asyncio.open_connection("127.0.0.1", switch.port)
            writer.write(dialler.start())
            size = int.from_bytes(head := await reader.readexactly(4), "big")
            writer.write(dialler.receive(head + await reader.readexactly(size)))
            writer.write(b"\0\0\0\x02\x01\x10")
            assert b"did not wait" in await reader.read()
            writer.close()
            await writer.wait_closed()
            assert switch.statistics().connections == 0

    async def test_handshake_that_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """W-13: a stranger that says nothing is refused after a while."""
        monkeypatch.setattr("layer8_net._entrance._HANDSHAKE_SECONDS", 0.02)
        async with make_switch() as switch:
            reader, writer = await asyncio.open_connection("127.0.0.1", switch.port)
            assert b"took too long" in await reader.read()
            writer.close()
            await writer.wait_closed()

    async def test_many_strangers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only so many may shake hands at a time."""
        monkeypatch.setattr("layer8_net._connections._STRANGERS", 1)
        async with make_switch() as switch:
            _, first = await asyncio.open_connection("127.0.0.1", switch.port)
            await until(lambda: switch._connections.strangers == 1)
            assert await _say(switch, b"x") == b""
            first.close()
            await first.wait_closed()


class TestMembers:
    """What a node that was admitted cannot do either."""

    async def test_violation(self, caplog: pytest.LogCaptureFixture) -> None:
        """A member that breaks the protocol is disconnected with one line; others go on."""
        caplog.set_level(logging.WARNING)
        async with make_switch() as switch, node(switch) as bad, node(switch, BOOKS) as good:
            link = bad._session.link
            assert link is not None
            link.send([b"\0\0\0\x03\x01\x10\0"])
            await until(lambda: bad.statistics().connections == 2)
            assert (await good.request(good.uuid, "Books", 0, Action.GET, 7)).first == 7
            assert switch.statistics().protocol_violations == 1
        lines = [record for record in caplog.records if record.name == "layer8_net._connections"]
        assert len(lines) == 1

    @pytest.mark.feature("NET-19")
    async def test_counts_are_those_of_now(self) -> None:
        """W-09: who left, broke or was refused is counted no more, and nothing of it is kept."""
        async with make_switch() as switch:
            for _ in range(3):
                async with node(switch, BOOKS) as vnic:
                    cut_off(vnic)
                    await until(lambda: vnic.statistics().connections == 2)
                    await until(lambda: switch.statistics().connections == 1)
                stranger = resources(switch.port, NodeSettings(request_timeout=1.0))
                stranger.security.secret = b"another"
                with pytest.raises(HandshakeError):
                    await make_vnic(stranger).__aenter__()
            await until(lambda: switch.statistics().connections == 0)
            tables = switch._core._tables  # type: ignore[attr-defined]  # of this profile
            assert (tables.peers, tables.nodes, tables.routes) == ({}, {}, {})
            assert [one.uuid for one in switch.directory.nodes()] == [switch.uuid]

    async def test_frame_above_the_limit(self) -> None:
        """A member that sends a frame above the limit is disconnected."""
        small = NodeSettings(max_frame_bytes=4096)
        async with make_switch(resources(settings=small)) as switch, node(switch) as vnic:
            await vnic.send(vnic.uuid, "S", 0, Action.GET, bytes(5000))
            await until(lambda: vnic.statistics().connections == 2)


class TestListening:
    """Where a switch listens."""

    @pytest.mark.feature("NET-01", "NET-02")
    async def test_free_port(self) -> None:
        """Port 0 gives a free one, which the switch tells."""
        async with make_switch() as switch:
            assert switch.port > 0
            assert switch.running
            own = switch.directory.node(switch.uuid)
            assert own is not None
            assert own.is_switch

    async def test_port_in_use(self) -> None:
        """W-12: a port in use is one line that says which."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is in use"):
                await make_switch(resources(port)).__aenter__()

    async def test_address_of_another_machine(self) -> None:
        """An address that is not ours is one line that says which."""
        parts = resources(settings=NodeSettings(host="192.0.2.1", insecure=True))
        with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1"):
            await make_switch(parts).__aenter__()

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.invalid", "192.0.2.1"])  # noqa: S104
    async def test_beyond_loopback(self, host: str) -> None:
        """Beyond loopback a switch needs certificates."""
        parts = resources(settings=NodeSettings(host=host))
        with pytest.raises(ConfigurationError, match="without certificates"):
            await make_switch(parts).__aenter__()

    async def test_insecure(self) -> None:
        """Who says so may listen everywhere without certificates."""
        parts = resources(settings=NodeSettings(host="0.0.0.0", insecure=True))  # noqa: S104
        async with make_switch(parts) as switch, node(switch) as vnic:
            assert vnic.connected

    async def test_localhost(self) -> None:
        """The usual name of loopback is loopback."""
        parts = resources(settings=NodeSettings(host="localhost"))
        async with make_switch(parts) as switch:
            assert switch.port > 0

    async def test_empty_secret(self) -> None:
        """A switch without a secret does not start."""
        parts = resources()
        parts.security.secret = b""
        with pytest.raises(ConfigurationError, match="secret is empty"):
            await make_switch(parts).__aenter__()

    async def test_peers_beyond_loopback(self) -> None:
        """A link that would leave this machine in the clear is refused, now and later."""
        peers = NodeSettings(peers=(("192.0.2.1", 1),))
        with pytest.raises(ConfigurationError, match=r"a link to '192\.0\.2\.1' without"):
            await make_switch(resources(settings=peers)).__aenter__()
        async with make_switch() as switch:
            with pytest.raises(ConfigurationError, match="without certificates"):
                await switch.connect("192.0.2.1", 1)

    async def test_connect_when_not_running(self) -> None:
        """A switch that is not running links to nobody."""
        with pytest.raises(ClosedError):
            await make_switch().connect("127.0.0.1", 1)

    async def test_entered_twice(self) -> None:
        """A switch is entered once."""
        async with make_switch() as switch:
            with pytest.raises(ClosedError):
                await switch.__aenter__()


class TestTls:
    """Connections with certificates."""

    @pytest.mark.feature("SEC-01")
    async def test_mutual_certificates(self, tmp_path: Path) -> None:
        """With certificates of both sides everything works as without."""
        parts = resources()
        parts.security.server_context = _context(tmp_path, server_side=True)
        async with make_switch(parts) as switch:
            own = resources(switch.port)
            own.security.client_context = _context(tmp_path, server_side=False)
            async with make_vnic(own) as vnic:
                await vnic.announce(BOOKS)
                data = bytes(300_000)
                assert (await vnic.request("", "Books", 0, Action.GET, data)).first == data

    async def test_certificate_that_is_not_trusted(self, tmp_path: Path) -> None:
        """A switch with a certificate of somebody else is refused with one line."""
        parts = resources()
        parts.security.server_context = _context(tmp_path, server_side=True)
        async with make_switch(parts) as switch:
            own = resources(switch.port)
            own.security.client_context = ssl.create_default_context()
            with pytest.raises(HandshakeError, match="check certificates"):
                await make_vnic(own).__aenter__()


def _context(folder: Path, *, server_side: bool) -> ssl.SSLContext:
    certificate, key = write_certificate(folder)
    purpose = ssl.Purpose.CLIENT_AUTH if server_side else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cafile=str(certificate))
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
