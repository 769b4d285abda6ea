# SPDX-License-Identifier: Apache-2.0
"""The gateway: the application, served inside a node."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

import uvicorn

from l8types.errors import ClosedError, ConfigurationError, NotFoundError
from l8web._app import create_app
from l8web._discovery import announcement_sla, ask_for_announcements
from l8web._exposed import ExposedServices
from l8web._settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.web import WebServer, WebServerFactory, WebService
    from l8types.values import ServiceKey

__all__ = ["Gateway", "GatewayFactory", "create_web"]


class Gateway:
    """REST gateway and pages of the services that announced themselves.

    Args:
        vnic: Interface through which services are called.
        settings: Where it listens and what it accepts.
    """

    def __init__(self, vnic: VNic, settings: WebSettings | None = None) -> None:
        self._vnic = vnic
        self._settings = settings or WebSettings()
        self._exposed = ExposedServices(vnic.resources.registry)
        self._sla = announcement_sla(self._exposed)
        self._server: _Server | None = None
        self._address: tuple[str, int] = ("", 0)
        self._group = asyncio.TaskGroup()
        self._asking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        listener = _listen(self._settings)
        self._address = listener.getsockname()[:2]
        self._server = _Server(
            uvicorn.Config(
                create_app(self._vnic, self._exposed, self._settings),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                limit_concurrency=self._settings.max_connections,
                timeout_graceful_shutdown=int(self._settings.shutdown_timeout),
            )
        )
        await self._group.__aenter__()
        self._group.create_task(self._server.serve([listener]), name="gateway: server")
        await self._vnic.resources.services.activate(self._sla, self._vnic)
        self._asking = self._group.create_task(
            ask_for_announcements(self._vnic), name="gateway: ask for announcements"
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.should_exit = True
        if self._asking is not None:
            self._asking.cancel()
        with suppress(NotFoundError):  # the node may have stopped its services already
            await self._vnic.resources.services.deactivate(self._sla.key)
        # Without the exception: what the block raised leaves it as it is, not in a group.
        await self._group.__aexit__(None, None, None)

    @property
    def running(self) -> bool:
        """Whether it was entered and not left."""
        return self._server is not None

    @property
    def url(self) -> str:
        """Base URL.

        Raises:
            ClosedError: The gateway was not entered.
        """
        if not self.running:
            raise ClosedError("the gateway does not listen yet; enter it first")
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def expose(self, service: WebService) -> None:
        """Serve a service without waiting for its announcement."""
        self._exposed.expose(service)

    def conceal(self, key: ServiceKey) -> None:
        """No longer serve a service."""
        self._exposed.remove(key)


class _Server(uvicorn.Server):
    """A server inside a node: the signals belong to the node."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"web port {where} is in use; stop the other program or choose another port"
            ) from error
        raise ConfigurationError(f"cannot listen on {where}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


class GatewayFactory:
    """Makes gateways with common settings."""

    def __init__(self, settings: WebSettings | None = None) -> None:
        self._settings = settings or WebSettings()

    def create(self, vnic: VNic, *, host: str = "127.0.0.1", port: int = 0) -> WebServer:
        """Gateway that listens on an address of its own."""
        return Gateway(vnic, dataclasses.replace(self._settings, host=host, port=port))


def create_web(resources: Resources) -> WebServerFactory:
    """Factory of gateways with the default settings."""
    return GatewayFactory(WebSettings(request_timeout=resources.settings.request_timeout))
