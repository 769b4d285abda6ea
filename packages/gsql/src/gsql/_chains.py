# SPDX-License-Identifier: Apache-2.0
"""What a chain of conditions means, and chains made of other chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gsql._tree import Chain, Negation, RawComparison, Unit
from l8types.criteria import And, Comparison, Criteria, Not, Or

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bound_chain", "criteria_of"]


def criteria_of(chain: Chain[Comparison] | None) -> Criteria | None:
    """The condition that a chain means; ``and`` binds tighter than ``or``."""
    return None if chain is None else _criteria(chain)


def _criteria(unit: Unit[Comparison]) -> Criteria:
    if isinstance(unit, Comparison):
        return unit
    if isinstance(unit, Negation):
        return Not(_criteria(unit.unit))
    groups: list[list[Criteria]] = [[]]
    for index, each in enumerate(unit.units):
        term = _criteria(each)
        groups[-1].extend(term.terms if isinstance(term, And) else (term,))
        if index < len(unit.or_after) and unit.or_after[index]:
            groups.append([])
    terms: list[Criteria] = []
    for group in groups:
        if len(group) > 1:
            terms.append(And(tuple(group)))
        else:
            terms.extend(group[0].terms if isinstance(group[0], Or) else group)
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def bound_chain(
    chain: Chain[RawComparison], bind: Callable[[RawComparison], Unit[Comparison]]
) -> Chain[Comparison]:
    """The chain with each comparison bound."""
    return Chain(tuple(_bound(unit, bind) for unit in chain.units), chain.or_after)


def _bound(
    unit: Unit[RawComparison], bind: Callable[[RawComparison], Unit[Comparison]]
) -> Unit[Comparison]:
    if isinstance(unit, RawComparison):
        return bind(unit)
    if isinstance(unit, Negation):
        return Negation(_bound(unit.unit, bind))
    return bound_chain(unit, bind)
