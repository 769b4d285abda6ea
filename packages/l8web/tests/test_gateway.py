# SPDX-License-Identifier: Apache-2.0
"""The gateway on a real socket, its discovery, and the client."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httpx
import pytest

from l8types.constants import WEB_SERVICE
from l8types.enums import DirectoryEventType, NodeState
from l8types.errors import (
    AuthenticationError,
    ClosedError,
    ConfigurationError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.pb import L8WebService
from l8types.protocols.services import Call
from l8types.values import DirectoryEvent, NodeInfo, ServiceKey
from l8web import Gateway, RestClient, WebSettings, create_web

from .fakes import BOOKS, Book, Json, Network, Values

WEB = ServiceKey(WEB_SERVICE)


def announcement(
    *, service_name: str = "Books", body: str = "Book", action: int = 0
) -> L8WebService:
    """What a service of books announces, or one with another name, body or action."""
    message = L8WebService(service_name=service_name, service_area=0)
    for number in [action] if action else range(1, 6):
        message.endpoints[number].primaryBody = body
        message.endpoints[number].body2Response[body] = body
    return message


async def announce(network: Network, message: L8WebService, *, source: str = "a" * 36) -> None:
    """Deliver an announcement to the gateway's service."""
    handler = network.resources.services.active[WEB]
    await handler.post(cast("Any", Values([message])), call(network, source))


def call(network: Network, source: str) -> Call:
    """Circumstances of a call from a node."""
    return Call(cast("Any", network), cast("Any", 1), WEB, source=source)


@pytest.mark.feature("SRV-01", "SRV-03", "SRV-05", "REG-01", "REG-03", "REG-04", "CLI-03")
async def test_an_announced_service_is_served_and_a_client_uses_it(network: Network) -> None:
    """From announcement to answer over a real socket."""
    async with Gateway(cast("Any", network)) as gateway:
        await announce(network, announcement())
        async with RestClient(gateway.url, Json()) as rest:
            await rest.login("ada", "right")
            await rest.post("Books", Book("3", "Ulysses"))
            await rest.put("Books", Book("3", "Ulysses 2"))
            await rest.patch("Books", Book("4", "Emma"))
            found = await rest.get("Books", "select * from Book", Book)
            await rest.delete("Books", "select * from Book")
    assert [book.isbn for book in found] == ["1", "2", "3", "4"]
    assert network.books == {}


@pytest.mark.feature("REG-02")
async def test_every_node_is_asked_at_the_start_and_when_it_joins(network: Network) -> None:
    """Switches are not asked; a node that was not there at the start is not forgotten."""
    async with Gateway(cast("Any", network)):
        late = NodeInfo("l" * 36, "late", "s" * 36, state=NodeState.UP)
        network.directory.infos[late.uuid] = late
        async with asyncio.timeout(5):
            while not network.directory.listeners:
                await asyncio.sleep(0)
            network.directory.listeners[0](DirectoryEvent(DirectoryEventType.JOINED, late))
            while late.uuid not in network.asked:
                await asyncio.sleep(0)
    assert "s" * 36 not in network.asked
    assert "a" * 36 in network.asked
    assert network.directory.listeners == []


async def test_a_service_is_concealed_when_its_last_node_withdraws(network: Network) -> None:
    """While another node offers it, it stays."""
    async with Gateway(cast("Any", network)) as gateway:
        await announce(network, announcement())
        handler = network.resources.services.active[WEB]
        withdrawn = cast("Any", Values([announcement()]))
        await handler.delete(withdrawn, call(network, "b" * 36))
        async with RestClient(gateway.url, Json()) as rest:
            await rest.login("ada", "right")
            assert await rest.get("Books", "select * from Book", Book)
            await handler.delete(withdrawn, call(network, "a" * 36))
            with pytest.raises(NotFoundError, match="there are: none yet"):
                await rest.get("Books", "select * from Book", Book)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (announcement(service_name="Films", body="Film"), "no type 'Film'"),
        (announcement(action=99), "unknown action 99"),
    ],
)
async def test_an_announcement_that_cannot_be_served_does_no_harm(
    network: Network, message: L8WebService, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged in one line and the gateway goes on."""
    async with Gateway(cast("Any", network)) as gateway:
        await announce(network, message)
        assert reason in caplog.text
        with pytest.raises(InvalidInputError, match="needs a name"):
            await announce(network, announcement(service_name=""))
        await announce(network, announcement())
        assert list(gateway._exposed) == [BOOKS]


async def test_the_announcement_service_refuses_other_verbs(network: Network) -> None:
    """And a body that is no announcement."""
    async with Gateway(cast("Any", network)):
        handler = network.resources.services.active[WEB]
        for verb in (handler.get, handler.patch):
            with pytest.raises(InvalidInputError, match="takes POST and DELETE"):
                await verb(cast("Any", Values()), call(network, ""))
        with pytest.raises(InvalidInputError, match="expected L8WebService"):
            await handler.put(cast("Any", Values([Book("1")])), call(network, ""))


async def test_a_port_in_use_is_one_clear_line(network: Network) -> None:
    """The second gateway names the port and what to do; the first goes on."""
    async with Gateway(cast("Any", network)) as first:
        port = int(first.url.rpartition(":")[2])
        second = create_web(network.resources).create(cast("Any", network), port=port)
        with pytest.raises(ConfigurationError, match=f"web port 127.0.0.1:{port} is in use"):
            await second.__aenter__()
        async with httpx.AsyncClient() as http:
            assert (await http.get(first.url)).status_code == 200


async def test_an_address_that_is_not_ours_is_one_clear_line(network: Network) -> None:
    """An address of another machine is named."""
    gateway = Gateway(cast("Any", network), WebSettings(host="192.0.2.1"))
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1:0"):
        await gateway.__aenter__()


async def test_the_gateway_closes_while_a_connection_is_open(network: Network) -> None:
    """A browser that keeps its connection does not keep the node from stopping."""
    async with asyncio.timeout(10), httpx.AsyncClient() as http:
        async with Gateway(cast("Any", network)) as gateway:
            assert gateway.running
            await http.get(gateway.url)
        assert not gateway.running
        with pytest.raises(ClosedError):
            _ = gateway.url


async def test_a_client_raises_the_errors_of_the_ecosystem(network: Network) -> None:
    """Refused log-in, missing right, and a gateway that is not there."""
    async with Gateway(cast("Any", network)) as gateway:
        await announce(network, announcement())
        async with RestClient(gateway.url, Json()) as rest:
            with pytest.raises(AuthenticationError, match="wrong user or password"):
                await rest.login("ada", "wrong")
            await rest.login("vera", "right")
            with pytest.raises(PermissionDeniedError, match="vera"):
                await rest.post("Books", Book("9"))
        url = gateway.url
    async with RestClient(url, Json()) as rest:
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await rest.login("ada", "right")


@pytest.mark.parametrize("changes", [{"prefix": "api"}, {"port": 70_000}])
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    """At construction, not at the first request."""
    with pytest.raises(ConfigurationError):
        WebSettings(**changes)
