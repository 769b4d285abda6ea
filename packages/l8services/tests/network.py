# SPDX-License-Identifier: Apache-2.0
"""A network of several nodes in one loop, that loses, delays and reorders what it is told to."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, cast

from l8services import BaseService, ServiceManager, Tuning
from l8services._packer import Packer
from l8types.enums import Action, DirectoryEventType, MulticastMode, Priority
from l8types.errors import (
    ConfigurationError,
    PermissionDeniedError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.pb import L8NotificationSet, L8Query
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement
from l8types.values import DirectoryEvent, ItemChange, Message, NodeInfo, ServiceKey

from .data import (
    FakeCaches,
    FakeCodec,
    FakeElements,
    FakeElementsFactory,
    FakeNotifications,
    FakeQueries,
    FakeSubscription,
    fake_parts,
)
from .model import Book, FakeIntrospector, FakeRegistry
from .virtual import LoopClock

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from l8types.protocols.data import Elements, ObjectCodec
    from l8types.protocols.models import PropertyResolver
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources

BOOKS = ServiceKey("Books")


@dataclass
class Sent:
    """One message on its way to one node."""

    source: str
    target: str
    service: str
    action: Action
    elements: FakeElements

    @property
    def payload(self) -> object:
        return self.elements.first


def changes_in(value: object) -> list[ItemChange | L8NotificationSet]:
    """The changes that a value of a message tells, be it one or a batch."""
    if isinstance(value, L8NotificationSet):
        return [value] if value.type != L8NotificationType.Invalid_Notify else []
    if not isinstance(value, bytes):
        return []
    return cast("list[ItemChange | L8NotificationSet]", packer_of(Book).unpack(value).changes)


def packer_of(model: type) -> Packer:
    """What makes batches of changes of a model."""
    codec, properties = FakeCodec(), FakeIntrospector()
    return Packer(
        model,
        model.__name__,
        codec=cast("ObjectCodec", codec),
        properties=cast("PropertyResolver", properties),
    )


class FakeSecurity:
    """Allows everything but what is listed."""

    def __init__(self) -> None:
        self.denied: set[tuple[str, Action]] = set()
        self.hidden: set[str] = set()
        self.asked: list[tuple[str, Action, ServiceKey]] = []

    async def authorize(
        self, identity: str, action: Action, service: ServiceKey, elements: Elements
    ) -> None:
        self.asked.append((identity, action, service))
        if (identity, action) in self.denied:
            raise PermissionDeniedError(f"{identity!r} may not {action.name} on {service}")

    def scope_item(self, identity: str, item: object) -> object | None:
        return None if identity and getattr(item, "isbn", "") in self.hidden else item

    def scope_view(self, identity: str, elements: FakeElements) -> FakeElements:
        shown = [e for e in elements if self.scope_item(identity, e.value) is not None or e.error]
        return FakeElements(shown, metadata=elements.metadata)


class FakeMetrics:
    """Keeps what was reported, by name and the values of the labels."""

    def __init__(self) -> None:
        self.observed: dict[tuple[str, ...], list[float]] = {}
        self.counted: Counter[tuple[str, ...]] = Counter()

    def observe(self, name: str, value: float, **labels: str) -> None:
        self.observer(name, **labels)(value)

    def observer(self, name: str, **labels: str) -> Callable[[float], None]:
        return self.observed.setdefault((name, *labels.values()), []).append

    def count(self, name: str, value: int = 1, **labels: str) -> None:
        self.counted[name, *labels.values()] += value

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.observed[name, *labels.values()] = [value]


class FakeResources:
    """The parts of one node, all fakes but the service manager."""

    def __init__(self, uuid: str, settings: NodeSettings | None = None) -> None:
        self.settings = settings or NodeSettings(alias=f"node-{uuid[0]}", uuid=uuid)
        self.clock = LoopClock()
        self.metrics = FakeMetrics()
        self.registry = FakeRegistry()
        self.introspector, self.updater, self.cloner = fake_parts()
        self.elements = FakeElementsFactory()
        self.queries = FakeQueries()
        self.caches = FakeCaches(self.introspector, self.updater)
        self.notifications = FakeNotifications()
        self.codec = FakeCodec()
        self.security = FakeSecurity()
        self.directory: Path | None = None
        self.services = ServiceManager(cast("Resources", self))

    @property
    def data_directory(self) -> Path:
        if self.directory is None:
            raise ConfigurationError("this node has no place for files")
        return self.directory

    def register(self, *models: type) -> None:
        for model in models:
            self.registry.register(model)


class FakeNode:
    """A node: its interface to the network and its directory in one."""

    def __init__(self, network: FakeNetwork, uuid: str, settings: NodeSettings | None) -> None:
        self.network = network
        self.uuid = uuid
        self.resources = FakeResources(uuid, settings)
        self.alias = self.resources.settings.alias
        self.offered: dict[ServiceKey, str] = {}
        self.listeners: list[Callable[[DirectoryEvent], None]] = []
        self.directory = self
        self.info = NodeInfo(uuid, self.alias, "switch")
        self.connected = True

    @property
    def nic(self) -> VNic:
        return cast("VNic", self)

    @property
    def services(self) -> ServiceManager:
        return self.resources.services

    async def announce(self, service: ServiceKey, *, model: str = "") -> None:
        self.offered[service] = model
        self.network.tell(self, DirectoryEventType.CHANGED)

    async def withdraw(self, service: ServiceKey) -> None:
        self.offered.pop(service, None)
        self.network.tell(self, DirectoryEventType.CHANGED)

    async def wait_connected(self) -> None:
        while not self.connected:
            await asyncio.sleep(0.01)

    def node(self, uuid: str) -> NodeInfo | None:
        return next((n.info for n in self.network.reachable(self) if n.uuid == uuid), None)

    def providers(self, service: ServiceKey) -> tuple[str, ...]:
        return tuple(sorted(n.uuid for n in self.network.reachable(self) if service in n.offered))

    def watch(self, listener: Callable[[DirectoryEvent], None]) -> FakeSubscription:
        return FakeSubscription(self.listeners, listener)

    async def send(
        self,
        target: str | MulticastMode,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        identity: str = "",
        priority: Priority = Priority.P8,
    ) -> None:
        elements = self._elements(payload)
        message = Message(
            source=self.uuid, service=service, area=area, action=action, identity=identity
        )
        targets = [target] if isinstance(target, str) else self.providers(ServiceKey(service, area))
        for uuid in targets:
            self.network.transmit(Sent(self.uuid, uuid, service, action, elements), message)

    async def forward(
        self, message: Message, elements: Elements, target: str, *, timeout: float | None = None
    ) -> FakeElements:
        source = message.source or self.uuid
        sent_on = replace(message, request=True, mode=MulticastMode.ALL, source=source)
        sent = Sent(self.uuid, target, message.service, message.action, self._elements(elements))
        return (await self.network.ask(sent, sent_on)).raise_for_error()

    async def request(
        self,
        target: str | MulticastMode,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        timeout: float | None = None,
        identity: str = "",
        priority: Priority = Priority.P8,
    ) -> FakeElements:
        mode = MulticastMode.ALL
        if isinstance(target, MulticastMode):
            mode, key = target, ServiceKey(service, area)
            # As an interface does: the leader that is known, else any provider.
            target = self.services.leader(key) or next(iter(self.providers(key)), "")
        message = Message(
            mode=mode,
            source=self.uuid,
            service=service,
            area=area,
            action=action,
            identity=identity,
            request=True,
            timeout=timeout or 0.0,
        )
        sent = Sent(self.uuid, target, service, action, self._elements(payload))
        answer = await self.network.ask(sent, message)
        return answer.raise_for_error()

    async def stream(
        self,
        target: str | MulticastMode,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        timeout: float | None = None,
        identity: str = "",
    ) -> AsyncGenerator[FakeElements, None]:
        message = Message(
            source=self.uuid,
            service=service,
            area=area,
            action=action,
            identity=identity,
            request=True,
            stream=True,
            timeout=timeout or 0.0,
        )
        if isinstance(target, MulticastMode):
            target = next(iter(self.providers(ServiceKey(service, area))), "")
        sent = Sent(self.uuid, target, service, action, self._elements(payload))
        async with aclosing(self.network.parts(sent, message)) as parts:
            async for part in parts:
                yield part.raise_for_error()

    async def drain(self, timeout: float | None = None) -> None:
        self.offered.clear()
        self.network.tell(self, DirectoryEventType.CHANGED)

    async def serve(self, **options: object) -> BaseService:
        """Activate the sample service."""
        tuning = options.pop("tuning", self.network.tuning)
        arguments: dict[str, object] = {
            "name": "Books",
            "handler": lambda: BaseService(cast("Tuning", tuning)),
            "model": Book,
            "primary_keys": ("isbn",),
            **options,
        }
        sla = ServiceLevelAgreement(**arguments)  # type: ignore[arg-type]
        return cast("BaseService", await self.services.activate(sla, self.nic))

    async def do(
        self, action: Action, *values: object, identity: str = "", key: ServiceKey = BOOKS
    ) -> FakeElements:
        """Call the sample service from this process."""
        elements = self._elements(list(values) if len(values) != 1 else values[0])
        answer = await self.services.call(key, action, elements, self.nic, identity=identity)
        return cast("FakeElements", answer)

    def message(self, action: Action, key: ServiceKey = BOOKS, **parts: object) -> Message:
        """A request to the sample service, as if it came from the network."""
        message = Message(service=key.name, area=key.area, action=action, request=True)
        return replace(message, **parts)

    def books(self) -> dict[str, object]:
        """Content of the sample service."""
        cache = self.resources.caches.last
        assert cache is not None
        return cache.content

    def _elements(self, payload: object) -> FakeElements:
        if isinstance(payload, FakeElements):
            return payload
        if isinstance(payload, L8Query) or (
            isinstance(payload, str) and payload.startswith("select ")
        ):
            return self.resources.elements.query(payload)
        if isinstance(payload, list):
            return self.resources.elements.of(*payload)
        return self.resources.elements.of(*([] if payload is None else [payload]))


@dataclass
class FakeNetwork:
    """The network; entered for the time of a test.

    Attributes:
        tuning: What the sample services run with.
        lose: Whether a message is lost.
        delay: Seconds that a message takes.
        sent: All messages that were neither requests nor of elections.
        votes: Those of elections.
        asked: All requests.
    """

    tuning: Tuning = field(default_factory=Tuning)
    lose: Callable[[Sent], bool] = lambda _: False
    delay: Callable[[Sent], float] = lambda _: 0.001
    nodes: dict[str, FakeNode] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    votes: list[Sent] = field(default_factory=list)
    asked: list[Sent] = field(default_factory=list)
    isolated: set[str] = field(default_factory=set)
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for node in tuple(self.nodes.values()):
            await node.services.aclose()
        await self._group.__aexit__(exc_type, exc, traceback)

    def node(self, name: str, settings: NodeSettings | None = None) -> FakeNode:
        """A new node; its id starts with the name, so that ids sort as names do."""
        uuid = name.ljust(36, "0")
        self.nodes[uuid] = node = FakeNode(self, uuid, settings)
        return node

    def reachable(self, node: FakeNode) -> list[FakeNode]:
        """The nodes that a node sees, itself among them."""
        if node.uuid in self.isolated or node.uuid not in self.nodes:
            return [node]
        return [n for n in self.nodes.values() if n.uuid not in self.isolated]

    def kill(self, node: FakeNode) -> None:
        """Let a node vanish without a word."""
        self.tell(node, DirectoryEventType.LEFT, drop=True)

    def isolate(self, node: FakeNode) -> None:
        """Cut a node off; it and the others lose sight of each other."""
        self.isolated.add(node.uuid)
        self._tell_all(node, DirectoryEventType.LEFT)

    def heal(self, node: FakeNode) -> None:
        """The reverse."""
        self.isolated.discard(node.uuid)
        self._tell_all(node, DirectoryEventType.JOINED)

    def tell(self, node: FakeNode, kind: DirectoryEventType, *, drop: bool = False) -> None:
        """Let the others know of a change of a node."""
        seen_by = self.reachable(node)
        if drop:
            del self.nodes[node.uuid]
        for other in seen_by:
            for listener in tuple(other.listeners):
                listener(DirectoryEvent(kind, node.info))

    def changes(self) -> list[Sent]:
        """The messages that told of a change, not only of counts and digests."""
        return [
            sent for sent in self.sent if any(changes_in(value) for value in sent.elements.values)
        ]

    def transmit(self, sent: Sent, message: Message) -> None:
        """Put a message on its way."""
        elects = Action.ELECTION_REQUEST <= sent.action <= Action.LEADER_CHALLENGE
        (self.votes if elects else self.sent).append(sent)
        if not self.lose(sent):
            self._group.create_task(self._deliver(sent, message))

    async def ask(self, sent: Sent, message: Message) -> FakeElements:
        """A request and its answer."""
        self.asked.append(sent)
        await asyncio.sleep(self.delay(sent))
        if self.lose(sent):
            raise RequestTimeoutError("no answer in time")
        node = self._receiver(sent)
        if node is None:
            raise UnavailableError(f"no node {sent.target}")
        answer = await node.services.handle(copy.deepcopy(sent.elements), message, node.nic)
        return cast("FakeElements", copy.deepcopy(answer))

    async def parts(self, sent: Sent, message: Message) -> AsyncGenerator[FakeElements, None]:
        """A request and the parts of its answer."""
        self.asked.append(sent)
        await asyncio.sleep(self.delay(sent))
        node = self._receiver(sent)
        if node is None:
            raise UnavailableError(f"no node {sent.target}")
        answer = node.services.stream(copy.deepcopy(sent.elements), message, node.nic)
        async with aclosing(answer):
            async for part in answer:
                await asyncio.sleep(self.delay(sent))
                yield cast("FakeElements", copy.deepcopy(part))

    async def _deliver(self, sent: Sent, message: Message) -> None:
        await asyncio.sleep(self.delay(sent))
        node = self._receiver(sent)
        if node is not None:
            await node.services.handle(copy.deepcopy(sent.elements), message, node.nic)

    def _receiver(self, sent: Sent) -> FakeNode | None:
        source, target = self.nodes.get(sent.source), self.nodes.get(sent.target)
        if source is None or target is None:
            return None
        return target if target in self.reachable(source) else None

    def _tell_all(self, node: FakeNode, kind: DirectoryEventType) -> None:
        for other in tuple(self.nodes.values()):
            about = (
                [node] if other is not node else [n for n in self.nodes.values() if n is not node]
            )
            for subject in about:
                for listener in tuple(other.listeners):
                    listener(DirectoryEvent(kind, subject.info))
