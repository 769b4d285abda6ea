# SPDX-License-Identifier: Apache-2.0
"""Items to rows: one generated function per table.

A value of the very class that its column takes is looked at in line; anything else goes to the
encoder of its kind, which converts or refuses it. So what is usual costs no call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from l8orm._arrays import array_encoder
from l8orm._documents import to_document
from l8orm._kinds import FLOATS, RANGES, Misfit, ValueType
from l8orm._members import Array, Body, Collection, Document, Scalar, Single
from l8orm._order import order_text
from l8orm._source import Source
from l8types.enums import Container, Kind, Presence
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from l8orm._layout import TableLayout
    from l8types.protocols.models import ModelNode

__all__ = ["RowMaker", "Rows", "row_maker"]

Rows = list[list[tuple[Any, ...]]]
"""Rows to insert, by position of the table; values by position of the column."""

RowMaker = Callable[[Iterable[tuple[str, str | None, object]], Rows], None]
"""Adds the rows of items, each given with its key and unique key.

Raises ``InvalidInputError`` when a value is not what the model declares; it names the attribute.
"""

_ODD: Final = {
    Kind.BOOL: "{v}.__class__ is not bool",
    Kind.STRING: "{v}.__class__ is not str or not {v}.isascii()",
    Kind.UINT8: "{v}.__class__ is not bytes",
    **dict.fromkeys(FLOATS, "{v}.__class__ is not float"),
    # Unsigned numbers above the signed range are wrapped by their encoder.
    **{
        kind: f"{{v}}.__class__ is not int or not {low} <= {{v}} <= {min(high, 2**63 - 1)}"
        for kind, (low, high) in RANGES.items()
    },
}
"""When a value needs its encoder."""


def row_maker(tables: Sequence[TableLayout], *, sqlite: bool) -> RowMaker:
    """Make the function that turns items of a model into rows."""
    source = Source()
    for place, table in enumerate(tables):
        _Function(source, table, place, sqlite=sqlite).write()
    made: RowMaker = source.functions()["store0"]
    return made


class _Function:
    """Writes the function that fills one table: ``store0`` from items, others from a collection.

    In it ``a…`` is the value of a column and ``q…`` the collection that another table takes.
    """

    def __init__(self, source: Source, table: TableLayout, place: int, *, sqlite: bool) -> None:
        self._source = source
        self._table = table
        self._place = place
        self._sqlite = sqlite

    def write(self) -> None:
        """Write all of it."""
        table, line = self._table, self._source.line
        keys = [f"a{level}" for level in range(len(table.keys))]
        given = "items" if table.parent is None else ", ".join(["pairs", *keys[:-1]])
        line(0, f"def store{self._place}({given}, rows):")
        line(1, f"put = rows[{self._place}].append")
        line(
            1, "for a0, a1, x in items:" if table.parent is None else f"for {keys[-1]}, x in pairs:"
        )
        if table.parent is not None and table.body.node.container is Container.MAP:
            node = table.body.node
            encode = self._source.constant(_key_encoder(node, table.key_type))
            self._checked(2, keys[-1], node.key_kind or Kind.STRING, encode)
        self._body(table.body, "x", 2)
        line(2, f"put(({', '.join(f'a{index}' for index in range(len(table.columns)))},))")
        for member in _collections(table.body):
            check = self._source.constant(_pairs(member.node))
            name = f"q{member.place}"
            line(2, f"if {name}: store{member.place}({check}({name}), {', '.join(keys)}, rows)")

    def _body(self, body: Body, owner: str, depth: int) -> None:
        model = self._source.constant(body.node.model)
        check = self._source.constant(_model_check(body.node))
        self._source.line(depth, f"if {owner}.__class__ is not {model}: {check}({owner})")
        for member in body.members.values():
            if isinstance(member, Single):
                self._single(member, owner, depth)
            elif isinstance(member, Collection):
                self._read(f"q{member.place}", member.node, owner, depth)
                if member.presence is not None:
                    there = f"a{member.index} = q{member.place} is not None"
                    self._source.line(depth, there)
            elif isinstance(member, Document | Array):
                self._document(member, owner, depth)
            else:
                self._scalar(member, owner, depth)

    def _read(self, name: str, node: ModelNode, owner: str, depth: int) -> None:
        """Read an attribute into a variable, ``None`` when it is absent."""
        text = self._source.constant(node.attribute)
        read = f"getattr({owner}, {text})"
        if self._source.is_plain(node.attribute):
            read = f"{owner}.{node.attribute}"
        if node.presence is Presence.HAS_FIELD:
            read = f"{read} if {owner}.HasField({text}) else None"
        self._source.line(depth, f"{name} = {read}")

    def _scalar(self, member: Scalar, owner: str, depth: int) -> None:
        name = f"a{member.index}"
        self._read(name, member.node, owner, depth)
        encode = self._source.constant(_encoder(member.node, member.type))
        base = depth
        if member.node.presence is not Presence.ALWAYS:
            self._source.line(depth, f"if {name} is not None:")
            depth += 1
        self._checked(depth, name, member.node.kind, encode)
        if member.order is not None:
            order = f"{self._source.constant(order_text)}({name})"
            made = f"a{member.order_index} = {order} if {name} is not None else None"
            self._source.line(base, made)

    def _checked(self, depth: int, name: str, kind: Kind, encode: str) -> None:
        odd = _ODD[kind].format(v=name)
        if kind is Kind.STRING and not self._sqlite:
            odd += f' or "\\0" in {name}'
        if kind in FLOATS and self._sqlite:
            odd += f" or {name} != {name}"
        self._source.line(depth, f"if {odd}: {name} = {encode}({name})")

    def _document(self, member: Document | Array, owner: str, depth: int) -> None:
        name = f"a{member.index}"
        self._read(name, member.node, owner, depth)
        encode = self._source.constant(_document_encoder(member))
        single = member.node.container is Container.SINGLE
        if member.node.presence is Presence.ALWAYS and not single:
            # Empty where the model cannot tell it from absent.
            self._source.line(depth, f"{name} = {encode}({name}) if {name} else None")
        else:
            self._source.line(depth, f"if {name} is not None: {name} = {encode}({name})")

    def _single(self, member: Single, owner: str, depth: int) -> None:
        name = self._source.variable()
        self._read(name, member.node, owner, depth)
        if member.presence is None:
            self._body(member.body, name, depth)
            return
        self._source.line(depth, f"a{member.index} = {name} is not None")
        self._source.line(depth, f"if {name} is not None:")
        self._body(member.body, name, depth + 1)
        inside = [*_names(member.body)]
        if inside:
            self._source.line(depth, "else:")
            self._source.line(depth + 1, " = ".join([*inside, "None"]))


def _collections(body: Body) -> Iterator[Collection]:
    """The collections of a table's model and of the single models within."""
    for member in body.members.values():
        if isinstance(member, Collection):
            yield member
        elif isinstance(member, Single):
            yield from _collections(member.body)


