# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on nodes of the first make goes right here: one test for each known weakness."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.criteria import Comparison
from l8types.enums import Operator
from l8types.errors import QueryError
from l8types.pb import L8Comparator, L8Condition, L8Expression, L8Query, tests_pb2

from .models import Device, Odd, Port, T
from .test_matching import found
from .test_pinned import keyed

if TYPE_CHECKING:
    from gsql import QueryFactory


@pytest.mark.parametrize(
    "where",
    [
        "main.name=x",
        "main.speed>1",
        "ports.speed in [1]",
        "note!=x",
        "cost_eur=1.5",
        "active!=true",
        "active>false",
        "active in [true]",
        "tags=x",
        "tags!=x",
        "names<{2}99>=x",
        "main=nil",
        "extra.name=nil",
        "weight<1",
    ],
)
def test_w01_nothing_ends_the_evaluation(
    queries: QueryFactory, devices: list[Device], where: str
) -> None:
    """Absent values, floats, bools and maps are compared, or do not match; nothing raises."""
    odd = Device("odd")
    odd.main = odd.ports = odd.names = odd.tags = odd.note = 5  # type: ignore[assignment]
    odd.cost_eur = odd.active = odd.weight = "x"  # type: ignore[assignment]
    query = queries.parse(f"select * from Device where {where}")
    answer = query.filter([*devices, odd])
    assert answer == [each for each in [*devices, odd] if query.matches(each)]


def test_w02_leading_blanks_mean_nothing(queries: QueryFactory) -> None:
    """Blanks in front, and letters that get longer in lower case, shift nothing."""
    plain = queries.parse("select * from T where a=1 limit 3")
    assert queries.parse("  \n select * from T where a=1 limit 3") == plain
    turkish = queries.parse("select * from T where a=İİİ and b=2 limit 3")
    assert turkish.limit == 3
    assert turkish.value_of("a") == "İİİ"
    assert turkish.value_of("b") == 2


def test_w03_keywords_in_values_and_names(queries: QueryFactory) -> None:
    """A keyword counts only where a clause may begin."""
    query = queries.parse('select * from T where a="limit 5" sort-by amt')
    assert (query.value_of("a"), query.limit) == ("limit 5", 0)
    assert queries.parse("select * from T where a=from").value_of("a") == "from"
    registered = queries.parse("select * from T where a=Registered")
    assert not registered.register
    odd = queries.parse("select limit from Odd where limit=5 sort-by limit limit 7")
    assert (odd.value_of("limit"), odd.limit) == (5, 7)
    assert odd.filter([Odd(limit=5), Odd(limit=7)]) == [Odd(limit=5)]


def test_w04_an_explicit_false_is_heeded(queries: QueryFactory) -> None:
    """Flags have values."""
    assert not queries.parse("select * from T mapreduce false").map_reduce
    assert queries.parse("select * from T mapreduce true").map_reduce


def test_w05_quotes_are_opaque_and_all_blanks_separate(queries: QueryFactory) -> None:
    """Logical words and brackets in quotes belong to the value; tabs and lines separate."""
    query = queries.parse('select *\nfrom\tT\nwhere a="x and (y) or z"\n\tand b=2')
    assert (query.value_of("a"), query.value_of("b")) == ("x and (y) or z", 2)


def test_w06_negation_is_not_lost(queries: QueryFactory) -> None:
    """``not`` means what it says, also after it was sent; junk is an error."""
    query = queries.parse("select * from T where a=1 and not (b=2)")
    received = queries.from_wire(query.to_wire())
    for item in (T(A="1", B=2), T(A="1", B=3)):
        assert query.matches(item) is received.matches(item) is (item.B == 3)
    with pytest.raises(QueryError):
        queries.parse("select * from T where (a=1) junk and (b=2)")


def test_w07_precedence(queries: QueryFactory) -> None:
    """``and`` binds tighter, whatever the shape."""
    for text in ("a=1 or b=2 and (c=3)", "(a=1) or b=2 and c=3", "a=1 or (b=2 and c=3)"):
        query = queries.parse(f"select * from T where {text}")
        assert query.matches(T(A="1", B=0, C=0))


@pytest.mark.parametrize("where", ["a=x>=b", "a<>1", "a==1", "a=>1", "a!==1"])
def test_w08_operators_are_found_by_position(queries: QueryFactory, where: str) -> None:
    """What is no single operator between two operands is an error."""
    with pytest.raises(QueryError):
        queries.parse(f"select * from T where {where}")
    assert queries.parse('select * from T where a="x>=b"').value_of("a") == "x>=b"


