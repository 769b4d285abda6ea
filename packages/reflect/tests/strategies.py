# SPDX-License-Identifier: Apache-2.0
"""Instances of any model for Hypothesis, made from the node tree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from l8types.enums import Container, Kind, Presence

if TYPE_CHECKING:
    from l8types.protocols.models import ModelNode

Values = st.SearchStrategy[Any]

# Among the texts are those that the syntax of property ids is made of.
TEXTS = st.one_of(
    st.text(max_size=6),
    st.text(alphabet="<>.:{}[]%24 ab", max_size=8),
)
KEYS = TEXTS.filter(bool)

_INTEGERS = {
    Kind.INT32: st.integers(-(2**31), 2**31 - 1),
    Kind.INT64: st.integers(-(2**63), 2**63 - 1),
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.UINT64: st.integers(0, 2**64 - 1),
}
_SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    **{kind: st.integers(-2, 2) | numbers for kind, numbers in _INTEGERS.items()},
    Kind.UINT32: st.integers(0, 2) | _INTEGERS[Kind.UINT32],
    Kind.UINT64: st.integers(0, 2) | _INTEGERS[Kind.UINT64],
    Kind.BOOL: st.booleans(),
    Kind.FLOAT32: st.floats(width=32),
    # Minus zero is left out: it equals zero, but protobuf stores it as a value of its own.
    Kind.FLOAT64: st.floats().filter(lambda value: value != 0 or math.copysign(1, value) > 0),
    Kind.STRING: TEXTS,
    Kind.UINT8: st.binary(max_size=4),
}
_SCALARS[Kind.FLOAT32] = _SCALARS[Kind.FLOAT32].filter(
    lambda value: value != 0 or math.copysign(1, value) > 0
)


def scalars(kind: Kind) -> st.SearchStrategy[Any]:
    """Values of a scalar kind."""
    return _SCALARS[kind]


def _elements(node: ModelNode, depth: int) -> st.SearchStrategy[Any]:
    if node.model is not None:
        return instances(node, depth=depth - 1)
    if node.enum is not None:
        return st.sampled_from(sorted(set(node.enum.values())))
    return _SCALARS[node.kind]


def _values(node: ModelNode, depth: int, elements: Values) -> Values:
    if node.container is Container.LIST:
        return st.lists(elements, max_size=3)
    if node.container is Container.MAP:
        assert node.key_kind is not None
        return st.dictionaries(_SCALARS[node.key_kind], elements, max_size=3)
    return elements


def instances(
    node: ModelNode,
    *,
    depth: int = 3,
    fixed: dict[str, Any] | None = None,
    replace: dict[str, st.SearchStrategy[Any]] | None = None,
) -> st.SearchStrategy[Any]:
    """Instances of the model at a node.

    Args:
        node: The model.
        depth: How deep models are nested.
        fixed: Attributes with a given value.
        replace: Attributes whose elements are drawn from another strategy.
    """
    assert node.model is not None
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for below in node.attributes.values():
        name = below.attribute
        if fixed and name in fixed:
            required[name] = st.just(fixed[name])
            continue
        if below.model is not None and depth <= 0:
            continue
        elements = (replace or {}).get(name)
        if elements is None:
            elements = _elements(below, depth)
        values = _values(below, depth, elements)
        if below.presence is Presence.NONE:
            values = st.none() | values
        optional[name] = values
    model = node.model
    arguments = st.fixed_dictionaries(required, optional=optional)
    return arguments.map(lambda chosen: _make(model, chosen))


def _make(model: type, chosen: dict[str, Any]) -> object:
    # Of a oneof only the last member given is kept, as on the wire.
    return model(**chosen)
