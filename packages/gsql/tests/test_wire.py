# SPDX-License-Identifier: Apache-2.0
"""Queries as messages."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.criteria import And, Comparison, Or
from l8types.enums import Operator
from l8types.errors import QueryError
from l8types.pb import (
    L8AggregateFunction,
    L8Comparator,
    L8Condition,
    L8Expression,
    L8Query,
    tests_pb2,
)

from .models import Device

if TYPE_CHECKING:
    from gsql import QueryFactory

# Bytes that nodes of the first make send for these texts; without "text", that field comes first.
VECTORS = [
    (
        "select * from TestProto",
        "0a1773656c656374202a2066726f6d205465737450726f746f12095465737450726f746f1a012a",
    ),
    (
        "select * from T where a=1",
        (
            "0a1973656c656374202a2066726f6d205420776865726520613d311201541a012a220d0a0b0a090a016112013d"
            "1a0131"
        ),
    ),
    (
        (
            "Select A,B From T Where (a=X or b>2) and c in [1,2] sort-by a descending limit 10 "
            "page 2 match-case"
        ),
        (
            "text1201541a01411a0142223f120520616e64201a140a120a100a0163120420696e201a055b312c325d22200a"
            "1e0a090a016112013d1a01581204206f72201a0b0a090a016212013e1a01322a01613001380a40024801"
        ),
    ),
    (
        "select G,count(*),sum(Amt) from T group-by G",
        (
            "text1201541a014762014772110a05636f756e7412012a1a05636f756e7472120a0373756d1203416d741a0673"
            "756d416d74"
        ),
    ),
    (
        "select * from T where a=1 mapreduce",
        "text1201541a012a220d0a0b0a090a016112013d1a01315801",
    ),
    (
        "select * from TestProto where MyInt32>5 sort-by MyString limit 10 page 2 descending",
        (
            "text12095465737450726f746f1a012a22130a110a0f0a076d79696e74333212013e1a01352a084d7953747269"
            "6e673001380a4002"
        ),
    ),
]


@pytest.mark.feature("GQ-34")
@pytest.mark.parametrize(("text", "vector"), VECTORS)
def test_vectors(queries: QueryFactory, text: str, vector: str) -> None:
    """The message is the same, byte for byte, as that of a node of the first make."""
    message = queries.parse(text).to_wire()
    field = b"\x0a" + bytes([len(text)]) + text.encode()
    expected = vector.replace("text", field.hex())
    assert message.SerializeToString(deterministic=True).hex() == expected
    received = queries.from_wire(L8Query.FromString(bytes.fromhex(expected)))
    assert received == queries.parse(text)
    assert received.to_wire() == message


def canonical(expression: L8Expression) -> str:
    """Text of a tree as nodes of the first make print it."""
    own = f"({chained(expression.condition)})" if expression.HasField("condition") else ""
    if expression.HasField("child"):
        own = f"({canonical(expression.child)})"
    more = expression.HasField("next")
    return own + (expression.and_or + canonical(expression.next) if more else "")


def chained(condition: L8Condition) -> str:
    """Text of a chain of comparisons."""
    own = "".join(
        (condition.comparator.left, condition.comparator.oper, condition.comparator.right)
    )
    return own + (condition.oper + chained(condition.next) if condition.HasField("next") else "")


@pytest.mark.feature("GQ-03", "GQ-34")
@pytest.mark.parametrize(
    ("where", "tree"),
    [
        ("b=1 AND c  =  4", "(b=1 and c=4)"),
        ("b=1 or c=4 and amt!=6", "(b=1 or c=4 and amt!=6)"),
        ("b=1 AND (c  =  4 Or amt!=6)", "(b=1) and ((c=4 or amt!=6))"),
        ("(b=1) and (c=2 or c=3)", "((b=1)) and ((c=2 or c=3))"),
        (
            "b=2 or ((b!=4 and b<6) and b>8) or ((b=10) and b=12)",
            "(b=2) or (((b!=4 and b<6)) and (b>8)) or (((b=10)) and (b=12))",
        ),
        # What the shape would read in another way gets brackets.
        ("b=1 AND c=4 Or amt!=6", "((b=1 and c=4)) or (amt!=6)"),
        ("b=1 or c=2 and (amt=3)", "(b=1) or ((c=2) and ((amt=3)))"),
        (
            "(b=1 or c=4) And (amt!=6 or b<9) or b<=12",
            "(((b=1 or c=4)) and ((amt!=6 or b<9))) or (b<=12)",
        ),
        # What the tree has no words for is said with those that it has.
        ("not b=1", "(b!=1)"),
        ("not (b=1 and c>2 or c in [1])", "(((b!=1 or c<=2)) and (c not in [1]))"),
        ("not not b=1", "(b=1)"),
        ("b between 1 and 3", "((b>=1 and b<=3))"),
        ("b not between 1 and 3 and c=1", "((b<1 or b>3)) and (c=1)"),
        ("not (b not between 1 and 3)", "(((b>=1 and b<=3)))"),
        ("3<b", "(b>3)"),
        ("t.b = 01", "(b=1)"),
        ("c in [ 1 , 2 ]", "(c in [1,2])"),
        ("c Not In (1, 2)", "(c not in [1,2])"),
        ("a=hello world", "(a=hello world)"),
        ('a="x and (y"', "(a=x and (y)"),
        ("a=eth*", "(a=eth*)"),
        ("a=a**b", "(a=a*b)"),
        ("a like 'x%'", "(a=x*)"),
        ("a=nil and b=nil", "(a=nil and b=nil)"),
        ("a in [x, y z]", "(a in [x,y z])"),
    ],
)
def test_shapes(queries: QueryFactory, where: str, tree: str) -> None:
    """The tree is the one that the first make's parser would build for the meaning."""
    query = queries.parse(f"select * from T where {where}")
    message = query.to_wire()
    assert canonical(message.criteria) == tree
    again = queries.parse(message.text)
    assert canonical(again.to_wire().criteria) == tree, "text and tree must agree"
    assert again.to_wire().text == message.text


