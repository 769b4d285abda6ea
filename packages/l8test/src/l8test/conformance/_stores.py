# SPDX-License-Identifier: Apache-2.0
"""Conformance of stores: plain ones by key, and relational ones by query."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar

import pytest

from l8test.conformance._base import ModelConformance
from l8types.enums import Action
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.data import QueryFactory
    from l8types.protocols.stores import Orm, Storage

__all__ = ["OrmConformance", "OrmOpener", "StorageConformance", "StorageOpener"]

StorageOpener = Callable[[], AbstractAsyncContextManager["Storage"]]
"""Opens the store of the sample model, and closes it; a second call opens the same data again."""

OrmOpener = Callable[[], AbstractAsyncContextManager["Orm"]]
"""Opens an empty relational store in which the sample model is prepared, and closes it."""


class StorageConformance(ModelConformance):
    """What every ``Storage`` promises.

    Fixture:
        open_storage: A ``StorageOpener``.
    """

    durable: ClassVar[bool] = True
    """Capability: the items outlive the object that stored them."""

    async def test_put_and_get(self, open_storage: StorageOpener, sample: Sample) -> None:
        """A stored item comes back under its key, and no other does."""
        async with open_storage() as storage:
            await storage.put("string-1", sample.build(1))
            await storage.put("string-2", sample.build(2))
            assert await storage.get("string-1") == sample.build(1)
            assert await storage.get("string-3") is None

    async def test_replace(self, open_storage: StorageOpener, sample: Sample) -> None:
        """A second item under a key replaces the first as a whole."""
        async with open_storage() as storage:
            new = sample.make(my_string="string-1", my_int32=50)
            await storage.put("string-1", sample.build(1))
            await storage.put("string-1", new)
            assert await storage.get("string-1") == new

    async def test_delete(self, open_storage: StorageOpener, sample: Sample) -> None:
        """A removed item is returned and gone; removing an absent one gives nothing."""
        async with open_storage() as storage:
            await storage.put("string-1", sample.build(1))
            assert await storage.delete("string-1") == sample.build(1)
            assert await storage.get("string-1") is None
            assert await storage.delete("string-1") is None

    async def test_many(self, open_storage: StorageOpener, sample: Sample) -> None:
        """Many items are stored and removed with one call; absent ones are passed over."""
        async with open_storage() as storage:
            entries = [(sample.key(index), sample.build(index)) for index in range(5)]
            await storage.put("string-1", sample.make(my_string="string-1", my_int32=50))
            await storage.put_many(entries)
            assert [entry async for entry in storage.items()] == entries
            await storage.delete_many([sample.key(index) for index in (0, 3, 7)])
            found = [entry[0] async for entry in storage.items()]
            assert found == [sample.key(index) for index in (1, 2, 4)]

    async def test_items(self, open_storage: StorageOpener, sample: Sample) -> None:
        """All items are listed in the order of their keys."""
        async with open_storage() as storage:
            for index in (3, 1, 2):
                await storage.put(sample.key(index), sample.build(index))
            found = [(key, item) async for key, item in storage.items()]
            assert found == [(sample.key(index), sample.build(index)) for index in (1, 2, 3)]

    async def test_close(self, open_storage: StorageOpener) -> None:
        """Closing twice is as closing once."""
        async with open_storage() as storage:
            await storage.aclose()
            await storage.aclose()

    async def test_durable(self, open_storage: StorageOpener, sample: Sample) -> None:
        """What was stored is there when the store is opened again."""
        if not self.durable:
            pytest.skip("the implementation keeps items in memory only")
        async with open_storage() as storage:
            await storage.put("string-1", sample.build(1))
            await storage.put("string-2", sample.build(2))
            await storage.delete("string-2")
        async with open_storage() as again:
            assert await again.get("string-1") == sample.build(1)
            assert await again.get("string-2") is None


class OrmConformance(ModelConformance):
    """What every ``Orm`` promises.

    Fixtures:
        open_orm: An ``OrmOpener``.
        queries: A ``QueryFactory`` that knows the sample models, with ``MyString`` as primary key.
    """

    async def test_write_and_read(
        self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample
    ) -> None:
        """Written items come back whole, at any depth, in the order asked for."""
        async with open_orm() as orm:
            items = [sample.build(index) for index in range(3)]
            await orm.write(Action.POST, items)
            query = queries.parse(sample.query("sort-by myint32 descending"))
            assert list((await orm.read(query)).items) == items[::-1]

    async def test_cases(self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample) -> None:
        """A query finds in the database what it finds in memory."""
        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(index) for index in range(10)])
            for case in sample.query_cases():
                page = await orm.read(queries.parse(case.text))
                found = [sample.read(item, "my_int32") for item in page.items]
                assert found == list(case.found), case.text
                assert page.total == len(case.found), case.text

    async def test_prepare_again(
        self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample
    ) -> None:
        """Preparing a model that is prepared leaves its items alone."""
        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(1)])
            await orm.prepare(sample.model)
            assert (await orm.read(queries.parse(sample.query()))).total == 1

    async def test_put(self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample) -> None:
        """A put item replaces the whole item."""
        async with open_orm() as orm:
            new = sample.make(my_string="string-1", my_int32=50)
            await orm.write(Action.POST, [sample.build(1)])
            await orm.write(Action.PUT, [new])
            page = await orm.read(queries.parse(sample.query()))
            assert list(page.items) == [new]

    async def test_patch(self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample) -> None:
        """A patch leaves what it does not mention."""
        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(1)])
            await orm.write(Action.PATCH, [sample.make(my_string="string-1", my_int32=50)])
            expected = sample.build(1)
            sample.write(expected, "my_int32", 50)
            page = await orm.read(queries.parse(sample.query()))
            assert list(page.items) == [expected]

    async def test_all_or_none(
        self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample
    ) -> None:
        """One item without a key keeps all items of the write out."""
        async with open_orm() as orm:
            with pytest.raises(InvalidInputError):
                await orm.write(Action.POST, [sample.build(1), sample.make(my_int32=2)])
            assert (await orm.read(queries.parse(sample.query()))).total == 0

    async def test_pages(self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample) -> None:
        """Pages hold what the caller may see, without gap or overlap."""

        def odd(item: object) -> object | None:
            return item if sample.read(item, "my_bool") else None

        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(index) for index in range(10)])
            base = sample.query("sort-by myint32 limit 2 page")
            pages = [await orm.read(queries.parse(f"{base} {n}"), scope=odd) for n in range(3)]
            found = [[sample.read(item, "my_int32") for item in page.items] for page in pages]
            assert found == [[1, 3], [5, 7], [9]]
            assert {page.total for page in pages} == {5}

    async def test_stream(self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample) -> None:
        """All matches can be had one by one."""
        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(index) for index in range(5)])
            query = queries.parse(sample.query("where myint32>1 sort-by myint32"))
            found = [item async for item in orm.stream(query)]
            assert found == [sample.build(index) for index in (2, 3, 4)]

    async def test_stream_for_a_caller(
        self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample
    ) -> None:
        """A stream has what the caller may see, and all of that."""

        def odd(item: object) -> object | None:
            return item if sample.read(item, "my_bool") else None

        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(index) for index in range(5)])
            query = queries.parse(sample.query("where myint32>0 sort-by myint32"))
            found = [item async for item in orm.stream(query, scope=odd)]
            assert found == [sample.build(index) for index in (1, 3)]

    async def test_delete(self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample) -> None:
        """The matches of a query are deleted with all that belongs to them."""
        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(index) for index in range(5)])
            assert await orm.delete(queries.parse(sample.query("where myint32<3")))
            page = await orm.read(queries.parse(sample.query()))
            assert list(page.items) == [sample.build(3), sample.build(4)]
            bare = sample.make(my_string="string-1")
            await orm.write(Action.POST, [bare])
            found = await orm.read(queries.parse(sample.query("where myint32=0")))
            assert list(found.items) == [bare]

    async def test_delete_count(
        self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample
    ) -> None:
        """Deleting tells how many items there were."""
        async with open_orm() as orm:
            await orm.write(Action.POST, [sample.build(index) for index in range(5)])
            query = queries.parse(sample.query("where myint32<3"))
            assert (await orm.delete(query), await orm.delete(query)) == (3, 0)

    async def test_storage(
        self, open_orm: OrmOpener, queries: QueryFactory, sample: Sample
    ) -> None:
        """The items of a model are a plain store as well."""
        async with open_orm() as orm:
            storage = orm.storage(sample.model)
            await storage.put("string-1", sample.build(1))
            assert await storage.get("string-1") == sample.build(1)
            assert (await orm.read(queries.parse(sample.query()))).total == 1
            assert await storage.delete("string-1") == sample.build(1)

    async def test_close(self, open_orm: OrmOpener) -> None:
        """Closing twice is as closing once."""
        async with open_orm() as orm:
            await orm.aclose()
            await orm.aclose()
