# SPDX-License-Identifier: Apache-2.0
"""Conditions read by their shape instead of by precedence, as nodes of the first make read them.

There a run of comparisons is one unit, everything leans to the right, and a run in front of a
bracket belongs together: ``a=1 and b=2 or c=3`` means ``a=1 and (b=2 or c=3)`` and
``a=1 or b=2 and (c=3)`` means ``(a=1 or b=2) and (c=3)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gsql._tree import Chain, Negation, RawComparison, Unit
from l8types.enums import Operator

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["by_shape", "is_plain"]

_OURS: Final = frozenset(
    (
        Operator.LIKE,
        Operator.NOT_LIKE,
        Operator.BETWEEN,
        Operator.IS_NULL,
        Operator.IS_NOT_NULL,
        Operator.MATCHES,
    )
)


def by_shape(chain: Chain[RawComparison]) -> Chain[RawComparison]:
    """The chain with brackets where its shape puts them."""
    units = [_unit(unit) for unit in chain.units]
    nodes: list[Unit[RawComparison]] = []
    words: list[bool] = []
    start = 0
    for index, unit in enumerate(units):
        following = units[index + 1] if index + 1 < len(units) else None
        if not isinstance(unit, RawComparison) or not isinstance(following, RawComparison):
            nodes.append(_leaning(units[start : index + 1], chain.or_after[start:index]))
            words.extend(chain.or_after[index : index + 1])
            start = index + 1
    found = _leaning(nodes, words)
    return found if isinstance(found, Chain) else Chain((found,))


def _unit(unit: Unit[RawComparison]) -> Unit[RawComparison]:
    if isinstance(unit, Negation):
        return Negation(_unit(unit.unit))
    return by_shape(unit) if isinstance(unit, Chain) else unit


def _leaning(units: Sequence[Unit[RawComparison]], words: Sequence[bool]) -> Unit[RawComparison]:
    """Units joined from the right; a bracket opens where the word changes."""
    joined: list[Unit[RawComparison]] = [units[-1]]
    last: bool | None = None
    for unit, word in zip(reversed(units[:-1]), reversed(words), strict=True):
        if last is not None and word is not last:
            joined = [Chain(tuple(reversed(joined)), (last,) * (len(joined) - 1))]
        joined.append(unit)
        last = word
    if last is None:
        return joined[0]
    return Chain(tuple(reversed(joined)), (last,) * (len(joined) - 1))


def is_plain(unit: Unit[RawComparison]) -> bool:
    """Whether a condition has none of the words that only this language knows."""
    if isinstance(unit, Chain):
        return all(is_plain(each) for each in unit.units)
    return isinstance(unit, RawComparison) and unit.operator not in _OURS and not unit.quantifier