def test_the_text_is_kept_when_it_means_the_tree(queries: QueryFactory) -> None:
    """A text is rewritten only when its shape had to change."""
    text = "select *  from T\nwhere b=1 or c=2"
    assert queries.parse(text).to_wire().text == text
    mixed = queries.parse("select * from T where b=1 and c=2 or c=3 limit 5").to_wire()
    assert mixed.text == "select * from T where (b=1 and c=2) or c=3 limit 5"


@pytest.mark.feature("GQ-34")
@pytest.mark.parametrize(
    "text",
    [
        "select distinct id from Device",
        "select * from Device sort-by id, count",
        "select count(*) from Device having count>1",
        "select * from Device where cost_eur>1",
        "select * from Device where all ports.name=x",
        "select * from Device where any names!=x",
        "select * from Device where id!=x*",
        "select * from Device where id like 'x_'",
        "select * from Device where id is null",
        "select * from Device where not id is null",
        "select * from Device where not ports.name>x",
        "select * from Device where not main.name>x",
        "select * from Device where names between a and b",
        "select * from Device where not names between a and b",
        "select * from Device where not main.name between a and b",
        "select * from Device where id!=nil",
        "select * from Device where names=nil",
        "select * from Device where main=nil",
        "select * from Device where tags=x",
        "select * from Device where note=x",
        "select * from Device where active!=true",
        "select * from Device where id=device.vendor",
        "select * from Device where id>x match-case",
        "select * from Device where id=vendor",
        "select * from Device where id='nil'",
        "select * from Device where id=O'Brien",
        "select * from Device where id='say \"x\"'",
        "select * from Device where id='a\\*'",
        "select * from Device where id='a\\*b*'",
        "select * from Device where id=' x'",
        "select * from Device where id in ['a,b']",
        "select * from Device where id in ['']",
        "select * from Device where count in []",
        "select * from Device where count=1.5",
        "select * from Device where count=99999999999999999999",
        "select * from Device where count in [99999999999999999999]",
        "select * from Device where digest=00",
        "select * from Device where " + " or ".join(f"count={n}" for n in range(90)),
        "select * from Device where " + "(" * 60 + "count=1" + " and id=x*" * 30 + ")" * 60,
    ],
)
def test_what_others_cannot_evaluate_travels_as_text(queries: QueryFactory, text: str) -> None:
    """A peer refuses a message without a root type; one of ours parses its text."""
    message = queries.parse(text).to_wire()
    assert message == L8Query(text=text)
    assert queries.from_wire(message) == queries.parse(text)


def test_parameters_are_in_the_text(queries: QueryFactory) -> None:
    """A receiver does not know the parameters."""
    query = queries.parse("select * from Device where id=:id and note=:note", id="a*", note="x")
    assert query.to_wire().text == 'select * from Device where id="a\\*" and note="x"'
    assert queries.from_wire(query.to_wire()) == query


