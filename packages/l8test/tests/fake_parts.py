# SPDX-License-Identifier: Apache-2.0
"""The smallest metrics, collector, rule, resources and switch that keep their promises."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from l8types.constants import Plugin
from l8types.enums import DirectoryEventType, SerializerMode
from l8types.errors import (
    ClosedError,
    ConfigurationError,
    InvalidInputError,
    RequestTimeoutError,
)
from l8types.protocols.collection import PollOperation, PollResult
from l8types.values import NodeInfo

from .fake_models import FakeCloner, FakeIntrospector, FakeRegistry, FakeUpdater
from .fake_network import FakeDirectory, FakeNetwork, FakeServices, FakeVNic
from .fake_wire import FakeCodec, FakeElementsFactory
from .harness import RECORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from l8types.protocols.collection import HostAddress, PollRequest, RuleContext


class FakeMetrics:
    """Metrics in dictionaries."""

    bounds = (0.1, 1.0, float("inf"))

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.values: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.samples: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def text(self, value: str) -> str:
        """A value of a label as it is written."""
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

    def series(self, name: str, labels: dict[str, str], kind: str) -> tuple[str, str]:
        """Name and written labels."""
        self.kinds[name] = kind
        return name, ",".join(f'{key}="{self.text(labels[key])}"' for key in sorted(labels))

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self.values[self.series(name, labels, "counter")] += value

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.values[self.series(name, labels, "gauge")] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        self.samples[self.series(name, labels, "histogram")].append(value)

    def observer(self, name: str, **labels: str) -> Callable[[float], None]:
        return self.samples[self.series(name, labels, "histogram")].append

    def below(self, values: list[float], bound: float) -> int:
        """How many samples a bucket holds."""
        return sum(value <= bound for value in values)

    def render(self) -> str:
        lines = [f"# TYPE {name} {kind}" for name, kind in self.kinds.items()]
        for (name, labels), value in self.values.items():
            lines.append(f"{name}{{{labels}}} {value}")
        for (name, labels), values in self.samples.items():
            lines += [f"{name}_sum{{{labels}}} {sum(values)}"]
            lines += [f"{name}_count{{{labels}}} {len(values)}"]
            lines += [
                f'{name}_bucket{{le="{bound}"}} {self.below(values, bound)}'
                for bound in self.bounds
            ]
        return "\n".join(lines)


class FakeCollector:
    """A session with a host that knows its name, or is called "silent"."""

    name = "fake"

    def __init__(self, host: HostAddress) -> None:
        self.host = host
        self.running = False

    async def __aenter__(self) -> Self:
        self.running = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running = False

    async def wait(self) -> None:
        """Wait for the answer of the host."""
        if self.host.host == "silent":
            try:
                async with asyncio.timeout(self.host.timeout):
                    await asyncio.Event().wait()
            except TimeoutError as error:
                raise RequestTimeoutError("no answer") from error

    async def poll(self, request: PollRequest) -> PollResult:
        if not self.running:
            raise ClosedError("the session is over")
        if request.operation is not PollOperation.GET:
            raise InvalidInputError(f"cannot {request.operation}")
        await self.wait()
        return PollResult({"name": self.host.host})


class FakeRule:
    """A text into a property."""

    name = "fake"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        value = result.values.get("name")
        if value is None:
            return {}
        if not isinstance(value, str):
            raise InvalidInputError(f"{value!r} is no text")
        return {context.parameters["to"]: value.strip()}


class FakeResources:
    """Parts that are made at the beginning."""

    def __init__(self, directory: Path) -> None:
        self.data_directory = directory
        self.registry = FakeRegistry()
        self.introspector = FakeIntrospector()
        self.codec = FakeCodec()
        self.cloner, self.updater = FakeCloner(), FakeUpdater(self.introspector)
        self.elements, self.services = FakeElementsFactory(self.codec), FakeServices()
        self.settings: Any = SimpleNamespace()
        self.clock = self.metrics = self.queries = self.caches = self.settings
        self.notifications = self.security = self.settings
        self.serializers = {
            mode: SimpleNamespace(mode=mode)
            for mode in (SerializerMode.BINARY, SerializerMode.JSON)
        }

    def serializer(self, mode: SerializerMode) -> Any:
        return self.serializers[mode]

    def create(self, group: str, name: str = "") -> object:
        if str(group) != Plugin.CACHE or name:
            raise ConfigurationError(f"{group} has no {name!r}")
        return SimpleNamespace()

    def register(self, *models: type) -> None:
        for model in models:
            for one in (model, RECORD.part, RECORD.leaf):
                self.registry.register(one)
                self.codec.models[one.__name__] = one
            self.introspector.inspect(model)


class FakeSwitch:
    """Nodes that share one network object, which linked switches share too."""

    def __init__(self, switches: dict[int, FakeSwitch], number: int, port: int) -> None:
        self.switches = switches
        self.uuid = f"switch-{number}"
        self.port = port
        self.running = False
        self.own: dict[str, FakeVNic] = {}
        self.links: set[int] = set()

    @property
    def directory(self) -> FakeDirectory:
        return FakeDirectory(self.network, self.uuid)

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        self.switches[self.port] = self
        self.running = True
        self.join()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running = False
        del self.switches[self.port]
        self.server.close()
        await self.server.wait_closed()
        self.join()

    async def connect(self, host: str, port: int) -> None:
        self.links.add(port)
        self.join()

    def join(self) -> None:
        """Build the networks anew from what runs and is linked."""
        self.network = FakeNetwork()
        networks = {switch: FakeNetwork() for switch in self.switches.values()}
        for switch in tuple(networks):
            for port in switch.links & self.switches.keys():
                other = networks[self.switches[port]]
                networks = {
                    one: other if its is networks[switch] else its for one, its in networks.items()
                }
        for switch, network in networks.items():
            switch.network = network
            network.tell(DirectoryEventType.JOINED, NodeInfo(switch.uuid, switch.uuid, ""))
            for node in switch.own.values():
                network.nodes[node.uuid] = node
                network.tell(DirectoryEventType.JOINED, node.network.infos[node.uuid])
        for switch, network in networks.items():
            for node in switch.own.values():
                node.network = node.directory.network = network

    @asynccontextmanager
    async def node(self, uuid: str, services: Any) -> AsyncIterator[FakeVNic]:
        """A node at this switch."""
        async with FakeVNic(self.network, uuid, services) as vnic:
            self.own[uuid] = vnic
            try:
                yield vnic
            finally:
                self.leave(uuid)

    def leave(self, uuid: str) -> None:
        """A node is gone."""
        del self.own[uuid]
        self.join()


class FakeExchange:
    """Makes switches of a class and nodes at them."""

    def __init__(self, make: type[FakeSwitch]) -> None:
        self.make = make
        self.made = 0
        self.switches: dict[int, FakeSwitch] = {}

    def switch(self, port: int = 0) -> FakeSwitch:
        self.made += 1
        return self.make(self.switches, self.made, port)

    def node(self, switch: FakeSwitch, inbox: Any) -> Any:
        self.made += 1
        return switch.node(f"node-{self.made}", inbox)