def test_w09_blanks_after_commas(queries: QueryFactory) -> None:
    """Lists may be written with blanks."""
    query = queries.parse("select a, b from T where b in [1, 2] and a in [x, y]")
    assert [path.text for path in query.columns] == ["a", "b"]
    assert query.matches(T(A="y", B=2))


def test_w10_both_sides(queries: QueryFactory, devices: list[Device]) -> None:
    """An attribute may stand on the right, a value on the left."""
    assert found(queries, devices, "count>device.cost_eur") == "r1 s1 r10"
    assert found(queries, devices, "4=count") == "s1"


def test_w11_a_value_stays_a_value(queries: QueryFactory) -> None:
    """A value that is called like an attribute is still a value."""
    query = queries.parse("select * from Device where vendor=id")
    assert query.filter([Device("x", vendor="x"), Device("y", vendor="id")]) == [
        Device("y", vendor="id")
    ]


def test_w12_the_prefix_is_a_whole_name(queries: QueryFactory) -> None:
    """A name that merely contains that of the model is not taken for it."""
    with pytest.raises(QueryError, match="no attribute 'mydevice'"):
        queries.parse("select mydevice.id from Device")
    assert queries.parse("select DEVICE.id from Device").columns[0].text == "id"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("zzz*world", "Hello World", False),
        ("hello*world", "Hello World", True),
        ("ell*", "Hello", False),
        ("**", "anything", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
    ],
)
def test_w13_patterns_are_anchored(
    queries: QueryFactory, pattern: str, text: str, fits: bool
) -> None:
    """All pieces must be there, in order, and cover the text; ``!=`` knows patterns as well."""
    item = [T(A=text)]
    assert bool(queries.parse(f"select * from T where a='{pattern}'").filter(item)) is fits
    assert bool(queries.parse(f"select * from T where a!='{pattern}'").filter(item)) is not fits


@pytest.mark.parametrize(
    ("written", "meant"),
    [("O'Brien", "O'Brien"), ('"O\'Brien"', "O'Brien"), ("'say \\'x\\''", "say 'x'")],
)
def test_w14_apostrophes(queries: QueryFactory, written: str, meant: str) -> None:
    """Quotes within a value stay, and can be escaped."""
    assert queries.parse(f"select * from T where a={written}").value_of("a") == meant


def test_w15_kinds(queries: QueryFactory, devices: list[Device]) -> None:
    """Floats, whole numbers written as floats, names of enums and bytes are compared."""
    assert found(queries, devices, "cost_eur=1.5") == "r1"
    assert found(queries, devices, "count=3.0") == "r1"
    assert found(queries, devices, "state=up") == "r1"
    assert found(queries, devices, "digest=01ff") == "r1"


def test_w16_match_case_counts_everywhere(queries: QueryFactory) -> None:
    """Every operator on texts heeds it."""
    item = T(A="Abc")
    for where in ("a!=abc", "a in [abc]", "a>b", "a like 'a%'", "a between a and b"):
        folded = queries.parse(f"select * from T where {where}").matches(item)
        exact = queries.parse(f"select * from T where {where} match-case").matches(item)
        assert (folded, exact) in {(True, False), (False, True)} or where == "a>b"


def test_w17_having(queries: QueryFactory) -> None:
    """Conditions on groups see the results by name, and their logical words."""
    items = [T(G="x", Amt=1), T(G="x", Amt=2), T(G="y", Amt=9)]
    query = queries.parse(
        "select g, count(*), sum(amt) from T group-by g having count>1 and sumAmt>2 or g=y"
    )
    assert [row["g"] for row in query.aggregate(items)] == ["x", "y"]


def test_w18_w19_identities(queries: QueryFactory) -> None:
    """Queries differ by case and by caller, and pages do not make another cursor."""
    texts = ("select * from T where a=x match-case", "select * from T where a=X match-case")
    one, other = map(queries.parse, texts)
    assert one.hash == other.hash
    assert one != other
    callers = [queries.from_wire(L8Query(text=texts[0], aaa_id=name)) for name in "ab"]
    assert len({*callers}) == 2


