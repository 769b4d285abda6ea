# SPDX-License-Identifier: Apache-2.0
"""Model-agnostic access to data: type trees, properties, keys, copies and changes.

A model is a protobuf message class, a dataclass or a ``msgspec.Struct``. Everything here is pure
computation, safe to call from any thread once the models are registered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Protocol, TypeVar

from l8types.enums import Container, DecoratorType, Kind, Presence, SerializerMode, UpdateMode
from l8types.pb import L8TableView
from l8types.values import ChangeSet

__all__ = [
    "Cloner",
    "Decorators",
    "Inspector",
    "Introspector",
    "KeyExtractor",
    "ModelNode",
    "Property",
    "PropertyResolver",
    "Registry",
    "Serializer",
    "TextCodec",
    "TypeInfo",
    "Updater",
]

T = TypeVar("T")


class ModelNode(Protocol):
    """A model, or one attribute seen from the model at the root of its path. Immutable.

    Trees of recursive models expand on demand, so ``attributes`` may be followed for ever.
    """

    @property
    def type_name(self) -> str:
        """Short name of the value's type; for lists and maps that of one element."""
        ...

    @property
    def field_name(self) -> str:
        """Go-style name of the attribute (``MyString``), empty at the root."""
        ...

    @property
    def attribute(self) -> str:
        """Python attribute that holds it on an instance, empty at the root."""
        ...

    @property
    def path(self) -> str:
        """Lower-case dotted path, root type included: ``networkdevice.interfaces.name``."""
        ...

    @property
    def parent(self) -> ModelNode | None:
        """The node above, ``None`` at the root."""
        ...

    @property
    def attributes(self) -> Mapping[str, ModelNode]:
        """Attributes of a structured value by lower-case field name, in declaration order."""
        ...

    @property
    def kind(self) -> Kind:
        """Kind of the value; for lists and maps of one element."""
        ...

    @property
    def container(self) -> Container:
        """Whether it is a single value, a list or a map."""
        ...

    @property
    def key_kind(self) -> Kind | None:
        """Kind of the keys of a map, otherwise ``None``."""
        ...

    @property
    def presence(self) -> Presence:
        """How absence shows on an instance."""
        ...

    @property
    def model(self) -> type | None:
        """Python class of a structured value (its constructor takes attributes by keyword)."""
        ...

    @property
    def enum(self) -> Mapping[str, int] | None:
        """Names and numbers of an enumerated attribute, otherwise ``None``."""
        ...

    @property
    def enum_class(self) -> type[Enum] | None:
        """Python class of whose members the values are, where the model has one.

        Enumerated attributes of messages are plain numbers and have none, those of texts
        (``StrEnum``) have one without ``enum``.
        """
        ...

    @property
    def key_enum_class(self) -> type[Enum] | None:
        """The same of the keys of a map, ``None`` for everything else."""
        ...

    @property
    def decorators(self) -> Mapping[DecoratorType, tuple[str, ...]]:
        """Decorators of the model at this node, with their fields."""
        ...


class Property(Protocol):
    """One addressable place in instances of a model. Immutable and reusable."""

    @property
    def id(self) -> str:
        """Property id in text form; parsing it again gives an equal property."""
        ...

    @property
    def node(self) -> ModelNode:
        """The attribute that the property ends at."""
        ...

    def get(self, instance: object) -> object:
        """Value at the place, ``None`` when anything on the way is absent.

        Without a key on a list or map it is the container itself.
        """
        ...

    def set(self, instance: object, value: object) -> None:
        """Store ``value``, creating what is missing on the way.

        Raises:
            PropertyError: The value does not fit; the instance is unchanged.
        """
        ...

    def delete(self, instance: object) -> None:
        """Remove the entry or clear the attribute; nothing happens when it is absent."""
        ...

    def values(self, instance: object) -> Iterator[object]:
        """All values that the path reaches, fanning out over collections without a key."""
        ...


class Inspector(Protocol):
    """Type trees of models."""

    def inspect(self, model: type | object) -> ModelNode:
        """Root node of a model class or instance; builds it on the first call.

        Raises:
            InvalidInputError: Not a supported kind of model; names the attribute at fault.
        """
        ...

    def node(self, path: str) -> ModelNode:
        """Node of an inspected type name or dotted path, case-insensitive.

        Raises:
            NotFoundError: Unknown; the message suggests the nearest name.
        """
        ...

    def roots(self) -> tuple[ModelNode, ...]:
        """Root nodes of all inspected models, in order of inspection."""
        ...

    def table_view(self, type_name: str) -> L8TableView:
        """Columns and sub-tables of a model for tabular display.

        Raises:
            NotFoundError: The type was not inspected.
        """
        ...

    def forget(self, type_name: str) -> None:
        """Drop a model and its nodes; nothing happens when it is unknown."""
        ...


