# SPDX-License-Identifier: Apache-2.0
"""Many changes of a peer at once have the effect of one after the other."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import NotificationType
from l8types.errors import L8Error
from l8types.values import Change, ChangeSet, ItemChange

from .fakes import Book, cache_of, property_id, query

if TYPE_CHECKING:
    from collections.abc import Callable


def change_of(key: str, title: str) -> ItemChange:
    """A change of one attribute, made by a peer."""
    changes = ChangeSet("Book", key, (Change(property_id(key, "title"), None, title),))
    return ItemChange(NotificationType.PATCH, "Book", key, changes=changes, source="p", sequence=7)


peer_changes = st.one_of(
    st.builds(change_of, st.sampled_from("123"), st.sampled_from(["Dune", "Emma"])),
    st.builds(
        lambda key, title: ItemChange(NotificationType.POST, "Book", key, Book(key, title)),
        st.sampled_from("123"),
        st.sampled_from(["Dune", "Emma"]),
    ),
    st.builds(lambda key: ItemChange(NotificationType.DELETE, "Book", key), st.sampled_from("123")),
    st.just(ItemChange(NotificationType.POST, "Shelf", "1", Book("1"))),
    st.just(ItemChange(NotificationType.POST, "Book", "1")),
)
"""What peers may send, with some that does not fit."""


def told_to(
    events: list[tuple[ItemChange, object | None]],
) -> Callable[[ItemChange, object | None], None]:
    """A watcher that keeps what it is told."""
    return lambda change, before: events.append((change, before))


class TestApplyAll:
    """Many changes of a peer in one call."""

    @given(st.lists(peer_changes, max_size=12), st.booleans())
    def test_it_has_the_effect_of_one_after_the_other(
        self, changes: list[ItemChange], listening: bool
    ) -> None:
        """The same items, events and answers; it ends at the first change that does not fit."""
        together, alone = cache_of(Book("1", "Dune")), cache_of(Book("1", "Dune"))
        told: list[list[tuple[ItemChange, object | None]]] = [[], []]
        for cache, events in zip((together, alone), told, strict=True):
            cache.fetch(query())
            if listening:
                cache.watch(told_to(events))
        left = copy.deepcopy(changes)
        fitting = 0
        for change in changes:
            try:
                alone.apply_own(change)
            except L8Error:
                break
            fitting += 1
        assert together.apply_all(left) == fitting
        assert dict(together.items()) == dict(alone.items())
        assert together.statistics() == alone.statistics()
        assert together.fetch(query()) == alone.fetch(query())
        assert told[0] == told[1]

    def test_a_look_at_an_item_makes_no_copy(self) -> None:
        """What is stored itself is shown, and nothing for an unknown key."""
        cache = cache_of(Book("1", "Dune"))
        assert cache.peek("1") is cache.peek("1")
        assert cache.peek("1") == cache.get("1")
        assert cache.peek("2") is None
