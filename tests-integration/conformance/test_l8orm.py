# SPDX-License-Identifier: Apache-2.0
"""The relational store keeps what its interfaces promise, on SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from l8orm import OrmService, orm_sla
from l8test.conformance import OrmConformance, StorageConformance
from l8test.models import SAMPLES
from l8test.postgres import PostgresMissingError, postgres_server
from l8types.constants import Plugin
from l8types.enums import Action
from l8types.errors import QueryError
from l8types.protocols.services import Call
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from l8orm import SqlOrm
    from l8test.conformance import OrmOpener, StorageOpener
    from l8test.models import Sample
    from l8types.protocols.data import Elements
    from l8types.protocols.stores import OrmFactory, Storage
    from l8utils import NodeResources

KEY = ServiceKey("samples")


@pytest.fixture(params=SAMPLES, ids=str)
def sample(request: pytest.FixtureRequest) -> Sample:
    """A sample model."""
    found: Sample = request.param
    return found


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a private server."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres_server())
        except PostgresMissingError as missing:
            pytest.skip(f"no PostgreSQL: {missing}")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'items.db'}"
    found: str = request.getfixturevalue("server")
    engine = create_async_engine(found.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.begin() as connection:
        await connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        await connection.execute(sa.text("CREATE SCHEMA public"))
    await engine.dispose()
    return found


@pytest.fixture
def open_orm(resources: NodeResources, sample: Sample, url: str) -> OrmOpener:
    """Opens the one database of a test and closes it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[SqlOrm]:
        factory = cast("OrmFactory", resources.create(Plugin.ORM))
        orm = cast("SqlOrm", await factory.open(url))
        try:
            await orm.prepare(sample.model)
            yield orm
        finally:
            await orm.aclose()

    return opened


class TestOrm(OrmConformance):
    """Items by query."""


@pytest.mark.feature("l8types:TYP-18")
class TestStorage(StorageConformance):
    """Items by key."""

    @pytest.fixture
    def open_storage(self, open_orm: OrmOpener, sample: Sample) -> StorageOpener:
        """Opens the database as a store."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Storage]:
            async with open_orm() as orm:
                yield orm.storage(sample.model)

        return opened


@pytest.mark.feature("l8orm:ORM-21")
async def test_groups_are_those_of_memory(
    open_orm: OrmOpener, resources: NodeResources, sample: Sample
) -> None:
    """What is counted, added, filtered and sorted by the database is what the query does itself."""
    items = [sample.build(index) for index in range(12)]
    async with open_orm() as orm:
        await orm.write(Action.POST, items)
        for rest in (
            "",
            "group-by mybool",
            "where myint32>3 group-by mybool, myenum",
            "group-by myenum having n>3 sort-by total descending",
            "group-by myenum having n>99",
            "where myint32>99",
            "group-by mystring having top=STRING-5 sort-by mystring descending",
            "group-by myenum sort-by n descending, myenum limit 1 page 1",
        ):
            chosen = rest.partition("group-by ")[2].split(" ")[0].strip(",")
            results = (
                "count(*) as n, sum(myint64) as total, avg(myint32) as mean, "
                "max(mystring) as top, min(myfloat64) as low"
            )
            columns = f"{chosen}, {results}" if chosen else results
            words = ["select", columns, "from", sample.model.__name__, rest]
            query = resources.queries.parse(" ".join(words))
            page = await orm.read(query)
            groups = query.aggregate(query.filter(items))
            start = query.page * query.limit
            assert page.items == groups[start : start + query.limit if query.limit else None], rest
            assert page.total == len(groups)


@asynccontextmanager
async def served(
    resources: NodeResources, sample: Sample, orm: SqlOrm, *, cached: bool
) -> AsyncIterator[Any]:
    """A function that asks an active service, as the manager of its node does."""
    nobody_watches = SimpleNamespace(providers=lambda key: ())
    vnic = cast("Any", SimpleNamespace(resources=resources, directory=nobody_watches))
    service = OrmService(orm, cached=cached)
    await service.activate(orm_sla(KEY, sample.model, orm), vnic)

    async def ask(action: Action, elements: Elements) -> Elements:
        handler = getattr(service, action.name.lower())
        answer: Elements = await handler(elements, Call(vnic, action, KEY, identity="ann"))
        return answer

    yield ask
    await service.deactivate()


@pytest.mark.feature("l8orm:ORM-29", "l8orm:ORM-30", "l8orm:ORM-31")
async def test_a_cache_changes_no_answer(
    open_orm: OrmOpener, resources: NodeResources, sample: Sample
) -> None:
    """With and without it a query, an example and a key are answered alike, after every write."""
    make = resources.elements
    questions = [
        make.query(resources.queries.parse(sample.query(rest)).to_wire())
        for rest in (
            "",
            "where myint32>3 sort-by mystring descending limit 2 page 1",
            "where mystring=STRING-5",
            "where myint32 in [1, 5, 99] or mybool=true sort-by myint64",
            "limit 3",
        )
    ]
    questions += [make.of("string-3"), make.of(sample.make(my_string="string-4")), make.of("none")]
    writes: list[tuple[Action, object]] = [
        (Action.POST, sample.build(20)),
        (Action.PATCH, sample.make(my_string="string-3", my_int32=77)),
        (Action.PUT, sample.make(my_string="string-4", my_int32=5, my_int64=404)),
        (Action.DELETE, "string-5"),
        (Action.PATCH, sample.make(my_string="string-30", my_int32=4, my_int64=405)),
    ]
    async with open_orm() as opened:
        orm = cast("SqlOrm", opened)
        await orm.write(Action.POST, [sample.build(index) for index in range(10)])
        async with (
            served(resources, sample, orm, cached=True) as cached,
            served(resources, sample, orm, cached=False) as plain,
        ):
            for action, payload in [(Action.GET, "none"), *writes]:
                await cached(action, make.of(payload))
                for question in questions:
                    for _ in range(2):
                        with_cache = await cached(Action.GET, question)
                        without = await plain(Action.GET, question)
                        assert list(with_cache.values) == list(without.values)
                        assert with_cache.to_page().total == without.to_page().total


async def test_a_question_about_what_there_is_not_is_refused(
    open_orm: OrmOpener, resources: NodeResources, sample: Sample
) -> None:
    """An unknown attribute, a value of another type or SQL in its place is an error."""
    make = resources.elements
    async with open_orm() as opened:
        orm = cast("SqlOrm", opened)
        await orm.write(Action.POST, [sample.build(1)])
        async with served(resources, sample, orm, cached=False) as ask:
            for rest in (
                "where nosuch=1",
                "sort-by nosuch",
                "where myint32=abc",
                "where myint32=1; drop table sample",
                "where mystring=x' or '1'='1",
                "sort-by mystring; drop table sample",
            ):
                with pytest.raises(QueryError):
                    await ask(Action.DELETE, make.query(sample.query(rest)))
            everything = make.query(sample.query())
            assert list((await ask(Action.GET, everything)).values) == [sample.build(1)]
