# SPDX-License-Identifier: Apache-2.0
"""An authority of one's own, and the certificates that it issues to the nodes of a network.

Enough for a network that is run by one team. A certificate of another authority is as good: nodes
read three PEM files and do not ask where they are from.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from l8secure._files import private_directory, write_private
from l8types.errors import ConfigurationError, ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CertificateSummary",
    "TlsFiles",
    "certificate_summary",
    "create_authority",
    "issue_certificate",
]

AUTHORITY_DAYS: Final = 3650
"""Days that an authority lasts: replacing it means touching every node."""
NODE_DAYS: Final = 365
"""Days that a node's certificate lasts."""
_CLOCK_TOLERANCE: Final = dt.timedelta(minutes=5)
"""A certificate begins this much before it is issued, since clocks of machines differ."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""The name becomes a folder and a DNS name in the certificate."""
_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})")
"""An internationalized name is given in its ASCII form, as it is in certificates."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The three PEM files of a node."""

    certificate: Path
    key: Path
    authority: Path
    """Certificate of the authority that signed those of the other nodes."""

    @classmethod
    def of(cls, folder: Path) -> TlsFiles:
        """The files of a folder, by the names under which certificates are issued."""
        return cls(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """What a certificate says."""

    name: str
    issuer: str
    hosts: tuple[str, ...]
    """Names and addresses under which the node is dialled."""
    begins: dt.datetime
    ends: dt.datetime


def create_authority(
    directory: Path, name: str = "Layer 8 network", *, days: int = AUTHORITY_DAYS
) -> Path:
    """Make an authority: ``ca.pem``, which every node gets, and ``ca.key``, which none gets.

    Args:
        directory: Where; made for the owner alone when it is missing.
        name: Name of the authority, for people.
        days: Days that it lasts.

    Returns:
        Path of the certificate.

    Raises:
        ConflictError: There is an authority already: its certificates would be worthless.
        InvalidInputError: A name that is empty, or less than one day.
        ConfigurationError: The directory cannot be written.
    """
    if not name.strip() or days < 1:
        raise InvalidInputError(
            f"an authority needs a name and a day at least, not {name!r} {days}"
        )
    private_directory(directory)
    path = directory / "ca.pem"
    if path.exists() or (directory / "ca.key").exists():
        raise ConflictError(f"{directory} has an authority already; choose another directory")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name.strip())
    builder = (
        _builder(subject, subject, key.public_key(), key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    _write(directory / "ca.key", _key_pem(key))
    _write(path, certificate.public_bytes(serialization.Encoding.PEM))
    return path


def issue_certificate(
    directory: Path,
    name: str,
    hosts: Sequence[str] = (),
    *,
    days: int = NODE_DAYS,
    not_before: dt.datetime | None = None,
) -> Path:
    """Issue a certificate to a node, or a new one to replace the old.

    Args:
        directory: That of the authority; the folder ``name`` is made below it, or its files are
            replaced.
        name: Name of the node: letters, digits, dots and hyphens.
        hosts: Names and addresses under which other machines dial it; its name, ``localhost`` and
            the loopback addresses are always among them.
        days: Days that it lasts, from ``not_before``.
        not_before: When it begins; five minutes ago by default, since clocks differ.

    Returns:
        Folder with ``cert.pem``, ``key.pem`` and ``ca.pem``, to be copied to the node.

    Raises:
        NotFoundError: The directory has no authority.
        InvalidInputError: A name or host that cannot be, or less than one day.
        ConfigurationError: A file cannot be read or written.
    """
    if not _NAME.fullmatch(name) or days < 1:
        raise InvalidInputError(
            f"node name {name!r} has to be of letters, digits, '.', '_' and '-', "
            f"and {days} days at least one"
        )
    authority, authority_key = _authority(directory)
    key = ec.generate_private_key(ec.SECP256R1())
    names = dict.fromkeys((name, "localhost", "127.0.0.1", "::1", *hosts))
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    begin = not_before or dt.datetime.now(dt.UTC) - _CLOCK_TOLERANCE
    builder = (
        _builder(
            _subject(name),
            authority.subject,
            key.public_key(),
            authority_key.public_key(),
            days,
            begin,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in names]), critical=False
        )
    )
    certificate = builder.sign(authority_key, hashes.SHA256())
    folder = private_directory(directory / name)
    files = TlsFiles.of(folder)
    _write(files.key, _key_pem(key))
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    _write(files.authority, authority.public_bytes(serialization.Encoding.PEM))
    return folder


def certificate_summary(path: Path) -> CertificateSummary:
    """What the certificate in a PEM file says.

    Raises:
        ConfigurationError: The file cannot be read, or is no certificate.
    """
    certificate = read_certificate(path)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        hosts = tuple(str(one.value) for one in extension.value)
    except x509.ExtensionNotFound:
        hosts = ()
    return CertificateSummary(
        name=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        hosts=hosts,
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
    )


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file.

    Raises:
        ConfigurationError: The file cannot be read, or is no certificate.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is no certificate in PEM form") from error


def _authority(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    path = directory / "ca.key"
    if not path.exists():
        raise NotFoundError(f"{directory} has no authority (ca.pem, ca.key); make one first")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is no private key without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError(f"{path} is no key of an elliptic curve, as is made here")
    return read_certificate(directory / "ca.pem"), key


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    days: int,
    begin: dt.datetime | None = None,
) -> x509.CertificateBuilder:
    begin = begin or dt.datetime.now(dt.UTC) - _CLOCK_TOLERANCE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _HOST.fullmatch(host):
        raise InvalidInputError(f"host {host!r} is neither an address nor a name")
    return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes) -> None:
    try:
        write_private(path, data)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
