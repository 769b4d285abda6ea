# SPDX-License-Identifier: Apache-2.0
"""A model that changed meets the tables of the old one."""

from __future__ import annotations

import asyncio
from dataclasses import field, make_dataclass
from typing import Annotated, Any

import pytest
import sqlalchemy as sa

from l8orm import SqlOrm, SqlOrmFactory
from l8orm._schema import SCHEMA
from l8types.enums import Action, DecoratorType, Kind, Operator
from l8types.errors import ConflictError, UnavailableError

from .fakes import introspector
from .models import Leaf, Part
from .queries import query, where


def model(**attributes: Any) -> Any:
    """A model called Thing: name to type and default."""
    fields: list[Any] = [("id", str)]
    for name, (kind, default) in attributes.items():
        made = field(default_factory=default) if callable(default) else field(default=default)
        fields.append((name, kind, made))
    return make_dataclass("Thing", fields)


async def opened(url: str, kind: type, *, indexed: str = "") -> SqlOrm:
    """A store that knows one model, as after a restart."""
    models = introspector((kind, "id"))
    if indexed:
        models.decorate(kind, DecoratorType.NON_UNIQUE, indexed)
    return await SqlOrmFactory(models).open(url)


async def run(orm: SqlOrm, statement: str) -> Any:
    """Run a statement on the database of a store."""
    return await orm._database.write("testing", lambda each: each.execute(sa.text(statement)))


@pytest.mark.feature("ORM-11")
async def test_new_attributes_become_columns_and_tables(lasting: str) -> None:
    """Old rows are read with zero, empty and absent values, and selected by them."""
    old = model(name=(str, ""))
    orm = await opened(lasting, old)
    await orm.write(Action.POST, [old("a", "x")])
    await orm.aclose()
    new = model(
        name=(str, ""),
        count=(int, 0),
        ratio=(float, 0.0),
        on=(bool, False),
        raw=(bytes, b""),
        maybe=(int | None, None),
        tags=(list[str], list),
        part=(Part, Part),
        spare=(Part | None, None),
        leaves=(list[Leaf], list),
    )
    orm = await opened(lasting, new, indexed="count")
    assert await orm.storage(new).get("a") == new("a", "x")
    await orm.write(Action.POST, [new("b", count=1, spare=Part("p"), leaves=[Leaf("l")])])
    root = orm._introspector.inspect(new)
    for name, value in (("count", 0), ("on", False), ("part.name", ""), ("ratio", 0.0)):
        page = await orm.read(query(root, where(root, name, Operator.EQ, value)))
        assert "a" in [item.id for item in page.items]  # type: ignore[attr-defined]
    await orm.aclose()


@pytest.mark.feature("ORM-11")
async def test_lost_columns_and_tables_are_made_again(lasting: str) -> None:
    """What somebody dropped comes back empty, the rest is kept."""
    kind = model(name=(str, ""), count=(int, 0), leaves=(list[Leaf], list))
    orm = await opened(lasting, kind)
    await orm.write(Action.POST, [kind("a", "x", 5, [Leaf("l")])])
    await run(orm, "ALTER TABLE thing DROP COLUMN count")
    await run(orm, "DROP TABLE thing__leaves")
    await orm.aclose()
    orm = await opened(lasting, kind)
    assert await orm.storage(kind).get("a") == kind("a", "x", 0, [])
    await orm.aclose()


@pytest.mark.feature("ORM-11")
async def test_attributes_that_are_gone_stay_in_the_database(lasting: str) -> None:
    """Nothing is dropped: the old model finds its values again."""
    old, new = model(name=(str, ""), count=(int, 0)), model(name=(str, ""))
    orm = await opened(lasting, old)
    await orm.write(Action.POST, [old("a", "x", 5)])
    await orm.aclose()
    orm = await opened(lasting, new)
    await orm.write(Action.POST, [new("b", "y")])
    await orm.aclose()
    orm = await opened(lasting, old)
    found = [entry[1] async for entry in orm.storage(old).items()]
    assert found == [old("a", "x", 5), old("b", "y", 0)]
    await orm.aclose()


async def test_a_value_may_become_optional_and_back(lasting: str) -> None:
    """Absence is no change of type; what was absent becomes zero."""
    always, maybe = model(count=(int, 0)), model(count=(int | None, None))
    orm = await opened(lasting, maybe)
    await orm.write(Action.POST, [maybe("a"), maybe("b", 0)])
    await orm.aclose()
    orm = await opened(lasting, always)
    root = orm._introspector.inspect(always)
    page = await orm.read(query(root, where(root, "count", Operator.GE, 0)))
    assert page.items == [always("a"), always("b")]
    await orm.aclose()
    orm = await opened(lasting, maybe)
    await orm.write(Action.POST, [maybe("a")])
    assert await orm.storage(maybe).get("a") == maybe("a")
    await orm.aclose()


