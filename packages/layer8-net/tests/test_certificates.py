# SPDX-License-Identifier: Apache-2.0
"""Certificates are renewed while nodes and switches run."""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from l8types.errors import ConfigurationError
from l8types.settings import NodeSettings
from layer8_net._certificates import Certificates
from layer8_net.errors import ForeignCertificateError

from .authority import Authority
from .fakes import (
    FakeClock,
    FakeResources,
    FakeSecurity,
    cut_off,
    make_switch,
    make_vnic,
    resources,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from layer8_net import TcpSwitch, TcpVNic


class FileSecurity(FakeSecurity):
    """Reads certificate, key and authority each time, as a provider with files does.

    Args:
        folder: Holds ``cert.pem``, ``key.pem`` and ``ca.pem``.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.asked = 0

    def tls(self, *, server_side: bool) -> ssl.SSLContext | None:
        self.asked += 1
        purpose = ssl.Purpose.CLIENT_AUTH if server_side else ssl.Purpose.SERVER_AUTH
        try:
            context = ssl.create_default_context(purpose, cafile=str(self._folder / "ca.pem"))
            context.load_cert_chain(self._folder / "cert.pem", self._folder / "key.pem")
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"cannot use {self._folder.name}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        return context


class Clock:
    """Time that the test moves; asyncio goes on with its own."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class AheadClock(FakeClock):
    """Real time, and what the test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def install(folder: Path, authority: Authority, name: str) -> bytes:
    """Put new files where a node looks; the certificate as peers see it."""
    folder.mkdir(exist_ok=True)
    certificate, key = authority.sign(name)
    certificate.replace(folder / "cert.pem")
    key.replace(folder / "key.pem")
    (folder / "ca.pem").write_bytes(authority.path.read_bytes())
    return ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())


def shown_to(vnic: TcpVNic) -> bytes:
    """The certificate that the switch showed for the connection of now."""
    link = vnic._session.link
    assert link is not None
    assert link._transport is not None
    shown: bytes = link._transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return shown


def parts_with(folder: Path, port: int = 0) -> FakeResources:
    """Parts of a node or switch with these files."""
    parts = resources(port, NodeSettings(request_timeout=5.0))
    parts.security = FileSecurity(folder)
    return parts


async def test_a_switch_uses_renewed_files_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """New connections see the new certificate; broken files are told, and the old ones go on."""
    authority = Authority(tmp_path, "own")
    folder, leaf = tmp_path / "switch", tmp_path / "node"
    first = install(folder, authority, "first")
    install(leaf, authority, "leaf")
    parts, clock = parts_with(folder), Clock()
    parts.clock = clock  # type: ignore[assignment]  # what the test moves by hand
    async with make_switch(parts) as switch, make_vnic(parts_with(leaf, switch.port)) as old:
        assert shown_to(old) == first
        second = install(folder, authority, "second")
        clock.time += 2.0
        async with make_vnic(parts_with(leaf, switch.port)) as new:
            assert shown_to(new) == second != first
        (folder / "key.pem").write_text("no key")
        clock.time += 2.0
        async with make_vnic(parts_with(leaf, switch.port)) as new:
            assert shown_to(new) == second
        assert caplog.text.count("the old ones go on: cannot use switch") == 1
        assert old.connected


async def test_the_authority_is_renewed_too(tmp_path: Path) -> None:
    """After a change of authority those with the new one come in, those with the old one do not."""
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    folder, before, after = tmp_path / "switch", tmp_path / "before", tmp_path / "after"
    install(folder, old, "first")
    install(before, old, "before")
    install(after, new, "after")
    parts, clock = parts_with(folder), Clock()
    parts.clock = clock  # type: ignore[assignment]  # what the test moves by hand
    async with make_switch(parts) as switch:
        with pytest.raises(ForeignCertificateError):
            await make_vnic(parts_with(after, switch.port)).__aenter__()
        install(folder, new, "second")
        clock.time += 2.0
        async with make_vnic(parts_with(after, switch.port)) as vnic:
            assert vnic.connected
        # The one of before trusts the old authority alone, so that it shows one of that.
        install(before, old, "again")
        (before / "ca.pem").write_bytes(new.path.read_bytes())
        with pytest.raises(ForeignCertificateError):
            await make_vnic(parts_with(before, switch.port)).__aenter__()


async def test_a_node_dials_again_with_what_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A node whose files are broken meanwhile dials again with the certificate that was good."""
    authority = Authority(tmp_path, "own")
    folder, leaf = tmp_path / "switch", tmp_path / "node"
    install(folder, authority, "switch-1")
    install(leaf, authority, "leaf")
    async with make_switch(parts_with(folder)) as switch:
        parts, clock = parts_with(leaf, switch.port), AheadClock()
        parts.clock = clock
        async with make_vnic(parts) as vnic:
            (leaf / "cert.pem").write_text("no certificate")
            clock.ahead += 2.0
            cut_off(vnic)
            await until(lambda: not vnic.connected)
            await until(lambda: vnic.connected)
    assert caplog.text.count("the old ones go on: cannot use node") == 1


async def test_linked_switches_use_renewed_files(tmp_path: Path) -> None:
    """A link that is made again is made with the new certificates of both switches."""
    authority = Authority(tmp_path, "own")
    folders = [tmp_path / "dialling", tmp_path / "listening"]
    first = [install(folder, authority, f"first-{folder.name}") for folder in folders]
    dialling, listening = (parts_with(folder) for folder in folders)
    clock = AheadClock()
    dialling.clock = listening.clock = clock
    async with make_switch(dialling) as one, make_switch(listening) as other:
        await one.connect("127.0.0.1", other.port)
        await until(lambda: _linked(one, other))
        assert [_shown_by_link(other), _shown_by_link(one)] == first
        second = [install(folder, authority, f"second-{folder.name}") for folder in folders]
        clock.ahead += 2.0
        for link in tuple(one._connections._links.values()):
            link.abort("cut off by the test")
        await until(lambda: one.statistics().lost_links == 1)
        await until(lambda: _linked(one, other))
        assert [_shown_by_link(other), _shown_by_link(one)] == second


def _linked(*switches: TcpSwitch) -> bool:
    """Whether there is one link, and no second one that both dialled at once."""
    return all(
        switch.statistics().links == len(switch._connections._links) == 1 for switch in switches
    )


def _shown_by_link(switch: TcpSwitch) -> bytes:
    """The certificate that the other end of the only link of a switch shows."""
    [link] = switch._connections._links.values()
    assert link._transport is not None
    shown: bytes = link._transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return shown


def test_a_provider_is_asked_once_per_second(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A crowd costs one look at the files; what is wrong is told once, until it is right again."""
    caplog.set_level(logging.WARNING)
    authority = Authority(tmp_path, "own")
    folder = tmp_path / "node"
    install(folder, authority, "leaf")
    guard, clock = FileSecurity(folder), Clock()
    certificates = Certificates(guard, server_side=True, now=clock.monotonic)
    good = certificates.context()
    assert [certificates.context() for _ in range(100)] == [good] * 100
    assert guard.asked == 1
    (folder / "ca.pem").unlink()
    for _ in range(3):
        clock.time += 1.0
        assert certificates.context() is good
    assert guard.asked == 4
    assert len(caplog.messages) == 1
    install(folder, authority, "leaf-2")
    clock.time += 1.0
    assert certificates.context() is not good


def test_first_files_must_be_good(tmp_path: Path) -> None:
    """There is nothing to go on with at the start, so that the error is the caller's."""
    with pytest.raises(ConfigurationError):
        Certificates(FileSecurity(tmp_path), server_side=True, now=Clock().monotonic).context()


def test_tls_is_not_given_up(tmp_path: Path) -> None:
    """A provider that has no certificates any more does not bring connections in the clear."""
    guard, clock = FakeSecurity(), Clock()
    guard.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates = Certificates(guard, server_side=True, now=clock.monotonic)
    good = certificates.context()
    guard.server_context = None
    clock.time += 2.0
    assert certificates.context() is good is not None
