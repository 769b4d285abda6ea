# SPDX-License-Identifier: Apache-2.0
"""The few values that the network's own messages are made of: records, notices, properties.

What services send to each other is opaque here and coded by the node's own codec. Only these
fixed types are read and written, so that neither the registry of a node nor its choice of a codec
has a say in whether the network works.

A value is its kind and its content, a container is a row of values: the number of entries, per
entry a value, a key and an error text, then metadata and a query. What follows the entries is not
read: peers of different age write it differently.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message as ProtobufMessage

from l8types.constants import METADATA_TOTAL
from l8types.enums import Kind
from l8types.errors import DecodeError
from l8types.pb import L8MetaData

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "NIL",
    "NOTHING",
    "Entry",
    "RawMessage",
    "is_nothing",
    "pack_elements",
    "pack_error",
    "pack_map",
    "pack_message",
    "pack_scalar",
    "read_entries",
    "read_messages",
    "read_value",
    "unpack_message",
]

M = TypeVar("M", bound=ProtobufMessage)

_INT32: Final = struct.Struct(">i")
_HEAD: Final = struct.Struct(">ii")
_ABSENT: Final = -1
_EMPTY: Final = -2
_MAX_DEPTH: Final = 8
_MIN_ENTRY: Final = 12
"""Bytes of the shortest entry: two values without content and a kind."""
_SCALARS: Final = {
    Kind.BOOL: struct.Struct(">?"),
    Kind.INT: struct.Struct(">q"),
    Kind.INT32: struct.Struct(">i"),
    Kind.INT64: struct.Struct(">q"),
    Kind.UINT8: struct.Struct(">B"),
    Kind.UINT32: struct.Struct(">I"),
    Kind.UINT64: struct.Struct(">Q"),
    Kind.FLOAT32: struct.Struct(">f"),
    Kind.FLOAT64: struct.Struct(">d"),
}

NIL: Final = _HEAD.pack(Kind.MESSAGE, _ABSENT)
"""No value."""
_NO_ERROR: Final = _HEAD.pack(Kind.STRING, 0)


class RawMessage(NamedTuple):
    """A protobuf message that was not parsed."""

    name: str
    payload: bytes


class Entry(NamedTuple):
    """One entry of a container."""

    value: object
    key: object
    error: str


def pack_scalar(kind: Kind, value: float) -> bytes:
    """A number or truth value of an exact kind."""
    return _INT32.pack(kind) + _SCALARS[kind].pack(value)


def _pack_text(text: str) -> bytes:
    encoded = text.encode()
    return _HEAD.pack(Kind.STRING, len(encoded)) + encoded


def pack_message(message: ProtobufMessage) -> bytes:
    """A protobuf message."""
    payload = message.SerializeToString(deterministic=True)
    name = message.DESCRIPTOR.name.encode()
    head = _HEAD.pack(Kind.MESSAGE, len(payload) or _EMPTY)
    return b"".join((head, _INT32.pack(len(name)), name, payload))


def pack_map(entries: Mapping[str, ProtobufMessage]) -> bytes:
    """A map of messages."""
    parts = [_HEAD.pack(Kind.MAP, len(entries) or _ABSENT)]
    for key in sorted(entries):
        parts += (_pack_text(key), pack_message(entries[key]))
    return b"".join(parts)


def pack_error(text: str) -> bytes:
    """A container of one error."""
    return _container([NIL + NIL + _pack_text(text)])


def pack_elements(entries: Iterable[tuple[ProtobufMessage | None, str | None]]) -> bytes:
    """A container of messages, each with its key."""
    return _container(
        [
            (NIL if value is None else pack_message(value))
            + (NIL if key is None else _pack_text(key))
            + _NO_ERROR
            for value, key in entries
        ]
    )


def _container(rows: list[bytes]) -> bytes:
    metadata = L8MetaData()
    metadata.key_count.counts[METADATA_TOTAL] = len(rows)
    return b"".join((pack_scalar(Kind.INT, len(rows)), *rows, pack_message(metadata), NIL))


NOTHING: Final = pack_elements([(None, None)])
"""The container of one entry without a value, which stands for "nothing"."""
_NO_ENTRIES: Final = pack_elements([])


def is_nothing(data: bytes) -> bool:
    """Whether a container has no entry and no query, which a Go node does not expect."""
    return not data or data == _NO_ENTRIES


class _Reader:
    """Reads values one after the other; whatever the bytes, it ends with a ``DecodeError``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def fail(self, what: str) -> DecodeError:
        return DecodeError(f"{what} in a system message", offset=self._position)

    @property
    def remaining(self) -> int:
        return len(self._data) - self._position

    def value(self, depth: int = 0) -> object:
        kind = self._int32()
        if depth > _MAX_DEPTH:
            raise self.fail("values nested too deeply")
        match kind:
            case Kind.MESSAGE | 0:
                return self._message()
            case Kind.STRING:
                return self._text(self._int32())
            case Kind.MAP:
                return self._map(depth)
            case Kind.LIST:
                return self._list(depth)
        try:
            scalar = _SCALARS[Kind(kind)]
        except (KeyError, ValueError) as error:
            raise self.fail(f"unknown kind {kind}") from error
        return scalar.unpack(self._take(scalar.size))[0]

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= self.remaining:
            raise self.fail(f"{size} bytes where {self.remaining} are left")
        start = self._position
        self._position += size
        return self._data[start : self._position]

    def _int32(self) -> int:
        (number,) = _INT32.unpack(self._take(_INT32.size))
        return int(number)

    def _text(self, size: int) -> str:
        try:
            return self._take(size).decode()
        except UnicodeDecodeError as error:
            raise self.fail("text that is none") from error

    def _message(self) -> RawMessage | None:
        size = self._int32()
        if size == _ABSENT:
            return None
        name = self._text(self._int32())
        return RawMessage(name, b"" if size == _EMPTY else self._take(size))

    def _count(self) -> int:
        count = self._int32()
        if count * _INT32.size > self.remaining:
            raise self.fail(f"{count} items where {self.remaining} bytes are left")
        return max(count, 0)

    def _map(self, depth: int) -> dict[object, object]:
        found: dict[object, object] = {}
        for _ in range(self._count()):
            key = self.value(depth + 1)
            if isinstance(key, (list, dict)):
                raise self.fail("key that is none")
            found[key] = self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[object] | bytes:
        size = self._int32()
        if size <= 0:
            return []
        if self._take(1) == b"\x01":
            return self._take(size)
        if size * _INT32.size > self.remaining:
            raise self.fail(f"{size} items where {self.remaining} bytes are left")
        return [self.value(depth + 1) for _ in range(size)]


