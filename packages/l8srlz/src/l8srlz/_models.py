# SPDX-License-Identifier: Apache-2.0
"""The short way from bytes to a value for the usual case: the value is one model.

It knows no errors. Bytes that are anything else, or anything wrong, are left to the decoder, which
tells what and where. What it saves is the decoder itself: half of the time that protobuf needs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from l8srlz._faults import Fault
from l8srlz._native import is_native
from l8srlz._wire import NATIVE_MODEL
from l8types.enums import Kind
from l8types.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8srlz._native import NativeBodies
    from l8types.protocols.models import Registry

_HEAD: Final = struct.Struct(">iii")
"""Kind, length of the payload, length of the name."""
_HEAD_BYTES: Final = _HEAD.size
_unpack_head: Final = _HEAD.unpack_from


class ModelReader:
    """Reads bytes that are exactly one model.

    Args:
        registry: Finds the model by its name, anew each time: registrations may change.
        bodies: Reads models that are no messages.
        max_bytes: How many are accepted.
    """

    __slots__ = ("_bodies", "_info", "_max_bytes", "_names", "_parsers")

    def __init__(self, registry: Registry, bodies: NativeBodies, max_bytes: int) -> None:
        self._info = registry.info
        self._max_bytes = max_bytes
        self._bodies = bodies
        self._names: dict[bytes, str] = {}
        self._parsers: dict[type, tuple[int, Callable[[bytes], Any]]] = {}

    def read(self, data: bytes) -> object | None:
        """The model, or ``None`` when the bytes are not simply that."""
        size = len(data)
        if not _HEAD_BYTES < size <= self._max_bytes:
            return None
        kind, length, name_size = _unpack_head(data)
        start = size - length
        if length <= 0 or start != _HEAD_BYTES + name_size:
            return None
        name = data[_HEAD_BYTES:start]
        try:
            model = self._info(self._names.get(name) or self._name(name)).model
            wanted, parse = self._parsers.get(model) or self._parser(model)
            return parse(data[start:]) if kind == wanted else None
        except (NotFoundError, ProtobufError, UnicodeDecodeError, Fault):
            return None

    def _name(self, name: bytes) -> str:
        """Text of a name; only known ones are kept, so that a peer cannot fill the memory."""
        text = name.decode()
        self._info(text)
        self._names[name] = text
        return text

    def _parser(self, model: type) -> tuple[int, Callable[[bytes], Any]]:
        parser: tuple[int, Callable[[bytes], Any]]
        if issubclass(model, Message):
            parser = (int(Kind.MESSAGE), model.FromString)
        elif is_native(model):
            parser = (NATIVE_MODEL, self._bodies.reader(model))
        else:
            raise Fault(f"{model.__name__} is no model")
        self._parsers[model] = parser
        return parser