def test_names_travel_as_the_network_calls_them(queries: QueryFactory) -> None:
    """Names of Python attributes become those of the model in the network."""
    message = queries.parse("select cost_eur, ID from Device sort-by device.COUNT").to_wire()
    assert list(message.properties) == ["costeur", "ID"]
    assert message.sort_by == "count"


@pytest.mark.feature("GQ-14", "GQ-18", "GQ-19", "GQ-34")
def test_the_facts_of_a_message(queries: QueryFactory) -> None:
    """Everything but the condition is in plain fields."""
    message = L8Query(
        text="whatever",
        rootType="device",
        properties=["Id", " vendor"],
        sort_by="count",
        descending=True,
        limit=5,
        page=2,
        match_case=True,
        map_reduce=True,
        register=True,
        aaa_id="me",
    )
    query = queries.from_wire(message)
    assert [path.text for path in query.columns] == ["id", "vendor"]
    assert [(key.path.text, key.descending) for key in query.sort_keys] == [("count", True)]
    assert (query.limit, query.page, query.identity, query.text) == (5, 2, "me", "whatever")
    assert query.match_case
    assert query.map_reduce
    assert query.register
    assert query.to_wire() == message


@pytest.mark.feature("GQ-19")
def test_the_identity_stays_with_a_text(queries: QueryFactory) -> None:
    """Who asks is no part of the text."""
    one, other = (
        queries.from_wire(L8Query(text="select * from T where b=1", aaa_id=name)) for name in "xy"
    )
    assert (one.identity, one.to_wire().aaa_id) == ("x", "x")
    assert one != other
    assert one.criteria == other.criteria


def compare(left: str, oper: str, right: str) -> L8Condition:
    """A chain of one comparison."""
    return L8Condition(comparator=L8Comparator(left=left, oper=oper, right=right))


def condition(*chain: L8Condition, words: str = "") -> L8Expression:
    """A node with a chain of comparisons; letters choose the words between."""
    *first, result = chain
    for link, word in zip(reversed(first), reversed(words), strict=True):
        link.oper = {"a": " and ", "o": " or "}[word]
        link.next.CopyFrom(result)
        result = link
    return L8Expression(condition=result)


def test_received_chains_lean_to_the_right(queries: QueryFactory) -> None:
    """In a tree the shape decides: what is right of a word belongs together."""
    tree = condition(
        compare("b", "=", "1"), compare("c", "=", "2"), compare("b", "=", "3"), words="ao"
    )
    criteria = queries.from_wire(L8Query(rootType="T", criteria=tree)).criteria
    assert isinstance(criteria, And)
    assert isinstance(criteria.terms[1], Or)


def test_received_nodes_are_units(queries: QueryFactory) -> None:
    """Condition, child and next of a node are joined by its word; empty parts count for nothing."""
    tree = L8Expression(
        condition=compare("b", "=", "1"),
        child=L8Expression(child=condition(compare("c", "=", "2"))),
        and_or=" or ",
        next=L8Expression(child=L8Expression(), next=condition(compare("b", "=", "5"))),
    )
    criteria = queries.from_wire(L8Query(rootType="T", criteria=tree)).criteria
    assert isinstance(criteria, Or)
    values = [term.value for term in criteria.terms if isinstance(term, Comparison)]
    assert values == [1, 2, 5]
    assert queries.from_wire(L8Query(rootType="T", criteria=L8Expression())).criteria is None


