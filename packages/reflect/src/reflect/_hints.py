# SPDX-License-Identifier: Apache-2.0
"""Type hints of dataclasses and structs to fields, with errors that name model and attribute."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Final, ForwardRef, NewType, Union, get_args, get_origin

from google.protobuf.message import Message
from msgspec import Struct
from typing_extensions import override

from l8types.enums import Container, Kind, Presence
from l8types.errors import InvalidInputError, PropertyError
from l8types.naming import go_name
from reflect._shapes import KIND_NAMES, Element, Family, Field, Raw, zero_of

__all__ = ["PlainField", "is_model", "is_struct", "plain_field", "resolve_hints"]

_SCALARS: Final[dict[object, Kind]] = {
    bool: Kind.BOOL,
    int: Kind.INT64,
    float: Kind.FLOAT64,
    str: Kind.STRING,
    bytes: Kind.UINT8,
}
_WIDTHS: Final = {
    int: {Kind.INT, Kind.INT32, Kind.INT64, Kind.UINT32, Kind.UINT64},
    float: {Kind.FLOAT32, Kind.FLOAT64},
}
"""Kinds that ``Annotated[int, Kind.UINT32]`` may choose."""
_ADVICE: Final = (
    "use bool, int, float, str, bytes, an IntEnum or StrEnum, a model, list[X], dict[K, X] or one "
    "of these with | None"
)


def is_struct(model: type) -> bool:
    """Whether a class is a ``msgspec.Struct``."""
    return issubclass(model, Struct)


def is_model(value: object) -> typing.TypeGuard[type]:
    """Whether a value is a class of a supported kind of model."""
    return isinstance(value, type) and (
        issubclass(value, Message) or dataclasses.is_dataclass(value) or is_struct(value)
    )


@dataclass(frozen=True, slots=True, eq=False)
class PlainField(Field):
    """Attribute of a dataclass or struct."""

    owner: str
    owner_family: Family
    frozen: bool

    @property
    @override
    def family(self) -> Family:
        return self.owner_family

    @override
    def read(self, owner: object) -> object:
        return getattr(owner, self.attribute)

    @override
    def write(self, owner: object, value: object) -> None:
        self.check_writable()
        setattr(owner, self.attribute, value)

    def check_writable(self) -> None:
        """Refuse to write an attribute of a frozen model.

        Raises:
            PropertyError: The model is frozen.
        """
        if self.frozen:
            raise PropertyError(
                f"attribute {self.attribute!r} of {self.owner} cannot be set: the model is frozen"
            )

    @override
    def clear(self, owner: object) -> None:
        self.write(owner, self.empty())

    def empty(self) -> object:
        """What stands for absent."""
        if self.presence is Presence.NONE:
            return None
        if self.container is not Container.SINGLE:
            return [] if self.container is Container.LIST else {}
        return self.zero()

    def zero(self) -> object:
        """Zero value of one element."""
        from reflect._adapters import shape_of  # noqa: PLC0415 - shapes are made of fields

        model = self.element.model
        return zero_of(self.element) if model is None else shape_of(model).new()

    @override
    def put(self, owner: object, key: Raw, value: object) -> None:
        held: Any = getattr(owner, self.attribute)
        if held is None:
            held = [] if self.container is Container.LIST else {}
            self.write(owner, held)
        if self.container is Container.LIST and key >= len(held):
            held.extend(self.zero() for _ in range(key - len(held)))
            held.append(value)
        else:
            held[key] = value


@dataclass(frozen=True, slots=True)
class _Place:
    """The attribute whose hint is read, for messages."""

    model: str
    attribute: str

    def refuse(self, hint: object) -> InvalidInputError:
        shown = hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
        return InvalidInputError(
            f"attribute {self.attribute!r} of {self.model} has the unsupported type {shown}; "
            f"{_ADVICE}"
        )


def resolve_hints(model: type) -> dict[str, object]:
    """Type hints of a class with forward references resolved.

    Raises:
        InvalidInputError: A name cannot be resolved.
    """
    try:
        return typing.get_type_hints(model, localns={model.__name__: model}, include_extras=True)
    except NameError as error:
        raise InvalidInputError(
            f"a type hint of {model.__name__} cannot be resolved: {error}; define the type at the "
            "top level of the module, above the first use of the model"
        ) from error


def _strip(hint: object) -> tuple[object, Kind | None]:
    """Remove what says nothing about the value; the kind that ``Annotated`` chose."""
    kind: Kind | None = None
    while True:
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            kind = next((extra for extra in extras if isinstance(extra, Kind)), kind)
        elif isinstance(hint, NewType):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__  # type: ignore[attr-defined]
        elif get_origin(hint) is Final:
            (hint,) = get_args(hint)
        else:
            return hint, kind


def _optional(hint: object) -> tuple[object, bool]:
    """Split ``X | None``."""
    if get_origin(hint) not in {Union, types.UnionType}:
        return hint, False
    members = get_args(hint)
    rest = [member for member in members if member is not type(None)]
    if len(rest) != 1 or len(rest) == len(members):
        return hint, False
    return rest[0], True


def _enum_element(hint: type[enum.Enum], place: _Place) -> Element:
    if issubclass(hint, int):
        names = {name: int(member.value) for name, member in hint.__members__.items()}
        return Element(Kind.INT32, hint.__name__, enum_class=hint, enum=names)
    if issubclass(hint, str):
        return Element(Kind.STRING, hint.__name__, enum_class=hint)
    raise place.refuse(hint)


def _element(hint: object, place: _Place, width: Kind | None = None) -> Element:
    bare, kind = _strip(hint)
    kind = width if kind is None else kind
    if is_model(bare):
        from reflect._adapters import type_name_of  # noqa: PLC0415 - names depend on the adapter

        return Element(Kind.MESSAGE, type_name_of(bare), bare)
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        return _enum_element(bare, place)
    if bare not in _SCALARS or isinstance(bare, ForwardRef):
        raise place.refuse(hint)
    chosen = _SCALARS[bare] if kind is None else kind
    if kind is not None and kind not in _WIDTHS.get(bare, ()):  # type: ignore[call-overload]
        raise place.refuse(hint)
    return Element(chosen, KIND_NAMES[chosen])


def _key(hint: object, place: _Place) -> Element:
    key = _element(hint, place)
    if key.kind in {Kind.MESSAGE, Kind.UINT8, Kind.FLOAT32, Kind.FLOAT64}:
        raise place.refuse(hint)
    return key


def plain_field(
    model: type, attribute: str, hint: object, family: Family, *, frozen: bool, alias: str = ""
) -> PlainField:
    """Field of a dataclass or struct from its type hint.

    Raises:
        InvalidInputError: The hint is not supported.
    """
    place = _Place(model.__name__, attribute)
    bare, width = _strip(hint)
    bare, optional = _optional(bare)
    inner, _ = _strip(bare)
    container, key, value = Container.SINGLE, None, bare
    if get_origin(inner) is list:
        container, value = Container.LIST, get_args(inner)[0]
    elif get_origin(inner) is dict:
        container, (first, value) = Container.MAP, get_args(inner)
        key = _key(first, place)
    name = go_name(attribute)
    camel = name[:1].lower() + name[1:]
    return PlainField(
        name=name,
        attribute=attribute,
        path=name.lower(),
        aliases=tuple({attribute.lower(), camel.lower(), alias.lower() or attribute.lower()}),
        element=_element(value, place, width),
        container=container,
        key=key,
        presence=Presence.NONE if optional else Presence.ALWAYS,
        oneof="",
        owner=model.__name__,
        owner_family=family,
        frozen=frozen,
    )
