# SPDX-License-Identifier: Apache-2.0
"""Bound criteria and what does not fit a model."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import pytest

from l8types.criteria import And, AttributePath, Comparison, Not, Or
from l8types.enums import Operator, Quantifier
from l8types.errors import QueryError

if TYPE_CHECKING:
    from gsql import QueryFactory


def bound(queries: QueryFactory, where: str) -> Comparison:
    """The only comparison of a query on devices."""
    criteria = queries.parse(f"select * from Device where {where}").criteria
    assert isinstance(criteria, Comparison)
    return criteria


@pytest.mark.parametrize(
    ("where", "operator", "value"),
    [
        ("count=+07", Operator.EQ, 7),
        ("count=2.0", Operator.EQ, 2),
        ("cost_eur>2", Operator.GT, 2.0),
        ("active=T", Operator.EQ, True),
        ("state=Down", Operator.EQ, 2),
        ("digest=0aff", Operator.EQ, b"\x0a\xff"),
        ("id=x*y", Operator.LIKE, "x%y"),
        ("id!=x*", Operator.NOT_LIKE, "x%"),
        ("id like 'x%'", Operator.LIKE, "x%"),
        ('id="x\\*"', Operator.EQ, "x*"),
        ("count in [1,2,1]", Operator.IN, (1, 2)),
        ("count between 1 and 2", Operator.BETWEEN, (1, 2)),
        ("note=NIL", Operator.EQ, None),
        ("note is nil", Operator.IS_NULL, None),
        ("3<count", Operator.GT, 3),
    ],
)
def test_values_have_the_kind_of_the_attribute(
    queries: QueryFactory, where: str, operator: Operator, value: object
) -> None:
    """Stores get values that they can bind without a conversion."""
    comparison = bound(queries, where)
    assert (comparison.operator, comparison.value) == (operator, value)
    assert type(comparison.value) is type(value)


def test_paths_lead_through_the_nodes(queries: QueryFactory) -> None:
    """A path has its steps as nodes, and a text in lower case."""
    path = bound(queries, "Device.PORTS.Name=x").path
    assert [node.attribute for node in path.nodes] == ["ports", "name"]
    assert path.text == "ports.name"
    other = bound(queries, "main.name=device.id").value
    assert isinstance(other, AttributePath)
    assert other.text == "id"


@pytest.mark.parametrize(
    ("where", "quantifier"),
    [
        ("ports.name=x", Quantifier.ANY),
        ("ports.name!=x", Quantifier.ALL),
        ("any ports.name!=x", Quantifier.ANY),
        ("all ports.name=x", Quantifier.ALL),
        ("all id=x", Quantifier.ANY),
        ("names is not null", Quantifier.ANY),
        ("ports.name is not null", Quantifier.ALL),
    ],
)
def test_quantifiers_are_explicit(
    queries: QueryFactory, where: str, quantifier: Quantifier
) -> None:
    """The negative operators mean all elements; without a collection there is nothing to choose."""
    assert bound(queries, where).quantifier is quantifier


@pytest.mark.feature("GQ-10")
def test_case_matters_to_texts_only(queries: QueryFactory) -> None:
    """The flag of a comparison is that of the query where texts are compared."""
    assert not bound(queries, "id=x").match_case
    assert bound(queries, "id=x match-case").match_case
    assert bound(queries, "count=1").match_case


@pytest.mark.feature("GQ-03", "l8types:TYP-03")
def test_criteria_are_flat(queries: QueryFactory) -> None:
    """Brackets that change nothing are gone."""
    criteria = queries.parse(
        "select * from T where (a=1 and (b=2 and c=3)) or (not (a=4) or (b=5 or c=6 and a=7))"
    ).criteria
    assert isinstance(criteria, Or)
    first, second, third, fourth = criteria.terms
    assert isinstance(first, And)
    assert len(first.terms) == 3
    assert isinstance(second, Not)
    assert isinstance(third, Comparison)
    assert isinstance(fourth, And)


@pytest.mark.feature("GQ-33")
@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("select * from Devise", 15, "there is no model 'Devise'; did you mean 'Device'?"),
        ("select * from x", 15, "register the model"),
        ("select vendr from Device", 8, "Device has no attribute 'vendr'; did you mean 'Vendor'?"),
        ("select * from Device where ports.nam=1", 28, "Port has no attribute 'nam'"),
        ("select * from Device where id.x=1", 28, "Id has no attributes"),
        ("select * from Device where zzz=1", 28, "it has Id, Vendor"),
        ("select * from Device where 1=2", 28, "no attribute '1'"),
        ("select * from Device where 'id'=2", 28, "'id' is no attribute"),
        ("select * from Device where x in [1]", 28, "no attribute 'x'"),
        ("select * from Device where count=abc", 34, "Count is of kind int64, 'abc' is not"),
        ("select * from Device where count=1_0", 34, "'1_0' is not"),
        ("select * from Device where count=1 limti 5", 34, "did you mean 'limit'?"),
        ("select * from Device where cost_eur=nan", 37, "'nan' is not"),
        ("select * from Device where active=2", 35, "use true or false"),
        ("select * from Device where state=upp", 34, "did you mean 'UP'?"),
        ("select * from Device where digest=x", 35, "hexadecimal"),
        ("select * from Device where count in [1,x]", 37, "'x' is not"),
        ("select * from Device where count like 'x%'", 39, "'like' needs a text"),
        ("select * from Device where main=x", 33, "can only be compared with nil"),
        ("select * from Device where main in []", 36, "can only be compared with nil"),
        ("select * from Device where count>nil", 34, "'nil' is not"),
        ("select * from Device where count=device.id", 34, "cannot be compared with id"),
        ("select * from Device where count(*)>1", 28, "stand in 'having'"),
        ("select * from Device sort-by nam", 30, "no attribute 'nam'"),
        ("select * from Device sort-by main", 30, "has no order"),
        ("select * from Device limit 1000", 28, "0 to 999"),
        ("select * from Device limit -1", 28, "not '-1'"),
        ("select * from Device page 99999999999", 27, "0 to 2147483647"),
        ("select *, id from Device", 11, "either '*' or attributes"),
        ("select sum(id) from Device", 12, "sum needs a number"),
        ("select sum(*) from Device", 8, "only count takes"),
        ("select max(active) from Device", 12, "a number or text"),
        ("select id, count(*) from Device", 8, "must be in 'group-by'"),
        ("select id from Device group-by id", 23, "needs an aggregate"),
        ("select count(*), count(*) from Device", 18, "two results"),
        ("select count(*) from Device having total>1", 36, "no attribute 'total'"),
        ("select count(*) from Device having count>1 and vendor=x", 48, "no result of the query"),
        ("select count(*) from Device having sum(count)>1", 36, "no result of the query"),
        ("select count(*) from Device sort-by vendor", 37, "no result of the query"),
        ("select * from Device where id=:x", 31, "no value is given for the parameter ':x'"),
        ("select * from Device where id in :x", 34, "no value is given"),
        ("select * from Device limit :n", 28, "not ':n'"),
    ],
)
def test_errors_of_the_model(queries: QueryFactory, text: str, column: int, words: str) -> None:
    """What does not fit is told with its place and a way out."""
    with pytest.raises(QueryError) as caught:
        queries.parse(text)
    assert words in caught.value.message.split("\n")[0]
    assert caught.value.column == column


class Colour(enum.Enum):
    """An enum that is no number."""

    RED = "red"


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("count=:p", True, "a value of type bool"),
        ("count=:p", 1.5j, "a value of type complex"),
        ("count=:p", float("nan"), "a value of type float"),
        ("count=:p", "x", "'x' is not"),
        ("count=:p", [1], "a value of type list"),
        ("id=:p", 5, "a value of type int"),
        ("count in :p", 5, "must be a list"),
        ("count in :p", list(range(10_001)), "more than 10000"),
        ("id=:q", "x", "no value is given for the parameter ':q'"),
        ("id=x", "x", "no parameter ':p'"),
    ],
)
def test_errors_of_parameters(queries: QueryFactory, where: str, value: object, words: str) -> None:
    """A parameter must fit its attribute, be there, and be used."""
    with pytest.raises(QueryError, match=words):
        queries.parse(f"select * from Device where {where}", p=value)


def test_parameters_of_many_types(queries: QueryFactory) -> None:
    """Python's own values are taken as they are."""
    query = queries.parse(
        "select * from Device where active=:a and digest=:d and note=:n and cost_eur=:c and id=:i",
        a=True,
        d=bytearray(b"x"),
        n=Colour.RED,
        c=2,
        i="5",
    )
    assert isinstance(query.criteria, And)
    values = [term.value for term in query.criteria.terms if isinstance(term, Comparison)]
    assert values == [True, b"x", "red", 2.0, "5"]
