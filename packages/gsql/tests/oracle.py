# SPDX-License-Identifier: Apache-2.0
"""The meaning of criteria, told once more in the plainest way, to check the generated code by."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from l8types.criteria import And, AttributePath, Comparison, Criteria, Not, Or
from l8types.enums import Container, Kind, Operator, Quantifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from l8types.pb import L8Condition, L8Expression
    from l8types.protocols.models import ModelNode

ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}
POSITIVE = {
    Operator.NE: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_LIKE: Operator.LIKE,
    Operator.IS_NOT_NULL: Operator.IS_NULL,
}


def reached(item: object, nodes: tuple[ModelNode, ...], *, whole: bool) -> Iterator[Any]:
    """What a path reaches; an absent value is ``None``."""
    if not nodes or item is None:
        yield item
        return
    node, rest = nodes[0], nodes[1:]
    value = getattr(item, node.attribute)
    if node.container is Container.SINGLE or (whole and not rest):
        yield from reached(value, rest, whole=whole)
        return
    for each in (value.values() if isinstance(value, dict) else value) or ():
        yield from reached(each, rest, whole=whole)


def holds(criteria: Criteria, item: object) -> bool:
    """Whether an item satisfies criteria."""
    if isinstance(criteria, And):
        return all(holds(term, item) for term in criteria.terms)
    if isinstance(criteria, Or):
        return any(holds(term, item) for term in criteria.terms)
    if isinstance(criteria, Not):
        return not holds(criteria.term, item)
    null_test = criteria.operator in {Operator.IS_NULL, Operator.IS_NOT_NULL}
    if null_test or (criteria.value is None and criteria.operator in {Operator.EQ, Operator.NE}):
        return absence(criteria, item)
    values = list(reached(item, criteria.path.nodes, whole=False))
    fold = all if criteria.quantifier is Quantifier.ALL else any
    return fold(compared(criteria, value, item) for value in values)


def absence(criteria: Comparison, item: object) -> bool:
    """``is null`` and ``= nil``; by default a path that reaches nothing is absent."""
    nodes = criteria.path.nodes
    values = list(reached(item, nodes, whole=True))
    collection = nodes[-1].container is not Container.SINGLE
    model = nodes[-1].kind is Kind.MESSAGE and not collection
    zero = criteria.value is None and criteria.operator in {Operator.EQ, Operator.NE}
    gone = [not value if (zero or collection) and not model else value is None for value in values]
    many = any(node.container is not Container.SINGLE for node in nodes[:-1])
    negative = criteria.operator in POSITIVE
    if (criteria.quantifier is Quantifier.ALL) is (negative and many):
        return (not values or any(gone)) is not negative
    return all(gone) is not negative


def compared(criteria: Comparison, value: Any, item: object) -> bool:
    """Whether one value satisfies a comparison."""
    if criteria.operator in POSITIVE:
        return not positive(criteria, POSITIVE[criteria.operator], value, item)
    return positive(criteria, criteria.operator, value, item)


def positive(criteria: Comparison, sign: Operator, value: Any, item: object) -> bool:
    """An operator that is false where something is absent."""
    if value is None:
        return False

    def fold(each: Any) -> Any:
        return each.lower() if isinstance(each, str) and not criteria.match_case else each

    against = criteria.value
    if isinstance(against, AttributePath):
        others = reached(item, against.nodes, whole=False)
        return any(ORDER[sign](fold(value), fold(one)) for one in others if one is not None)
    if sign is Operator.IN:
        assert isinstance(against, tuple)
        return fold(value) in [fold(each) for each in against]
    if sign is Operator.BETWEEN:
        assert isinstance(against, tuple)
        return bool(fold(against[0]) <= fold(value) <= fold(against[1]))
    if sign is Operator.LIKE:
        return like(fold(value), fold(str(against)))
    return ORDER[sign](fold(value), fold(against))


def like(text: str, pattern: str) -> bool:
    """Match a pattern of SQL, one character after the other."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    if pattern[0] == "_":
        return bool(text) and like(text[1:], pattern[1:])
    literal = re.match(r"\\?(.)", pattern, re.DOTALL)
    assert literal is not None
    return text[:1] == literal[1] and like(text[1:], pattern[literal.end() :])


def tree_holds(tree: L8Expression, leaf: Callable[[str, str, str], bool]) -> bool:
    """How nodes of the first make read a tree: everything leans to the right."""
    parts = []
    if tree.HasField("condition"):
        parts.append(chain_holds(tree.condition, leaf))
    if tree.HasField("child"):
        parts.append(tree_holds(tree.child, leaf))
    if tree.HasField("next"):
        parts.append(tree_holds(tree.next, leaf))
    return any(parts) if tree.and_or == " or " else all(parts)


def chain_holds(chain: L8Condition, leaf: Callable[[str, str, str], bool]) -> bool:
    """The same for a chain of comparisons."""
    own = leaf(chain.comparator.left, chain.comparator.oper, chain.comparator.right)
    if not chain.HasField("next"):
        return own
    rest = chain_holds(chain.next, leaf)
    return own or rest if chain.oper == " or " else own and rest
