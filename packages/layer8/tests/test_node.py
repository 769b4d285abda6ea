# SPDX-License-Identifier: Apache-2.0
"""Nodes on one machine: the network is there when it is needed."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, SerializerMode
from l8types.errors import (
    ClosedError,
    ConfigurationError,
    NotFoundError,
    QueryError,
    UnavailableError,
)
from l8types.pb import L8Plugin
from l8web import RestClient
from layer8 import Node, load_settings
from layer8._switch import switch_resources

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.settings import NodeSettings


@dataclass
class Book:
    """What the services of these tests keep."""

    isbn: str = ""
    title: str = ""
    price: float = 0.0


@pytest.fixture
def port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_of(alias: str, port: int, data: Path) -> NodeSettings:
    """Settings that do not depend on the environment of the test run."""
    return load_settings(
        alias=alias, port=port, data_directory=data, environment={}, request_timeout=10.0
    )


async def until(condition: object, what: str) -> None:
    """Wait until a function gives something true."""
    assert callable(condition)
    try:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"in vain: {what}")


async def test_a_node_alone_is_a_network(port: int, tmp_path: Path) -> None:
    """It brings the switch, and its services answer without a detour."""
    async with Node(settings=settings_of("one", port, tmp_path)) as node:
        await node.serve(Book, key="isbn")
        await node.post("Books", [Book("1", "Dune", 9.5), Book("2", "Emma", 30)])
        await node.patch("Books", Book("2", price=19))
        found = await node.get("select * from Book where price<20 sort-by title descending")
        assert found == [Book("2", "Emma", 19), Book("1", "Dune", 9.5)]
        await node.put("Books", Book("1", "Dune Messiah"))
        await node.delete("Books", "select * from Book where isbn=2")
        assert await node.get("select * from Book") == [Book("1", "Dune Messiah", 0)]


async def test_a_second_node_joins_uses_the_service_and_takes_the_switch_over(
    port: int, tmp_path: Path
) -> None:
    """When the process with the switch ends, the other one replaces it."""
    async with AsyncExitStack() as stack:
        first = Node(settings=settings_of("first", port, tmp_path))
        await first.__aenter__()
        second = Node(settings=settings_of("second", port, tmp_path))
        await stack.enter_async_context(second)
        third = Node(settings=settings_of("third", port, tmp_path), bring_switch=False)
        await stack.enter_async_context(third)
        await second.serve(Book, key="isbn")
        third.resources.register(Book)
        directory = third.vnic.directory
        await until(lambda: directory.services_of_model("Book"), "the service")
        await third.post("Books", Book("1", "Dune"))
        switches = [node.uuid for node in directory.nodes() if node.is_switch]

        def replaced() -> bool:
            now = [node.uuid for node in directory.nodes() if node.is_switch]
            return now not in ([], switches) and bool(directory.services_of_model("Book"))

        await first.__aexit__(None, None, None)
        await until(replaced, "another switch, with the service")
        assert await third.get("select * from Book") == [Book("1", "Dune")]


async def test_items_survive_a_restart_in_the_store(port: int, tmp_path: Path) -> None:
    """What was acknowledged is in the database."""
    url = f"sqlite:///{tmp_path}/books.db"
    for expected in ([], [Book("1", "Dune")]):
        async with Node(settings=settings_of("one", port, tmp_path)) as node:
            await node.serve(Book, key="isbn", store=url)
            assert await node.get("select * from Book") == expected
            await node.post("Books", Book("1", "Dune"))


async def test_the_first_gateway_makes_an_administrator(port: int, tmp_path: Path) -> None:
    """Whoever owns the data directory can log in and use the service over HTTP."""
    async with Node(settings=settings_of("one", port, tmp_path), web_port=0) as node:
        assert node.url == ""
        await node.serve(Book, key="isbn", web=True)
        await node.post("Books", Book("1", "Dune"))
        password = (tmp_path / "security" / "admin-password").read_text().strip()
        json = node.resources.serializer(SerializerMode.JSON)
        async with RestClient(node.url, json) as rest:
            await rest.login("admin", password)
            assert await rest.get("Books", "select * from Book", Book) == [Book("1", "Dune")]


async def test_misuse_is_told(port: int, tmp_path: Path) -> None:
    """A closed node, an unknown model, a model that nobody serves, a malformed query."""
    node = Node(settings=settings_of("one", port, tmp_path))
    with pytest.raises(ClosedError, match="'one' is not open; use 'async with'"):
        await node.post("Books", Book("1"))
    async with node:
        with pytest.raises(QueryError, match="Book"):
            await node.get("select * from Book")
        node.resources.register(Book)
        with pytest.raises(NotFoundError, match="no live node serves Book"):
            await node.get("select * from Book")
        with pytest.raises(QueryError, match="line 1"):
            await node.get("selct * from Book")


async def test_a_port_of_another_program_is_told(tmp_path: Path) -> None:
    """Something that accepts connections but is no switch."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        node = Node(settings=settings_of("one", port, tmp_path))
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            await node.__aenter__()


async def test_an_error_in_the_block_stays_itself(port: int, tmp_path: Path) -> None:
    """Not wrapped in a group, and the node is closed."""
    node = Node(settings=settings_of("one", port, tmp_path))

    async def fail() -> None:
        async with node:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with pytest.raises(ClosedError):
        _ = node.vnic


def test_a_part_that_is_not_installed_is_told_at_once(tmp_path: Path) -> None:
    """By nodes and switches alike, although it might not be used for a long time."""
    settings = load_settings(
        environment={}, data_directory=tmp_path, plugins={"layer8.orm": "defualt"}
    )
    for make in (lambda: Node(settings=settings), lambda: switch_resources(settings)):
        with pytest.raises(ConfigurationError, match=r"'defualt', did you mean 'default'\?"):
            make()


async def test_no_code_comes_over_the_network(port: int, tmp_path: Path) -> None:
    """W-28: there is no service that takes plug-ins; they are installed, and named in settings."""
    async with Node(settings=settings_of("one", port, tmp_path)) as node:
        node.resources.register(L8Plugin)
        switch = next(one.uuid for one in node.vnic.directory.nodes() if one.is_switch)
        for target in ("", node.vnic.uuid, switch):
            with pytest.raises((UnavailableError, NotFoundError)):
                await node.vnic.request(target, "Plugin", 0, Action.POST, L8Plugin(data="eA=="))
