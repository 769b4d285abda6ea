# SPDX-License-Identifier: Apache-2.0
"""Which fields of a model an import can fill, and what is known about each."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from l8types.enums import Container, DecoratorType, Kind
from l8types.errors import InvalidInputError
from l8types.naming import go_name
from l8types.pb import L8ImportFieldInfo
from l8types.protocols.models import ModelNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from l8types.protocols.models import Introspector

__all__ = [
    "Field",
    "find_field",
    "go_path",
    "importable_fields",
    "is_timestamp",
    "named_field",
    "to_info",
]

_DEEPEST: Final = 5
"""Parts of a dotted name; a model that contains itself would have endless ones."""
_LONGEST: Final = 200
"""Characters of a name that is looked for in more than one way."""
_TYPES: Final = {
    Kind.BOOL: "bool",
    Kind.INT: "int64",
    Kind.INT32: "int32",
    Kind.INT64: "int64",
    Kind.UINT32: "uint",
    Kind.UINT64: "uint",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "float",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: Go-style name, dotted for a field of a part: ``Address.City``.
        nodes: What leads to it, itself the last.
        key: Whether it is part of the primary key.
        required: Whether an item cannot be without it.
    """

    name: str
    nodes: tuple[ModelNode, ...]
    key: bool = False
    required: bool = False

    @property
    def node(self) -> ModelNode:
        """The field itself."""
        return self.nodes[-1]

    @property
    def type_name(self) -> str:
        """What it takes, in the words of the model information."""
        return "string" if self.node.enum is not None else _TYPES.get(self.node.kind, "string")


def importable_fields(model: type, introspector: Introspector) -> dict[str, Field]:
    """Fields by lower-case name, in the order of the model.

    Single values and lists of them, also those of parts; no maps, and no lists of parts.
    """
    keys = introspector.fields(model, DecoratorType.PRIMARY) or ()
    lowered = {key.lower() for key in keys}
    found = _walk(introspector.inspect(model), (), lowered, required=True)
    return {field.name.lower(): field for field in found}


def _walk(
    root: ModelNode, above: tuple[ModelNode, ...], keys: set[str], *, required: bool
) -> Iterator[Field]:
    needed = _without_default(root.model)
    for node in root.attributes.values():
        nodes = (*above, node)
        name = ".".join(part.field_name for part in nodes)
        must = required and node.attribute in needed
        if node.kind is not Kind.MESSAGE or is_timestamp(node):
            if node.container is not Container.MAP:
                is_key = name.lower() in keys
                yield Field(name, nodes, key=is_key, required=must or is_key)
        elif node.container is Container.SINGLE and _ends(node, above):
            yield from _walk(node, nodes, set(), required=must)


def _ends(node: ModelNode, above: tuple[ModelNode, ...]) -> bool:
    """Whether a part is not within itself; what it holds is offered once then."""
    return len(above) + 1 < _DEEPEST and all(part.model is not node.model for part in above)


def is_timestamp(node: ModelNode) -> bool:
    """Whether it is a single moment of protobuf's own type."""
    model = node.model
    return (
        node.container is Container.SINGLE
        and node.type_name == "Timestamp"
        and getattr(getattr(model, "DESCRIPTOR", None), "full_name", "")
        == "google.protobuf.Timestamp"
    )


def _without_default(model: type | None) -> frozenset[str]:
    """Attributes that the constructor asks for."""
    if model is None:
        return frozenset()
    if dataclasses.is_dataclass(model):
        missing = dataclasses.MISSING
        return frozenset(
            field.name
            for field in dataclasses.fields(model)
            if field.default is missing and field.default_factory is missing
        )
    if issubclass(model, msgspec.Struct):
        return frozenset(f.name for f in msgspec.structs.fields(model) if f.required)
    return frozenset()


def go_path(name: str) -> str:
    """The lower-case Go-style form of a dotted name as it is declared (``home.post_code``)."""
    return ".".join(go_name(part) for part in name.split(".")).lower()


def named_field(fields: Mapping[str, Field], name: str) -> Field | None:
    """A field by its name in either style, ``None`` when there is none."""
    found = fields.get(name.lower())
    # Names of the other style are remembered, so a file must not fill the memory with long ones.
    return found or (fields.get(go_path(name)) if len(name) <= _LONGEST else None)


def find_field(fields: Mapping[str, Field], name: str) -> Field:
    """A field by its name: as in the model information, or as its attributes are declared.

    Raises:
        InvalidInputError: There is none; suggests the nearest.
    """
    found = named_field(fields, name)
    if found is not None:
        return found
    near = difflib.get_close_matches(name[:_LONGEST].lower(), fields, 1)
    hint = f"; the nearest is {fields[near[0]].name}" if near else ""
    raise InvalidInputError(f"the model has no field {name[:80]!r} to import into{hint}")


def to_info(field: Field) -> L8ImportFieldInfo:
    """What the editor of a template wants to know."""
    return L8ImportFieldInfo(
        field_name=field.name,
        field_type=field.type_name,
        is_required=field.required,
        is_primary_key=field.key,
        enum_values=field.node.enum or {},
    )
