# SPDX-License-Identifier: Apache-2.0
"""Texts to raw queries, and errors that show the place."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import pytest

from gsql._parser import parse_text
from gsql._tree import Chain, Form, Negation, RawComparison
from l8types.enums import Operator, Quantifier
from l8types.errors import QueryError


def where(text: str) -> Chain[RawComparison]:
    """The condition of a query on T."""
    chain = parse_text(f"select * from T where {text}").where
    assert chain is not None
    return chain


def only(text: str) -> RawComparison:
    """The only comparison of a condition."""
    (unit,) = where(text).units
    assert isinstance(unit, RawComparison)
    return unit


@pytest.mark.feature("GQ-01", "GQ-02")
def test_select_and_from_take_any_case_and_white_space() -> None:
    """Keywords have no case; tabs and line breaks separate like blanks."""
    query = parse_text("  Select column1,\n\tcolumn2   fRom table1 ")
    assert [column.text for column in query.columns] == ["column1", "column2"]
    assert query.root.text == "table1"
    assert query.where is None
    assert not query.everything


@pytest.mark.feature("GQ-11", "GQ-12", "GQ-13", "GQ-10")
def test_clauses_after_the_condition() -> None:
    """A direction that stands apart from the sort key counts for it."""
    query = parse_text(
        "select a from T where 1=a sort-by col1 page 7 limit 50 match-case descending"
    )
    assert [key.column.text for key in query.sort_by] == ["col1"]
    assert query.descending
    assert query.match_case
    assert (query.page and query.page.text, query.limit and query.limit.text) == ("7", "50")


@pytest.mark.feature("GQ-37")
def test_clauses_come_in_any_order() -> None:
    """What a clause says does not depend on where it stands."""
    query = parse_text("limit 5 where a=1 from T select a")
    assert (query.root.text, [column.text for column in query.columns]) == ("T", ["a"])
    assert query.where is not None


@pytest.mark.feature("GQ-11")
def test_sort_keys_have_their_own_direction() -> None:
    """Several keys are separated by commas, each with its own direction."""
    query = parse_text("select * from T sort-by a descending, b, c ascending")
    assert [(key.column.text, key.descending) for key in query.sort_by] == [
        ("a", True),
        ("b", None),
        ("c", False),
    ]


@pytest.mark.feature("GQ-14", "GQ-18")
@pytest.mark.parametrize(
    ("text", "expected"), [("", True), (" true", True), (" FALSE", False), (" False", False)]
)
def test_flags_take_a_value(text: str, expected: bool) -> None:
    """An explicit false is heeded."""
    query = parse_text(f"select * from T mapreduce{text} register{text} match-case{text}")
    assert (query.map_reduce, query.register, query.match_case) == (expected,) * 3


@pytest.mark.feature("GQ-03")
def test_conditions_keep_their_words_and_brackets() -> None:
    """Logical words join the units of a level; brackets make a unit."""
    chain = where("a=2 AND (b  =  4 Or c!=6) or d<9")
    assert chain.or_after == (False, True)
    inner = chain.units[1]
    assert isinstance(inner, Chain)
    assert inner.or_after == (True,)


@pytest.mark.feature("GQ-04")
@pytest.mark.parametrize("operator", ["=", "!=", ">", "<", ">=", "<="])
@pytest.mark.parametrize("space", ["", "  "])
def test_operators(operator: str, space: str) -> None:
    """Blanks around an operator mean nothing."""
    comparison = only(f"a{space}{operator}{space}5")
    assert (comparison.left.text, comparison.operator) == ("a", Operator(operator))
    assert comparison.right is not None
    assert comparison.right.text == "5"


@pytest.mark.feature("GQ-05")
@pytest.mark.parametrize("text", ["[x, y z ,\"a,b\",'(']", "(x, y z ,\"a,b\",'(')"])
def test_lists(text: str) -> None:
    """Items are trimmed, quotes hide commas and brackets, both brackets will do."""
    comparison = only(f"a Not In {text}")
    assert comparison.operator is Operator.NOT_IN
    assert comparison.right is not None
    assert [item.text for item in comparison.right.items] == ["x", "y z", "a,b", "("]


@pytest.mark.feature("GQ-06")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=hello world", "hello world"),
        ("a=hello  world  or b=1", "hello  world"),
        ("a=hello\n\tworld limit 5", "hello world"),
        ("a=O'Brien and b=1", "O'Brien"),
        ("a=12:30:00", "12:30:00"),
        ("a=::1", "::1"),
        ("a=eth* sort-by a", "eth*"),
        ("a=from", "from"),
        ("a=limited edition", "limited edition"),
        ("a=x,y[0]", "x,y[0]"),
    ],
)
def test_values_without_quotes(text: str, value: str) -> None:
    """A value runs to the next logical word, bracket or clause."""
    unit = where(text).units[0]
    assert isinstance(unit, RawComparison)
    assert unit.right is not None
    assert (unit.right.form, unit.right.text) == (Form.BARE, value)


@pytest.mark.feature("GQ-07")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a="limit 5"', "limit 5"),
        ("a=' x and (y '", " x and (y "),
        ('a="say \\"no\\""', 'say \\"no\\"'),
        ('a=""', ""),
    ],
)
def test_quotes_hide_everything(text: str, value: str) -> None:
    """Keywords, brackets and blanks between quotes belong to the value."""
    comparison = only(text)
    assert comparison.right is not None
    assert (comparison.right.form, comparison.right.text) == (Form.QUOTED, value)


def test_words_of_the_extensions() -> None:
    """``not``, ``like``, ``between``, ``is null`` and the quantifiers."""
    chain = where(
        "not a like 'x%' and a not between 1 and 2 or a is not null and all b is null "
        "and any c.d not like y"
    )
    first, second, third, fourth, fifth = chain.units
    assert isinstance(first, Negation)
    assert isinstance(second, Negation)
    assert isinstance(second.unit, RawComparison)
    assert second.unit.operator is Operator.BETWEEN
    assert isinstance(third, RawComparison)
    assert third.operator is Operator.IS_NOT_NULL
    assert isinstance(fourth, RawComparison)
    assert fourth.quantifier is Quantifier.ALL
    assert isinstance(fifth, RawComparison)
    assert (fifth.quantifier, fifth.operator) == (Quantifier.ANY, Operator.NOT_LIKE)


@pytest.mark.parametrize("name", ["not", "all", "any", "limit", "select", "in", "like"])
def test_attributes_may_be_called_like_keywords(name: str) -> None:
    """A word left of an operator is a name."""
    assert only(f"{name} = 1").left.text == name
    assert only(f"{name} in [1]").left.text == name


@pytest.mark.parametrize("name", ["like", "in", "between", "is"])
def test_quantified_attributes_may_be_called_like_operators(name: str) -> None:
    """What follows tells whether the word is the attribute or the operator."""
    for test in (
        "=1",
        " != 1",
        " in [1]",
        " not in [1]",
        " like x",
        " is null",
        " between 1 and 2",
    ):
        found = where(f"any {name}{test}").units[0]
        assert isinstance(found, RawComparison)
        assert (found.left.text, found.quantifier) == (name, Quantifier.ANY)
    assert only("any like 'x'").left.text == "any"
    assert only("all in [1]").left.text == "all"


@pytest.mark.parametrize("name", ["from", "distinct", "page", "where"])
def test_columns_may_be_called_like_keywords(name: str) -> None:
    """Where a name is due, a keyword is a name."""
    query = parse_text(f"select {name}, a from T group-by {name} sort-by {name} limit 3")
    assert query.columns[0].text == name
    assert not query.distinct
    assert query.sort_by[0].column.text == name


@pytest.mark.feature("GQ-15", "GQ-16", "GQ-17")
def test_aggregates() -> None:
    """Functions have a generated name or one of their own."""
    query = parse_text(
        "select a, Count(*), sum( myInt32 ), avg(x.y) as mean from T group-by a, b having "
        "count( * )>1"
    )
    assert [(each.function, each.column.text, each.alias) for each in query.aggregates] == [
        ("count", "*", "count"),
        ("sum", "myInt32", "sumMyInt32"),
        ("avg", "x.y", "mean"),
    ]
    assert [column.text for column in query.group_by] == ["a", "b"]
    assert query.having is not None
    (unit,) = query.having.units
    assert isinstance(unit, RawComparison)
    assert unit.left.text == "count(*)"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("selec * from T", 1, 1, "did you mean 'select'?"),
        ("", 1, 1, "no 'select'"),
        ("from T", 1, 1, "no 'select'"),
        ("select *", 1, 1, "no 'from'"),
        ("select from T", 1, 8, "expected a name or '*'"),
        ("select * from T\nwher a=1", 2, 1, "did you mean 'where'?"),
        ("select * from T where", 1, 22, "expected a condition"),
        ("select * from T where a", 1, 24, "ends where an operator is expected"),
        ("select * from T where a=", 1, 25, 'write ""'),
        ("select * from T where a=1 anf b=2", 1, 27, "did you mean 'and'?"),
        ("select * from T where (a=1) anf b=2", 1, 29, "did you mean 'and'?"),
        ("select * from T where (a=1 and b=2", 1, 35, "')' or 'and' or 'or' is expected"),
        ("select * from T where a=1 or b<9) or c<=1", 1, 33, "found ')'"),
        ("select * from T where a ^ 6", 1, 25, "expected an operator"),
        ("select * from T where a<>6", 1, 24, "use '!='"),
        ("select * from T where a lik b", 1, 25, "did you mean 'like'?"),
        ("select * from T where a=x>=b", 1, 26, "put the value in quotes"),
        ("select * from T where a = limit 5", 1, 27, "the keyword 'limit'"),
        ("select * from T where a='x", 1, 25, "not closed"),
        ("select * from T where a in [1,", 1, 31, "expected a value, then ','"),
        ("select * from T where a in 5", 1, 28, "expected a list"),
        ("select * from T where a between 1 or 2", 1, 35, "upper value"),
        ("select * from T where all 'x' = 1", 1, 27, "expected an attribute"),
        ("select cnt(a) from T", 1, 8, "did you mean 'count'?"),
        ("select * from T limit x", 1, 23, "expected a whole number"),
        ("select * from T limit 5 limit 7", 1, 25, "said twice"),
        ("select * from T ascending descending", 1, 27, "said twice"),
        ("select * from T ; drop", 1, 17, "not expected"),
    ],
)
def test_errors_show_the_place(text: str, line: int, column: int, words: str) -> None:
    """An error has line and column, and a caret under the place."""
    with pytest.raises(QueryError) as caught:
        parse_text(text)
    error = caught.value
    first, excerpt, caret = error.message.split("\n")
    assert (error.line, error.column) == (line, column)
    assert words in first
    assert f"(line {line}, column {column})" in first
    assert excerpt.removeprefix("  ") == (text.split("\n")[line - 1])
    assert caret.index("^") - 2 == column - 1


def test_the_excerpt_of_a_long_line_is_cut() -> None:
    """The caret still stands under the place."""
    text = f"select * from T where a in [{', '.join(['1'] * 200)}] oops"
    with pytest.raises(QueryError) as caught:
        parse_text(text)
    _, excerpt, caret = caught.value.message.split("\n")
    assert len(excerpt) < 80
    assert excerpt[caret.index("^") :].startswith("oops")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select * from T where " + "(" * 65 + "a=1" + ")" * 65, "nested deeper than 64"),
        ("select * from T where " + "not " * 65 + "a=1", "nested deeper than 64"),
        ("select * from T where " + " and ".join(["a=1"] * 1025), "more than 1024 comparisons"),
        ("select * from T where a in [" + ",".join(["1"] * 10_001) + "]", "more than 10000"),
        ("select * from T where a=" + "x" * 65_536, "65536 are allowed"),
    ],
)
def test_limits(text: str, words: str) -> None:
    """Hostile sizes are refused before they cost anything."""
    with pytest.raises(QueryError, match=words):
        parse_text(text)
