# SPDX-License-Identifier: Apache-2.0
"""Enumerated attributes come back as members of their class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from l8types.criteria import Aggregate
from l8types.enums import Action

from .models import Color, Leaf, Paint, Right, Side, Sign
from .queries import path, query

if TYPE_CHECKING:
    from l8orm import SqlOrm

FULL = Sign(
    "full",
    Color.RED,
    Side.LEFT,
    Right.READ | Right.WRITE,
    Color.BLUE,
    [Color.RED, Color.NONE],
    {"a": Side.RIGHT},
    {Color.BLUE: "sky", Color.NONE: ""},
    {Side.NONE: Leaf(), Side.LEFT: Leaf("l")},
    Paint(Color.BLUE, Side.LEFT, [Paint(Color.RED, Side.RIGHT, [Paint()])]),
    [Paint(Color.RED), Paint(side=Side.NONE)],
)


async def written(orm: SqlOrm, *signs: Sign) -> list[Any]:
    """Signs as they are read back."""
    await orm.write(Action.POST, signs)
    return [entry[1] async for entry in orm.storage(Sign).items()]


@pytest.mark.feature("ORM-02", "ORM-05")
async def test_members_come_back_as_members(orm: SqlOrm) -> None:
    """Alone, in lists, maps and their keys, nested models and documents; not the equal number."""
    (found,) = await written(orm, FULL)
    assert repr(found) == repr(FULL)


async def test_flags_come_back_combined(orm: SqlOrm) -> None:
    """A combination that has no name is a member of the class nevertheless."""
    (found,) = await written(orm, Sign("a", rights=Right.READ | Right.WRITE))
    assert isinstance(found.rights, Right)
    assert Right.WRITE in found.rights


async def test_what_the_class_does_not_have_is_kept(orm: SqlOrm) -> None:
    """A number or text of a newer release survives as it is."""
    odd = Sign("a", cast("Color", 99), cast("Side", "up"), colors=[cast("Color", 98)])
    odd.by_color = {cast("Color", 97): "new"}
    (found,) = await written(orm, odd)
    assert [type(key) for key in found.by_color] == [int]
    assert (type(found.color), found.color, found.side, found.colors) == (int, 99, "up", [98])


@pytest.mark.feature("ORM-21")
async def test_groups_and_their_results_are_members(orm: SqlOrm, models: Any) -> None:
    """An aggregate that the database computes has the classes that it has in memory."""
    signs = [Sign("a", Color.RED), Sign("b", Color.BLUE, perhaps=Color.RED), Sign("c", Color.RED)]
    await written(orm, *signs)
    root = models.inspect(Sign)
    asked = query(
        root,
        group_by=(path(root, "color"), path(root, "perhaps")),
        aggregates=(Aggregate("max", path(root, "color"), "most"), Aggregate("count", None, "n")),
    )
    assert repr((await orm.read(asked)).items) == repr(asked.aggregate(signs))
