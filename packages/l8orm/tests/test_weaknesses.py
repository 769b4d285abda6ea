# SPDX-License-Identifier: Apache-2.0
"""Where stores of this kind are known to go wrong, and what this one does there.

What has a place of its own elsewhere is tested there: SQL in values (``test_bad_input``), rows
older than a column (``test_migrate``), stale pages (``test_index``), sums (``test_groups``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import SqlOrmFactory
from l8types.criteria import And, Or, SortKey
from l8types.enums import Action, DecoratorType, Operator
from l8types.errors import InvalidInputError

from .fakes import introspector
from .models import Color, Leaf, Part, Thing
from .queries import path, query, where
from .test_groups import spied

if TYPE_CHECKING:
    from l8orm import SqlOrm
    from l8types.protocols.models import Introspector


@dataclass
class Port:
    """A model that is kept for itself and within others, with a key of its own."""

    name: str
    speed: int = 0


@dataclass
class Rack:
    """A model with ports."""

    name: str
    ports: list[Port] = field(default_factory=list)
    by_name: dict[str, Port] = field(default_factory=dict)


@dataclass
class Switch:
    """Another one with ports of the same name."""

    name: str
    ports: list[Port] = field(default_factory=list)
    colors: dict[str, Color] = field(default_factory=dict)


@pytest.fixture
def models() -> Introspector:
    """Models that share one."""
    return introspector((Thing, "id"), (Port, "name"), (Rack, "name"), (Switch, "name"))


async def things(orm: SqlOrm) -> list[str]:
    """Keys of all things."""
    return [key async for key, _ in orm.items(Thing)]


async def test_brackets_and_paths_never_widen_a_delete(orm: SqlOrm, models: Introspector) -> None:
    """A condition in brackets, on a child or on a list deletes what satisfies it, nothing else."""
    root = models.inspect(Thing)
    for criteria in (
        Or((where(root, "count", Operator.EQ, 1), where(root, "count", Operator.EQ, 2))),
        And((where(root, "parts.name", Operator.EQ, "p1"), where(root, "on", Operator.EQ, False))),
        where(root, "part.name", Operator.EQ, "q1"),
        where(root, "tags", Operator.EQ, "x1"),
        where(root, "count", Operator.EQ, path(root, "small")),
    ):
        made = [
            Thing(
                f"t{n}", count=n, small=1, tags=[f"x{n}"], part=Part(f"q{n}"), parts=[Part(f"p{n}")]
            )
            for n in range(4)
        ]
        await orm.write(Action.PUT, made)
        asked = query(root, criteria)
        gone = [cast("Thing", item).id for item in asked.filter(made)]
        assert 0 < len(gone) < 3
        assert await orm.delete(asked) == len(gone)
        assert await things(orm) == [thing.id for thing in made if thing.id not in gone]


async def test_one_set_of_keys_decides_about_all_tables(orm: SqlOrm, models: Introspector) -> None:
    """A delete with a limit and selected columns takes the same items everywhere."""
    root = models.inspect(Thing)
    made = [Thing(f"t{n}", parts=[Part("p", leaves=[Leaf("l")])]) for n in range(4)]
    await orm.write(Action.POST, made)
    limited = query(root, columns=(path(root, "name"),), limit=2, page=1)
    assert await orm.delete(limited) == 2
    assert [item async for _, item in orm.items(Thing)] == made[:2]
    await orm.write(Action.POST, [Thing("t2"), Thing("t3")])
    assert [item async for _, item in orm.items(Thing)][2:] == [Thing("t2"), Thing("t3")]


async def test_a_model_may_be_kept_for_itself_and_within_others(
    orm: SqlOrm, models: Introspector
) -> None:
    """Neither reads nor deletes of one reach the rows of the other, though keys and names agree."""
    rack = Rack("a", [Port("p", 1), Port("p", 2)], {"q": Port("r", 3)})
    switch = Switch("a", [Port("p", 9)])
    port = Port("a", 5)
    await orm.write(Action.POST, [rack, switch, port])
    for model, item in ((Rack, rack), (Switch, switch), (Port, port)):
        page = await orm.read(query(models.inspect(model), limit=5))
        assert (page.items, page.total) == ([item], 1)
    assert await orm.delete(query(models.inspect(Port))) == 1
    assert await orm.delete(query(models.inspect(Switch))) == 1
    assert await orm.storage(Rack).get("a") == rack


async def test_elements_keep_their_place_whatever_key_they_declare(orm: SqlOrm) -> None:
    """Two elements with one primary key are two, and a map is keyed by its keys."""
    rack = Rack(
        "r", [Port("same", 1), Port("same", 2), Port("", 3)], {"x": Port("y"), "": Port("")}
    )
    await orm.write(Action.POST, [rack])
    assert await orm.storage(Rack).get("r") == rack


async def test_odd_values_are_kept_or_refused_by_name(orm: SqlOrm) -> None:
    """A list of one empty text, brackets in keys, a map of enums, bytes; nothing is no element."""
    switch = Switch("[{24}a]b::", [], {"[k]": Color.BLUE, "a=b,c\\": cast("Color", 99)})
    thing = Thing("t", tags=[""], blobs=[b"\0\xff"], raw=b"\0", by_name={"[": Part("]")})
    await orm.write(Action.POST, [switch, thing])
    assert await orm.storage(Switch).get("[{24}a]b::") == switch
    assert await orm.storage(Thing).get("t") == thing
    for wrong, name in (
        (Thing("w", tags=cast("Any", [None])), "thing.tags"),
        (Thing("w", parts=cast("Any", [Part(), None])), "thing.parts"),
        (Thing("w", by_name=cast("Any", {"k": None})), "thing.byname"),
    ):
        with pytest.raises(InvalidInputError, match=f"attribute {name} "):
            await orm.write(Action.POST, [wrong])


async def test_a_scope_that_fails_shows_nothing(orm: SqlOrm, models: Introspector) -> None:
    """An error while it is decided who may see what is not taken for a yes."""
    root = models.inspect(Thing)
    await orm.write(Action.POST, [Thing("a"), Thing("b")])

    def scope(item: object) -> object | None:
        if cast("Thing", item).id == "b":
            raise LookupError("no rule")
        return item

    for call in (
        lambda: orm.read(query(root), scope=scope),
        lambda: orm.read(query(root, limit=1), scope=scope),
        lambda: orm.delete(query(root), scope=scope),
    ):
        with pytest.raises(LookupError):
            await call()
    assert await things(orm) == ["a", "b"]


async def test_a_page_reads_the_children_of_a_page(orm: SqlOrm, models: Introspector) -> None:
    """Not those of the whole table: what a page costs does not grow with the table."""
    root = models.inspect(Rack)
    await orm.write(Action.POST, [Rack(f"r{n:03}", [Port("p")] * 2) for n in range(200)])
    page = await orm.read(query(root, limit=3, page=10))
    assert [cast("Rack", item).name for item in page.items] == ["r030", "r031", "r032"]
    assert page.total == 200
    statements = spied(orm)
    layout = (await orm._prepare(Rack)).layout
    assert (await orm.read(query(root, limit=3, page=11))).total == 200
    below = [each for each in (*statements, layout.tables[1].statement) if "__ports" in each]
    assert below
    assert all("WHERE" in each for each in below)


async def test_without_a_sort_key_pages_follow_the_keys(orm: SqlOrm, models: Introspector) -> None:
    """Every item is on one page, also when what decides is the same for all of them."""
    root = models.inspect(Thing)
    await orm.write(Action.POST, [Thing(f"t{n % 7}{n}", count=1) for n in range(40)])
    seen: list[str] = []
    for number in range(6):
        page = await orm.read(query(root, limit=7, page=number))
        seen += [cast("Thing", item).id for item in page.items]
    assert seen == sorted(seen)
    assert len(set(seen)) == 40


async def test_a_declared_index_carries_the_order_of_a_page(
    lasting: str, models: Introspector
) -> None:
    """SQLite and PostgreSQL are asked in a form that an index on the sort key answers."""
    models.decorate(Thing, DecoratorType.NON_UNIQUE, "count")
    orm = await SqlOrmFactory(models).open(lasting)
    root = models.inspect(Thing)
    await orm.write(Action.POST, [Thing(f"t{n}", count=-n) for n in range(5)])
    statements = spied(orm)
    keys = (SortKey(path(root, "count")),)
    page = await orm.read(query(root, sort_keys=keys, limit=2))
    assert [cast("Thing", item).id for item in page.items] == ["t4", "t3"]
    ordered = [each for each in statements if "ORDER BY thing.count" in each]
    assert len(ordered) == 1
    assert "CASE" not in ordered[0]
    await orm.aclose()


async def test_zero_and_minus_zero_are_one_result(orm: SqlOrm, models: Introspector) -> None:
    """What compares equal is given once, alone and in lists and maps."""
    root = models.inspect(Thing)
    zeros = [Thing("a", ratio=0.0, ratios={"k": 0.0}), Thing("b", ratio=-0.0, ratios={"k": -0.0})]
    await orm.write(Action.POST, zeros)
    columns = (path(root, "ratio"), path(root, "ratios"))
    page = await orm.read(query(root, columns=columns, distinct=True))
    assert page.total == 1
