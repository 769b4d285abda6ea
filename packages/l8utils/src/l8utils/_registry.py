# SPDX-License-Identifier: Apache-2.0
"""Types by their short names, which is how messages name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types import pb
from l8types.errors import ConflictError, InvalidInputError, NotFoundError
from l8utils._names import short_name, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.runtime import Resources

WIRE_TYPES: Final = tuple(
    getattr(pb, name) for name in pb.__all__ if name.startswith(("L8", "Auth"))
)
"""Messages of the ecosystem itself, known to every registry. Names without the prefix of the
ecosystem (``EventRecord``, ``TestProto``) are left to applications, which may have their own."""


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredType:
    """One registered type."""

    name: str
    """Short type name, its identity on the wire."""
    model: type
    """The Python class."""

    def __repr__(self) -> str:
        return f"RegisteredType({self.name!r}, {_origin(self.model)})"

    def new(self) -> object:
        """A fresh, empty instance.

        Raises:
            InvalidInputError: The class has required attributes without default.
        """
        try:
            return self.model()
        except TypeError as error:
            raise InvalidInputError(
                f"type {self.name!r} cannot be made empty, give its attributes defaults: {error}"
            ) from error


class TypeRegistry:
    """Registry in memory; the messages of the ecosystem are known from the start.

    Names of enumeration values share one flat table, as on the network. A name that two
    enumerations use for different numbers is ambiguous and answers ``None``.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, RegisteredType] = {}
        self._by_model: dict[type, RegisteredType] = {}
        self._enums: dict[str, int | None] = {}
        for model in WIRE_TYPES:
            self.register(model)

    def register(self, model: type, *, name: str = "") -> RegisteredType:
        """Register a model class; registering the same class again returns the same info.

        Args:
            model: The class.
            name: Short name, by default the one that the class has on the wire.

        Raises:
            ConflictError: Another class holds the name, or the class has another name already.
            InvalidInputError: Not a class.
        """
        if not isinstance(model, type):
            raise InvalidInputError(f"cannot register {model!r}, a model is a class")
        known = self._by_model.get(model)
        if known is not None:
            if name and name != known.name:
                raise ConflictError(f"{model.__name__} is registered as {known.name!r} already")
            return known
        info = RegisteredType(name or short_name(model), model)
        holder = self._by_name.get(info.name)
        if holder is not None:
            raise ConflictError(
                f"type name {info.name!r} of {_origin(model)} is held by {_origin(holder.model)}, "
                "register one of them under another name"
            )
        self._by_name[info.name] = self._by_model[model] = info
        return info

    def unregister(self, name: str) -> bool:
        """Forget a type; whether it was known."""
        info = self._by_name.pop(name, None)
        if info is None:
            return False
        del self._by_model[info.model]
        return True

    def info(self, name: str) -> RegisteredType:
        """Look a type up by its short name.

        Raises:
            NotFoundError: Unknown; the message suggests the nearest name.
        """
        try:
            return self._by_name[name]
        except KeyError:
            known = self._by_name
            raise NotFoundError(f"unknown type {name!r}{suggestion(name, known)}") from None

    def info_of(self, value: type | object) -> RegisteredType:
        """Look up the type of an instance or class.

        Raises:
            NotFoundError: The class is not registered.
        """
        try:
            # Mostly an instance: codecs ask for every one that they write.
            return self._by_model[type(value)]
        except KeyError:
            model = value if isinstance(value, type) else type(value)
        info = self._by_model.get(model)
        if info is None:
            raise NotFoundError(f"{_origin(model)} is not registered, register it first")
        return info

    def types(self) -> tuple[RegisteredType, ...]:
        """All registered types in order of registration."""
        return tuple(self._by_name.values())

    def register_enum(self, names: Mapping[str, int]) -> None:
        """Make enum value names known for look-ups by name."""
        for name, number in names.items():
            known = self._enums.setdefault(name, number)
            if known != number:
                self._enums[name] = None

    def enum(self, name: str) -> int | None:
        """Number of an enum value name, ``None`` when unknown or ambiguous."""
        return self._enums.get(name)


def _origin(model: type) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def create_registry(_resources: Resources) -> TypeRegistry:
    """Entry point ``layer8.registry``: a registry with the messages of the ecosystem."""
    return TypeRegistry()
