# SPDX-License-Identifier: Apache-2.0
"""Conformance suites: what "swappable" means, as tests.

There is one class per interface of ``l8types``. Whoever implements an interface derives a test
class from its suite and provides the fixtures that the suite's docstring names::

    class TestMyRegistry(RegistryConformance):
        @pytest.fixture
        def registry(self) -> Registry:
            return MyRegistry()

Every test checks one promise of the interface, which its docstring states. What an implementation
may legitimately lack is a capability: an attribute of the suite that the derived class sets. The
asynchronous suites need ``asyncio_mode = "auto"`` of pytest-asyncio.
"""

from l8test.conformance._admission import (
    ConfigSourceConformance,
    ConnectionGuardConformance,
    CredentialStoreConformance,
    KnownCredential,
    Peer,
    ScopeCase,
    ScopeFilterConformance,
)
from l8test.conformance._base import ModelConformance
from l8test.conformance._cache import CacheConformance, NotificationConformance
from l8test.conformance._changes import ClonerConformance, UpdaterConformance
from l8test.conformance._clock import ClockConformance
from l8test.conformance._codec import ObjectCodecConformance, SerializerConformance
from l8test.conformance._collection import (
    CollectorConformance,
    Device,
    DeviceOpener,
    ParsingRuleConformance,
    RuleCase,
)
from l8test.conformance._election import ElectionConformance, ElectionMaker
from l8test.conformance._elements import ElementsConformance
from l8test.conformance._engine import (
    GroupOpener,
    Joiner,
    Seat,
    TransactionEngineConformance,
)
from l8test.conformance._inspector import DecoratorsConformance, InspectorConformance
from l8test.conformance._integrations import IntegrationsConformance
from l8test.conformance._leadership import LeadershipConformance, NodesOpener
from l8test.conformance._metrics import MetricsConformance
from l8test.conformance._people import (
    AccountDesk,
    AccountServiceConformance,
    Enrollee,
    TwoFactorConformance,
)
from l8test.conformance._properties import PropertyConformance
from l8test.conformance._query import QueryConformance
from l8test.conformance._register import RegisterService
from l8test.conformance._registry import RegistryConformance
from l8test.conformance._reports import (
    EventDesk,
    EventDeskOpener,
    EventsConformance,
    LoggerConformance,
    Mailbox,
    NotifierConformance,
    Written,
)
from l8test.conformance._resources import ResourcesConformance
from l8test.conformance._security import (
    Account,
    AuthenticatorConformance,
    AuthorizerConformance,
    CipherConformance,
    SecurityConformance,
)
from l8test.conformance._series import SeriesOpener, TimeSeriesConformance
from l8test.conformance._services import (
    ActivationConformance,
    DispatcherConformance,
    NodeOpener,
)
from l8test.conformance._stores import (
    OrmConformance,
    OrmOpener,
    StorageConformance,
    StorageOpener,
)
from l8test.conformance._switch import Exchange, SwitchConformance
from l8test.conformance._switch_interface import HostExchange, SwitchInterfaceConformance
from l8test.conformance._text import TextCodecConformance
from l8test.conformance._transactional import (
    Instance,
    InstanceOpener,
    TransactionalServiceConformance,
)
from l8test.conformance._vnic import Inbox, PairOpener, VNicConformance
from l8test.conformance._web import GatewayHost, HostOpener, WebServerConformance

__all__ = [
    "Account",
    "AccountDesk",
    "AccountServiceConformance",
    "ActivationConformance",
    "AuthenticatorConformance",
    "AuthorizerConformance",
    "CacheConformance",
    "CipherConformance",
    "ClockConformance",
    "ClonerConformance",
    "CollectorConformance",
    "ConfigSourceConformance",
    "ConnectionGuardConformance",
    "CredentialStoreConformance",
    "DecoratorsConformance",
    "Device",
    "DeviceOpener",
    "DispatcherConformance",
    "ElectionConformance",
    "ElectionMaker",
    "ElementsConformance",
    "Enrollee",
    "EventDesk",
    "EventDeskOpener",
    "EventsConformance",
    "Exchange",
    "GatewayHost",
    "GroupOpener",
    "HostExchange",
    "HostOpener",
    "Inbox",
    "InspectorConformance",
    "Instance",
    "InstanceOpener",
    "IntegrationsConformance",
    "Joiner",
    "KnownCredential",
    "LeadershipConformance",
    "LoggerConformance",
    "Mailbox",
    "MetricsConformance",
    "ModelConformance",
    "NodeOpener",
    "NodesOpener",
    "NotificationConformance",
    "NotifierConformance",
    "ObjectCodecConformance",
    "OrmConformance",
    "OrmOpener",
    "PairOpener",
    "ParsingRuleConformance",
    "Peer",
    "PropertyConformance",
    "QueryConformance",
    "RegisterService",
    "RegistryConformance",
    "ResourcesConformance",
    "RuleCase",
    "ScopeCase",
    "ScopeFilterConformance",
    "Seat",
    "SecurityConformance",
    "SerializerConformance",
    "SeriesOpener",
    "StorageConformance",
    "StorageOpener",
    "SwitchConformance",
    "SwitchInterfaceConformance",
    "TextCodecConformance",
    "TimeSeriesConformance",
    "TransactionEngineConformance",
    "TransactionalServiceConformance",
    "TwoFactorConformance",
    "UpdaterConformance",
    "VNicConformance",
    "WebServerConformance",
    "Written",
]
