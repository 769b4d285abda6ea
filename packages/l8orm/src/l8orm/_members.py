# SPDX-License-Identifier: Apache-2.0
"""The parts of which a table is made, one for each attribute; they carry values to rows and back.

A body is a model within a table: the attributes of the table's own model, or those of a single
nested model, whose columns stand in the table of its owner. Lists and maps of models have tables
of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from l8orm._documents import from_document, to_document
from l8orm._kinds import Misfit, ValueType
from l8orm._presence import present_value
from l8types.enums import Container, Presence
from l8types.errors import InvalidInputError
from l8types.protocols.models import ModelNode

__all__ = ["Body", "Collection", "Document", "Keys", "Member", "Rows", "Scalar", "Single", "Source"]

Keys = tuple[Any, ...]
"""Key columns of a row: the item's key, then a position or map key for each level below."""

Rows = dict[str, list[dict[str, object]]]
"""Rows to insert, by table."""

Source = Mapping[str, Mapping[Keys, Sequence[Sequence[Any]]]]
"""Rows read, by table and by the key columns of the row that they belong to, in order."""


def _refusal(node: ModelNode, misfit: Misfit) -> InvalidInputError:
    return InvalidInputError(f"attribute {node.path} does not fit its model: {misfit}")


class Member(ABC):
    """One attribute of a body."""

    node: ModelNode

    @abstractmethod
    def store(self, owner: object, row: dict[str, object], keys: Keys, rows: Rows) -> None:
        """Put the attribute of ``owner`` into its row, and what belongs to it into others.

        Raises:
            InvalidInputError: The value is not what the model declares.
        """

    @abstractmethod
    def load(self, row: Sequence[Any], keys: Keys, source: Source, into: dict[str, object]) -> None:
        """Add the attribute to the arguments of the model's constructor, if it is there."""

    def leave_out(self, into: dict[str, object]) -> None:
        """Tell the constructor that the attribute is absent, where that must be said."""
        if self.node.presence is Presence.NONE:
            into[self.node.attribute] = None


@dataclass(slots=True)
class Body:
    """A model within a table."""

    node: ModelNode
    members: dict[str, Member] = field(default_factory=dict)
    """By lower-case field name."""

    def store(self, item: object, row: dict[str, object], keys: Keys, rows: Rows) -> None:
        """Put an instance into a row."""
        model = self.node.model
        if model is None or not isinstance(item, model):
            raise _refusal(self.node, Misfit(f"{type(item).__name__} is no {self.node.type_name}"))
        for member in self.members.values():
            member.store(item, row, keys, rows)

    def load(self, row: Sequence[Any], keys: Keys, source: Source) -> object:
        """Make an instance from a row."""
        into: dict[str, object] = {}
        for member in self.members.values():
            member.load(row, keys, source, into)
        assert self.node.model is not None  # noqa: S101 - a body is made of a model
        return self.node.model(**into)


@dataclass(slots=True)
class Scalar(Member):
    """A single value in a column."""

    node: ModelNode
    type: ValueType
    column: sa.Column[Any]
    index: int

    @override
    def store(self, owner: object, row: dict[str, object], keys: Keys, rows: Rows) -> None:
        value = present_value(owner, self.node)
        if value is None:
            if self.node.presence is Presence.ALWAYS:
                raise _refusal(self.node, Misfit("it has no value and must have one"))
            return
        try:
            row[self.column.name] = self.type.encode(value)
        except Misfit as misfit:
            raise _refusal(self.node, misfit) from None

    @override
    def load(self, row: Sequence[Any], keys: Keys, source: Source, into: dict[str, object]) -> None:
        value = row[self.index]
        if value is not None:
            decode = self.type.decode
            into[self.node.attribute] = value if decode is None else decode(value)
        elif self.node.presence is Presence.ALWAYS:
            into[self.node.attribute] = self.type.zero
        else:
            self.leave_out(into)


