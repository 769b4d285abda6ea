# SPDX-License-Identifier: Apache-2.0
"""Conformance of web gateways: what does not depend on how they lay out their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from l8types.enums import Action
from l8types.pb import L8WebService
from l8types.protocols.net import VNic
from l8types.protocols.web import WebEndpoint, WebServerFactory
from l8types.values import ServiceKey

__all__ = ["GatewayHost", "HostOpener", "WebServerConformance"]


@dataclass(frozen=True, slots=True)
class GatewayHost:
    """Where the gateways under test live: a connected node and the factory."""

    vnic: VNic
    factory: WebServerFactory


HostOpener = Callable[[], AbstractAsyncContextManager[GatewayHost]]
"""Opens a node for gateways."""


@dataclass(frozen=True, slots=True)
class SampleWebService:
    """Description of a service on the web."""

    key: ServiceKey
    endpoints: tuple[WebEndpoint, ...] = (WebEndpoint(Action.GET, "L8Query", "TestProtoList"),)

    def to_wire(self) -> L8WebService:
        """Announcement without endpoints, which is enough to name the service."""
        return L8WebService(service_name=self.key.name, service_area=self.key.area)


async def status_line(url: str) -> str:
    """First line of the answer to ``GET /``."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(
            f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            return (await reader.readline()).decode()
    finally:
        writer.close()


class WebServerConformance:
    """What every ``WebServer`` and its factory promise.

    Fixture:
        open_host: A ``HostOpener``.
    """

    async def test_answers(self, open_host: HostOpener) -> None:
        """A gateway answers HTTP at its URL while it is entered."""
        async with open_host() as host:
            async with host.factory.create(host.vnic) as server:
                assert server.running
                url = server.url
                assert urlsplit(url).port
                assert (await status_line(url)).startswith("HTTP/1.")
            assert not server.running
            with pytest.raises(OSError):  # noqa: PT011 - refused, reset or gone, as the system says
                await status_line(url)

    async def test_listens_when_entered(self, open_host: HostOpener) -> None:
        """A gateway that was only made does not run."""
        async with open_host() as host:
            assert not host.factory.create(host.vnic).running

    async def test_free_port(self, open_host: HostOpener) -> None:
        """Port 0 stands for a free one, which the URL tells."""
        async with open_host() as host, host.factory.create(host.vnic, port=0) as server:
            address = urlsplit(server.url)
            assert address.port
            assert address.hostname == "127.0.0.1"

    async def test_expose(self, open_host: HostOpener) -> None:
        """Services can be exposed, described anew, and concealed, also when they were not there."""
        async with open_host() as host, host.factory.create(host.vnic) as server:
            service = SampleWebService(ServiceKey("Tests"))
            server.conceal(service.key)
            server.expose(service)
            server.expose(SampleWebService(ServiceKey("Tests"), ()))
            server.conceal(service.key)
            server.conceal(service.key)
            assert (await status_line(server.url)).startswith("HTTP/1.")
