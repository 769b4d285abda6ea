# SPDX-License-Identifier: Apache-2.0
"""Pages that go on behind an item."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import QueryError

from . import strategies
from .models import Device, Port
from .test_pinned import keyed

if TYPE_CHECKING:
    from gsql import QueryFactory

QUERIES = keyed("Id")
ORDERS = st.lists(
    st.sampled_from(
        ["vendor", "count descending", "weight", "main.name descending", "ports.speed"]
    ),
    max_size=3,
    unique=True,
).map(lambda keys: f" sort-by {', '.join(keys)}" if keys else "")


def ids(items: list[object]) -> list[str]:
    """Keys of devices."""
    return [item.id for item in items if isinstance(item, Device)]


@given(
    st.lists(strategies.devices(), max_size=9, unique_by=lambda item: item.id),
    ORDERS,
    st.integers(1, 4),
    st.sampled_from(["", " match-case"]),
)
def test_pages_are_the_whole(items: list[Device], order: str, size: int, flag: str) -> None:
    """One page after the other gives every item once, in the order of the query."""
    query = QUERIES.parse(f"select * from Device{order} limit {size}{flag}")
    by_key = sorted(items, key=lambda item: item.id)
    whole = query.sort(by_key)
    seen: list[object] = []
    cursor = ""
    while page := query.after(items, cursor):
        assert len(page) <= size
        seen += page
        cursor = query.cursor(page[-1])
    assert seen == whole


def test_a_cursor_outlives_its_item() -> None:
    """What comes or goes in between is neither repeated nor lost."""
    query = QUERIES.parse("select * from Device sort-by count limit 2")
    items = [Device(str(n), count=n) for n in (1, 2, 3, 4, 5)]
    first = query.after(items)
    cursor = query.cursor(first[-1])
    del items[1]
    items.append(Device("0", count=0))
    items.append(Device("2x", count=2))
    assert ids(query.after(items, cursor)) == ["2x", "3"]


def test_cursors_without_limit_and_order() -> None:
    """Without a limit the rest comes; without sort keys the primary key is the order."""
    query = QUERIES.parse("select * from Device")
    items = [Device("b"), Device("c"), Device("a")]
    assert ids(query.after(items, query.cursor(items[2]))) == ["b", "c"]


def test_limit_page_and_columns_do_not_matter() -> None:
    """A client may change the size of its pages on the way."""
    one = QUERIES.parse("select * from Device sort-by count limit 1")
    other = QUERIES.parse("select id from device limit 2 page 5 sort-by Count")
    items = [Device("a", count=1), Device("b", count=2)]
    assert other.after(items, one.cursor(items[0])) == items[1:]


@pytest.mark.parametrize(
    "text",
    [
        "select * from Device sort-by count descending",
        "select * from Device sort-by id",
        "select * from Device where id=x sort-by count",
        "select * from Device sort-by count match-case",
    ],
)
def test_a_cursor_belongs_to_its_query(text: str) -> None:
    """The cursor of another query is refused."""
    cursor = QUERIES.parse("select * from Device sort-by count").cursor(Device("a"))
    with pytest.raises(QueryError, match="belongs to another query"):
        QUERIES.parse(text).after([Device("a")], cursor)


def forged(cursor: str, *changes: tuple[int, object]) -> str:
    """A cursor with other content."""
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place, value in changes:
        content[place] = value
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def test_versions() -> None:
    """A cursor of another version is refused."""
    query = QUERIES.parse("select * from Device sort-by vendor")
    with pytest.raises(QueryError, match="another version"):
        query.after([], forged(query.cursor(Device("a")), (0, 2)))


@pytest.mark.parametrize(
    "changes",
    [
        [(2, [])],
        [(2, ["a", "b"])],
        [(2, [5])],
        [(2, [[1]])],
        [(2, 5)],
        [(3, [])],
        [(3, {"a": 1})],
        [(3, [{"hex": "zz"}])],
    ],
)
def test_forged_cursors(changes: list[tuple[int, object]]) -> None:
    """Content that does not fit is refused."""
    query = QUERIES.parse("select * from Device sort-by vendor")
    with pytest.raises(QueryError, match="no cursor"):
        query.after([Device("a")], forged(query.cursor(Device("b")), *changes))


@given(
    st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode())
)
def test_any_text_is_a_cursor_or_an_error(text: str) -> None:
    """Nothing but a query error comes out of a broken cursor."""
    query = QUERIES.parse("select * from Device sort-by vendor")
    if text:
        with pytest.raises(QueryError):
            query.after([Device("a")], text)


def test_strange_values() -> None:
    """Bytes travel in a cursor; a value of another kind than expected has some place."""
    query = QUERIES.parse("select * from Device sort-by digest")
    items = [Device("a", digest=b"\x01"), Device("b", digest=b"\x02"), Device("c", digest=b"\x03")]
    assert ids(query.after(items, query.cursor(items[1]))) == ["c"]
    digest_is_text = forged(query.cursor(items[0]), (2, ["x"]))
    assert len(query.after(items, digest_is_text)) <= 3
    ports = QUERIES.parse("select * from Device sort-by ports.name descending")
    with_ports = [Device("a", ports=[Port("x"), Port("b")]), Device("b", ports=[Port("c")])]
    assert ids(ports.after(with_ports, ports.cursor(with_ports[0]))) == ["b"]


def test_there_must_be_a_key(queries: QueryFactory) -> None:
    """Without a primary key, or with aggregates, there are no cursors."""
    with pytest.raises(QueryError, match="without primary key"):
        queries.parse("select * from Device").after([])
    with pytest.raises(QueryError, match="has aggregates"):
        QUERIES.parse("select count(*) from Device").cursor(Device("a"))
    with pytest.raises(QueryError, match="no cursor"):
        QUERIES.parse("select * from Device").after([], "x" * 70_000)