@pytest.mark.feature("GQ-04", "GQ-05", "GQ-07", "GQ-08", "GQ-09", "GQ-23")
@pytest.mark.parametrize(
    ("parts", "operator", "value"),
    [
        (("a", "=", "x y"), Operator.EQ, "x y"),
        (("a", "=", "'x'"), Operator.EQ, "x"),
        (("a", "=", "x*"), Operator.LIKE, "x%"),
        (("a", "=", "c:\\*"), Operator.LIKE, "c:\\\\%"),
        (("a", "=", "c:\\\\d"), Operator.EQ, "c:\\\\d"),
        (("a", "=", ""), Operator.EQ, ""),
        (("a", "=", "nil"), Operator.EQ, None),
        (("a", " in ", "[x,y z]"), Operator.IN, ("x", "y z")),
        (("b", " not in ", "[1, 2]"), Operator.NOT_IN, (1, 2)),
        (("b", " in ", "1"), Operator.IN, (1,)),
        (("b", " in ", "[]"), Operator.IN, ()),
        (("3", ">", "b"), Operator.LT, 3),
        (('"x"', "=", "a"), Operator.EQ, "x"),
    ],
)
def test_received_operands(
    queries: QueryFactory, parts: tuple[str, str, str], operator: Operator, value: object
) -> None:
    """Values of a tree have no escapes, but stars, quotes and nil."""
    message = L8Query(rootType="T", criteria=condition(compare(*parts)))
    criteria = queries.from_wire(message).criteria
    assert isinstance(criteria, Comparison)
    assert (criteria.operator, criteria.value) == (operator, value)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (L8Query(), "the query is empty"),
        (L8Query(rootType="x"), "there is no model 'x'"),
        (L8Query(rootType="T", properties=["zz"]), "no attribute 'zz'"),
        (L8Query(rootType="T", limit=-1), "limit must be"),
        (L8Query(rootType="T", criteria=condition(compare("x", "=", "1"))), "no attribute 'x'"),
        (L8Query(rootType="T", criteria=condition(compare("b", "=", "y"))), "'y' is not"),
        (L8Query(rootType="T", criteria=condition(compare("b", "~", "1"))), "'~' is no operator"),
        (
            L8Query(
                rootType="T",
                criteria=L8Expression(condition=compare("b", "=", "1"), and_or="xor"),
            ),
            "'xor' joins no conditions",
        ),
        (
            L8Query(rootType="T", aggregates=[L8AggregateFunction(function="median")]),
            "'median' is no function",
        ),
        (
            L8Query(rootType="T", aggregates=[L8AggregateFunction(function="count", alias="a b")]),
            "'a b' cannot be the name",
        ),
    ],
)
def test_messages_that_make_no_sense(queries: QueryFactory, message: L8Query, words: str) -> None:
    """A message has no lines, so its errors have no place."""
    with pytest.raises(QueryError, match=words) as caught:
        queries.from_wire(message)
    assert (caught.value.line, caught.value.column) == (0, 0)
    assert "\n" not in caught.value.message


def test_hostile_trees(queries: QueryFactory) -> None:
    """Deep and endless trees are refused."""
    deep = condition(compare("b", "=", "1"))
    for _ in range(80):
        deep = L8Expression(child=deep)
    links = [compare("b", "=", str(n)) for n in range(70)]
    alternating = condition(*links, words="ao" * 34 + "a")
    wide = L8Query(rootType="T", criteria=condition(compare("b", " in ", f"[{'1,' * 10_001}1]")))
    for message, words in (
        (L8Query(rootType="T", criteria=deep), "nested deeper"),
        (L8Query(rootType="T", criteria=alternating), "nested deeper"),
        (wide, "more than 10000"),
    ):
        with pytest.raises(QueryError, match=words):
            queries.from_wire(message)


@pytest.mark.feature("GQ-15", "GQ-16", "GQ-17")
def test_received_aggregates(queries: QueryFactory) -> None:
    """Aggregates, groups and their condition are read; a missing name is generated."""
    message = L8Query(
        rootType="T",
        properties=["G"],
        group_by=["G", ""],
        aggregates=[
            L8AggregateFunction(function="Count"),
            L8AggregateFunction(function="sum", field="Amt"),
        ],
        having=condition(compare("sumamt", ">", "5")),
    )
    query = queries.from_wire(message)
    assert [each.alias for each in query.aggregates] == ["count", "sumAmt"]
    assert isinstance(query.having, Comparison)
    assert query.to_text() == (
        "select g, count(*) as count, sum(amt) as sumAmt from T group-by g having sumamt>5"
    )


def test_the_received_message_stays_as_it_is(queries: QueryFactory) -> None:
    """Neither a change of the received nor of a made message reaches the query."""
    message = L8Query(rootType="T", criteria=condition(compare("b", "=", "1")))
    query = queries.from_wire(message)
    message.rootType = "other"
    query.to_wire().rootType = "other"
    assert query.to_wire().rootType == "T"
    assert query.text == "select * from T where b=1"


def test_enum_names_travel_as_numbers(queries: QueryFactory) -> None:
    """Nodes of the first make compare enums by number only."""
    message = queries.parse("select * from TestProto where myenum=ValueTwo").to_wire()
    assert message.criteria.condition.comparator.right == "2"
    item = tests_pb2.TestProto(myEnum=tests_pb2.ValueTwo)
    assert queries.from_wire(message).matches(item)
    bare = queries.parse("select * from Device where state in [up]").to_wire()
    assert bare.criteria.condition.comparator.right == "[1]"
    assert queries.from_wire(bare).filter([Device("x")]) == []
