# SPDX-License-Identifier: Apache-2.0
"""Aggregates that the database computes, with the results that the query has in memory.

Whole numbers stay exact: where a database would overflow, sums are put together of halves. Sums of
floating-point numbers depend on the order in which they are added, and a NaN has no place in an
order, so those are computed by the query, of the columns that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._enums import member_of
from l8orm._having import UnknownResultError, holds, in_order
from l8orm._kinds import FLOATS, RANGES
from l8orm._members import key_column
from l8types.enums import Kind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._clauses import Pushed, Reached, Translator
    from l8orm._layout import Layout
    from l8orm._members import Scalar
    from l8types.criteria import Aggregate
    from l8types.protocols.data import Query

__all__ = ["Group", "grouped"]

Group = dict[str, object]
"""Values of one group: grouping attributes by path, results by alias."""

_Values = Sequence[Any]
_HALF: Final[sa.ColumnElement[Any]] = sa.literal_column("32")
_MASK: Final[sa.ColumnElement[Any]] = sa.literal_column("4294967295")


@dataclass(frozen=True, slots=True)
class _Result:
    """A value of a group: the columns that it needs, and how it is made of theirs."""

    name: str
    columns: tuple[sa.ColumnElement[Any], ...]
    make: Callable[[_Values], object]


class _ElsewhereError(Exception):
    """The database would give another result."""


async def grouped(
    connection: AsyncConnection,
    layout: Layout,
    translator: Translator,
    query: Query,
    pushed: Pushed,
) -> list[Group] | None:
    """The groups of an aggregate query, ``None`` when the query has to make them of the items."""
    sqlite = connection.dialect.name == "sqlite"
    try:
        groups = [_group(path.text, translator.reach(path)) for path in query.group_by]
        results = [
            _result(each, None if each.path is None else translator.reach(each.path), sqlite=sqlite)
            for each in query.aggregates
        ]
    except _ElsewhereError:
        return None
    parts = [*groups, *results]
    statement = sa.select(*(column for part in parts for column in part.columns))
    statement = statement.select_from(layout.root.sql)
    if pushed.clause is not None:
        statement = statement.where(pushed.clause)
    if groups:
        # In the order in which they appear among the items.
        first = sa.func.min(layout.root.sql.c[key_column(0)])
        statement = statement.group_by(*(part.columns[0] for part in groups)).order_by(first)
    found = (await connection.execute(statement)).all()
    rows = [_row(parts, values) for values in found]
    try:
        return in_order(query, [row for row in rows if holds(query.having, row)])
    except UnknownResultError:
        return None


def _row(parts: Sequence[_Result], values: _Values) -> Group:
    row: Group = {}
    start = 0
    for part in parts:
        end = start + len(part.columns)
        row[part.name] = part.make(values[start:end])
        start = end
    return row


def _first(values: _Values) -> object:
    return values[0]


def _whole(value: object) -> int:
    """A sum, which PostgreSQL gives as a decimal number."""
    return int(value)  # type: ignore[call-overload, no-any-return]


def _present(reached: Reached) -> sa.ColumnElement[Any]:
    """The value where it is there; a model that is absent may have left zeros behind."""
    return sa.case((reached.present, reached.column))


def _group(name: str, reached: Reached | None) -> _Result:
    if reached is None or reached.scalar.node.kind in FLOATS:
        raise _ElsewhereError(name)
    return _Result(name, (_present(reached),), _one(reached.scalar))


def _one(scalar: Scalar) -> Callable[[_Values], object]:
    """How a value of an attribute is made of a single column."""
    decode, kind = scalar.type.decode, scalar.node.enum_class
    if kind is not None:
        find = member_of(kind)
        return lambda values: find(values[0], values[0])
    if decode is not None:
        return lambda values: None if values[0] is None else decode(values[0])
    return _first


def _result(aggregate: Aggregate, reached: Reached | None, *, sqlite: bool) -> _Result:
    name, function = aggregate.alias, aggregate.function
    if aggregate.path is None:
        return _Result(name, (sa.func.count(),), _first)
    if reached is None:
        raise _ElsewhereError(name)
    value, kind = _present(reached), reached.scalar.node.kind
    if function == "count":
        return _Result(name, (sa.func.count(value),), _first)
    if function in {"min", "max"} and kind in {*RANGES, Kind.STRING} - {Kind.UINT64}:
        return _Result(name, (getattr(sa.func, function)(value),), _one(reached.scalar))
    if function not in {"sum", "avg"} or kind not in RANGES:
        raise _ElsewhereError(name)
    columns = (
        sa.func.count(value),
        # Numbers from 2**63 on are kept as negative ones.
        sa.func.count(sa.case((value < 0, 1))) if kind is Kind.UINT64 else sa.literal_column("0"),
        *_sums(value, sqlite=sqlite),
    )
    return _Result(name, columns, _total if function == "sum" else _average)


def _sums(value: sa.ColumnElement[Any], *, sqlite: bool) -> tuple[sa.ColumnElement[Any], ...]:
    """The sum, in halves where it could overflow."""
    if not sqlite:
        return (sa.func.sum(value),)
    return sa.func.sum(value.op(">>")(_HALF)), sa.func.sum(value.op("&")(_MASK))


def _total(values: _Values) -> int | None:
    count, wrapped, *sums = values
    if not count:
        return None
    total = _whole(sums[0])
    if len(sums) > 1:
        total = (total << 32) + _whole(sums[1])
    return total + (wrapped << 64)  # type: ignore[no-any-return]


def _average(values: _Values) -> float | None:
    total = _total(values)
    return None if total is None else total / values[0]
