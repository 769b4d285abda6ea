# SPDX-License-Identifier: Apache-2.0
"""Input that means harm, or is merely wrong, gives a query error and nothing else."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.errors import QueryError
from l8types.pb import L8AggregateFunction, L8Comparator, L8Condition, L8Expression, L8Query

from .models import Device

if TYPE_CHECKING:
    from gsql import QueryFactory

CODE = (
    "__import__('os').system('true')",
    "x' or '1'='1",
    "x) or True or (x",
    "\\'; drop table t; --",
    "c0",
    "{x.__class__}",
    "a\x00b",
    "\u2028or id=x",
)


@pytest.mark.parametrize("value", CODE)
def test_values_cannot_be_code(queries: QueryFactory, value: str) -> None:
    """A parameter is compared as it is, and no part of it is in the generated code."""
    query = queries.parse(
        "select * from Device where vendor=:v and id in :l match-case", v=value, l=[value]
    )
    hit, miss = Device(value, vendor=value), Device("x", vendor="y")
    assert query.filter([hit, miss]) == [hit]
    code = query._fast_filter.__code__
    assert not {value, "__import__", "system"} & {*map(str, code.co_consts), *code.co_names}
    assert queries.parse(query.to_text()).filter([hit, miss]) == [hit]


@pytest.mark.parametrize(
    "name",
    [
        "__class__",
        "id.__class__",
        "__init__.__globals__",
        "id;import",
        "id) or (1",
        "tags<{24}k>.__class__",
        "tags<{24}k",
        "x.y.z",
        "Device",
        "",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "select {} from Device",
        "select * from Device where {}=1",
        "select * from Device sort-by {}",
        "select count(*) from Device group-by {}",
        "select sum({}) from Device",
        "select * from Device where any({}: id=1)",
    ],
)
def test_names_are_those_of_the_model(queries: QueryFactory, place: str, name: str) -> None:
    """A name that the model does not have is refused, wherever it stands."""
    with pytest.raises(QueryError):
        queries.parse(place.format(name))


@pytest.mark.parametrize("name", ["__class__", "id descending", "id,vendor", "(select 1)"])
def test_sort_keys_of_messages(queries: QueryFactory, name: str) -> None:
    """A received sort key is one name, never more."""
    with pytest.raises(QueryError):
        queries.from_wire(L8Query(rootType="Device", sort_by=name))


@pytest.mark.parametrize("alias", ["a b", "x,y", "a)", "1", "'", "__import__('os')"])
def test_aliases_of_messages(queries: QueryFactory, alias: str) -> None:
    """The name of a result is a plain name."""
    message = L8Query(
        rootType="Device", aggregates=[L8AggregateFunction(function="count", alias=alias)]
    )
    with pytest.raises(QueryError, match="cannot be the name"):
        queries.from_wire(message)


@pytest.mark.parametrize(
    "where",
    [
        "count=x",
        "count>'1 or 1'",
        "active=maybe",
        "state=sideways",
        "digest=zz",
        "main=5",
        "ports>1",
        "count like '1%'",
        "count=device.vendor",
        "cost_eur=1e999",
        "any(ports: speed=fast)",
        "all ports.speed between 1 and x",
    ],
)
def test_type_clashes(queries: QueryFactory, where: str) -> None:
    """A value of the wrong kind is told before anything is compared."""
    with pytest.raises(QueryError) as caught:
        queries.parse(f"select * from Device where {where}")
    assert caught.value.line == 1


def test_huge_lists(queries: QueryFactory) -> None:
    """There is a limit, and the error names it, however the list comes."""
    numbers = range(10_001)
    text = f"[{','.join(map(str, numbers))}]"
    tree = L8Expression(
        condition=L8Condition(comparator=L8Comparator(left="count", oper=" in ", right=text))
    )
    with pytest.raises(QueryError, match="more than 10000"):
        queries.parse(f"select * from Device where count in {text}")
    with pytest.raises(QueryError, match="more than 10000"):
        queries.parse("select * from Device where count in :n", n=list(numbers))
    with pytest.raises(QueryError, match="more than 10000"):
        queries.from_wire(L8Query(rootType="Device", criteria=tree))
    largest = queries.parse("select * from Device where count in :n", n=list(numbers[1:]))
    assert largest.matches(Device("x", count=10_000))


EQUAL = L8Comparator(left="count", oper="=", right="1")


def deep(step: str, depth: int) -> L8Query:
    """A message that goes down by one kind of step, with a comparison wherever one belongs."""
    message = L8Query(rootType="Device")
    at: L8Expression | L8Condition = message.criteria
    if step == "condition":
        at = message.criteria.condition
    for _ in range(depth):
        if isinstance(at, L8Condition):
            at.comparator.CopyFrom(EQUAL)
            at = at.next
        else:
            at = at.child if step == "child" else at.next
    (at if isinstance(at, L8Condition) else at.condition).comparator.CopyFrom(EQUAL)
    return message


@pytest.mark.feature("GQ-34")
@pytest.mark.parametrize(("step", "depth"), [("child", 60), ("next", 90), ("condition", 90)])
def test_trees_that_go_down(queries: QueryFactory, step: str, depth: int) -> None:
    """A tree may go down as far as messages do, its brackets as far as those of a text."""
    query = queries.from_wire(deep(step, depth))
    assert query.matches(Device("x", count=1))
    assert not query.matches(Device("x", count=2))


@pytest.mark.parametrize("step", ["child", "next", "condition"])
@pytest.mark.parametrize("depth", [101, 500, 5_000])
def test_trees_that_go_down_too_far(queries: QueryFactory, step: str, depth: int) -> None:
    """A tree that no message could bring is an error of the query as well."""
    with pytest.raises(QueryError, match="nested deeper"):
        queries.from_wire(deep(step, depth))


@pytest.mark.parametrize("opening", ["(", "not ", "not (", "any(main: ", "any(main: not ("])
def test_deep_brackets(queries: QueryFactory, opening: str) -> None:
    """What nests deeper than the limit is refused; up to it, it is a query."""
    with pytest.raises(QueryError, match="nested deeper than 64"):
        queries.parse(f"select * from Device where {opening * 65}id=x")
    if opening == "(":
        query = queries.parse(f"select * from Device where {'(' * 64}id=x{')' * 64}")
        assert query.matches(Device("x"))
