# SPDX-License-Identifier: Apache-2.0
"""The port of figures and health."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from l8types.errors import ConfigurationError
from l8utils import PrometheusMetrics
from layer8 import _exporter
from layer8._exporter import Exporter, Health

if TYPE_CHECKING:
    from collections.abc import Callable


def good() -> Health:
    """A process that does well."""
    return Health(up=True, details={"alias": "one"})


def exporter(health: Callable[[], Health] = good) -> Exporter:
    """One on a free port with one figure."""
    metrics = PrometheusMetrics()
    metrics.count("layer8_things_total", 3)
    return Exporter(metrics, health)


async def ask(port: int, method: str, path: str) -> httpx.Response:
    """One request."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        return await client.request(method, path)


async def talk(port: int, data: bytes) -> bytes:
    """Send bytes and read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.feature("layer8-net:MET-01")
async def test_figures_are_shown_as_prometheus_reads_them() -> None:
    """With the type of content that it asks for; HEAD is answered without them."""
    async with exporter() as one:
        answer = await ask(one.port, "GET", "/metrics?x=1")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "layer8_things_total 3.0" in answer.text.splitlines()
        head = await ask(one.port, "HEAD", "/metrics")
        assert (head.status_code, head.text) == (200, "")
        assert head.headers["content-length"] == answer.headers["content-length"]


async def test_health_is_a_status_and_a_text() -> None:
    """A probe looks at the status alone, a person at the details."""
    health = good()
    async with exporter(lambda: health) as one:
        answer = await ask(one.port, "GET", "/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "up", "alias": "one"})
        health = Health(up=False)
        answer = await ask(one.port, "GET", "/health")
        assert (answer.status_code, answer.json()) == (503, {"status": "down"})
        assert (await ask(one.port, "GET", "/live")).status_code == 200


async def test_a_failing_figure_does_not_end_the_port() -> None:
    """The caller learns that it failed, the next one is answered."""

    def fail() -> Health:
        raise ZeroDivisionError

    async with exporter(fail) as one:
        assert (await ask(one.port, "GET", "/health")).status_code == 500
        assert (await ask(one.port, "GET", "/metrics")).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /secrets HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics HTTP/2\r\n\r\n", b"400"),
        (b"\x16\x03\x01 nonsense\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 9000, b"431"),
        (b"GET /live HTTP/1.0\r\nHost: x\r\n\r\nGET /live HTTP/1.0\r\n\r\n", b"200"),
    ],
)
async def test_nonsense_is_refused(sent: bytes, status: bytes) -> None:
    """With one answer, and the connection is closed."""
    async with exporter() as one:
        answer = await talk(one.port, sent)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert answer.count(b"HTTP/1.1") == 1


async def test_who_does_not_ask_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and at the end of the process at once."""
    async with exporter() as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        await ask(one.port, "GET", "/live")
        monkeypatch.setattr(_exporter, "_SECONDS", 0.01)
        assert await talk(one.port, b"GET ") == b""
    assert await reader.read() == b""
    writer.close()


async def test_too_many_connections_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are there are answered."""
    monkeypatch.setattr(_exporter, "_CONNECTIONS", 1)
    async with exporter() as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        assert await talk(one.port, b"") == b""
        writer.write(b"GET /live HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_port_in_use_is_told() -> None:
    """In one line that names it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"metrics port {port} on 127.0.0.1 is in use"):
            await Exporter(PrometheusMetrics(), good, port=port).__aenter__()
    with pytest.raises(ConfigurationError, match=r"cannot show metrics on 192\.0\.2\.1:0"):
        await Exporter(PrometheusMetrics(), good, host="192.0.2.1").__aenter__()
