# SPDX-License-Identifier: Apache-2.0
"""Conformance of caches, and of the messages that tell other nodes of their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from l8test.conformance._base import ModelConformance
from l8types.enums import NotificationType
from l8types.errors import ConflictError, DecodeError, NotFoundError, PropertyError
from l8types.pb import L8NotificationSet
from l8types.values import DELETED, Change, ChangeSet, ItemChange

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.data import Cache, NotificationCodec, QueryFactory

__all__ = ["CacheConformance", "NotificationConformance"]


class CacheConformance(ModelConformance):
    """What every ``Cache`` promises.

    Fixtures:
        cache: An empty ``Cache`` of the sample model; ``MyString`` is the primary key and
            ``MyInt64`` the unique key.
        queries: A ``QueryFactory`` that knows the sample models.
    """

    unique_keys: ClassVar[bool] = True
    """Capability: unique keys are watched."""

    def test_post(self, cache: Cache, sample: Sample) -> None:
        """A posted item is there, and told as posted."""
        assert cache.model is sample.model
        change = cache.post(sample.build(1))
        assert change is not None
        assert (change.type, change.model, change.key) == (
            NotificationType.POST,
            sample.name,
            "string-1",
        )
        assert change.item == sample.build(1)
        assert cache.get("string-1") == sample.build(1)
        assert len(cache) == 1

    def test_no_change(self, cache: Cache, sample: Sample) -> None:
        """Writing what is there already is no change and tells nothing."""
        cache.post(sample.build(1))
        told: list[ItemChange] = []
        cache.subscribe(told.append)
        for write in (cache.post, cache.put, cache.patch):
            assert write(sample.build(1)) is None
        assert told == []

    def test_copies_in(self, cache: Cache, sample: Sample) -> None:
        """What the caller does later to an item it wrote does not show in the cache."""
        item = sample.build(1)
        cache.post(item)
        sample.write(item, "my_int32", 99)
        assert cache.get("string-1") == sample.build(1)

    def test_copies_out(self, cache: Cache, sample: Sample, queries: QueryFactory) -> None:
        """What the caller does to an item it got does not show in the cache."""
        cache.post(sample.build(1))
        page = cache.fetch(queries.parse(sample.query()))
        for item in (cache.get("string-1"), page.items[0], dict(cache.items())["string-1"]):
            assert item is not None
            sample.write(item, "my_int32", 99)
        assert cache.get("string-1") == sample.build(1)

    def test_put(self, cache: Cache, sample: Sample) -> None:
        """A put item replaces the whole item; the event carries the differences."""
        cache.post(sample.build(1))
        new = sample.make(my_string="string-1", my_int32=50)
        change = cache.put(new)
        assert change is not None
        assert change.changes
        assert cache.get("string-1") == new

    def test_patch(self, cache: Cache, sample: Sample) -> None:
        """A patched item is merged; the event carries the differences."""
        cache.post(sample.build(1))
        change = cache.patch(sample.make(my_string="string-1", my_int32=50))
        expected = sample.build(1)
        sample.write(expected, "my_int32", 50)
        assert cache.get("string-1") == expected
        assert change is not None
        assert change.type is NotificationType.PATCH
        assert change.changes is not None
        assert [one.new for one in change.changes] == [50]

    def test_put_and_patch_add(self, cache: Cache, sample: Sample) -> None:
        """Put and patch add an item that is not there."""
        cache.put(sample.build(1))
        cache.patch(sample.build(2))
        assert sorted(dict(cache.items())) == ["string-1", "string-2"]

    def test_delete(self, cache: Cache, sample: Sample) -> None:
        """An item is removed by key or example, told with its last state, and only once."""
        for example in ("string-1", sample.make(my_string="string-1")):
            cache.post(sample.build(1))
            change = cache.delete(example)
            assert change is not None
            assert (change.type, change.item) == (NotificationType.DELETE, sample.build(1))
            assert cache.get("string-1") is None
            assert cache.delete(example) is None

    def test_no_key(self, cache: Cache, sample: Sample) -> None:
        """An item without a primary key is refused."""
        for write in (cache.post, cache.put, cache.patch, cache.key_of):
            with pytest.raises(PropertyError):
                write(sample.make(my_int32=1))

    def test_unique_key(self, cache: Cache, sample: Sample) -> None:
        """A unique key that belongs to another item is refused, and nothing is written."""
        if not self.unique_keys:
            pytest.skip("the implementation does not watch unique keys")
        cache.post(sample.build(1))
        other = sample.build(2)
        sample.write(other, "my_int64", 10)
        with pytest.raises(ConflictError):
            cache.post(other)
        assert cache.get("string-2") is None

    def test_fetch(self, cache: Cache, sample: Sample, queries: QueryFactory) -> None:
        """A query is answered with the items that match."""
        for index in range(10):
            cache.post(sample.build(index))
        for case in sample.query_cases():
            page = cache.fetch(queries.parse(f"{case.text}"))
            found = [sample.read(item, "my_int32") for item in page.items]
            assert found == list(case.found), case.text
            assert page.total == len(case.found), case.text

    def test_pages(self, cache: Cache, sample: Sample, queries: QueryFactory) -> None:
        """Pages follow one another without gap or overlap; the total counts all matches."""
        for index in range(7):
            cache.post(sample.build(index))
        base = sample.query("sort-by myint32 limit 3 page")
        pages = [cache.fetch(queries.parse(f"{base} {number}")) for number in range(4)]
        found = [[sample.read(item, "my_int32") for item in page.items] for page in pages]
        assert found == [[0, 1, 2], [3, 4, 5], [6], []]
        assert {page.total for page in pages} == {7}

    def test_scope(self, cache: Cache, sample: Sample, queries: QueryFactory) -> None:
        """What the caller may not see is in no page and in no total."""
        for index in range(6):
            cache.post(sample.build(index))

        def odd(item: object) -> object | None:
            return item if sample.read(item, "my_bool") else None

        query = queries.parse(sample.query("sort-by myint32 limit 2"))
        page = cache.fetch(query, scope=odd)
        assert [sample.read(item, "my_int32") for item in page.items] == [1, 3]
        assert page.total == 3

    def test_counters(self, cache: Cache, sample: Sample, queries: QueryFactory) -> None:
        """A counter counts the items that it says."""
        cache.add_counter("Odd", lambda item: (bool(sample.read(item, "my_bool")), ""))
        for index in range(5):
            cache.post(sample.build(index))
        page = cache.fetch(queries.parse(sample.query()))
        assert page.metadata.key_count.counts["Odd"] == 2

    def test_events(self, cache: Cache, sample: Sample) -> None:
        """Listeners are told of every change in order, until they close."""
        told: list[ItemChange] = []
        subscription = cache.subscribe(told.append)
        cache.post(sample.build(1))
        cache.patch(sample.make(my_string="string-1", my_int32=50))
        cache.delete("string-1")
        subscription.close()
        subscription.close()
        cache.post(sample.build(2))
        assert [change.type for change in told] == [
            NotificationType.POST,
            NotificationType.PATCH,
            NotificationType.DELETE,
        ]
        assert [change.sequence for change in told] == [1, 2, 3]

    def test_apply(self, cache: Cache, sample: Sample) -> None:
        """What happened on another node happens here too, and is told."""
        told: list[ItemChange] = []
        cache.subscribe(told.append)
        name, key = sample.name, "string-1"
        changes = ChangeSet(name, key, (Change(sample.property_id(1, "myint32"), 1, 50),))
        for change in (
            ItemChange(NotificationType.POST, name, key, sample.build(1)),
            ItemChange(NotificationType.PATCH, name, key, changes=changes),
        ):
            cache.apply(change)
        stored = cache.get(key)
        assert stored is not None
        assert sample.read(stored, "my_int32") == 50
        cache.apply(ItemChange(NotificationType.DELETE, name, key, sample.build(1)))
        assert cache.get(key) is None
        assert len(told) == 3

    def test_apply_missing(self, cache: Cache, sample: Sample) -> None:
        """Changes of an item that is not here show that something was missed."""
        changes = ChangeSet(
            sample.name, "string-1", (Change(sample.property_id(1, "myint32"), 1, 5),)
        )
        change = ItemChange(NotificationType.PATCH, sample.name, "string-1", changes=changes)
        with pytest.raises(NotFoundError):
            cache.apply(change)


class NotificationConformance(ModelConformance):
    """What every ``NotificationCodec`` promises.

    Fixture:
        notifications: A ``NotificationCodec`` that knows the sample models, with ``MyString`` as
            primary key.
    """

    @staticmethod
    def wired(message: L8NotificationSet) -> L8NotificationSet:
        """The message after its way over the wire."""
        return L8NotificationSet.FromString(message.SerializeToString())

    def test_header(self, notifications: NotificationCodec, sample: Sample) -> None:
        """The message names service, area, model, key, source and sequence."""
        change = ItemChange(
            NotificationType.POST, sample.name, "string-1", sample.build(1), source="n", sequence=4
        )
        message = notifications.encode(change, service="Tests", area=3)
        assert (message.service_name, message.service_area) == ("Tests", 3)
        assert (message.model_type, message.model_key) == (sample.name, "string-1")
        assert (message.source, message.sequence) == ("n", 4)

    @pytest.mark.parametrize("kind", [NotificationType.POST, NotificationType.DELETE])
    def test_items(
        self, notifications: NotificationCodec, sample: Sample, kind: NotificationType
    ) -> None:
        """A new and a deleted item arrive with their content, source and sequence."""
        change = ItemChange(kind, sample.name, "string-1", sample.build(1), source="n", sequence=4)
        message = notifications.encode(change, service="Tests", area=0)
        assert notifications.decode(self.wired(message)) == change

    @pytest.mark.parametrize("kind", [NotificationType.PUT, NotificationType.PATCH])
    def test_changes(
        self, notifications: NotificationCodec, sample: Sample, kind: NotificationType
    ) -> None:
        """Changes arrive one by one and in order, removals and clearings told apart."""
        changes = ChangeSet(
            sample.name,
            "string-1",
            (
                Change(sample.property_id(1, "myint32"), 1, 50),
                Change(sample.property_id(1, "mystring2stringmap<{24}a>"), "aa", DELETED),
                Change(sample.property_id(1, "mysingle"), sample.make_part(my_int64=7), None),
            ),
        )
        change = ItemChange(kind, sample.name, "string-1", changes=changes, source="n", sequence=9)
        found = notifications.decode(
            self.wired(notifications.encode(change, service="Tests", area=0))
        )
        assert found.type is kind
        assert found.changes == changes

    def test_misfit(self, notifications: NotificationCodec, sample: Sample) -> None:
        """An unknown type and a value that cannot be decoded are refused."""
        change = ItemChange(NotificationType.POST, sample.name, "string-1", sample.build(1))
        message = notifications.encode(change, service="Tests", area=0)
        unknown = self.wired(message)
        unknown.model_type = "Nothing"
        broken = self.wired(message)
        broken.notification_list[0].newValue = b"\xff" * 9
        for one in (unknown, broken):
            with pytest.raises(DecodeError):
                notifications.decode(one)
