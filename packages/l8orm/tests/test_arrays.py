# SPDX-License-Identifier: Apache-2.0
"""Lists of scalars: arrays in PostgreSQL, JSON in SQLite, one meaning in both."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import pytest
import sqlalchemy as sa

from l8orm import SqlOrm, SqlOrmFactory
from l8orm._layout import _Builder
from l8types.criteria import And, Not
from l8types.enums import Action, Kind, Operator, Quantifier
from l8types.errors import ConflictError, InvalidInputError

from .fakes import introspector
from .models import Color, Side
from .queries import query, where

if TYPE_CHECKING:
    from l8types.criteria import Criteria
    from l8types.protocols.models import Introspector


@dataclass
class Row:
    """A list below."""

    marks: list[str] = field(default_factory=list)


@dataclass
class Lists:
    """Lists of every kind."""

    id: str
    texts: list[str] = field(default_factory=list)
    wholes: list[int] = field(default_factory=list)
    small: list[Annotated[int, Kind.INT32]] = field(default_factory=list)
    big: list[Annotated[int, Kind.UINT64]] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    truths: list[bool] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    colors: list[Color] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    perhaps: list[str] | None = None
    rows: list[Row] = field(default_factory=list)


ITEMS = [
    Lists("a"),
    Lists(
        "b",
        ["", 'x"y', "a,b", "{}", "\\", "null", "\u00e4\U0001f600\n", "NULL"],
        [-(2**63), 0, 2**63 - 1],
        [-(2**31), 2**31 - 1],
        [0, 2**63 - 1, 2**63, 2**64 - 1],
        [0.1, -1.5, 1e300, math.inf, -math.inf, 5e-324],
        [True, False],
        [b"", b"\0\xff"],
        [Color.BLUE, Color.NONE],
        [Side.LEFT, Side.NONE],
        [],
        [Row(["k", "l"]), Row()],
    ),
    Lists("c", ["k"], [1], [1], [1], [1.0], [True], [b"x"], [Color.RED], [Side.RIGHT], ["p"]),
]


@pytest.fixture
def models() -> Introspector:
    """The model of this file."""
    return introspector((Lists, "id"))


async def everything(orm: SqlOrm) -> list[object]:
    """All items."""
    return [item async for _, item in orm.items(Lists)]


@pytest.mark.feature("ORM-05")
async def test_lists_are_read_as_they_were_written(orm: SqlOrm) -> None:
    """Every kind at its exact value, absent told from empty where the model tells."""
    await orm.write(Action.POST, ITEMS)
    assert repr(await everything(orm)) == repr(ITEMS)


async def test_what_is_no_list_of_that_kind_is_refused(orm: SqlOrm) -> None:
    """By the name of the attribute; nothing is written."""
    wrong: list[tuple[str, Any]] = [
        ("texts", "abc"),
        ("texts", {"a": 1}),
        ("texts", [1]),
        ("texts", [None]),
        ("wholes", [2**63]),
        ("wholes", ["1"]),
        ("truths", [1]),
        ("blobs", ["x"]),
        ("ratios", 5),
    ]
    for name, value in wrong:
        item = Lists("w")
        setattr(item, name, value)
        with pytest.raises(InvalidInputError, match=f"attribute lists.{name} "):
            await orm.write(Action.POST, [ITEMS[0], item])
    assert await everything(orm) == []


def conditions(models: Introspector) -> list[Criteria]:
    """Conditions on lists, of every operator."""
    root = models.inspect(Lists)
    made: list[Criteria] = []
    values: dict[str, Any] = {
        "texts": "k",
        "wholes": 1,
        "big": 2**63,
        "ratios": 1.0,
        "truths": True,
        "blobs": b"x",
        "colors": 1,
        "perhaps": "p",
        "rows.marks": "l",
    }
    for name, value in values.items():
        for quantifier in Quantifier:
            some = {"quantifier": quantifier}
            made += [
                where(root, name, Operator.EQ, value, **some),
                where(root, name, Operator.NE, value, **some),
                where(root, name, Operator.IN, (value,), **some),
                where(root, name, Operator.NOT_IN, (value,), **some),
                where(root, name, Operator.GT, value, **some),
                where(root, name, Operator.BETWEEN, (value, value), **some),
            ]
        made += [
            where(root, name, Operator.IS_NULL),
            where(root, name, Operator.IS_NOT_NULL),
            where(root, name, Operator.EQ),
            where(root, name, Operator.NE),
        ]
    made.append(where(root, "texts", Operator.LIKE, "%y"))
    return made


async def test_every_operator_means_the_same_on_lists(orm: SqlOrm, models: Introspector) -> None:
    """In the database as in memory, alone, negated and joined."""
    root = models.inspect(Lists)
    await orm.write(Action.POST, ITEMS)
    for criteria in conditions(models):
        both = And((criteria, where(root, "id", Operator.GT, "a")))
        for each in (criteria, Not(criteria), both):
            asked = query(root, each)
            assert (await orm.read(asked)).items == asked.filter(ITEMS), each


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What is opened now behaves like the release that kept all lists as JSON."""
    monkeypatch.setattr(_Builder, "_array", _Builder._document)
    return monkeypatch


