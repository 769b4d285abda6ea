# SPDX-License-Identifier: Apache-2.0
"""Models as JSON, for the web and for people."""

import re
from typing import Final, TypeVar, cast, final

import msgspec
from google.protobuf.message import Message

from l8srlz._faults import Fault
from l8srlz._json_read import MessageReader
from l8srlz._json_write import MessageWriter
from l8srlz._native import READ_ERRORS, plain_number, sized_number
from l8srlz._unwritable import WRITE_ERRORS, unwritable_part
from l8types.enums import SerializerMode
from l8types.errors import DecodeError, EncodeError

T = TypeVar("T")

_BYTE: Final = re.compile(r"\(byte (\d+)\)")


@final
class JsonSerializer:
    """JSON of messages, dataclass and ``msgspec.Struct`` instances, and of lists and dicts of them.

    Messages follow the JSON mapping of protobuf with numbers for enumerations: attributes that
    hold their default are left out unless they have presence (that of ``json_format`` by default),
    64-bit integers are text, bytes are Base64, names are ``lowerCamelCase``. The other models are
    written whole, under their attribute names, with plain numbers.

    May be shared by threads.
    """

    __slots__ = ("_decoders", "_encoder", "_reader", "_writer")

    def __init__(self) -> None:
        self._writer = MessageWriter()
        self._reader = MessageReader()
        self._encoder = msgspec.json.Encoder(enc_hook=self._to_builtin)
        self._decoders: dict[type, msgspec.json.Decoder[object]] = {}

    @property
    def mode(self) -> SerializerMode:
        """Which representation: JSON."""
        return SerializerMode.JSON

    def marshal(self, value: object) -> bytes:
        """JSON of a model instance, also of lists, dicts and scalars.

        Raises:
            EncodeError: The value cannot be represented.
        """
        try:
            return self._encoder.encode(
                self._writer.write(value) if isinstance(value, Message) else value
            )
        except WRITE_ERRORS as error:
            fault = error
            if not isinstance(fault, Fault):
                fault = unwritable_part(value, self._encoder.encode, error)
            path = fault.path(type(value).__name__)
            raise EncodeError(f"cannot write {path} as json: {fault.reason}") from error

    def unmarshal(self, data: bytes, model: type[T]) -> T:
        """Instance of ``model`` from JSON.

        Raises:
            DecodeError: Not JSON, or it does not fit the model; names the attribute.
        """
        if not issubclass(model, Message):
            return cast("T", self._read_native(data, model))
        message = model()
        try:
            self._reader.read(msgspec.json.decode(data), message)
        except Fault as fault:
            path = fault.path(message.DESCRIPTOR.name)
            raise DecodeError(f"cannot read {path}: {fault.reason}") from fault
        except READ_ERRORS as error:
            raise _decode_error(model, error) from error
        return cast("T", message)

    def _read_native(self, data: bytes, model: type) -> object:
        decoder = self._decoders.get(model)
        try:
            if decoder is None:
                decoder = msgspec.json.Decoder(model, dec_hook=self._from_builtin)
                self._decoders[model] = decoder
            return decoder.decode(data)
        except (*READ_ERRORS, NameError) as error:
            raise _decode_error(model, error) from error

    def _to_builtin(self, value: object) -> object:
        if isinstance(value, Message):
            return self._writer.write(value)
        number = plain_number(value)
        if number is None:
            raise TypeError(f"a {type(value).__name__} has no form in json")
        return number

    def _from_builtin(self, wanted: type, value: object) -> object:
        if not issubclass(wanted, Message):
            return sized_number(wanted, value)
        message = wanted()
        try:
            self._reader.read(value, message)
        except Fault as fault:
            # msgspec adds the path to the message when it is told in this way.
            raise ValueError(f"{fault.path(message.DESCRIPTOR.name)}: {fault.reason}") from fault
        return message


def _decode_error(model: type, error: Exception) -> DecodeError:
    """The error of msgspec, with the path in front as in all other errors."""
    text, _, place = str(error).partition(" - at `$")
    path = model.__name__ + place.rstrip("`")
    found = _BYTE.search(text)
    offset = int(found[1]) if found else -1
    if text[1:2].islower():
        text = text[:1].lower() + text[1:]
    return DecodeError(f"cannot read {path}: {text}", offset=offset)
