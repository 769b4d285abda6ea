# SPDX-License-Identifier: Apache-2.0
"""Queries about samples: ``select * from L8TSDBQuery where propertyId=… and tsdbstart>=…``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8orm._series._samples import MAX_STAMP, MIN_STAMP
from l8types.criteria import And, Comparison
from l8types.enums import Operator
from l8types.errors import InvalidInputError
from l8types.pb import L8TSDBQuery

if TYPE_CHECKING:
    from l8types.criteria import Criteria
    from l8types.protocols.data import Query

__all__ = ["Question", "is_about_samples", "question_of"]

_PROPERTY, _START, _END = "propertyid", "tsdbstart", "tsdbend"

_STEPS: Final = {
    (_START, Operator.GE): 0,
    (_START, Operator.GT): 1,
    (_END, Operator.LE): 0,
    (_END, Operator.LT): -1,
}
"""What has to be added to the bound of a comparison so that it is included."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which samples are asked for."""

    property_id: str
    start: int
    """Unix seconds, included."""
    end: int
    """Unix seconds, included."""


def is_about_samples(query: Query) -> bool:
    """Whether a query asks for samples instead of items."""
    return query.root.model is L8TSDBQuery


def question_of(query: Query) -> Question:
    """What a query about samples asks for; without a bound, from the first or to the last.

    Raises:
        InvalidInputError: It asks for anything else than the samples of one property in a range.
    """
    if query.sort_keys or query.aggregates or query.columns or query.distinct:
        raise _refusal("it has columns, aggregates or sort keys; samples come whole and ascending")
    names: list[str] = []
    start, end = MIN_STAMP, MAX_STAMP
    for comparison in _comparisons(query.criteria):
        name, value = comparison.path.text, comparison.value
        if name == _PROPERTY and comparison.operator is Operator.EQ and isinstance(value, str):
            names.append(value)
            continue
        step = _STEPS.get((name, comparison.operator))
        if step is None or not isinstance(value, int):
            raise _refusal(f"it compares {name} by {comparison.operator.value!r}")
        if name == _START:
            start = max(start, value + step)
        else:
            end = min(end, value + step)
    if len(names) != 1:
        raise _refusal(f"it names {len(names)} properties")
    return Question(names[0], start, end)


def _comparisons(criteria: Criteria | None) -> list[Comparison]:
    if criteria is None:
        return []
    if isinstance(criteria, Comparison):
        return [criteria]
    if isinstance(criteria, And):
        return [each for term in criteria.terms for each in _comparisons(term)]
    raise _refusal("it has alternatives or a negation")


def _refusal(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the query about samples cannot be answered: {why}; write "
        "where propertyId=… and tsdbstart>=… and tsdbend<=…"
    )
