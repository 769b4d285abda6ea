# SPDX-License-Identifier: Apache-2.0
"""Queries as values, and the factory that makes them."""

from __future__ import annotations

from importlib.metadata import entry_points
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast, get_type_hints

import pytest

import gsql
from gsql import BoundQuery, QueryFactory
from l8types.constants import Plugin
from l8types.pb import L8Query
from l8types.protocols import data

from .fakes import FakeInspector
from .models import Device, T

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources


@pytest.mark.feature("GQ-31")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select * from T where a=x and b=1", "Select *\nfrom t where ((A='x') and t.b=01)"),
        ("select * from T where b in [1,1]", "select * from T where b in (1)"),
        ("select * from T sort-by a descending", "select * from T descending sort-by a"),
        ("select * from T where a=x*", "select * from T where a like 'x%'"),
    ],
)
def test_equal_queries(queries: QueryFactory, one: str, other: str) -> None:
    """Queries that ask the same are equal and have one hash, however they are written."""
    first, second = queries.parse(one), queries.parse(other)
    assert first == second
    assert hash(first) == hash(second)
    assert first.text == one


@pytest.mark.feature("GQ-31")
def test_different_queries(queries: QueryFactory) -> None:
    """Every fact of a query counts."""
    texts = [
        "select * from T",
        "select * from Device",
        "select a from T",
        "select distinct a from T",
        "select * from T where a=x",
        "select * from T where a=X",
        "select * from T where a=x match-case",
        "select * from T where a!=x",
        "select * from T sort-by a",
        "select * from T sort-by a descending",
        "select * from T limit 5",
        "select * from T limit 5 page 1",
        "select * from T mapreduce",
        "select * from T register",
        "select count(*) from T",
        "select count(a) as count from T",
        "select count(*) as n from T",
        "select count(*) from T group-by a",
        "select count(*) from T group-by a having count>1",
    ]
    assert len({queries.parse(text) for text in texts}) == len(texts)
    assert queries.parse(texts[0]) != texts[0]
    assert repr(queries.parse(texts[0])) == "<BoundQuery 'select * from T'>"


def test_a_text_is_parsed_once(queries: QueryFactory) -> None:
    """The factory remembers queries by their text or bytes, up to its limit."""
    text = "select * from T where a=x"
    query = queries.parse(text)
    assert queries.parse(text) is query
    assert queries.from_wire(query.to_wire()) is queries.from_wire(query.to_wire())
    assert queries.parse("select * from T where a=:x", x="x") == query
    queries.forget()
    assert queries.parse(text) is not query


def test_the_memory_is_bounded() -> None:
    """The text that was not asked for longest is forgotten."""
    queries = QueryFactory(FakeInspector(T), cache_size=2)
    first = queries.parse("select a from T")
    queries.parse("select b from T")
    queries.parse("select c from T")
    assert queries.parse("select a from T") is not first


def test_generated_code_is_shared(queries: QueryFactory) -> None:
    """Queries that differ in their values only are compiled once."""
    one, other = (queries.parse("select * from T where b=:b", b=b) for b in (1, 2))
    items = [T(B=1), T(B=2)]
    assert (one.filter(items), other.filter(items)) == (items[:1], items[1:])
    codes = {query._fast_filter.__code__ for query in (one, other)}
    assert len(codes) == 1


def test_no_value_gets_into_the_code(queries: QueryFactory) -> None:
    """The code reads values by numbered names."""
    query = queries.parse("select * from T where a='import os' and b in [77, 78]")
    query.filter([T()])
    names = query._fast_filter.__code__.co_names
    constants = query._fast_filter.__code__.co_consts
    assert not {"os", "import os", 77, 78} & {*names, *map(str, constants)}


def test_plain_facts(queries: QueryFactory) -> None:
    """The facts of a query as consumers read them."""
    query = queries.parse(
        "select distinct id, ports.name from device sort-by count descending, id limit 7 page 3 "
        "match-case mapreduce register"
    )
    assert (query.root.type_name, query.root.model) == ("Device", Device)
    assert [path.text for path in query.columns] == ["id", "ports.name"]
    assert [(key.path.text, key.descending) for key in query.sort_keys] == [
        ("count", True),
        ("id", False),
    ]
    assert (query.limit, query.page, query.identity) == (7, 3, "")
    assert query.distinct
    assert query.match_case
    assert query.map_reduce
    assert query.register
    assert (query.aggregates, query.group_by, query.having, query.criteria) == ((), (), None, None)


@pytest.mark.feature("GQ-32")
def test_the_canonical_text(queries: QueryFactory) -> None:
    """Names in lower case, texts in quotes, clauses in one order."""
    query = queries.parse(
        'limit 3 from device select distinct COUNT, cost_eur where not (ID=a"b or 3<count) and '
        "all names in (x,'y,z') and note is  null and count between 1 and 2 and any ports.name!=x "
        "and digest=FF and active=t and main=NIL and count>device.cost_eur page 1 sort-by id "
        "descending, count register mapreduce match-case"
    )
    assert query.to_text() == (
        'select distinct count, costeur from Device where not (id="a\\"b" or count>3) and all '
        'names in ["x","y,z"] and note is null and count between 1 and 2 and '
        'any ports.name!="x" and digest="ff" and active=true and main=nil and '
        "count>Device.costeur sort-by id descending, count limit 3 page 1 match-case mapreduce "
        "register"
    )


def test_the_protocols_are_kept() -> None:
    """The classes are what the interfaces ask for (proved by the type checker)."""
    factory: data.QueryFactory = QueryFactory(FakeInspector(T))
    query: data.Query = factory.from_wire(L8Query(text="select * from T"))
    assert isinstance(query, BoundQuery)


def test_the_plug_in_is_announced() -> None:
    """The composition root finds the factory by its entry point."""
    found = {each.name: each.load() for each in entry_points(group=Plugin.QUERY)}
    assert found["default"] is gsql.create_queries
    assert get_type_hints(gsql.create_queries)["return"] is data.QueryFactory
    resources = cast("Resources", SimpleNamespace(introspector=FakeInspector(T)))
    assert gsql.create_queries(resources).parse("select * from t").root.model is T
