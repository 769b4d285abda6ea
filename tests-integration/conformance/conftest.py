# SPDX-License-Identifier: Apache-2.0
"""How our implementations are put together for the suites: through entry points, as in a node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Unpack, cast

import pytest

from l8test.models import SAMPLES
from l8types.constants import Plugin
from l8types.enums import DecoratorType
from l8types.settings import NodeSettings
from l8utils import NodeResources
from layer8 import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.data import QueryFactory
    from l8types.protocols.models import Introspector
    from l8types.protocols.net import Switch, VNic
    from l8utils import Parts

Settings = Callable[..., NodeSettings]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Makes settings of nodes that share one directory, for a network on any free port."""

    def make(alias: str = "node", port: int = 0) -> NodeSettings:
        return load_settings(
            environment={},
            alias=alias,
            port=port,
            data_directory=tmp_path,
            request_timeout=5.0,
        )

    return make


@pytest.fixture
def bare(settings: Settings) -> NodeResources:
    """Resources of a node that was told of no model."""
    return NodeResources(settings())


def declare(resources: NodeResources) -> NodeResources:
    """Make the sample models known, with their keys."""
    for sample in SAMPLES:
        resources.register(sample.model)
        resources.introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyString")
        resources.introspector.decorate(sample.model, DecoratorType.UNIQUE, "MyInt64")
    return resources


@pytest.fixture
def resources(bare: NodeResources) -> NodeResources:
    """Resources of a node that knows the sample models."""
    return declare(bare)


@pytest.fixture
def introspector(resources: NodeResources) -> Introspector:
    """Introspector that knows the sample models."""
    return resources.introspector


@pytest.fixture
def queries(resources: NodeResources) -> QueryFactory:
    """Query language over the sample models."""
    return resources.queries


class Network:
    """A switch on a free port, and the nodes that were connected to it."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._port = 0

    async def start(self) -> None:
        """Start the switch."""
        resources = NodeResources(self._settings("switch"))
        switch = cast("Switch", resources.create(Plugin.SWITCH))
        await self._stack.enter_async_context(switch)
        self._port = switch.port

    async def connect(self, alias: str, **parts: Unpack[Parts]) -> VNic:
        """Connect a node with these parts."""
        resources = declare(NodeResources(self._settings(alias, self._port), **parts))
        vnic = cast("VNic", resources.create(Plugin.VNIC))
        return await self._stack.enter_async_context(vnic)


OpenNetwork = Callable[[], AbstractAsyncContextManager[Network]]


@pytest.fixture
def open_network(settings: Settings) -> OpenNetwork:
    """Opens a network; leaving it stops the nodes, then the switch."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Network]:
        async with AsyncExitStack() as stack:
            network = Network(settings, stack)
            await network.start()
            yield network

    return opened
