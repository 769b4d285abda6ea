# SPDX-License-Identifier: Apache-2.0
"""What must not get through: other people's SQL, questions without end, databases that fail."""

from __future__ import annotations

import typing
from dataclasses import make_dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from l8orm import SqlOrm, SqlOrmFactory
from l8orm._clauses import MAX_CONDITIONS, MAX_DEPTH
from l8orm._faults import database_faults
from l8types.criteria import Comparison, Criteria, Not, Or, SortKey
from l8types.enums import Action, DecoratorType, Operator
from l8types.errors import UnavailableError

from .fakes import introspector
from .models import Leaf, Part, Thing
from .postgres import server
from .queries import path, query, where
from .test_groups import spied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.protocols.models import Introspector

EVIL = [
    "x' or '1'='1",
    "x'\tor\t'1'='1",
    "'; drop table thing; --",
    '"; drop table thing; --',
    "%' or 1=1 --",
    "a_b",
    "a%b",
    "\\",
    "\\%",
    ":name",
    "$1",
    "?",
    "%(name)s",
    "{24}k]",
    "[{24}a]",
    "\u2019 or \u20191\u2019=\u20191",
    "line\nbreak /* */",
]


def everyone(orm: SqlOrm) -> AsyncIterator[tuple[str, object]]:
    """All things."""
    return orm.storage(Thing).items()


@pytest.mark.parametrize("text", EVIL)
async def test_a_value_is_never_read_as_sql(orm: SqlOrm, models: Introspector, text: str) -> None:
    """As a key, a value, a condition, a pattern, a map key: it means itself and nothing more."""
    root = models.inspect(Thing)
    victim = Thing("victim", name="victim", parts=[Part("victim")])
    thing = Thing(text, name=text, tags=[text], parts=[Part(text)], by_name={text: Part(text)})
    await orm.write(Action.POST, [thing, victim])
    assert await orm.storage(Thing).get(text) == thing
    for name in ("id", "name", "parts.name", "byname.name"):
        for operator, value in ((Operator.EQ, text), (Operator.IN, (text, text + "x"))):
            page = await orm.read(query(root, where(root, name, operator, value)))
            assert page.items == [thing], (name, operator)
    pattern = "".join("\\" + char if char in "%_\\" else char for char in text)
    liked = await orm.read(query(root, where(root, "name", Operator.LIKE, pattern)))
    assert liked.items == [thing]
    await orm.write(Action.PATCH, [Thing(text, count=1)])
    assert await orm.delete(query(root, where(root, "name", Operator.EQ, text))) == 1
    assert await orm.storage(Thing).delete(text) is None
    assert [item async for _, item in everyone(orm)] == [victim]


async def test_names_that_mean_something_to_a_database_are_names(lasting: str) -> None:
    """Reserved words as model, attribute and sort key; nothing has to be quoted by hand."""
    kind: Any = make_dataclass(
        "Select",
        [("id", str), ("order", int), ("group", str), ("where", "list[Leaf]"), ("from_", str)],
        namespace={"__module__": __name__},
    )
    models = introspector((kind, "id"))
    models.decorate(kind, DecoratorType.NON_UNIQUE, "order", "group")
    orm = await SqlOrmFactory(models).open(lasting)
    items = [kind(f"k{n}", 3 - n, "g", [Leaf("l", n)], "f") for n in range(3)]
    await orm.write(Action.POST, items)
    root = models.inspect(kind)
    keys = (SortKey(path(root, "order")), SortKey(path(root, "group")))
    criteria = where(root, "where.name", Operator.EQ, "l")
    assert (await orm.read(query(root, criteria, sort_keys=keys))).items == items[::-1]
    await orm.aclose()


async def test_a_list_longer_than_any_limit_is_searched_by_the_database(
    orm: SqlOrm, models: Introspector
) -> None:
    """100 000 members, more than either database has parameters, in one statement."""
    await orm.write(Action.POST, [Thing(f"t{n}", name=f"n{n}", count=n, big=n) for n in range(9)])
    root = models.inspect(Thing)
    numbers, names = tuple(range(5, 100_005)), tuple(f"n{n}" for n in range(5, 100_005))
    for name, members in (("count", numbers), ("big", numbers), ("name", names)):
        for operator, wanted in ((Operator.IN, [5, 6, 7, 8]), (Operator.NOT_IN, [0, 1, 2, 3, 4])):
            statements = spied(orm)
            page = await orm.read(query(root, where(root, name, operator, members)))
            assert [cast("Thing", item).count for item in page.items] == wanted
            roots = [each for each in statements if "FROM thing \n" in each]
            assert len(roots) == 1
            assert "WHERE" in roots[0]


