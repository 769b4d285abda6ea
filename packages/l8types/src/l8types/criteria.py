# SPDX-License-Identifier: Apache-2.0
"""Bound criteria of a query as plain data, for every back-end that evaluates them.

A query that was parsed and bound to a model is handed to a store as a tree of these values: the
store translates what it can and evaluates the rest in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from l8types.enums import Container, DecoratorType, Kind, Operator, Presence, Quantifier
from l8types.protocols.models import ModelNode

__all__ = [
    "Aggregate",
    "And",
    "AttributePath",
    "Comparison",
    "Criteria",
    "EntryNode",
    "Not",
    "Or",
    "SortKey",
]


@dataclass(frozen=True, slots=True)
class EntryNode:
    """One entry of a list or map as a step of a path: ``ports<{2}0>``, ``tags<{24}room>``.

    It is a ``ModelNode`` that behaves like a single attribute which may be absent. Its
    ``field_name`` holds the key, so no attribute is called like it: a store that looks attributes
    up by that name, and does not know entries, does not find it and has to leave the comparison to
    the query itself (a residual). A store that knows them reads ``collection`` and ``key``.

    Attributes:
        collection: The list or map.
        key: Position in the list, counted from 0, or key of the map in the kind of its keys.
    """

    collection: ModelNode
    key: int | str | bool

    @property
    def key_text(self) -> str:
        """The key with its kind, as property ids write it: ``{24}room``."""
        kind = self.collection.key_kind or Kind.INT
        text = str(self.key).lower() if isinstance(self.key, bool) else str(self.key)
        if "<" not in text and ">" not in text:
            return f"{{{int(kind)}}}{text}"
        encoded = "".join(f"%{ord(char):02X}" if char in "%<>:" else char for char in text)
        return f"{{{int(kind)}%}}{encoded}"

    @property
    def step(self) -> str:
        """The step as a query names it; the case of the key is kept."""
        return f"{self.collection.field_name.lower()}<{self.key_text}>"

    @property
    def type_name(self) -> str:
        """Short name of the entry's type."""
        return self.collection.type_name

    @property
    def field_name(self) -> str:
        """Name of the collection with the key."""
        return f"{self.collection.field_name}<{self.key_text}>"

    @property
    def attribute(self) -> str:
        """Python attribute that holds the collection."""
        return self.collection.attribute

    @property
    def path(self) -> str:
        """Lower-case dotted path of the collection."""
        return self.collection.path

    @property
    def parent(self) -> ModelNode | None:
        """The node above the collection."""
        return self.collection.parent

    @property
    def attributes(self) -> Mapping[str, ModelNode]:
        """Attributes of the entry."""
        return self.collection.attributes

    @property
    def kind(self) -> Kind:
        """Kind of the entry."""
        return self.collection.kind

    @property
    def container(self) -> Container:
        """An entry is a single value."""
        return Container.SINGLE

    @property
    def key_kind(self) -> Kind | None:
        """A single value has no keys."""
        return None

    @property
    def presence(self) -> Presence:
        """An entry may be absent."""
        return Presence.NONE

    @property
    def model(self) -> type | None:
        """Python class of a structured entry."""
        return self.collection.model

    @property
    def enum(self) -> Mapping[str, int] | None:
        """Names and numbers of an enumerated entry."""
        return self.collection.enum

    @property
    def enum_class(self) -> type[Enum] | None:
        """Python class of an enumerated entry."""
        return self.collection.enum_class

    @property
    def key_enum_class(self) -> None:
        """An entry is no map."""
        return

    @property
    def decorators(self) -> Mapping[DecoratorType, tuple[str, ...]]:
        """Decorators of the entry's model."""
        return self.collection.decorators


@dataclass(frozen=True, slots=True)
class AttributePath:
    """An attribute of a model reached from its root; collections on the way fan out."""

    nodes: tuple[ModelNode, ...]
    """The steps below the root, the attribute itself last; never empty.

    A step that names one entry of a collection is an :class:`EntryNode` and does not fan out.
    """

    @property
    def node(self) -> ModelNode:
        """The attribute itself."""
        return self.nodes[-1]

    @property
    def text(self) -> str:
        """Dotted lower-case text as a query would name it."""
        return ".".join(
            node.step if isinstance(node, EntryNode) else node.field_name.lower()
            for node in self.nodes
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition. ``value`` is already converted to the kind of the attribute.

    It is a tuple for ``IN``, ``NOT_IN`` and ``BETWEEN``, an ``AttributePath`` when two attributes
    are compared, ``None`` for the null tests, and ``Criteria`` for ``MATCHES``: the path then leads
    to objects and the paths of the criteria begin at one of them. A store that cannot evaluate an
    operator, or a path, leaves the comparison to the query.
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
        function: ``count``, ``count distinct``, ``sum``, ``avg``, ``min`` or ``max``; a store
            leaves one that it does not know to the query.
        path: The attribute, ``None`` for ``count(*)``.
        alias: Name of the result.
    """

    function: str
    path: AttributePath | None
    alias: str
