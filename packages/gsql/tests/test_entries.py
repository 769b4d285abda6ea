# SPDX-License-Identifier: Apache-2.0
"""Paths that name one entry of a collection, and conditions on one and the same object."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gsql import Portability
from l8types.criteria import And, Comparison, EntryNode
from l8types.enums import Container, Operator, Presence, Quantifier
from l8types.errors import QueryError
from l8types.pb import L8Comparator, L8Condition, L8Expression, L8Query, tests_pb2

from .models import Device, Port
from .test_matching import found

if TYPE_CHECKING:
    from gsql import QueryFactory


@pytest.mark.feature("GQ-21")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("ports<{2}0>.name=eth0", "r1"),
        ("ports<{2}0>.name=eth*", "r1 r10"),
        ("ports<{2}1>.name=lo", "r1"),
        ("ports<{2}9>.name=lo", ""),
        ("ports<{2}1>.name!=lo", "s1 r10"),
        ("ports<{2}0>.speed>1", "r10"),
        ("ports<{2}0>.speed>=1 and ports<{2}0>.speed<5", "r1"),
        ("ports<{2}1>=nil", "s1 r10"),
        ("ports<{2}1>.speed is null", "r1 s1 r10"),
        ("extra<{2}0>.name=x", ""),
        ("extra<{2}0>.name!=x", "r1 s1 r10"),
        ("names<{2}1>=b", "r1"),
        ("names<{2}1> in [b]", "r1"),
        ("tags<{24}room>=X", "r1"),
        ("tags<{24}Room>=x", ""),
        ("tags<{24}room>!=y", "r1 s1 r10"),
        ("tags<{24}room>>=x", "r1"),
        ("tags<{24%}ro%6Fm>=x", "r1"),
        ("slots<{7}1>.name=s1", "r1"),
        ("slots<{7}2>.name=s1", ""),
        ("device.slots<{7}1>.speed=device.slots<{7}1>.speed", "r1"),
    ],
)
def test_entries(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """An entry is a single value that may be absent; keys keep their case."""
    assert found(queries, devices, where) == ids


@pytest.mark.feature("GQ-21")
def test_entries_of_messages(queries: QueryFactory) -> None:
    """Asking a map of messages for a key does not put one there."""
    item = tests_pb2.TestProto()
    query = queries.parse("select * from TestProto where MyString2ModelMap<{24}k>.myString=x")
    assert not query.matches(item)
    assert not item.MyString2ModelMap
    item.MyString2ModelMap["k"].myString = "X"
    assert query.filter([item]) == [item]


@pytest.mark.feature("GQ-21")
def test_entries_elsewhere(queries: QueryFactory, devices: list[Device]) -> None:
    """Items are sorted, grouped and summed by an entry; they cannot be reduced to one."""
    query = queries.parse("select * from Device sort-by ports<{2}0>.speed descending")
    assert [each.id for each in query.sort(devices) if isinstance(each, Device)] == [
        "r10",
        "r1",
        "s1",
    ]
    totals = queries.parse("select sum(ports<{2}0>.speed) as total from Device")
    assert totals.aggregate(devices) == [{"total": 8}]
    rows = queries.parse("select count(*) from Device group-by tags<{24}room>").aggregate(devices)
    assert [row["count"] for row in rows] == [1, 2]
    with pytest.raises(QueryError, match="cannot be reduced to"):
        queries.parse("select tags<{24}room> from Device")


@pytest.mark.feature("GQ-21", "GQ-32")
@pytest.mark.parametrize(
    "key", ["room", "Room 1", "a.b", "a<b>", "50%", "(x)", 'q"x', "limit 5 and b=1"]
)
def test_keys_of_any_text(queries: QueryFactory, key: str) -> None:
    """What is printed for a key is read again as the same key."""
    node = queries.parse("select * from Device where tags=x").root.attributes["tags"]
    entry = EntryNode(node, key)
    query = queries.parse(f"select * from Device where {entry.step}=x")
    assert isinstance(query.criteria, Comparison)
    assert query.criteria.path.nodes == (entry,)
    assert queries.parse(query.to_text()) == query
    assert query.matches(Device("a", tags={key: "x"}))
    assert not query.matches(Device("a", tags={"other": "x"}))


def test_an_entry_is_a_node(queries: QueryFactory) -> None:
    """It looks like a single attribute, under a name that no attribute has."""
    criteria = queries.parse("select * from Device where slots<{7}1>.name=x").criteria
    assert isinstance(criteria, Comparison)
    entry = criteria.path.nodes[0]
    assert isinstance(entry, EntryNode)
    slots = entry.collection
    assert entry.field_name.lower() not in (slots.parent or slots).attributes
    assert (entry.container, entry.presence, entry.key_kind) == (
        Container.SINGLE,
        Presence.NONE,
        None,
    )
    assert (entry.type_name, entry.attribute, entry.path, entry.parent) == (
        slots.type_name,
        slots.attribute,
        slots.path,
        slots.parent,
    )
    assert (entry.kind, entry.model, entry.enum) == (slots.kind, Port, None)
    assert (entry.attributes, entry.decorators) == (slots.attributes, slots.decorators)


@pytest.mark.feature("GQ-21", "GQ-34")
def test_entries_and_other_nodes(queries: QueryFactory) -> None:
    """A received tree may name entries; we send none, since a missing one ends the peer."""
    tree = L8Expression(
        condition=L8Condition(comparator=L8Comparator(left="tags<{24}room>", oper="=", right="x"))
    )
    query = queries.from_wire(L8Query(rootType="Device", criteria=tree))
    assert query.matches(Device("a", tags={"room": "x"}))
    text = "select * from Device where tags<{24}room>=x"
    assert queries.parse(text).to_wire() == L8Query(text=text)
    text = "select * from Device sort-by tags<{24}room>"
    assert queries.parse(text).to_wire() == L8Query(text=text)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("id<{2}0>=x", "single value"),
        ("ports<{2}x>.name=x", "no position"),
        ("ports<{24}0>.name=x", "no position"),
        ("ports<{2}-1>.name=x", "no position"),
        ("tags<{2}1>=x", "keys of kind string"),
        ("slots<{24}1>.name=x", "keys of kind int64"),
        ("slots<{7}x>.name=x", "keys of kind int64"),
        ("ports<{2}0>x.name=x", "no path"),
        ("ports<0>.name=x", "follows the value '0'"),
    ],
)
def test_keys_that_do_not_fit(queries: QueryFactory, where: str, words: str) -> None:
    """The error tells what kind of key is needed."""
    with pytest.raises(QueryError, match=words):
        queries.parse(f"select * from Device where {where}")


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("any(ports: name=eth* and speed>1)", "r10"),
        ("ports.name=lo and ports.speed=1", "r1"),
        ("any(ports: name=lo and speed=1)", ""),
        ("any(ports:name=lo or speed=7)", "r1 r10"),
        ("ALL ( ports : name=eth* )", "s1 r10"),
        ("not any(ports: name=lo)", "s1 r10"),
        ("any(ports: not (name=lo) and speed!=1)", "r10"),
        ("any(slots: speed>=5 and name like 's_')", "r1"),
        ("any(main: name=lo and speed is null)", "r10"),
        ("all(main: name=lo)", "r10"),
        ("any(extra: name=x)", ""),
        ("all(extra: name=x)", "r1 s1 r10"),
        ("any(ports: name=alias)", ""),
        ("any(ports: name=port.alias or alias=up)", "r10"),
        ("any(ports<{2}0>: name=eth0 and speed=1)", "r1"),
        ("any(ports: name=eth* and (speed<5 or alias=up)) and count<4", "r1"),
        ("id=s1 or any(ports: name=lo)", "r1 s1"),
    ],
)
def test_one_and_the_same_object(
    queries: QueryFactory, devices: list[Device], where: str, ids: str
) -> None:
    """All that stands in the brackets holds for one object, or for each."""
    assert found(queries, devices, where) == ids
    query = queries.parse(f"select * from Device where {where}")
    again = queries.parse(query.to_text())
    assert (again, again.criteria) == (query, query.criteria)


def test_the_criteria_of_one_object(queries: QueryFactory) -> None:
    """A store gets the inner criteria, with paths that begin at the object."""
    criteria = queries.parse("select * from Device where all(ports: name=x and speed>1)").criteria
    assert isinstance(criteria, Comparison)
    assert (criteria.operator, criteria.quantifier) == (Operator.MATCHES, Quantifier.ALL)
    assert isinstance(criteria.value, And)
    paths = [term.path.text for term in criteria.value.terms if isinstance(term, Comparison)]
    assert paths == ["name", "speed"]


def test_one_object_of_messages(queries: QueryFactory) -> None:
    """Two levels of collections, and a message that may be absent."""
    item = tests_pb2.TestProto()
    item.MyString2ModelMap["k"].mySubs["s"].myString = "x"
    item.MyString2ModelMap["k"].myInt64 = 2
    condition = "any(MyString2ModelMap: myint64=2 and any(mysubs: mystring=x))"
    query = queries.parse(f"select * from TestProto where {condition}")
    assert query.filter([item, tests_pb2.TestProto()]) == [item]
    single = queries.parse("select * from TestProto where any(mysingle: mystring='')")
    assert single.filter([item]) == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("any(names: a=1)", "has no attributes"),
        ("any(portz: a=1)", "did you mean 'Ports'"),
        ("any(ports: vendor=x)", "no attribute 'vendor'"),
        ("any(ports: name=x", "expected"),
        ("any(ports: )", "expected a condition"),
        ("any(ports)=1", "expected"),
        ("any(ports: speed=x)", "'x' is not"),
    ],
)
def test_errors_in_one_object(queries: QueryFactory, where: str, words: str) -> None:
    """The place is told as everywhere."""
    with pytest.raises(QueryError, match=words) as caught:
        queries.parse(f"select * from Device where {where}")
    assert caught.value.column >= 28


def test_one_object_and_other_nodes(queries: QueryFactory) -> None:
    """The tree has no words for it."""
    text = "select * from Device where any(ports: name=x and speed=1)"
    query = queries.parse(text)
    assert query.to_wire() == L8Query(text=text)
    assert queries.from_wire(query.to_wire()) == query
    assert [each.portability for each in query.portability()] == [Portability.REFUSED]


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ("any(ports: vendor=x)", "vendor"),
        ("any(ports: speed>count)", "count"),
        ("all(ports: name=Device.vendor)", "Device.vendor"),
        ("any(main: name=lo and device.count>1)", "device.count"),
    ],
)
def test_what_is_around_an_object_cannot_be_reached(
    queries: QueryFactory, where: str, word: str
) -> None:
    """A condition on one object that names the item is refused, and told what to do."""
    text = f"select * from Device where {where}"
    with pytest.raises(QueryError, match="is about one Port alone: put conditions") as caught:
        queries.parse(text)
    assert caught.value.column == text.rindex(word) + 1


def test_a_value_may_look_like_what_is_around(queries: QueryFactory) -> None:
    """In quotes, or where the item has no such attribute, it is a text like every other."""
    port = Port("Device.vendor", alias="Device.txt")
    for where in ('any(ports: name="Device.vendor")', "any(ports: alias=Device.txt)"):
        query = queries.parse(f"select * from Device where {where}")
        assert query.matches(Device("a", ports=[port]))
