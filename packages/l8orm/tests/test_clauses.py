# SPDX-License-Identifier: Apache-2.0
"""What a database selects is what the query means, for any items and any criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8orm._clauses import Translator
from l8orm._layout import make_layout
from l8types.criteria import And, Comparison, Not, Or
from l8types.enums import Action, Kind, Operator, Quantifier
from l8types.pb import tests_pb2 as pb

from .fakes import introspector
from .models import Leaf, Part, Thing, Tree
from .queries import path, query, where
from .strategies import criteria, scalar_paths, things

if TYPE_CHECKING:
    from l8orm import SqlOrm
    from l8types.criteria import AttributePath, Criteria
    from l8types.protocols.models import Introspector

MODELS = introspector((Thing, "id"), (Tree, "id"), (pb.TestProto, "myString"))
ROOT = MODELS.inspect(Thing)
PATHS = scalar_paths(ROOT)


async def answer(orm: SqlOrm, wanted: Criteria) -> list[object]:
    """The answer of the database."""
    return list((await orm.read(query(ROOT, wanted))).items)


async def store(orm: SqlOrm, items: list[Thing]) -> None:
    """Let these be the only items."""
    await orm.delete(query(ROOT))
    await orm.write(Action.POST, items)


@pytest.mark.feature("ORM-16", "ORM-17")
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_any_criteria_select_what_they_select_in_memory(
    orm: SqlOrm, data: st.DataObject
) -> None:
    """The answer, the total and a delete agree with the evaluation of the query in memory."""
    count = data.draw(st.integers(1, 5))
    items = [data.draw(things(st.just(f"t{number}"))) for number in range(count)]
    await store(orm, items)
    for _ in range(8):
        wanted = data.draw(criteria(ROOT))
        asked = query(ROOT, wanted)
        expected = asked.filter(items)
        assert await answer(orm, wanted) == expected
        limited = await orm.read(query(ROOT, wanted, limit=2))
        assert (limited.items, limited.total) == (expected[:2], len(expected))
    wanted = data.draw(criteria(ROOT))
    matches = query(ROOT, wanted).filter(items)
    assert await orm.delete(query(ROOT, wanted)) == len(matches)
    assert await answer(orm, And(())) == [item for item in items if item not in matches]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_two_attributes_are_compared_as_in_memory(orm: SqlOrm, data: st.DataObject) -> None:
    """An attribute may stand on the other side of a comparison."""
    items = [data.draw(things(st.just(f"t{number}"))) for number in range(3)]
    await store(orm, items)
    left = data.draw(st.sampled_from(PATHS))
    fitting = [each for each in PATHS if each.node.kind is left.node.kind]
    wanted = Comparison(
        left,
        data.draw(st.sampled_from([Operator.EQ, Operator.NE, Operator.LT, Operator.GE])),
        data.draw(st.sampled_from(fitting)),
        match_case=data.draw(st.booleans()),
    )
    assert await answer(orm, wanted) == query(ROOT, wanted).filter(items)


@pytest.mark.parametrize(
    "value",
    ["x'\tor\t'1'='1", "'; drop table thing; --", '" or 1=1', "%", "a%' --", ":name", "{}"],
)
@pytest.mark.parametrize("operator", [Operator.EQ, Operator.LIKE, Operator.IN])
async def test_values_are_values(orm: SqlOrm, value: str, operator: Operator) -> None:
    """No text becomes a part of the statement."""
    await store(orm, [Thing("a", name="x"), Thing("b", name=value)])
    given_value = (value,) if operator is Operator.IN else value
    wanted = where(ROOT, "name", operator, given_value)
    found = await answer(orm, wanted)
    assert Thing("b", name=value) in found
    assert found == query(ROOT, wanted).filter([Thing("a", name="x"), Thing("b", name=value)])


@pytest.mark.parametrize("sqlite", [True, False])
def test_what_databases_can_do_is_left_to_them(sqlite: bool) -> None:
    """The usual conditions, also on children, are exact in SQL."""
    translator = Translator(make_layout(ROOT, sqlite=sqlite), sqlite=sqlite)
    usual = [
        where(ROOT, "count", Operator.GT, 5),
        where(ROOT, "name", Operator.LIKE, "a%"),
        where(ROOT, "parts.leaves.count", Operator.IN, (1, 2)),
        where(ROOT, "byname.name", Operator.NE, "x", quantifier=Quantifier.ALL),
        where(ROOT, "spare.leaf.name", Operator.EQ, "x"),
        where(ROOT, "tags", Operator.EQ),
        where(ROOT, "parts", Operator.IS_NULL),
        where(ROOT, "name", Operator.LE, path(ROOT, "label")),
    ]
    for each in usual:
        assert translator.translate(each).exact
    assert translator.translate(Not(And(tuple(usual)))).exact
    assert translator.translate(Or(tuple(usual))).exact


@pytest.mark.parametrize("sqlite", [True, False])
def test_what_databases_cannot_do_is_a_superset(sqlite: bool) -> None:
    """The rest of an ``and`` is still selected by the database; a negation selects everything."""
    translator = Translator(make_layout(ROOT, sqlite=sqlite), sqlite=sqlite)
    odd = where(ROOT, "ratios", Operator.EQ, 1.5)
    plain = where(ROOT, "count", Operator.GT, 5)
    both = translator.translate(And((odd, plain)))
    assert not both.exact
    assert "count" in str(both.clause)
    for each in (odd, Not(And((odd, plain))), Or((odd, plain))):
        pushed = translator.translate(each)
        assert (pushed.clause, pushed.exact) == (None, False)


async def test_a_text_that_is_not_ascii_folds_as_in_python(orm: SqlOrm) -> None:
    """Case-insensitive comparisons mean the same everywhere."""
    items = [Thing(f"t{n}", name=name) for n, name in enumerate(["ÄB", "äb", "ab", "\u212a", "K"])]
    await store(orm, items)
    for value in ("Äb", "k", "AB"):
        for operator in (Operator.EQ, Operator.NE, Operator.LE):
            wanted = where(ROOT, "name", operator, value, match_case=False)
            assert await answer(orm, wanted) == query(ROOT, wanted).filter(items)


async def test_a_huge_list_is_answered(orm: SqlOrm) -> None:
    """A list with more values than a statement takes is evaluated in memory."""
    await store(orm, [Thing("a", count=7), Thing("b", count=-7)])
    wanted = where(ROOT, "count", Operator.IN, tuple(range(100_000)))
    assert await answer(orm, wanted) == [Thing("a", count=7)]


async def test_conditions_within_recursive_models_are_evaluated_in_memory(
    orm: SqlOrm, models: Introspector
) -> None:
    """What is kept as JSON is looked at by the query."""
    await orm.write(
        Action.POST, [Tree("a", children=[Tree("x")]), Tree("b", left=Tree("y")), Tree("c")]
    )
    root = models.inspect(Tree)
    for name, value, key in (("children.id", "x", "a"), ("left.id", "y", "b")):
        page = await orm.read(query(root, where(root, name, Operator.EQ, value)))
        assert [cast("Tree", item).id for item in page.items] == [key]
    gone = where(root, "left", Operator.IS_NULL)
    page = await orm.read(query(root, gone))
    assert [cast("Tree", item).id for item in page.items] == ["a", "c"]


async def test_messages_are_selected_by_their_children(orm: SqlOrm, models: Introspector) -> None:
    """Criteria on nested messages look at the tables of the children."""
    items = [pb.TestProto(myString=f"p{n}") for n in range(4)]
    for number, item in enumerate(items):
        item.MyString2ModelMap["k"].mySubs["s"].myInt64 = number
        if number % 2:
            item.mySingle.myInt64 = 0
    await orm.write(Action.POST, items)
    root = models.inspect(pb.TestProto)
    for wanted in (
        where(root, "mystring2modelmap.mysubs.myint64", Operator.GE, 2),
        where(root, "mysingle.myint64", Operator.EQ, 0),
        where(root, "mysingle", Operator.IS_NULL),
    ):
        asked = query(root, wanted)
        assert (await orm.read(asked)).items == asked.filter(items)


def test_an_attribute_of_another_model_is_not_translated() -> None:
    """A path that the layout does not know selects everything and is left to the query."""
    translator = Translator(make_layout(MODELS.inspect(Tree), sqlite=True), sqlite=True)
    foreign: AttributePath = path(ROOT, "count")
    assert ROOT.attributes["count"].kind is Kind.INT64
    assert translator.translate(Comparison(foreign, Operator.EQ, 1)).clause is None


async def test_parts_and_leaves_are_told_apart(orm: SqlOrm) -> None:
    """A condition on grandchildren holds for the item of the right child only."""
    items = [
        Thing("a", parts=[Part("x", leaves=[Leaf("l")]), Part("y")]),
        Thing("b", parts=[Part("x"), Part("y", leaves=[Leaf("m")])]),
    ]
    await store(orm, items)
    wanted = where(ROOT, "parts.leaves.name", Operator.EQ, "m")
    assert await answer(orm, wanted) == [items[1]]
