# SPDX-License-Identifier: Apache-2.0
"""The shared components keep what their interfaces promise."""

from __future__ import annotations

import logging
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from l8test.conformance import (
    Account,
    CacheConformance,
    ClockConformance,
    EventDesk,
    EventsConformance,
    KnownCredential,
    LoggerConformance,
    MetricsConformance,
    NotificationConformance,
    RegistryConformance,
    ResourcesConformance,
    ScopeCase,
    SecurityConformance,
    TextCodecConformance,
)
from l8test.services import CountingService, counting_sla
from l8test.wait import until
from l8types.constants import Plugin
from l8types.pb import EventRecord
from l8types.values import Credential
from l8utils import EventPoster, LogSettings, TypedTextCodec, logging_session
from l8utils._events import EVENTS_AREA, EVENTS_SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from l8test.conformance import EventDeskOpener, Written
    from l8test.models import Sample
    from l8types.protocols.data import Cache, Elements, ElementsFactory, NotificationCodec
    from l8types.protocols.models import Registry, TextCodec
    from l8types.protocols.runtime import Clock, Logger, MetricsSink, Resources
    from l8types.protocols.security import SecurityProvider
    from l8types.protocols.services import Call
    from l8utils import NodeResources

    from .conftest import OpenNetwork


@pytest.mark.feature("l8types:TYP-13")
class TestRegistry(RegistryConformance):
    """The registry."""

    @pytest.fixture
    def registry(self, bare: NodeResources) -> Registry:
        """A fresh registry."""
        return bare.registry


class TestText(TextCodecConformance):
    """Typed text, as in property ids."""

    @pytest.fixture
    def text_codec(self, bare: NodeResources) -> TextCodec:
        """A codec that knows no model."""
        return TypedTextCodec(bare.registry)


class TestClock(ClockConformance):
    """The clock of the machine."""

    @pytest.fixture
    def clock(self, bare: NodeResources) -> Clock:
        """The clock of a node."""
        return bare.clock


class TestMetrics(MetricsConformance):
    """Figures for Prometheus."""

    @pytest.fixture
    def metrics(self, bare: NodeResources) -> MetricsSink:
        """The sink of a node."""
        return bare.metrics


@pytest.mark.feature("l8types:TYP-43")
class TestLogger(LoggerConformance):
    """The loggers of the standard library, as a node sets them up."""

    @pytest.fixture
    def logger(self) -> Logger:
        """Any logger."""
        return logging.getLogger("sample")

    @pytest.fixture
    def written(self, tmp_path: Path) -> Iterator[Written]:
        """What is in the file, which a thread writes."""
        file = tmp_path / "node.log"
        settings = LogSettings(level=logging.DEBUG, console=False, file=file)
        with ExitStack() as session:
            session.enter_context(logging_session(settings))

            def read() -> str:
                # Leaving a session writes what waits.
                session.close()
                return file.read_text(encoding="utf-8")

            yield read


@pytest.mark.feature("l8types:TYP-44")
class TestEvents(EventsConformance):
    """Events over a network, to the service that keeps them."""

    @pytest.fixture
    def open_desk(self, open_network: OpenNetwork) -> EventDeskOpener:
        """One node posts, another one keeps."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[EventDesk]:
            async with open_network() as network:
                keeper = await network.connect("keeper")
                poster = await network.connect("poster")
                for vnic in (keeper, poster):
                    vnic.resources.register(EventRecord)
                service = EventKeeper()
                agreement = counting_sla(service, name=EVENTS_SERVICE, area=EVENTS_AREA)
                await keeper.resources.services.activate(agreement, keeper)
                key = agreement.key
                await until(lambda: keeper.uuid in poster.directory.providers(key))
                async with EventPoster(poster) as events:
                    yield EventDesk(events, lambda: service.records, poster.uuid)

        return opened


class EventKeeper(CountingService):
    """Keeps the records that it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[EventRecord] = []

    @override
    async def post(self, elements: Elements, call: Call) -> Elements:
        self.records += [one for one in elements.values if isinstance(one, EventRecord)]
        return await super().post(elements, call)


@pytest.mark.feature("l8types:TYP-15")
class TestResources(ResourcesConformance):
    """The parts of a node."""

    @pytest.fixture
    def resources(self, bare: NodeResources) -> Resources:
        """Those of a node with every package installed."""
        return bare


@pytest.mark.feature("l8types:TYP-21")
class TestCache(CacheConformance):
    """The cache in memory."""

    @pytest.fixture
    def cache(self, resources: NodeResources, sample: Sample) -> Cache:
        """A fresh cache."""
        return resources.caches.create(sample.model)


class TestNotifications(NotificationConformance):
    """The codec of notifications."""

    @pytest.fixture
    def notifications(self, resources: NodeResources) -> NotificationCodec:
        """The codec of a node."""
        return resources.notifications


@pytest.mark.feature("l8types:TYP-36")
class TestShallowSecurity(SecurityConformance):
    """The permissive provider, which lacks what makes a provider secure."""

    detects_damage = False
    checks_passwords = False
    denies = False
    hides = False
    blocks = False

    @pytest.fixture
    def security(self, bare: NodeResources) -> SecurityProvider:
        """The permissive provider, named on purpose."""
        return bare.create(Plugin.SECURITY, "shallow")  # type: ignore[return-value]  # by its group

    @pytest.fixture
    def account(self) -> Account:
        """Anybody."""
        return Account("anybody", "anything", "any identity")

    @pytest.fixture
    def content(self, bare: NodeResources) -> Elements:
        """An empty request."""
        return bare.elements.of()

    @pytest.fixture
    def containers(self, bare: NodeResources) -> ElementsFactory:
        """Containers of the node."""
        return bare.elements

    @pytest.fixture
    def scope_case(self) -> ScopeCase:
        """Everybody sees everything."""
        return ScopeCase("any identity", ["a", "b"], [])

    @pytest.fixture
    def known(self) -> KnownCredential:
        """That of the simulated devices."""
        return KnownCredential("sim", "ssh", Credential("simadmin", "simadmin", "simadmin"))
