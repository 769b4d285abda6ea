# SPDX-License-Identifier: Apache-2.0
"""The parts of which a table is made, one for each attribute of a model.

A body is a model within a table: the attributes of the table's own model, or those of a single
nested model, whose columns stand in the table of its owner. Lists and maps of models have tables
of their own. What carries values to rows and back is generated from these (``_storing``,
``_loading``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from l8orm._kinds import ValueType
from l8types.protocols.models import ModelNode

__all__ = ["Array", "Body", "Collection", "Document", "Member", "Scalar", "Single", "key_column"]


@dataclass(slots=True)
class Body:
    """A model within a table."""

    node: ModelNode
    members: dict[str, Member] = field(default_factory=dict)
    """By lower-case field name."""
    series: list[ModelNode] = field(default_factory=list)
    """Time series, which are in no table."""


@dataclass(slots=True)
class Scalar:
    """A single value in a column."""

    node: ModelNode
    type: ValueType
    column: sa.Column[Any]
    index: int
    """Position of the column in its table."""
    order: sa.Column[Any] | None = None
    """What a declared text is sorted by, ``None`` for all others."""
    order_index: int = -1


@dataclass(slots=True)
class Document:
    """A value in a column of JSON."""

    node: ModelNode
    column: sa.Column[Any]
    index: int


@dataclass(slots=True)
class Array:
    """A list of scalars in a column of its own type."""

    node: ModelNode
    element: Scalar
    """One of its values; its column is that of the array."""
    column: sa.Column[Any]
    index: int


@dataclass(slots=True)
class Single:
    """A nested model whose columns stand in the table of its owner."""

    node: ModelNode
    body: Body
    presence: sa.Column[Any] | None
    """Says whether it is there, ``None`` when it always is."""
    index: int


@dataclass(slots=True)
class Collection:
    """A list or map of models, in a table of its own."""

    node: ModelNode
    table: str
    place: int
    """Position of that table in the layout."""
    width: int
    """Number of key columns of that table."""
    key_type: ValueType
    body: Body
    presence: sa.Column[Any] | None
    """Tells an empty collection from an absent one, where the model does."""
    index: int


Member = Scalar | Document | Array | Single | Collection
"""One attribute of a body."""


def key_column(level: int) -> str:
    """Name of a key column: the key of the item, then one position or map key for each level.

    No attribute is called like this, since names of attributes do not start with an underscore.
    """
    return "_key" if level == 0 else f"_k{level}"
