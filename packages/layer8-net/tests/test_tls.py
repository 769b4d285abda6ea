# SPDX-License-Identifier: Apache-2.0
"""TLS with certificates of both sides: who is let in, and what either side says when not."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action
from l8types.errors import HandshakeError, UnavailableError
from l8types.settings import NodeSettings
from l8types.values import ServiceKey
from layer8_net._core.framing import FrameDecoder
from layer8_net._core.handshake import Acceptor, Dialler, Endpoint
from layer8_net.errors import (
    CertificateError,
    CertificateExpiredError,
    CertificateNotYetValidError,
    ForeignCertificateError,
    MissingCertificateError,
    VersionMismatchError,
)

from .authority import HOUR, Authority
from .fakes import FakeResources, make_switch, make_vnic, new_id, resources, until

if TYPE_CHECKING:
    from pathlib import Path

    from layer8_net import TcpSwitch

BOOKS = ServiceKey("Books")


class Site:
    """An authority, a foreign one, and the certificates that a test may ask for."""

    def __init__(self, folder: Path) -> None:
        self.own = Authority(folder, "own")
        self.foreign = Authority(folder, "foreign")
        self.certificates = {
            "good": self.own.sign("good"),
            "expired": self.own.sign("expired", -2 * HOUR, -HOUR),
            "early": self.own.sign("early", HOUR, 2 * HOUR),
            "foreign": self.foreign.sign("foreign-leaf"),
            "none": None,
        }

    def switch(self, kind: str) -> TcpSwitch:
        """A switch that shows this certificate."""
        parts = resources()
        parts.security.server_context = self.own.context(self.certificates[kind], server_side=True)
        return make_switch(parts)

    def node(self, port: int, kind: str) -> FakeResources:
        """Parts of a node that shows this certificate."""
        parts = resources(port, NodeSettings(request_timeout=2.0))
        parts.security.client_context = self.own.context(self.certificates[kind], server_side=False)
        return parts


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Certificates of one test."""
    return Site(tmp_path)


@pytest.mark.feature("SEC-01")
async def test_right_certificates(site: Site) -> None:
    """Both sides trust the same authority: everything works, and it is TLS 1.3."""
    async with site.switch("good") as switch, make_vnic(site.node(switch.port, "good")) as vnic:
        await vnic.announce(BOOKS)
        data = bytes(300_000)
        assert (await vnic.request("", "Books", 0, Action.GET, data)).first == data
        link = vnic._session.link
        assert link is not None
        assert link._transport is not None
        assert link._transport.get_extra_info("ssl_object").version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("expired", CertificateExpiredError),
        ("early", CertificateNotYetValidError),
        ("foreign", ForeignCertificateError),
    ],
)
async def test_switch_with_a_bad_certificate(
    site: Site, kind: str, error: type[CertificateError]
) -> None:
    """A node does not join through a switch with a bad certificate, and says what is wrong."""
    async with site.switch(kind) as switch:
        with pytest.raises(error, match="check certificates") as caught:
            await make_vnic(site.node(switch.port, "good")).__aenter__()
        assert f"127.0.0.1:{switch.port}" in caught.value.message
        assert "\n" not in caught.value.message
        await until(lambda: switch.statistics().refused_handshakes == 1)


@pytest.mark.parametrize(
    ("kind", "at_the_node", "at_the_switch"),
    [
        ("expired", CertificateExpiredError, "certificate-expired"),
        # The alert that a switch sends has no word of its own for this one.
        ("early", CertificateError, "certificate-not-yet-valid"),
        ("foreign", ForeignCertificateError, "certificate-foreign"),
        ("none", MissingCertificateError, "certificate-missing"),
    ],
)
async def test_node_with_a_bad_certificate(
    site: Site,
    kind: str,
    at_the_node: type[CertificateError],
    at_the_switch: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A node with a bad certificate is refused; both sides say why, in one line each."""
    caplog.set_level(logging.WARNING)
    async with site.switch("good") as switch:
        with pytest.raises(at_the_node, match="check certificates") as caught:
            await make_vnic(site.node(switch.port, kind)).__aenter__()
        assert isinstance(caught.value, HandshakeError)
        await until(lambda: switch.statistics().refused_handshakes == 1)
        [line] = [one for one in caplog.messages if one.startswith("refused: ")]
        assert line.startswith(f"refused: {at_the_switch}: ")


async def test_node_without_tls(site: Site) -> None:
    """A node in the clear does not join a switch with TLS; its start fails in time."""
    async with site.switch("good") as switch:
        parts = resources(switch.port, NodeSettings(request_timeout=0.3))
        with pytest.raises(UnavailableError, match="ended during the handshake"):
            await make_vnic(parts).__aenter__()


async def test_old_tls(site: Site) -> None:
    """A side that speaks an older TLS alone is refused by name."""
    async with site.switch("good") as switch:
        parts = site.node(switch.port, "good")
        context = parts.security.client_context
        assert context is not None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(CertificateError, match="no TLS with the switch"):
            await make_vnic(parts).__aenter__()


class TestVersions:
    """W-34: two versions of the profile refuse each other by name, on both sides."""

    ME = Endpoint(new_id(), "me", 5.0)
    PEER = Endpoint(new_id(), "peer", 5.0)

    def test_dialler_of_another_version(self) -> None:
        """The side that is dialled refuses, and its refusal is understood in any version."""
        hello = bytearray(Dialler(self.PEER, b"s", bytes(32)).start())
        hello[4] = 9
        acceptor = Acceptor(self.ME, b"s", bytes(32))
        with pytest.raises(VersionMismatchError, match="peer speaks version 9, this side 1") as one:
            acceptor.receive(bytes(hello))
        refusal = bytearray(acceptor.refuse(one.value))
        refusal[4] = 7
        dialler = Dialler(self.PEER, b"s", bytes(32))
        dialler.start()
        with pytest.raises(VersionMismatchError, match="the peer refused the connection: the peer"):
            dialler.receive(bytes(refusal))

    def test_acceptor_of_another_version(self) -> None:
        """The side that dials gives up by name."""
        dialler = Dialler(self.ME, b"s", bytes(32))
        challenge = bytearray(Acceptor(self.PEER, b"s", bytes(32)).receive(dialler.start()))
        challenge[4] = 2
        with pytest.raises(VersionMismatchError, match="speaks version 2, this side 1"):
            dialler.receive(bytes(challenge))

    async def test_over_a_socket(self, caplog: pytest.LogCaptureFixture) -> None:
        """A switch answers a stranger of another version with the reason, and logs it."""
        async with make_switch() as switch:
            reader, writer = await asyncio.open_connection("127.0.0.1", switch.port)
            hello = bytearray(Dialler(self.PEER, b"s", bytes(32)).start())
            hello[4] = 9
            writer.write(hello)
            [refusal] = FrameDecoder(2048).feed(await reader.read())
            assert b"version-mismatch: the peer speaks version 9" in refusal
            writer.close()
            await writer.wait_closed()
            await until(lambda: switch.statistics().refused_handshakes == 1)
        assert "the peer speaks version 9" in caplog.text
