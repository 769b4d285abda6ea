# SPDX-License-Identifier: Apache-2.0
"""Bodies of dataclass and ``msgspec.Struct`` instances: MessagePack, by attribute name.

Messages and numbers with a width may be attributes of such models; both need the hooks below,
since msgspec does not know them.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

import msgspec
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from l8srlz._faults import Fault, shown
from l8srlz._scalars import SIZED, Float32
from l8srlz._unwritable import WRITE_ERRORS, unwritable_part

READ_ERRORS: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
"""What msgspec and the constructor of a model raise when the bytes do not fit."""


def is_native(model: type) -> bool:
    """Whether instances of a class travel as the native kind."""
    return dataclasses.is_dataclass(model) or issubclass(model, msgspec.Struct)


def plain_number(value: object) -> int | float | None:
    """A number with a width as a plain one, ``None`` for any other value."""
    if isinstance(value, Float32):
        return float(value)
    return int(value) if isinstance(value, int) and type(value) in SIZED else None


def _to_builtin(value: object) -> object:
    if isinstance(value, Message):
        return value.SerializeToString(deterministic=True)
    number = plain_number(value)
    if number is None:
        raise TypeError(f"a {type(value).__name__} cannot be an attribute of a model")
    return number


def sized_number(wanted: type, value: object) -> object:
    """A number of one of the classes with a width; a value of the wanted class as it is.

    Raises:
        TypeError: The class is another one, or the value no number for it; msgspec adds where.
    """
    if isinstance(value, wanted):
        return value
    if wanted in SIZED and (type(value) is int or (wanted is Float32 and isinstance(value, float))):
        return wanted(value)
    raise TypeError(f"{shown(value)} is no {wanted.__name__}")


def _from_builtin(wanted: type, value: object) -> object:
    if not issubclass(wanted, Message) or not isinstance(value, bytes):
        return sized_number(wanted, value)
    try:
        return wanted.FromString(value)
    except ProtobufError as error:
        raise ValueError(f"no {wanted.__name__}: {error}") from error


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_to_builtin)


class NativeBodies:
    """Bytes of models and back; keeps one compiled decoder per model."""

    __slots__ = ("_decoders",)

    def __init__(self) -> None:
        self._decoders: dict[type, msgspec.msgpack.Decoder[object]] = {}

    @staticmethod
    def write(value: object) -> bytes:
        """Body of a model instance.

        Raises:
            Fault: It cannot be written; tells the part.
        """
        try:
            return _encoder.encode(value)
        except WRITE_ERRORS as error:
            fault = unwritable_part(value, _encoder.encode, error)
            raise fault.within(f" ({type(value).__name__})") from error

    def read(self, model: type, body: bytes) -> object:
        """Instance of a model from its body."""
        try:
            return self._decoder(model).decode(body)
        except READ_ERRORS as error:
            raise Fault(f"no {model.__name__}: {error}") from error

    def reader(self, model: type) -> Callable[[bytes], object]:
        """Function that reads the bodies of one model, for many calls.

        Raises:
            Fault: The attributes of the model cannot be read.
        """
        decode = self._decoder(model).decode

        def read(body: bytes) -> object:
            try:
                return decode(body)
            except READ_ERRORS as error:
                raise Fault(f"no {model.__name__}: {error}") from error

        return read

    def _decoder(self, model: type) -> msgspec.msgpack.Decoder[object]:
        decoder = self._decoders.get(model)
        if decoder is None:
            try:
                decoder = msgspec.msgpack.Decoder(model, dec_hook=_from_builtin)
            except (TypeError, NameError) as error:
                raise Fault(
                    f"the attributes of {model.__name__} cannot be read: {error}"
                ) from error
            self._decoders[model] = decoder
        return decoder
