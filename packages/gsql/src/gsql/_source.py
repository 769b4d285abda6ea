# SPDX-License-Identifier: Apache-2.0
"""Pieces of generated Python that read attributes.

A query is evaluated for each of very many items, so it becomes one expression of Python instead of
a tree of closures. Nothing of a query's text gets into the source: attributes come from the nodes
of the model, values are constants with numbered names.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gsql._paths import SizeNode, row_key
from l8types.criteria import EntryNode
from l8types.enums import Container, Presence

if TYPE_CHECKING:
    from types import CodeType

    from l8types.criteria import AttributePath
    from l8types.protocols.models import ModelNode

__all__ = ["Leaf", "Source"]

_FIRST = "lambda entry: entry[0]"

Leaf = Callable[[str], str]
"""Makes the condition on the value that an expression gives."""


@lru_cache(maxsize=1_024)
def _compiled(source: str) -> CodeType:
    """Code of a source; queries that differ in their constants only share it."""
    return compile(source, "<gsql>", "exec")


class Source:
    """Collects the constants of one generated module and makes its expressions.

    Args:
        rows: Names of the results when the items are rows of an aggregate query, not objects:
            a path is then read from the row by its text.
        guarded: Whether ``None`` is looked for on the way. Without it the expressions are faster
            and raise ``TypeError`` or ``AttributeError`` where something is absent.
    """

    def __init__(self, *, rows: bool = False, guarded: bool = True) -> None:
        self.rows = rows
        self.guarded = guarded
        self._constants: dict[str, object] = {}
        self._variables = 0

    def constant(self, value: object) -> str:
        """Name under which the source reads a value."""
        name = f"c{len(self._constants)}"
        self._constants[name] = value
        return name

    @property
    def constants(self) -> Mapping[str, object]:
        """The constants by their names."""
        return self._constants

    def variable(self) -> str:
        """A fresh name."""
        self._variables += 1
        return f"v{self._variables}"

    def function(self, name: str, source: str) -> Callable[[Any], Any]:
        """Run the source of a module and take one function out of it."""
        space: dict[str, Any] = dict(self._constants)
        exec(_compiled(source), space)  # noqa: S102 - made here, of attribute names and constants
        made: Callable[[Any], Any] = space[name]
        return made

    def read(self, owner: str, node: ModelNode) -> str:
        """Expression that reads an attribute, or one entry of a collection."""
        if isinstance(node, EntryNode):
            return self._entry(owner, node)
        if isinstance(node, SizeNode):
            return f"len({self.read(owner, node.collection)} or ())"
        name = node.attribute
        if name.isidentifier() and name.isascii() and not keyword.iskeyword(name):
            return f"{owner}.{name}"
        return f"getattr({owner}, {self.constant(name)})"

    def _entry(self, owner: str, node: EntryNode) -> str:
        held, key = self.read(owner, node.collection), self.constant(node.key)
        absent = node.collection.presence is Presence.NONE
        if node.collection.container is Container.MAP:
            return f"({held} or {{}}).get({key})" if absent else f"{held}.get({key})"
        some = f"({held} or ())" if absent else held
        return f"({some}[{key}] if len({some}) > {key} else None)"

    def present(self, owner: str, node: ModelNode) -> str:
        """Condition that a protobuf attribute is there, "" when that cannot be asked."""
        if node.presence is not Presence.HAS_FIELD:
            return ""
        return f"{owner}.HasField({self.constant(node.attribute)})"

    def walk(
        self, owner: str, path: AttributePath, leaf: Leaf, *, every: bool, whole: bool = False
    ) -> str:
        """Condition on what a path reaches.

        Args:
            owner: Expression of the item.
            path: The path.
            leaf: Makes the condition on one value.
            every: All values must satisfy it, not any.
            whole: A collection at the end counts as one value.
        """
        if self.rows:
            return self._guard(f"{owner}[{self.constant(row_key(path))}]", leaf)
        return self._walk(owner, path.nodes, leaf, "all" if every else "any", whole=whole)

    def _walk(
        self, owner: str, nodes: Sequence[ModelNode], leaf: Leaf, fold: str, *, whole: bool
    ) -> str:
        node, rest = nodes[0], nodes[1:]
        access = self.read(owner, node)

        def go_on(value: str) -> str:
            return self._walk(value, rest, leaf, fold, whole=whole) if rest else leaf(value)

        if node.container is not Container.SINGLE and (rest or not whole):
            return self._fan_out(access, node, go_on, fold)
        present = self.present(owner, node)
        if present:
            return f"({present} and {go_on(access)})"
        if node.presence is Presence.NONE:
            return self._guard(access, go_on)
        return go_on(access)

    def _guard(self, access: str, go_on: Leaf) -> str:
        if not self.guarded:
            return go_on(access)
        name = self.variable()
        return f"(({name} := {access}) is not None and {go_on(name)})"

    def _fan_out(self, access: str, node: ModelNode, go_on: Leaf, fold: str) -> str:
        name = self.variable()
        condition = go_on(name)
        if self.guarded:
            condition = f"{name} is not None and {condition}"
        return f"{fold}({condition} for {name} in {self.elements(access, node)})"

    def elements(self, access: str, node: ModelNode) -> str:
        """Expression of the elements of a collection; those of a map are its values."""
        empty = node.presence is Presence.NONE and self.guarded
        if node.container is Container.MAP:
            return f"({access} or {{}}).values()" if empty else f"{access}.values()"
        return f"({access} or ())" if empty else access

    def values(self, owner: str, path: AttributePath, *, ordered: bool = False) -> str:
        """Expression of the list of all values that a path reaches, without the absent ones.

        Args:
            owner: Expression of the item.
            path: The path.
            ordered: Maps are read in the order of their keys; equal maps may have any other.
        """
        if self.rows:
            return f"[{owner}[{self.constant(row_key(path))}]]"
        name = self.variable()
        loops = [f"for {name} in ({owner},)"]
        at = name
        for node in path.nodes:
            present = self.present(at, node)
            if present:
                loops.append(f"if {present}")
            name = self.variable()
            access = self.read(at, node)
            if node.container is Container.SINGLE:
                loops.append(f"for {name} in ({access},)")
            elif ordered and node.container is Container.MAP:
                loops.append(f"for _, {name} in sorted(({access} or {{}}).items(), key={_FIRST})")
            else:
                loops.append(f"for {name} in {self.elements(access, node)}")
            loops.append(f"if {name} is not None")
            at = name
        return f"[{at} {' '.join(loops)}]"
