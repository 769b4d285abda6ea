# SPDX-License-Identifier: Apache-2.0
"""The data path in one process: real sockets and services, simulated devices, a database."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self, cast

import collect
import l8orm
from collect.model import L8PTarget, NetworkDevice
from collect.model.inventory_pb2 import DEVICE_STATUS_ONLINE
from l8secure import ADMIN_PASSWORD_FILE, LocalSecurity
from l8services import BaseService
from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType, SerializerMode
from l8types.pb import L8NotificationSet
from l8types.values import Credential
from l8web import RestClient
from layer8 import Node, load_settings, web_of
from probler._targets import COMMUNITY, CREDENTIAL_SET, target_of
from probler.sim import SimulatedFleet

from .support import free_port, until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call, ServiceHandler
    from l8types.protocols.stores import OrmFactory
    from l8types.settings import NodeSettings
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import ServiceKey
    from probler.sim import Profile

INVENTORY: Final = collect.NETWORK.cache
DATABASE: Final = collect.NETWORK.persist
COPIES: Final = ("inventory-1", "inventory-2")
EVERYTHING: Final = "select * from NetworkDevice sort-by id"
PATIENCE: Final = 30.0
"""Seconds until something that was polled must have arrived on a busy machine."""

POLLING: Final = collect.CollectorSettings(
    worker=collect.WorkerSettings(interval_scale=0.01, retry=0.5, failures=2)
)
"""A hundred times as often as in production."""


class Network:
    """Nodes of the data path; those that run when it is left are closed in reverse.

    Args:
        directory: Holds accounts and database; a second network on it is a restart.
        profiles: The simulated devices.
    """

    def __init__(self, directory: Path, profiles: Sequence[Profile] = ()) -> None:
        self.directory = directory
        self.port = free_port()
        self.fleet = SimulatedFleet(profiles)
        self.nodes: dict[str, Node] = {}
        self.url = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.fleet)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def settings(self, alias: str) -> NodeSettings:
        """Settings with which a node joins this network."""
        return load_settings(
            alias=alias,
            port=self.port,
            data_directory=self.directory,
            keep_alive=1.0,
            request_timeout=10.0,
        )

    async def join(self, alias: str) -> Node:
        """A node that knows the models; the first one brings the switch."""
        node = await self._stack.enter_async_context(Node(settings=self.settings(alias)))
        know_models(node)
        self.nodes[alias] = node
        return node

    async def start(self, *, database: bool = False) -> None:
        """Start targets, both copies of the inventory, parser, collector and gateway."""
        await self.start_store(database=database)
        for alias in COPIES:
            await self.start_inventory(alias, database=database)
        await (await self.join("parser")).activate(collect.parser_sla())
        await (await self.join("collector")).activate(collect.collector_sla(POLLING))
        await self.start_web()

    async def start_store(self, *, database: bool = False) -> Node:
        """Start the node with the targets, and the devices in a database if wanted."""
        node = await self.join("store")
        security = cast("LocalSecurity", node.resources.security)
        security.credentials.put(CREDENTIAL_SET, "snmp", Credential(secret=COMMUNITY))
        if database:
            factory = cast("OrmFactory", node.resources.create(Plugin.ORM))
            orm = await factory.open(f"sqlite:///{self.directory / 'devices.sqlite'}")
            self._stack.push_async_callback(orm.aclose)
            await orm.prepare(NetworkDevice)
            web = web_of(DATABASE, NetworkDevice, read_only=True)
            await node.activate(l8orm.orm_sla(DATABASE, NetworkDevice, orm, web=web))
        web = web_of(collect.TARGETS, L8PTarget)
        await node.activate(collect.targets_sla(BaseService, web=web))
        await self._stack.enter_async_context(collect.TargetFeeder(node.vnic))
        return node

    async def start_inventory(self, alias: str, *, database: bool = False) -> Node:
        """Start one copy of the inventory."""
        node = await self.join(alias)
        await node.activate(self.inventory_sla(node, database=database))
        return node

    def inventory_sla(self, node: Node, *, database: bool = False) -> ServiceLevelAgreement:
        """Agreement of a copy of the inventory."""
        return collect.inventory_sla(
            BaseService,
            store=l8orm.RemoteStorage(node.vnic, DATABASE, NetworkDevice) if database else None,
            write_behind=0.2 if database else None,
            web=web_of(INVENTORY, NetworkDevice),
        )

    async def start_web(self) -> Node:
        """Start the gateway; the first one on a directory makes the user ``admin``."""
        node = await self.join("web")
        cast("LocalSecurity", node.resources.security).bootstrap()
        self.url = (await node.open_gateway()).url
        return node

    @property
    def password(self) -> str:
        """Password of the user ``admin``."""
        path = self.directory / "security" / ADMIN_PASSWORD_FILE
        return path.read_text(encoding="ascii").strip()

    def client(self) -> RestClient:
        """A client of the gateway that has not logged in yet."""
        json = self.nodes["web"].resources.serializer(SerializerMode.JSON)
        return RestClient(self.url, json, timeout=10)

    async def poll_fleet(self) -> None:
        """Have all simulated devices polled."""
        await self.poll(
            *(target_of(device.id, device.host, device.port) for device in self.fleet.devices)
        )

    async def poll(self, *targets: L8PTarget) -> None:
        """Have devices polled."""
        await self.nodes["store"].call(collect.TARGETS, Action.POST, list(targets))

    async def devices(self, alias: str, query: str = EVERYTHING) -> list[NetworkDevice]:
        """What a node answers; one with a copy of the inventory answers from its own."""
        answer = await self.nodes[alias].call(INVENTORY, Action.GET, query)
        return [value for value in answer.values if isinstance(value, NetworkDevice)]

    async def see(
        self, alias: str, good: Callable[[list[NetworkDevice]], object]
    ) -> list[NetworkDevice]:
        """Wait until the devices that a node answers are good."""
        return await until(lambda: self.devices(alias), good, within=PATIENCE)

    async def see_everywhere(self, good: Callable[[list[NetworkDevice]], object]) -> None:
        """Wait until both copies of the inventory are good."""
        for alias in COPIES:
            await self.see(alias, good)

    async def complete(self, alias: str, interfaces: dict[str, int]) -> list[NetworkDevice]:
        """Wait until a node has these devices online, with these numbers of named interfaces."""

        def all_there(devices: list[NetworkDevice]) -> bool:
            found = {device.id: named(device) for device in devices if online(device)}
            return found == interfaces

        return await self.see(alias, all_there)


class Notifications:
    """What the other instances tell the copy on one node.

    Args:
        node: The node that receives.
        key: The service.
    """

    def __init__(self, node: Node, key: ServiceKey = INVENTORY) -> None:
        self.received: list[L8NotificationSet] = []
        handler = node.resources.services.handler(key)
        assert handler is not None
        self._uuid = node.vnic.uuid
        self._tap(handler)

    def of(self, key: str) -> list[L8NotificationSet]:
        """Sets of changes of one item, in the order in which they arrived."""
        return [one for one in self.received if one.model_key == key]

    def _tap(self, handler: ServiceHandler) -> None:
        original = handler.notify

        async def notify(elements: Elements, call: Call) -> None:
            for value in elements.values:
                if isinstance(value, L8NotificationSet) and self._counts(value):
                    self.received.append(value)
            await original(elements, call)

        handler.notify = notify  # type: ignore[method-assign]

    def _counts(self, message: L8NotificationSet) -> bool:
        """A beacon tells no change, and a message to all reaches its sender too."""
        return bool(message.model_key) and message.source != self._uuid


def know_models(node: Node) -> None:
    """Make the models of the path known to a node."""
    node.resources.register(NetworkDevice, L8PTarget)
    introspector = node.resources.introspector
    introspector.decorate(NetworkDevice, DecoratorType.PRIMARY, "id")
    introspector.decorate(L8PTarget, DecoratorType.PRIMARY, "target_id")


def online(device: NetworkDevice) -> bool:
    """Whether a device answers by every protocol by which it is asked."""
    return device.equipmentinfo.device_status == DEVICE_STATUS_ONLINE


def named(device: NetworkDevice) -> int:
    """How many interfaces of a device have a name."""
    return sum(bool(interface.name) for interface in device.interfaces.values())
