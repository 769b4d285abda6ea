# SPDX-License-Identifier: Apache-2.0
"""The short way from bytes to a value for the usual case: the value is one model.

It knows no errors. Bytes that are anything else, or anything wrong, are left to the decoder, which
tells what and where. What it saves is the decoder itself: half of the time that protobuf needs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from l8srlz._faults import Fault
from l8srlz._native import is_native
from l8srlz._wire import NATIVE_MODEL
from l8types.enums import Kind
from l8types.errors import NotFoundError

if TYPE_CHECKING:
    from l8srlz._native import NativeBodies
    from l8types.protocols.models import Registry

_HEAD: Final = struct.Struct(">iii")
"""Kind, length of the payload, length of the name."""
_HEAD_BYTES: Final = _HEAD.size
_unpack_head: Final = _HEAD.unpack_from


Parser = tuple[int, Callable[[bytes], Any]]
"""The kind that a model is written with, and what reads its payload."""


def model_reader(
    registry: Registry, bodies: NativeBodies, max_bytes: int
) -> Callable[[bytes], object | None]:
    """Make the function that reads bytes which are exactly one model.

    It gives ``None`` when the bytes are not simply that. All that it needs are its own variables:
    it runs for every item that arrives, and protobuf itself takes but two microseconds for a big
    one.

    Args:
        registry: Finds the model by its name, anew each time: registrations may change.
        bodies: Reads models that are no messages.
        max_bytes: How many are accepted.
    """
    info = registry.info
    # Only known names are kept, so that a peer cannot fill the memory.
    names: dict[bytes, str] = {}
    parsers: dict[type, Parser] = {}

    def name_of(data: bytes) -> str:
        name = data.decode()
        info(name)
        names[data] = name
        return name

    def parser_of(model: type) -> Parser:
        parser = parsers[model] = _parser(model, bodies)
        return parser

    def read(data: bytes) -> object | None:
        size = len(data)
        if not _HEAD_BYTES < size <= max_bytes:
            return None
        kind, length, name_size = _unpack_head(data)
        start = size - length
        if length <= 0 or start != _HEAD_BYTES + name_size:
            return None
        name = data[_HEAD_BYTES:start]
        try:
            model = info(names.get(name) or name_of(name)).model
            wanted, parse = parsers.get(model) or parser_of(model)
            return parse(data[start:]) if kind == wanted else None
        except (NotFoundError, ProtobufError, UnicodeDecodeError, Fault):
            return None

    return read


def _parser(model: type, bodies: NativeBodies) -> Parser:
    if issubclass(model, Message):
        return int(Kind.MESSAGE), model.FromString
    if is_native(model):
        return NATIVE_MODEL, bodies.reader(model)
    raise Fault(f"{model.__name__} is no model")