class Decorators(Protocol):
    """Declarations about models: keys, uniqueness, replacement instead of merge."""

    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        """Declare a decorator; a second call replaces the first.

        Args:
            model: The model class; inspected on demand.
            decorator: What is declared.
            *fields: Attribute names, as declared or Go-style, case-insensitive.

        Raises:
            PropertyError: An attribute does not exist; the message suggests the nearest.
        """
        ...

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        """Go-style names of the decorated attributes, ``None`` when not declared."""
        ...


class KeyExtractor(Protocol):
    """Keys of items as declared by the decorators."""

    def primary_key(self, item: object) -> str:
        """Plain text of the primary key, as used by caches, stores and notifications.

        Raises:
            PropertyError: No primary key is declared for the model, or it is empty.
        """
        ...

    def unique_key(self, item: object) -> str | None:
        """Plain text of the unique key, ``None`` when not declared or empty."""
        ...


class PropertyResolver(Protocol):
    """Property ids to properties; results are cached."""

    def property(self, property_id: str) -> Property:
        """Parse a property id such as ``book<{24}{24}1>.price``.

        Raises:
            PropertyError: Malformed, or an unknown type or attribute.
        """
        ...

    def property_for(self, item: object, path: str) -> Property:
        """Property of the attribute ``path`` (dotted, keys in ``<>``) of a given item.

        Raises:
            PropertyError: As above, or the item has no key.
        """
        ...


class Introspector(Inspector, Decorators, KeyExtractor, PropertyResolver, Protocol):
    """All that packages need to know about models."""


class Cloner(Protocol):
    """Independent copies."""

    def clone(self, item: T) -> T:
        """Deep copy of a model instance, unknown protobuf fields included."""
        ...


class Updater(Protocol):
    """Differences between two states of an item, as data."""

    def diff(self, old: object, new: object, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        """Changes that turn ``old`` into ``new``; neither is modified.

        Raises:
            InvalidInputError: The two are of different models.
            PropertyError: The model has no primary key, or the keys differ.
        """
        ...

    def apply(self, changes: ChangeSet, target: T) -> T:
        """Apply changes to ``target`` in place and return it.

        Raises:
            PropertyError: A change does not fit; earlier changes of the set stay applied.
        """
        ...

    def check(self, item: object) -> None:
        """Accept an item whose values are what its model declares, however deep.

        Python lets a dataclass hold anything; whoever keeps items asks before it keeps one.

        Raises:
            PropertyError: A value is not of the declared type, or a part contains itself; the
                message names the model, the attribute and what is expected.
        """
        ...

    def invert(self, changes: ChangeSet) -> ChangeSet:
        """Changes that undo ``changes``."""
        ...


class Serializer(Protocol):
    """One representation of models."""

    @property
    def mode(self) -> SerializerMode:
        """Which representation."""
        ...

    def marshal(self, value: object) -> bytes:
        """Bytes of a model instance.

        Raises:
            EncodeError: The value cannot be represented.
        """
        ...

    def unmarshal(self, data: bytes, model: type[T]) -> T:
        """Instance of ``model`` from bytes.

        Raises:
            DecodeError: The bytes do not fit the model; names the attribute where it is known.
        """
        ...


class TypeInfo(Protocol):
    """One registered type."""

    @property
    def name(self) -> str:
        """Short type name, its identity on the wire."""
        ...

    @property
    def model(self) -> type:
        """The Python class."""
        ...

    def new(self) -> object:
        """A fresh, empty instance.

        Raises:
            InvalidInputError: The class has required attributes without default.
        """
        ...


class Registry(Protocol):
    """Types by short name, as they appear on the wire."""

    def register(self, model: type, *, name: str = "") -> TypeInfo:
        """Register a model class; registering the same class again returns the same info.

        Raises:
            ConflictError: Another class holds the name.
        """
        ...

    def unregister(self, name: str) -> bool:
        """Forget a type; whether it was known."""
        ...

    def info(self, name: str) -> TypeInfo:
        """Look a type up by its short name.

        Raises:
            NotFoundError: Unknown; the message suggests the nearest name.
        """
        ...

    def info_of(self, value: type | object) -> TypeInfo:
        """Look up the type of an instance or class.

        Raises:
            NotFoundError: The class is not registered.
        """
        ...

    def types(self) -> tuple[TypeInfo, ...]:
        """All registered types in order of registration."""
        ...

    def register_enum(self, names: Mapping[str, int]) -> None:
        """Make enum value names known for look-ups by name."""
        ...

    def enum(self, name: str) -> int | None:
        """Number of an enum value name, ``None`` when unknown."""
        ...


class TextCodec(Protocol):
    """Typed text of scalar values, as in property ids and composite keys (``{24}abc``)."""

    def to_text(self, value: object, kind: Kind | None = None) -> str:
        """Typed text; ``kind`` overrides the kind that the Python type suggests."""
        ...

    def from_text(self, text: str) -> object:
        """The value of a typed text.

        Raises:
            DecodeError: Not a typed text.
        """
        ...
