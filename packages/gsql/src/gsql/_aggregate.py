# SPDX-License-Identifier: Apache-2.0
"""Aggregates over items in memory, with the rules of SQL.

Absent values do not count; the sum, average, minimum and maximum of nothing are ``None``; without
grouping there is always one row. Whole numbers stay exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gsql._source import Source
from gsql._tree import COUNT_DISTINCT

if TYPE_CHECKING:
    from l8types.criteria import Aggregate, AttributePath

__all__ = ["Aggregator", "aggregator"]

Row = dict[str, object]
Values = Callable[[object], Any]


def _different(values: list[Any]) -> object:
    return len(set(values))


def _average(values: list[Any]) -> object:
    return sum(values) / len(values) if values else None


def _sum(values: list[Any]) -> object:
    return sum(values) if values else None


def _minimum(values: list[Any]) -> object:
    return min(values, default=None)


def _maximum(values: list[Any]) -> object:
    return max(values, default=None)


_FUNCTIONS: Final[dict[str, Callable[[list[Any]], object]]] = {
    "count": len,
    COUNT_DISTINCT: _different,
    "sum": _sum,
    "avg": _average,
    "min": _minimum,
    "max": _maximum,
}


@dataclass(frozen=True, slots=True)
class Aggregator:
    """Groups items and computes one row for each group, in order of appearance."""

    group_names: tuple[str, ...]
    group_values: tuple[Values, ...]
    results: tuple[tuple[str, Callable[[list[Any]], object], Values | None], ...]
    """Alias, function, and what reads its values; ``None`` takes the items themselves."""

    def rows(self, items: Iterable[object]) -> list[Row]:
        """One row per group."""
        groups: dict[tuple[object, ...], list[object]] = {} if self.group_names else {(): []}
        for item in items:
            key = tuple(_single(read(item)) for read in self.group_values)
            groups.setdefault(key, []).append(item)
        return [self._row(key, members) for key, members in groups.items()]

    def _row(self, key: tuple[object, ...], members: list[object]) -> Row:
        row: Row = dict(zip(self.group_names, key, strict=True))
        for alias, function, read in self.results:
            values = members if read is None else [one for item in members for one in read(item)]
            row[alias] = function(values)
        return row


def _single(values: list[object]) -> object:
    """One value as it is, none as ``None``, several as a tuple."""
    # Zero and minus zero are one group, whose name must not depend on which of them came first.
    found = [0.0 if isinstance(value, float) and value == 0 else value for value in values]
    if len(found) > 1:
        return tuple(found)
    return found[0] if found else None


def _reader(path: AttributePath, *, ordered: bool = False) -> Values:
    source = Source()
    text = f"def values(x):\n    return {source.values('x', path, ordered=ordered)}\n"
    return source.function("values", text)


def aggregator(group_by: Sequence[AttributePath], aggregates: Sequence[Aggregate]) -> Aggregator:
    """Make the aggregator of a query."""
    return Aggregator(
        tuple(path.text for path in group_by),
        tuple(_reader(path, ordered=True) for path in group_by),
        tuple(
            (
                each.alias,
                _FUNCTIONS[each.function],
                None if each.path is None else _reader(each.path),
            )
            for each in aggregates
        ),
    )