@pytest.mark.parametrize(
    ("before", "after"),
    [((int, 0), (str, "")), ((list[int], list), (list[str], list)), ((str, ""), (bytes, b""))],
)
async def test_a_changed_type_is_refused(lasting: str, before: Any, after: Any) -> None:
    """The error names column and types, and the table stays as it is."""
    old, new = model(value=before), model(value=after)
    orm = await opened(lasting, old)
    await orm.prepare(old)
    await orm.aclose()
    orm = await opened(lasting, new)
    with pytest.raises(ConflictError, match="column value of table thing holds"):
        await orm.prepare(new)
    await orm.aclose()
    orm = await opened(lasting, old)
    await orm.prepare(old)
    await orm.aclose()


async def test_a_newer_schema_is_refused(lasting: str) -> None:
    """A release does not touch what a newer one made."""
    kind = model()
    orm = await opened(lasting, kind)
    await orm.prepare(kind)
    newer = sa.update(SCHEMA).values(version=99)
    await orm._database.write("testing", lambda each: each.execute(newer))
    await orm.aclose()
    orm = await opened(lasting, kind)
    with pytest.raises(ConflictError, match="schema version 99"):
        await orm.write(Action.POST, [kind("a")])
    await orm.aclose()


async def test_a_table_of_somebody_else_is_left_alone(lasting: str) -> None:
    """A table of the same name that was not made for the model is refused."""
    kind = model()
    orm = await opened(lasting, kind)
    await run(orm, "CREATE TABLE thing (x integer)")
    with pytest.raises(ConflictError, match="was not made for this model"):
        await orm.prepare(kind)
    await orm.aclose()


async def test_preparing_again_changes_nothing(lasting: str) -> None:
    """A prepared model is up to date."""
    kind = model(count=(int, 0), leaves=(list[Leaf], list))
    orm = await opened(lasting, kind, indexed="count")
    await orm.prepare(kind)
    first = await run(orm, "SELECT * FROM l8orm_schema")
    rows = first.all()
    await orm.prepare(kind)
    await orm.aclose()
    orm = await opened(lasting, kind, indexed="count")
    await orm.prepare(kind)
    assert (await run(orm, "SELECT * FROM l8orm_schema")).all() == rows
    await orm.aclose()


async def test_an_index_declared_later_is_made(url: str) -> None:
    """A declaration after the first use is seen at the next."""
    kind = model(count=(int, 0))
    orm = await opened(url, kind)
    await orm.write(Action.POST, [kind("a")])
    orm._introspector.decorate(kind, DecoratorType.NON_UNIQUE, "count")
    await orm.write(Action.POST, [kind("b")])
    found = await orm._database.read(
        "testing", lambda each: each.run_sync(lambda c: sa.inspect(c).get_indexes("thing"))
    )
    names = {str(index["name"]) for index in found}
    assert {"thing_count_asc", "thing_count_desc"} <= names
    await orm.aclose()


async def names(orm: SqlOrm) -> dict[str, set[str]]:
    """Columns by table, as they are in the database."""

    def look(connection: sa.Connection) -> dict[str, set[str]]:
        inspector = sa.inspect(connection)
        return {
            table: {column["name"] for column in inspector.get_columns(table)}
            for table in inspector.get_table_names()
        }

    return await orm._database.read("testing", lambda each: each.run_sync(look))


async def test_a_migration_can_be_shown_before_it_is_made(lasting: str) -> None:
    """A dry run gives the SQL and leaves the database as it is; then the same is done."""
    old = model(name=(str, ""))
    new = model(name=(str, ""), count=(int, 5), leaves=(list[Leaf], list))
    orm = await opened(lasting, old)
    await orm.write(Action.POST, [old("a", "x")])
    await orm.aclose()
    orm = await opened(lasting, new, indexed="count")
    before = await names(orm)
    shown = await orm.planned(new)
    assert await names(orm) == before
    assert shown.steps == (
        "add column thing.count",
        "create index thing_count_asc",
        "create index thing_count_desc",
        "create table thing__leaves",
    )
    assert "ALTER TABLE thing ADD COLUMN count BIGINT DEFAULT 0" in str(shown)
    assert "CREATE TABLE thing__leaves" in str(shown)
    assert shown.destructive == ()
    assert (await orm.migrate(new)).steps == shown.steps
    assert str(await orm.planned(new)) == "-- the tables of Thing fit\n"
    assert await orm.storage(new).get("a") == new("a", "x", 0)
    await orm.aclose()


async def test_a_database_that_is_empty_can_be_planned(lasting: str) -> None:
    """Not even the store's own tables are made by a dry run."""
    kind = model(leaves=(list[Leaf], list))
    orm = await opened(lasting, kind)
    shown = await orm.planned(kind)
    assert shown.steps == (
        "create table thing",
        "create index thing_unique",
        "create table thing__leaves",
    )
    assert await names(orm) == {}
    await orm.aclose()


