# SPDX-License-Identifier: Apache-2.0
"""Looking at a network that is there, and at one that is not."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from l8types.errors import HandshakeError, UnavailableError
from layer8 import Node, load_settings, make_switch
from layer8._status import Observer, observe

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.settings import NodeSettings
    from layer8._view import NetworkView, ServiceRow


@dataclass
class Book:
    """What the service keeps."""

    isbn: str = ""


def settings_of(
    alias: str,
    port: int,
    data: Path,
    *,
    request_timeout: float = 10.0,
    metrics_port: int | None = None,
) -> NodeSettings:
    """Settings that do not depend on the environment of the test run."""
    return load_settings(
        alias=alias,
        port=port,
        data_directory=data,
        environment={},
        keep_alive=0.5,
        request_timeout=request_timeout,
        metrics_port=metrics_port,
    )


async def books_in(observer: Observer) -> tuple[NetworkView, ServiceRow]:
    """A view with the service of the books, once the directory has it."""
    async with asyncio.timeout(10):
        while True:
            view = await observer.look()
            for service in view.services:
                if service.name == "Books":
                    return view, service
            await asyncio.sleep(0.01)


async def test_who_leads_is_seen_and_why(tmp_path: Path) -> None:
    """Each service has its leader with the round and the reason, asked of one who takes part."""
    async with make_switch(settings_of("hub", 0, tmp_path)) as switch:
        settings = settings_of("shop", switch.port, tmp_path)
        async with (
            Node(settings=settings) as node,
            observe(settings_of("o", switch.port, tmp_path)) as seen,
        ):
            await node.serve(Book, key="isbn")
            async with asyncio.timeout(10):
                while not (await books_in(seen))[1].leader:
                    await asyncio.sleep(0.01)
            _, service = await books_in(seen)
            assert service.leader == "shop"
            assert service.epoch > 0
            assert service.why


async def test_a_network_is_seen(tmp_path: Path) -> None:
    """Nodes with their figures, services with their providers, and traffic after two reports."""
    async with make_switch(settings_of("hub", 0, tmp_path)) as switch:
        settings = settings_of("shop", switch.port, tmp_path)
        async with (
            Node(settings=settings) as node,
            observe(settings_of("o", switch.port, tmp_path)) as seen,
        ):
            await node.serve(Book, key="isbn")
            view, service = await books_in(seen)
            assert view.through == "hub"
            assert [row.alias for row in view.nodes] == ["hub", "shop"]
            assert (service.name, service.model, service.providers) == ("Books", "Book", ("shop",))
            await seen.wait_rates()
            for row in (await seen.look()).nodes:
                assert row.rates is not None
                assert row.rates.rx_bytes > 0
                assert row.memory_bytes
                assert row.uptime is not None


async def test_no_switch_is_told_at_once(tmp_path: Path) -> None:
    """Not after the time-out of a request, which may be long."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="'layer8 vnet' starts one"):
            async with observe(settings_of("o", port, tmp_path, request_timeout=60.0)):
                pass
        assert time.monotonic() - begun < 10


async def test_a_silent_program_at_the_port_is_told_in_time(tmp_path: Path) -> None:
    """It listens, but is no switch."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = settings_of("o", other.getsockname()[1], tmp_path, request_timeout=0.2)
        with pytest.raises(UnavailableError, match="cannot reach the switch"):
            async with observe(settings):
                pass


async def test_another_secret_is_told(tmp_path: Path) -> None:
    """Nobody waits for a switch that has refused."""
    async with make_switch(settings_of("hub", 0, tmp_path)) as switch:
        with pytest.raises(HandshakeError, match="set the same secret"):
            async with observe(settings_of("o", switch.port, tmp_path / "other")):
                pass


@pytest.mark.feature("layer8-net:MET-01")
async def test_a_node_shows_its_figures(tmp_path: Path) -> None:
    """Its own, and its health: down while it has no switch."""
    async with make_switch(settings_of("hub", 0, tmp_path)) as switch:
        settings = settings_of("shop", switch.port, tmp_path, metrics_port=0)
        async with Node(settings=settings, bring_switch=False) as node:
            await node.serve(Book, key="isbn")
            await node.post("Books", Book("1"))
            url = f"http://127.0.0.1:{node.metrics_port}"
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                told = (await client.get("/health")).json()
                assert told["services"] == ["Books--0"]
                figures = (await client.get("/metrics")).text
                labels = '{action="POST",area="0",service="Books"}'
                assert f"layer8_service_request_seconds_count{labels} 1.0" in figures
                await switch.__aexit__(None, None, None)
                async with asyncio.timeout(10):
                    while (await client.get("/health")).status_code != 503:
                        await asyncio.sleep(0.01)
        assert node.metrics_port == 0
