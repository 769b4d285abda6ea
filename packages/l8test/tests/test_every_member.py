# SPDX-License-Identifier: Apache-2.0
"""No member of an interface can be broken without a suite that notices.

Each member of each interface is replaced, in the small implementation that passes the suites, by
one that does nothing, does nothing the second time, or gives its first result for ever.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING

import pytest

from l8test import FakeClock, conformance
from l8types import protocols

from . import (
    test_data_suites,
    test_host_suite,
    test_model_suites,
    test_part_suites,
    test_report_suites,
    test_runtime_suites,
    test_security_suites,
)
from .fake_data import FakeCache, FakeOrm, FakeStorage, Subscription
from .fake_election import FakeElection
from .fake_engine import FakeEngine, groups
from .fake_host import FakeHost
from .fake_leadership import FakeLeadership, managers
from .fake_models import (
    FakeCloner,
    FakeIntrospector,
    FakeRegistry,
    FakeUpdater,
    Info,
    Node,
    Property,
)
from .fake_network import FakeApi, FakeBatch, FakeDirectory, FakeGateway, FakeServices, FakeVNic
from .fake_parts import (
    FakeCollector,
    FakeMetrics,
    FakeResources,
    FakeRule,
    FakeSwitch,
)
from .fake_people import FakeAccounts, FakeTwoFactor
from .fake_query import FakeQueries, FakeQuery
from .fake_reports import FakeEvents, FakeIntegrations, FakeLogger, FakeNotifier
from .fake_security import FakeSecurity
from .fake_series import FakeSeries
from .fake_wire import (
    FakeCodec,
    FakeElements,
    FakeElementsFactory,
    FakeNotifications,
    FakeSerializer,
)
from .harness import Fixtures, cases, passes
from .idle_mutants import idle, stuck, tired
from .test_election_suite import elections
from .test_protocols_covered import COVERED
from .test_series_suite import stores as series
from .test_text_suite import FakeTextCodec
from .test_text_suite import codecs as texts
from .test_transactional_suite import Texts, instances

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUND: list[tuple[type, Fixtures]] = [
    *test_data_suites.SOUND,
    *test_host_suite.SOUND,
    *test_model_suites.SOUND,
    *test_part_suites.SOUND,
    *test_report_suites.SOUND,
    *test_runtime_suites.SOUND,
    *test_security_suites.SOUND,
    (conformance.ElectionConformance, elections()),
    (conformance.LeadershipConformance, managers()),
    (conformance.TextCodecConformance, texts()),
    (conformance.TimeSeriesConformance, series()),
    (conformance.TransactionEngineConformance, groups()),
    (conformance.TransactionalServiceConformance, instances()),
]

FAKES: dict[str, type] = {
    "AccountService": FakeAccounts,
    "Activation": FakeServices,
    "Announcer": FakeVNic,
    "Authenticator": FakeSecurity,
    "Authorizer": FakeSecurity,
    "Batch": FakeBatch,
    "Batching": FakeVNic,
    "Cache": FakeCache,
    "Cipher": FakeSecurity,
    "Clock": FakeClock,
    "Cloner": FakeCloner,
    "CollectorProtocol": FakeCollector,
    "ConfigSource": FakeSecurity,
    "ConnectionGuard": FakeSecurity,
    "CredentialStore": FakeSecurity,
    "Decorators": FakeIntrospector,
    "Dispatcher": FakeServices,
    "Drainer": FakeVNic,
    "ElectionStrategy": FakeElection,
    "Elements": FakeElements,
    "ElementsFactory": FakeElementsFactory,
    "Events": FakeEvents,
    "Inspector": FakeIntrospector,
    "Integrations": FakeIntegrations,
    "Introspector": FakeIntrospector,
    "KeyExtractor": FakeIntrospector,
    "Leadership": FakeLeadership,
    "Lifecycle": FakeVNic,
    "Logger": FakeLogger,
    "MetricsSink": FakeMetrics,
    "ModelNode": Node,
    "NodeDirectory": FakeDirectory,
    "NotificationCodec": FakeNotifications,
    "Notifier": FakeNotifier,
    "ObjectCodec": FakeCodec,
    "Orm": FakeOrm,
    "ParsingRule": FakeRule,
    "Property": Property,
    "PropertyResolver": FakeIntrospector,
    "Query": FakeQuery,
    "QueryFactory": FakeQueries,
    "Registry": FakeRegistry,
    "Replier": FakeVNic,
    "Requester": FakeVNic,
    "Resources": FakeResources,
    "ScopeFilter": FakeSecurity,
    "SecurityProvider": FakeSecurity,
    "Sender": FakeVNic,
    "Serializer": FakeSerializer,
    "ServiceApi": FakeApi,
    "Services": FakeServices,
    "Storage": FakeStorage,
    "Subscription": Subscription,
    "Switch": FakeSwitch,
    "SwitchInterface": FakeHost,
    "TextCodec": FakeTextCodec,
    "TimeSeriesStore": FakeSeries,
    "TransactionEngine": FakeEngine,
    "TransactionalService": Texts,
    "TwoFactor": FakeTwoFactor,
    "TypeInfo": Info,
    "Updater": FakeUpdater,
    "VNic": FakeVNic,
    "WebServer": FakeGateway,
}
"""By interface, what keeps its promises in the tests of the suites."""

UNSEEN: dict[tuple[str, str], str] = {
    **dict.fromkeys(
        [("Query", name) for name in ("match_case", "map_reduce", "register", "identity")],
        "clauses that the smallest language does not have; the package of the language tests them",
    ),
    **dict.fromkeys(
        [("Query", "group_by"), ("Query", "aggregate")],
        "the capability of aggregates, which the smallest language lacks",
    ),
    **dict.fromkeys(
        [("ParsedQuery", name) for name in ("key", "hash", "value_of", "cursor", "after")],
        "for caches of answers and for pages, of which no suite knows how they are made",
    ),
    **dict.fromkeys(
        [("ModelNode", name) for name in ("presence", "enum_class", "key_enum_class")],
        "of protobuf models and of enumerations with classes; the sample of these tests has none",
    ),
    ("ModelNode", "decorators"): "what was declared shows in keys, which the suite asks for",
    ("Updater", "check"): "the smallest updater checks when it applies, too",
    ("Replier", "reply"): "the smallest network answers with what the service manager returns",
    ("Dispatcher", "stream"): "the smallest service manager has no answers in parts",
    **dict.fromkeys(
        [
            ("CacheFactory", "create"),
            ("OrmFactory", "open"),
            ("TimeSeriesFactory", "open"),
            ("WebServerFactory", "create"),
        ],
        "the fixtures of the suites call it; what it made is what the suites examine",
    ),
}
"""Members that no suite can see broken here, and why."""


def members() -> Iterator[tuple[str, str]]:
    """All interfaces that have a suite, with each of their own members."""
    for module, names in COVERED.items():
        content = importlib.import_module(f"{protocols.__name__}.{module}")
        for name in names:
            own = vars(getattr(content, name))
            for member, value in own.items():
                public = not member.startswith("_") or member in {"__aenter__", "__aexit__"}
                if public and (callable(value) or isinstance(value, property)):
                    yield name, member


def suites_of(name: str) -> list[tuple[type, Fixtures]]:
    """The suites of an interface, or what derives from them, with what passes."""
    wanted = {
        getattr(conformance, f"{names[name]}Conformance")
        for names in COVERED.values()
        if name in names
    }
    return [(suite, fixtures) for suite, fixtures in SOUND if wanted & set(suite.__mro__)]


def broken(member: object) -> object:
    """What fails, whoever asks."""
    del member

    def fail(*_: object, **__: object) -> object:
        raise LookupError("a fault of the author")

    return fail


def strange(member: object) -> object:
    """What gives something that nobody can use."""

    def give(*_: object, **__: object) -> object:
        return object()

    async def wait(*_: object, **__: object) -> object:
        return object()

    return wait if inspect.iscoroutinefunction(member) else give


def mutants_of(member: object) -> Iterator[object]:
    """What may stand in the place of a member; of an attribute what is always read there."""
    if inspect.isfunction(member):
        yield from (fault(member) for fault in (idle, tired, stuck, strange, broken))
        return
    for value in (None, object()):
        yield property(lambda _, value=value: value, lambda *_: None)  # type: ignore[misc]
    if isinstance(member, property):
        yield from (idle(member), tired(member))


def is_caught(suite: type, fixtures: Fixtures) -> bool:
    """Whether a test of a suite fails."""
    return any(
        not passes(suite, name, arguments, fixtures)
        for name, test in inspect.getmembers(suite, inspect.isfunction)
        if name.startswith("test_")
        for arguments in cases(test)
    )


def broken_ones(name: str, member: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """For each mutant of a member, whether a suite of the interface notices."""
    fake = FAKES[name]
    for mutant in mutants_of(inspect.getattr_static(fake, member, None)):
        with monkeypatch.context() as patch:
            patch.setattr(fake, member, mutant, raising=False)
            yield any(is_caught(*one) for one in suites_of(name))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # left open
@pytest.mark.parametrize(("name", "member"), list(members()))
def test_a_broken_member_is_noticed(
    name: str, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some mutant of each member fails a suite, unless there is a reason why none can."""
    if (name, member) in UNSEEN and name not in FAKES:
        return
    assert any(broken_ones(name, member, monkeypatch)) is ((name, member) not in UNSEEN)


def test_reasons_are_for_members_that_are_there() -> None:
    """What is gone does not stay listed."""
    assert UNSEEN.keys() <= set(members())
