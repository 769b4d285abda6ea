# SPDX-License-Identifier: Apache-2.0
"""Conditions and order of groups, as far as they look at numbers.

Texts have an order and a case that only the query knows; with such a condition or sort key the
query makes the groups by itself.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from l8types.criteria import And, Comparison, Not, Or
from l8types.enums import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from l8types.criteria import AttributePath, Criteria
    from l8types.protocols.data import Query

__all__ = ["UnknownResultError", "holds", "in_order"]

_TESTS: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQ: operator.eq,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.IN: lambda value, wanted: value in wanted,
    Operator.BETWEEN: lambda value, wanted: wanted[0] <= value <= wanted[1],
}
_NEGATIVE: Final = {Operator.NE: Operator.EQ, Operator.NOT_IN: Operator.IN}


class UnknownResultError(Exception):
    """The query has to evaluate this."""


def holds(criteria: Criteria | None, row: Mapping[str, object]) -> bool:
    """Whether a group satisfies a condition.

    Raises:
        UnknownResultError: The condition looks at something else than numbers.
    """
    if criteria is None:
        return True
    if isinstance(criteria, Not):
        return not holds(criteria.term, row)
    if isinstance(criteria, And | Or):
        # All of them, so that one group does not hide what another cannot answer.
        terms = [holds(term, row) for term in criteria.terms]
        return all(terms) if isinstance(criteria, And) else any(terms)
    return _compare(criteria, row)


def _compare(comparison: Comparison, row: Mapping[str, object]) -> bool:
    value, wanted = _number(comparison.path, row), comparison.value
    kind = comparison.operator
    if kind in {Operator.IS_NULL, Operator.IS_NOT_NULL}:
        return (value is None) is (kind is Operator.IS_NULL)
    positive = _NEGATIVE.get(kind, kind)
    test = _TESTS.get(positive)
    members = wanted if isinstance(wanted, tuple) else (wanted,)
    if test is None or not all(_is_number(each) or each is None for each in members):
        raise UnknownResultError(comparison.path.text)
    if wanted is None:
        if positive is not Operator.EQ:
            raise UnknownResultError(comparison.path.text)
        found = not value
    else:
        found = value is not None and test(value, wanted)
    return found if positive is kind else not found


def in_order(query: Query, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The groups in the order of the query, absent values last.

    Raises:
        UnknownResultError: They are sorted by something else than numbers.
    """
    for key in reversed(query.sort_keys):
        path, down = key.path, key.descending

        def rank(row: dict[str, object], path: AttributePath = path, down: bool = down) -> Any:  # noqa: ANN401
            value = _number(path, row)
            return (value is None) is not down, value or 0

        rows.sort(key=rank, reverse=down)
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(path: AttributePath, row: Mapping[str, object]) -> int | float | None:
    name = path.text
    value = next((row[each] for each in row if each.lower() == name), _NOTHING)
    if value is None:
        return None
    if not _is_number(value):
        raise UnknownResultError(name)
    return value  # type: ignore[return-value]


_NOTHING: Final = object()
