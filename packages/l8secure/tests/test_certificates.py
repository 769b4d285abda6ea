# SPDX-License-Identifier: Apache-2.0
"""Certificates that are made here, and the contexts made of them."""

from __future__ import annotations

import datetime as dt
import logging
import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from l8secure import (
    LocalSecurity,
    TlsFiles,
    certificate_summary,
    create_authority,
    create_security,
    issue_certificate,
)
from l8types.errors import ConfigurationError, ConflictError, InvalidInputError, NotFoundError
from l8types.settings import NodeSettings

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.runtime import Resources

    from .conftest import StillClock

DAY = dt.timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path, clock: StillClock) -> Path:
    """A directory with an authority; the clock of the tests shows the real time."""
    clock.time = dt.datetime.now(dt.UTC).timestamp()
    create_authority(tmp_path / "certs")
    return tmp_path / "certs"


def provider(folder: Path, clock: StillClock) -> LocalSecurity:
    """A provider that shows the certificate in a folder."""
    return LocalSecurity(folder / "security", clock, tls_files=TlsFiles.of(folder))


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str:
    """Let two contexts agree in memory; the version of TLS."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(back, there, server_hostname=host),
        server.wrap_bio(there, back, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert sides[1].getpeercert()
    return sides[0].version() or ""


@pytest.mark.feature("l8types:TYP-41")
def test_an_authority_and_two_nodes_agree_on_tls_1_3(authority: Path, clock: StillClock) -> None:
    """Each side shows a certificate; the names and addresses asked for are valid, others not."""
    web = issue_certificate(authority, "web", ["10.0.0.7", "web.example.org", "::7"])
    db = issue_certificate(authority, "db")
    server = provider(web, clock).tls(server_side=True)
    client = provider(db, clock).tls(server_side=False)
    assert server is not None
    assert client is not None
    for host in ("web", "localhost", "127.0.0.1", "10.0.0.7", "web.example.org", "::7"):
        assert shake_hands(server, client, host) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        shake_hands(server, client, "10.0.0.8")


def test_a_foreign_node_is_refused(authority: Path, tmp_path: Path, clock: StillClock) -> None:
    """A certificate of another authority of the same name is worth nothing."""
    create_authority(tmp_path / "other")
    foreign = provider(issue_certificate(tmp_path / "other", "web"), clock).tls(server_side=True)
    ours = provider(issue_certificate(authority, "web"), clock).tls(server_side=False)
    assert foreign is not None
    assert ours is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(foreign, ours, "web")


def test_files_are_for_their_owner_and_are_told(authority: Path) -> None:
    """Keys cannot be read by others; the summary has names, times and the authority."""
    folder = issue_certificate(authority, "web", ["10.0.0.7"], days=30)
    for path in (authority / "ca.key", folder / "key.pem"):
        assert path.stat().st_mode & 0o077 == 0
    assert not (folder / "ca.key").exists()
    told = certificate_summary(folder / "cert.pem")
    assert (told.name, told.issuer) == ("web", "Layer 8 network")
    assert told.hosts == ("web", "localhost", "127.0.0.1", "::1", "10.0.0.7")
    assert told.ends - told.begins == 30 * DAY
    # Clocks of other machines may be a little late.
    assert dt.timedelta(minutes=4) < dt.datetime.now(dt.UTC) - told.begins < DAY
    assert certificate_summary(authority / "ca.pem").hosts == ()


def test_an_authority_is_not_replaced_and_a_node_may_be_renewed(authority: Path) -> None:
    """A second authority would make all certificates worthless; a second certificate does not."""
    with pytest.raises(ConflictError, match="has an authority already"):
        create_authority(authority)
    first = (issue_certificate(authority, "web") / "cert.pem").read_bytes()
    assert (issue_certificate(authority, "web") / "cert.pem").read_bytes() != first


@pytest.mark.parametrize("name", ["", "../web", "a/b", ".web", "w b", "x" * 64])
def test_a_name_that_cannot_be_a_folder_is_refused(authority: Path, name: str) -> None:
    """Nothing is written outside of the directory."""
    with pytest.raises(InvalidInputError, match="node name"):
        issue_certificate(authority, name)


def test_what_cannot_be_issued_is_told(authority: Path, tmp_path: Path) -> None:
    """Hosts, days, and the authority itself."""
    for host in ("", "a b", "münchen.example", "-x"):
        with pytest.raises(InvalidInputError, match="neither an address nor a name"):
            issue_certificate(authority, "web", [host])
    with pytest.raises(InvalidInputError, match="days"):
        issue_certificate(authority, "web", days=0)
    with pytest.raises(InvalidInputError, match="needs a name"):
        create_authority(tmp_path / "new", " ")
    with pytest.raises(NotFoundError, match="make one first"):
        issue_certificate(tmp_path / "new", "web")
    key = authority / "ca.key"
    key.write_text("no key")
    with pytest.raises(ConfigurationError, match=r"ca\.key is no private key"):
        issue_certificate(authority, "web")
    key.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(ConfigurationError, match="no key of an elliptic curve"):
        issue_certificate(authority, "web")
    with pytest.raises(ConfigurationError, match="is no certificate in PEM form"):
        certificate_summary(key)
    with pytest.raises(ConfigurationError, match="cannot read"):
        certificate_summary(tmp_path / "absent.pem")


def test_a_strict_reader_accepts_them(authority: Path) -> None:
    """Newer versions of Python insist on what RFC 5280 asks for."""
    context = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    folder = issue_certificate(authority, "web")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    client_sees = shake_without_client_certificate(server, context)
    assert client_sees == "web"


def shake_without_client_certificate(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """The name in the certificate that the client accepted."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(back, there, server_hostname="web")
    far = server.wrap_bio(there, back, server_side=True)
    for side in (near, far, near):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    der = near.getpeercert(binary_form=True)
    assert der
    [name] = x509.load_der_x509_certificate(der).subject
    return str(name.value)