async def test_long_lists_of_other_kinds_are_searched_in_memory(
    orm: SqlOrm, models: Introspector
) -> None:
    """Fractions, bytes, and texts with a character that not every database keeps."""
    await orm.write(Action.POST, [Thing(f"t{n}", ratio=n / 3, raw=bytes([n])) for n in range(9)])
    root = models.inspect(Thing)
    for name, members in (
        ("ratio", tuple(n / 3 for n in range(5, 40_000))),
        ("raw", tuple(bytes([n]) for n in range(5, 256)) * 200),
        ("id", tuple(f"t{n}" for n in range(5, 9)) + tuple(f"x\0{n}" for n in range(200))),
    ):
        page = await orm.read(query(root, where(root, name, Operator.IN, members)))
        assert [cast("Thing", item).id for item in page.items] == ["t5", "t6", "t7", "t8"]


async def test_conditions_without_end_are_evaluated_in_memory(
    orm: SqlOrm, models: Introspector
) -> None:
    """A chain or a depth that a database would refuse is answered all the same."""
    await orm.write(Action.POST, [Thing(f"t{n}", count=n) for n in range(4)])
    root = models.inspect(Thing)
    chain: Criteria = Or(
        tuple(where(root, "count", Operator.EQ, n + 2) for n in range(MAX_CONDITIONS * 5))
    )
    assert [cast("Thing", item).count for item in (await orm.read(query(root, chain))).items] == [
        2,
        3,
    ]
    deep: Criteria = where(root, "count", Operator.LT, 2)
    for _ in range(MAX_DEPTH * 2):
        deep = Not(Not(deep))
    assert await orm.delete(query(root, deep)) == 2
    assert [key async for key, _ in everyone(orm)] == ["t2", "t3"]


