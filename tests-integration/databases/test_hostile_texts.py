# SPDX-License-Identifier: Apache-2.0
"""Texts of somebody who means harm, all the way from the query to the tables of both databases."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType
from l8types.errors import QueryError
from l8types.settings import NodeSettings
from l8utils import NodeResources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8types.protocols.data import QueryFactory
    from l8types.protocols.stores import Orm, OrmFactory

EVIL = [
    "x' or '1'='1",
    "x'\tor\t'1'='1",
    "'; drop table prey; --",
    '"; drop table prey; --',
    "name); drop table prey; --",
    "name desc; delete from prey",
    "(select name from prey)",
    "1 union select * from prey",
    "prey.name",
    "name collate nocase",
    "%",
    "_",
    "*",
    "name or 1=1",
    "name is not null",
    ":name",
    "$1",
    "?",
    "\\",
    "l8_fold(name)",
    "pg_sleep(10)",
]


@dataclass
class Prey:
    """What must not be reached."""

    name: str = ""
    count: int = 0
    tags: list[str] = field(default_factory=list)


ITEMS = [Prey("a", 1, ["t"]), Prey("b", 2), Prey("name", 3, ["%"])]


@asynccontextmanager
async def stored(directory: Path, database: str) -> AsyncIterator[tuple[Orm, QueryFactory]]:
    """A store with the items."""
    resources = NodeResources(NodeSettings(data_directory=directory))
    resources.register(Prey)
    resources.introspector.decorate(Prey, DecoratorType.PRIMARY, "name")
    resources.introspector.decorate(Prey, DecoratorType.NON_UNIQUE, "name", "count")
    orm = await cast("OrmFactory", resources.create(Plugin.ORM)).open(database)
    try:
        await orm.prepare(Prey)
        await orm.write(Action.PUT, ITEMS)
        yield orm, resources.queries
    finally:
        await orm.aclose()


@pytest.mark.parametrize("text", EVIL)
async def test_every_place_of_a_query(database: str, tmp_path: Path, text: str) -> None:
    """Wherever it stands, it is a value, a name, or an error: the answer is that of memory."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    asked = [
        f"select * from Prey where name={text}",
        f"select * from Prey where name={quoted}",
        f"select * from Prey where tags in [{quoted}]",
        f"select * from Prey where name like {quoted}",
        f"select * from Prey where {text}=1",
        f"select * from Prey where count={text}",
        f"select * from Prey sort-by {text}",
        f"select * from Prey sort-by name {text}",
        f"select {text} from Prey",
        f"select * from {text}",
        f"select count(*) as {text} from Prey",
        f"select count({text}) from Prey",
        f"select name, count(*) from Prey group-by {text}",
        f"select name, count(*) from Prey group-by name having {text}",
        f"select * from Prey limit {text}",
    ]
    async with stored(tmp_path, database) as (orm, queries):
        for each in asked:
            try:
                query = queries.parse(each)
            except QueryError:
                continue
            found = list((await orm.read(query)).items)
            matching = query.filter(ITEMS)
            if query.aggregates:
                assert found == query.aggregate(matching), each
            else:
                assert found == [query.project(item) for item in query.sort(matching)], each
        given = queries.parse("select * from Prey where name=:it or tags=:it", it=text)
        assert (await orm.read(given)).items == given.filter(ITEMS)
        gone = await orm.delete(queries.parse("select * from Prey where name=:it", it=text + "x"))
        assert gone == 0
        everything = queries.parse("select * from Prey")
        assert (await orm.read(everything)).items == ITEMS
