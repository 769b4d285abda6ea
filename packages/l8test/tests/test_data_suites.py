# SPDX-License-Identifier: Apache-2.0
"""The suites about data pass an implementation that keeps its promises and catch each mutant."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from l8test.conformance import (
    CacheConformance,
    ElementsConformance,
    NotificationConformance,
    ObjectCodecConformance,
    OrmConformance,
    QueryConformance,
    SerializerConformance,
    StorageConformance,
)
from l8types.enums import UpdateMode
from l8types.errors import NotFoundError
from l8types.frozen import replace
from l8types.values import DELETED, Change, ChangeSet, Page

from .fake_data import FakeCache, FakeOrm, FakeStorage, answer, declared
from .fake_query import FakeQueries, FakeQuery
from .fake_wire import (
    FakeCodec,
    FakeElementsFactory,
    FakeNotifications,
    FakeSerializer,
    metadata_of,
)
from .harness import RECORD, Fixtures, failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def mutant(base: type, **members: Any) -> type:
    """A class that differs in these members."""
    return type("Mutant", (base,), members)


def codec(make: type = FakeCodec) -> Any:
    """Codec that knows the sample model."""
    return make(RECORD.model, RECORD.part, RECORD.leaf)


class Queries(QueryConformance):
    """The suite as it suits the implementation."""

    aggregates = False


def codecs(**members: Any) -> Fixtures:
    """Fixtures with a codec that differs in these members."""
    return {"codec": lambda: codec(mutant(FakeCodec, **members))}


def serializers(**members: Any) -> Fixtures:
    """Fixtures with a serializer that differs in these members."""
    return {"serializer": mutant(FakeSerializer, **members)}


def elements(**members: Any) -> Fixtures:
    """Fixtures with containers whose factory differs in these members."""
    return {"elements": lambda: mutant(FakeElementsFactory, **members)(codec())}


def notifications(**members: Any) -> Fixtures:
    """Fixtures with a codec of notifications that differs in these members."""
    return {"notifications": lambda: mutant(FakeNotifications, **members)(codec())}


def queries(**members: Any) -> Fixtures:
    """Fixtures with a language whose queries differ in these members."""

    def parse(self: FakeQueries, text: str, **parameters: object) -> Any:
        found = FakeQueries.parse(self, text, **parameters)
        found.__class__ = mutant(FakeQuery, **members)
        return found

    return {"queries": lambda: mutant(FakeQueries, parse=parse)(declared())}


def caches(**members: Any) -> Fixtures:
    """Fixtures with a cache that differs in these members."""
    return {
        "cache": mutant(FakeCache, **members),
        "queries": lambda: FakeQueries(declared()),
    }


def stores(*, forgetful: bool = False, **members: Any) -> Fixtures:
    """Fixtures with a store that differs in these members."""

    def opener() -> Callable[[], Any]:
        disk: dict[str, Any] = {}

        @asynccontextmanager
        async def opened() -> AsyncIterator[Any]:
            if forgetful:
                disk.clear()
            yield mutant(FakeStorage, **members)(disk)

        return opened

    return {"open_storage": opener}


def orms(**members: Any) -> Fixtures:
    """Fixtures with a relational store that differs in these members."""

    def opener() -> Callable[[], Any]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Any]:
            yield mutant(FakeOrm, **members)()

        return opened

    return {"open_orm": opener, "queries": lambda: FakeQueries(declared())}


async def one_by_one(self: FakeOrm, action: Any, items: Any) -> None:
    """A write that stops half-way."""
    for item in items:
        await FakeOrm.write(self, action, [item])


async def page_before_scope(self: FakeOrm, query: Any, *, scope: Any = None) -> Page:
    """A read that hides what is on the page only."""
    page = answer(query, list(self.rows.values()))
    return Page([item for item in page.items if scope is None or scope(item)], page.metadata)


async def overwrite(self: FakeOrm, action: Any, items: Any) -> None:
    """A write that knows no patch."""
    self.rows |= {self.introspector.primary_key(item): item for item in items}


async def count_all(self: FakeOrm, query: Any) -> int:
    """A delete that counts what there was."""
    before = len(self.rows)
    await FakeOrm.delete(self, query)
    return before


async def unsorted(self: FakeStorage) -> AsyncIterator[tuple[str, Any]]:
    """Items in the order of writing."""
    for pair in self.disk.items():
        yield pair


async def required(self: FakeStorage, key: str) -> Any:
    """A delete that insists."""
    if key not in self.disk:
        raise NotFoundError(key)
    return self.disk.pop(key)


async def kept(self: FakeStorage, key: str) -> Any:
    """A delete that does not."""
    return self.disk.get(key)


async def first_only(self: FakeStorage, items: Any) -> None:
    """A write of many that stores one."""
    await self.put(*items[0])


async def all_required(self: FakeStorage, keys: Any) -> None:
    """A removal of many that stops at the first that is absent."""
    for key in keys:
        await required(self, key)


async def stream_of_all(self: FakeOrm, query: Any, *, scope: Any = None) -> AsyncIterator[Any]:
    """A stream that is the same for all callers."""
    async for item in FakeOrm.stream(self, query):
        yield item


def lost_change(self: FakeNotifications, message: Any) -> Any:
    """Removals become clearings."""
    found = FakeNotifications.decode(self, message)
    changes = [
        Change(one.property_id, one.old, None if one.new is DELETED else one.new)
        for one in found.changes or ()
    ]
    return replace(found, changes=ChangeSet(found.model, found.key, tuple(changes)))


SOUND: list[tuple[type, Fixtures]] = [
    (ObjectCodecConformance, codecs()),
    (SerializerConformance, serializers()),
    (ElementsConformance, elements()),
    (Queries, queries()),
    (CacheConformance, caches()),
    (NotificationConformance, notifications()),
    (StorageConformance, stores()),
    (OrmConformance, orms()),
]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (
        ObjectCodecConformance,
        codecs(plain=lambda self, value: value),
        "test_models",
    ),
    (
        ObjectCodecConformance,
        codecs(encode=lambda self, value, **_: FakeCodec.encode(self, value)),
        "test_out_of_range",
    ),
    (
        ObjectCodecConformance,
        codecs(decode=lambda self, data: self.plain(msgspec.msgpack.decode(data))),
        "test_any_bytes",
    ),
    (
        ObjectCodecConformance,
        codecs(decode=lambda self, data: FakeCodec.decode(self, data + b"")),
        "test_memoryview",
    ),
    (
        ObjectCodecConformance,
        codecs(
            tagged=lambda self, value: (
                str(value) if type(value) is object else FakeCodec.tagged(self, value)
            )
        ),
        "test_unsupported",
    ),
    (
        SerializerConformance,
        serializers(unmarshal=lambda self, data, model: json.loads(data)),
        "test_round_trip",
    ),
    (SerializerConformance, serializers(marshal=lambda self, value: b"{}"), "test_unsupported"),
    (
        ElementsConformance,
        elements(error=lambda self, error: FakeElementsFactory.error(self, str(error))),
        "test_error",
    ),
    (
        ElementsConformance,
        elements(of=lambda self, *values, **_: FakeElementsFactory.of(self, *values)),
        "test_notification",
    ),
    (ElementsConformance, elements(replica=lambda self, one, number: one), "test_replica"),
    (
        ElementsConformance,
        elements(query=lambda self, text: FakeElementsFactory.query(self, text.lower())),
        "test_query",
    ),
    (
        ElementsConformance,
        elements(of=lambda self, *values, **_: FakeElementsFactory.of(self, *values[::-1])),
        "test_values",
    ),
    (
        ElementsConformance,
        elements(page=lambda self, page: FakeElementsFactory.of(self, *page.items)),
        "test_page",
    ),
    (Queries, queries(matches=lambda self, item: True), "test_cases"),
    (
        Queries,
        queries(filter=lambda self, items: FakeQuery.filter(self, list(items)[::-1])),
        "test_filter_keeps_order",
    ),
    (
        Queries,
        queries(sort=lambda self, items: FakeQuery.sort(self, list(items)[::-1])),
        "test_sort_is_stable",
    ),
    (Queries, queries(project=lambda self, item: item), "test_projection"),
    (Queries, queries(to_wire=lambda self: FakeQuery("select").to_wire()), "test_wire"),
    (CacheConformance, caches(copied=lambda self, item: item), "test_copies_out"),
    (CacheConformance, caches(check_unique=lambda *_: None), "test_unique_key"),
    (CacheConformance, caches(patch=FakeCache.put), "test_patch"),
    (
        CacheConformance,
        caches(put=lambda self, item: self.write(item, 2, UpdateMode.PATCH)),
        "test_put",
    ),
    (
        CacheConformance,
        caches(fetch=lambda self, query, scope=None: FakeCache.fetch(self, query)),
        "test_scope",
    ),
    (
        CacheConformance,
        caches(apply=lambda self, change: change.item and self.post(change.item)),
        "test_apply_missing",
    ),
    (CacheConformance, caches(add_counter=lambda *_: None), "test_counters"),
    (
        CacheConformance,
        caches(
            fetch=lambda self, query, scope=None: Page(
                page := FakeCache.fetch(self, query, scope=scope).items, metadata_of(len(page))
            )
        ),
        "test_pages",
    ),
    (NotificationConformance, notifications(decode=lost_change), "test_changes"),
    (
        NotificationConformance,
        notifications(
            decode=lambda self, message: replace(
                FakeNotifications.decode(self, message), sequence=0
            )
        ),
        "test_items",
    ),
    (
        NotificationConformance,
        notifications(
            encode=lambda self, change, service, area: FakeNotifications.encode(
                self, change, service=service, area=0
            )
        ),
        "test_header",
    ),
    (StorageConformance, stores(forgetful=True), "test_durable"),
    (StorageConformance, stores(items=unsorted), "test_items"),
    (StorageConformance, stores(delete=required), "test_delete"),
    (StorageConformance, stores(delete=kept), "test_delete"),
    (StorageConformance, stores(put_many=first_only), "test_many"),
    (StorageConformance, stores(delete_many=all_required), "test_many"),
    (OrmConformance, orms(write=one_by_one), "test_all_or_none"),
    (OrmConformance, orms(stream=stream_of_all), "test_stream_for_a_caller"),
    (OrmConformance, orms(read=page_before_scope), "test_pages"),
    (OrmConformance, orms(write=overwrite), "test_patch"),
    (OrmConformance, orms(delete=count_all), "test_delete_count"),
    (OrmConformance, orms(storage=lambda self, model: FakeStorage({})), "test_storage"),
]


@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """An implementation that keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """An implementation that breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
