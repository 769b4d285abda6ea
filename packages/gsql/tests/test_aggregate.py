# SPDX-License-Identifier: Apache-2.0
"""Aggregates, groups and conditions on them."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.enums import Kind
from l8types.pb import tests_pb2

from .models import Device, Port

if TYPE_CHECKING:
    from gsql import QueryFactory

FLEET = [
    Device("a", vendor="X", count=1, weight=1.5, ports=[Port("p", 10), Port("q", 30)]),
    Device("b", vendor="Y", count=2),
    Device("c", vendor="X", count=2**60 + 1, weight=2.5, ports=[Port("p")]),
    Device("d", vendor="X", count=4, note="n"),
]


@pytest.mark.feature("GQ-15", "GQ-28")
def test_without_groups_there_is_one_row(queries: QueryFactory) -> None:
    """Absent values do not count and whole numbers stay exact."""
    query = queries.parse(
        "select count(*), count(weight), sum(count), avg(weight), min(id), max(id) as last "
        "from Device"
    )
    assert query.aggregate(FLEET) == [
        {
            "count": 4,
            "countWeight": 2,
            "sumCount": 2**60 + 8,
            "avgWeight": 2.0,
            "minId": "a",
            "last": "d",
        }
    ]
    assert query.aggregate([]) == [
        {
            "count": 0,
            "countWeight": 0,
            "sumCount": None,
            "avgWeight": None,
            "minId": None,
            "last": None,
        }
    ]
    assert query.columns == ()
    assert query.project(FLEET[0]) is FLEET[0]
    assert query.sort(FLEET) == FLEET


@pytest.mark.feature("GQ-16", "GQ-28")
def test_groups_keep_the_order_of_appearance(queries: QueryFactory) -> None:
    """A row has the grouping attributes and the results; an absent value is a group as well."""
    query = queries.parse("select vendor, Count(*), note from Device group-by vendor, Note")
    assert query.aggregate(FLEET) == [
        {"vendor": "X", "note": None, "count": 2},
        {"vendor": "Y", "note": None, "count": 1},
        {"vendor": "X", "note": "n", "count": 1},
    ]
    assert query.aggregate([]) == []


@pytest.mark.feature("GQ-28")
def test_paths_through_collections(queries: QueryFactory) -> None:
    """All values that a path reaches are aggregated; as a group they stay together."""
    query = queries.parse("select sum(ports.speed), count(ports.name) from Device")
    assert query.aggregate(FLEET) == [{"sumPorts.speed": 40, "countPorts.name": 3}]
    query = queries.parse("select ports.name, count(*) from Device group-by ports.name")
    assert [row["ports.name"] for row in query.aggregate(FLEET)] == [("p", "q"), None, "p"]


@pytest.mark.feature("GQ-17")
@pytest.mark.parametrize(
    ("having", "vendors"),
    [
        ("count>1", ["X"]),
        ("count(*)=1", ["Y"]),
        ("avg(weight)>1.5 or vendor=y", ["X", "Y"]),
        ("avg(weight)=nil", ["Y"]),
        ("not avg(weight)>0", ["Y"]),
        ("total in [2]", ["Y"]),
        ("TOTAL between 1 and 5", ["Y"]),
        ("vendor=*", ["X", "Y"]),
        ("avgWeight is null", ["Y"]),
        ("count<avgweight", []),
    ],
)
def test_having(queries: QueryFactory, having: str, vendors: list[str]) -> None:
    """Groups are selected by results, by alias or as written, and by grouping attributes."""
    query = queries.parse(
        "select vendor, count(*), avg(weight), sum(count) as total from Device group-by vendor "
        f"having {having}"
    )
    assert [row["vendor"] for row in query.aggregate(FLEET)] == vendors


def test_rows_are_sorted(queries: QueryFactory) -> None:
    """Sort keys of an aggregate query are its results and groups."""
    query = queries.parse(
        "select vendor, count(*) as n from Device group-by vendor sort-by n, vendor descending"
    )
    assert [row["n"] for row in query.aggregate(FLEET)] == [1, 3]
    query = queries.parse(
        "select vendor, avg(weight) from Device group-by vendor sort-by avgWeight descending"
    )
    assert [row["vendor"] for row in query.aggregate(FLEET)] == ["X", "Y"]


def test_results_are_attributes_for_back_ends(queries: QueryFactory) -> None:
    """A store finds the alias and the kind of a result in the path of a condition."""
    query = queries.parse("select count(*), avg(count) as mean from Device sort-by mean")
    (key,) = query.sort_keys
    assert (key.path.text, key.path.node.kind) == ("mean", Kind.FLOAT64)
    assert [each.alias for each in query.aggregates] == ["count", "mean"]


def test_a_group_of_several_values_satisfies_no_condition_on_texts(queries: QueryFactory) -> None:
    """Where a grouping attribute reaches several values, there is no text to compare."""
    query = queries.parse(
        "select ports.name, count(*) from Device group-by ports.name having ports.name=p"
    )
    assert [row["ports.name"] for row in query.aggregate(FLEET)] == ["p"]


def test_results_have_the_precision_of_their_values(queries: QueryFactory) -> None:
    """The least of 32 bit numbers is compared as the 64 bit number that it is in Python."""
    query = queries.parse("select min(myfloat32) as low from TestProto having low>0.1")
    assert query.aggregate([tests_pb2.TestProto(myFloat32=0.25)]) == [{"low": 0.25}]


@pytest.mark.feature("GQ-28")
def test_messages(queries: QueryFactory) -> None:
    """The condition selects the items, the aggregates follow."""
    items = [
        tests_pb2.TestProto(myString=f"Group{'AB'[i % 2]}", myInt32=10 * i) for i in range(1, 7)
    ]
    query = queries.parse(
        "select myString,count(*),sum(myInt32),avg(myInt32) from TestProto where myint32>10 "
        "group-by myString"
    )
    assert query.aggregate(query.filter(items)) == [
        {"mystring": "GroupA", "count": 3, "sumMyInt32": 120, "avgMyInt32": 40.0},
        {"mystring": "GroupB", "count": 2, "sumMyInt32": 80, "avgMyInt32": 40.0},
    ]


@pytest.mark.feature("GQ-16")
def test_zero_is_one_group(queries: QueryFactory) -> None:
    """Minus zero belongs to it, and does not name it when it comes first."""
    query = queries.parse("select cost_eur, count(*) from Device group-by cost_eur")
    (row,) = query.aggregate([Device("a", cost_eur=-0.0), Device("b", cost_eur=0.0)])
    assert row == {"costeur": 0.0, "count": 2}
    assert repr(row["costeur"]) == "0.0"


@pytest.mark.feature("GQ-16")
def test_equal_maps_are_one_group(queries: QueryFactory) -> None:
    """In whatever order their entries were put in."""
    query = queries.parse("select tags, slots.name, count(*) from Device group-by tags, slots.name")
    one = Device("a", tags={"x": "1", "y": "2"}, slots={1: Port("p"), 2: Port("q")})
    other = Device("b", tags={"y": "2", "x": "1"}, slots={2: Port("q"), 1: Port("p")})
    (row,) = query.aggregate([one, other])
    assert row == {"tags": ("1", "2"), "slots.name": ("p", "q"), "count": 2}
