# SPDX-License-Identifier: Apache-2.0
"""Random things and random criteria about them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from l8types.criteria import And, AttributePath, Comparison, Criteria, Not, Or
from l8types.enums import Container, Kind, Operator, Quantifier

from .models import Color, Leaf, Part, Thing

if TYPE_CHECKING:
    from l8types.protocols.models import ModelNode

RANGES = {
    Kind.INT32: (-(2**31), 2**31 - 1),
    Kind.INT64: (-(2**63), 2**63 - 1),
    Kind.UINT64: (0, 2**64 - 1),
}
# Letters whose case is folded in unusual ways, wildcards, quotes and escapes; few, so that
# values and criteria meet.
TEXTS = st.text(alphabet="aAbKÄäßİ\u212a%_\\*'\" ", max_size=4)
FLOATS = st.sampled_from([0.0, -0.0, 1.0, -1.5, 0.1, 1e300, math.inf, -math.inf])
LEAVES = st.builds(Leaf, name=TEXTS, count=st.integers(-2, 2))
PARTS = st.builds(
    Part,
    name=TEXTS,
    weight=FLOATS,
    note=st.none() | TEXTS,
    leaves=st.lists(LEAVES, max_size=2),
    leaf=st.none() | LEAVES,
)


def integers(kind: Kind) -> st.SearchStrategy[int]:
    """Numbers of a kind, its limits among them."""
    low, high = RANGES[kind]
    near = [value for value in (0, 1, 2, 2**63, low, low + 1, high - 1, high) if value <= high]
    return st.sampled_from(near) | st.integers(low, high)


def things(key: st.SearchStrategy[str]) -> st.SearchStrategy[Thing]:
    """Random things with keys of a strategy."""
    return st.builds(
        Thing,
        id=key,
        name=TEXTS,
        count=integers(Kind.INT64),
        small=st.integers(-2, 2),
        big=integers(Kind.UINT64),
        ratio=FLOATS,
        on=st.booleans(),
        raw=st.binary(max_size=2),
        color=st.sampled_from(Color),
        maybe=st.none() | st.integers(-1, 1),
        label=st.none() | TEXTS,
        flag=st.none() | st.booleans(),
        tags=st.lists(TEXTS, max_size=2),
        blobs=st.lists(st.binary(max_size=2), max_size=2),
        ratios=st.dictionaries(TEXTS, FLOATS, max_size=2),
        numbers=st.none() | st.dictionaries(integers(Kind.INT64), st.integers(0, 1), max_size=2),
        part=PARTS,
        spare=st.none() | PARTS,
        parts=st.lists(PARTS, max_size=2),
        more=st.none() | st.lists(LEAVES, max_size=2),
        by_name=st.dictionaries(TEXTS, PARTS, max_size=2),
        by_number=st.dictionaries(integers(Kind.INT64), LEAVES, max_size=2),
        by_truth=st.dictionaries(st.booleans(), LEAVES, max_size=2),
    )


def scalar_paths(root: ModelNode) -> list[AttributePath]:
    """All attributes with a plain value."""
    return [each for each in all_paths(root) if each.node.kind is not Kind.MESSAGE]


def all_paths(root: ModelNode) -> list[AttributePath]:
    """All attributes of a model that does not contain itself."""
    found: list[AttributePath] = []

    def descend(node: ModelNode, above: tuple[ModelNode, ...]) -> None:
        for child in node.attributes.values():
            found.append(AttributePath((*above, child)))
            descend(child, (*above, child))

    descend(root, ())
    return found


def values(node: ModelNode) -> st.SearchStrategy[Any]:
    """What a query may compare an attribute with, values outside its range included."""
    if node.kind is Kind.STRING:
        return TEXTS
    if node.kind is Kind.BOOL:
        return st.booleans()
    if node.kind is Kind.UINT8:
        return st.binary(max_size=2)
    edges = [2**31 - 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**70, -(2**63), -(2**63) - 1]
    near = [0, 1, -1, 2, 0.5, -0.5, 1.5, 1e30, -1e30, math.inf, -math.inf, math.nan, 0.1, 2**53 + 1]
    numbers = st.sampled_from([*near, *edges])
    return numbers if node.kind is Kind.FLOAT64 else numbers | integers(node.kind)


NULLS = [Operator.IS_NULL, Operator.IS_NOT_NULL]
PLAIN = [Operator.EQ, Operator.NE, Operator.GT, Operator.GE, Operator.LT, Operator.LE]


def comparisons(root: ModelNode) -> st.SearchStrategy[Comparison]:
    """Any single condition."""

    @st.composite
    def make(draw: st.DrawFn) -> Comparison:
        path = draw(st.sampled_from(all_paths(root)))
        node = path.node
        whole = node.kind is Kind.MESSAGE or draw(st.integers(0, 4)) == 0
        quantifiers = list(Quantifier)
        operators = [*NULLS, Operator.EQ, Operator.NE] if whole else operators_of(node)
        operator = draw(st.sampled_from(operators))
        value: Any = None
        if not whole:
            value = draw(value_of(operator, node))
        inner = path.nodes[:-1] if value is None else path.nodes
        if all(each.container is Container.SINGLE for each in inner):
            quantifiers = [Quantifier.ANY]
        elif operator in {Operator.NE, Operator.NOT_IN, Operator.NOT_LIKE}:
            quantifiers.reverse()
        match_case = node.kind is not Kind.STRING or draw(st.booleans())
        return Comparison(path, operator, value, draw(st.sampled_from(quantifiers)), match_case)

    return make()


def operators_of(node: ModelNode) -> list[Operator]:
    """Operators with a value."""
    likes = [Operator.LIKE, Operator.NOT_LIKE] if node.kind is Kind.STRING else []
    return [*PLAIN, Operator.IN, Operator.NOT_IN, Operator.BETWEEN, *likes]


def value_of(operator: Operator, node: ModelNode) -> st.SearchStrategy[Any]:
    """The value of an operator."""
    if operator in {Operator.IN, Operator.NOT_IN}:
        return st.lists(values(node), max_size=3).map(tuple)
    if operator is Operator.BETWEEN:
        return st.tuples(values(node), values(node))
    return values(node)


def criteria(root: ModelNode) -> st.SearchStrategy[Criteria]:
    """Any condition."""
    single: st.SearchStrategy[Criteria] = comparisons(root)
    return st.recursive(
        single,
        lambda inner: (
            st.builds(Not, inner)
            | st.builds(And, st.lists(inner, max_size=3).map(tuple))
            | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
        ),
        max_leaves=4,
    )
