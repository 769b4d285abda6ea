# SPDX-License-Identifier: Apache-2.0
"""The store as its protocol describes it, on every database."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import SqlOrm, SqlOrmFactory
from l8types.criteria import Aggregate, SortKey
from l8types.enums import Action, DecoratorType, Operator
from l8types.errors import ClosedError, ConflictError, InvalidInputError, PropertyError
from l8types.pb import tests_pb2 as pb

from .models import Color, Extra, Leaf, Part, Thing, Tree
from .queries import path, query, where

if TYPE_CHECKING:
    from l8types.protocols.models import Introspector
    from l8types.protocols.stores import Orm, OrmFactory


def full_thing() -> Thing:
    """A thing with everything set."""
    part = Part("p", 1.5, "note", [Leaf("l", 1), Leaf("", 0)], Leaf("x", 2))
    return Thing(
        id="full",
        name="Ünï\n'quoted\"; drop table thing; --",
        count=-(2**63),
        small=2**31 - 1,
        big=2**64 - 1,
        ratio=math.inf,
        on=True,
        raw=bytes(range(256)),
        color=Color.BLUE,
        maybe=0,
        label="",
        flag=False,
        tags=["a", "", "ä"],
        blobs=[b"", b"\xff\x00"],
        ratios={"a": math.inf, "b": 0.1},
        numbers={},
        part=part,
        spare=Part(),
        parts=[part, Part(), Part(leaves=[Leaf("z")])],
        more=[],
        by_name={"": Part("empty"), "[k]": part},
        by_number={-5: Leaf("minus"), 2**40: Leaf()},
        by_truth={True: Leaf("yes"), False: Leaf("no")},
    )


def full_proto() -> pb.TestProto:
    """A message with everything set."""
    item = pb.TestProto(
        myString="proto",
        myInt32=-1,
        myInt64=2**62,
        myFloat32=123.123,
        myFloat64=1e300,
        myStringSlice=["x", ""],
        myInt32Slice=[1, 2, 3, 1],
        myBool=True,
        myEnum=cast("pb.TestEnum.ValueType", 99),
    )
    item.mySingle.mySubs["s"].int32Map[-3] = 4
    item.MyString2StringMap["k"] = "v"
    item.MyInt32ToInt64Map[-1] = 2**40
    for name in ("m", "n"):
        sub = item.myModelSlice.add(myString=name)
        sub.mySubs["deep"].myInt64 = 7
        item.MyString2ModelMap[name].CopyFrom(sub)
    return item


async def everything(orm: SqlOrm, model: type) -> list[object]:
    """All items of a model."""
    return [entry[1] async for entry in orm.storage(model).items()]


@pytest.mark.feature("ORM-01", "ORM-02", "ORM-04", "ORM-05")
async def test_whatever_is_written_is_read_back_equal(orm: SqlOrm) -> None:
    """Every kind of attribute, present or absent, keeps its exact value."""
    things = [full_thing(), Thing("empty"), Thing("none", spare=None, more=None)]
    await orm.write(Action.POST, things)
    assert await everything(orm, Thing) == [things[1], things[0], things[2]]


@pytest.mark.feature("ORM-03", "ORM-04", "ORM-10")
async def test_messages_are_read_back_equal(orm: SqlOrm) -> None:
    """Nested messages, lists and maps of them at any depth, and unknown enum numbers survive."""
    items = [pb.TestProto(myString="bare"), full_proto()]
    items[0].mySingle.SetInParent()
    await orm.write(Action.POST, items)
    assert await everything(orm, pb.TestProto) == items


async def test_presence_of_optional_scalars_and_groups_is_kept(orm: SqlOrm) -> None:
    """An optional zero differs from an absent one, and a group keeps the member that is set."""
    items = [
        Extra(id="a"),
        Extra(id="b", maybe=0, number=2**64 - 1),
        Extra(id="c", text="", raw=b"\0", single=0.1),
    ]
    await orm.write(Action.POST, items)
    assert await everything(orm, Extra) == items


async def test_a_recursive_model_is_kept_whole(orm: SqlOrm) -> None:
    """A model that contains itself is bounded in tables and unbounded in depth."""
    deep = Tree("leaf", 2**64 - 1)
    for level in range(20):
        deep = Tree(f"n{level}", level, deep if level % 2 else None, [deep], {"k": Tree("x")})
    await orm.write(Action.POST, [deep])
    assert await everything(orm, Tree) == [deep]


async def test_a_nan_is_kept_and_matches_nothing(orm: SqlOrm, models: Introspector) -> None:
    """A NaN comes back as a NaN and is neither above nor below a number."""
    await orm.write(Action.POST, [Thing("nan", ratio=math.nan), Thing("one", ratio=1.0)])
    found = cast("Thing", await orm.storage(Thing).get("nan"))
    assert math.isnan(found.ratio)
    root = models.inspect(Thing)
    for operator in (Operator.GT, Operator.GE, Operator.LT, Operator.LE, Operator.EQ):
        page = await orm.read(query(root, where(root, "ratio", operator, 5.0)))
        assert "nan" not in [cast("Thing", item).id for item in page.items]


@pytest.mark.feature("ORM-13")
@pytest.mark.parametrize("action", [Action.POST, Action.PUT])
async def test_a_second_write_replaces_the_item_as_a_whole(orm: SqlOrm, action: Action) -> None:
    """Lists that shrink, maps that are cleared and models that are gone do not come back."""
    await orm.write(action, [full_thing()])
    later = Thing("full", parts=[Part("only")])
    await orm.write(action, [later])
    assert await everything(orm, Thing) == [later]


async def test_of_equal_keys_in_one_write_the_last_wins(orm: SqlOrm) -> None:
    """Items of one key are written in their order."""
    await orm.write(Action.POST, [Thing("a", count=1), Thing("a", count=2)])
    assert await everything(orm, Thing) == [Thing("a", count=2)]


@pytest.mark.feature("ORM-07", "ORM-14")
async def test_a_patch_leaves_what_it_does_not_mention(orm: SqlOrm) -> None:
    """A patch changes what is present in it, children included, and adds a missing item."""
    await orm.write(Action.POST, [full_thing()])
    change = Thing("full", count=5, maybe=9, parts=[Part(weight=2.5)], by_number={7: Leaf("new")})
    await orm.write(Action.PATCH, [change, Thing("other", count=1), Thing("other", name="n")])
    expected = full_thing()
    expected.count, expected.maybe = 5, 9
    expected.parts[0] = Part("p", 2.5, "note", [Leaf("l", 1), Leaf()], Leaf("x", 2))
    expected.by_number[7] = Leaf("new")
    assert await everything(orm, Thing) == [expected, Thing("other", name="n", count=1)]


async def test_a_patch_moves_a_group_to_another_member(orm: SqlOrm) -> None:
    """The member that a patch sets is the one that stays, zero or not."""
    await orm.write(Action.POST, [Extra(id="a", text="t", maybe=3)])
    await orm.write(Action.PATCH, [Extra(id="a", number=0)])
    assert await everything(orm, Extra) == [Extra(id="a", number=0, maybe=3)]


async def test_what_is_always_full_is_replaced_by_a_patch(
    orm: SqlOrm, models: Introspector
) -> None:
    """Attributes declared so are not merged."""
    models.decorate(Thing, DecoratorType.ALWAYS_FULL, "parts")
    await orm.write(Action.POST, [Thing("a", parts=[Part("x"), Part("y")])])
    await orm.write(Action.PATCH, [Thing("a", parts=[Part(weight=1.0)])])
    assert await everything(orm, Thing) == [Thing("a", parts=[Part(weight=1.0)])]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (Thing("w", count=2**63), "thing.count"),
        (Thing("w", small=2**31), "thing.small"),
        (Thing("w", big=-1), "thing.big"),
        (Thing("w", name=cast("str", 5)), "thing.name"),
        (Thing("w", name="half \ud800"), "thing.name"),
        (Thing("w", on=cast("bool", 1)), "thing.on"),
        (Thing("w", ratio=cast("float", "1")), "thing.ratio"),
        (Thing("w", ratio=cast("float", 2**60 + 1)), "thing.ratio"),
        (Thing("w", raw=cast("bytes", "x")), "thing.raw"),
        (Thing("w", color=cast("Color", None)), "thing.color"),
        (Thing("w", tags=cast("list[str]", [1])), "thing.tags"),
        (Thing("w", tags=cast("list[str]", "text")), "thing.tags"),
        (Thing("w", ratios=cast("dict[str, float]", ["x"])), "thing.ratios"),
        (Thing("w", ratios=cast("dict[str, float]", {1: 1.0})), "thing.ratios"),
        (Thing("w", numbers={1: 2**64}), "thing.numbers"),
        (Thing("w", part=cast("Part", None)), "thing.part"),
        (Thing("w", parts=[cast("Part", None)]), "thing.parts"),
        (Thing("w", parts=[Part(leaves=[Leaf(count=2**70)])]), "thing.parts.leaves.count"),
        (Thing("w", by_number={cast("int", "k"): Leaf()}), "thing.bynumber"),
    ],
)
async def test_a_wrong_value_is_refused_by_name_and_nothing_is_written(
    orm: SqlOrm, wrong: Thing, named: str
) -> None:
    """The error names the attribute, and the other items of the write are not written either."""
    with pytest.raises(InvalidInputError, match=f"attribute {named} "):
        await orm.write(Action.POST, [Thing("right"), wrong])
    assert await everything(orm, Thing) == []


async def test_an_item_without_key_is_refused(orm: SqlOrm) -> None:
    """Nothing is written under an empty key."""
    with pytest.raises(PropertyError):
        await orm.write(Action.POST, [Thing("right"), Thing("")])
    assert await everything(orm, Thing) == []


async def test_only_writes_write(orm: SqlOrm) -> None:
    """Another action is refused, and a write of nothing does nothing."""
    with pytest.raises(InvalidInputError, match="GET"):
        await orm.write(Action.GET, [Thing("a")])
    await orm.write(Action.POST, [])


async def test_no_two_items_share_a_unique_key(orm: SqlOrm, models: Introspector) -> None:
    """The second one is a conflict and not written; items without such a key do not clash."""
    models.decorate(Thing, DecoratorType.UNIQUE, "name")
    await orm.write(Action.POST, [Thing("a", name="n"), Thing("b"), Thing("c")])
    with pytest.raises(ConflictError):
        await orm.write(Action.POST, [Thing("x"), Thing("d", name="n")])
    assert [entry[0] async for entry in orm.storage(Thing).items()] == ["a", "b", "c"]


@pytest.mark.feature("ORM-16", "ORM-18")
@pytest.mark.parametrize("attribute", ["count", "name", "maybe", "label", "big", "spare.weight"])
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_are_cut_from_the_order_of_the_query(
    orm: SqlOrm, models: Introspector, attribute: str, descending: bool
) -> None:
    """Pages follow the sort key, absent values last, ties by key; the total counts all."""
    things = [
        Thing(
            f"t{n:02}",
            name=f"N{n % 5}",
            count=n % 7,
            maybe=n % 3 or None,
            label="l" if n % 2 else None,
            big=2**64 - 1 - n if n % 2 else n,
            spare=Part(weight=n % 4) if n % 3 else None,
        )
        for n in range(25)
    ]
    await orm.write(Action.POST, things)
    root = models.inspect(Thing)
    keys = (SortKey(path(root, attribute), descending),)
    criteria = where(root, "id", Operator.NE, "t07")
    whole = query(root, criteria, sort_keys=keys)
    expected = whole.sort(whole.filter(things))
    assert (await orm.read(whole)).items == expected
    seen: list[object] = []
    for number in range(4):
        page = await orm.read(query(root, criteria, sort_keys=keys, limit=7, page=number))
        assert page.total == 24
        seen += page.items
    assert seen == expected


async def test_sorting_by_what_is_there_several_times_uses_the_first(
    orm: SqlOrm, models: Introspector
) -> None:
    """A sort key within a list is evaluated by the query."""
    things = [Thing(f"t{n}", parts=[Part(weight=w) for w in (n % 3, 5)]) for n in range(6)]
    await orm.write(Action.POST, things)
    root = models.inspect(Thing)
    asked = query(root, sort_keys=(SortKey(path(root, "parts.weight")),), limit=4)
    assert (await orm.read(asked)).items == asked.sort(things)[:4]


async def test_columns_reduce_the_items(orm: SqlOrm, models: Introspector) -> None:
    """The answer holds what is selected."""
    await orm.write(Action.POST, [full_thing()])
    root = models.inspect(Thing)
    page = await orm.read(query(root, columns=(path(root, "count"),)))
    assert page.items == [Thing("", count=-(2**63))]


async def test_distinct_answers_are_given_once(orm: SqlOrm, models: Introspector) -> None:
    """Of items that look alike in the answer the first stays, and the total counts those."""
    await orm.write(Action.POST, [Thing(f"t{n}", count=n % 2) for n in range(6)])
    root = models.inspect(Thing)
    page = await orm.read(query(root, columns=(path(root, "count"),), distinct=True, limit=5))
    assert [cast("Thing", item).count for item in page.items] == [0, 1]
    assert page.total == 2


async def test_aggregates_are_answered(orm: SqlOrm, models: Introspector) -> None:
    """Groups are items of the page and counters of the metadata."""
    await orm.write(Action.POST, [Thing(f"t{n}", count=n % 2) for n in range(5)])
    root = models.inspect(Thing)
    asked = query(
        root,
        where(root, "id", Operator.NE, "t4"),
        aggregates=(Aggregate("count", None, "n"),),
        group_by=(path(root, "count"),),
    )
    page = await orm.read(asked)
    assert page.items == [{"count": 0, "n": 2}, {"count": 1, "n": 2}]
    assert dict(page.metadata.key_count.counts) == {"Total": 2.0, "n:0": 2.0, "n:1": 2.0}
    with pytest.raises(InvalidInputError):
        await orm.delete(asked)
    with pytest.raises(InvalidInputError):
        [item async for item in orm.stream(asked)]


@pytest.mark.feature("ORM-20")
async def test_pages_hold_only_what_the_caller_may_see(orm: SqlOrm, models: Introspector) -> None:
    """Hidden items are in no page and no total; what is redacted must match as it is shown."""
    await orm.write(Action.POST, [Thing(f"t{n:02}", count=n, name="secret") for n in range(20)])
    root = models.inspect(Thing)

    def scope(item: object) -> object | None:
        thing = cast("Thing", item)
        if thing.count % 2:
            return None
        return Thing(thing.id, count=thing.count, name="" if thing.count < 10 else "secret")

    page = await orm.read(query(root, limit=3, page=1), scope=scope)
    assert [cast("Thing", item).count for item in page.items] == [6, 8, 10]
    assert page.total == 10
    secret = query(root, where(root, "name", Operator.EQ, "secret"))
    assert (await orm.read(secret, scope=scope)).total == 5
    assert await orm.delete(secret, scope=scope) == 5
    assert len(await everything(orm, Thing)) == 15


@pytest.mark.feature("ORM-22")
async def test_a_delete_takes_what_belongs_to_the_items(orm: SqlOrm, models: Introspector) -> None:
    """Deleted items do not leave rows that a later item of the key would inherit."""
    root = models.inspect(Thing)
    await orm.write(Action.POST, [full_thing(), Thing("a_b"), Thing("axb", parts=[Part("x")])])
    assert await orm.delete(query(root, where(root, "id", Operator.EQ, "full"))) == 1
    assert await orm.delete(query(root, where(root, "id", Operator.EQ, "a_b"))) == 1
    await orm.write(Action.PATCH, [Thing("full", count=1)])
    assert await everything(orm, Thing) == [
        Thing("axb", parts=[Part("x")]),
        Thing("full", count=1),
    ]


async def test_a_delete_respects_condition_and_limit(orm: SqlOrm, models: Introspector) -> None:
    """A condition that no database knows, and a limit, delete no more than they say."""
    await orm.write(Action.POST, [Thing(f"t{n}", tags=["x"] * (n % 2)) for n in range(6)])
    root = models.inspect(Thing)
    tagged = where(root, "tags", Operator.EQ, "x")
    assert await orm.delete(query(root, tagged, limit=2)) == 2
    assert await orm.delete(query(root, tagged)) == 1
    assert [cast("Thing", item).id for item in await everything(orm, Thing)] == ["t0", "t2", "t4"]


async def test_all_matches_are_streamed(orm: SqlOrm, models: Introspector) -> None:
    """More items than one batch come in key order, also when others are deleted meanwhile."""
    await orm.write(Action.POST, [Thing(f"t{n:04}", count=n, tags=["x"]) for n in range(1_200)])
    root = models.inspect(Thing)
    found = []
    async for item in orm.stream(query(root, where(root, "tags", Operator.EQ, "x"))):
        found.append(cast("Thing", item).count)
        if len(found) == 1:
            await orm.storage(Thing).delete("t0000")
    assert found == list(range(1_200))


async def test_a_storage_puts_gets_and_deletes(orm: SqlOrm) -> None:
    """A plain store of one model."""
    storage = orm.storage(Thing)
    assert await storage.get("full") is None
    assert await storage.delete("full") is None
    await storage.put("full", full_thing())
    assert await storage.get("full") == full_thing()
    assert await storage.delete("full") == full_thing()
    assert [entry async for entry in storage.items()] == []


async def test_a_storage_refuses_what_is_not_its_own(orm: SqlOrm) -> None:
    """Other models, other keys, and calls after closing."""
    storage = orm.storage(Thing)
    with pytest.raises(InvalidInputError, match="Tree"):
        await storage.put("a", Tree("a"))
    with pytest.raises(InvalidInputError, match="'a'"):
        await storage.put("b", Thing("a"))
    await storage.aclose()
    await storage.aclose()
    with pytest.raises(ClosedError):
        await storage.get("a")


async def test_a_closed_store_refuses(url: str, models: Any) -> None:
    """Calls after closing raise; closing twice does nothing."""
    factory: OrmFactory = SqlOrmFactory(models)
    orm: Orm = await factory.open(url)
    await orm.prepare(Thing)
    await orm.aclose()
    await orm.aclose()
    with pytest.raises(ClosedError):
        await orm.write(Action.POST, [Thing("a")])


async def test_something_that_is_no_model_is_refused(orm: SqlOrm) -> None:
    """A text has no tables."""
    with pytest.raises(InvalidInputError):
        await orm.prepare(str)


@pytest.mark.feature("ORM-15")
async def test_a_plain_store_takes_many_items_at_once(orm: SqlOrm) -> None:
    """All or none: one with a key that is not its own, or a value that does not fit, stops all."""
    storage = orm.storage(Thing)
    good = [(f"t{n}", Thing(f"t{n}", count=n, parts=[Part("p")])) for n in range(5)]
    for bad in (("x", Thing("y")), ("x", Thing("x", count=2**63)), ("x", Tree("x"))):
        with pytest.raises(InvalidInputError):
            await storage.put_many([*good, bad])
    assert await everything(orm, Thing) == []
    await storage.put_many(good)
    await storage.put_many([])
    before = await orm.generation(Thing)
    await storage.delete_many(["t1", "unknown", "t3"])
    assert [entry async for entry in storage.items()] == [good[0], good[2], good[4]]
    assert await orm.generation(Thing) == before + 1
    await storage.delete_many(["unknown"])
    assert await orm.generation(Thing) == before + 1
