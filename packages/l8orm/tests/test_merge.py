# SPDX-License-Identifier: Apache-2.0
"""A patch in the database is a merge in memory."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8orm._merge import merged
from l8types.enums import Action, DecoratorType
from l8types.errors import InvalidInputError
from l8types.pb import tests_pb2 as pb

from .fakes import introspector
from .models import Extra, Leaf, Part, Thing
from .queries import query
from .strategies import things

if TYPE_CHECKING:
    from l8orm import SqlOrm

MODELS = introspector((Thing, "id"), (Extra, "id"), (pb.TestProto, "myString"))
NODE = MODELS.inspect(Thing)


@pytest.mark.feature("ORM-07", "ORM-14")
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(old=things(st.just("k")), new=things(st.just("k")))
async def test_a_patch_equals_the_merge_in_memory(orm: SqlOrm, old: Thing, new: Thing) -> None:
    """Whatever is stored and whatever is patched, and a write reads back equal before."""
    await orm.delete(query(NODE))
    await orm.write(Action.PUT, [old])
    assert await orm.storage(Thing).get("k") == old
    await orm.write(Action.PATCH, [new])
    assert await orm.storage(Thing).get("k") == merged(NODE, old, new)


@settings(max_examples=50, deadline=None)
@given(old=things(st.just("k")), new=things(st.just("k")))
def test_a_merge_leaves_its_arguments_alone_and_settles(old: Thing, new: Thing) -> None:
    """Merging once more changes nothing."""
    before = deepcopy((old, new))
    once = merged(NODE, old, new)
    assert (old, new) == before
    assert merged(NODE, once, new) == once


def test_zero_is_given_where_presence_is_known() -> None:
    """A zero counts where the model tells it from absence, and within collections."""
    old = Thing("k", count=5, maybe=5, label="l", ratios={"a": 1.0, "b": 2.0})
    new = Thing("k", count=0, maybe=0, label=None, ratios={"a": 0.0})
    assert merged(NODE, old, new) == Thing(
        "k", count=5, maybe=0, label="l", ratios={"a": 0.0, "b": 2.0}
    )


def test_lists_are_merged_by_position() -> None:
    """A shorter list leaves the rest, a longer one adds."""
    old = Thing("k", tags=["a", "b", "c"], more=[Leaf("x", 1)])
    new = Thing("k", tags=["z"], more=[Leaf(count=2), Leaf("y")])
    expected = Thing("k", tags=["z", "b", "c"], more=[Leaf("x", 2), Leaf("y")])
    assert merged(NODE, old, new) == expected


def test_messages_are_merged() -> None:
    """Nested messages and maps of them, with presence."""
    old = pb.TestProto(myString="k", myInt32=1)
    old.mySingle.myInt64 = 5
    old.MyString2ModelMap["a"].myString = "kept"
    new = pb.TestProto(myString="k", myBool=True)
    new.mySingle.myString = "s"
    new.MyString2ModelMap["a"].myInt64 = 3
    result = merged(MODELS.inspect(pb.TestProto), old, new)
    expected = pb.TestProto(myString="k", myInt32=1, myBool=True)
    expected.mySingle.myInt64, expected.mySingle.myString = 5, "s"
    expected.MyString2ModelMap["a"].myString = "kept"
    expected.MyString2ModelMap["a"].myInt64 = 3
    assert result == expected


def test_a_path_declared_as_always_full_is_replaced() -> None:
    """Also below a nested model."""
    models = introspector((Thing, "id"))
    models.decorate(Part, DecoratorType.ALWAYS_FULL, "leaves")
    old = Thing("k", part=Part("p", leaves=[Leaf("a"), Leaf("b")]))
    new = Thing("k", part=Part(leaves=[Leaf("c")]))
    expected = Thing("k", part=Part("p", leaves=[Leaf("c")]))
    assert merged(models.inspect(Thing), old, new) == expected


async def test_a_mask_sets_zero_empty_and_absent(orm: SqlOrm) -> None:
    """What it names is taken as it is, the rest merged as ever; names in any case."""
    old = Thing(
        "k", "n", 5, maybe=5, tags=["t"], part=Part("p", 1.0, "x"), spare=Part("s"),
        parts=[Part("q")], by_name={"a": Part()},
    )  # fmt: skip
    await orm.write(Action.PUT, [old])
    new = Thing("k", name="m", part=Part(note=None))
    names = ("count", "Maybe", "tags", "part.note", "part.weight", "spare", "parts", "byName")
    await orm.write(Action.PATCH, [new], mask=names)
    assert await orm.storage(Thing).get("k") == Thing("k", "m", part=Part("p"))


async def test_a_mask_clears_fields_of_a_message(orm: SqlOrm) -> None:
    """Also those whose absence a message knows."""
    part = pb.TestProtoSub(myString="s")
    await orm.write(Action.PUT, [pb.TestProto(myString="k", myInt32=5, mySingle=part)])
    await orm.write(
        Action.PATCH, [pb.TestProto(myString="k", myBool=True)], mask=["mySingle", "myInt32"]
    )
    found = await orm.storage(pb.TestProto).get("k")
    assert found == pb.TestProto(myString="k", myBool=True)


@pytest.mark.parametrize("name", ["zz", "part.zz", "parts.name", "count.x", ""])
async def test_a_mask_names_attributes(orm: SqlOrm, name: str) -> None:
    """A misspelt name, or one within a list, is refused and nothing is written."""
    with pytest.raises(InvalidInputError, match=f"the mask names '{name}'"):
        await orm.write(Action.PATCH, [Thing("k", count=1)], mask=[name])
    assert await orm.storage(Thing).get("k") is None
    with pytest.raises(InvalidInputError, match="only PATCH"):
        await orm.write(Action.PUT, [Thing("k")], mask=["count"])
