# SPDX-License-Identifier: Apache-2.0
"""Trouble end to end: a named error at the caller, one line in the log, a counter."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest

from l8secure import create_authority, issue_certificate
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import L8Error, RequestTimeoutError
from l8types.protocols.services import HookResult
from l8types.values import ServiceKey
from layer8 import Node, load_settings
from layer8_net._core.framing import FrameDecoder
from layer8_net._core.handshake import Dialler, Endpoint
from layer8_net.errors import (
    CertificateError,
    CertificateExpiredError,
    CertificateNotYetValidError,
    ForeignCertificateError,
    MissingCertificateError,
    NameTooLongError,
    NoInstanceError,
    PayloadTooLargeError,
    UnknownServiceError,
)

from .support import command, daemon, until

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from l8types.protocols.services import Call
    from l8types.settings import NodeSettings

REFUSED = "layer8_switch_refused_handshakes_total"


@dataclass
class Book:
    """What the service keeps."""

    isbn: str = ""
    text: str = ""


def settings_of(
    alias: str, port: int, data: Path, certs: Path | None = None, **more: object
) -> NodeSettings:
    """Settings of a node; without certificates when no folder is given."""
    names = {"certificate": "cert.pem", "key": "key.pem", "authority": "ca.pem"}
    files = {} if certs is None else {f"tls_{part}": certs / name for part, name in names.items()}
    options: dict[str, object] = {
        "alias": alias,
        "port": port,
        "data_directory": data,
        "keep_alive": 0.5,
        "request_timeout": 5.0,
        **files,
        **more,
    }
    return load_settings(environment={}, file=None, default_alias="", **options)


async def test_a_port_in_use(tmp_path: Path) -> None:
    """The second switch ends with code 2 and one line; the first one goes on and ends in order."""
    async with daemon(tmp_path) as one:
        code, out, err = await command(tmp_path, "vnet", "--port", str(one.port))
        assert (code, out) == (2, "")
        errors = [line for line in err.splitlines() if line.startswith("layer8: ")]
        assert len(errors) == 1
        assert f"port {one.port} on 127.0.0.1 is in use" in errors[0]
        assert await one.end() == 0


@pytest.mark.feature("layer8-net:SEC-01")
async def test_a_wrong_secret(tmp_path: Path) -> None:
    """Told to who asks, and by the switch in one line and a counter."""
    async with daemon(tmp_path / "ours") as one:
        arguments = ("status", "--port", str(one.port))
        code, _, err = await command(tmp_path / "theirs", *arguments)
        assert (code, err.count("\n")) == (2, 1)
        assert "set the same secret on both" in err
        await until(lambda: reaches(one.figure(REFUSED), 1.0))
        assert await one.end() == 0
        assert len(one.lines("refused node 'status'")) == 1


async def reaches(asked: Awaitable[float], value: float) -> bool:
    """Whether a figure has a value."""
    return await asked == value


@pytest.mark.parametrize(
    ("kind", "at_the_node", "at_the_switch"),
    [
        ("expired", CertificateExpiredError, "certificate-expired"),
        # The alert of TLS has no word of its own for this; the switch has.
        ("early", CertificateError, "certificate-not-yet-valid"),
        ("foreign", ForeignCertificateError, "certificate-foreign"),
        ("none", MissingCertificateError, "certificate-missing"),
    ],
)
async def test_a_node_with_a_bad_certificate(
    tmp_path: Path, kind: str, at_the_node: type[L8Error], at_the_switch: str
) -> None:
    """Refused by name at both ends; a good one is let in."""
    folders = certificates(tmp_path)
    async with daemon(tmp_path, "--certs", str(folders["good"])) as one:
        async with Node(
            settings=settings_of("good", one.port, tmp_path, folders["good"]), bring_switch=False
        ) as node:
            assert node.vnic.connected
        bad = settings_of("bad", one.port, tmp_path, folders[kind])
        join = without_certificate if kind == "none" else with_certificate
        with pytest.raises(at_the_node, match="check certificates"):
            await join(bad)
        await until(lambda: reaches(one.figure(REFUSED), 1.0))
        assert await one.end() == 0
        assert len(one.lines(f"refused: {at_the_switch}: ")) == 1


async def with_certificate(settings: NodeSettings) -> None:
    """A node that shows what it has."""
    await Node(settings=settings, bring_switch=False).__aenter__()


async def without_certificate(settings: NodeSettings) -> None:
    """A node that trusts the authority, but shows no certificate."""
    node = Node(settings=settings, bring_switch=False)
    security = node.resources.security
    make = security.tls

    def bare(*, server_side: bool) -> object:
        import ssl  # noqa: PLC0415 - of this one test

        assert make(server_side=server_side) is not None
        context = ssl.create_default_context(cafile=str(settings.tls_authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    security.tls = bare  # type: ignore[method-assign, assignment]
    await node.__aenter__()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("expired", CertificateExpiredError),
        ("early", CertificateNotYetValidError),
        ("foreign", ForeignCertificateError),
    ],
)
async def test_a_switch_with_a_bad_certificate(
    tmp_path: Path, kind: str, error: type[L8Error]
) -> None:
    """No node joins through it; each says what is wrong with it."""
    folders = certificates(tmp_path)
    async with daemon(tmp_path, "--certs", str(folders[kind])) as one:
        with pytest.raises(error, match="check certificates"):
            await Node(
                settings=settings_of("good", one.port, tmp_path, folders["good"]),
                bring_switch=False,
            ).__aenter__()
        await until(lambda: reaches(one.figure(REFUSED), 1.0))


def certificates(directory: Path) -> dict[str, Path]:
    """Folders with good and bad certificates."""
    own, foreign = directory / "own", directory / "foreign"
    create_authority(own)
    create_authority(foreign, "Others")
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    return {
        "good": issue_certificate(own, "good"),
        "none": issue_certificate(own, "none"),
        "expired": issue_certificate(own, "expired", days=1, not_before=now - 2 * day),
        "early": issue_certificate(own, "early", days=1, not_before=now + day),
        "foreign": mixed(issue_certificate(foreign, "foreign"), own),
    }


def mixed(folder: Path, trusted: Path) -> Path:
    """Let a folder trust another authority than the one that signed its certificate."""
    (folder / "ca.pem").write_bytes((trusted / "ca.pem").read_bytes())
    return folder


async def test_another_version(tmp_path: Path) -> None:
    """A peer of another version is told so, in a form that every version understands."""
    async with daemon(tmp_path) as one:
        peer = Endpoint("0" * 36, "future", 1.0)
        hello = bytearray(Dialler(peer, b"s", bytes(32)).start())
        hello[4] = 9
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(hello)
        [refusal] = FrameDecoder(2048).feed(await reader.read())
        writer.close()
        assert b"version-mismatch: the peer speaks version 9" in refusal
        await until(lambda: reaches(one.figure(REFUSED), 1.0))
        assert await one.end() == 0
        assert len(one.lines("the peer speaks version 9")) == 1


class Slow:
    """Holds every write until the test is over."""

    async def before(self, item: object, call: Call) -> HookResult:
        await asyncio.Event().wait()
        return HookResult()

    async def after(self, item: object, call: Call) -> HookResult:
        return HookResult()


class Case(NamedTuple):
    """A call that fails."""

    service: str
    payload: object
    error: type[L8Error]


CASES = {
    "unknown-service": Case("Nothing", Book("1"), UnknownServiceError),
    "no-instance": Case("Gone", Book("1"), NoInstanceError),
    "payload-too-large": Case("Books", Book("1", "x" * 100_000), PayloadTooLargeError),
    "timeout": Case("Books", Book("1"), RequestTimeoutError),
}


async def test_calls_that_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Unknown, gone, too large, too slow, cancelled: each by name, in one line and a counter."""
    caplog.set_level(logging.DEBUG, "layer8_net._trouble")
    async with daemon(tmp_path) as one:
        shop = settings_of("shop", one.port, tmp_path)
        mine = settings_of("me", one.port, tmp_path, max_frame_bytes=65_536)
        async with (
            Node(settings=shop, bring_switch=False) as far,
            Node(settings=mine, bring_switch=False) as node,
        ):
            await far.serve(Book, key="isbn", hook=Slow())
            await far.serve(Book, key="isbn", name="Gone")
            node.resources.register(Book)
            gone, directory = ServiceKey("Gone"), node.vnic.directory
            await until(lambda: known(bool(directory.providers(gone))))
            await far.resources.services.deactivate(gone)
            await until(lambda: known(not directory.providers(gone)))
            for case in CASES.values():
                with pytest.raises(case.error):
                    await node.vnic.request(
                        *(MulticastMode.PROXIMITY, case.service, 0, Action.POST, case.payload),
                        timeout=0.5,
                    )
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await node.post("Books", Book("1"))
            for code in (*CASES, "cancelled"):
                assert len([line for line in caplog.messages if f": {code}: " in line]) == 1
                series = f'layer8_failed_calls_total{{code="{code}",node="me"}} 1.0'
                await until(lambda s=series: known(s in node.resources.metrics.render()))  # type: ignore[misc]


async def known(condition: bool) -> bool:
    """A condition that needs no waiting."""
    return condition


async def test_a_name_too_long_for_the_profile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In a network of the go profile; nothing is sent."""
    async with daemon(tmp_path, "--profile", "go") as one:
        mine = settings_of("me", one.port, tmp_path, profile=WireProfile.GO)
        async with Node(settings=mine, bring_switch=False) as node:
            with pytest.raises(NameTooLongError):
                await node.vnic.request("", "FarTooLongName", 0, Action.POST, None)
            assert len([line for line in caplog.messages if "name-too-long" in line]) == 1
            series = 'layer8_failed_calls_total{code="name-too-long",node="me"} 1.0'
            await until(lambda: known(series in node.resources.metrics.render()))
