# SPDX-License-Identifier: Apache-2.0
"""Values and words that nodes of the first make do not know, and the way to speak as they do."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsql import QueryFactory, select
from l8types.enums import Operator
from l8types.errors import QueryError
from l8types.pb import L8Comparator, L8Condition, L8Expression, L8Query

from .fakes import FakeInspector
from .models import Device, Port, T
from .test_matching import found


def reference() -> QueryFactory:
    """Stars as nodes of the first make read them."""
    return QueryFactory(FakeInspector(Device, T), wildcards="reference")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("zzz*world", "Hello World", True),
        ("zzz*yyy", "Hello World", False),
        ("ell*", "Hello", True),
        ("*", "", True),
        ("**", "Hello", False),
        ("%*", "50", False),
        ("%*", "50%", True),
        (r"a\*b*zz", "xa*bx", True),
        (r"a\*b*zz", "xaxbx", False),
    ],
)
def test_w13_stars_can_be_read_as_other_nodes_read_them(
    pattern: str, text: str, fits: bool
) -> None:
    """Any piece between the stars may stand anywhere, a star alone fits all; on request only."""
    queries = reference()
    query = queries.parse(f'select * from T where a="{pattern}"')
    assert query.matches(T(A=text)) is fits
    assert queries.parse(query.to_text()) == query
    assert QueryFactory(FakeInspector(T)).parse(query.to_text()).matches(T(A=text)) is fits
    assert queries.from_wire(query.to_wire()).matches(T(A=text)) is fits


def test_w13_only_equal_knows_stars_there() -> None:
    """A different operator compares with the star as it stands, and so does no list."""
    query = reference().parse("select * from T where a!=x* and a not in [y*]")
    items = [T(A="x*"), T(A="xy"), T(A="y*")]
    assert query.filter(items) == [T(A="xy")]


def test_w13_a_received_tree_is_read_alike() -> None:
    """What a node of the first make means by a tree is what it gets."""
    message = L8Query(
        text="select * from T where a=b*d",
        rootType="T",
        criteria=L8Expression(
            condition=L8Condition(comparator=L8Comparator(left="a", oper="=", right="b*d"))
        ),
    )
    assert reference().from_wire(message).matches(T(A="xxdxx"))
    assert not QueryFactory(FakeInspector(T)).from_wire(message).matches(T(A="xxdxx"))


def test_w13_the_choice_has_two_names() -> None:
    """A misspelt choice is an error."""
    with pytest.raises(ValueError, match="'whole' or 'reference', not 'loose'"):
        QueryFactory(FakeInspector(T), wildcards=cast("Any", "loose"))


@given(st.lists(st.sampled_from(["a", "b", "*", "%", "_", "\\*"]), max_size=6).map("".join),
       st.text(alphabet="ab%_*", max_size=5))  # fmt: skip
def test_w13_one_rule_for_all_patterns(pattern: str, text: str) -> None:
    """Equal without stars; with them, everything or one of the pieces."""
    query = reference().parse(f'select * from T where a="{pattern}"')
    bare = pattern.replace("\\*", "\0")
    pieces = [piece.replace("\0", "*") for piece in bare.split("*")]
    if len(pieces) == 1:
        expected = text == pieces[0]
    else:
        expected = bare == "*" or any(piece in text for piece in pieces if piece)
    assert query.matches(T(A=text)) is expected


@pytest.mark.parametrize("written", ["01ff", "01FF", "0x01ff", "'base64:Af8='", '"BASE64:Af8="'])
def test_w15_bytes(queries: QueryFactory, devices: list[Device], written: str) -> None:
    """In hexadecimal with or without its prefix, or in base64 after one."""
    assert found(queries, devices, f"digest={written}") == "r1"
    assert found(queries, devices, "digest=:it", it=written.strip("'\"")) == "r1"


@pytest.mark.parametrize("written", ["xyz", "0x1", "base64:Af8", "base64:A f8=", "Af8="])
def test_w15_bytes_that_are_none(queries: QueryFactory, written: str) -> None:
    """The error says how bytes are written."""
    with pytest.raises(QueryError, match="in hexadecimal, or in base64 after 'base64:'"):
        queries.parse(f'select * from Device where digest="{written}"')


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-01-01", 1_767_225_600),
        ("2026-01-01T00:00:00Z", 1_767_225_600),
        ("'2026-01-01 01:00:00+01:00'", 1_767_225_600),
        ("2026-01-01T00:00", 1_767_225_600),
        ("1969-12-31T23:59:59Z", -1),
        ("2026-01-01T00:00:00.5Z", 1_767_225_600.5),
    ],
)
def test_w15_moments(queries: QueryFactory, written: str, seconds: float) -> None:
    """A date, with a time of day or without, is seconds since 1970 in numbers; UTC by default."""
    items = [Device("a", cost_eur=float(seconds)), Device("b", cost_eur=seconds + 1)]
    assert found(queries, items, f"cost_eur={written}") == "a"
    assert found(queries, items, f"cost_eur>{written}") == "b"
    whole = [Device("a", count=int(seconds // 1))]
    assert found(queries, whole, f"count<={written}") == "a"


def test_w15_moments_in_lists_ranges_and_parameters(queries: QueryFactory) -> None:
    """Wherever a value can stand; a parameter may be a moment with its time zone."""
    items = [Device("a", count=1_767_225_600), Device("b", count=0)]
    assert found(queries, items, "count in [2026-01-01, 2027-01-01]") == "a"
    assert found(queries, items, "count between 2025-12-31 and 2026-01-02") == "a"
    moment = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert found(queries, items, "count=:at", at=moment) == "a"
    assert found(queries, items, "count=:at", at=datetime(2026, 1, 1, tzinfo=UTC)) == "a"


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("count=2026-13-01", None, "makes no sense: month must be in 1..12"),
        ("count=2026-01-01T25:00", None, "makes no sense: hour must be in 0..23"),
        ("count=2026-1-1", None, "'2026-1-1' is not"),
        ("count=:at", datetime(2026, 1, 1), "without a time zone"),  # noqa: DTZ001 - that is it
        ("state=:at", datetime(2026, 1, 1, tzinfo=UTC), "a value of type datetime is not"),
        ("id=:at", datetime(2026, 1, 1, tzinfo=UTC), "a value of type datetime is not"),
    ],
)
def test_w15_moments_that_are_none(
    queries: QueryFactory, where: str, value: object, words: str
) -> None:
    """What is no moment is an error, not another number."""
    given_value = {} if value is None else {"at": value}
    with pytest.raises(QueryError, match=words):
        queries.parse(f"select * from Device where {where}", **given_value)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("ports.size()>1", "r1"),
        ("ports.size()=0", "s1"),
        ("names.SIZE( )=2", "r1"),
        ("tags.size()=1 and slots.size()=1", "r1"),
        ("extra.size()=0", "r1 s1 r10"),
        ("ports.size() in [1,2]", "r1 r10"),
        ("not ports.size() between 1 and 2", "s1"),
        ("device.ports.size()!=1", "r1 s1"),
        ("ports.size()=nil", "s1"),
    ],
)
def test_w24_sizes(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """How many entries a list or map has; an absent one has none."""
    assert found(queries, devices, where) == ids
    query = queries.parse(f"select * from Device where {where}")
    assert queries.parse(query.to_text()) == query
    sent = query.to_wire()
    assert not sent.HasField("criteria"), "other nodes do not know it"
    assert queries.from_wire(sent) == query


def test_w24_sizes_within_objects(queries: QueryFactory) -> None:
    """Only collections have a size, and a size has nothing below it."""
    for where, words in (
        ("id.size()=1", "id is a single value; lists and maps have a size"),
        ("main.name.size()=1", "is a single value"),
        ("zz.size()=1", "no attribute 'zz'"),
        ("size(ports)=1", "."),
    ):
        with pytest.raises(QueryError, match=words):
            queries.parse(f"select * from Device where {where}")


def test_w24_different_values_are_counted(queries: QueryFactory) -> None:
    """``count(distinct …)`` counts equal values once, and absent ones not at all."""
    items = [
        Device("a", vendor="x", note="n", ports=[Port("p"), Port("q")]),
        Device("b", vendor="x", ports=[Port("q")]),
        Device("c", vendor="y"),
    ]
    text = (
        "select vendor, count(distinct note), count(DISTINCT ports.name) as names from Device "
        "group-by vendor having count(distinct ports.name)>=0 sort-by vendor"
    )
    query = queries.parse(text)
    assert query.aggregate(items) == [
        {"vendor": "x", "countDistinctNote": 1, "names": 2},
        {"vendor": "y", "countDistinctNote": 0, "names": 0},
    ]
    assert queries.parse(query.to_text()) == query
    sent = query.to_wire()
    assert not sent.aggregates, "other nodes do not know it"
    assert queries.from_wire(sent) == query
    assert "count distinct of ports.name" in query.explain()


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("sum(distinct count)", "'sum' takes no 'distinct', only count does"),
        ("count(distinct main)", "different values of one of its attributes: name"),
        ("count(distinct *)", "expected"),
        ("count(distinct zz)", "no attribute 'zz'"),
    ],
)
def test_w24_what_cannot_be_counted_once(queries: QueryFactory, select: str, words: str) -> None:
    """Errors have a place."""
    with pytest.raises(QueryError, match=words) as caught:
        queries.parse(f"select {select} from Device")
    assert caught.value.column > 6


def test_w24_an_offset_names_a_page(queries: QueryFactory) -> None:
    """It travels as the page that it is, so every node understands it."""
    query = queries.parse("select * from T limit 10 offset 30")
    assert (query.limit, query.page) == (10, 3)
    assert query == queries.parse("select * from T limit 10 page 3")
    assert queries.parse("select * from T offset :from limit 5", **{"from": 10}).page == 2
    assert query.to_wire().page == 3


@pytest.mark.parametrize(
    ("clauses", "words"),
    [
        ("limit 10 offset 15", "multiple of the limit, 10"),
        ("offset 10", "needs a 'limit'"),
        ("limit 10 page 1 offset 10", "either 'page' or 'offset'"),
        ("limit 10 offset -10", "offset must be a whole number"),
        ("limit 10 offset x", "expected"),
    ],
)
def test_w24_offsets_that_are_no_page(queries: QueryFactory, clauses: str, words: str) -> None:
    """The error says why."""
    with pytest.raises(QueryError, match=words):
        queries.parse(f"select * from T {clauses}")


def test_w24_the_new_words_are_values_as_before(queries: QueryFactory) -> None:
    """An offset that is followed by no number is a word like others."""
    query = queries.parse("select * from T where a=the offset value")
    assert query.value_of("a") == "the offset value"
    query = queries.parse("select * from T where a=from offset limit 2")
    assert (query.value_of("a"), query.limit) == ("from offset", 2)
    assert queries.parse("select * from T where a=x limit 2 offset 4").page == 2
    assert cast("Any", query.criteria).operator is Operator.EQ


def test_w24_different_values_in_python(queries: QueryFactory) -> None:
    """The builder counts them as well."""
    counted = (
        select(Device)
        .count_distinct(lambda it: it.vendor)
        .count_distinct(lambda it: it.note, alias="notes")
    )
    items = [Device("a", "x", note="1"), Device("b", "x", note="2"), Device("c", "y")]
    (row,) = queries.build(counted).aggregate(items)
    assert row == {"countDistinctVendor": 2, "notes": 2}
