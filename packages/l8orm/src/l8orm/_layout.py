# SPDX-License-Identifier: Apache-2.0
"""A model as tables: which there are, and what is in them.

One table for the model itself, and one for every list and every map of models at any depth. A row
is identified by the key of its item and, below, by a position or map key for each level; so
nothing is numbered, a whole tree of rows can be inserted at once, and deleting an item takes all
its rows with it. Single nested models are columns of their owner's table. Lists and maps of scalars
are JSON, and so is everything from the place on where a model contains itself; PostgreSQL has lists
of scalars in arrays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from l8orm._arrays import array_tag, array_type, document_tag
from l8orm._kinds import ValueType, value_type
from l8orm._loading import ItemMaker, item_maker
from l8orm._members import (
    Array,
    Body,
    Collection,
    Document,
    Member,
    Scalar,
    Single,
    key_column,
)
from l8orm._order import ORDER_TAG, STALE, order_column
from l8orm._series._routes import is_series
from l8orm._storing import RowMaker, row_maker
from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import ModelNode

__all__ = ["UNIQUE_COLUMN", "Layout", "TableLayout", "make_layout"]

UNIQUE_COLUMN: Final = "_unique"
"""Text of the unique key, NULL when the item has none; no two items share one."""

Completer = Callable[[AsyncConnection, Iterable[object]], Awaitable[None]]
"""Completes items in place, on the connection on which they were read."""

MAX_DEPTH: Final = 12
"""Levels of nesting that get columns; what is deeper becomes JSON."""

MAX_COLUMNS: Final = 1_000
"""PostgreSQL allows 1600 columns in a table and SQLite 2000."""

_MAX_NAME: Final = 55
"""PostgreSQL cuts names at 63 bytes; indexes add a suffix."""


@dataclass(slots=True)
class TableLayout:
    """One table."""

    name: str
    keys: tuple[sa.Column[Any], ...]
    body: Body
    columns: list[sa.Column[Any]]
    """All columns, key columns first, in the order in which they are read."""
    tags: dict[str, str]
    """Type of each column, as the schema table knows it."""
    key_type: ValueType
    """Of the last key column."""
    parent: TableLayout | None = None
    documents: dict[str, tuple[str, ValueType]] = field(default_factory=dict)
    """Arrays that earlier releases kept as JSON: type of that column, and the elements."""
    orders: dict[str, str] = field(default_factory=dict)
    """Columns with the order of a text, by the column with the text."""
    sql: sa.Table = field(init=False)
    statement: str = ""
    """Reads the rows of items with given keys from SQLite, made when it is first needed."""


@dataclass(frozen=True, slots=True)
class Layout:
    """All tables of a model, owners before what belongs to them."""

    model: type
    root: TableLayout
    tables: tuple[TableLayout, ...]
    metadata: sa.MetaData
    store: RowMaker
    """Makes rows of items."""
    load: ItemMaker
    """Makes items of rows."""
    complete: Completer | None = None
    """Gives items that were read what is in no table, ``None`` when there is no such thing."""

    @property
    def version(self) -> int:
        """Version of the schema that knows all of it."""
        return 2 if any(table.documents for table in self.tables) else 1

    def children(self) -> Iterator[TableLayout]:
        """The tables below the root."""
        yield from self.tables[1:]


def make_layout(root: ModelNode, *, sqlite: bool) -> Layout:
    """The tables of a model.

    Raises:
        InvalidInputError: The model has more attributes than a table can have columns.
    """
    return _Builder(root, sqlite=sqlite).build()


def _short(name: str) -> str:
    if len(name.encode()) <= _MAX_NAME:
        return name
    digest = hashlib.blake2s(name.encode(), digest_size=4).hexdigest()
    return name.encode()[: _MAX_NAME - 9].decode(errors="ignore") + "_" + digest


class _Builder:
    """Builds the layout of one model."""

    def __init__(self, root: ModelNode, *, sqlite: bool) -> None:
        self.root = root
        self.sqlite = sqlite
        self.metadata = sa.MetaData()
        self.tables: list[TableLayout] = []
        self.text = value_type(Kind.STRING, sqlite=sqlite)

    def build(self) -> Layout:
        assert self.root.model is not None  # noqa: S101 - roots are models
        key: sa.Column[Any] = sa.Column(key_column(0), self.text.sql, nullable=False)
        name = _short(self.root.type_name.lower())
        table = self._table(name, self.root, (key,), ("text",), self.text, None)
        unique: sa.Column[Any] = sa.Column(UNIQUE_COLUMN, self.text.sql)
        self._add(table, unique, "text?")
        self._fill(table, table.body, "", (self.root.model,))
        self._order(table)
        for each in self.tables:
            self._finish(each)
        self._index(table)
        return Layout(
            self.root.model,
            table,
            tuple(self.tables),
            self.metadata,
            row_maker(self.tables, sqlite=self.sqlite),
            item_maker(self.tables),
        )

    def _table(
        self,
        name: str,
        node: ModelNode,
        keys: tuple[sa.Column[Any], ...],
        key_tags: tuple[str, ...],
        key_type: ValueType,
        parent: TableLayout | None,
    ) -> TableLayout:
        tags = {column.name: f"{tag} key" for column, tag in zip(keys, key_tags, strict=True)}
        table = TableLayout(name, keys, Body(node), list(keys), tags, key_type, parent)
        self.tables.append(table)
        return table

    def _add(self, table: TableLayout, column: sa.Column[Any], tag: str) -> int:
        """Add a column; its index."""
        if len(table.columns) >= MAX_COLUMNS:
            raise InvalidInputError(
                f"model {self.root.type_name} needs more than {MAX_COLUMNS} columns in table "
                f"{table.name}; put part of its attributes into a list or a model of their own"
            )
        table.columns.append(column)
        table.tags[column.name] = tag
        return len(table.columns) - 1

    def _fill(self, table: TableLayout, body: Body, prefix: str, models: tuple[type, ...]) -> None:
        """Make the members of a body.

        ``prefix`` is the path from the table's model, ``models`` are those around the attributes:
        one that comes again contains itself and would have columns without end.
        """
        for name, node in body.node.attributes.items():
            if is_series(node):
                body.series.append(node)
            else:
                body.members[name] = self._member(table, node, prefix + name, models)

    def _member(
        self, table: TableLayout, node: ModelNode, path: str, models: tuple[type, ...]
    ) -> Member:
        if node.kind is not Kind.MESSAGE:
            if node.container is Container.SINGLE:
                return self._scalar(table, node, path)
            if node.container is Container.LIST and not self.sqlite:
                return self._array(table, node, path)
            return self._document(table, node, path)
        if node.model is None or node.model in models or len(models) >= MAX_DEPTH:
            return self._document(table, node, path)
        if node.container is Container.SINGLE:
            return self._single(table, node, path, node.model, models)
        return self._collection(table, node, path, node.model, models)

    def _scalar(self, table: TableLayout, node: ModelNode, path: str) -> Scalar:
        kind = value_type(node.kind, sqlite=self.sqlite)
        always = node.presence is Presence.ALWAYS
        default = sa.text(kind.default) if always else None
        column: sa.Column[Any] = sa.Column(_short(path), kind.sql, server_default=default)
        index = self._add(table, column, kind.tag if always else kind.tag + "?")
        return Scalar(node, kind, column, index)

    def _document(self, table: TableLayout, node: ModelNode, path: str) -> Document:
        column: sa.Column[Any] = sa.Column(_short(path), sa.JSON(none_as_null=True))
        return Document(node, column, self._add(table, column, document_tag(node)))

    def _array(self, table: TableLayout, node: ModelNode, path: str) -> Array:
        kind = value_type(node.kind, sqlite=False)
        column: sa.Column[Any] = sa.Column(_short(path), array_type(kind))
        index = self._add(table, column, array_tag(kind))
        table.documents[column.name] = document_tag(node), kind
        return Array(node, Scalar(node, kind, column, index), column, index)

    def _presence(
        self, table: TableLayout, node: ModelNode, path: str
    ) -> tuple[sa.Column[Any] | None, int]:
        if node.presence is Presence.ALWAYS:
            return None, -1
        default = sa.text("0" if self.sqlite else "false")
        column: sa.Column[Any] = sa.Column(_short(path), sa.Boolean(), server_default=default)
        return column, self._add(table, column, "presence")

    def _single(
        self,
        table: TableLayout,
        node: ModelNode,
        path: str,
        model: type,
        models: tuple[type, ...],
    ) -> Single:
        presence, index = self._presence(table, node, path)
        body = Body(node)
        self._fill(table, body, path + "__", (*models, model))
        return Single(node, body, presence, index)

    def _collection(
        self,
        table: TableLayout,
        node: ModelNode,
        path: str,
        model: type,
        models: tuple[type, ...],
    ) -> Collection:
        presence, index = self._presence(table, node, path)
        kind = Kind.INT32 if node.container is Container.LIST else node.key_kind
        key_type = value_type(kind or Kind.STRING, sqlite=self.sqlite)
        level = len(table.keys)
        keys: tuple[sa.Column[Any], ...] = (
            *(sa.Column(key.name, key.type, nullable=False) for key in table.keys),
            sa.Column(key_column(level), key_type.sql, nullable=False),
        )
        tags = tuple(tag.removesuffix(" key") for tag in list(table.tags.values())[:level])
        name = _short(f"{table.name}__{path}")
        place = len(self.tables)
        child = self._table(name, node, keys, (*tags, key_type.tag), key_type, table)
        self._fill(child, child.body, "", (*models, model))
        return Collection(node, name, place, level + 1, key_type, child.body, presence, index)

    def _finish(self, table: TableLayout) -> None:
        names = [column.name for column in table.keys]
        constraints: list[sa.Constraint] = [sa.PrimaryKeyConstraint(*names)]
        if table.parent is not None:
            owner = [f"{table.parent.name}.{key.name}" for key in table.parent.keys]
            constraints.append(sa.ForeignKeyConstraint(names[:-1], owner, ondelete="CASCADE"))
        table.sql = sa.Table(table.name, self.metadata, *table.columns, *constraints)

    def _declared(self, root: TableLayout) -> Iterator[Scalar]:
        """The attributes of the model itself that are declared as keys."""
        for name in self.root.decorators.get(DecoratorType.NON_UNIQUE, ()):
            member = root.body.members.get(name.lower())
            if isinstance(member, Scalar):
                yield member

    def _order(self, root: TableLayout) -> None:
        """Give the declared texts a column with their order."""
        for member in self._declared(root):
            if member.node.kind is Kind.STRING:
                name = _short(order_column(member.column.name))
                member.order = sa.Column(name, self.text.sql, server_default=STALE)
                root.orders[member.column.name] = name
                optional = "" if member.node.presence is Presence.ALWAYS else "?"
                member.order_index = self._add(root, member.order, ORDER_TAG + optional)

    def _index(self, root: TableLayout) -> None:
        """Index the unique key, and both orders of the attributes that are declared for it.

        The key at the end makes a page an answer of the index alone, ties included.
        """
        sa.Index(f"{root.name}_unique", root.sql.c[UNIQUE_COLUMN], unique=True)
        key = root.keys[0]
        for member in self._declared(root):
            column = member.column if member.order is None else member.order
            falling = column.desc() if self.sqlite else column.desc().nulls_last()
            name = _short(f"{root.name}_{member.column.name}")
            sa.Index(f"{name}_asc", column, key)
            sa.Index(f"{name}_desc", falling, key)
