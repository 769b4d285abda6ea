# SPDX-License-Identifier: Apache-2.0
"""What a node is made of, and the small services that every part uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from l8types.enums import SerializerMode
from l8types.pb import DeliveryResult, IntegrationConfig
from l8types.pb.l8events_pb2 import EventCategory, Severity
from l8types.pb.l8notify_pb2 import NotifyChannel
from l8types.protocols.data import (
    CacheFactory,
    ElementsFactory,
    NotificationCodec,
    ObjectCodec,
    QueryFactory,
)
from l8types.protocols.models import Cloner, Introspector, Registry, Serializer, Updater
from l8types.protocols.security import SecurityProvider
from l8types.protocols.services import Services
from l8types.settings import NodeSettings

__all__ = [
    "BusinessLabels",
    "Clock",
    "Events",
    "Integrations",
    "Logger",
    "MetricsSink",
    "Notifier",
    "PluginFactory",
    "Resources",
]


class Clock(Protocol):
    """Time, as an argument; tests and the simulator bring their own."""

    def now(self) -> float:
        """Wall clock, Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...


class Logger(Protocol):
    """The part of ``logging.Logger`` that packages rely on."""

    def debug(self, msg: object, *args: object) -> None:
        """Log ``msg % args`` at this level."""
        ...

    def info(self, msg: object, *args: object) -> None:
        """Log ``msg % args`` at this level."""
        ...

    def warning(self, msg: object, *args: object) -> None:
        """Log ``msg % args`` at this level."""
        ...

    def error(self, msg: object, *args: object) -> None:
        """Log ``msg % args`` at this level."""
        ...

    def exception(self, msg: object, *args: object) -> None:
        """Log at level error, with the traceback of the exception being handled."""
        ...


class MetricsSink(Protocol):
    """Counters, gauges and histograms. Names and labels follow the Prometheus conventions."""

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        ...

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        ...

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a sample to a histogram."""
        ...

    def observer(self, name: str, **labels: str) -> Callable[[float], None]:
        """What adds samples to one series of a histogram, for those who add very many."""
        ...

    def render(self) -> str:
        """All metrics in the Prometheus text format."""
        ...


class Events(Protocol):
    """Posts event records."""

    async def post(
        self,
        category: EventCategory.ValueType,
        event_type: str,
        severity: Severity.ValueType,
        message: str,
        *,
        source_id: str = "",
        source_name: str = "",
        source_type: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Post one event record to the event service."""
        ...


class Notifier(Protocol):
    """Messages to people and systems outside."""

    async def send(
        self,
        channel: NotifyChannel.ValueType,
        endpoint: str,
        subject: str,
        message: str,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> DeliveryResult:
        """Deliver a message; the result says how it went."""
        ...


class Integrations(Protocol):
    """Configured outside systems."""

    def integration(self, name: str) -> IntegrationConfig:
        """An integration by name.

        Raises:
            NotFoundError: Not configured.
        """
        ...

    def integrations(self) -> tuple[IntegrationConfig, ...]:
        """All of them."""
        ...


class BusinessLabels(Protocol):
    """Labels that a business attaches to items."""

    def labels(self) -> Mapping[str, bool]:
        """Labels and whether they are in use."""
        ...


class Resources(Protocol):
    """The parts of one node. Made by the composition root; parts are created on first use.

    Every property but ``settings`` may raise ``ConfigurationError`` when the implementation that
    the settings name is not installed or fails to load; the message lists the candidates.
    """

    @property
    def settings(self) -> NodeSettings:
        """Settings of the node."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def metrics(self) -> MetricsSink:
        """Counters, gauges, histograms."""
        ...

    @property
    def registry(self) -> Registry:
        """Types by name."""
        ...

    @property
    def introspector(self) -> Introspector:
        """Type trees, keys, properties."""
        ...

    @property
    def cloner(self) -> Cloner:
        """Copies."""
        ...

    @property
    def updater(self) -> Updater:
        """Differences."""
        ...

    @property
    def codec(self) -> ObjectCodec:
        """Bytes of values."""
        ...

    @property
    def elements(self) -> ElementsFactory:
        """Containers of requests and answers."""
        ...

    @property
    def queries(self) -> QueryFactory:
        """The query language."""
        ...

    @property
    def caches(self) -> CacheFactory:
        """In-memory caches."""
        ...

    @property
    def notifications(self) -> NotificationCodec:
        """Changes as messages."""
        ...

    @property
    def security(self) -> SecurityProvider:
        """Who is who and may do what."""
        ...

    @property
    def services(self) -> Services:
        """The service manager."""
        ...

    def serializer(self, mode: SerializerMode) -> Serializer:
        """Serializer of a representation."""
        ...

    def create(self, group: str, name: str = "") -> object:
        """Make an implementation of an entry-point group.

        Args:
            group: One of ``Plugin``, or a group of the user's own.
            name: Entry-point name; by default what the settings say, else the only one there is.

        Raises:
            ConfigurationError: Unknown, ambiguous or failing; the message lists the candidates.
        """
        ...

    def register(self, *models: type) -> None:
        """Make models known to registry and introspector."""
        ...

    @property
    def data_directory(self) -> Path:
        """Directory for the node's files; exists."""
        ...


PluginFactory = Callable[[Resources], object]
"""What an entry point of a ``Plugin`` group names."""
