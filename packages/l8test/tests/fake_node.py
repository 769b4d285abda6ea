# SPDX-License-Identifier: Apache-2.0
"""Parts of a node that is connected to a network of objects, by the port of its switch."""

from __future__ import annotations

import itertools
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from l8types.constants import Plugin
from l8types.enums import DirectoryEventType
from l8types.errors import ConfigurationError
from l8types.values import NodeInfo

from .fake_network import FakeDirectory, FakeNetwork, FakeServices, FakeVNic

if TYPE_CHECKING:
    from l8types.settings import NodeSettings
    from l8types.values import ServiceKey

PORTS = itertools.count(1)
NETWORKS: dict[int, FakeNetwork] = {}

_log = logging.getLogger(__name__)


class FakeHub:
    """A switch: whoever names the port of one of several linked switches is in their network."""

    def __init__(self, settings: NodeSettings) -> None:
        self.uuid, self.alias = settings.uuid, settings.alias
        self.port = next(PORTS)
        self.peers = settings.peers

    @property
    def directory(self) -> FakeDirectory:
        return FakeDirectory(NETWORKS[self.port], self.uuid)

    async def __aenter__(self) -> Self:
        known = [NETWORKS[port] for _, port in self.peers]
        NETWORKS[self.port] = network = known[0] if known else FakeNetwork()
        info = NodeInfo(self.uuid, self.alias, self.uuid, is_switch=True)
        network.tell(DirectoryEventType.JOINED, info)
        return self

    async def __aexit__(self, *_: object) -> None:
        del NETWORKS[self.port].infos[self.uuid]


class FakeMember(FakeVNic):
    """A node that logs that it comes, and is forgotten when it goes."""

    def __init__(self, resources: Any) -> None:
        settings = resources.settings
        super().__init__(NETWORKS[settings.port], settings.uuid, resources.services)
        self.alias = settings.alias
        self.resources.settings = settings

    @override
    async def __aenter__(self) -> Self:
        if self.alias.endswith("9"):
            raise ConfigurationError("no ninth node")
        _log.info("%s comes", self.alias)
        return await super().__aenter__()

    @override
    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        del self.network.infos[self.uuid], self.network.nodes[self.uuid]


class LedServices(FakeServices):
    """The first provider leads."""

    def leader(self, key: ServiceKey) -> str:
        _, vnic = self.running[key]
        return str(vnic.directory.providers(key)[0])


class FakeNodeResources:
    """What ``l8_resources`` of the tests' configuration names."""

    def __init__(self, settings: NodeSettings, **parts: Any) -> None:
        self.settings = settings
        self.models: list[type] = []
        self.introspector = SimpleNamespace(decorate=lambda *_: None)
        self.clock = parts.get("clock")
        self.services = parts.get("services")

    def register(self, *models: type) -> None:
        self.models += models

    def create(self, group: str) -> Any:
        if group == Plugin.SERVICES:
            return LedServices()
        return FakeHub(self.settings) if group == Plugin.SWITCH else FakeMember(self)
