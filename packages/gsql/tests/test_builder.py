# SPDX-License-Identifier: Apache-2.0
"""Queries put together in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from gsql import Selection, all_of, any_of, each, every, not_, on, select, some
from l8types.errors import QueryError
from l8types.pb import tests_pb2

from .models import Device, State, T

if TYPE_CHECKING:
    from gsql import QueryFactory

Where = Callable[[Device], bool]


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        (lambda d: d.count == 4, "count=4"),
        (lambda d: d.count != 4, "count!=4"),
        (lambda d: (d.count > 4) & (d.count < 9), "count>4 and count<9"),
        (lambda d: (d.count >= 4) | (d.count <= 1), "count>=4 or count<=1"),
        (lambda d: d.cost_eur > 1.5, "cost_eur>1.5"),
        (lambda d: d.active == True, "active=true"),  # noqa: E712
        (lambda d: d.state == State.UP, "state=up"),
        (lambda d: d.digest == b"\xff", "digest=ff"),
        (lambda d: d.note == None, "note=nil"),  # noqa: E711
        (lambda d: on(d.note).is_nil(), "note=nil"),
        (lambda d: on(d.note).is_null(), "note is null"),
        (lambda d: on(d.count).one_of([1, 2]), "count in [1,2]"),
        (lambda d: on(d.id).none_of({"b", "a"}), "id not in [a,b]"),
        (lambda d: on(d.count).between(1, 2), "count between 1 and 2"),
        (lambda d: on(d.vendor).like("Cis%"), "vendor like 'Cis%'"),
        (lambda d: not_(d.count == 4), "not count=4"),
        (lambda d: not_((d.count == 4) | (d.count == 5)), "not (count=4 or count=5)"),
        (
            lambda d: (d.id == "a") & ((d.count == 4) | (d.count == 5)) & (d.vendor == "x"),
            "id=a and (count=4 or count=5) and vendor=x",
        ),
        (lambda d: some(d.main).name == "lo", "main.name=lo"),
        (lambda d: some(d.weight) > 1, "weight>1"),
        (lambda d: each(d.ports).name == "lo", "ports.name=lo"),
        (lambda d: every(d.ports).name == "lo", "all ports.name=lo"),
        (lambda d: each(d.slots).name == "s1", "slots.name=s1"),
        (lambda d: each(d.names) == "a", "names=a"),
        (lambda d: d.ports[0].name == "lo", "ports<{2}0>.name=lo"),
        (lambda d: d.tags["a b.<c>"] == "x", "tags<{24%}a b.%3Cc%3E>=x"),
        (lambda d: d.slots[1].name == "x", "slots<{7}1>.name=x"),
        (lambda d: d.count > d.cost_eur, "count>device.cost_eur"),
        (lambda d: d.id == d.vendor, "id=device.vendor"),
        (
            lambda d: any_of(d.ports, lambda p: (p.name == "lo") & (some(p.speed) > 1)),
            "any(ports: name=lo and speed>1)",
        ),
        (lambda d: all_of(d.slots, lambda p: p.name == p.alias), "all(slots: name=port.alias)"),
    ],
)
def test_conditions(
    queries: QueryFactory, devices: list[Device], condition: Where, where: str
) -> None:
    """The query is the one that the text gives, down to its criteria."""
    built = queries.build(select(Device).where(condition))
    text = queries.parse(f"select * from Device where {where}")  # noqa: S608
    assert built.criteria == text.criteria
    assert built == text
    assert built.filter(devices) == text.filter(devices)
    assert queries.parse(built.to_text()) == built


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (select(Device), "select * from Device"),
        (select(Device).columns(lambda d: d.id, lambda d: some(d.main).name).columns(), "select *"),
        (
            select(Device).columns(lambda d: d.id, lambda d: some(d.main).name).distinct(),
            "select distinct id, main.name from Device",
        ),
        (
            select(Device)
            .where(lambda d: d.count > 1)
            .where(lambda d: d.count < 5)
            .sort_by(lambda d: d.count, descending=True)
            .sort_by(lambda d: d.id)
            .limit(5, page=2),
            (
                "select * from Device where count>1 and count<5 sort-by count descending, id "
                "limit 5 page 2"
            ),
        ),
        (
            select(Device).match_case().map_reduce().register(),
            "select * from Device match-case mapreduce register",
        ),
        (
            select(Device)
            .group_by(lambda d: d.vendor)
            .count()
            .count(lambda d: d.note)
            .sum(lambda d: d.count, alias="total")
            .avg(lambda d: d.cost_eur)
            .min(lambda d: d.id)
            .max(lambda d: d.id)
            .having(lambda r: (r.number("count") > 1) & (r.text("minId") != "x"))
            .sort_by_result("total", descending=True),
            (
                "select vendor, count(*), count(note), sum(count) as total, avg(cost_eur) as "
                "avgCost_eur, min(id), max(id) from Device group-by vendor having count>1 and "
                "minId!=x sort-by total descending"
            ),
        ),
        (
            select(tests_pb2.TestProto).where(lambda m: m.mySingle.myInt64 > 5),
            "select * from TestProto where mysingle.myint64>5",
        ),
        (
            select(tests_pb2.TestProto).where(lambda m: m.MyString2ModelMap["k"].myString == "x"),
            "select * from TestProto where mystring2modelmap<{24}k>.mystring=x",
        ),
    ],
)
def test_clauses(queries: QueryFactory, selection: Selection[object], text: str) -> None:
    """Every clause of the text has its method."""
    whole = text if " from " in text else f"{text} from Device"
    assert queries.build(selection) == queries.parse(whole)


def test_values_have_no_meaning(queries: QueryFactory) -> None:
    """Stars, names and words of the language in a value are text."""
    for value in ("*", "du*", "vendor", "nil", "x' or id=*", "limit 5", ":p0", "\\", '"'):
        query = queries.build(select(Device).where(lambda d, value=value: d.id == value))  # type: ignore[misc]
        assert query.filter([Device(value), Device("du9", vendor="du9")]) == [Device(value)]
        assert queries.parse(query.to_text()) == query
        assert queries.from_wire(query.to_wire()) == query


def test_a_selection_does_not_change(queries: QueryFactory) -> None:
    """Each method gives a new one."""
    first = select(T)
    first.where(lambda t: t.B == 1).limit(3)
    assert queries.build(first) == queries.parse("select * from T")


def chained(device: Device) -> bool:
    """Two comparisons that Python joins by ``and``."""
    return 1 < device.count < 5


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (chained, "neither true nor false"),
        (lambda d: d.count == 1 and d.id == "x", "neither true nor false"),
        (lambda d: not d.active, "compare active"),
        (lambda d: True, "bool is no condition"),
        (lambda d: (d.count == 1) & True, "bool is no condition"),
        (lambda d: "x" in d.names, "no elements here"),
        (lambda d: on(5).is_null(), "not a value of type int"),
        (lambda d: d.tags[5.0] == "x", "not float"),
        (lambda d: any_of(d.ports, lambda p: p.name == d.id), "id is no attribute of what this"),
        (lambda d: any_of(d.ports, lambda p: not_(d.count > 1)), "count is no attribute of what"),
        (
            lambda d: all_of(d.ports, lambda p: any_of(d.ports, lambda q: q.name == "x")),
            "ports is no attribute of what",
        ),
    ],
)
def test_what_is_no_condition(condition: Where, words: str) -> None:
    """Python's own words cannot be seen, so they are refused with a hint."""
    with pytest.raises(TypeError, match=words):
        select(Device).where(condition)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (lambda d: d.countt == 1, "did you mean 'Count'"),
        (lambda d: any_of(d.portz, lambda p: p.name == ""), "did you mean 'Ports'"),
        (lambda d: any_of(d.ports, lambda p: p.id == ""), "no attribute 'id'"),
        (lambda d: d.count == "x", "'x' is not"),
        (lambda d: d.id == 5, "a value of type int"),
        (lambda d: on(d.count).one_of(range(10_001)), "more than 10000"),
        (lambda d: d.id[0] == "x", "single value"),
        (lambda d: d.names["x"] == "x", "no position"),
    ],
)
def test_what_does_not_fit_the_model(
    queries: QueryFactory, condition: Callable[[object], bool], words: str
) -> None:
    """What a type checker was not asked about is found when the query is built."""
    selection = select(Device).where(cast("Where", condition))
    with pytest.raises(QueryError, match=words):
        queries.build(selection)


def test_sizes_have_limits(queries: QueryFactory) -> None:
    """As for texts."""
    many = select(T)
    for _ in range(1_025):
        many = many.where(lambda t: t.B == 1)
    with pytest.raises(QueryError, match="more than 1024 comparisons"):
        queries.build(many)

    def deep(item: T) -> bool:
        condition = item.B == 1
        for _ in range(70):
            condition = not_(condition)
        return condition

    with pytest.raises(QueryError, match="nested deeper than 64"):
        queries.build(select(T).where(deep))
    with pytest.raises(QueryError, match="0 to 999"):
        queries.build(select(T).limit(1_000))


def test_a_condition_is_a_function_of_items_too(queries: QueryFactory) -> None:
    """A named condition without helpers decides about an item as the query does."""

    def wanted(item: T) -> bool:
        return (item.B > 5) & (item.A == "x")

    items = [T(A="x", B=6), T(A="x", B=5)]
    assert [item for item in items if wanted(item)] == items[:1]
    assert queries.build(select(T).where(wanted)).filter(items) == items[:1]
