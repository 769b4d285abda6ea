# SPDX-License-Identifier: Apache-2.0
"""TLS on the simulated network, with a certificate made for the occasion."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from l8test.sim import Host, World, simulate

if TYPE_CHECKING:
    from pathlib import Path

PORT = 7


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of the host "server", in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("server")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_encrypted_connections(certificate: Path) -> None:
    """Who trusts the certificate talks to the server, who does not is refused."""
    trusted = ssl.create_default_context(cafile=str(certificate))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)

    async def serve(host: Host) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        await asyncio.start_server(answer, host.address, PORT, ssl=served)
        await asyncio.Event().wait()

    async def ask(context: ssl.SSLContext) -> bytes:
        reader, writer = await asyncio.open_connection("server", PORT, ssl=context)
        try:
            writer.write(b"hello\n")
            return await reader.read()
        finally:
            writer.close()

    async def scenario(world: World) -> None:
        client = world.host("client")
        world.host("server").start(serve)
        client.start(idle)
        await world.sleep(1)
        assert await client.call(lambda: ask(trusted)) == b"HELLO\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.call(lambda: ask(ssl.create_default_context()))
        await world.sleep(10)

    with simulate() as world:
        world.run(scenario)


async def idle(host: Host) -> None:
    """Do nothing, without end."""
    await asyncio.Event().wait()
