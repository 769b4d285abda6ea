# SPDX-License-Identifier: Apache-2.0
"""Values of a query that no column can hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from l8types.enums import Action, Operator

from .models import Thing
from .queries import query, where

if TYPE_CHECKING:
    from l8orm import SqlOrm
    from l8types.protocols.models import Introspector

ITEMS = [
    Thing("a", count=-(2**63), big=0, ratio=-math.inf),
    Thing("b", count=2**63 - 1, big=2**64 - 1, ratio=math.inf),
    Thing("c", count=1, big=2**63, ratio=float(2**53)),
    Thing("d", count=0, big=2**63 - 1, ratio=0.5),
]
EDGES = [
    *(-(2**70), -(2**63) - 1, -(2**63), -1, 0, 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64),
    *(2**2000, 0.5, -0.5, 1.0, 1e30, -1e30, math.inf, -math.inf, math.nan),
]


@pytest.mark.parametrize("attribute", ["count", "big", "ratio", "small", "maybe"])
async def test_numbers_beyond_every_column_compare_as_in_python(
    orm: SqlOrm, models: Introspector, attribute: str
) -> None:
    """Each operator with each edge, also within lists and ranges."""
    await orm.write(Action.POST, ITEMS)
    root = models.inspect(Thing)
    plain = [Operator.EQ, Operator.NE, Operator.GT, Operator.GE, Operator.LT, Operator.LE]
    cases: list[tuple[Operator, Any]] = [(each, edge) for each in plain for edge in EDGES]
    cases += [(Operator.IN, (edge, 0)) for edge in EDGES]
    cases += [(Operator.BETWEEN, (0, edge)) for edge in EDGES]
    cases += [(Operator.BETWEEN, (edge, 2**64)) for edge in EDGES]
    for operator, value in cases:
        asked = query(root, where(root, attribute, operator, value))
        assert (await orm.read(asked)).items == asked.filter(ITEMS), (operator, value)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("name", "half \ud800"), ("name", "nul\0"), ("raw", "text"), ("on", 1), ("raw", b"\0")],
)
async def test_odd_values_are_evaluated_in_memory(
    orm: SqlOrm, models: Introspector, attribute: str, value: object
) -> None:
    """What a database would refuse, or take for something else, selects what it should."""
    await orm.write(Action.POST, [Thing("a", on=True), Thing("b", name="x", raw=b"\0")])
    root = models.inspect(Thing)
    asked = query(root, where(root, attribute, Operator.EQ, value))
    expected = asked.filter([Thing("a", on=True), Thing("b", name="x", raw=b"\0")])
    assert (await orm.read(asked)).items == expected


async def test_a_text_with_a_nul_is_kept_or_refused(orm: SqlOrm, models: Introspector) -> None:
    """SQLite keeps and finds it, PostgreSQL cannot and says so."""
    item = Thing("a", name="x\0y")
    if orm._database.sqlite:
        await orm.write(Action.POST, [item])
        root = models.inspect(Thing)
        for operator, value in ((Operator.EQ, "x\0y"), (Operator.LIKE, "x%y")):
            asked = query(root, where(root, "name", operator, value))
            assert (await orm.read(asked)).items == [item]
    else:
        with pytest.raises(ValueError, match=r"attribute thing\.name .* NUL"):
            await orm.write(Action.POST, [item])
