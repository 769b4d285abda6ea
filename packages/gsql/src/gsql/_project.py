# SPDX-License-Identifier: Apache-2.0
"""Selected columns to a generated function that makes the reduced item."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Final

from gsql._source import Source
from l8types.enums import Container, Kind, Presence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from l8types.criteria import AttributePath
    from l8types.protocols.models import ModelNode

__all__ = ["projection"]

_ZEROS: Final = {
    Kind.BOOL: "False",
    Kind.UINT8: 'b""',
    Kind.FLOAT32: "0.0",
    Kind.FLOAT64: "0.0",
    Kind.STRING: '""',
}
_EMPTY: Final = {Container.LIST: "[]", Container.MAP: "{}"}
_MAX_ZERO_DEPTH: Final = 8
"""Nesting up to which attributes that cannot be absent are made as empty objects."""


class _Selection(dict[str, "_Selection"]):
    """Selected attributes by lower-case name; an empty selection means the whole attribute."""

    def add(self, path: AttributePath) -> None:
        """Select one more path; a whole attribute swallows what was selected below it."""
        at = self
        for index, node in enumerate(path.nodes):
            name = node.field_name.lower()
            if name in at and not at[name]:
                return
            last = index == len(path.nodes) - 1
            at = at.setdefault(name, _Selection())
            if last:
                at.clear()


def projection(root: ModelNode, columns: Sequence[AttributePath]) -> Callable[[object], object]:
    """Make the function that reduces an item of a model to some of its attributes.

    The result is a new instance; the attributes that are not selected are absent, or zero where
    the model cannot tell. Values are taken over, not copied (protobuf copies them by itself).
    """
    selection = _Selection()
    for path in columns:
        selection.add(path)
    writer = _Writer()
    text = f"def project(x):\n    return {writer.instance('x', root, selection)}\n"
    return writer.source.function("project", text)


class _Writer:
    """Writes nested constructor calls."""

    def __init__(self) -> None:
        self.source = Source()

    def instance(self, owner: str, node: ModelNode, selection: _Selection) -> str:
        """Expression that makes the reduced instance of what ``owner`` gives."""
        arguments = {
            child.attribute: self._selected(owner, child, selection[name])
            for name, child in node.attributes.items()
            if name in selection
        }
        if not hasattr(node.model, "DESCRIPTOR"):
            # A plain class would fill in its defaults, or miss what it requires.
            for name, child in node.attributes.items():
                if name not in selection:
                    arguments[child.attribute] = self._absent(child, 0)
        return self._call(node, arguments)

    def _call(self, node: ModelNode, arguments: dict[str, str]) -> str:
        plain = [f"{name}={value}" for name, value in arguments.items() if _is_name(name)]
        odd = [
            f"{self.source.constant(name)}: {value}"
            for name, value in arguments.items()
            if not _is_name(name)
        ]
        if odd:
            plain.append(f"**{{{', '.join(odd)}}}")
        return f"{self.source.constant(node.model)}({', '.join(plain)})"

    def _selected(self, owner: str, node: ModelNode, selection: _Selection) -> str:
        read = self.source.read(owner, node)
        present = self.source.present(owner, node)
        if not selection:
            return f"({read} if {present} else None)" if present else read
        name = self.source.variable()
        inner = self.instance(name, node, selection)
        if node.container is Container.SINGLE:
            there = present or f"{name} is not None"
            return f"next(({inner} for {name} in ({read},) if {there}), None)"
        if node.container is Container.LIST:
            made = f"[{inner} for {name} in {read}]"
        else:
            key = self.source.variable()
            made = f"{{{key}: {inner} for {key}, {name} in {read}.items()}}"
        return f"({made} if {read} is not None else None)" if _may_be_none(node) else made

    def _absent(self, node: ModelNode, depth: int) -> str:
        if _may_be_none(node):
            return "None"
        if node.container is not Container.SINGLE:
            return _EMPTY[node.container]
        if node.kind is not Kind.MESSAGE or node.model is None:
            return _ZEROS.get(node.kind, "0")
        if hasattr(node.model, "DESCRIPTOR"):
            return self._call(node, {})
        if depth == _MAX_ZERO_DEPTH:
            return "None"
        arguments = {
            child.attribute: self._absent(child, depth + 1) for child in node.attributes.values()
        }
        return self._call(node, arguments)


def _may_be_none(node: ModelNode) -> bool:
    return node.presence is Presence.NONE


def _is_name(name: str) -> bool:
    return name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