def _names(body: Body) -> Iterator[str]:
    """The variables of a body."""
    for member in body.members.values():
        if isinstance(member, Single | Collection):
            if member.presence is not None:
                yield f"a{member.index}"
            if isinstance(member, Single):
                yield from _names(member.body)
            else:
                yield f"q{member.place}"
        else:
            yield f"a{member.index}"


def _refusal(node: ModelNode, misfit: Misfit | str) -> InvalidInputError:
    return InvalidInputError(f"attribute {node.path} does not fit its model: {misfit}")


def _encoder(node: ModelNode, kind: ValueType) -> Callable[[object], object]:
    def encode(value: object) -> object:
        if value is None:
            raise _refusal(node, "it has no value and must have one")
        try:
            return kind.encode(value)
        except Misfit as misfit:
            raise _refusal(node, misfit) from None

    return encode


def _key_encoder(node: ModelNode, kind: ValueType) -> Callable[[object], object]:
    def encode(key: object) -> object:
        try:
            return kind.encode(key)
        except Misfit as misfit:
            raise _refusal(node, f"its key {misfit}") from None

    return encode


def _document_encoder(member: Document | Array) -> Callable[[object], object]:
    node = member.node
    as_array = array_encoder(node, member.element.type) if isinstance(member, Array) else None

    def encode(value: object) -> object:
        try:
            return json.dumps(to_document(value, node)) if as_array is None else as_array(value)
        except Misfit as misfit:
            raise _refusal(node, misfit) from None

    return encode


def _model_check(node: ModelNode) -> Callable[[object], None]:
    def check(item: object) -> None:
        if node.model is None or not isinstance(item, node.model):
            raise _refusal(node, f"{type(item).__name__} is no {node.type_name}")

    return check


def _pairs(node: ModelNode) -> Callable[[Any], Iterable[tuple[Any, Any]]]:
    """Function that gives the entries of a collection with their keys or positions."""
    is_map = node.container is Container.MAP

    def pairs(value: Any) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401 - any model
        if hasattr(value, "items") is not is_map or not hasattr(value, "__getitem__"):
            raise _refusal(node, f"{type(value).__name__} is no {node.container.value}")
        return value.items() if is_map else enumerate(value)

    return pairs
