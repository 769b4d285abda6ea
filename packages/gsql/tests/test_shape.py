# SPDX-License-Identifier: Apache-2.0
"""Texts read by their shape, as nodes of the first make read them."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import itertools

import pytest
from hypothesis import given

from gsql import QueryFactory

from . import oracle, strategies
from .fakes import FakeInspector
from .models import T
from .test_properties import LEAVES
from .test_wire import canonical

SQL = QueryFactory(FakeInspector(T))
REFERENCE = QueryFactory(FakeInspector(T), precedence="reference")


@pytest.mark.feature("GQ-03")
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a=1 and b=1 or c=1", "a=1 and (b=1 or c=1)"),
        ("a=1 or b=1 and c=1", "a=1 or (b=1 and c=1)"),
        ("a=1 or b=1 and (c=1)", "(a=1 or b=1) and c=1"),
        ("(a=1) and (b=1) or (c=1)", "a=1 and (b=1 or c=1)"),
        ("a=1 and b=1 or (c=1)", "(a=1 and b=1) or c=1"),
        ("(a=1 and b=1 or c=1) and b=1", "(a=1 and (b=1 or c=1)) and b=1"),
        ("not (a=1 and b=1 or c=1)", "not (a=1 and (b=1 or c=1))"),
        ("a=1", "a=1"),
    ],
)
def test_the_table_of_shapes(text: str, meaning: str) -> None:
    """What a text means where the shape decides, in words of precedence."""
    shaped = REFERENCE.parse(f"select * from T where {text}")
    assert shaped == SQL.parse(f"select * from T where {meaning}")
    for bits in itertools.product((0, 1), repeat=3):
        item = T(A=str(bits[0]), B=bits[1], C=bits[2])
        assert shaped.matches(item) is SQL.parse(f"select * from T where {meaning}").matches(item)


@pytest.mark.feature("GQ-34")
@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("b=1 AND c=4 Or amt!=6", "(b=1 and c=4 or amt!=6)"),
        ("b=1 or c=2 and (amt=3)", "(b=1 or c=2) and ((amt=3))"),
        (
            "(b=1 or c=4) And (amt!=6 or b<9) or b<=12",
            "((b=1 or c=4)) and ((amt!=6 or b<9)) or (b<=12)",
        ),
    ],
)
def test_text_and_tree_of_the_first_make(text: str, tree: str) -> None:
    """The text stays and the tree is the one that its parser would make."""
    whole = f"select * from T where {text}"
    message = REFERENCE.parse(whole).to_wire()
    assert message.text == whole
    assert canonical(message.criteria) == tree
    assert SQL.from_wire(message) == REFERENCE.parse(whole)


@given(strategies.conditions(LEAVES))
def test_what_is_sent_means_the_same(where: str) -> None:
    """Whoever reads the tree, and whoever prints and parses it, finds one meaning."""
    query = REFERENCE.parse(f"select * from T where {where}")
    message = query.to_wire()
    again = SQL.from_wire(message)
    printed = SQL.parse(query.to_text())
    for bits in itertools.product((0, 1), repeat=3):
        item = T(A=str(bits[0]), B=bits[1], C=bits[2])
        values = dict(zip("abc", bits, strict=True))

        def leaf(left: str, oper: str, right: str, values: dict[str, int] = values) -> bool:
            return (values[left] == int(right)) is (oper == "=")

        expected = query.matches(item)
        assert again.matches(item) is expected
        assert printed.matches(item) is expected
        assert oracle.tree_holds(message.criteria, leaf) is expected


def test_a_text_that_travels_alone_has_brackets() -> None:
    """The receiver of a text may go by precedence."""
    text = "select * from T where a is null and b=1 or c=1"
    message = REFERENCE.parse(text).to_wire()
    assert not message.HasField("criteria")
    assert message.text == "select * from T where a is null and (b=1 or c=1)"
    ours = REFERENCE.parse("select * from T where b between 1 and 2 and b=1 or c=1").to_wire()
    assert SQL.from_wire(ours) == SQL.parse(ours.text)


def test_the_default_is_that_of_sql() -> None:
    """A word that is no reading is refused."""
    text = "select * from T where a=1 and b=1 or c=1"
    assert SQL.parse(text) == SQL.parse("select * from T where (a=1 and b=1) or c=1")
    with pytest.raises(ValueError, match="'sql' or 'reference'"):
        QueryFactory(FakeInspector(T), precedence="go")  # type: ignore[arg-type]