async def test_as_many_conditions_as_are_sent_are_taken(orm: SqlOrm, models: Introspector) -> None:
    """The limit is one that both databases hold."""
    await orm.write(Action.POST, [Thing(f"t{n}", maybe=n, parts=[Part("p")]) for n in range(4)])
    root = models.inspect(Thing)
    terms: list[Criteria] = [
        where(root, ("maybe", "count")[n % 2], Operator.BETWEEN, (n + 2, n + 3))
        for n in range(MAX_CONDITIONS - 1 - MAX_DEPTH)
    ]
    deep: Criteria = where(root, "parts.name", Operator.NE, "p")
    # The chain is one level, and the list in the path counts for four.
    for _ in range((MAX_DEPTH - 5) // 2 * 2):
        deep = Not(deep)
    asked = query(root, Or((*terms, deep)))
    statements = spied(orm)
    assert [cast("Thing", item).id for item in (await orm.read(asked)).items] == ["t2", "t3"]
    assert any("FROM thing \nWHERE" in each for each in statements)


async def test_lists_within_lists_are_searched_at_any_depth(lasting: str) -> None:
    """By the database as far as its parser goes, in memory beyond."""
    kind: Any = make_dataclass("L0", [("id", str), ("name", str)])
    for level in range(1, 9):
        kind = make_dataclass(f"L{level}", [("id", str), ("below", list[kind])])
    models = introspector((kind, "id"))
    orm = await SqlOrmFactory(models).open(lasting)

    def nest(key: str, at: Any) -> Any:
        fields = at.__dataclass_fields__
        if "name" in fields:
            return at(key, key)
        return at(key, [nest(key, typing.get_args(fields["below"].type)[0])])

    items = [nest(key, kind) for key in "ab"]
    await orm.write(Action.POST, items)
    root = models.inspect(kind)
    for depth in range(9):
        name = ".".join([*["below"] * depth, "id"])
        asked = query(root, where(root, name, Operator.EQ, "b"))
        assert (await orm.read(asked)).items == items[1:]
    await orm.aclose()


async def test_values_of_another_type_match_nothing(orm: SqlOrm, models: Introspector) -> None:
    """A clash of types neither fails nor widens the answer."""
    await orm.write(Action.POST, [Thing(f"t{n}", count=n, on=True) for n in range(3)])
    root = models.inspect(Thing)
    clashes: list[Comparison] = [
        where(root, "count", Operator.EQ, "1"),
        where(root, "count", Operator.IN, ("0", None, b"x")),
        where(root, "name", Operator.EQ, 0),
        where(root, "on", Operator.EQ, "true"),
        where(root, "raw", Operator.EQ, ""),
        where(root, "ratio", Operator.EQ, "0"),
    ]
    for clash in clashes:
        assert (await orm.read(query(root, clash))).items == [], clash.path.text
        assert await orm.delete(query(root, clash)) == 0


async def test_a_server_that_goes_down_is_unavailable_and_nothing_is_written(models: Any) -> None:
    """Every call ends with one line; a server whose connections were cut is used again."""
    with server() as url:
        orm = await SqlOrmFactory(models).open(url)
        await orm.write(Action.POST, [Thing("a")])
        cut = sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
        engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
        async with engine.begin() as connection:
            await connection.execute(cut)
        await engine.dispose()
        assert await orm.storage(Thing).get("a") == Thing("a")
    root = models.inspect(Thing)
    calls: list[Any] = [
        lambda: orm.write(Action.POST, [Thing("b")]),
        lambda: orm.read(query(root)),
        lambda: orm.delete(query(root)),
        lambda: orm.generation(Thing),
        lambda: anext(orm.stream(query(root))),
        lambda: orm.planned(Thing),
    ]
    for call in calls:
        with pytest.raises(UnavailableError) as caught:
            await call()
        assert "\n" not in caught.value.message
    await orm.aclose()


async def test_a_lock_on_a_server_is_unavailable_and_nothing_is_written(
    models: Any, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the table: a write gives up, later it works."""
    monkeypatch.setattr("l8orm._database.LOCK_TIMEOUT", 0.1)
    orm = await SqlOrmFactory(models).open(postgres)
    await orm.prepare(Thing)
    await orm.delete(query(models.inspect(Thing)))
    await orm.write(Action.POST, [Thing("a", parts=[Part("p")])])
    engine = create_async_engine(postgres.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.begin() as connection:
        await connection.execute(sa.text("LOCK TABLE thing__parts IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(UnavailableError, match="holds a lock; nothing was written"):
            await orm.write(Action.POST, [Thing("b"), Thing("a", parts=[Part("q")])])
    await engine.dispose()
    assert [item async for _, item in everyone(orm)] == [Thing("a", parts=[Part("p")])]
    await orm.write(Action.POST, [Thing("b")])
    await orm.aclose()


async def test_a_server_that_may_only_be_read_is_read(models: Any) -> None:
    """Reads work, a write is refused with the reason."""
    with server() as url:
        orm = await SqlOrmFactory(models).open(url)
        await orm.write(Action.POST, [Thing("a")])
        only = sa.text("ALTER ROLE l8 SET default_transaction_read_only = on")
        await orm._database.write("testing", lambda each: each.execute(only))
        await orm.aclose()
        orm = await SqlOrmFactory(models).open(url)
        assert await orm.storage(Thing).get("a") == Thing("a")
        with pytest.raises(UnavailableError, match="read-only"):
            await orm.write(Action.POST, [Thing("b")])
        assert await orm.storage(Thing).get("b") is None
        await orm.aclose()


def test_a_server_without_space_says_so() -> None:
    """What the driver tells becomes a line with the remedy."""
    told = OSError('could not extend file "base/5": No space left on device')
    with (
        pytest.raises(
            UnavailableError, match=r"writing Book failed: could not extend .* free some"
        ),
        database_faults("writing Book"),
    ):
        raise sa.exc.DBAPIError("INSERT", {}, told)


async def test_a_write_that_fails_in_its_middle_leaves_nothing(
    orm: SqlOrm, models: Introspector
) -> None:
    """Rows of the first table are taken back when one of the last fails."""
    old = Thing("a", parts=[Part("old")], by_truth={True: Leaf("old")})
    await orm.write(Action.POST, [old])
    count = await orm.generation(Thing)

    def fail(*arguments: Any) -> None:
        if "INSERT INTO thing__bytruth" in arguments[2]:
            raise OSError("No space left on device")

    engine = orm._database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", fail)
    new = Thing("a", parts=[Part("new")], by_truth={False: Leaf("new")})
    with pytest.raises(UnavailableError, match="free some space"):
        await orm.write(Action.POST, [Thing("b"), new])
    sa.event.remove(engine, "before_cursor_execute", fail)
    assert [item async for _, item in everyone(orm)] == [old]
    assert await orm.generation(Thing) == count


async def test_a_server_that_goes_down_within_a_write_leaves_nothing(
    models: Any, postgres: str
) -> None:
    """The connection is cut between two tables: one line, no rows, and the next write works."""
    orm = await SqlOrmFactory(models).open(postgres)
    await orm.prepare(Thing)
    await orm.delete(query(models.inspect(Thing)))
    old = Thing("a", parts=[Part("old")])
    await orm.write(Action.POST, [old])

    def cut(*arguments: Any) -> None:
        if "INSERT INTO thing__parts " in arguments[2]:
            arguments[0].exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    engine = orm._database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", cut)
    with pytest.raises(UnavailableError, match="writing thing failed") as caught:
        await orm.write(Action.POST, [Thing("b"), Thing("a", parts=[Part("new")])])
    assert "\n" not in caught.value.message
    sa.event.remove(engine, "before_cursor_execute", cut)
    assert [item async for _, item in everyone(orm)] == [old]
    await orm.write(Action.POST, [Thing("b")])
    assert [item async for _, item in everyone(orm)] == [old, Thing("b")]
    await orm.aclose()
