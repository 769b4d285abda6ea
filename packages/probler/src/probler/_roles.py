# SPDX-License-Identifier: Apache-2.0
"""What each node of the example does; one process runs one role."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

import collect
import l8orm
from collect.model import L8PTarget, NetworkDevice
from l8services import BaseService
from l8types.constants import Plugin
from l8types.enums import DecoratorType
from l8types.settings import NodeSettings
from l8types.values import Credential
from layer8 import Node, make_switch, web_of
from probler._targets import COMMUNITY, CREDENTIAL_SET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from l8secure import LocalSecurity
    from l8types.protocols.stores import Orm, OrmFactory

__all__ = ["DEVICES", "INVENTORY", "ROLES", "TARGETS", "Role", "RoleOptions"]


@dataclass(frozen=True, slots=True)
class RoleOptions:
    """What a role is run with."""

    settings: NodeSettings
    web_port: int = 0
    """Port of the gateway; the other roles have none."""


Role = Callable[[RoleOptions], AbstractAsyncContextManager[dict[str, object]]]
"""Runs a node while it is entered, and tells what others must know of it."""

DEVICES: Final = collect.NETWORK.persist
"""The database of devices as a service."""
INVENTORY: Final = collect.NETWORK.cache
"""The distributed cache of devices."""
TARGETS: Final = collect.TARGETS
"""What is to be polled."""

POLLING: Final = collect.CollectorSettings(
    worker=collect.WorkerSettings(interval_scale=0.01, retry=1.0, failures=2)
)
"""A hundred times as often as in production, so that a person sees things happen."""

WRITE_BEHIND: Final = 0.5
"""Seconds for which changes of a device are collected before they go to the database."""


@asynccontextmanager
async def _switch(options: RoleOptions) -> AsyncIterator[dict[str, object]]:
    async with make_switch(options.settings) as switch:
        yield {"port": switch.port}


@asynccontextmanager
async def _store(options: RoleOptions) -> AsyncIterator[dict[str, object]]:
    """The database, as a service; and the targets, which live on it."""
    async with AsyncExitStack() as stack:
        node = Node(settings=options.settings, bring_switch=False)
        security = cast("LocalSecurity", node.resources.security)
        security.credentials.put(CREDENTIAL_SET, "snmp", Credential(secret=COMMUNITY))
        orm = await _open(node)
        stack.push_async_callback(orm.aclose)
        await stack.enter_async_context(node)
        await orm.prepare(NetworkDevice)
        await orm.prepare(L8PTarget)
        web = web_of(DEVICES, NetworkDevice, read_only=True)
        await node.activate(l8orm.orm_sla(DEVICES, NetworkDevice, orm, web=web))
        feeder = collect.TargetFeeder(node.vnic)
        await node.activate(
            collect.targets_sla(
                BaseService,
                store=orm.storage(L8PTarget),
                web=web_of(TARGETS, L8PTarget),
            )
        )
        await stack.enter_async_context(feeder)
        yield {}


@asynccontextmanager
async def _inventory(options: RoleOptions) -> AsyncIterator[dict[str, object]]:
    """One of the copies of the distributed cache, kept durable by the database node."""
    async with Node(settings=options.settings, bring_switch=False) as node:
        _register(node)
        store = l8orm.RemoteStorage(node.vnic, DEVICES, NetworkDevice)
        await node.activate(
            collect.inventory_sla(
                BaseService,
                store=store,
                write_behind=WRITE_BEHIND,
                web=web_of(INVENTORY, NetworkDevice),
            )
        )
        yield {}


@asynccontextmanager
async def _parser(options: RoleOptions) -> AsyncIterator[dict[str, object]]:
    async with Node(settings=options.settings, bring_switch=False) as node:
        _register(node)
        await node.activate(collect.parser_sla())
        yield {}


@asynccontextmanager
async def _collector(options: RoleOptions) -> AsyncIterator[dict[str, object]]:
    async with Node(settings=options.settings, bring_switch=False) as node:
        _register(node)
        await node.activate(collect.collector_sla(POLLING))
        yield {}


@asynccontextmanager
async def _web(options: RoleOptions) -> AsyncIterator[dict[str, object]]:
    """The gateway."""
    async with Node(
        settings=options.settings, bring_switch=False, web_port=options.web_port
    ) as node:
        _register(node)
        gateway = await node.open_gateway()
        yield {"url": gateway.url}


def _register(node: Node) -> None:
    """Make the models of the example known to a node."""
    node.resources.register(NetworkDevice, L8PTarget)
    introspector = node.resources.introspector
    introspector.decorate(NetworkDevice, DecoratorType.PRIMARY, "id")
    introspector.decorate(L8PTarget, DecoratorType.PRIMARY, "target_id")


async def _open(node: Node) -> Orm:
    _register(node)
    factory = cast("OrmFactory", node.resources.create(Plugin.ORM))
    return await factory.open(f"sqlite:///{node.resources.data_directory}/layer8.sqlite")


ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "switch": _switch,
        "store": _store,
        "inventory-1": _inventory,
        "inventory-2": _inventory,
        "parser": _parser,
        "collector": _collector,
        "web": _web,
    }
)
"""Roles in the order in which they are started."""
