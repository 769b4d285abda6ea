# SPDX-License-Identifier: Apache-2.0
"""No test of a suite is there for nothing: each fails on some implementation that is wrong."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.message import Message

from l8test import conformance
from l8test.conformance import (
    ClonerConformance,
    ModelConformance,
    OrmConformance,
    StorageConformance,
    UpdaterConformance,
    WebServerConformance,
)
from l8types.errors import QueryError
from l8types.values import Change, ChangeSet

from . import (
    idle_mutants,
    subtle_mutants,
    test_data_suites,
    test_election_suite,
    test_engine_suite,
    test_host_suite,
    test_leadership_suite,
    test_model_suites,
    test_part_suites,
    test_report_suites,
    test_runtime_suites,
    test_security_suites,
    test_series_suite,
    test_text_suite,
    test_transactional_suite,
)
from .fake_data import FakeOrm, FakeStorage, declared
from .fake_models import FakeUpdater
from .fake_query import FakeQueries
from .harness import RECORD, Fixtures, failures
from .idle_mutants import cloners, updaters
from .test_data_suites import Queries, orms, stores
from .test_runtime_suites import gateways

if TYPE_CHECKING:
    from l8types.protocols.data import Query


def languages(**members: Any) -> Fixtures:
    """Fixtures with a query language that differs in these members."""
    return {"queries": lambda: type("Mutant", (FakeQueries,), members)(declared())}


def everything(self: FakeQueries, text: str, **parameters: object) -> Query:
    """A language that takes what it does not understand for a question about everything."""
    try:
        return PARSE(self, text, **parameters)  # type: ignore[return-value]
    except QueryError:
        return PARSE(self, RECORD.query())  # type: ignore[return-value]


def one_row(self: FakeQueries, text: str, **parameters: object) -> Query:
    """A language in which everybody gets one row."""
    found = PARSE(self, text, **parameters)
    found.limit = 1
    return found  # type: ignore[return-value]


PARSE = FakeQueries.parse


def known_only(self: object, item: Any) -> Any:
    """A copy without the fields that this version does not know."""
    copied = copy.deepcopy(item)
    if isinstance(copied, Message):
        copied.DiscardUnknownFields()
    return copied


def always(self: FakeUpdater, old: object, new: object, **options: Any) -> ChangeSet:
    """A difference where there is none."""
    found = DIFF(self, old, new, **options)
    return found or ChangeSet(found.model, found.key, (Change("samplerecord.myint32", 1, 1),))


DIFF = FakeUpdater.diff


async def once(self: FakeOrm | FakeStorage) -> None:
    """A store that cannot be closed again."""
    del self.closing  # type: ignore[union-attr]


class AnyCloners(ClonerConformance):
    """The suite with all its capabilities."""


OTHERS: list[tuple[type, Fixtures, str]] = [
    (Queries, languages(parse=everything), "test_bad_text"),
    (Queries, languages(parse=everything), "test_unknown_names"),
    (Queries, languages(parse=one_row), "test_clauses"),
    (Queries, languages(parse=one_row), "test_defaults"),
    (AnyCloners, cloners(clone=known_only), "test_unknown_fields"),
    (UpdaterConformance, updaters(diff=always), "test_no_difference"),
    (OrmConformance, orms(aclose=once), "test_close"),
    (StorageConformance, stores(aclose=once), "test_close"),
    (
        WebServerConformance,
        gateways(running=property(lambda _: True, lambda *_: None)),
        "test_listens_when_entered",
    ),
]

ALL = [
    *OTHERS,
    *idle_mutants.MUTANTS,
    *subtle_mutants.MUTANTS,
    *test_data_suites.MUTANTS,
    *test_election_suite.MUTANTS,
    *test_engine_suite.MUTANTS,
    *test_host_suite.MUTANTS,
    *test_leadership_suite.MUTANTS,
    *test_model_suites.MUTANTS,
    *test_part_suites.MUTANTS,
    *test_report_suites.MUTANTS,
    *test_runtime_suites.MUTANTS,
    *test_security_suites.MUTANTS,
    *test_series_suite.MUTANTS,
    *test_text_suite.MUTANTS,
    *test_transactional_suite.MUTANTS,
]

SUITES = [
    getattr(conformance, name)
    for name in conformance.__all__
    if name.endswith("Conformance") and name != ModelConformance.__name__
]


@pytest.mark.parametrize(
    ("suite", "fixtures", "test"), [*OTHERS, *idle_mutants.MUTANTS, *subtle_mutants.MUTANTS]
)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """An implementation that does something wrong, or nothing, is caught."""
    assert test in failures(suite, fixtures, only=test)


def test_sound_copies_of_unknown_fields() -> None:
    """The one that takes all kinds of models passes, too."""
    assert failures(AnyCloners, cloners(), only="test_unknown_fields") == set()


@pytest.mark.parametrize("suite", SUITES)
def test_every_test_of_a_suite_catches_something(suite: type) -> None:
    """Each is named by a mutant of this suite, or of one that inherits it.

    That a mutant is caught by the test it names is proved where the mutants are.
    """
    tests = {
        name for name, _ in inspect.getmembers(suite, inspect.isfunction) if name[:5] == "test_"
    }
    assert tests
    assert tests - {test for other, _, test in ALL if issubclass(other, suite)} == set()
