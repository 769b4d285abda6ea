# SPDX-License-Identifier: Apache-2.0
"""The one key that a query is about; a synchronous core.

A query knows it by itself where it means one key to the letter. Most queries do not: texts compare
equal whatever the case of their letters. Who knows all keys can still tell which one is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.criteria import And, Comparison
from l8types.enums import Container, DecoratorType, Kind, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.criteria import Criteria
    from l8types.protocols.data import Query

__all__ = ["pinned"]


def pinned(query: Query) -> str | None:
    """What the key of every match is, but for the case of letters; ``None`` when keys may differ.

    Whether the item with such a key matches is still for the query to tell.
    """
    exact: str | None = getattr(query, "key", None)
    if exact is not None:
        return exact
    criteria = getattr(query, "criteria", None)
    names = () if criteria is None else query.root.decorators.get(DecoratorType.PRIMARY, ())
    if len(names) != 1:
        return None
    for comparison in _required(criteria):
        value = comparison.value
        if isinstance(value, str) and value and _is_equal(comparison, names[0]):
            return value
    return None


def _is_equal(comparison: Comparison, name: str) -> bool:
    """Whether a comparison holds for texts of an attribute that are equal but for the case."""
    node = comparison.path.node
    return (
        comparison.operator is Operator.EQ
        and len(comparison.path.nodes) == 1
        and node.field_name.lower() == name.lower()
        and node.kind is Kind.STRING
        and node.container is Container.SINGLE
    )


def _required(criteria: Criteria | None) -> Iterator[Comparison]:
    """Comparisons that every match satisfies."""
    if isinstance(criteria, Comparison):
        yield criteria
    elif isinstance(criteria, And):
        for term in criteria.terms:
            yield from _required(term)
