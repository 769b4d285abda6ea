# SPDX-License-Identifier: Apache-2.0
"""Rows to items: one generated function per table.

The rows of a table come in the order of their keys, so those of one owner stand together. What is
made of them is handed to the function of the owner's table, by the owner's keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from l8orm._arrays import array_decoder
from l8orm._documents import from_document
from l8orm._enums import member_of
from l8orm._kinds import FLOATS
from l8orm._members import Array, Body, Collection, Document, Member, Scalar, Single
from l8orm._source import Source
from l8types.enums import Container, Kind, Presence

if TYPE_CHECKING:
    from l8orm._layout import TableLayout

__all__ = ["ItemMaker", "Row", "item_maker"]

Row = Sequence[Any]
"""Values by position of the column, as the driver gives them."""

Made = dict[Any, Any]
"""Lists and dictionaries of objects by the keys of their owner."""

ItemMaker = Callable[[Sequence[Sequence[Row]]], list[tuple[str, Any]]]
"""Makes the items, with their keys, of the rows of all tables by position of the table."""

_ABSENT: Final = "None"
"""Also what a message takes for an attribute that is not set."""


def item_maker(tables: Sequence[TableLayout]) -> ItemMaker:
    """Make the function that turns rows into items of a model."""
    source = Source()
    for place, table in enumerate(tables):
        _Function(source, table, place).write()
    functions = source.functions()
    makers = [functions[f"load{place}"] for place in range(len(tables))]

    def make(rows: Sequence[Sequence[Row]]) -> list[tuple[str, Any]]:
        made: list[Any] = [{} for _ in tables]
        # Owners stand before what belongs to them.
        for place in reversed(range(len(makers))):
            made[place] = makers[place](rows[place], made)
        items: list[tuple[str, Any]] = made[0]
        return items

    return make


class _Function:
    """Writes the function that makes the objects of one table."""

    def __init__(self, source: Source, table: TableLayout, place: int) -> None:
        self._source = source
        self._table = table
        self._place = place

    def write(self) -> None:
        """Write all of it."""
        table, line = self._table, self._source.line
        made = self._body(table.body)
        line(0, f"def load{self._place}(rows, made):")
        for member in _collections(table.body):
            line(1, f"m{member.place} = made[{member.place}].get")
        if table.parent is None:
            line(1, f"return [(r[0], {made}) for r in rows]")
            return
        width = len(table.keys) - 1
        is_map = table.body.node.container is Container.MAP
        line(1, "made, last = {}, None")
        line(1, "for r in rows:")
        line(2, f"k = {_owner(width)}")
        line(2, "if k != last:")
        line(3, f"last, held = k, {'{}' if is_map else '[]'}")
        line(3, "made[k] = held")
        if is_map:
            line(2, f"held[{self._map_key(width)}] = {made}")
        else:
            line(2, f"held.append({made})")
        line(1, "return made")

    def _map_key(self, index: int) -> str:
        node = self._table.body.node
        if node.key_kind is Kind.BOOL:
            return f"r[{index}] != 0"
        if node.key_enum_class is not None:
            find = self._source.constant(member_of(node.key_enum_class))
            return f"{find}(r[{index}], r[{index}])"
        decode = self._table.key_type.decode
        return f"r[{index}]" if decode is None else f"{self._source.constant(decode)}(r[{index}])"

    def _body(self, body: Body) -> str:
        """Expression that makes an instance of the row ``r``."""
        arguments = {}
        for member in body.members.values():
            arguments[member.node.attribute] = self._member(member)
        # To be filled with what another store has.
        arguments.update({node.attribute: "[]" for node in body.series})
        return self._source.call(self._source.constant(body.node.model), arguments)

    def _member(self, member: Member) -> str:
        if isinstance(member, Scalar):
            return self._scalar(member)
        if isinstance(member, Document | Array):
            return self._document(member)
        if isinstance(member, Single):
            made = self._body(member.body)
            return made if member.presence is None else f"({made} if r[{member.index}] else None)"
        return self._collection(member)

    def _scalar(self, member: Scalar) -> str:
        always = member.node.presence is Presence.ALWAYS
        zero = repr(member.type.zero) if always else _ABSENT
        if member.node.enum_class is not None:
            find = self._source.constant(member_of(member.node.enum_class))
            zero = f"{find}({zero}, {zero})" if always else _ABSENT
            return f"({find}(v, v) if (v := r[{member.index}]) is not None else {zero})"
        kind, decode = member.node.kind, member.type.decode
        value = f"v if (v := r[{member.index}]) is not None else {zero}"
        if kind is Kind.BOOL:
            value = f"v != 0 if (v := r[{member.index}]) is not None else {zero}"
        elif kind in FLOATS:
            # Whole numbers and a NaN may come as something else.
            value = (
                f"v if (v := r[{member.index}]).__class__ is float else "
                f"{zero} if v is None else float(v)"
            )
        elif decode is not None:
            value = (
                f"v if (v := r[{member.index}]).__class__ is int and v >= 0 else "
                f"{zero} if v is None else {self._source.constant(decode)}(v)"
            )
        return f"({value})"

    def _document(self, member: Document | Array) -> str:
        absent = _ABSENT
        if (
            member.node.presence is Presence.ALWAYS
            and member.node.container is not Container.SINGLE
        ):
            absent = "[]" if member.node.container is Container.LIST else "{}"
        found = _document_decoder(member)
        if found is None:
            return f"(v if (v := r[{member.index}]) is not None else {absent})"
        decode = self._source.constant(found)
        return f"({decode}(v) if (v := r[{member.index}]) is not None else {absent})"

    def _collection(self, member: Collection) -> str:
        empty = "{}" if member.node.container is Container.MAP else "[]"
        found = f"m{member.place}({_owner(member.width - 1)})"
        if member.presence is None:
            return f"({found} or {empty})"
        return f"({found} or ({empty} if r[{member.index}] else None))"


def _owner(width: int) -> str:
    """Expression for the keys of a row's owner."""
    return "r[0]" if width == 1 else f"({', '.join(f'r[{level}]' for level in range(width))})"


def _collections(body: Body) -> list[Collection]:
    found: list[Collection] = []
    for member in body.members.values():
        if isinstance(member, Collection):
            found.append(member)
        elif isinstance(member, Single):
            found.extend(_collections(member.body))
    return found


def _document_decoder(member: Document | Array) -> Callable[[Any], object] | None:
    loads, node = json.loads, member.node
    if isinstance(member, Array):
        return array_decoder(node, member.element.type)

    def decode(value: Any) -> object:  # noqa: ANN401 - text, or a document that is decoded already
        return from_document(loads(value) if value.__class__ is str else value, node)

    return decode