async def opened(url: str, models: Introspector) -> SqlOrm:
    """A store, as after a restart."""
    return await SqlOrmFactory(models).open(url)


async def server_only(orm: SqlOrm) -> None:
    """SQLite keeps JSON."""
    if orm._database.sqlite:
        await orm.aclose()
        pytest.skip("SQLite has no arrays")


@pytest.mark.feature("ORM-11")
async def test_lists_of_an_earlier_release_become_arrays(
    lasting: str, models: Introspector, earlier: pytest.MonkeyPatch
) -> None:
    """Nothing that was kept as JSON is lost, at any depth; what is done can be shown before."""
    orm = await opened(lasting, models)
    odd = Lists("n", ratios=[math.nan])
    await orm.write(Action.POST, [*ITEMS, odd])
    await server_only(orm)
    await orm.aclose()
    earlier.undo()
    orm = await opened(lasting, models)
    shown = await orm.planned(Lists)
    assert "convert column lists.texts to an array" in shown.steps
    assert "convert column lists__rows.marks to an array" in shown.steps
    assert shown.destructive == ()
    assert "ALTER TABLE lists ALTER COLUMN texts TYPE TEXT[]" in str(shown)
    assert repr(await everything(orm)) == repr([*ITEMS, odd])
    assert (await orm.planned(Lists)).steps == ()
    types = sa.text("SELECT data_type FROM information_schema.columns WHERE column_name = 'texts'")
    found = await orm._database.read("testing", lambda each: each.execute(types))
    assert found.scalar_one() == "ARRAY"
    await orm.aclose()


async def test_an_earlier_release_leaves_arrays_alone(
    lasting: str, models: Introspector, earlier: pytest.MonkeyPatch
) -> None:
    """It is told to be updated, by the version of the schema."""
    earlier.undo()
    orm = await opened(lasting, models)
    await orm.write(Action.POST, ITEMS)
    await server_only(orm)
    await orm.aclose()
    earlier.setattr("l8orm._schema.SCHEMA_VERSION", 1)
    orm = await opened(lasting, models)
    with pytest.raises(ConflictError, match="update l8orm"):
        await orm.prepare(Lists)
    await orm.aclose()


async def test_what_no_array_can_hold_stays_as_it_is(
    lasting: str, models: Introspector, earlier: pytest.MonkeyPatch
) -> None:
    """A text with a NUL character in JSON stops the migration, which changes nothing."""
    orm = await opened(lasting, models)
    await orm.write(Action.POST, [Lists("a", texts=["x\0y"])])
    await server_only(orm)
    await orm.aclose()
    earlier.undo()
    orm = await opened(lasting, models)
    with pytest.raises(ConflictError, match="column texts of table lists cannot become an array"):
        await orm.prepare(Lists)
    await orm.aclose()
    earlier.setattr(_Builder, "_array", _Builder._document)
    orm = await opened(lasting, models)
    assert await everything(orm) == [Lists("a", texts=["x\0y"])]
    await orm.aclose()
