# SPDX-License-Identifier: Apache-2.0
"""Names of a query to attributes of its model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gsql._problems import did_you_mean, shown
from l8types.criteria import AttributePath
from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.protocols.models import ModelNode

__all__ = ["ResultNode", "UnknownNameError", "fans_out", "resolve", "row_key"]

_NOTHING: Final[Mapping[str, ModelNode]] = MappingProxyType({})
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
    attributes: Mapping[str, ModelNode] = field(
        default_factory=lambda: _NOTHING, repr=False, compare=False
    )
    decorators: Mapping[DecoratorType, tuple[str, ...]] = field(
        default_factory=lambda: _UNDECORATED, repr=False, compare=False
    )


def fans_out(path: AttributePath, *, whole: bool = False) -> bool:
    """Whether the path may reach several values; ``whole`` takes a last collection as one."""
    nodes = path.nodes[:-1] if whole else path.nodes
    return any(node.container is not Container.SINGLE for node in nodes)


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
    names = text.lower().split(".")
    if len(names) > 1 and names[0] == root.type_name.lower() and _step(root, names[0]) is None:
        del names[0]
    nodes: list[ModelNode] = []
    at = root
    for name in names:
        found = _step(at, name)
        if found is None:
            raise UnknownNameError(_unknown(at, name))
        nodes.append(found)
        at = found
    return AttributePath(tuple(nodes))


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
