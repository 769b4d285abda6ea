# SPDX-License-Identifier: Apache-2.0
"""A model as a table, in the message that consoles and peers know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Container, DecoratorType, Kind
from l8types.pb import L8Node, L8TableView
from reflect._shapes import KIND_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reflect._node import Node

__all__ = ["table_view"]


def _describe(node: Node) -> L8Node:
    """Describe one node. Parents are left out: with them the message would be a cycle."""
    is_bytes = node.kind is Kind.UINT8
    return L8Node(
        type_name="uint8" if is_bytes else node.type_name,
        key_type_name="" if node.key_kind is None else KIND_NAMES[node.key_kind],
        field_name=node.field_name,
        is_map=node.container is Container.MAP,
        is_slice=node.container is Container.LIST
        or (is_bytes and node.container is Container.SINGLE),
        is_struct=node.model is not None,
        cached_key="" if node.parent is None else node.path,
    )


def _shown(root: Node) -> Iterator[Node]:
    """Attributes that a display is to show."""
    ignored = root.decorators.get(DecoratorType.IGNORE_ATTRIBUTE, ())
    for node in root.attributes.values():
        if node.field_name not in ignored and DecoratorType.IGNORE not in node.decorators:
            yield node


def table_view(root: Node) -> L8TableView:
    """Attributes without attributes of their own as columns, the others as sub-tables.

    Attributes that ``IGNORE_ATTRIBUTE`` names, and those of models declared with ``IGNORE``, are
    left out; ``TITLE`` and ``EDITOR`` are told with the other decorators.
    """
    view = L8TableView(table=_describe(root))
    for decorator, fields in root.decorators.items():
        view.table.decorators[int(decorator)].fields.extend(fields)
    for node in _shown(root):
        (view.sub_tables if node.attributes else view.columns).append(_describe(node))
    return view
