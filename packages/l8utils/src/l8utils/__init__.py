# SPDX-License-Identifier: Apache-2.0
"""Shared components of Layer 8: resources, registry, caches, queues, workers and notifications.

These are the everyday parts that a node is made of. Each implements an interface of ``l8types`` or
takes what it needs as an argument, so each can be used alone or replaced. Shallow security, for
tests and closed laboratories, is in ``l8utils.testing``.
"""

from l8utils._aggregator import Aggregator, AggregatorStatistics, Destination
from l8utils._cache import MemoryCache, MemoryCacheFactory, create_caches
from l8utils._clock import SystemClock
from l8utils._logging import LogSettings, logging_session, redact
from l8utils._metrics import PrometheusMetrics, create_metrics
from l8utils._notification import ObjectNotificationCodec, create_notification_codec
from l8utils._plugins import PluginCatalog
from l8utils._queues import AsyncQueue, PriorityByteQueue, QueueStatistics
from l8utils._registry import RegisteredType, TypeRegistry, create_registry
from l8utils._requests import PendingRequest, PendingRequests
from l8utils._resources import NodeResources, Parts
from l8utils._segment import IpSegment, NetworkInterface, parse_address
from l8utils._text import TypedTextCodec, plain_text
from l8utils._web import WebServiceDefinition
from l8utils._workers import Job, WorkerPool, run_all

__all__ = [
    "Aggregator",
    "AggregatorStatistics",
    "AsyncQueue",
    "Destination",
    "IpSegment",
    "Job",
    "LogSettings",
    "MemoryCache",
    "MemoryCacheFactory",
    "NetworkInterface",
    "NodeResources",
    "ObjectNotificationCodec",
    "Parts",
    "PendingRequest",
    "PendingRequests",
    "PluginCatalog",
    "PriorityByteQueue",
    "PrometheusMetrics",
    "QueueStatistics",
    "RegisteredType",
    "SystemClock",
    "TypeRegistry",
    "TypedTextCodec",
    "WebServiceDefinition",
    "WorkerPool",
    "create_caches",
    "create_metrics",
    "create_notification_codec",
    "create_registry",
    "logging_session",
    "parse_address",
    "plain_text",
    "redact",
    "run_all",
]
