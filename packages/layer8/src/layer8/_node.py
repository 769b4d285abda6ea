# SPDX-License-Identifier: Apache-2.0
"""A node: one process's place in the network, and the short way to offer and use services."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self, Unpack, cast

from l8secure import LocalSecurity
from l8services import BaseService, live
from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType, MulticastMode
from l8types.errors import ClosedError, NotFoundError
from l8types.pb import L8Health, L8Query
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from l8utils import NodeResources
from layer8._config import load_settings
from layer8._desk import allow_profiles
from layer8._exporter import Exporter, Health
from layer8._switch import LocalSwitch
from layer8._web import web_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from l8services import LiveUpdate
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import ServiceHandler, ServiceHook
    from l8types.protocols.stores import OrmFactory, Storage
    from l8types.protocols.web import WebServer, WebServerFactory
    from l8types.settings import NodeSettings
    from l8utils import Parts

__all__ = ["Node"]


class Node:
    """A member of the network.

    Entering it joins the network at ``settings.host``; when that is this machine and nobody runs
    a switch there, the node starts one. Leaving it withdraws its services and closes everything.

    Args:
        alias: Human-readable name of the node.
        settings: All settings; by default file and environment decide, see ``load_settings``.
        web_host: Address on which the web gateway of this node listens.
        web_port: Its TCP port, 0 for a free one; by default ``LAYER8_WEB_PORT``, else 0.
        bring_switch: Start a switch when the network is this machine and has none.
        **parts: Ready-made implementations by resource name, e.g. ``security=provider``.

    Raises:
        ConfigurationError: The settings cannot work, or name an implementation that is not
            installed.

    Example:
        async with Node("books") as node:
            await node.serve(Book, key="isbn", name="Books")
    """

    def __init__(
        self,
        alias: str = "node",
        *,
        settings: NodeSettings | None = None,
        web_host: str = "127.0.0.1",
        web_port: int | None = None,
        bring_switch: bool = True,
        **parts: Unpack[Parts],
    ) -> None:
        self.settings = settings or load_settings(alias=alias)
        self.resources = NodeResources(self.settings, **parts)
        self.resources.check_plugins()
        self._web_address = web_host, web_port
        self._bring_switch = bring_switch and LocalSwitch.wanted(self.settings)
        self._stack: AsyncExitStack | None = None
        self._stores = AsyncExitStack()
        self._vnic: VNic | None = None
        self._gateway: WebServer | None = None
        self._exporter: Exporter | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            vnic = cast("VNic", self.resources.create(Plugin.VNIC))
            if self._bring_switch:
                switch = LocalSwitch(self.settings, security=self.resources.security)
                if not await switch.start(stack):
                    group = await stack.enter_async_context(asyncio.TaskGroup())
                    keeper = group.create_task(switch.take_over(vnic), name="node: take over")
                    stack.callback(keeper.cancel)
            await stack.enter_async_context(vnic)
            await self._show_figures(vnic, stack)
            # Stores outlive the services that flush into them, hence a stack below theirs.
            await stack.enter_async_context(self._stores)
            stack.push_async_callback(self.resources.services.aclose)
            self.resources.register(L8Health)
            await allow_profiles(self.resources, vnic)
            self._vnic = vnic
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Without the exception: what the block raised leaves it as it is, not in a group.
        stack, self._stack = self._opened(), None
        await stack.aclose()

    async def _show_figures(self, vnic: VNic, stack: AsyncExitStack) -> None:
        settings = self.settings
        if settings.metrics_port is None:
            return

        def health() -> Health:
            details = {"role": "node", "alias": settings.alias, "uuid": settings.uuid}
            services = sorted(str(key) for key in self.resources.services.active())
            return Health(vnic.connected, {**details, "services": services})

        self._exporter = await stack.enter_async_context(
            Exporter(
                self.resources.metrics,
                health,
                host=settings.metrics_host,
                port=settings.metrics_port,
            )
        )

    @property
    def metrics_port(self) -> int:
        """TCP port of ``/metrics`` and ``/health``, 0 when the settings ask for none."""
        return self._exporter.port if self._exporter else 0

    @property
    def vnic(self) -> VNic:
        """Interface to the network.

        Raises:
            ClosedError: The node was not entered.
        """
        self._opened()
        return cast("VNic", self._vnic)

    @property
    def url(self) -> str:
        """Base URL of this node's web gateway, "" when it has none."""
        return self._gateway.url if self._gateway else ""

    async def serve(
        self,
        model: type,
        *,
        key: str | tuple[str, ...],
        name: str = "",
        area: int = 0,
        store: str | Storage | None = None,
        write_behind: float | None = None,
        web: bool = False,
        hook: ServiceHook | None = None,
    ) -> ServiceHandler:
        """Offer a service that keeps items of a model on every node that serves it.

        Args:
            model: Dataclass, ``msgspec.Struct`` or protobuf message class.
            key: Attribute or attributes that identify an item.
            name: Service name; by default the model's name with an "s".
            area: Partition of the name, 0 to 255.
            store: URL of a database or a ready store that keeps the items durably.
            write_behind: Seconds for which writes are collected before they are stored; by default
                a write is stored before it is acknowledged.
            web: Serve it over REST, at :attr:`url`.
            hook: Code around the operations.

        Raises:
            ConflictError: The node serves this name and area already.
            UnavailableError: The store cannot be opened.
        """
        keys = (key,) if isinstance(key, str) else key
        self.resources.register(model)
        self.resources.introspector.decorate(model, DecoratorType.PRIMARY, *keys)
        if isinstance(store, str):
            store = await self._open(store, model)
        service = ServiceKey(name or f"{model.__name__}s", area)
        description = web_of(service, model) if web else None
        handler = await self.activate(
            ServiceLevelAgreement(
                name=service.name,
                area=service.area,
                handler=BaseService,
                model=model,
                primary_keys=keys,
                store=store,
                write_behind=write_behind,
                web=description,
                hook=hook,
            )
        )
        if description is not None:
            # Without waiting for its announcement, so that the page shows it when this returns.
            (await self.open_gateway()).expose(description)
        return handler

    async def activate(self, sla: ServiceLevelAgreement) -> ServiceHandler:
        """Offer a service of any kind; see ``ServiceLevelAgreement``."""
        return await self.resources.services.activate(sla, self.vnic)

    async def open_gateway(self) -> WebServer:
        """Start this node's web gateway, or return the one that runs."""
        stack = self._opened()
        if self._gateway is None:
            factory = cast("WebServerFactory", self.resources.create(Plugin.WEB))
            host, port = self._web_address
            if port is None:
                port = int(os.environ.get("LAYER8_WEB_PORT", "0"))
            if isinstance(self.resources.security, LocalSecurity):
                # Without a first user nobody could log in to make others.
                self.resources.security.bootstrap()
            gateway = factory.create(self.vnic, host=host, port=port)
            self._gateway = await stack.enter_async_context(gateway)
        return self._gateway

    async def post(self, service: str, payload: object, *, area: int = 0) -> Elements:
        """Add an item or a list of items to a service."""
        return await self.call(ServiceKey(service, area), Action.POST, payload)

    async def put(self, service: str, payload: object, *, area: int = 0) -> Elements:
        """Replace items of a service."""
        return await self.call(ServiceKey(service, area), Action.PUT, payload)

    async def patch(self, service: str, payload: object, *, area: int = 0) -> Elements:
        """Merge what is present in the payload into items of a service."""
        return await self.call(ServiceKey(service, area), Action.PATCH, payload)

    async def delete(self, service: str, payload: object, *, area: int = 0) -> Elements:
        """Remove items of a service: examples, or the matches of a query."""
        return await self.call(ServiceKey(service, area), Action.DELETE, payload)

    async def get(self, query: str) -> list[object]:
        """Answer of a query; the service is found by the queried model.

        Raises:
            QueryError: The query is malformed or its model is not known here.
            NotFoundError: No live node serves the model.
        """
        model = self.resources.queries.parse(query).root.type_name
        answer = await self.call(self._service_of(model), Action.GET, query)
        return list(answer.values)

    def live(self, query: str, *, token: str = "") -> AsyncGenerator[LiveUpdate, None]:
        """Answer of a query, then what changes in it, until the caller stops.

        Args:
            query: Text of the query; the service is found by the queried model.
            token: Of the last update of an earlier answer, to go on after it.

        Raises:
            QueryError: The query is malformed or its model is not known here.
            NotFoundError: No live node serves the model.
            L8Error: While it is read, as ``l8services.live`` says.

        Example:
            async with aclosing(node.live("select * from Book where price<20")) as updates:
                async for update in updates:
                    print(update.changes)
        """
        model = self.resources.queries.parse(query).root.type_name
        return live(self.vnic, self._service_of(model), query, token=token)

    async def call(self, service: ServiceKey, action: Action, payload: object) -> Elements:
        """One operation on a service, in this process when it is active here.

        Raises:
            UnavailableError: No live node offers the service.
            L8Error: What the service answered.
        """
        vnic = self.vnic
        if self.resources.services.handler(service) is None:
            return await vnic.request(
                MulticastMode.PROXIMITY, service.name, service.area, action, payload
            )
        elements = self.resources.elements
        if action in {Action.GET, Action.DELETE} and isinstance(payload, (str, L8Query)):
            content = elements.query(payload)
        else:
            content = elements.of(*payload) if isinstance(payload, list) else elements.of(payload)
        return await self.resources.services.call(service, action, content, vnic)

    def _service_of(self, model: str) -> ServiceKey:
        for key, offered in self.resources.services.active().items():
            if offered == model:
                return key
        found = self.vnic.directory.services_of_model(model)
        if not found:
            raise NotFoundError(f"no live node serves {model}; start one that does")
        return found[0]

    async def _open(self, url: str, model: type) -> Storage:
        factory = cast("OrmFactory", self.resources.create(Plugin.ORM))
        orm = await factory.open(url)
        self._stores.push_async_callback(orm.aclose)
        await orm.prepare(model)
        return orm.storage(model)

    def _opened(self) -> AsyncExitStack:
        if self._stack is None:
            raise ClosedError(f"node {self.settings.alias!r} is not open; use 'async with'")
        return self._stack
