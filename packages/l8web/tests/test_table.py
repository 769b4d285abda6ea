# SPDX-License-Identifier: Apache-2.0
"""Answers as tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from l8web._table import MAX_CELL, table_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


def test_structures_get_columns_and_collections_are_counted() -> None:
    """A person sees attributes side by side, and what is in a list or map."""
    columns, rows = table_of(
        [
            {
                "id": "r1",
                "info": {"name": "router", "up": True},
                "ports": {"1": {"name": "eth0"}, "2": {"speed": 10}},
                "tags": ["a", "b"],
            },
            {"id": "r2", "info": {"name": "other", "site": {"room": 3, "rack": "b"}}},
        ]
    )
    assert columns == [
        *("id", "info.name", "info.up", "ports", "tags", "info.site.room", "info.site.rack")
    ]
    assert rows == [
        ["r1", "router", "yes", "2: eth0, 2", "2: a, b", "", ""],
        ["r2", "other", "", "", "", "3", "b"],
    ]


def test_no_records_make_an_empty_table() -> None:
    """Neither columns nor rows."""
    assert table_of([]) == ([], [])


@given(st.lists(st.dictionaries(st.text(max_size=5), json_values, max_size=4), max_size=4))
def test_every_answer_is_a_regular_table(records: list[dict[str, object]]) -> None:
    """Each row has as many cells as there are columns, none too long."""
    columns, rows = table_of(records)
    assert len(rows) == len(records)
    assert len(columns) == len(set(columns))
    assert all(len(row) == len(columns) for row in rows)
    assert all(len(cell) <= MAX_CELL for row in rows for cell in row)