def test_w20_w21_aggregates(queries: QueryFactory) -> None:
    """Nulls do not count, nothing has no minimum, and large whole numbers stay exact."""
    query = queries.parse("select avg(weight), count(weight), sum(count), min(weight) from Device")
    (row,) = query.aggregate([Device("a", weight=3.0, count=2**53), Device("b", count=1)])
    assert row == {"avgWeight": 3.0, "countWeight": 1, "sumCount": 2**53 + 1, "minWeight": 3.0}
    (empty,) = query.aggregate([])
    assert empty == {"avgWeight": None, "countWeight": 0, "sumCount": None, "minWeight": None}


@pytest.mark.parametrize("clause", ["limit x", "limit -1", "page -1", "limit 1000", "page x"])
def test_w22_limits_are_checked(queries: QueryFactory, clause: str) -> None:
    """Nonsense is an error with a place, not a limit of ten."""
    with pytest.raises(QueryError) as caught:
        queries.parse(f"select * from T {clause}")
    assert caught.value.column > 16


def test_w23_select_lists(queries: QueryFactory, devices: list[Device]) -> None:
    """An empty list is an error; whole sub-trees can be selected."""
    with pytest.raises(QueryError):
        queries.parse("select from T")
    query = queries.parse("select main, ports from Device")
    assert query.project(devices[0]) == Device(
        "", main=Port("eth0", 10), ports=[Port("eth0", 1), Port("lo")]
    )


@pytest.mark.parametrize(
    "text",
    [
        "select * from Device where not id=x",
        "select * from Device where id is not null",
        "select * from Device where id like 'x%'",
        "select * from Device where count between 1 and 2",
        "select distinct vendor from Device",
        "select * from Device sort-by vendor, id descending",
        "select * from Device where any(ports: name=x and speed>1)",
        "select * from Device limit 5",
    ],
)
def test_w24_what_can_be_expressed(queries: QueryFactory, text: str) -> None:
    """The extensions are parsed, printed and read again."""
    query = queries.parse(text)
    assert queries.parse(query.to_text()) == query


def test_w25_the_same_element(queries: QueryFactory) -> None:
    """Two conditions on a list may hold for different elements, unless said otherwise."""
    item = Device("a", ports=[Port("x", 1), Port("y", 5)])
    assert queries.parse("select * from Device where ports.name=x and ports.speed=5").matches(item)
    same = queries.parse("select * from Device where any(ports: name=x and speed=5)")
    assert not same.matches(item)


def test_w26_errors_have_places(queries: QueryFactory) -> None:
    """One kind of error, with line, column and a caret."""
    with pytest.raises(QueryError) as caught:
        queries.parse("select *\nfrom T\nwhere zz=1")
    assert (caught.value.line, caught.value.column) == (3, 7)
    assert caught.value.message.endswith("^^")


def test_w27_depth_is_limited(queries: QueryFactory) -> None:
    """Deep texts and deep trees are refused, long before the stack ends."""
    tree = L8Expression(
        condition=L8Condition(comparator=L8Comparator(left="b", oper="=", right="1"))
    )
    for _ in range(70):
        tree = L8Expression(child=tree)
    with pytest.raises(QueryError, match="nested deeper"):
        queries.from_wire(L8Query(rootType="T", criteria=tree))
    for deep in ("(" * 5_000, "not " * 5_000, "any(ports: " * 70, "any(main:" * 5_000):
        with pytest.raises(QueryError, match="nested deeper"):
            queries.parse(f"select * from Device where {deep}")


def test_w28_values_are_read_once(queries: QueryFactory) -> None:
    """Lists are sets of ready values when items are compared."""
    query = queries.parse("select * from T where b in [1,2,3]")
    assert "frozenset" in query.explain(source=True)
    criteria = query.criteria
    assert isinstance(criteria, Comparison)
    assert (criteria.operator, criteria.value) == (Operator.IN, (1, 2, 3))


def test_w29_the_key() -> None:
    """Only a pinned primary key is a key."""
    queries = keyed("Id")
    for where in ("vendor=17", "id in [1,2]", "id=hello*", "id=1 or id=2", "id>1"):
        assert queries.parse(f"select * from Device where {where}").key is None
    assert queries.parse("select * from Device where vendor=x and id=17").key == "17"


def test_w30_items_of_another_type(queries: QueryFactory) -> None:
    """They do not match, whatever attributes they have."""
    query = queries.parse("select * from T")
    assert query.matches(T())
    assert not query.matches(Device("x"))
    assert not query.matches(tests_pb2.TestProto())
    assert not query.matches(None)