async def test_something_is_lost_only_when_that_is_asked_for(lasting: str) -> None:
    """Columns, tables and types that the model no longer has go, the rest stays."""
    old = model(
        gone=(int, 0),
        kept=(str, ""),
        changed=(int, 0),
        leaves=(list[Leaf], list),
        parts=(dict[str, Part], dict),
    )
    new = model(kept=(str, ""), changed=(str, "fresh"), parts=(dict[int, Part], dict))
    orm = await opened(lasting, old, indexed="gone")
    await orm.write(
        Action.POST,
        [old("a", 1, "stays", 7, [Leaf("l")], {"k": Part("p", leaves=[Leaf("x")])})],
    )
    await orm.aclose()
    orm = await opened(lasting, new)
    with pytest.raises(ConflictError, match="ask for a destructive migration"):
        await orm.planned(new)
    shown = await orm.planned(new, destructive=True)
    assert shown.destructive == (
        "drop table thing__parts__leaves",
        "drop table thing__parts",
        "drop table thing__leaves",
        "drop column thing.changed",
        "drop column thing.gone",
    )
    assert str(shown).count("-- loses data") == 5
    assert "thing__leaves" in await names(orm)
    await orm.migrate(new, destructive=True)
    assert await orm.storage(new).get("a") == new("a", "stays", "", {})
    found = await names(orm)
    assert "thing__leaves" not in found
    assert found["thing"] == {"_key", "_unique", "id", "kept", "changed"}
    await orm.write(Action.POST, [new("b", "k", "text", {5: Part("n", leaves=[Leaf("y")])})])
    assert (await orm.planned(new, destructive=True)).steps == ()
    await orm.aclose()


async def test_whole_numbers_may_get_wider(lasting: str) -> None:
    """A column of 32 bits becomes one of 64 with its values; the way back is refused."""
    narrow = model(count=(Annotated[int, Kind.INT32], 0))
    wide = model(count=(int, 0))
    orm = await opened(lasting, narrow)
    await orm.write(Action.POST, [narrow("a", 7)])
    await orm.aclose()
    orm = await opened(lasting, wide)
    await orm.write(Action.POST, [wide("b", 2**62)])
    found = [entry[1] async for entry in orm.storage(wide).items()]
    assert found == [wide("a", 7), wide("b", 2**62)]
    await orm.aclose()
    orm = await opened(lasting, narrow)
    with pytest.raises(ConflictError, match="holds bigint"):
        await orm.prepare(narrow)
    await orm.aclose()


async def test_a_migration_that_fails_leaves_nothing_behind(lasting: str) -> None:
    """The steps before the one that fails are taken back."""
    old, new = model(), model(count=(int, 0), leaves=(list[Leaf], list))
    orm = await opened(lasting, old)
    await orm.prepare(old)
    await run(orm, "CREATE TABLE other (x integer)")
    await run(orm, "CREATE INDEX thing_count_desc ON other (x)")
    await orm.aclose()
    orm = await opened(lasting, new, indexed="count")
    before = await names(orm)
    with pytest.raises(UnavailableError, match="thing_count_desc"):
        await orm.prepare(new)
    assert await names(orm) == before
    await orm.aclose()


async def test_nothing_is_planned_for_a_newer_schema(lasting: str) -> None:
    """Not even what would be destructive."""
    kind = model()
    orm = await opened(lasting, kind)
    await orm.prepare(kind)
    newer = sa.update(SCHEMA).values(version=99)
    await orm._database.write("testing", lambda each: each.execute(newer))
    for call in (orm.planned, orm.migrate):
        with pytest.raises(ConflictError, match="schema version 99"):
            await call(kind, destructive=True)
    await orm.aclose()


@pytest.mark.feature("ORM-10", "ORM-11")
async def test_many_processes_prepare_at_the_same_time(lasting: str) -> None:
    """One of them makes the tables, the others find them; nobody fails and nothing is lost."""
    old = model(name=(str, ""))
    new = model(name=(str, ""), count=(int, 0), leaves=(list[Leaf], list))
    for kind, indexed in ((old, ""), (new, "name")):
        stores = [await opened(lasting, kind, indexed=indexed) for _ in range(5)]
        async with asyncio.TaskGroup() as group:
            for number, orm in enumerate(stores):
                group.create_task(orm.write(Action.POST, [kind(f"k{number}", "x")]))
        found = [entry[1] async for entry in stores[0].storage(kind).items()]
        assert found == [kind(f"k{number}", "x") for number in range(5)]
        for orm in stores:
            assert (await orm.planned(kind)).steps == ()
            await orm.aclose()
