# SPDX-License-Identifier: Apache-2.0
"""What switches and nodes tell about themselves: health by query and over the web, profiles."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from l8types.constants import Plugin
from l8types.enums import Action, SerializerMode
from l8types.errors import (
    AuthenticationError,
    BusyError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.pb import L8Health
from l8types.values import ServiceKey
from l8web import RestClient
from layer8 import Node, load_settings
from layer8._desk import open_desk
from layer8._status import observe
from layer8._switch import switch_resources

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.net import Switch
    from l8types.settings import NodeSettings

HEALTH = ServiceKey("Health")
PROFILE = ServiceKey("Profile")


@pytest.fixture
def settings(tmp_path: Path, free_port: int) -> NodeSettings:
    """Settings that do not depend on the environment of the test run."""
    return load_settings(
        alias="one", port=free_port, data_directory=tmp_path, environment={}, request_timeout=10.0
    )


async def switch_of(node: Node) -> str:
    """Id of the switch, once it offers the health of the nodes."""
    async with asyncio.timeout(10):
        while not (found := node.vnic.directory.providers(HEALTH)):
            await asyncio.sleep(0.01)
    return found[0]


@pytest.mark.feature("layer8-net:NET-12", "layer8-net:HLT-01", "layer8-net:HLT-03")
async def test_health_is_asked_with_queries(settings: NodeSettings) -> None:
    """The switch answers queries about the nodes, with conditions, order, pages and counts."""
    async with Node(settings=settings) as node:
        switch = await switch_of(node)
        other = replace(settings, alias="two", uuid=settings.uuid[:-4] + "0002")
        async with Node(settings=other):
            everybody = await node.get("select * from L8Health sort-by alias")
            records = cast("list[L8Health]", everybody)
            assert [record.alias for record in records] == ["one", "one-switch", "two"]
            [found] = await node.get("select * from L8Health where alias=two")
            assert cast("L8Health", found).a_uuid == other.uuid
            [found] = await node.get("select * from L8Health where isvnet=true")
            assert cast("L8Health", found).a_uuid == switch
            page = await node.get("select alias from L8Health sort-by alias limit 1 page 1")
            assert [cast("L8Health", one).alias for one in page] == ["one-switch"]
        async with asyncio.timeout(10):
            while len(await node.get("select * from L8Health")) > 2:
                await asyncio.sleep(0.01)


@pytest.mark.feature("layer8-net:NET-12", "layer8-net:NET-22")
async def test_every_switch_answers_for_the_whole_network(settings: NodeSettings) -> None:
    """Of linked switches each can be asked, and knows the nodes of all."""
    async with AsyncExitStack() as stack:
        switches = []
        for alias in ("north", "south"):
            resources = switch_resources(replace(settings, alias=alias, port=0))
            switch = cast("Switch", resources.create(Plugin.SWITCH))
            await stack.enter_async_context(switch)
            await open_desk(switch, resources, stack)
            switches.append(switch)
        north, south = switches
        await north.connect("127.0.0.1", south.port)
        near = replace(settings, alias="near", port=north.port, uuid=settings.uuid[:-4] + "0002")
        far = replace(settings, alias="far", port=south.port, uuid=settings.uuid[:-4] + "0003")
        node = await stack.enter_async_context(Node(settings=near, bring_switch=False))
        await stack.enter_async_context(Node(settings=far, bring_switch=False))
        expected = {"north", "south", "near", "far"}
        for switch in switches:
            found: set[str] = set()
            async with asyncio.timeout(15):
                while found != expected:
                    found = await _aliases(node, switch.uuid)


async def _aliases(node: Node, switch: str) -> set[str]:
    """Names of all nodes, as a switch knows them; none while it is not known here."""
    try:
        answer = await node.vnic.request(
            switch, HEALTH.name, HEALTH.area, Action.GET, "select * from L8Health"
        )
    except (NotFoundError, UnavailableError):
        await asyncio.sleep(0.01)
        return set()
    return {cast("L8Health", one).alias for one in answer.values}


async def test_health_of_one_node(settings: NodeSettings) -> None:
    """A record is found by the id of its node; it can be asked, not changed."""
    async with Node(settings=settings) as node:
        await switch_of(node)
        example = L8Health(a_uuid=settings.uuid)
        answer = await node.call(HEALTH, Action.GET, example)
        assert cast("L8Health", answer.first).alias == "one"
        with pytest.raises(NotFoundError, match="no node"):
            await node.call(HEALTH, Action.GET, L8Health(a_uuid="nobody"))
        with pytest.raises(InvalidInputError, match="found by a record with its id"):
            await node.call(HEALTH, Action.GET, 7)
        with pytest.raises(InvalidInputError, match="neither a query nor an example"):
            await node.call(HEALTH, Action.GET, [])
        for action in (Action.POST, Action.PUT, Action.PATCH, Action.DELETE):
            with pytest.raises(InvalidInputError, match="asked, not changed"):
                await node.call(HEALTH, action, example)


@pytest.mark.feature("layer8-net:HLT-09", "layer8-net:SEC-07", "layer8-net:NET-12")
async def test_health_is_asked_over_the_web(settings: NodeSettings) -> None:
    """Whoever is logged in and may reads the health of the nodes over HTTP; nobody else does."""
    async with Node(settings=settings, web_port=0) as node:
        await switch_of(node)
        await node.open_gateway()
        password = (settings.data_directory / "security" / "admin-password").read_text().strip()
        json = node.resources.serializer(SerializerMode.JSON)
        async with RestClient(node.url, json) as rest:
            with pytest.raises(AuthenticationError):
                await rest.get("Health", "select * from L8Health", L8Health)
            await rest.login("admin", password)
            async with asyncio.timeout(10):
                while not (found := await _health(rest)):
                    await asyncio.sleep(0.01)
        assert {record.alias for record in found} == {"one", "one-switch"}


async def _health(rest: RestClient) -> list[L8Health]:
    """Records of the nodes; none before the gateway knows the service."""
    try:
        return await rest.get("Health", "select * from L8Health", L8Health)
    except NotFoundError:
        return []


@pytest.mark.feature("layer8-net:HLT-08")
async def test_a_node_is_profiled_from_afar(settings: NodeSettings) -> None:
    """A node that allows it tells what its threads did, for as long as it was asked."""
    profiled = replace(settings, alias="two", profiling=True, uuid=settings.uuid[:-4] + "0002")
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="a thread that waits")
    thread.start()
    try:
        async with Node(settings=settings) as node, Node(settings=profiled) as other:
            await switch_of(node)
            vnic, uuid = node.vnic, other.vnic.uuid
            answer = await vnic.request(uuid, "Profile", 0, Action.GET, 0.2)
            record = cast("L8Health", answer.first)
            assert (record.a_uuid, record.alias) == (uuid, "two")
            stacks = record.pprof_cpu.decode().splitlines()
            assert stacks[0].endswith("looks at all threads in 0.2 s")
            assert any("a thread that waits" in stack for stack in stacks)
            assert b"PYTHONTRACEMALLOC" in record.pprof_memory
            # Through the health of the network, for as long as the caller waits.
            example = L8Health(a_uuid=uuid, pprof_collect=True)
            answer = await vnic.request("", "Health", 0, Action.GET, example, timeout=4.0)
            assert cast("L8Health", answer.first).pprof_cpu
            for wrong in (0, -1.0, 61.0, True, "long", L8Health(a_uuid=settings.uuid)):
                with pytest.raises(InvalidInputError, match="profile"):
                    await vnic.request(uuid, "Profile", 0, Action.GET, wrong)
    finally:
        done.set()
        thread.join()


async def test_a_profile_by_name(settings: NodeSettings) -> None:
    """Whoever looks at the network names a node; a name that is none, or of several, is told."""
    twice = [replace(settings, alias="twin", uuid=f"{settings.uuid[:-4]}000{n}") for n in (2, 3)]
    profiled = replace(settings, profiling=True)
    async with Node(settings=profiled), Node(settings=twice[0]), Node(settings=twice[1]) as last:
        look = replace(settings, alias="status", uuid=settings.uuid[:-4] + "0004")
        async with observe(look) as observer:
            async with asyncio.timeout(10):
                while len(last.vnic.directory.nodes()) < 5:
                    await asyncio.sleep(0.01)
            for name in ("one", settings.uuid, "one-switch"):
                assert "looks at all threads in 0.1 s" in await observer.profile(name, 0.1)
            with pytest.raises(NotFoundError, match="no node 'nobody'"):
                await observer.profile("nobody", 0.1)
            with pytest.raises(InvalidInputError, match="several nodes are called 'twin'"):
                await observer.profile("twin", 0.1)


async def test_one_profile_at_a_time(settings: NodeSettings) -> None:
    """Two who ask at the same time do not make a node do the work of both."""
    async with Node(settings=replace(settings, profiling=True)) as node:
        outcomes: list[object] = []

        async def ask() -> None:
            try:
                outcomes.append((await node.call(PROFILE, Action.GET, 0.3)).error)
            except L8Error as error:
                outcomes.append(type(error))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ask())
            tasks.create_task(ask())
        assert sorted(map(str, outcomes)) == sorted(["", str(BusyError)])
        assert (await node.call(PROFILE, Action.GET, 0.05)).error == ""


async def test_profiles_are_off_unless_allowed(settings: NodeSettings) -> None:
    """A node whose settings do not say so is not profiled, and neither is its switch."""
    async with Node(settings=settings) as node:
        switch = await switch_of(node)
        for uuid in (node.vnic.uuid, switch):
            with pytest.raises(NotFoundError):
                await node.vnic.request(uuid, "Profile", 0, Action.GET, 0.1)


async def test_profiles_are_for_the_authorized(settings: NodeSettings) -> None:
    """A user without a role for it is refused by the node, also by way of the health service."""
    async with Node(settings=replace(settings, profiling=True)) as node:
        await switch_of(node)
        for service, asked in (
            ("Profile", 0.1),
            ("Health", L8Health(a_uuid=node.vnic.uuid, pprof_collect=True)),
        ):
            with pytest.raises(PermissionDeniedError):
                await node.vnic.request(
                    node.vnic.uuid if service == "Profile" else "",
                    service,
                    0,
                    Action.GET,
                    asked,
                    identity="nobody",
                )


async def test_a_go_network_has_no_desk(settings: NodeSettings) -> None:
    """The switch of a Go network answers itself what it is asked about health."""
    plugins = {str(Plugin.SECURITY): "shallow"}
    go = load_settings(
        alias="go",
        port=settings.port,
        data_directory=settings.data_directory,
        environment={},
        profile="go",
        plugins=plugins,
    )
    async with Node(settings=go) as node:
        answer = await node.vnic.request("", "Health", 0, Action.GET, "select * from L8Health")
        assert {cast("L8Health", one).alias for one in answer.values} >= {"go"}
