# SPDX-License-Identifier: Apache-2.0
"""Small stand-ins for the parts that other packages bring, as far as this package uses them."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from l8types.enums import Action, Container, DecoratorType, DirectoryEventType, Kind
from l8types.errors import DecodeError, L8Error, NotFoundError, PropertyError
from l8types.naming import go_name
from l8types.protocols.collection import HostAddress, PollRequest, PollResult
from l8types.protocols.services import Call
from l8types.settings import NodeSettings
from l8types.values import Credential, DirectoryEvent, Element, NodeInfo, ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources

TEST = ServiceKey("Test", 0)
WAIT = 10.0
"""Seconds after which a condition that does not come is a failure."""


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, giving way to the other tasks."""
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0)


# ------------------------------------------------------------------------------------- the codec


class FakeCodec:
    """The object format for the kinds that answers are made of."""

    def __init__(self, *models: type[Message]) -> None:
        self.models = {model.DESCRIPTOR.name: model for model in models}

    def encode(
        self, value: object, *, kind: Kind | None = None, key_kind: Kind | None = None
    ) -> bytes:
        if isinstance(value, dict):
            parts = [struct.pack(">ii", Kind.MAP, len(value) or -1)]
            for key, item in value.items():
                parts += [self.encode(key, kind=key_kind), self.encode(item, kind=kind)]
            return b"".join(parts)
        if isinstance(value, bool):
            return struct.pack(">i?", Kind.BOOL, value)
        if isinstance(value, int):
            kind = kind or Kind.INT
            form = {Kind.INT32: ">ii", Kind.UINT64: ">iQ"}.get(kind, ">iq")
            return struct.pack(form, kind, value)
        if isinstance(value, str):
            body = value.encode(errors="surrogateescape")
            return struct.pack(">ii", Kind.STRING, len(body)) + body
        if isinstance(value, Message):
            body = value.SerializeToString(deterministic=True)
            name = value.DESCRIPTOR.name.encode()
            size = len(body) or -2
            return struct.pack(">iii", Kind.MESSAGE, size, len(name)) + name + body
        raise AssertionError(f"the fake codec does not know {value!r}")

    def decode(self, data: bytes | memoryview) -> object:
        value, rest = self._read(bytes(data))
        if rest:
            raise DecodeError("octets behind the value")
        return value

    def _read(self, data: bytes) -> tuple[object, bytes]:
        try:
            kind = struct.unpack_from(">i", data)[0]
            form = {1: ">?", 2: ">q", 5: ">i", 6: ">q", 11: ">Q"}.get(kind)
            if form:
                return struct.unpack_from(form, data, 4)[0], data[4 + struct.calcsize(form) :]
            size = struct.unpack_from(">i", data, 4)[0]
            if kind == Kind.STRING:
                return data[8 : 8 + size].decode(errors="surrogateescape"), data[8 + size :]
            if kind == Kind.MAP:
                return self._read_map(data[8:], size)
            if kind == Kind.MESSAGE:
                length = struct.unpack_from(">i", data, 8)[0]
                body = data[12 + length :]
                return self.models[data[12 : 12 + length].decode()].FromString(body), b""
        except (struct.error, KeyError) as error:
            raise DecodeError(f"not a value: {error}") from error
        raise DecodeError(f"unknown kind {kind}")

    def _read_map(self, data: bytes, size: int) -> tuple[object, bytes]:
        found: dict[object, object] = {}
        for _ in range(size):
            key, data = self._read(data)
            found[key], data = self._read(data)
        return found, data


# -------------------------------------------------------------------------------- the introspector

_KINDS = {
    FieldDescriptor.TYPE_BOOL: Kind.BOOL,
    FieldDescriptor.TYPE_DOUBLE: Kind.FLOAT64,
    FieldDescriptor.TYPE_ENUM: Kind.INT32,
    FieldDescriptor.TYPE_INT32: Kind.INT32,
    FieldDescriptor.TYPE_MESSAGE: Kind.MESSAGE,
    FieldDescriptor.TYPE_STRING: Kind.STRING,
    FieldDescriptor.TYPE_UINT32: Kind.UINT32,
    FieldDescriptor.TYPE_UINT64: Kind.UINT64,
}


