# SPDX-License-Identifier: Apache-2.0
"""The smallest network and service manager that keep their promises, within one process."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from l8types.enums import Action, DirectoryEventType, MulticastMode
from l8types.errors import (
    ClosedError,
    ConflictError,
    L8Error,
    NotFoundError,
    RemoteError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.pb import L8Query
from l8types.protocols.services import Call
from l8types.values import DirectoryEvent, Message, NodeInfo, ServiceKey

from .fake_data import Subscription
from .fake_wire import FakeCodec, FakeElements, FakeElementsFactory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

VERBS = {
    Action.POST: "post",
    Action.PUT: "put",
    Action.PATCH: "patch",
    Action.DELETE: "delete",
    Action.GET: "get",
}


class FakeNetwork:
    """What the nodes share."""

    def __init__(self) -> None:
        self.nodes: dict[str, FakeVNic] = {}
        self.infos: dict[str, NodeInfo] = {}
        self.listeners: list[Any] = []

    def tell(self, kind: DirectoryEventType, info: NodeInfo) -> None:
        """Keep what is known of a node and tell the listeners."""
        self.infos[info.uuid] = info
        for listener in tuple(self.listeners):
            listener(DirectoryEvent(kind, info))


class FakeDirectory:
    """The view of one node."""

    def __init__(self, network: FakeNetwork, uuid: str) -> None:
        self.network, self.uuid = network, uuid

    def node(self, uuid: str) -> NodeInfo | None:
        return self.network.infos.get(uuid)

    def nodes(self) -> tuple[NodeInfo, ...]:
        return tuple(info for _, info in sorted(self.network.infos.items()))

    def providers(self, service: ServiceKey) -> tuple[str, ...]:
        return tuple(info.uuid for info in self.nodes() if service in info.services)

    def services_of_model(self, model: str) -> tuple[ServiceKey, ...]:
        pairs = [pair for info in self.nodes() for pair in info.services.items()]
        return tuple(sorted({key for key, name in pairs if name == model}))

    def watch(self, listener: Any) -> Subscription:
        return Subscription(self.network.listeners, listener)


class FakeBatch:
    """Items that leave together."""

    def __init__(self, send: Any, interval: float, max_items: int) -> None:
        self.send, self.interval, self.max_items = send, interval, max_items
        self.items: list[tuple[Action, Any]] = []
        self.timer: asyncio.Task[None] | None = None
        self.closed = False

    async def add(self, action: Action, item: Any) -> None:
        if self.closed:
            raise ClosedError("the batch is closed")
        self.items.append((action, item))
        if len(self.items) >= self.max_items:
            await self.flush()
        elif self.timer is None:
            self.timer = asyncio.get_running_loop().create_task(self.later())

    async def later(self) -> None:
        """Flush when the interval is over."""
        await asyncio.sleep(self.interval)
        self.timer = None
        await self.flush()

    async def flush(self) -> None:
        items, self.items = self.items, []
        for action, run in groupby(items, key=lambda entry: entry[0]):
            await self.send(action, [item for _, item in run])

    async def aclose(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.closed = True
        await self.flush()


class FakeVNic:
    """One node."""

    is_switch = False

    def __init__(self, network: FakeNetwork, uuid: str, services: Any) -> None:
        self.network, self.uuid, self.alias = network, uuid, f"node {uuid[-1]}"
        factory = FakeElementsFactory(FakeCodec())
        self.resources: Any = SimpleNamespace(services=services, elements=factory)
        self.directory = FakeDirectory(network, uuid)
        self.running = False
        self.working = 0
        self.batches: list[FakeBatch] = []

    async def __aenter__(self) -> Self:
        self.running = True
        self.network.nodes[self.uuid] = self
        info = NodeInfo(self.uuid, self.alias, "switch")
        self.network.tell(DirectoryEventType.JOINED, info)
        return self

    async def __aexit__(self, *_: object) -> None:
        for batch in self.batches:
            await batch.aclose()
        self.running = False

    @property
    def connected(self) -> bool:
        return self.running

    async def wait_connected(self) -> None:
        return None

    def container(self, payload: Any) -> Any:
        """The payload as a container."""
        factory = self.resources.elements
        if isinstance(payload, FakeElements):
            return payload
        if isinstance(payload, str | L8Query):
            return factory.query(payload)
        values = payload if isinstance(payload, list) else [] if payload is None else [payload]
        return factory.of(*values)

    def targets(self, target: Any, key: ServiceKey) -> list[str]:
        """Ids of the receivers."""
        if not self.running:
            raise ClosedError("the node was left")
        if target and not isinstance(target, MulticastMode):
            return [target] if target in self.network.nodes else []
        return list(self.directory.providers(key))

    def message(
        self, target: Any, service: str, area: int, action: Action, payload: Any, **more: Any
    ) -> Message:
        data = self.container(payload).encode()
        named = "" if isinstance(target, MulticastMode) else target
        return Message(
            source=self.uuid, destination=named, service=service, area=area, action=action,
            data=data, **more,
        )  # fmt: skip

    async def deliver(self, uuid: str, message: Message) -> Any:
        """Hand a message to a node."""
        node = self.network.nodes[uuid]
        content = node.resources.elements.decode(message.data)
        node.working += 1
        try:
            return await node.resources.services.handle(content, message, node)
        finally:
            node.working -= 1

    async def send(
        self, target: Any, service: str, area: int, action: Action, payload: Any = None, **more: Any
    ) -> None:
        message = self.message(target, service, area, action, payload, **more)
        for uuid in self.targets(target, message.key):
            await self.deliver(uuid, message)

    async def request(
        self, target: Any, service: str, area: int, action: Action, payload: Any = None,
        *, timeout: float | None = None, **more: Any,
    ) -> Any:  # fmt: skip
        message = self.message(target, service, area, action, payload, request=True, **more)
        return await self.ask(target, message, timeout)

    async def ask(self, target: Any, message: Message, timeout: float | None) -> Any:
        """Wait for an answer."""
        found = self.targets(target, message.key)
        if not found:
            raise UnavailableError(f"nobody offers {message.service}")
        try:
            async with asyncio.timeout(timeout or 10):
                answer = await self.deliver(found[0], message)
        except TimeoutError as error:
            raise RequestTimeoutError("no answer") from error
        return self.resources.elements.decode(answer.encode()).raise_for_error()

    async def stream(
        self, target: Any, service: str, area: int, action: Action, payload: Any = None,
        *, timeout: float | None = None, **more: Any,
    ) -> AsyncGenerator[Any, None]:  # fmt: skip
        message = self.message(
            target, service, area, action, payload, request=True, stream=True, **more
        )
        found = self.targets(target, message.key)
        if not found:
            raise UnavailableError(f"nobody offers {message.service}")
        node = self.network.nodes[found[0]]
        content = node.resources.elements.decode(message.data)
        async with contextlib.aclosing(
            node.resources.services.stream(content, message, node)
        ) as parts:
            async for part in parts:
                yield self.resources.elements.decode(part.encode()).raise_for_error()

    async def drain(self, timeout: float | None = None) -> None:
        self.offer({})
        while self.working:
            await asyncio.sleep(0)

    def batch(
        self, target: Any, service: str, area: int = 0, *, interval: float = 0.1,
        max_items: int = 1000, max_bytes: int = 0,
    ) -> FakeBatch:  # fmt: skip
        send = partial(self.send, target, service, area)
        self.batches.append(FakeBatch(send, interval, max_items))
        return self.batches[-1]

    async def forward(
        self, message: Message, elements: Any, target: Any, *, timeout: float | None = None
    ) -> Any:
        sent_on = replace(message, data=elements.encode(), source=self.uuid)
        return await self.ask(target, sent_on, timeout)

    async def announce(self, service: ServiceKey, *, model: str = "") -> None:
        self.offer({**self.network.infos[self.uuid].services, service: model})

    async def withdraw(self, service: ServiceKey) -> None:
        offered = dict(self.network.infos[self.uuid].services)
        if offered.pop(service, None) is not None:
            self.offer(offered)

    def offer(self, services: dict[ServiceKey, str]) -> None:
        """Tell what this node offers from now on."""
        info = replace(self.network.infos[self.uuid], services=services)
        self.network.tell(DirectoryEventType.CHANGED, info)

    def api(self, service: str, area: int = 0, **_: Any) -> FakeApi:
        return FakeApi(partial(self.request, MulticastMode.PROXIMITY, service, area))


class FakeApi:
    """The verbs of a service."""

    def __init__(self, request: Any) -> None:
        self.request = request

    async def post(self, payload: object) -> Any:
        return await self.request(Action.POST, payload)

    async def put(self, payload: object) -> Any:
        return await self.request(Action.PUT, payload)

    async def patch(self, payload: object) -> Any:
        return await self.request(Action.PATCH, payload)

    async def delete(self, payload: object) -> Any:
        return await self.request(Action.DELETE, payload)

    async def get(self, query: object) -> Any:
        return await self.request(Action.GET, query)


class FakeServices:
    """A service manager."""

    def __init__(self) -> None:
        self.running: dict[ServiceKey, tuple[Any, Any]] = {}

    async def activate(self, sla: Any, vnic: Any) -> Any:
        if sla.key in self.running:
            raise ConflictError(f"{sla.key} is active")
        handler = sla.handler()
        await handler.activate(sla, vnic)
        self.running[sla.key] = handler, vnic
        await vnic.announce(sla.key)
        return handler

    async def deactivate(self, key: ServiceKey) -> None:
        if key not in self.running:
            raise NotFoundError(f"{key} is not active")
        handler, vnic = self.running.pop(key)
        await vnic.withdraw(key)
        await handler.deactivate()

    def handler(self, key: ServiceKey) -> Any:
        return self.running.get(key, (None, None))[0]

    def active(self) -> dict[ServiceKey, str]:
        return dict.fromkeys(self.running, "")

    async def aclose(self) -> None:
        for key in tuple(self.running):
            await self.deactivate(key)

    async def call(
        self, key: ServiceKey, action: Action, elements: Any, vnic: Any, *, identity: str = "",
        timeout: float | None = None,
    ) -> Any:  # fmt: skip
        try:
            async with asyncio.timeout(timeout):
                return await self.run(Call(vnic, action, key, identity), elements)
        except TimeoutError as error:
            raise RequestTimeoutError(f"{key} did not answer") from error

    async def run(self, call: Call, elements: Any) -> Any:
        """Call the handler."""
        handler = self.handler(call.key)
        if handler is None:
            raise NotFoundError(f"{call.key} is not active")
        try:
            if call.message is not None and call.message.failure:
                return await handler.failed(elements, call)
            if call.action is Action.NOTIFY:
                return await handler.notify(elements, call)
            return await getattr(handler, VERBS[call.action])(elements, call)
        except ZeroDivisionError as error:
            raise RemoteError("the service failed") from error

    async def handle(self, elements: Any, message: Message, vnic: Any) -> Any:
        call = Call(
            vnic, message.action, message.key, message.identity, message.source, message=message
        )
        try:
            answer = await self.run(call, elements)
        except L8Error as error:
            answer = vnic.resources.elements.error(error)
        return answer if message.request else None


class FakeGateway:
    """A server that knows no page."""

    def __init__(self) -> None:
        self.running = False
        self.port = 0
        self.exposed: dict[ServiceKey, Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.running = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running = False
        self.server.close()
        await self.server.wait_closed()

    async def answer(self, reader: Any, writer: Any) -> None:
        """Answer any request."""
        with contextlib.closing(writer):
            await reader.readline()
            writer.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
            await writer.drain()

    def expose(self, service: Any) -> None:
        self.exposed[service.key] = service

    def conceal(self, key: ServiceKey) -> None:
        self.exposed.pop(key, None)
