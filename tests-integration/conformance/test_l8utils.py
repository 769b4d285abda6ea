# SPDX-License-Identifier: Apache-2.0
"""The shared components keep what their interfaces promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance import (
    Account,
    CacheConformance,
    ClockConformance,
    KnownCredential,
    MetricsConformance,
    NotificationConformance,
    RegistryConformance,
    ResourcesConformance,
    ScopeCase,
    SecurityConformance,
)
from l8types.constants import Plugin
from l8types.values import Credential

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.data import Cache, Elements, ElementsFactory, NotificationCodec
    from l8types.protocols.models import Registry
    from l8types.protocols.runtime import Clock, MetricsSink, Resources
    from l8types.protocols.security import SecurityProvider
    from l8utils import NodeResources


class TestRegistry(RegistryConformance):
    """The registry."""

    @pytest.fixture
    def registry(self, bare: NodeResources) -> Registry:
        """A fresh registry."""
        return bare.registry


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


class TestResources(ResourcesConformance):
    """The parts of a node."""

    @pytest.fixture
    def resources(self, bare: NodeResources) -> Resources:
        """Those of a node with every package installed."""
        return bare


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
