# SPDX-License-Identifier: Apache-2.0
"""Samples among the changes of an item."""

from __future__ import annotations

import pytest

from l8types.enums import NotificationType
from l8types.pb import L8TimeSeriesPoint
from l8types.values import Change, ChangeSet, ItemChange, TimeSeriesPoint
from l8utils import split_points

from .fakes import Book


@pytest.mark.feature("NTF-01")
def test_samples_are_taken_out_of_a_change() -> None:
    """One or a list of them, by property; everything else stays, in its order."""
    one, two = L8TimeSeriesPoint(stamp=1, value=2.5), L8TimeSeriesPoint(stamp=2, value=3.5)
    title, tags = Change("book<{24}1>.title", "a", "b"), Change("book<{24}1>.tags", [], [])
    load, heat = "book<{24}1>.load", "book<{24}1>.heat"
    changes = ChangeSet(
        "Book",
        "1",
        (
            title,
            Change(load, None, one),
            Change(heat, None, [one, two]),
            Change(load, 1, two),
            tags,
        ),
    )
    rest, points = split_points(ItemChange(NotificationType.PATCH, "Book", "1", changes=changes))
    assert rest.changes == ChangeSet("Book", "1", (title, tags))
    first, second = TimeSeriesPoint(1, 2.5), TimeSeriesPoint(2, 3.5)
    assert points == {load: [first, second], heat: [first, second]}


def test_a_change_without_samples_stays_as_it_is() -> None:
    """Whole items, and changes of other values."""
    whole = ItemChange(NotificationType.POST, "Book", "1", item=Book("1"))
    changes = ChangeSet("Book", "1", (Change("book<{24}1>.title", "a", "b"),))
    other = ItemChange(NotificationType.PATCH, "Book", "1", changes=changes)
    for change in (whole, other):
        assert split_points(change) == (change, {})
