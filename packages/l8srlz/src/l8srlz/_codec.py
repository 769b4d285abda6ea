# SPDX-License-Identifier: Apache-2.0
"""The object codec: one value to self-describing bytes and back."""

import struct
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any, Final, final

from l8srlz import _go_rules
from l8srlz._decoder import Decoder
from l8srlz._encoder import Encoder
from l8srlz._faults import Fault, shown
from l8srlz._models import READ_FAULTS, ModelReader
from l8srlz._native import NativeBodies
from l8srlz._wire import HEAD, I32, NUMBERS, Limits
from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError
from l8types.protocols.models import Registry

_HEAD_BYTES: Final = HEAD.size
_unpack_head: Final = HEAD.unpack_from

_TELLING: Final = frozenset({Kind.INT, Kind.FLOAT64})
"""Kinds of numbers that a Python number tells by itself."""


def _plain_numbers(
    max_bytes: int, *, keep_kinds: bool
) -> dict[tuple[bytes, int], Callable[[bytes], tuple[Any]]]:
    """What reads whole values that become plain numbers, by the bytes of their kind and length."""
    return {
        (I32.pack(kind), whole.size): struct.Struct(f">4x{whole.format[-1]}").unpack
        for kind, whole in NUMBERS.items()
        if whole.size <= max_bytes and (kind in _TELLING or not keep_kinds)
    }


_TEXT: Final = I32.pack(Kind.STRING)


