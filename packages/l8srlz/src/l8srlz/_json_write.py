# SPDX-License-Identifier: Apache-2.0
"""Protobuf messages to JSON objects, compiled once per message type.

The result is that of ``google.protobuf.json_format`` with numbers for enumerations, several times
faster: ``lowerCamelCase`` names, 64-bit integers as text, bytes as Base64, and attributes that
hold their default left out unless they have presence and are set.
"""

import base64
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from l8srlz._descriptors import DYNAMIC, TEXTS, WRAPPERS, descriptor_of
from l8srlz._faults import Fault

Convert = Callable[[Any], object]

_FLOAT32: Final = struct.Struct("<f")


class _Table(dict[int, tuple[str, Convert | None]]):
    """Name and converter of each attribute of a message, by its number."""

    def __missing__(self, number: int) -> tuple[str, Convert | None]:
        raise Fault(f"attribute {number} is an extension, which has no name in JSON")


class MessageWriter:
    """Turns messages into what a JSON encoder takes; keeps one compiled form per type."""

    __slots__ = ("_compiled",)

    def __init__(self) -> None:
        self._compiled: dict[Descriptor, Convert] = {}

    def write(self, message: Message) -> object:
        """JSON form of a message, a ``dict`` but for Google's well-known types.

        Raises:
            Fault: It holds what JSON cannot express.
        """
        try:
            return self.converter(descriptor_of(message))(message)
        except (json_format.Error, TypeError, ValueError) as error:
            raise Fault(str(error)) from error
        except RecursionError as error:
            raise Fault("nested too deep") from error

    def converter(self, descriptor: Descriptor) -> Convert:
        """Compiled form of a message type."""
        convert = self._compiled.get(descriptor)
        if convert is None:
            convert = self._compiled[descriptor] = self._compile(descriptor)
        return convert

    def _compile(self, descriptor: Descriptor) -> Convert:
        name = descriptor.full_name
        if name in TEXTS:
            return _text_of
        if name in WRAPPERS:
            return _unwrapping(_scalar(descriptor.fields_by_name["value"]))
        if name in DYNAMIC:
            return _dynamic
        return self._compile_fields(descriptor)

    def _compile_fields(self, descriptor: Descriptor) -> Convert:
        table = _Table()

        def convert(message: Message) -> object:
            result = {}
            for field, value in message.ListFields():
                name, convert_value = table[field.number]
                result[name] = value if convert_value is None else convert_value(value)
            return result

        # Before the attributes: a message may hold messages of its own type.
        self._compiled[descriptor] = convert
        for field in descriptor.fields:
            table[field.number] = (field.json_name, self._field(field))
        return convert

    def _field(self, field: FieldDescriptor) -> Convert | None:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            return _mapping(self._single(kind.fields_by_name["value"]))
        single = self._single(field)
        return _repeating(single) if field.is_repeated else single

    def _single(self, field: FieldDescriptor) -> Convert | None:
        if field.message_type is None:
            return _scalar(field)
        return self.converter(field.message_type)


def _scalar(field: FieldDescriptor) -> Convert | None:
    """Converter of single values, ``None`` when they are JSON already (enumerations as well)."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_INT64 | FieldDescriptor.CPPTYPE_UINT64:
            return str
        case FieldDescriptor.CPPTYPE_FLOAT:
            return _float32
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return _double
    return _base64 if field.type == FieldDescriptor.TYPE_BYTES else None


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _float32(value: float) -> float | str:
    """The shortest decimal number that is this single-precision number."""
    if not math.isfinite(value):
        return _double(value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if _FLOAT32.unpack(_FLOAT32.pack(short))[0] == value:
            return short
    return float(f"{value:.9g}")


def _repeating(single: Convert | None) -> Convert:
    if single is None:
        return list

    def convert(values: Iterable[object]) -> object:
        return [single(value) for value in values]

    return convert


def _mapping(single: Convert | None) -> Convert:
    def convert(values: Mapping[object, object]) -> object:
        return {
            _key(key): value if single is None else single(value) for key, value in values.items()
        }

    return convert


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _unwrapping(single: Convert | None) -> Convert:
    def convert(wrapper: Any) -> object:  # noqa: ANN401 - nine types with an attribute in common
        return wrapper.value if single is None else single(wrapper.value)

    return convert


def _text_of(message: Any) -> object:  # noqa: ANN401 - three types with a method in common
    return message.ToJsonString()


def _dynamic(message: Message) -> object:
    return json_format.MessageToDict(message, use_integers_for_enums=True)
