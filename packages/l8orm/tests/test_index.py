# SPDX-License-Identifier: Apache-2.0
"""What is remembered of answers that are read page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import SqlOrm, SqlOrmFactory
from l8orm._index import IDLE, MAX_ENTRIES, Known, PageIndex, fingerprint
from l8types.criteria import And, Not, Or, SortKey
from l8types.enums import Action, Operator

from .models import Thing
from .queries import path, query, where
from .test_groups import spied

if TYPE_CHECKING:
    from l8types.protocols.data import Query
    from l8types.protocols.models import Introspector, ModelNode


def page(root: ModelNode, number: int, *, by: str = "name", **facts: Any) -> Query:
    """One page of three, sorted."""
    keys = (SortKey(path(root, by)),) if by else ()
    return query(root, sort_keys=keys, limit=3, page=number, **facts)


def ids(items: Any) -> list[str]:
    """Keys of things."""
    return [cast("Thing", item).id for item in items]


@pytest.mark.feature("ORM-19")
async def test_following_pages_are_read_by_their_keys(orm: SqlOrm, models: Introspector) -> None:
    """Only the first page reads what decides the order; all of them tell the total."""
    root = models.inspect(Thing)
    await orm.write(Action.POST, [Thing(f"t{n}", name=f"n{9 - n}") for n in range(8)])
    assert ids((await orm.read(page(root, 0))).items) == ["t7", "t6", "t5"]
    statements = spied(orm)
    second = await orm.read(page(root, 1))
    assert (ids(second.items), second.total) == (["t4", "t3", "t2"], 8)
    roots = [each for each in statements if "FROM thing \n" in each]
    assert len(roots) == 1
    assert "ANY" in roots[0] or "json_each" in roots[0]


@pytest.mark.feature("ORM-19")
async def test_every_write_makes_pages_anew(lasting: str, models: Any) -> None:
    """Also one of another process: a stale page is never given."""
    one, two = [await SqlOrmFactory(models).open(lasting) for _ in range(2)]
    root = models.inspect(Thing)
    await one.write(Action.POST, [Thing(f"t{n}", name=f"n{n}") for n in range(4)])
    for by in ("name", "count", ""):
        assert (await one.read(page(root, 1, by=by))).total == 4
    changes: list[Any] = [
        lambda: two.write(Action.POST, [Thing("t9", name="a", count=-1)]),
        lambda: two.write(Action.PATCH, [Thing("t0", name="z", count=9)]),
        lambda: two.delete(query(root, where(root, "id", Operator.EQ, "t1"))),
        lambda: two.storage(Thing).delete("t2"),
    ]
    for change in changes:
        await change()
        for by in ("name", "count", ""):
            whole = await two.read(query(root, sort_keys=page(root, 0, by=by).sort_keys))
            for number in (0, 1):
                answer = await one.read(page(root, number, by=by))
                assert answer.items == whole.items[number * 3 : number * 3 + 3]
                assert answer.total == len(whole.items)
    await one.aclose()
    await two.aclose()


@pytest.mark.feature("ORM-19", "ORM-20")
async def test_what_is_remembered_serves_no_caller_with_a_scope(
    orm: SqlOrm, models: Introspector
) -> None:
    """Pages for those who see everything and pages within a scope do not mix."""
    root = models.inspect(Thing)
    await orm.write(Action.POST, [Thing(f"t{n}", name=f"n{n}", count=n) for n in range(9)])

    def scope(item: object) -> object | None:
        return item if cast("Thing", item).count % 2 else None

    for _ in range(2):
        assert (await orm.read(page(root, 0))).total == 9
        seen = await orm.read(page(root, 1), scope=scope)
        assert (ids(seen.items), seen.total) == (["t7"], 4)


@pytest.mark.feature("ORM-19")
def test_an_entry_that_nobody_asks_for_goes() -> None:
    """After its time, or when there are too many; using it keeps it."""
    now = 0.0
    index = PageIndex(lambda: now)
    index.keep("a", Known(1, 3, ["x", "y", "z"]))
    now = IDLE - 1
    assert index.find("a", 1) is not None
    now = 2 * IDLE - 2
    index.keep("b", Known(1, 0))
    assert index.find("a", 1) is not None
    now = 3 * IDLE
    assert index.find("a", 1) is None
    assert len(index) == 0
    for number in range(MAX_ENTRIES + 5):
        index.keep(number, Known(1, 0))
    assert len(index) == MAX_ENTRIES
    assert index.find(0, 1) is None
    assert index.find(MAX_ENTRIES, 2) is None


def test_the_keys_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer of very many keys displaces others, and itself when it is too large."""
    monkeypatch.setattr("l8orm._index.MAX_KEYS", 5)
    index = PageIndex(lambda: 0.0)
    index.keep("a", Known(1, 3, ["x", "y", "z"]))
    index.keep("b", Known(1, 3, ["x", "y", "z"]))
    assert index.find("a", 1) is None
    assert index.find("b", 1) is not None
    index.keep("c", Known(1, 6, ["x"] * 6))
    assert len(index) == 0


def test_different_questions_have_different_prints(models: Introspector) -> None:
    """Everything that decides about an answer counts; limit and page do not."""
    root = models.inspect(Thing)
    one = where(root, "count", Operator.EQ, 1)
    two = where(root, "count", Operator.EQ, 2)
    key = SortKey(path(root, "name"))
    down = SortKey(path(root, "name"), True)
    different = [
        query(root),
        query(root, one),
        query(root, two),
        query(root, Not(one)),
        query(root, And((one, two))),
        query(root, Or((one, two))),
        query(root, where(root, "count", Operator.EQ, path(root, "small"))),
        query(root, where(root, "maybe", Operator.EQ, 1)),
        query(root, where(root, "name", Operator.EQ, "1")),
        query(root, where(root, "name", Operator.EQ, "1", match_case=False)),
        query(root, where(root, "name", Operator.LIKE, "1")),
        query(root, sort_keys=(key,)),
        query(root, sort_keys=(down,)),
        query(root, sort_keys=(key,), match_case=False),
        query(root, columns=(path(root, "name"),), distinct=True),
        query(root, columns=(path(root, "count"),), distinct=True),
    ]
    assert len({fingerprint(each) for each in different}) == len(different)
    assert fingerprint(query(root, one, limit=3)) == fingerprint(query(root, one, limit=9, page=2))
