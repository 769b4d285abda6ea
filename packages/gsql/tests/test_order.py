# SPDX-License-Identifier: Apache-2.0
"""The order of items."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.pb import tests_pb2

from .models import Device, Port

if TYPE_CHECKING:
    from gsql import QueryFactory


def ordered(queries: QueryFactory, devices: list[Device], keys: str) -> str:
    """Ids in the order of a query."""
    found = queries.parse(f"select * from Device sort-by {keys}").sort(devices)
    return " ".join(device.id for device in found if isinstance(device, Device))


@pytest.mark.feature("GQ-11", "GQ-27")
@pytest.mark.parametrize(
    ("keys", "ids"),
    [
        ("count", "r1 s1 r10"),
        ("count descending", "r10 s1 r1"),
        ("vendor", "r10 r1 s1"),
        ("main.name", "r1 r10 s1"),
        ("main.name descending", "r10 r1 s1"),
        ("main.speed descending", "r1 s1 r10"),
        ("active, count descending", "r10 s1 r1"),
        ("active descending, count descending", "r1 r10 s1"),
        ("weight, id descending", "r1 s1 r10"),
        ("ports.name", "r1 r10 s1"),
        ("ports.name descending", "r1 r10 s1"),
        ("state descending", "r1 s1 r10"),
    ],
)
def test_keys_and_directions(
    queries: QueryFactory, devices: list[Device], keys: str, ids: str
) -> None:
    """Absent values come last in either direction; equal items keep their order."""
    assert ordered(queries, devices, keys) == ids


def test_addresses_are_in_numeric_order(queries: QueryFactory) -> None:
    """Texts that look like IPv4 addresses come first, in the order of their numbers."""
    texts = ["b", "10.0.0.10", "10.0.0.9", "9.1.1.1", "300.1.1.1", "A", "1x"]
    items = [Device(text) for text in texts]
    assert ordered(queries, items, "id") == "9.1.1.1 10.0.0.9 10.0.0.10 1x 300.1.1.1 A b"


def test_match_case_counts_in_the_order(queries: QueryFactory) -> None:
    """Capitals come first only with match-case."""
    items = [Device("b"), Device("C"), Device("a")]
    assert ordered(queries, items, "id") == "a b C"
    assert ordered(queries, items, "id match-case") == "C a b"


def test_odd_values_do_not_spoil_the_order(queries: QueryFactory) -> None:
    """Values of another type than the model says are put somewhere, without an error."""
    odd, lost = Device("odd"), Port()
    odd.count = "many"  # type: ignore[assignment]
    items = [Device("b", count=2), odd, lost, Device("a", count=1)]
    found = queries.parse("select * from Device sort-by count").sort(items)
    assert sorted(map(repr, found)) == sorted(map(repr, items))


def test_messages_are_ordered(queries: QueryFactory) -> None:
    """An absent sub-message is last."""
    one = tests_pb2.TestProto(mySingle=tests_pb2.TestProtoSub(myInt64=2))
    two = tests_pb2.TestProto(mySingle=tests_pb2.TestProtoSub(myInt64=-2))
    none = tests_pb2.TestProto()
    query = queries.parse("select * from TestProto sort-by mysingle.myint64")
    assert query.sort([none, one, two]) == [two, one, none]


def test_without_keys_nothing_moves(queries: QueryFactory, devices: list[Device]) -> None:
    """A query without sort keys returns a copy of the list."""
    found = queries.parse("select * from Device").sort(devices)
    assert found == devices
    assert found is not devices
