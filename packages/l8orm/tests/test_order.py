# SPDX-License-Identifier: Apache-2.0
"""Declared texts and numbers give sorted pages by an index, in the order of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from l8orm import SqlOrm, SqlOrmFactory
from l8orm._order import order_text
from l8types.criteria import SortKey
from l8types.enums import Action, DecoratorType, Operator

from .fakes import introspector
from .models import Thing
from .queries import path, query, where
from .test_groups import spied

if TYPE_CHECKING:
    from l8types.protocols.data import Query
    from l8types.protocols.models import ModelNode

NAMES = ["b", "A", "a", "10.0.0.10", "10.0.0.9", "", "Ä", "ä", "999.1.1.1", "9.0.0.0", "1"]
IN_ORDER = ["9.0.0.0", "10.0.0.9", "10.0.0.10", "", "1", "999.1.1.1", "A", "a", "b", "Ä", "ä"]


async def opened(url: str, *declared: str) -> tuple[SqlOrm, ModelNode]:
    """A store in which attributes of things are declared, as after a restart."""
    models = introspector((Thing, "id"))
    if declared:
        models.decorate(Thing, DecoratorType.NON_UNIQUE, *declared)
    return await SqlOrmFactory(models).open(url), models.inspect(Thing)


def page(root: ModelNode, by: str, *, down: bool = False, **facts: Any) -> Query:
    """The first page of eleven, whatever the case."""
    key = SortKey(path(root, by), down)
    return query(root, sort_keys=(key,), limit=11, match_case=False, **facts)


async def found(orm: SqlOrm, asked: Query, attribute: str = "name") -> list[Any]:
    """The attribute of the items of a page."""
    return [getattr(item, attribute) for item in (await orm.read(asked)).items]


def things() -> list[object]:
    """Things with names in no order, of which equal ones are in the order of their keys."""
    return [Thing(f"t{n:02}", name=name) for n, name in enumerate(NAMES)]


@pytest.mark.feature("ORM-12")
async def test_declared_texts_are_sorted_by_the_database(lasting: str) -> None:
    """Pages come in the order that queries have, both ways, without a list of all keys."""
    orm, root = await opened(lasting, "name")
    await orm.write(Action.POST, things())
    statements = spied(orm)
    assert await found(orm, page(root, "name")) == IN_ORDER
    falling = await found(orm, page(root, "name", down=True))
    assert [each.lower() for each in falling] == [each.lower() for each in reversed(IN_ORDER)]
    assert falling[:2] == ["Ä", "ä"]
    assert [each for each in statements if "ORDER BY thing._order_name" in each]
    assert not [each for each in statements if "SELECT thing._key, thing.name" in each]
    await orm.aclose()


async def test_absent_texts_come_last_in_either_direction(lasting: str) -> None:
    """An optional attribute that is declared is sorted like every other one."""
    orm, root = await opened(lasting, "label", "maybe")
    labels = ["b", None, "A", None, ""]
    made = [Thing(f"t{n}", label=label, maybe=None if label is None else n) for n, label in
            enumerate(labels)]  # fmt: skip
    await orm.write(Action.POST, made)
    assert await found(orm, page(root, "label"), "id") == ["t4", "t2", "t0", "t1", "t3"]
    assert await found(orm, page(root, "label", down=True), "id") == ["t0", "t2", "t4", "t1", "t3"]
    assert await found(orm, page(root, "maybe"), "id") == ["t0", "t2", "t4", "t1", "t3"]
    assert await found(orm, page(root, "maybe", down=True), "id") == ["t4", "t2", "t0", "t1", "t3"]
    await orm.aclose()


async def test_an_index_answers(lasting: str) -> None:
    """Neither direction of a declared attribute makes the database sort all rows."""
    orm, root = await opened(lasting, "name", "count", "label")
    await orm.write(Action.POST, things())
    for by in ("name", "count", "label"):
        for down in (False, True):
            asked = page(root, by, down=down, page=1)
            statements = spied(orm)
            await orm.read(asked)
            (cut,) = [each for each in statements if "LIMIT" in each and "OFFSET" in each]
            inner = cut[cut.index("(SELECT") + 1 : cut.index(")", cut.index("LIMIT"))]
            plan = await explained(orm, inner)
            assert f"thing_{by}_{'desc' if down else 'asc'}" in plan, plan
            assert "SORT" not in plan.upper().replace("_SORT", ""), plan
            assert "TEMP B-TREE" not in plan, plan
    await orm.aclose()


async def explained(orm: SqlOrm, statement: str) -> str:
    """The plan of a statement for a table that is too large to be read as a whole."""
    for parameter in ("?", "$1::INTEGER", "$2::INTEGER", "$3::INTEGER"):
        statement = statement.replace(parameter, "5")

    async def work(connection: Any) -> str:
        if connection.dialect.name == "sqlite":
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            return "\n".join(row[3] for row in rows)
        await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in rows)

    return cast("str", await orm._database.write("explaining", work))


async def test_equal_texts_are_found_by_the_index(lasting: str) -> None:
    """A condition on a declared text looks up its order, and means what it meant."""
    orm, root = await opened(lasting, "name")
    await orm.write(Action.POST, [*things(), Thing("x", name="010.0.0.9")])
    for fold in (True, False):
        for operator in (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN):
            for value in ("a", "10.0.0.9", "Ä", "zz", ""):
                wanted: Any = value if operator in {Operator.EQ, Operator.NE} else (value, "b")
                asked = query(root, where(root, "name", operator, wanted, match_case=not fold))
                expected = [item for item in [*things(), Thing("x", name="010.0.0.9")]
                            if asked.matches(item)]  # fmt: skip
                assert (await orm.read(asked)).items == expected
    await orm.aclose()


async def test_rows_of_a_release_without_orders_are_filled(lasting: str) -> None:
    """A database from before the declaration gets the orders of all its texts."""
    orm, _ = await opened(lasting)
    await orm.write(Action.POST, things())
    await orm.aclose()
    orm, root = await opened(lasting, "name")
    shown = await orm.planned(Thing)
    assert "fill column thing._order_name" in shown.steps
    assert "-- thing._order_name is computed row by row" in str(shown)
    assert await found(orm, page(root, "name")) == IN_ORDER
    assert (await orm.planned(Thing)).steps == ()
    await orm.aclose()


async def test_what_another_process_writes_without_orders_is_in_order(lasting: str) -> None:
    """A page is right although a node wrote that does not keep orders; a restart fills them."""
    orm, root = await opened(lasting, "name")
    await orm.write(Action.POST, things()[:6])
    other, _ = await opened(lasting)
    assert len(await found(orm, page(root, "name"))) == 6
    await other.write(Action.POST, things()[6:])
    await other.aclose()
    assert sorted(await found(orm, page(root, "name"))) == sorted(NAMES)
    same = query(root, where(root, "name", Operator.EQ, "Ä", match_case=True))
    assert await found(orm, same) == ["Ä"]
    await orm.aclose()
    orm, root = await opened(lasting, "name")
    assert (await orm.planned(Thing)).steps == ("fill column thing._order_name",)
    assert await found(orm, page(root, "name")) == IN_ORDER
    await orm.aclose()


async def test_a_narrow_index_is_replaced(lasting: str) -> None:
    """The index that earlier releases made for a declared attribute goes when the new ones come."""
    orm, _ = await opened(lasting)
    await orm.prepare(Thing)
    make = sa.text("CREATE INDEX thing_count_idx ON thing (count)")
    await orm._database.write("testing", lambda each: each.execute(make))
    await orm.aclose()
    orm, _ = await opened(lasting, "count")
    assert (await orm.migrate(Thing)).steps == (
        "drop index thing_count_idx",
        "create index thing_count_asc",
        "create index thing_count_desc",
    )
    await orm.aclose()


@given(st.lists(st.text(alphabet="aAbİK\u212a019. ", max_size=9) | st.from_regex(
    r"\A\d{1,3}(\.\d{1,3}){3}\Z"), max_size=6))  # fmt: skip
def test_the_order_is_that_of_what_it_stands_for(texts: list[str]) -> None:
    """Addresses by number, then the others whatever their case."""

    def rank(text: str) -> tuple[int, int | str]:
        parts = text.split(".")
        if len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts):
            numbers = [int(part) for part in parts]
            if max(numbers) < 256 and all(len(part) <= 3 for part in parts):
                return 0, sum(number << 8 * (3 - at) for at, number in enumerate(numbers))
        return 1, text.lower()

    assert sorted(texts, key=order_text) == sorted(texts, key=rank)
