# SPDX-License-Identifier: Apache-2.0
"""Which parts of a query travel, and what a query says about itself."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from gsql import Portability, QueryFactory

from . import strategies
from .fakes import FakeInspector
from .models import Device, T

if TYPE_CHECKING:
    from gsql import BoundQuery

QUERIES = QueryFactory(FakeInspector(Device, T))
REFUSED, REWRITTEN, RISK = Portability.REFUSED, Portability.REWRITTEN, Portability.RISK


def kinds(query: BoundQuery) -> set[Portability]:
    """What becomes of the parts of a query."""
    return {each.portability for each in query.portability()}


@pytest.mark.parametrize(
    "where",
    [
        "cost_eur>1",
        "tags=x",
        "active!=true",
        "active in [1]",
        "main=nil",
        "id in ['a,b']",
        "id in [O'Brien]",
        "id=O'Brien",
        "id=device.vendor",
        "id=vendor",
        "names is null",
        "not id is null",
        "all ports.name=x",
        "any(ports: name=x)",
        "tags<{24}k>=x",
        "id like 'a_'",
        "note=x",
        "not main.name>x",
    ],
)
def test_parts_that_are_refused(where: str) -> None:
    """Each is named, with a reason; the others of the query are not."""
    query = QUERIES.parse(f"select * from Device where count=1 and {where}")
    (finding,) = query.portability()
    assert finding.portability is REFUSED
    assert "count" not in finding.part
    assert str(finding) == f"refused: {finding.part}: {finding.reason}"
    assert not query.to_wire().rootType


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from Device", set()),
        ("select id from Device where count=1 and id=x sort-by id limit 5", set()),
        ("select distinct id from Device", {REFUSED}),
        ("select * from Device sort-by id, count", {REFUSED}),
        ("select count(*) from Device having count>1", {REFUSED}),
        ("select count(*) from Device group-by tags<{24}k>", {REFUSED}),
        ("select * from Device where count=1 and id=a or id=b", {REWRITTEN}),
        ("select * from Device where not count=1", {REWRITTEN}),
        ("select * from Device where count between 1 and 2", {REWRITTEN}),
        ("select * from Device where main.name=x", {RISK}),
        ("select * from Device where ports.name=x", {RISK}),
        ("select * from Device where id=x*", {RISK}),
        ("select ports.name from Device", {RISK}),
        ("  select * from Device", {RISK}),
        ("select *\nfrom Device", {RISK}),
        ("select * from Device where id='limit 5'", {RISK}),
        ('select * from Device where id="Registered"', {RISK}),
        ("select * from Device where " + " or ".join(f"count={n}" for n in range(90)), {REFUSED}),
    ],
)
def test_queries_as_a_whole(text: str, expected: set[Portability]) -> None:
    """Nothing is said about what every node evaluates alike."""
    assert kinds(QUERIES.parse(text)) == expected


@given(strategies.queries())
def test_the_lint_knows_what_is_sent(text: str) -> None:
    """A tree is sent exactly when nothing is refused, and the text stays unless rewritten."""
    query = QUERIES.parse(text)
    message, found = query.to_wire(), kinds(query)
    assert bool(message.rootType) is (REFUSED not in found)
    assert (message.text == text) is (REWRITTEN not in found)


def test_explain() -> None:
    """One line for each fact, conditions in words."""
    query = QUERIES.parse(
        "select distinct id, main from Device where count>=3 or not vendor=cis* limit 5 page 2 "
        "sort-by id descending mapreduce register"
    )
    assert query.explain() == "\n".join(
        [
            "model: Device",
            "columns: id (string), main (Port), equal results once",
            "where:",
            "  any of:",
            "    count is at least 3",
            "    not:",
            "      vendor fits the pattern 'cis%' (in any case)",
            "sort: id, descending, absent values last",
            "page: number 2 (from 0), 5 items from position 10",
            "flag: every provider answers for its part (mapreduce)",
            "flag: the caller is told of changes from now on (register)",
            "on other nodes:",
            "  refused: distinct: the tree has no word for it",
            *[f"  {each}" for each in query.portability()[1:]],
        ]
    )


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("count=1", "count is 1"),
        ("count!=1", "count is not 1"),
        ("count between 1 and 2", "count is from 1 to 2"),
        ("count in [1,2]", "count is one of [1, 2]"),
        (f"count in [{','.join(map(str, range(12)))}]", "and 2 more"),
        ("id not in [a] match-case", 'id is none of ["a"] (case counts)'),
        ("main=nil", "main is absent, empty or zero"),
        ("main!=nil", "main is not absent, empty or zero"),
        ("note is null", "note is absent or an empty collection"),
        ("note is not null", "note is there"),
        ("count>device.cost_eur", "count is greater than the attribute costeur"),
        ("ports.name=x", 'some ports.name is "x"'),
        ("all ports.name=x", 'every ports.name is "x"'),
        ("ports.name!=x", 'every ports.name is not "x"'),
        ("any ports.name!=x", 'at least one ports.name is not "x"'),
        ("names!=nil", "names is not absent, empty or zero"),
        ("any(ports: speed<1)", "one and the same object of ports satisfies:\n    speed is less"),
        ("all(ports: speed<=1)", "every object of ports satisfies:\n    speed is at most 1"),
        ("id not like 'a_'", "id does not fit the pattern 'a_'"),
    ],
)
def test_conditions_in_words(where: str, words: str) -> None:
    """Every operator has its words."""
    assert words in QUERIES.parse(f"select * from Device where {where}").explain()


def test_explain_aggregates() -> None:
    """Results, groups and their condition."""
    text = QUERIES.parse(
        "select vendor, count(*), avg(weight) as mean from Device group-by vendor having count>1"
    ).explain()
    for line in (
        "result: count = count of the items",
        "result: mean = avg of weight",
        "groups: vendor",
        "having:\n  count is greater than 1",
        "where: everything",
        "page: everything",
    ):
        assert line in text


def test_the_generated_code_is_shown_on_request() -> None:
    """With the constants, which are no part of the code."""
    query = QUERIES.parse("select * from T where b=77")
    assert "generated code" not in query.explain()
    assert "on other nodes: evaluated as it stands" in query.explain()
    shown = query.explain(source=True)
    assert "  # c0 = 77\n  def matches(x):\n      return bool(x.B == c0)" in shown
    assert "generated code" not in QUERIES.parse("select * from T").explain(source=True)


@given(strategies.queries())
def test_every_query_can_be_explained(text: str) -> None:
    """Whatever it asks."""
    assert QUERIES.parse(text).explain(source=True).startswith("model: Device\n")
