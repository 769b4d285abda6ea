# SPDX-License-Identifier: Apache-2.0
"""What single values can be read out of criteria: the primary key, and values as parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gsql._values import INTEGERS, is_text
from l8types.criteria import And, Comparison, Criteria, Not
from l8types.enums import DecoratorType, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.criteria import AttributePath
    from l8types.protocols.models import ModelNode

__all__ = ["int32_hash", "key_nodes", "pinned_key", "value_of"]


def key_nodes(root: ModelNode) -> tuple[ModelNode, ...]:
    """Attributes of the primary key, none when no key is declared."""
    names = root.decorators.get(DecoratorType.PRIMARY, ())
    found = (root.attributes.get(name.lower()) for name in names)
    return tuple(node for node in found if node is not None)


def pinned_key(root: ModelNode, criteria: Criteria | None) -> str | None:
    """Plain text of the primary key that all matches have, ``None`` when they may differ.

    A text pins the key only if it means itself: with ``match-case``, or without letters that have
    a case. The parts of a key of several attributes stand one after the other.
    """
    nodes = key_nodes(root)
    values = {}
    for comparison in _required(criteria):
        text = _exact_text(comparison)
        if text is not None and len(comparison.path.nodes) == 1:
            values[comparison.path.node.field_name] = text
    if not nodes or any(node.field_name not in values for node in nodes):
        return None
    return "".join(values[node.field_name] for node in nodes)


def _required(criteria: Criteria | None) -> Iterator[Comparison]:
    """Comparisons that every match satisfies."""
    if isinstance(criteria, Comparison):
        yield criteria
    elif isinstance(criteria, And):
        for term in criteria.terms:
            yield from _required(term)


def _exact_text(comparison: Comparison) -> str | None:
    node, value = comparison.path.node, comparison.value
    if comparison.operator is not Operator.EQ:
        return None
    if is_text(node) and isinstance(value, str):
        same = comparison.match_case or value.lower() == value.upper()
        return value if same else None
    whole = isinstance(value, int) and not isinstance(value, bool) and node.kind in INTEGERS
    return str(value) if whole else None


def value_of(criteria: Criteria | None, path: AttributePath) -> object:
    """Value of the first comparison on an attribute that has one."""
    return next((each.value for each in _all(criteria) if _carries(each, path)), None)


def _carries(comparison: Comparison, path: AttributePath) -> bool:
    return (
        comparison.path.text == path.text
        and comparison.value is not None
        and comparison.operator is not Operator.MATCHES
    )


def _all(criteria: Criteria | None) -> Iterator[Comparison]:
    if isinstance(criteria, Comparison):
        yield criteria
    elif isinstance(criteria, Not):
        yield from _all(criteria.term)
    elif criteria is not None:
        for term in criteria.terms:
            yield from _all(term)


def int32_hash(text: str) -> int:
    """Hash of a query's text as nodes of the first make compute it, a signed 32-bit number."""
    total = 0
    for char in text.lower().strip():
        total = (31 * total + ord(char)) & 0xFFFF_FFFF
    return total - 2**32 if total >= 2**31 else total