@dataclass(slots=True)
class Document(Member):
    """A value in a column of JSON."""

    node: ModelNode
    column: sa.Column[Any]
    index: int

    @override
    def store(self, owner: object, row: dict[str, object], keys: Keys, rows: Rows) -> None:
        value = present_value(owner, self.node)
        single = self.node.container is Container.SINGLE
        # What is absent, or empty where the model cannot tell the two apart, is NULL.
        if value is None or (self.node.presence is Presence.ALWAYS and not single and not value):
            return
        try:
            row[self.column.name] = to_document(value, self.node)
        except Misfit as misfit:
            raise _refusal(self.node, misfit) from None

    @override
    def load(self, row: Sequence[Any], keys: Keys, source: Source, into: dict[str, object]) -> None:
        document = row[self.index]
        if document is not None:
            into[self.node.attribute] = from_document(document, self.node)
        elif self.node.presence is not Presence.ALWAYS:
            self.leave_out(into)
        elif self.node.container is Container.LIST:
            into[self.node.attribute] = []
        elif self.node.container is Container.MAP:
            into[self.node.attribute] = {}


@dataclass(slots=True)
class Single(Member):
    """A nested model whose columns stand in the table of its owner."""

    node: ModelNode
    body: Body
    presence: sa.Column[Any] | None
    """Says whether it is there, ``None`` when it always is."""
    index: int

    @override
    def store(self, owner: object, row: dict[str, object], keys: Keys, rows: Rows) -> None:
        value = present_value(owner, self.node)
        if self.presence is not None:
            row[self.presence.name] = value is not None
            if value is None:
                return
        self.body.store(value, row, keys, rows)

    @override
    def load(self, row: Sequence[Any], keys: Keys, source: Source, into: dict[str, object]) -> None:
        if self.presence is not None and not row[self.index]:
            self.leave_out(into)
        else:
            into[self.node.attribute] = self.body.load(row, keys, source)


@dataclass(slots=True)
class Collection(Member):
    """A list or map of models, in a table of its own."""

    node: ModelNode
    table: str
    width: int
    """Number of key columns of that table."""
    template: dict[str, None]
    """An empty row of that table."""
    key_type: ValueType
    body: Body
    presence: sa.Column[Any] | None
    """Tells an empty collection from an absent one, where the model does."""
    index: int

    @override
    def store(self, owner: object, row: dict[str, object], keys: Keys, rows: Rows) -> None:
        value = present_value(owner, self.node)
        if self.presence is not None:
            row[self.presence.name] = value is not None
        if value is None:
            return
        is_map = self.node.container is Container.MAP
        held = rows.setdefault(self.table, [])
        for key in value if is_map else range(len(value)):
            try:
                own = (*keys, self.key_type.encode(key))
            except Misfit as misfit:
                raise _refusal(self.node, Misfit(f"its key {misfit}")) from None
            entry: dict[str, object] = dict(self.template)
            for level, part in enumerate(own):
                entry[key_column(level)] = part
            held.append(entry)
            self.body.store(value[key], entry, own, rows)

    @override
    def load(self, row: Sequence[Any], keys: Keys, source: Source, into: dict[str, object]) -> None:
        found = source.get(self.table, {}).get(keys, ())
        if not found and self.presence is not None and not row[self.index]:
            self.leave_out(into)
            return
        width, body = self.width, self.body
        if self.node.container is Container.LIST:
            into[self.node.attribute] = [
                body.load(entry, tuple(entry[:width]), source) for entry in found
            ]
            return
        decode = self.key_type.decode
        into[self.node.attribute] = {
            entry[width - 1] if decode is None else decode(entry[width - 1]): body.load(
                entry, tuple(entry[:width]), source
            )
            for entry in found
        }


def key_column(level: int) -> str:
    """Name of a key column: the key of the item, then one position or map key for each level.

    No attribute is called like this, since names of attributes do not start with an underscore.
    """
    return "_key" if level == 0 else f"_k{level}"
