# SPDX-License-Identifier: Apache-2.0
"""Bytes to values: total, and bounded by its input in memory and in depth.

Nothing is allocated for an announced count before the bytes that could hold it are there.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from l8srlz import _wire as wire
from l8srlz._faults import Fault, shown
from l8srlz._names import model_of
from l8srlz._native import NativeBodies, is_native
from l8srlz._scalars import SIZED
from l8types.enums import Kind
from l8types.errors import DecodeError, NotFoundError
from l8types.protocols.models import Registry

_BODIES: Final = {
    kind: struct.Struct(pair.format.replace("i", "", 1)) for kind, pair in wire.NUMBERS.items()
}
"""Bodies of numbers, without the kind in front."""

_unpack_bytes_head: Final = wire.BYTES_HEAD.unpack_from
_BYTES_HEAD_SIZE: Final = wire.BYTES_HEAD.size
_unpack_index_tail: Final = wire.INDEX_TAIL.unpack_from
_INDEX_TAIL_SIZE: Final = wire.INDEX_TAIL.size
_LIST, _INT, _STRING = int(Kind.LIST), int(Kind.INT), int(Kind.STRING)
_unpack_int32: Final = wire.I32.unpack_from
_PAIRS: Final[dict[int, struct.Struct]] = {int(kind): pair for kind, pair in wire.NUMBERS.items()}
_CLASSES: Final[dict[int, Callable[[Any], object]]] = {kind: sized for sized, kind in SIZED.items()}


class Decoder:
    """Reads consecutive values from one byte string.

    Attributes:
        position: Offset of the next value.
    """

    __slots__ = ("_bodies", "_data", "_keep_kinds", "_max_depth", "_registry", "position")

    def __init__(
        self,
        data: bytes,
        registry: Registry,
        bodies: NativeBodies,
        *,
        max_depth: int,
        keep_kinds: bool,
    ) -> None:
        self._data = data
        self._registry = registry
        self._bodies = bodies
        self._max_depth = max_depth
        self._keep_kinds = keep_kinds
        self.position = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.position

    def fail(self, reason: str, offset: int) -> DecodeError:
        """The error of a place in the input."""
        return DecodeError(f"{reason} at byte {offset} of {len(self._data)}", offset=offset)

    def kind(self) -> int:
        """Kind of the next value, which stays unread; -1 at the end of the input."""
        if not self.remaining:
            return -1
        kind = self._int32()
        self.position -= 4
        return kind

    def read(self, depth: int = 0) -> object:
        """Read the next value.

        Raises:
            DecodeError: The bytes are no value, or of a type that is not registered.
        """
        start = self.position
        kind = self._int32()
        reader = _READERS.get(kind)
        if reader is None:
            raise self.fail(f"unknown kind {kind}", start)
        return reader(self, depth)

    def read_entries(self, count: int) -> Iterator[tuple[object, object, str]]:
        """Value, key and error text of the entries of a container.

        Most have a byte string or a model, a whole number as the key, and no error.

        Raises:
            DecodeError: As for :meth:`read`, or there is something else instead of an error text.
        """
        data, size = self._data, len(self._data)
        for _ in range(count):
            position = self.position
            value: object
            start = end = position + _BYTES_HEAD_SIZE
            if start < size:
                kind, length, flag = _unpack_bytes_head(data, position)
                if kind == _LIST and flag == wire.FLAG_BYTES:
                    end += length
            if start < end <= size:
                value = data[start:end]
                self.position = end
            else:
                value = self.read()
                end = self.position
            if end + _INDEX_TAIL_SIZE <= size:
                kind, index, text, left = _unpack_index_tail(data, end)
                if kind == _INT and text == _STRING and not left:
                    self.position = end + _INDEX_TAIL_SIZE
                    yield value, index, ""
                    continue
            key = self.read()
            position = self.position
            error = self.read()
            if not isinstance(error, str):
                raise self.fail(f"a {type(error).__name__} instead of an error text", position)
            yield value, key, error

    def _int32(self) -> int:
        position = self.position
        try:
            number: int = _unpack_int32(self._data, position)[0]
        except struct.error as error:
            raise self.fail("the data end inside a value", position) from error
        self.position = position + 4
        return number

    def _take(self, length: int) -> bytes:
        """The next bytes; a length that is negative or beyond the end is an error."""
        start = self.position
        end = start + length
        if length < 0 or end > len(self._data):
            raise self.fail(f"length {length} where {self.remaining} bytes are left", start)
        self.position = end
        return self._data[start:end]

    def _count(self, least: int) -> int:
        """A count of things of which each takes at least so many bytes; -1 means none as well."""
        start = self.position
        count = self._int32()
        if count == wire.NIL:
            return 0
        if count < 0 or count * least > self.remaining:
            raise self.fail(f"count {count} where {self.remaining} bytes are left", start)
        return count

    def read_bool(self, _depth: int) -> bool:
        """Only 1 is true, as at the Go nodes."""
        return self._take(1) == b"\x01"

    def read_str(self, _depth: int) -> str:
        """Text; bytes that are no UTF-8 survive as lone surrogates and go back as they came."""
        body = self._take(self._int32())
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body.decode(errors="surrogateescape")

    def read_list(self, depth: int) -> list[object] | bytes | None:
        """List or byte string; an empty one cannot be told from none."""
        start = self.position
        # A byte of a byte string is the smallest thing that is counted here.
        count = self._count(1)
        if not count:
            return None
        if self._take(1)[0] == wire.FLAG_BYTES:
            return self._take(count)
        self._check(count, wire.MIN_VALUE_BYTES, depth, start)
        packed = self._read_packed(count)
        return packed if packed is not None else [self.read(depth + 1) for _ in range(count)]

    def _read_packed(self, count: int) -> list[object] | None:
        """Read a list of numbers of one kind in one go; ``None``, and nothing read, for others."""
        kind = self.kind()
        pair = _PAIRS.get(kind)
        if pair is None or count * pair.size > self.remaining:
            return None
        end = self.position + count * pair.size
        pairs = pair.iter_unpack(self._data[self.position : end])
        numbers = [number for found, number in pairs if found == kind]
        if len(numbers) != count:
            return None
        self.position = end
        sized = _CLASSES.get(kind) if self._keep_kinds else None
        return numbers if sized is None else list(map(sized, numbers))

    def read_map(self, depth: int) -> dict[object, object] | None:
        """Map; an empty one cannot be told from none, the last of equal keys wins."""
        start = self.position
        count = self._count(2 * wire.MIN_VALUE_BYTES)
        if not count:
            return None
        self._check(count, 2 * wire.MIN_VALUE_BYTES, depth, start)
        items: dict[object, object] = {}
        for _ in range(count):
            place = self.position
            key = self.read(depth + 1)
            value = self.read(depth + 1)
            try:
                items[key] = value
            except TypeError as error:
                raise self.fail(f"a {type(key).__name__} cannot be a key", place) from error
        return items

    def _check(self, count: int, least: int, depth: int, start: int) -> None:
        if depth >= self._max_depth:
            raise self.fail(f"nested deeper than {self._max_depth} levels", start)
        if count * least > self.remaining:
            raise self.fail(f"count {count} where {self.remaining} bytes are left", start)

    def read_message(self, _depth: int) -> Message | None:
        """Protobuf message or nothing; also the reading of the kind 0, as at the Go nodes."""
        start = self.position
        length = self._int32()
        if length in (wire.NIL, 0):
            return None
        model = self._model()
        if not issubclass(model, Message):
            raise self.fail(f"type {shown(model.__name__)} is no protobuf message", start)
        if length == wire.EMPTY:
            return model()
        place = self.position
        try:
            return model.FromString(self._take(length))
        except ProtobufError as error:
            raise self.fail(f"no {model.__name__} ({error})", place) from error

    def read_native(self, _depth: int) -> object:
        """Dataclass or struct instance."""
        start = self.position
        length = self._int32()
        model = self._model()
        if not is_native(model):
            raise self.fail(f"type {shown(model.__name__)} is no dataclass or struct", start)
        place = self.position
        try:
            return self._bodies.read(model, self._take(length))
        except Fault as fault:
            raise self.fail(fault.reason, place) from fault

    def _model(self) -> type:
        place = self.position
        name = self._take(self._int32()).decode(errors="replace")
        try:
            return model_of(self._registry, name)
        except NotFoundError as error:
            reason = f"type {shown(name)} is not registered; register its model on this node"
            raise self.fail(reason, place) from error

    def _number(self, body: struct.Struct) -> int | float:
        position = self.position
        try:
            number: int | float = body.unpack_from(self._data, position)[0]
        except struct.error as error:
            raise self.fail("the data end inside a number", position) from error
        self.position = position + body.size
        return number


Reader = Callable[[Decoder, int], object]


def _reader_of_number(kind: Kind) -> Reader:
    body = _BODIES[kind]
    sized = _CLASSES.get(kind)
    if sized is None:
        return lambda decoder, _depth: decoder._number(body)  # noqa: SLF001 - part of it
    return lambda decoder, _depth: (
        sized(decoder._number(body)) if decoder._keep_kinds else decoder._number(body)  # noqa: SLF001
    )


_READERS: Final[dict[int, Reader]] = {
    **{kind: _reader_of_number(kind) for kind in wire.NUMBERS},
    0: Decoder.read_message,
    Kind.BOOL: Decoder.read_bool,
    Kind.STRING: Decoder.read_str,
    Kind.LIST: Decoder.read_list,
    Kind.MAP: Decoder.read_map,
    Kind.MESSAGE: Decoder.read_message,
    wire.NATIVE_MODEL: Decoder.read_native,
}