@pytest.mark.parametrize(
    ("begin", "days", "says"),
    [
        (-2 * DAY, 1, "expired on"),
        (DAY, 1, "look at this machine's clock"),
        (-DAY, 3, "expires on"),
        (-DAY, 30, ""),
    ],
)
def test_the_owner_is_told_once_that_others_will_refuse(
    authority: Path,
    clock: StillClock,
    caplog: pytest.LogCaptureFixture,
    begin: dt.timedelta,
    days: int,
    says: str,
) -> None:
    """One line, however often the node dials; the context is made all the same."""
    caplog.set_level(logging.WARNING)
    not_before = dt.datetime.fromtimestamp(clock.now(), dt.UTC) + begin
    folder = issue_certificate(authority, "web", days=days, not_before=not_before)
    security = provider(folder, clock)
    for _ in range(3):
        assert security.tls(server_side=False) is not None
    assert len(caplog.messages) == bool(says)
    assert says in caplog.text


def test_a_certificate_of_another_authority_is_told(
    authority: Path, tmp_path: Path, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have one in between, so it is told and not refused."""
    create_authority(tmp_path / "other", "Other")
    folder = issue_certificate(authority, "web")
    (folder / "ca.pem").write_bytes((tmp_path / "other" / "ca.pem").read_bytes())
    assert provider(folder, clock).tls(server_side=True) is not None
    assert "not signed by" in caplog.text


def test_files_that_do_not_fit_are_named(authority: Path, clock: StillClock) -> None:
    """A file that is missing, no certificate, or the key of another."""
    folder = issue_certificate(authority, "web")
    other = issue_certificate(authority, "db")
    (folder / "key.pem").write_bytes((other / "key.pem").read_bytes())
    with pytest.raises(ConfigurationError, match=r"key\.pem is not the key of"):
        provider(folder, clock).tls(server_side=True)
    (folder / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"ca\.pem is no certificate"):
        provider(folder, clock).tls(server_side=True)
    (folder / "ca.pem").unlink()
    with pytest.raises(ConfigurationError, match=r"no file .*ca\.pem"):
        provider(folder, clock).tls(server_side=True)


def test_the_settings_name_the_files(authority: Path, tmp_path: Path, clock: StillClock) -> None:
    """They win over the folder ``tls``, which need not exist."""
    folder = issue_certificate(authority, "web")
    settings = NodeSettings(
        tls_certificate=folder / "cert.pem",
        tls_key=folder / "key.pem",
        tls_authority=folder / "ca.pem",
    )
    resources = SimpleNamespace(data_directory=tmp_path, clock=clock, settings=settings)
    assert create_security(cast("Resources", resources)).tls(server_side=True) is not None
    resources.settings = NodeSettings()
    assert create_security(cast("Resources", resources)).tls(server_side=True) is None
