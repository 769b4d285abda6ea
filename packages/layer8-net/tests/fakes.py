# SPDX-License-Identifier: Apache-2.0
"""Small stand-ins for the parts of a node that the network asks for, and helpers for its tests."""

from __future__ import annotations

import asyncio
import pickle
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from l8types.errors import L8Error, UnavailableError, error_class
from l8types.frozen import replace
from l8types.settings import NodeSettings
from l8types.values import Element, Message, ServiceKey
from layer8_net import TcpSwitch, TcpVNic, VNicOptions

if TYPE_CHECKING:
    import ssl

    from l8types.enums import Action
    from l8types.pb import L8Query
    from l8types.protocols.runtime import Resources


class FakeElements:
    """Container of plain values and one error text; pickled, since only tests read it."""

    def __init__(self, values: tuple[object, ...] = (), error: str = "") -> None:
        self.values = values
        self.error = error

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Element]:
        return iter([Element(value) for value in self.values])

    @property
    def first(self) -> object:
        return self.values[0] if self.values else None

    def raise_for_error(self) -> FakeElements:
        if self.error:
            code, _, text = self.error.partition(": ")
            raise error_class(code)(text)
        return self

    def encode(self) -> bytes:
        return pickle.dumps((self.values, self.error))


class FakeElementsFactory:
    """Makes fake containers."""

    def of(self, *values: object, notification: bool = False) -> FakeElements:
        return FakeElements(values)

    def query(self, query: str | L8Query) -> FakeElements:
        text = query if isinstance(query, str) else query.text
        return FakeElements((f"query {text}",))

    def error(self, error: BaseException | str) -> FakeElements:
        if isinstance(error, L8Error):
            return FakeElements((), f"{error.code}: {error.message}")
        return FakeElements((), f"remote: {error}")

    def decode(self, data: bytes | memoryview) -> FakeElements:
        values, error = pickle.loads(data)  # noqa: S301 - written by this very process
        return FakeElements(values, error)


Handler = Callable[[FakeElements, Message], Awaitable[FakeElements | None]]
Streamer = Callable[[FakeElements, Message], AsyncIterator[FakeElements]]


async def echo(elements: FakeElements, message: Message) -> FakeElements | None:
    """Answer with what came."""
    return elements


async def each(elements: FakeElements, message: Message) -> AsyncIterator[FakeElements]:
    """Answer with each value as a part of its own."""
    for value in elements.values:
        yield FakeElements((value,))


class FakeServices:
    """Keeps what came and answers with what the test says."""

    def __init__(self) -> None:
        self.handler: Handler = echo
        self.streamer: Streamer = each
        self.messages: list[Message] = []
        self.leaders: dict[ServiceKey, str] = {}

    def leader(self, key: ServiceKey) -> str:
        return self.leaders.get(key, "")

    def stream(
        self, elements: FakeElements, message: Message, vnic: object
    ) -> AsyncIterator[FakeElements]:
        self.messages.append(message)
        return self.streamer(elements, message)

    async def handle(
        self, elements: FakeElements, message: Message, vnic: object
    ) -> FakeElements | None:
        self.messages.append(message)
        return await self.handler(elements, message)


class FakeSecurity:
    """Secret and admission as the test says."""

    def __init__(self, secret: bytes = b"a secret of tests") -> None:
        self.secret = secret
        self.refusal: Exception | None = None
        self.server_context: ssl.SSLContext | None = None
        self.client_context: ssl.SSLContext | None = None

    def network_secret(self) -> bytes:
        return self.secret

    def tls(self, *, server_side: bool) -> ssl.SSLContext | None:
        return self.server_context if server_side else self.client_context

    async def admit(self, uuid: str, alias: str, address: str) -> None:
        if self.refusal is not None:
            raise self.refusal


class FakeClock:
    """The real clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class FakeMetrics:
    """Sums up counters and keeps gauges."""

    def __init__(self) -> None:
        self.counters: dict[str, float] = {}
        self.gauges: dict[str, float] = {}
        self.observed: dict[str, list[float]] = {}
        self.series: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + value
        key = (name, tuple(labels.items()))
        self.series[key] = self.series.get(key, 0) + value

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.gauges[name] = value
        self.series[name, tuple(labels.items())] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        self.observed.setdefault(name, []).append(value)


class FakeResources:
    """The parts of one node."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.clock = FakeClock()
        self.metrics = FakeMetrics()
        self.elements = FakeElementsFactory()
        self.security = FakeSecurity()
        self.services = FakeServices()


def resources(port: int = 0, settings: NodeSettings | None = None) -> FakeResources:
    """Parts of a node on loopback."""
    own = settings or NodeSettings(request_timeout=10.0)
    return FakeResources(replace(own, port=port, uuid=new_id()))


def make_switch(parts: FakeResources | None = None) -> TcpSwitch:
    """Switch on a free port."""
    return TcpSwitch(cast("Resources", parts or resources()))


def make_vnic(parts: FakeResources, options: VNicOptions | None = None) -> TcpVNic:
    """Interface with these parts."""
    return TcpVNic(cast("Resources", parts), options)


def services_of(vnic: TcpVNic) -> FakeServices:
    """The services behind an interface."""
    return cast("FakeServices", vnic.resources.services)


def metrics_of(vnic: TcpVNic) -> FakeMetrics:
    """The metrics sink of an interface."""
    return cast("FakeMetrics", vnic.resources.metrics)


@asynccontextmanager
async def node(
    switch: TcpSwitch,
    *offers: ServiceKey,
    handler: Handler = echo,
    streamer: Streamer = each,
    settings: NodeSettings | None = None,
    options: VNicOptions | None = None,
) -> AsyncIterator[TcpVNic]:
    """A node that is connected and whose services the switch knows."""
    parts = resources(switch.port, settings)
    parts.services.handler, parts.services.streamer = handler, streamer
    async with make_vnic(parts, options) as vnic:
        for key in offers:
            await vnic.announce(key)
        await until(lambda: all(vnic.uuid in switch.directory.providers(key) for key in offers))
        yield vnic


def give_up(vnic: TcpVNic) -> None:
    """End the handlers at work, so that a test need not wait for them."""
    inbound = vnic._session._inbound
    assert inbound is not None
    inbound.cancel()


def cut_off(vnic: TcpVNic) -> None:
    """Break the connection of an interface as the end of its process would."""
    link = vnic._session.link
    assert link is not None
    link.abort("cut off by the test")


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


def new_id() -> str:
    """A node id."""
    return str(uuid.uuid4())


async def never(elements: FakeElements, message: Message) -> FakeElements | None:
    """A handler that does not finish."""
    await asyncio.Event().wait()
    return None


async def outcome_of(call: Awaitable[object]) -> object:
    """The result of a call, or the error that it raised."""
    try:
        return await call
    except L8Error as error:
        return error


def received(vnic: TcpVNic, count: int) -> bool:
    """Whether so many messages came to the services of a node."""
    return len(services_of(vnic).messages) == count


async def error_of_asking(
    caller: TcpVNic, target: str, service: str, area: int, action: Action
) -> Exception | None:
    """How a request to a target fails, ``None`` when it does not."""
    try:
        await caller.request(target, service, area, action)
    except UnavailableError as error:
        return error
    return None