@final
class ObjectCodec:
    """Self-describing bytes of scalars, lists, maps, models and ``None``.

    The format is that of the Go nodes, with one kind of its own for dataclass and
    ``msgspec.Struct`` instances. Empty lists, maps and byte strings are read back as ``None``, as
    the format does not tell them apart. Values are written as follows:

    ===================================  =====================================================
    ``bool``, ``str``, bytes-like         as such
    ``int``                               ``INT``, above its range ``UINT64``
    ``float``                             ``FLOAT64``
    ``Int32``, ``UInt8``, ``Float32`` …   the kind of their name
    ``IntEnum``                           ``INT32``
    lists, tuples, other sequences        ``LIST``
    dicts, other mappings                 ``MAP`` in their own order
    protobuf messages                     ``MESSAGE`` under their registered name
    dataclass and ``msgspec`` instances   the native kind; the class must be registered
    ===================================  =====================================================

    A codec may be shared by threads once the models are registered.

    Args:
        registry: Finds models by short name and the other way round.
        go_compatible: Refuse what Go nodes cannot read: native models, and lists and maps of
            mixed types, which would end them.
        keep_kinds: Give numbers that are no ``INT`` or ``FLOAT64`` as :class:`Int32` and its like,
            so that they are written again as they came; otherwise as plain numbers, which suit
            dataclasses better. By default the same as ``go_compatible``.
        deterministic: Write the entries of the maps in messages in order, so that equal messages
            have equal bytes, as is needed to compare, sign or hash them. Without it a message
            that is full of maps is written in three quarters of the time.
        limits: What is accepted in both directions.

    Attributes:
        registry: As given.
        go_compatible: As given.
        limits: As given.
    """

    __slots__ = (
        "_bodies",
        "_encoder",
        "_info",
        "_keep_kinds",
        "_max_bytes",
        "_models",
        "_numbers",
        "_wholes",
        "go_compatible",
        "limits",
        "registry",
    )

    def __init__(
        self,
        registry: Registry,
        *,
        go_compatible: bool = False,
        keep_kinds: bool | None = None,
        deterministic: bool = True,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.go_compatible = go_compatible
        self.registry = registry
        self._keep_kinds = go_compatible if keep_kinds is None else keep_kinds
        limit = self.limits.max_bytes
        self._numbers = _plain_numbers(limit, keep_kinds=self._keep_kinds)
        self._bodies = NativeBodies()
        self._max_bytes = self.limits.max_bytes
        self._info = registry.info
        self._models = ModelReader(registry, self._bodies)
        self._encoder = Encoder(
            registry,
            max_depth=self.limits.max_depth,
            go_compatible=go_compatible,
            deterministic=deterministic,
        )
        self._wholes = self._encoder.wholes

    def encode(
        self, value: object, *, kind: Kind | None = None, key_kind: Kind | None = None
    ) -> bytes:
        """Bytes of a value.

        Args:
            value: What to encode.
            kind: Declared kind; for a list or map that of each item. By default the kinds follow
                from the Python types as told above.
            key_kind: Declared kind of the keys of a map; only together with ``kind``.

        Raises:
            EncodeError: Unsupported type, out of range or above the limits; names where.
        """
        if kind is None and type(value) in self._wholes:
            try:
                data = self._wholes[type(value)](value)
            except Fault as fault:
                raise _encode_error(fault, "value") from fault
            if len(data) > self._max_bytes:
                self.check_size(data)
            return data
        out = bytearray()
        self.write(out, value, "value", kind=kind, key_kind=key_kind)
        self.check_size(out)
        return bytes(out)

    def decode(self, data: bytes | memoryview) -> object:
        """The one value of the bytes.

        Raises:
            DecodeError: Not exactly one value, above the limits, or of a type that is not
                registered; carries the offset.
        """
        if type(data) is bytes:
            start = data[:4]
            number = self._numbers.get((start, len(data)))
            if number is not None:
                return number(data)[0]
            # Mostly a value is a model or a text; whatever is odd about it, the decoder will tell.
            models = self._models
            try:
                kind, length = _unpack_head(data)
                if start == _TEXT and 0 < length == len(data) - _HEAD_BYTES <= self._max_bytes:
                    return data[_HEAD_BYTES:].decode()
                name = models.names[data[_HEAD_BYTES:-length]]
                wanted, parse = models.parsers[self._info(name).model]
                # A wrong length may have led to the bytes of a name at another place.
                if kind == wanted and 0 < length < len(data) <= self._max_bytes:
                    return parse(data[-length:])
            except KeyError:
                models.learn(data)
            except READ_FAULTS:
                pass
        decoder = self.decoder(data)
        value = decoder.read()
        if decoder.remaining:
            raise decoder.fail("more data behind the value", decoder.position)
        return value

    def to_base64(
        self, value: object, *, kind: Kind | None = None, key_kind: Kind | None = None
    ) -> str:
        """A value as text, for places that take no bytes: its bytes in padded Base64.

        Args:
            value: What to encode.
            kind: As for :meth:`encode`.
            key_kind: As for :meth:`encode`.

        Raises:
            EncodeError: As for :meth:`encode`.
        """
        return b2a_base64(self.encode(value, kind=kind, key_kind=key_kind), newline=False).decode()

    def from_base64(self, text: str) -> object:
        """The value of such a text.

        Raises:
            DecodeError: The text is not Base64 of the standard alphabet with its padding, or the
                bytes are no value.
        """
        try:
            data = a2b_base64(text, strict_mode=True)
        except ValueError as error:
            raise DecodeError(f"{shown(text)} is no base64: {error}") from error
        if len(text) != _length_in_base64(data):
            raise DecodeError(f"{shown(text)} is no base64: too much padding")
        return self.decode(data)

    def write(
        self,
        out: bytearray,
        value: object,
        place: str,
        *,
        kind: Kind | None = None,
        key_kind: Kind | None = None,
    ) -> None:
        """Append a value to a buffer, for formats that put several behind each other.

        Args:
            out: The buffer; of no use after an error.
            value: What to encode.
            place: What an error calls the value.
            kind: As for :meth:`encode`.
            key_kind: As for :meth:`encode`.

        Raises:
            EncodeError: As for :meth:`encode`.
        """
        try:
            if kind is None:
                self._encoder.write(out, value)
            else:
                self._encoder.write_as(out, value, kind, key_kind)
            if self.go_compatible:
                # After the encoder, which has bounded the depth by now.
                _go_rules.check(value, kind)
        except Fault as fault:
            raise _encode_error(fault, place) from fault

    def check_size(self, out: bytearray | bytes) -> None:
        """Accept a finished buffer.

        Raises:
            EncodeError: It is above the limit.
        """
        if len(out) > self.limits.max_bytes:
            limit = self.limits.max_bytes
            raise EncodeError(f"cannot encode {len(out)} bytes, the limit is {limit}")

    def decoder(self, data: bytes | memoryview) -> Decoder:
        """Reader of consecutive values.

        Raises:
            DecodeError: The data are above the limit.
        """
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if size > self.limits.max_bytes:
            limit = self.limits.max_bytes
            raise DecodeError(f"{size} bytes are above the limit of {limit}", offset=0)
        return Decoder(
            bytes(data),
            self.registry,
            self._bodies,
            max_depth=self.limits.max_depth,
            keep_kinds=self._keep_kinds,
        )


def _length_in_base64(data: bytes) -> int:
    return (len(data) + 2) // 3 * 4


def _encode_error(fault: Fault, place: str) -> EncodeError:
    return EncodeError(f"cannot encode {fault.path(place)}: {fault.reason}")