@dataclass(frozen=True)
class FakeNode:
    """An attribute of a protobuf model."""

    descriptor: Any
    """Descriptor of the message or of the field."""

    @property
    def type_name(self) -> str:
        message = self._message()
        return str(message.name if message else self.descriptor.name)

    @property
    def field_name(self) -> str:
        return go_name(self.descriptor.name)

    @property
    def attribute(self) -> str:
        return str(self.descriptor.name)

    @property
    def attributes(self) -> Mapping[str, FakeNode]:
        message = self._message()
        fields = message.fields if message else ()
        return {go_name(one.name).lower(): FakeNode(one) for one in fields}

    @property
    def kind(self) -> Kind:
        return _KINDS[self._element().type]

    @property
    def container(self) -> Container:
        return Container.MAP if self._is_map() else Container.SINGLE

    @property
    def enum(self) -> Mapping[str, int] | None:
        kind = getattr(self.descriptor, "enum_type", None)
        return {one.name: one.number for one in kind.values} if kind else None

    def _is_map(self) -> bool:
        kind = getattr(self.descriptor, "message_type", None)
        return bool(kind and kind.GetOptions().map_entry)

    def _element(self) -> Any:
        if self._is_map():
            return self.descriptor.message_type.fields_by_name["value"]
        return self.descriptor

    def _message(self) -> Any:
        if isinstance(self.descriptor, FieldDescriptor):
            return self._element().message_type
        return self.descriptor


_PART = re.compile(r"(\w+)(?:<\{24\}([^<>]*)>)?(?:\.|$)")


class FakeProperty:
    """A place in a protobuf message."""

    def __init__(self, model: type[Message], path: str) -> None:
        self._parts = [(found[1], found[2]) for found in _PART.finditer(path)]
        self.node = FakeNode(model.DESCRIPTOR)
        for name, _ in self._parts:
            if name not in self.node.attributes:
                raise PropertyError(f"no attribute {name!r}")
            self.node = self.node.attributes[name]

    def set(self, instance: object, value: object) -> None:
        node, target = FakeNode(cast("Message", instance).DESCRIPTOR), cast("Any", instance)
        for name, key in self._parts[:-1]:
            node = node.attributes[name]
            target = getattr(target, node.attribute)
            target = target if key is None else target[key]
        try:
            setattr(target, node.attributes[self._parts[-1][0]].attribute, value)
        except (TypeError, ValueError) as error:
            raise PropertyError(str(error)) from error


class FakeIntrospector:
    """Knows protobuf models without lists."""

    def __init__(self) -> None:
        self.keys: dict[type, tuple[str, ...]] = {}

    def inspect(self, model: type[Message]) -> FakeNode:
        return FakeNode(model.DESCRIPTOR)

    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        assert decorator is DecoratorType.PRIMARY
        self.keys[model] = tuple(map(go_name, fields))

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        return self.keys.get(model)

    def property_for(self, item: object, path: str) -> FakeProperty:
        return FakeProperty(type(cast("Message", item)), path)


# ---------------------------------------------------------------------------------- the containers


@dataclass(frozen=True)
class FakeElements:
    """A container in memory."""

    entries: tuple[Element, ...] = ()
    query: object = None

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.entries)

    @property
    def values(self) -> Sequence[object]:
        return [entry.value for entry in self.entries]

    @property
    def error(self) -> str:
        return next((entry.error for entry in self.entries if entry.error), "")

    def raise_for_error(self) -> FakeElements:
        return self


class FakeElementsFactory:
    """Makes containers in memory."""

    def of(self, *values: object) -> FakeElements:
        return FakeElements(tuple(map(Element, values)))

    def entries(self, entries: Iterable[Element]) -> FakeElements:
        return FakeElements(tuple(entries))

    def query(self, text: str) -> FakeElements:
        return FakeElements(query=text)


# ------------------------------------------------------------------------------------- the network


@dataclass
class Sent:
    """A message that went out."""

    target: object
    service: ServiceKey
    action: Action
    payload: Any


@dataclass
class FakeDirectory:
    """Providers of services, changed by the test."""

    services: dict[ServiceKey, tuple[str, ...]] = field(default_factory=dict)
    listeners: list[Callable[[DirectoryEvent], None]] = field(default_factory=list)

    def providers(self, service: ServiceKey) -> tuple[str, ...]:
        return self.services.get(service, ())

    def watch(self, listener: Callable[[DirectoryEvent], None]) -> FakeDirectory:
        self.listeners.append(listener)
        return self

    def close(self) -> None:
        self.listeners.clear()

    def set(self, service: ServiceKey, *providers: str) -> None:
        """Change the providers and tell the listeners."""
        self.services[service] = providers
        node = NodeInfo(providers[0] if providers else "x", "a", "s", services={service: ""})
        for listener in self.listeners:
            listener(DirectoryEvent(DirectoryEventType.JOINED, node))


class FakeServices:
    """Answers local calls with what the test provides."""

    def __init__(self) -> None:
        self.pages: list[list[object]] = []
        self.error: Exception | None = None
        self.led_by = ""
        self.calls: list[FakeElements] = []

    def leader(self, key: ServiceKey) -> str:
        return self.led_by

    async def call(
        self, key: ServiceKey, action: Action, elements: FakeElements, vnic: object, **_: object
    ) -> FakeElements:
        self.calls.append(elements)
        if self.error:
            raise self.error
        page = self.pages.pop(0) if self.pages else []
        return FakeElementsFactory().of(*page)


