# SPDX-License-Identifier: Apache-2.0
"""The cache: keys, copies, events, unique keys, changes of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import DecoratorType, NotificationType, UpdateMode
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    PropertyError,
)
from l8types.frozen import replace
from l8types.pb import L8Health
from l8types.values import Change, ChangeSet, ItemChange
from l8utils import CacheStatistics, MemoryCache, create_caches

from .fakes import (
    Book,
    FakeCloner,
    FakeIntrospector,
    FakeKeys,
    FakeUpdater,
    cache_of,
    property_id,
    query,
    resources_of,
)

if TYPE_CHECKING:
    from l8types.protocols.data import Cache
    from l8types.protocols.models import Cloner, KeyExtractor, Updater


def change_of(key: str, attribute: str, new: object) -> ItemChange:
    """A change of one attribute, made by a peer."""
    change = Change(property_id(key, attribute), None, new)
    changes = ChangeSet("Book", key, (change,))
    return ItemChange(NotificationType.PATCH, "Book", key, changes=changes, source="p", sequence=7)


class TestWrites:
    """POST, PUT, PATCH and DELETE."""

    @pytest.mark.feature("CAC-07")
    def test_post_adds_an_item_and_tells_it(self) -> None:
        """A new item is stored and its event carries the item and the first sequence number."""
        cache = cache_of()
        event = cache.post(Book("1", "Dune"))
        assert event == ItemChange(
            NotificationType.POST, "Book", "1", item=Book("1", "Dune"), sequence=1
        )
        assert len(cache) == 1
        assert cache.get("1") == Book("1", "Dune")

    @pytest.mark.feature("CAC-07")
    def test_post_of_a_known_key_replaces_and_tells_the_differences(self) -> None:
        """The second item of a key replaces the first; the event carries only what differs."""
        cache = cache_of(Book("1", "Dune", 9.5))
        event = cache.post(Book("1", "Dune", 8.0))
        assert event is not None
        assert event.type is NotificationType.PUT
        assert event.changes == ChangeSet(
            "Book", "1", (Change(property_id("1", "price"), 9.5, 8.0),)
        )
        assert event.item == Book("1", "Dune", 8.0)
        assert len(cache) == 1

    @pytest.mark.feature("CAC-08")
    def test_put_clears_what_the_new_item_lacks(self) -> None:
        """A replacement is complete: attributes that it lacks are gone."""
        cache = cache_of(Book("1", "Dune", 9.5))
        cache.put(Book("1"))
        assert cache.get("1") == Book("1")

    @pytest.mark.feature("CAC-09")
    def test_patch_merges_what_is_present(self) -> None:
        """Attributes that are absent in the given item stay as they are."""
        cache = cache_of(Book("1", "Dune", 9.5))
        event = cache.patch(Book("1", price=8.0))
        assert event is not None
        assert event.type is NotificationType.PATCH
        assert event.changes is not None
        assert [change.new for change in event.changes] == [8.0]
        assert cache.get("1") == Book("1", "Dune", 8.0)

    @pytest.mark.feature("CAC-09")
    def test_patch_of_an_absent_item_adds_it(self) -> None:
        """There is nothing to merge into, so the item is new."""
        cache = cache_of()
        event = cache.patch(Book("1", "Dune"))
        assert event is not None
        assert event.type is NotificationType.POST
        assert cache.get("1") == Book("1", "Dune")

    @pytest.mark.parametrize("verb", ["post", "put", "patch"])
    def test_writing_the_same_again_changes_nothing(self, verb: str) -> None:
        """No event and no sequence number for a write without effect."""
        cache = cache_of(Book("1", "Dune"))
        assert getattr(cache, verb)(Book("1", "Dune")) is None
        event = cache.post(Book("2"))
        assert event is not None
        assert event.sequence == 1

    @pytest.mark.feature("CAC-10")
    @pytest.mark.parametrize("example", ["1", Book("1"), Book(code="c")])
    def test_delete_takes_a_key_or_an_example(self, example: object) -> None:
        """The item is gone, and its event carries the last state."""
        cache = cache_of(Book("1", "Dune", code="c"))
        event = cache.delete(example)
        assert event is not None
        assert event.type is NotificationType.DELETE
        assert event.item == Book("1", "Dune", code="c")
        assert len(cache) == 0
        assert cache.delete(example) is None

    @pytest.mark.feature("CAC-05")
    def test_an_item_without_primary_key_is_refused(self) -> None:
        """Nothing is stored under an empty key."""
        cache = cache_of()
        with pytest.raises(PropertyError, match="primary key"):
            cache.post(Book(title="Dune"))
        assert len(cache) == 0

    def test_an_item_of_another_model_is_refused(self) -> None:
        """The message names both."""
        with pytest.raises(InvalidInputError, match="'Book' takes no L8Health"):
            cache_of().post(L8Health())

    def test_a_full_cache_takes_no_new_item_but_changes(self) -> None:
        """The limit counts items; known ones may still change."""
        cache = cache_of(max_items=1)
        cache.post(Book("1"))
        cache.post(Book("1", "Dune"))
        with pytest.raises(OverloadedError, match="full with 1"):
            cache.post(Book("2"))
        assert cache.get("1") == Book("1", "Dune")


class TestCopies:
    """Nobody outside holds what is stored."""

    @pytest.mark.feature("CAC-11")
    def test_changing_what_went_in_or_came_out_leaves_the_cache_alone(self) -> None:
        """Copies all the way down, on every way in and out."""
        given = Book("1", tags=["a"])
        cache = cache_of(given)
        for got in (
            given,
            cast("Book", cache.get("1")),
            cast("Book", next(cache.items())[1]),
            cast("Book", cache.fetch(query()).items[0]),
        ):
            got.title = "changed"
            got.tags.append("b")
        assert cache.get("1") == Book("1", tags=["a"])

    def test_patch_does_not_keep_parts_of_the_given_item(self) -> None:
        """A list that was merged in belongs to the cache alone."""
        cache = cache_of(Book("1"))
        given = Book("1", tags=["a"])
        cache.patch(given)
        given.tags.append("b")
        assert cache.get("1") == Book("1", tags=["a"])

    def test_an_event_keeps_showing_the_state_that_it_told(self) -> None:
        """A later change stores a new object; the one in the event stays."""
        cache = cache_of()
        event = cache.post(Book("1", "Dune"))
        cache.patch(Book("1", "Emma"))
        assert event is not None
        assert event.item == Book("1", "Dune")

    def test_an_item_that_is_given_away_is_stored_as_it_is(self) -> None:
        """It replaces the one of its key, is found by queries, and is checked as any other."""
        cache = cache_of(Book("1", "Dune"), Book("2", "Emma"))
        given = Book("1", "Dune II", 3.0)
        everything = query()
        assert len(cache.fetch(everything).items) == 2
        cache.adopt(given)
        cache.adopt(Book("3", "Ulysses"))
        assert cache._items.by_key["1"] is given
        assert list(cache.fetch(everything).items) == [
            given,
            Book("2", "Emma"),
            Book("3", "Ulysses"),
        ]
        assert len(cache) == 3
        with pytest.raises(PropertyError):
            cache.adopt(Book(""))
        with pytest.raises(InvalidInputError):
            cache.adopt(L8Health())

    def test_an_item_that_is_given_away_is_told_to_who_listens(self) -> None:
        """Listeners hear of the differences, as if the item had been put."""
        cache = cache_of(Book("1", "Dune", 9.5))
        told: list[ItemChange] = []
        cache.subscribe(told.append)
        cache.adopt(Book("1", "Dune", 8.0))
        assert [event.type for event in told] == [NotificationType.PUT]
        assert told[0].changes == ChangeSet(
            "Book", "1", (Change(property_id("1", "price"), 9.5, 8.0),)
        )

    def test_items_are_those_of_the_time_of_the_call(self) -> None:
        """Changes while iterating do not disturb."""
        cache = cache_of(Book("1"), Book("2"))
        seen = []
        for key, item in cache.items():
            cache.delete(item)
            cache.post(Book(key + "0"))
            seen.append(key)
        assert seen == ["1", "2"]


class TestCollect:
    """All items through a function."""

    @pytest.mark.feature("CAC-12")
    def test_results_come_by_key_and_none_leaves_out(self) -> None:
        """The function decides what becomes of an item."""
        cache = cache_of(Book("1", price=5), Book("2"), Book("3", price=9))
        found = cache.collect(lambda item: cast("Book", item).price)
        assert found == {"1": 5, "3": 9}

    @pytest.mark.feature("CAC-12")
    def test_only_wanted_items_are_copied_and_copies_are_free_to_keep(self) -> None:
        """What comes out is not what is stored."""
        cloner = FakeCloner()
        cache = cache_of(Book("1", shelf=1), Book("2", shelf=2), cloner=cloner)
        cloner.copies = 0
        found = cache.collect(lambda item: item, where=lambda item: cast("Book", item).shelf == 2)
        cast("Book", found["2"]).tags.append("mine")
        assert cloner.copies == 1
        assert cache.get("2") == Book("2", shelf=2)


class TestUniqueKeys:
    """No two items share a unique key, and it finds the item."""

    @pytest.mark.feature("CAC-06")
    def test_an_example_with_only_the_unique_key_finds_the_item(self) -> None:
        """The primary key wins when both are there."""
        cache = cache_of(Book("1", code="a"), Book("2", code="b"))
        assert cache.get(Book(code="b")) == Book("2", code="b")
        assert cache.get(Book("1", code="b")) == Book("1", code="a")
        assert cache.get(Book(code="c")) is None
        assert cache.get(Book()) is None

    @pytest.mark.feature("CAC-06")
    @pytest.mark.parametrize("verb", ["post", "put", "patch"])
    def test_a_taken_unique_key_is_refused_before_anything_changes(self, verb: str) -> None:
        """Neither a new item nor a changed one may take it."""
        cache = cache_of(Book("1", code="a"), Book("2", code="b"))
        for item in (Book("2", "new", code="a"), Book("3", code="a")):
            with pytest.raises(
                ConflictError, match=rf"'a' of Book '{item.isbn}' belongs to item '1'; give one of"
            ):
                getattr(cache, verb)(item)
        assert dict(cache.items()) == {"1": Book("1", code="a"), "2": Book("2", code="b")}

    @pytest.mark.feature("CAC-06")
    def test_the_unique_key_follows_the_item(self) -> None:
        """After a change or a removal the old one is free."""
        cache = cache_of(Book("1", code="a"))
        cache.patch(Book("1", code="b"))
        assert cache.get(Book(code="a")) is None
        assert cache.get(Book(code="b")) == Book("1", code="b")
        cache.post(Book("2", code="a"))
        cache.delete("1")
        cache.post(Book("3", code="b"))
        assert cache.get(Book(code="b")) == Book("3", code="b")


class TestEvents:
    """Listeners."""

    @pytest.mark.feature("CAC-22", "l8types:TYP-25")
    def test_changes_are_counted_and_told_in_order(self) -> None:
        """The sequence starts at 1 and has no gap."""
        cache = cache_of()
        told: list[ItemChange] = []
        cache.subscribe(told.append)
        cache.post(Book("1"))
        cache.patch(Book("1", "Dune"))
        cache.delete("1")
        assert [event.sequence for event in told] == [1, 2, 3]
        assert [event.type.name for event in told] == ["POST", "PATCH", "DELETE"]

    def test_a_closed_subscription_hears_nothing(self) -> None:
        """Closing twice does no harm, and two subscriptions of one listener are two."""
        cache = cache_of()
        told: list[ItemChange] = []
        first = cache.subscribe(told.append)
        second = cache.subscribe(told.append)
        first.close()
        first.close()
        cache.post(Book("1"))
        assert len(told) == 1
        second.close()
        cache.post(Book("2"))
        assert len(told) == 1

    def test_a_watcher_is_given_the_state_before(self) -> None:
        """``None`` before an item was there; the last state when it goes; peers' changes too."""
        cache = cache_of(Book("1", "Dune"))
        told: list[tuple[str, object, object]] = []
        watching = cache.watch(
            lambda change, old: told.append((change.type.name, old, change.item))
        )
        cache.post(Book("2"))
        cache.patch(Book("1", "Emma"))
        cache.put(Book("1", "Ulysses"))
        cache.apply(change_of("1", "title", "Faust"))
        cache.delete("1")
        watching.close()
        cache.delete("2")
        assert told == [
            ("POST", None, Book("2")),
            ("PATCH", Book("1", "Dune"), Book("1", "Emma")),
            ("PUT", Book("1", "Emma"), Book("1", "Ulysses")),
            ("PATCH", Book("1", "Ulysses"), Book("1", "Faust")),
            ("DELETE", Book("1", "Faust"), Book("1", "Faust")),
        ]

    def test_a_failing_listener_does_not_hide_the_change(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The others are told, the write succeeds, and the failure is logged."""
        cache = cache_of()
        told: list[ItemChange] = []

        def fail(event: ItemChange) -> None:
            raise RuntimeError(event.key)

        cache.subscribe(fail)
        cache.subscribe(told.append)
        assert cache.post(Book("1")) is not None
        assert len(told) == 1
        assert "listener of the cache of Book failed" in caplog.text

    def test_a_change_made_by_a_listener_is_told_after_the_present_one(self) -> None:
        """Every listener sees the same order."""
        cache = cache_of()
        told: list[int] = []

        def react(event: ItemChange) -> None:
            if event.sequence == 1:
                cache.post(Book("2"))

        cache.subscribe(react)
        cache.subscribe(lambda event: told.append(event.sequence))
        cache.post(Book("1"))
        assert told == [1, 2]


class TestApply:
    """Changes of other nodes."""

    def test_an_item_that_is_given_away_with_its_change_is_stored_as_it_is(self) -> None:
        """The change is told as it came; all others are applied as ever."""
        cache = cache_of(Book("1", "Dune"))
        told: list[ItemChange] = []
        cache.subscribe(told.append)
        given = Book("1", "Emma")
        change = ItemChange(NotificationType.POST, "Book", "1", given, None, "p", 7)
        assert cache.apply_own(change) is change
        assert cache._items.by_key["1"] is given
        assert told == [change]
        assert cache.apply_own(change) is None
        assert cache.apply_own(change_of("1", "title", "Ulysses")) is not None
        assert given == Book("1", "Emma")
        gone = ItemChange(NotificationType.DELETE, "Book", "1", Book("1"), None, "p", 8)
        assert cache.apply_own(gone) is not None
        assert len(cache) == 0
        with pytest.raises(InvalidInputError):
            cache.apply_own(ItemChange(NotificationType.POST, "Shelf", "1", given))
        with pytest.raises(InvalidInputError):
            cache.apply_own(ItemChange(NotificationType.POST, "Book", "1"))

    @pytest.mark.feature("CAC-22")
    def test_what_one_cache_tells_makes_another_equal(self) -> None:
        """Post, put, patch and delete arrive; listeners there hear the original source."""
        here, there = cache_of(), cache_of()
        told: list[ItemChange] = []
        there.subscribe(told.append)

        def forward(event: ItemChange) -> None:
            there.apply(replace(event, source="here"))

        here.subscribe(forward)
        here.post(Book("1", "Dune", 9.5))
        here.patch(Book("1", price=8.0))
        here.put(Book("1", "Emma"))
        here.post(Book("2"))
        here.delete("2")
        assert dict(there.items()) == dict(here.items()) == {"1": Book("1", "Emma")}
        assert {event.source for event in told} == {"here"}
        assert [event.sequence for event in told] == [1, 2, 3, 4, 5]

    def test_applied_changes_do_not_count_as_own(self) -> None:
        """The own sequence goes on as if nothing had come from outside."""
        cache = cache_of(Book("1"))
        cache.apply(change_of("1", "title", "Dune"))
        event = cache.post(Book("2"))
        assert event is not None
        assert event.sequence == 1

    def test_changes_of_a_missing_item_are_reported(self) -> None:
        """The caller has missed something and must fetch the item."""
        with pytest.raises(NotFoundError, match="Book '1', which is not here"):
            cache_of().apply(change_of("1", "title", "Dune"))

    def test_applying_twice_changes_nothing_the_second_time(self) -> None:
        """Changes and items are idempotent, and so is a removal."""
        cache = cache_of(Book("1"))
        patch = change_of("1", "title", "Dune")
        post = ItemChange(NotificationType.POST, "Book", "2", item=Book("2", "Emma"))
        gone = ItemChange(NotificationType.DELETE, "Book", "2")
        for change in (patch, post, gone):
            assert cache.apply(change) is not None
            assert cache.apply(change) is None

    def test_an_item_replaces_the_one_that_is_there(self) -> None:
        """A POST of a peer is the state now, whatever was here before; it is copied in."""
        cache = cache_of(Book("1", "Dune"))
        theirs = Book("1", "Emma")
        event = cache.apply(ItemChange(NotificationType.POST, "Book", "1", item=theirs))
        theirs.title = "changed"
        assert event is not None
        assert event.item == cache.get("1") == Book("1", "Emma")

    def test_an_item_of_another_key_with_the_same_text_is_refused(self) -> None:
        """Key texts have no separator, so two keys may share one; nothing is replaced then."""

        class TwoKeys(FakeKeys):
            def primary_key(self, item: object) -> str:
                return cast("Book", item).isbn + cast("Book", item).code

            def unique_key(self, item: object) -> str | None:
                return None

        class Strict(FakeUpdater):
            def diff(
                self, old: object, new: object, *, mode: UpdateMode = UpdateMode.PUT
            ) -> ChangeSet:
                if cast("Book", old).isbn != cast("Book", new).isbn:
                    raise PropertyError("the keys of the two differ")
                return super().diff(old, new, mode=mode)

        cache = MemoryCache(
            Book,
            keys=cast("KeyExtractor", TwoKeys()),
            cloner=cast("Cloner", FakeCloner()),
            updater=cast("Updater", Strict()),
            items=[Book("1", "first", code="23")],
        )
        other = Book("12", "second", code="3")
        for write in (cache.post, cache.put, cache.patch):
            with pytest.raises(PropertyError, match="keys of the two differ"):
                write(other)
        with pytest.raises(PropertyError, match="keys of the two differ"):
            cache.apply(ItemChange(NotificationType.POST, "Book", "123", item=other))
        assert cache.get("123") == Book("1", "first", code="23")

    def test_a_change_of_the_key_is_refused(self) -> None:
        """The item would be filed under a key that is not its own."""
        cache = cache_of(Book("1"))
        with pytest.raises(PropertyError, match="would change its key"):
            cache.apply(change_of("1", "isbn", "2"))
        assert cache.get("1") == Book("1")

    def test_a_conflicting_unique_key_is_refused(self) -> None:
        """Also when it comes from a peer; nothing changes."""
        cache = cache_of(Book("1", code="a"), Book("2"))
        with pytest.raises(ConflictError, match="'a'"):
            cache.apply(change_of("2", "code", "a"))
        assert cache.get("2") == Book("2")

    @pytest.mark.parametrize(
        "change",
        [
            ItemChange(NotificationType.POST, "Author", "1", item=Book("1")),
            ItemChange(NotificationType.POST, "Book", "1"),
            ItemChange(NotificationType.PATCH, "Book", "1"),
        ],
    )
    def test_a_change_that_makes_no_sense_is_refused(self, change: ItemChange) -> None:
        """Another model, or nothing in it."""
        with pytest.raises(InvalidInputError):
            cache_of().apply(change)


@pytest.mark.feature("CAC-25")
def test_a_cache_tells_what_it_holds_and_needs_no_closing() -> None:
    """It has no task: outside of an event loop it does all that it can do."""
    cache = cache_of(Book("1"))
    cache.subscribe(lambda _: None)
    cache.post(Book("2"))
    cache.fetch(query())
    assert (cache.model, cache.name, len(cache)) == (Book, "Book", 2)
    assert cache.statistics() == CacheStatistics(items=2, answers=1, listeners=1, revision=2)


class TestFactory:
    """Caches from the resources of a node."""

    @pytest.mark.feature("CAC-01", "CAC-03")
    def test_a_cache_starts_with_the_given_items(self) -> None:
        """No event is told for them, and they are copied."""
        cache: Cache = create_caches(resources_of()).create(Book, items=[Book("1"), Book("2")])
        assert cache.model is Book
        assert len(cache) == 2
        event = cache.post(Book("3"))
        assert event is not None
        assert (event.sequence, event.model) == (1, "Book")

    @pytest.mark.feature("CAC-01")
    def test_a_model_without_primary_key_is_refused(self) -> None:
        """The message says what is missing."""
        resources = resources_of(introspector=FakeIntrospector({DecoratorType.UNIQUE: ("Code",)}))
        with pytest.raises(PropertyError, match="'Book' has no primary key"):
            create_caches(resources).create(Book)

    def test_declared_attributes_are_indexed(self) -> None:
        """A search by such an attribute looks at the items with the value alone."""
        declared = {DecoratorType.PRIMARY: ("Isbn",), DecoratorType.NON_UNIQUE: ("Title",)}
        resources = resources_of(introspector=FakeIntrospector(declared))
        cache = create_caches(resources).create(Book, items=[Book("1", "a"), Book("2", "b")])
        assert isinstance(cache, MemoryCache)
        assert cache._items._values is not None
        assert cache._items._values._attributes == {"title": "title"}


def test_a_new_item_that_does_not_fit_its_model_is_not_kept() -> None:
    """What a diff would refuse later is refused when it comes, and nothing changes."""
    cache = cache_of()
    with pytest.raises(PropertyError, match=r"Book\.title"):
        cache.post(Book(isbn="1", title=5))  # type: ignore[arg-type]
    assert len(cache) == 0
