# SPDX-License-Identifier: Apache-2.0
"""The port on which a process shows its figures and its health over HTTP.

``/metrics`` is read by Prometheus, ``/health`` and ``/live`` by whoever starts and stops processes.
It answers GET and HEAD with one short text each and closes; it is no web server, so that a switch
does not need one.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Self, cast

from typing_extensions import override

from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from l8types.protocols.runtime import MetricsSink

__all__ = ["Exporter", "Health"]

_log = logging.getLogger(__name__)

_HEAD_BYTES: Final = 8192
"""A request that is larger than this is none of those that are answered."""
_SECONDS: Final = 5.0
"""Whoever does not ask or read within this time loses the connection."""
_CONNECTIONS: Final = 64
"""Connections at a time: a few scrapers and probes."""
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Health:
    """How a process does."""

    up: bool
    """Whether it does its work now."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What a person wants to know, as values of JSON."""


class _Answer(NamedTuple):
    status: HTTPStatus
    body: str
    kind: str = _TEXT


class Exporter:
    """Answers on a port of its own while it is entered.

    Args:
        metrics: The figures.
        health: Asked at each request; must not block.
        host: Address to listen on.
        port: TCP port, 0 for a free one.
    """

    def __init__(
        self,
        metrics: MetricsSink,
        health: Callable[[], Health],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._address = host, port
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigurationError: The port is in use or cannot be listened on.
        """
        host, port = self._address
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connected, host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigurationError(
                    f"metrics port {port} on {host} is in use; choose another"
                ) from error
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"cannot show metrics on {host}:{port}: {reason}; choose another"
            ) from error
        _log.info("metrics and health are at http://%s:%d", host, self.port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for connection in tuple(self._connections):
                connection.abort()
            await server.wait_closed()

    @property
    def port(self) -> int:
        """TCP port it listens on; 0 while it does not."""
        return 0 if self._server is None else int(self._server.sockets[0].getsockname()[1])

    def _connected(self) -> _Connection:
        return _Connection(self._answer, self._connections)

    def _answer(self, method: str, path: str) -> _Answer:
        if method not in {"GET", "HEAD"}:
            return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, "GET and HEAD alone\n")
        match path.partition("?")[0]:
            case "/metrics":
                return _Answer(HTTPStatus.OK, self._metrics.render())
            case "/health":
                health = self._health()
                status = HTTPStatus.OK if health.up else HTTPStatus.SERVICE_UNAVAILABLE
                told = {"status": "up" if health.up else "down", **health.details}
                return _Answer(status, f"{json.dumps(told)}\n", _JSON)
            case "/live":
                return _Answer(HTTPStatus.OK, "alive\n")
        return _Answer(HTTPStatus.NOT_FOUND, "there are /metrics, /health and /live\n")


class _Connection(asyncio.Protocol):
    """One request and its answer."""

    def __init__(
        self, answer: Callable[[str, str], _Answer], connections: set[_Connection]
    ) -> None:
        self._answer = answer
        self._connections = connections
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= _CONNECTIONS:
            transport.close()
            return
        self._connections.add(self)
        self._alarm = asyncio.get_running_loop().call_later(_SECONDS, self.abort)

    @override
    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._received += data
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if end:
            self._reply(head)
        elif len(self._received) > _HEAD_BYTES:
            self._write("GET", _Answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too large\n"))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._alarm is not None:
            self._alarm.cancel()

    def abort(self) -> None:
        """End the connection, now."""
        if self._transport is not None:
            self._transport.abort()

    def _reply(self, head: bytes) -> None:
        parts = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            self._write("GET", _Answer(HTTPStatus.BAD_REQUEST, "no request of HTTP 1.1\n"))
            return
        method, path, _ = parts
        try:
            answer = self._answer(method, path)
        except Exception:  # noqa: BLE001 - the boundary of a request; figures are foreign code
            _log.exception("%s cannot be shown", path)
            answer = _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "the log tells why\n")
        self._write(method, answer)

    def _write(self, method: str, answer: _Answer) -> None:
        if self._transport is None:
            return
        body = answer.body.encode()
        head = (
            f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
            f"Content-Type: {answer.kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        self._transport.write(head if method == "HEAD" else head + body)
        self._transport.close()