def read_value(data: bytes) -> object:
    """The value at the start of ``data``; messages are not parsed.

    Raises:
        DecodeError: There is none.
    """
    return _Reader(data).value()


def read_entries(data: bytes) -> list[Entry]:
    """Entries of a container.

    Raises:
        DecodeError: The bytes are none.
    """
    reader = _Reader(data)
    count = reader.value()
    if not isinstance(count, int) or not 0 <= count * _MIN_ENTRY <= reader.remaining:
        raise reader.fail("no number of entries")
    return [_read_entry(reader) for _ in range(count)]


def _read_entry(reader: _Reader) -> Entry:
    value, key, error = reader.value(), reader.value(), reader.value()
    if not isinstance(error, str):
        raise reader.fail("an entry without an error text")
    return Entry(value, key, error)


def unpack_message(value: object, kind: type[M]) -> M:
    """A value as a message of one type.

    Raises:
        DecodeError: It is another one.
    """
    if not isinstance(value, RawMessage) or value.name != kind.DESCRIPTOR.name:
        found = value.name if isinstance(value, RawMessage) else type(value).__name__
        raise DecodeError(f"a {found!s:.64} where {kind.DESCRIPTOR.name} was expected")
    try:
        return kind.FromString(value.payload)
    except ProtobufDecodeError as error:
        raise DecodeError(f"no {kind.DESCRIPTOR.name}: {error}") from error


def read_messages(data: bytes, kind: type[M]) -> list[M]:
    """The messages of a container, which must all be of one type.

    Raises:
        DecodeError: The bytes are no such container.
    """
    return [unpack_message(entry.value, kind) for entry in read_entries(data)]
