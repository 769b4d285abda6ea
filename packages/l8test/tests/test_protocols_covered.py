# SPDX-License-Identifier: Apache-2.0
"""Every interface has its suite, or a reason why there is none."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from l8test import conformance
from l8types import protocols

COVERED = {
    "collection": {
        "CollectorProtocol": "Collector",
        "ParsingRule": "ParsingRule",
    },
    "data": {
        "Subscription": "Cache",
        "ObjectCodec": "ObjectCodec",
        "Elements": "Elements",
        "ElementsFactory": "Elements",
        "Query": "Query",
        "ParsedQuery": "Query",
        "QueryFactory": "Query",
        "Cache": "Cache",
        "CacheFactory": "Cache",
        "NotificationCodec": "Notification",
    },
    "models": {
        "ModelNode": "Inspector",
        "Property": "Property",
        "Inspector": "Inspector",
        "Decorators": "Decorators",
        "KeyExtractor": "Decorators",
        "PropertyResolver": "Property",
        "Introspector": "Inspector",
        "Cloner": "Cloner",
        "Updater": "Updater",
        "Serializer": "Serializer",
        "TypeInfo": "Registry",
        "Registry": "Registry",
        "TextCodec": "TextCodec",
    },
    "net": {
        "Lifecycle": "VNic",
        "Sender": "VNic",
        "Requester": "VNic",
        "Replier": "VNic",
        "NodeDirectory": "VNic",
        "Announcer": "VNic",
        "Drainer": "VNic",
        "Batch": "VNic",
        "Batching": "VNic",
        "ServiceApi": "VNic",
        "VNic": "VNic",
        "Switch": "Switch",
        "SwitchInterface": "SwitchInterface",
    },
    "runtime": {
        "Clock": "Clock",
        "Logger": "Logger",
        "MetricsSink": "Metrics",
        "Events": "Events",
        "Notifier": "Notifier",
        "Integrations": "Integrations",
        "Resources": "Resources",
    },
    "security": {
        "Cipher": "Cipher",
        "ConnectionGuard": "ConnectionGuard",
        "Authenticator": "Authenticator",
        "TwoFactor": "TwoFactor",
        "AccountService": "AccountService",
        "Authorizer": "Authorizer",
        "ScopeFilter": "ScopeFilter",
        "CredentialStore": "CredentialStore",
        "ConfigSource": "ConfigSource",
        "SecurityProvider": "Security",
    },
    "services": {
        "Activation": "Activation",
        "Dispatcher": "Dispatcher",
        "Leadership": "Leadership",
        "Services": "Dispatcher",
        "ElectionStrategy": "Election",
        "TransactionalService": "TransactionalService",
        "TransactionEngine": "TransactionEngine",
    },
    "stores": {
        "Storage": "Storage",
        "Orm": "Orm",
        "OrmFactory": "Orm",
        "TimeSeriesStore": "TimeSeries",
        "TimeSeriesFactory": "TimeSeries",
    },
    "web": {
        "WebServer": "WebServer",
        "WebServerFactory": "WebServer",
    },
}
"""By module, the interfaces with the suites that prove them, without ``Conformance``."""

EXEMPT = {
    "AskAll": "a question that a replicated service is given; the suites of the cluster ask it",
    "BusinessLabels": "nothing asks for it",
    "MapReduceService": "user code, whose only promise is what its author wants of it",
    "ReplicatedService": "its promises are those of the cluster, which the simulator checks",
    "ServiceHandler": "user code; what it may rely on is in the suites of its callers",
    "ServiceHook": "user code, which may do what it likes",
    "StreamingService": "user code, as the handler",
    "TimeSeriesService": "the suite of its store says what is kept",
    "TokenValidator": "an authenticator has that member and its suite",
    "TransactionConfig": "values without behaviour",
    "WebPlugin": "user code, which the gateway is given",
    "WebService": "a description without behaviour",
}
"""Interfaces without a suite, and why."""


def interfaces() -> dict[str, set[str]]:
    """The protocols of each module."""
    found: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(protocols.__path__):
        content = importlib.import_module(f"{protocols.__name__}.{module.name}")
        found[module.name] = {
            name
            for name, one in inspect.getmembers(content, inspect.isclass)
            if one.__module__ == content.__name__ and getattr(one, "_is_protocol", False)
        }
    return found


def test_every_interface_has_a_suite_or_a_reason() -> None:
    """A new one cannot be forgotten, and one that is gone does not stay listed."""
    there = interfaces()
    known = {module: set(names) for module, names in COVERED.items()}
    exempt = {m: names - known.get(m, set()) for m, names in there.items()}
    assert known.keys() <= there.keys()
    for module, names in known.items():
        assert names <= there[module]
    assert set().union(*exempt.values()) == EXEMPT.keys()


def test_the_suites_are_there() -> None:
    """All that are named can be imported, and none is there that proves no interface."""
    named = {f"{suite}Conformance" for names in COVERED.values() for suite in names.values()}
    offered = {name for name in conformance.__all__ if name.endswith("Conformance")}
    assert named == offered - {"ModelConformance"}