class FakeSecurity:
    """Credentials by set."""

    def __init__(self) -> None:
        self.sets = {"lab": Credential(secret="hush")}

    async def credential(self, set_id: str, key: str) -> Credential:
        if set_id not in self.sets:
            raise NotFoundError(f"no credential set {set_id!r}")
        return self.sets[set_id]


class FakeMetrics:
    """Sums of the counters."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + value


class LoopClock:
    """The clock of the running loop; the wall clock starts at one million."""

    def now(self) -> float:
        return 1_000_000.0 + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class FakeResources:
    """The parts of a node."""

    def __init__(self) -> None:
        self.codec = FakeCodec()
        self.introspector = FakeIntrospector()
        self.elements = FakeElementsFactory()
        self.services = FakeServices()
        self.security = FakeSecurity()
        self.metrics = FakeMetrics()
        self.clock = LoopClock()
        self.queries = FakeQueries()
        self.plugins: dict[tuple[str, str], object] = {}
        self.settings = NodeSettings()

    def register(self, *models: type[Message]) -> None:
        self.codec.models |= {model.DESCRIPTOR.name: model for model in models}

    def create(self, group: str, name: str = "") -> object:
        try:
            return self.plugins[group, name]
        except KeyError as error:
            raise NotFoundError(f"no {group} {name!r}") from error

    @property
    def real(self) -> Resources:
        """Itself, typed as what it stands for."""
        return cast("Resources", self)


class FakeQueries:
    """Queries that match jobs with the name that is their text."""

    def from_wire(self, query: str) -> FakeQueries:
        self.wanted = query
        return self

    def filter(self, items: Iterable[Any]) -> list[object]:
        return [item for item in items if item.job_name == self.wanted]


class FakeVNic:
    """Collects what is sent; requests fail while ``failure`` is set."""

    def __init__(self) -> None:
        self.uuid = "me"
        self.resources = FakeResources()
        self.directory = FakeDirectory()
        self.sent: list[Sent] = []
        self.requests: list[Sent] = []
        self.failure: Exception | None = None
        self.attempts = 0

    async def send(
        self, target: object, service: str, area: int, action: Action, payload: object = None
    ) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(Sent(target, ServiceKey(service, area), action, payload))

    async def request(
        self,
        target: object,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        timeout: float | None = None,
    ) -> FakeElements:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        self.requests.append(Sent(target, ServiceKey(service, area), action, payload))
        return FakeElements()

    def payloads(self) -> list[Any]:
        """Everything that was requested, one by one."""
        return [one for sent in self.requests for one in sent.payload]

    def call(self, action: Action, key: ServiceKey = TEST) -> Call:
        """Circumstances of a call that came through this interface."""
        return Call(self.real, action, key)

    @property
    def real(self) -> VNic:
        """Itself, typed as what it stands for."""
        return cast("VNic", self)


# ------------------------------------------------------------------------------------- the devices


class FakeCollector:
    """A protocol whose hosts answer what the test says."""

    name = "snmp"

    def __init__(self, answers: Mapping[str, PollResult | Exception], host: HostAddress) -> None:
        self.answers = answers
        self.host = host
        self.running = False
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        self.running = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.running = False

    async def poll(self, request: PollRequest) -> PollResult:
        assert self.running
        self.asked.append(request.name)
        await asyncio.sleep(0)
        answer = self.answers.get(request.name, PollResult())
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeSession:
    """An SNMP library over a MIB in memory; ``lost`` packets get no answer."""

    def __init__(self, mib: Mapping[str, Any], *, lost: int = 0) -> None:
        self.mib = {tuple(map(int, oid.split("."))): value for oid, value in mib.items()}
        self.lost = lost
        self.packets = 0
        self.error: Exception | None = None

    def packet(self) -> None:
        """One packet goes out."""
        self.packets += 1
        if self.error:
            raise self.error
        if self.lost:
            self.lost -= 1
            raise TimeoutError

    async def get_many(self, oids: Iterable[str]) -> Mapping[str, Any]:
        self.packet()
        wanted = {oid: self.mib.get(tuple(map(int, oid.split(".")))) for oid in oids}
        return {oid: value for oid, value in wanted.items() if value is not None}

    def getbulk(self, oid: str) -> AsyncIterator[tuple[str, Any]]:
        start = tuple(map(int, oid.split(".")))
        return FakeWalk(self, [arcs for arcs in sorted(self.mib) if arcs > start])


class FakeWalk:
    """A walk, one value per packet."""

    def __init__(self, session: FakeSession, left: list[tuple[int, ...]]) -> None:
        self.session = session
        self.left = left

    def __aiter__(self) -> FakeWalk:
        return self

    async def __anext__(self) -> tuple[str, Any]:
        self.session.packet()
        if not self.left:
            raise StopAsyncIteration
        arcs = self.left.pop(0)
        return ".".join(map(str, arcs)), self.session.mib[arcs]


def refusal() -> L8Error:
    """An error that will not pass."""
    return PropertyError("does not fit")
