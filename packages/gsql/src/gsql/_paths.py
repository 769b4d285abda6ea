# SPDX-License-Identifier: Apache-2.0
"""Names of a query to attributes of its model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from gsql._problems import did_you_mean, shown
from l8types.criteria import AttributePath, EntryNode
from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.protocols.models import ModelNode

__all__ = [
    "ResultNode",
    "SizeNode",
    "UnknownNameError",
    "fans_out",
    "has_entry",
    "resolve",
    "row_key",
]

_SIZE: Final = "size()"
_NOTHING: Final[Mapping[str, ModelNode]] = MappingProxyType({})
_STEP: Final = re.compile(r"([^.<>]+)(?:<\{(\d{1,3})(%?)\}([^<>]*)>)?(?:\.(?=.)|$)", re.DOTALL)
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_POSITION: Final = re.compile(r"\d{1,9}", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_UNDECORATED: Final[Mapping[DecoratorType, tuple[str, ...]]] = MappingProxyType({})


class UnknownNameError(Exception):
    """A name that the model does not have; the binder adds the place."""


@dataclass(frozen=True, slots=True)
class ResultNode:
    """The result of an aggregate, which ``having`` and ``sort-by`` treat like an attribute."""

    field_name: str
    kind: Kind
    type_name: str = ""
    attribute: str = ""
    path: str = ""
    parent: ModelNode | None = None
    container: Container = Container.SINGLE
    key_kind: Kind | None = None
    presence: Presence = Presence.NONE
    model: type | None = None
    enum: Mapping[str, int] | None = None
    enum_class: type[Enum] | None = None
    key_enum_class: type[Enum] | None = None
    attributes: Mapping[str, ModelNode] = field(
        default_factory=lambda: _NOTHING, repr=False, compare=False
    )
    decorators: Mapping[DecoratorType, tuple[str, ...]] = field(
        default_factory=lambda: _UNDECORATED, repr=False, compare=False
    )


@dataclass(frozen=True, slots=True)
class SizeNode:
    """The number of entries of a list or map, as the last step of a path: ``ports.size()``.

    It behaves like a whole number that is always there; an absent collection has no entries. Its
    ``field_name`` is that of no attribute, so whoever does not know it leaves it to the query.
    """

    collection: ModelNode
    type_name: str = "int64"
    kind: Kind = Kind.INT64
    container: Container = Container.SINGLE
    key_kind: Kind | None = None
    presence: Presence = Presence.ALWAYS
    model: type | None = None
    enum: Mapping[str, int] | None = None
    enum_class: type[Enum] | None = None
    key_enum_class: type[Enum] | None = None

    @property
    def field_name(self) -> str:
        """Name of the collection, with what is asked of it."""
        return f"{self.collection.field_name}.{_SIZE}"

    @property
    def attribute(self) -> str:
        """Python attribute that holds the collection."""
        return self.collection.attribute

    @property
    def path(self) -> str:
        """Lower-case dotted path, model included."""
        return f"{self.collection.path}.{_SIZE}"

    @property
    def parent(self) -> ModelNode | None:
        """The node above the collection."""
        return self.collection.parent

    @property
    def attributes(self) -> Mapping[str, ModelNode]:
        """A number has none."""
        return _NOTHING

    @property
    def decorators(self) -> Mapping[DecoratorType, tuple[str, ...]]:
        """A number has none."""
        return _UNDECORATED


def fans_out(path: AttributePath, *, whole: bool = False) -> bool:
    """Whether the path may reach several values; ``whole`` takes a last collection as one."""
    nodes = path.nodes[:-1] if whole else path.nodes
    return any(node.container is not Container.SINGLE for node in nodes)


def has_entry(path: AttributePath) -> bool:
    """Whether the path names one entry of a collection."""
    return any(isinstance(node, EntryNode) for node in path.nodes)


def row_key(path: AttributePath) -> str:
    """Key of a result or grouping attribute in the rows of an aggregate query."""
    node = path.node
    return node.field_name if isinstance(node, ResultNode) else path.text


def _step(node: ModelNode, name: str) -> ModelNode | None:
    found = node.attributes.get(name)
    if found is not None:
        return found
    # Names are Go-style in the network; the author of a Python model thinks of his own.
    return next((each for each in node.attributes.values() if each.attribute.lower() == name), None)


def resolve(root: ModelNode, text: str) -> AttributePath:
    """Attribute of a dotted name, which may begin with the name of the model.

    Raises:
        UnknownNameError: There is none; the message suggests the nearest.
    """
    if "<" not in text and "." not in text:
        # By far the most frequent case.
        only = _step(root, text.lower())
        if only is not None:
            return AttributePath((only,))
    if text.lower().endswith(f".{_SIZE}"):
        return _sized(root, text[: -len(_SIZE) - 1])
    steps = list(_steps(text))
    first, key = steps[0]
    prefixed = len(steps) > 1 and key is None and first == root.type_name.lower()
    if prefixed and _step(root, first) is None:
        del steps[0]
    nodes: list[ModelNode] = []
    at = root
    for name, key in steps:
        found = _step(at, name)
        if found is None:
            raise UnknownNameError(_unknown(at, name))
        at = found if key is None else _entry(found, *key)
        nodes.append(at)
    return AttributePath(tuple(nodes))


def _sized(root: ModelNode, text: str) -> AttributePath:
    """The number of entries of a collection."""
    *before, node = resolve(root, text).nodes
    if node.container is Container.SINGLE:
        raise UnknownNameError(f"{text} is a single value; lists and maps have a size")
    return AttributePath((*before, SizeNode(node)))


def _steps(text: str) -> Iterator[tuple[str, tuple[int, str] | None]]:
    """Lower-case names of a dotted text, each with the kind and the text of its key, if any."""
    if "<" not in text:
        yield from ((name, None) for name in text.lower().split("."))
        return
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise UnknownNameError(f"{shown(text)} is no path; write a key as in tags<{{24}}room>")
        name, kind, encoded, key = found.groups()
        if encoded:
            key = _ENCODED.sub(lambda code: chr(int(code[1], 16)), key)
        yield name.lower(), None if kind is None else (int(kind), key)
        at = found.end()


def _entry(node: ModelNode, kind: int, text: str) -> EntryNode:
    """One entry of a collection."""
    if node.container is Container.SINGLE:
        raise UnknownNameError(f"{node.field_name} is a single value and has no entries")
    if node.container is Container.LIST:
        if not _POSITION.fullmatch(text) or kind == Kind.STRING:
            raise UnknownNameError(f"{node.field_name} is a list, {shown(text)} is no position")
        return EntryNode(node, int(text))
    return EntryNode(node, _map_key(node, kind, text))


def _map_key(node: ModelNode, kind: int, text: str) -> int | str | bool:
    wanted = node.key_kind or Kind.STRING
    if wanted is Kind.STRING and kind == Kind.STRING:
        return text
    if wanted is Kind.BOOL and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if wanted not in {Kind.STRING, Kind.BOOL} and kind != Kind.STRING and _WHOLE.fullmatch(text):
        return int(text)
    name = wanted.name.lower()
    raise UnknownNameError(
        f"{node.field_name} has keys of kind {name}, <{{{kind}}}{text}> is none; "
        f"write <{{{int(wanted)}}}…>"
    )


def _unknown(node: ModelNode, name: str) -> str:
    if not node.attributes:
        return f"{node.field_name} has no attributes, so there is no {shown(name)} in it"
    known = [each.field_name for each in node.attributes.values()]
    own = [each.attribute for each in node.attributes.values()]
    hint = did_you_mean(name, [*known, *own]) or _listed(known)
    return f"{node.type_name} has no attribute {shown(name)}{hint}"


def _listed(names: Iterable[str]) -> str:
    first = list(names)[:8]
    return f"; it has {', '.join(first)}" if first else ""
