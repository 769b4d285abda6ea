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
from l8srlz._wire import HEAD, I32, NATIVE_MODEL, name_bytes
from l8types.enums import Kind
from l8types.errors import NotFoundError

if TYPE_CHECKING:
    from l8srlz._native import NativeBodies
    from l8types.protocols.models import Registry

READ_FAULTS: Final = (struct.error, NotFoundError, ProtobufError, UnicodeDecodeError, Fault)
"""Whatever shows that the bytes are not simply one model."""


Parser = tuple[int, Callable[[bytes], Any]]
"""The kind that a model is written with, and what reads its payload."""


class ModelReader:
    """What a codec needs to read bytes that are exactly one model.

    The codec does the reading in its own body: it runs for every item that arrives, and protobuf
    itself takes but two microseconds for a big one, so that a call more would show.

    Args:
        registry: Finds the model by its name, anew each time: registrations may change.
        bodies: Reads models that are no messages.
    """

    __slots__ = ("_bodies", "_info", "names", "parsers")

    names: dict[bytes, str]
    """By the bytes of a name with its length before it, so that one look-up checks both. Only known
    names are kept, so that a peer cannot fill the memory."""
    parsers: dict[type, Parser]
    """Of the models that were met."""

    def __init__(self, registry: Registry, bodies: NativeBodies) -> None:
        self._info = registry.info
        self._bodies = bodies
        self.names = {}
        self.parsers = {}

    def learn(self, data: bytes) -> None:
        """Keep what reads the model of bytes whose name is met for the first time.

        Nothing is kept when they are not simply a model.
        """
        try:
            _, length = HEAD.unpack_from(data)
            named = data[HEAD.size : -length]
            name = named[I32.size :].decode()
            if name_bytes(name) == named:
                model = self._info(name).model
                self.parsers[model] = _parser(model, self._bodies)
                self.names[named] = name
        except READ_FAULTS:
            # The decoder tells what is wrong.
            return


def _parser(model: type, bodies: NativeBodies) -> Parser:
    if issubclass(model, Message):
        return int(Kind.MESSAGE), model.FromString
    if is_native(model):
        return NATIVE_MODEL, bodies.reader(model)
    raise Fault(f"{model.__name__} is no model")
