# SPDX-License-Identifier: Apache-2.0
"""Shared components of Layer 8: resources, registry, caches, queues, workers and notifications.

These are the everyday parts that a node is made of. Each implements an interface of ``l8types`` or
takes what it needs as an argument, so each can be used alone or replaced. Shallow security, for
tests and closed laboratories, is in ``l8utils.testing``.
"""

from l8utils._aggregator import Aggregator, AggregatorStatistics, Destination
from l8utils._cache import CacheStatistics, MemoryCache
from l8utils._cache_factory import MemoryCacheFactory, create_caches
from l8utils._clock import SystemClock
from l8utils._events import EventPoster
from l8utils._live import LiveChange, LiveChangeType, LiveQueries, LiveSubscription
from l8utils._logging import LogSettings, logging_session, redact
from l8utils._metrics import PrometheusMetrics, create_metrics
from l8utils._notification import ObjectNotificationCodec, create_notification_codec
from l8utils._plugins import PluginCatalog
from l8utils._points import split_points
from l8utils._process import Profile, output_in_files, profile, wait_for_end
from l8utils._queues import AsyncQueue, PriorityByteQueue, QueueStatistics
from l8utils._registry import RegisteredType, TypeRegistry, create_registry
from l8utils._requests import PendingRequest, PendingRequests
from l8utils._resources import NodeResources, Parts
from l8utils._segment import IpSegment, NetworkInterface, parse_address
from l8utils._shared import SharedMap, SharedQueue
from l8utils._text import TypedTextCodec, plain_text
from l8utils._text_builder import TextBuilder
from l8utils._web import WebServiceDefinition
from l8utils._workers import Job, WorkerPool, run_all

__all__ = [
    "Aggregator",
    "AggregatorStatistics",
    "AsyncQueue",
    "CacheStatistics",
    "Destination",
    "EventPoster",
    "IpSegment",
    "Job",
    "LiveChange",
    "LiveChangeType",
    "LiveQueries",
    "LiveSubscription",
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
    "Profile",
    "PrometheusMetrics",
    "QueueStatistics",
    "RegisteredType",
    "SharedMap",
    "SharedQueue",
    "SystemClock",
    "TextBuilder",
    "TypeRegistry",
    "TypedTextCodec",
    "WebServiceDefinition",
    "WorkerPool",
    "create_caches",
    "create_metrics",
    "create_notification_codec",
    "create_registry",
    "logging_session",
    "output_in_files",
    "parse_address",
    "plain_text",
    "profile",
    "redact",
    "run_all",
    "split_points",
    "wait_for_end",
]
