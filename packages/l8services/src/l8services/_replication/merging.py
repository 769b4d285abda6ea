# SPDX-License-Identifier: Apache-2.0
"""One answer from the answers of several instances; a synchronous core.

Each instance sorts what it has and gives no more of it than the page can need, or counts and sums
up its items. So what the one who merges has in hand grows with the place of the page in the answer,
not with the number of matches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any, Final, cast

from l8types.pb import L8MetaData
from l8types.values import Page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.protocols.data import Elements, Query

__all__ = ["beginning", "in_pages", "in_parts", "merged", "of_all"]

_Join = Callable[[Any, Any], Any]
_JOINS: Final[dict[str, _Join]] = {"count": add, "sum": add, "min": min, "max": max}
"""How the values that two instances have of an aggregate become one."""


def in_pages(query: Query) -> bool:
    """Whether the pages of the instances make up the page of all.

    Not those of distinct results, which several instances may have, and of aggregates.
    """
    return not (query.distinct or query.aggregates)


def in_parts(query: Query) -> bool:
    """Whether the aggregates of all can be made of those of the instances.

    Not averages and the number of different values; nor groups, whose order the items decide.
    """
    return (
        bool(query.aggregates)
        and not (query.distinct or query.group_by)
        and query.having is None
        and all(aggregate.function in _JOINS for aggregate in query.aggregates)
    )


class _Beginning:
    """A query in all but its page and its columns."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self.limit = (query.page + 1) * query.limit
        self.page = 0
        self.columns = ()

    def __getattr__(self, name: str) -> object:
        return getattr(self._query, name)

    def project(self, item: object) -> object:
        """The whole item, since the order may depend on what is not selected."""
        return item


def beginning(query: Query) -> Query:
    """The query for whole items from the first one to the last one of the page."""
    return cast("Query", _Beginning(query))


class _OfAll:
    """A query whose aggregates are known, whatever it is asked of."""

    def __init__(self, query: Query, row: dict[str, object]) -> None:
        self._query = query
        self._row = row

    def __getattr__(self, name: str) -> object:
        return getattr(self._query, name)

    def aggregate(self, items: Iterable[object]) -> list[dict[str, object]]:
        """What is known."""
        del items
        return [self._row]


def of_all(query: Query, shares: Iterable[Elements]) -> Query:
    """The query of aggregates with those of all instances, to be asked of no items.

    Args:
        query: What was asked.
        shares: The aggregates of each instance; none of them when nobody has a match.
    """
    rows = [cast("dict[str, object]", row) for share in shares for row in share.values]
    if not rows:
        return query
    joined = {
        aggregate.alias: reduce(
            partial(_joined, _JOINS[aggregate.function]), (row[aggregate.alias] for row in rows)
        )
        for aggregate in query.aggregates
    }
    return cast("Query", _OfAll(query, joined))


def _joined(join: _Join, one: object, other: object) -> object:
    """Nothing, where an instance has no value, counts for nothing."""
    if one is None or other is None:
        return one if other is None else other
    return join(one, other)


def merged(query: Query, shares: Iterable[Elements]) -> Page:
    """The page of a query.

    Args:
        query: What was asked.
        shares: What each instance has from the beginning to the end of the page, entries with
            keys, and the counters of all that it has.
    """
    metadata = L8MetaData()
    found: list[tuple[str, object]] = []
    for share in shares:
        _count(metadata, share.metadata)
        found += ((str(entry.key or ""), entry.value) for entry in share)
    # Ties are broken by key, as in one cache: sorting is stable.
    found.sort(key=lambda pair: pair[0])
    items = query.sort(item for _, item in found)
    if query.limit:
        start = query.page * query.limit
        items = items[start : start + query.limit]
    return Page([query.project(item) for item in items], metadata)


def _count(total: L8MetaData, part: L8MetaData | None) -> None:
    if part is None:
        return
    for name, number in part.key_count.counts.items():
        total.key_count.counts[name] += number
    for group, counts in part.value_count.items():
        for name, number in counts.counts.items():
            total.value_count[group].counts[name] += number
