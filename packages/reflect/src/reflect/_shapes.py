# SPDX-License-Identifier: Apache-2.0
"""What a model class looks like, in one form for all kinds of models.

A ``Shape`` belongs to a class, a ``Field`` to one of its attributes. Adapters make them; nodes,
accessors, copies and comparisons are derived from them. A field knows how to read and write the
attribute on an instance, since that is where the kinds of models differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from l8types.enums import Container, Kind, Presence
from l8types.errors import InvalidInputError

__all__ = [
    "KIND_NAMES",
    "MAX_GROWTH",
    "Element",
    "Family",
    "Field",
    "Raw",
    "Shape",
    "is_ignored",
    "zero_of",
]

MAX_GROWTH: Final = 65_536
"""How many default items one write may put between the end of a list and its index: an id from
outside must not be able to exhaust the memory."""

Raw: TypeAlias = Any
"""A live value of a model. The lists, maps and messages of protobuf share no types with those of
Python, so what touches them is typed by what it does."""

KIND_NAMES: Final = {
    Kind.BOOL: "bool",
    Kind.INT: "int",
    Kind.INT32: "int32",
    Kind.INT64: "int64",
    # No model has single bytes, so the kind stands for a byte string here.
    Kind.UINT8: "bytes",
    Kind.UINT32: "uint32",
    Kind.UINT64: "uint64",
    Kind.FLOAT32: "float32",
    Kind.FLOAT64: "float64",
    Kind.STRING: "string",
}
"""Type names of scalars as the ecosystem calls them."""

_ZEROS: Final[dict[Kind, object]] = {
    Kind.BOOL: False,
    Kind.UINT8: b"",
    Kind.FLOAT32: 0.0,
    Kind.FLOAT64: 0.0,
    Kind.STRING: "",
}


class Family(Enum):
    """Kinds of models."""

    PROTOBUF = "protobuf"
    DATACLASS = "dataclass"
    STRUCT = "struct"


@dataclass(frozen=True, slots=True)
class Element:
    """Type of a single value, of the items of a list or of the values of a map."""

    kind: Kind
    type_name: str
    model: type | None = None
    enum_class: type[Enum] | None = None
    enum: Mapping[str, int] | None = None


def zero_of(element: Element) -> object:
    """Zero value of a scalar element."""
    if element.enum_class is not None:
        members = list(element.enum_class)
        return next((member for member in members if not member.value), members[0])
    return _ZEROS.get(element.kind, 0)


def is_ignored(go_name: str, declared: str) -> bool:
    """Whether an attribute is private to the model: nobody sees, compares or copies it."""
    return (
        go_name in {"DoNotCompare", "DoNotCopy"}
        or (len(go_name) > 3 and go_name.startswith("XXX"))
        or declared.startswith("_")
    )


@dataclass(frozen=True, slots=True, eq=False)
class Field(ABC):
    """One attribute of a model. Values passed to writing methods become the instance's own."""

    name: str
    """Go-style name."""
    attribute: str
    """Python attribute."""
    path: str
    """Lower-case element of paths."""
    aliases: tuple[str, ...]
    """Further spellings, lower case."""
    element: Element
    container: Container
    key: Element | None
    presence: Presence
    oneof: str
    """Name of the group of which only one member is there at a time, empty without one."""

    @property
    def is_message(self) -> bool:
        """Whether the element is a model."""
        return self.element.model is not None

    @property
    def is_time_series(self) -> bool:
        """Whether it is a list of samples, which is compared and replaced as a whole."""
        return self.container is Container.LIST and self.element.type_name in {
            "L8TimeSeriesPoint",
            "TimeSeriesPoint",
        }

    @property
    def family(self) -> Family:
        """Kind of the model that owns the field."""
        return Family.DATACLASS

    @property
    def has_default(self) -> bool:
        """Whether it reads as something else than zero or empty where nobody has set it."""
        return True

    @abstractmethod
    def read(self, owner: object) -> object:
        """The live value, ``None`` when absent. Containers may be empty."""

    @abstractmethod
    def write(self, owner: object, value: object) -> None:
        """Replace the whole attribute."""

    @abstractmethod
    def clear(self, owner: object) -> None:
        """Make the attribute absent, or empty or zero where it cannot be."""

    @abstractmethod
    def put(self, owner: object, key: Raw, value: object) -> None:
        """Store an entry of a map, or an item of a list which grows as needed."""

    def entry(self, owner: object, key: Raw) -> object:
        """The live entry of a map or item of a list, ``None`` when there is none."""
        held: Raw = self.read(owner)
        if held is None:
            return None
        if self.container is Container.LIST:
            return held[key] if key < len(held) else None
        # A map of protobuf makes the entry when it is read by index.
        found: object = held.get(key)
        return found

    def remove(self, owner: object, key: Raw) -> None:
        """Remove an entry of a map, or the items of a list from an index on."""
        held: Raw = self.read(owner)
        if held is None:
            return
        if self.container is Container.LIST:
            del held[key:]
        elif key in held:
            del held[key]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A model class."""

    name: str
    model: type
    family: Family
    frozen: bool
    fields: tuple[Field, ...]
    by_path: Mapping[str, Field]
    """By lower-case Go-style name."""
    by_alias: Mapping[str, Field]
    """By every spelling, lower case."""
    new: Callable[[], object]
    """Makes an empty instance, required attributes at zero."""
    private: tuple[str, ...] = ()
    """Attributes that are ignored."""


def make_shape(
    model: type,
    name: str,
    family: Family,
    fields: tuple[Field, ...],
    new: Callable[[], object],
    *,
    frozen: bool = False,
    private: tuple[str, ...] = (),
) -> Shape:
    """Build the look-up tables of a shape.

    Raises:
        InvalidInputError: Two attributes differ only in case or underscores.
    """
    by_path: dict[str, Field] = {}
    for field in fields:
        other = by_path.setdefault(field.path, field)
        if other is not field:
            raise InvalidInputError(
                f"attributes {other.attribute!r} and {field.attribute!r} of {name} have the same "
                f"path {field.path!r}; rename one"
            )
    by_alias = dict(by_path)
    for field in fields:
        for alias in field.aliases:
            by_alias.setdefault(alias, field)
    return Shape(name, model, family, frozen, fields, by_path, by_alias, new, private)
