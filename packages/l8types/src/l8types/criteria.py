# SPDX-License-Identifier: Apache-2.0
"""Bound criteria of a query as plain data, for every back-end that evaluates them.

A query that was parsed and bound to a model is handed to a store as a tree of these values: the
store translates what it can and evaluates the rest in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from l8types.enums import Operator, Quantifier
from l8types.protocols.models import ModelNode

__all__ = [
    "Aggregate",
    "And",
    "AttributePath",
    "Comparison",
    "Criteria",
    "Not",
    "Or",
    "SortKey",
]


@dataclass(frozen=True, slots=True)
class AttributePath:
    """An attribute of a model reached from its root; collections on the way fan out."""

    nodes: tuple[ModelNode, ...]
    """The steps below the root, the attribute itself last; never empty."""

    @property
    def node(self) -> ModelNode:
        """The attribute itself."""
        return self.nodes[-1]

    @property
    def text(self) -> str:
        """Dotted lower-case text as a query would name it."""
        return ".".join(node.field_name.lower() for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition. ``value`` is already converted to the kind of the attribute.

    It is a tuple for ``IN``, ``NOT_IN`` and ``BETWEEN``, an ``AttributePath`` when two attributes
    are compared, ``None`` for the null tests.
    """

    path: AttributePath
    operator: Operator
    value: object = None
    quantifier: Quantifier = Quantifier.ANY
    match_case: bool = True


@dataclass(frozen=True, slots=True)
class And:
    """All terms hold."""

    terms: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one term holds."""

    terms: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Criteria


Criteria = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort key of a query; absent values come last in either direction."""

    path: AttributePath
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate of a query.

    Attributes:
        function: ``count``, ``sum``, ``avg``, ``min`` or ``max``.
        path: The attribute, ``None`` for ``count(*)``.
        alias: Name of the result.
    """

    function: str
    path: AttributePath | None
    alias: str
