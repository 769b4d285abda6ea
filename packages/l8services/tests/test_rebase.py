# SPDX-License-Identifier: Apache-2.0
"""Repeating own changes on another state."""

from __future__ import annotations

from l8services._rebase import Created, OwnChanges, rebase
from l8types.enums import DecoratorType, UpdateMode

from .data import fake_parts
from .model import Book


def test_own_changes_are_forgotten() -> None:
    """After the window, after they were taken, and when there are too many of them."""
    own = OwnChanges(5.0)
    created = Created(Book("1"))
    own.add("1", created, 0.0)
    own.add("1", created, 4.0)
    assert own.take("1", 6.0) == [created]
    assert own.take("1", 6.0) == []
    for number in range(2000):
        own.add(str(number), created, 0.0)
    assert own.take("0", 0.0) == []
    assert own.take("1999", 0.0) == [created]


def test_rebase_repeats_what_the_winner_left_alone() -> None:
    """Attributes that the winner changed stay the winner's."""
    introspector, updater, _ = fake_parts()
    introspector.declared[Book, DecoratorType.PRIMARY] = ("isbn",)
    mine = updater.diff(Book("1"), Book("1", "mine", stock=5), mode=UpdateMode.PUT)
    parts = (introspector, updater)
    assert rebase(mine, Book("1", "theirs"), *parts) == Book("1", "theirs", stock=5)  # type: ignore[arg-type]
    assert rebase(mine, Book("1", "theirs", stock=7), *parts) is None  # type: ignore[arg-type]
    created = Created(Book("1", "mine", stock=5))
    assert rebase(created, Book("1", "theirs"), *parts) == Book("1", "theirs", stock=5)  # type: ignore[arg-type]
