# SPDX-License-Identifier: Apache-2.0
"""Proves to the type checker that each class fits the interface that it implements; never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l8types.protocols.data import Cache, CacheFactory, NotificationCodec
    from l8types.protocols.models import Registry, TypeInfo
    from l8types.protocols.runtime import Clock, Events, MetricsSink, PluginFactory, Resources
    from l8types.protocols.security import SecurityProvider
    from l8types.protocols.web import WebService
    from l8utils import (
        EventPoster,
        MemoryCache,
        MemoryCacheFactory,
        NodeResources,
        ObjectNotificationCodec,
        PrometheusMetrics,
        RegisteredType,
        SystemClock,
        TypeRegistry,
        WebServiceDefinition,
        create_caches,
        create_metrics,
        create_notification_codec,
        create_registry,
    )
    from l8utils.testing import ShallowSecurity, create_shallow_security

    def cache(it: MemoryCache) -> Cache:
        """A cache."""
        return it

    def caches(it: MemoryCacheFactory) -> CacheFactory:
        """A maker of caches."""
        return it

    def clock(it: SystemClock) -> Clock:
        """A clock."""
        return it

    def events(it: EventPoster) -> Events:
        """A poster of events."""
        return it

    def metrics(it: PrometheusMetrics) -> MetricsSink:
        """A metrics sink."""
        return it

    def notifications(it: ObjectNotificationCodec) -> NotificationCodec:
        """A notification codec."""
        return it

    def registered(it: RegisteredType) -> TypeInfo:
        """A registered type."""
        return it

    def registry(it: TypeRegistry) -> Registry:
        """A registry."""
        return it

    def resources(it: NodeResources) -> Resources:
        """Resources."""
        return it

    def security(it: ShallowSecurity) -> SecurityProvider:
        """A security provider."""
        return it

    def web(it: WebServiceDefinition) -> WebService:
        """A service on the web."""
        return it

    FACTORIES: list[PluginFactory] = [
        create_caches,
        create_metrics,
        create_notification_codec,
        create_registry,
        create_shallow_security,
    ]
