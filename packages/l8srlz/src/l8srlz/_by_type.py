# SPDX-License-Identifier: Apache-2.0
"""Serializers in which a type can have a form of its own.

A node has one serializer for each mode. An application that wants another form for one of its
types (a state that is written ``3/4``, a picture as a data URL) gives that type a serializer of its
own for the mode; all other types keep the usual one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast, final

from l8types.enums import SerializerMode
from l8types.errors import DecodeError, EncodeError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.models import Serializer

T = TypeVar("T")
M = TypeVar("M")


@final
class SerializerByType:
    """Serializer of one mode that leaves some types to serializers of their own.

    What is nested in a value is written by the serializer of the whole value. Serializers belong to
    classes: registering a class anew at a registry does not touch them.

    May be shared by threads once the types are registered.

    Args:
        mode: The representation.
        usual: Serializer of all other types; by default they have no form.
    """

    __slots__ = ("_by_type", "_mode", "_usual")

    def __init__(self, mode: SerializerMode, usual: Serializer | None = None) -> None:
        self._mode = mode
        self._usual = usual
        self._by_type: dict[type, Serializer] = {}

    @property
    def mode(self) -> SerializerMode:
        """Which representation."""
        return self._mode

    def register(self, model: type, serializer: Serializer) -> None:
        """Give a type a serializer of its own; a second one replaces the first.

        Raises:
            InvalidInputError: The serializer is of another mode.
        """
        if serializer.mode is not self._mode:
            raise InvalidInputError(
                f"a serializer for {serializer.mode.name} cannot be that of {model.__name__} for "
                f"{self._mode.name}; register it at the serializer of its mode"
            )
        self._by_type[model] = serializer

    def of(self, model: type) -> Serializer | None:
        """The serializer in charge of a type, ``None`` when the type has no form."""
        return self._by_type.get(model, self._usual)

    def marshal(self, value: object) -> bytes:
        """Bytes of a value.

        Raises:
            EncodeError: Its type has no form in this mode, or the value cannot be represented.
        """
        model = type(value)
        serializer = self._by_type.get(model, self._usual)
        if serializer is None:
            raise EncodeError(self._no_form(model))
        return serializer.marshal(value)

    def unmarshal(self, data: bytes, model: type[T]) -> T:
        """Instance of ``model`` from bytes.

        Raises:
            DecodeError: The type has no form in this mode, or the bytes do not fit it.
        """
        serializer = self._by_type.get(model, self._usual)
        if serializer is None:
            raise DecodeError(self._no_form(model))
        return serializer.unmarshal(data, model)

    def _no_form(self, model: type) -> str:
        return f"{model.__name__} has no form as {self._mode.name}; register a serializer for it"


@final
class TextForm(Generic[T]):
    """Serializer of the mode STRING for one type, made of two functions.

    Args:
        model: The type.
        write: Text of an instance.
        read: Instance of a text; raises ``ValueError`` for a text that is none.
    """

    __slots__ = ("_model", "_read", "_write")

    def __init__(
        self, model: type[T], *, write: Callable[[T], str], read: Callable[[str], T]
    ) -> None:
        self._model = model
        self._write = write
        self._read = read

    @property
    def mode(self) -> SerializerMode:
        """Which representation: STRING."""
        return SerializerMode.STRING

    def marshal(self, value: object) -> bytes:
        """UTF-8 of the text of an instance.

        Raises:
            EncodeError: Of another type, or it has no text.
        """
        if not isinstance(value, self._model):
            raise EncodeError(f"a {type(value).__name__} is no {self._model.__name__}")
        try:
            return self._write(value).encode()
        except ValueError as error:
            raise EncodeError(f"this {self._model.__name__} has no text: {error}") from error

    def unmarshal(self, data: bytes, model: type[M]) -> M:
        """Instance of the type from UTF-8.

        Raises:
            DecodeError: Another type is asked for, or the text is none of it.
        """
        if not issubclass(self._model, model):
            raise DecodeError(f"a text of {self._model.__name__} is no {model.__name__}")
        try:
            return cast("M", self._read(data.decode()))
        except ValueError as error:
            raise DecodeError(f"no {self._model.__name__}: {error}") from error
