# SPDX-License-Identifier: Apache-2.0
"""Aggregates: the database gives what the query would give in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8types.criteria import Aggregate, And, Comparison, Not, Or, SortKey
from l8types.enums import Action, Kind, Operator

from .models import Leaf, Part, Thing
from .queries import path, query, result, where

if TYPE_CHECKING:
    from l8orm import SqlOrm
    from l8types.protocols.data import Query
    from l8types.protocols.models import Introspector, ModelNode

pytestmark = pytest.mark.feature("ORM-21")

NUMBERS = [0, 1, -1, 7, 2**63 - 1, -(2**63), 2**53 + 1]
BIG = [0, 1, 2**63, 2**64 - 1]
THINGS = st.builds(
    lambda count, small, big, ratio, name, maybe, on, weights, spare: Thing(
        "",
        name=name,
        count=count,
        small=small,
        big=big,
        ratio=ratio,
        on=on,
        maybe=maybe,
        spare=None if spare is None else Part(weight=float(spare), note=name),
        parts=[Part(weight=each) for each in weights],
    ),
    st.sampled_from(NUMBERS),
    st.integers(-3, 3),
    st.sampled_from(BIG),
    st.sampled_from([0.0, 0.1, 0.2, 1e300, -1e300, math.inf]),
    st.sampled_from(["", "a", "B", "ä", "10.0.0.9", "9.0.0.1"]),
    st.sampled_from([None, 0, 5]),
    st.booleans(),
    st.lists(st.sampled_from([0.5, 1.5]), max_size=2),
    st.sampled_from([None, 0, 3]),
)
FACTS = {
    "sum": ["count", "small", "big", "ratio", "maybe", "spare.weight", "parts.weight"],
    "avg": ["count", "small", "big", "ratio", "maybe"],
    "min": ["count", "big", "ratio", "name", "maybe", "spare.note"],
    "max": ["count", "big", "ratio", "name", "maybe", "spare.note"],
    "count": ["count", "name", "maybe", "spare.note", "parts.weight"],
}
GROUPS = ["small", "name", "on", "maybe", "big", "ratio", "spare.note"]


@st.composite
def asked(draw: st.DrawFn, root: ModelNode) -> Query:
    """A query of aggregates: groups, conditions on them, an order."""
    aggregates = [Aggregate("count", None, "n")]
    for number in range(draw(st.integers(0, 3))):
        function = draw(st.sampled_from(sorted(FACTS)))
        attribute = draw(st.sampled_from(FACTS[function]))
        aggregates.append(Aggregate(function, path(root, attribute), f"r{number}"))
    names = draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True))
    names = [name for name in names if "." not in name] or names[:1]
    groups = tuple(path(root, name) for name in names)
    counted = result("n")
    few = Comparison(counted, draw(st.sampled_from([Operator.GT, Operator.LE])), 1)
    having = draw(
        st.sampled_from(
            [
                None,
                few,
                Not(few),
                And((few, Comparison(counted, Operator.NOT_IN, (2, 4)))),
                Or((few, Comparison(counted, Operator.BETWEEN, (3, 4)))),
                Comparison(counted, Operator.IS_NOT_NULL),
                Comparison(counted, Operator.NE, None),
            ]
        )
    )
    keys = draw(st.sampled_from([(), (SortKey(counted, True),), (SortKey(counted),)]))
    if draw(st.booleans()) and names == ["name"]:
        keys = (*keys, SortKey(groups[0], draw(st.booleans())))
    criteria = draw(st.sampled_from([None, where(root, "small", Operator.GE, 0)]))
    if any("." in name for name in names):
        having, keys = None, ()
    return query(
        root,
        criteria,
        aggregates=tuple(aggregates),
        group_by=groups,
        having=having,
        sort_keys=keys,
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), things=st.lists(THINGS, max_size=12))
async def test_groups_are_those_of_memory(
    orm: SqlOrm, models: Introspector, data: st.DataObject, things: list[Thing]
) -> None:
    """Values, order, exactness and absent values are the same for any aggregates."""
    root = models.inspect(Thing)
    await orm.delete(query(root))
    for number, thing in enumerate(things):
        thing.id = f"t{number:02}"
    await orm.write(Action.POST, things)
    for _ in range(5):
        given_query = data.draw(asked(root))
        page = await orm.read(given_query)
        assert page.items == given_query.aggregate(given_query.filter(things))


def spied(orm: SqlOrm) -> list[str]:
    """The statements that follow."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    sa.event.listen(orm._database._engine.sync_engine, "before_cursor_execute", note)
    return statements


async def test_sums_larger_than_every_column_are_exact(orm: SqlOrm, models: Introspector) -> None:
    """The database adds, and what is added does not overflow."""
    root = models.inspect(Thing)
    top = 2**63 - 1
    await orm.write(Action.POST, [Thing(f"t{n}", count=top, big=2**64 - 1) for n in range(5)])
    statements = spied(orm)
    aggregates = (
        Aggregate("sum", path(root, "count"), "a"),
        Aggregate("sum", path(root, "big"), "b"),
        Aggregate("avg", path(root, "count"), "c"),
    )
    page = await orm.read(query(root, aggregates=aggregates))
    assert page.items == [{"a": 5 * top, "b": 5 * (2**64 - 1), "c": float(top)}]
    (asked_for,) = [each for each in statements if "FROM thing" in each]
    assert "sum(" in asked_for.lower()


async def test_what_a_database_would_add_otherwise_is_added_by_the_query(
    orm: SqlOrm, models: Introspector
) -> None:
    """Of floating-point numbers only their column is read, and no children."""
    root = models.inspect(Thing)
    ratios = [0.1, 1e16, -1e16, 0.3]
    things = [
        Thing(f"t{n}", ratio=each, parts=[Part(leaves=[Leaf()])]) for n, each in enumerate(ratios)
    ]
    await orm.write(Action.POST, things)
    statements = spied(orm)
    asked_for = query(root, aggregates=(Aggregate("sum", path(root, "ratio"), "s"),))
    assert (await orm.read(asked_for)).items == [{"s": sum(ratios)}]
    read = [each for each in statements if "FROM thing" in each]
    assert len(read) == 1
    assert "name" not in read[0]


async def test_a_condition_on_texts_is_left_to_the_query(orm: SqlOrm, models: Introspector) -> None:
    """A group that is named by a text may be asked for by it."""
    root = models.inspect(Thing)
    await orm.write(Action.POST, [Thing(f"t{n}", name="ab"[n % 2]) for n in range(5)])
    named = path(root, "name")
    asked_for = query(
        root,
        aggregates=(Aggregate("max", path(root, "name"), "top"),),
        group_by=(named,),
        having=Comparison(result("top", Kind.STRING), Operator.GT, "a"),
        sort_keys=(SortKey(named),),
    )
    assert (await orm.read(asked_for)).items == [{"name": "b", "top": "b"}]
