# SPDX-License-Identifier: Apache-2.0
"""What holds for every query."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from gsql import QueryFactory
from l8types.errors import QueryError
from l8types.pb import L8Comparator, L8Condition, L8Expression, L8Query, tests_pb2

from . import oracle, strategies
from .fakes import FakeInspector
from .models import Device, T

QUERIES = QueryFactory(FakeInspector(Device, T, tests_pb2.TestProto))
ITEMS = st.lists(strategies.devices(), max_size=4)


@pytest.mark.feature("GQ-32")
@given(strategies.queries())
def test_the_canonical_text_means_the_query(text: str) -> None:
    """Parsing what is printed gives an equal query, bound to the same."""
    query = QUERIES.parse(text)
    again = QUERIES.parse(query.to_text())
    assert again == query
    assert again.criteria == query.criteria
    assert again.to_text() == query.to_text()
    assert (again.columns, again.sort_keys, again.having, again.aggregates) == (
        query.columns,
        query.sort_keys,
        query.having,
        query.aggregates,
    )


@pytest.mark.feature("GQ-25", "GQ-20")
@given(strategies.conditions(strategies.comparisons()), ITEMS, st.sampled_from(["", " match-case"]))
def test_the_generated_code_means_the_criteria(where: str, items: list[Device], flag: str) -> None:
    """Filter and match agree with the plain reading of the bound criteria."""
    query = QUERIES.parse(f"select * from Device where {where}{flag}")
    assert query.criteria is not None
    expected = [item for item in items if oracle.holds(query.criteria, item)]
    assert query.filter(items) == expected
    assert query.filter(items) == expected, "by now the query may have learnt to look first"
    assert [item for item in items if query.matches(item)] == expected


@pytest.mark.feature("GQ-34")
@given(strategies.queries(), ITEMS)
def test_a_received_query_means_the_sent_one(text: str, items: list[Device]) -> None:
    """The message and its bytes carry the whole query, whatever form they take."""
    query = QUERIES.parse(text)
    message = query.to_wire()
    received = QUERIES.from_wire(L8Query.FromString(message.SerializeToString()))
    assert received.filter(items) == query.filter(items)
    assert (received.columns, received.sort_keys, received.having) == (
        query.columns,
        query.sort_keys,
        query.having,
    )
    assert received.to_wire() == message
    assert QUERIES.parse(message.text).filter(items) == query.filter(items)


LEAVES = st.tuples(st.sampled_from("abc"), st.sampled_from(["=", "!="]), st.sampled_from("01")).map(
    "".join
)


@pytest.mark.feature("GQ-03", "GQ-34")
@given(strategies.conditions(LEAVES))
def test_other_nodes_read_the_tree_alike(where: str) -> None:
    """The right-leaning reading of the tree gives the answers of the query's own precedence."""
    query = QUERIES.parse(f"select * from T where {where}")
    message = query.to_wire()
    assert message.HasField("criteria")
    for bits in range(8):
        a, b, c = (bits >> shift & 1 for shift in range(3))
        values = {"a": a, "b": b, "c": c}

        def leaf(left: str, oper: str, right: str, values: dict[str, int] = values) -> bool:
            return (values[left] == int(right)) is (oper == "=")

        expected = query.matches(T(A=str(a), B=b, C=c))
        assert oracle.tree_holds(message.criteria, leaf) is expected


WORDS = (
    "select from T where a = != < ( ) [ ] , and or not in like between is null 'x' \" ' * :p nil",
    "sort-by group-by having limit page 5 count(*) match-case mapreduce all any b t.a é \\ -",
)
PIECES = st.sampled_from([word for line in WORDS for word in line.split()])


@given(st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=30))
def test_no_text_does_harm(text: str) -> None:
    """Any text is a query or an error that shows the place."""
    for candidate in (text, f"select * from T where {text}", f"select {text} from T"):
        try:
            query = QUERIES.parse(candidate)
        except QueryError as error:
            place = error.line, error.column
        else:
            place = (1, 1)
            query.filter([T()])
        assert min(place) >= 1


WIRE_TEXTS = st.sampled_from(
    ["a", "b", "nil", "", "*", "[1,2]", "[", "'", '"', "x'y", "1", " ", "sub.x", "T.a", "count(*)"]
)
COMPARATORS = st.builds(
    L8Comparator,
    left=WIRE_TEXTS,
    oper=st.sampled_from(["=", "!=", ">", " in ", " not in ", "", "~"]),
    right=WIRE_TEXTS,
)
LOGIC = st.sampled_from([" and ", " or ", "", "xor"])
CHAINS = st.recursive(
    st.builds(L8Condition, comparator=COMPARATORS, oper=LOGIC),
    lambda inner: st.builds(L8Condition, comparator=COMPARATORS, oper=LOGIC, next=inner),
    max_leaves=3,
)
TREES = st.recursive(
    st.builds(L8Expression, condition=st.none() | CHAINS, and_or=LOGIC),
    lambda inner: st.builds(
        L8Expression,
        condition=st.none() | CHAINS,
        and_or=LOGIC,
        next=st.none() | inner,
        child=st.none() | inner,
    ),
    max_leaves=4,
)


@given(
    st.builds(
        L8Query,
        rootType=st.sampled_from(["T", "t", "", "x"]),
        properties=st.lists(WIRE_TEXTS, max_size=2),
        criteria=st.none() | TREES,
        having=st.none() | TREES,
        sort_by=WIRE_TEXTS,
        limit=st.integers(-1, 3),
        group_by=st.lists(WIRE_TEXTS, max_size=1),
    )
)
def test_no_message_does_harm(message: L8Query) -> None:
    """Any message is a query that can be asked and sent on, or an error."""
    try:
        query = QUERIES.from_wire(message)
    except QueryError:
        return
    query.filter([T(), T("x", 1)])
    assert query.to_wire() == message


@pytest.mark.feature("GQ-34")
@given(strategies.queries(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))))
def test_no_byte_does_harm(text: str, changes: list[tuple[int, int]]) -> None:
    """A damaged message that can be read at all is a query or an error."""
    data = bytearray(QUERIES.parse(text).to_wire().SerializeToString())
    for place, value in changes:
        data[place % len(data)] = value
    try:
        message = L8Query.FromString(bytes(data))
        query = QUERIES.from_wire(message)
    except (DecodeError, QueryError):
        return
    query.filter([Device("x"), T()])
    query.explain()


@given(st.text(max_size=8), st.text(max_size=8))
def test_no_parameter_leaves_its_place(value: str, other: str) -> None:
    """A text parameter equals itself and nothing else, also after it was printed and sent."""
    query = QUERIES.parse("select * from T where a=:v match-case", v=value)
    items = [T(A=value), T(A=other)]
    expected = [item for item in items if value == item.A]
    assert query.filter(items) == expected
    assert QUERIES.parse(query.to_text()).filter(items) == expected
    assert QUERIES.from_wire(query.to_wire()).filter(items) == expected
