# SPDX-License-Identifier: Apache-2.0
"""Changes of attributes in a batch: where they are, and the values before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from l8types.errors import DecodeError, EncodeError, InvalidInputError
from l8types.values import DELETED, Change

if TYPE_CHECKING:
    from l8services._batch import Form
    from l8types.enums import Kind
    from l8types.protocols.data import ObjectCodec
    from l8types.protocols.models import PropertyResolver
    from l8types.values import ChangeSet

__all__ = ["SIMPLE", "BatchValues"]

_CODED: Final = 1
"""Extension type of a value of the object codec."""
_REMOVED: Final = msgspec.msgpack.Ext(2, b"")
_PLAIN: Final = frozenset({type(None), bool, int, float, bytes})
SIMPLE: Final = _PLAIN | {str}
"""Types of values that are what they were when MessagePack has read them."""
_INT_RANGE: Final = range(-(2**63), 2**64)


class BatchValues:
    """Writes and reads changes of attributes.

    Args:
        codec: Writes and reads values that MessagePack does not know.
        properties: Tells which kind of number an attribute holds.
    """

    def __init__(self, codec: ObjectCodec, properties: PropertyResolver) -> None:
        self._codec = codec
        self._properties = properties

    def write(self, key: str, parts: ChangeSet) -> tuple[Form, list[object]]:
        """Where something changed, and the values before and after in turn."""
        form: list[tuple[str, str | None]] = []
        values: list[object] = []
        for part in parts.changes:
            place = part.property_id
            head, found, tail = place.partition(key)
            form.append((head, tail if found else None))
            values += (self._plain(place, part.old), self._plain(place, part.new))
        return tuple(form), values

    def read(self, form: Form, key: str, body: list[object]) -> tuple[Change, ...]:
        """The changes of one item; there are two values for each.

        Raises:
            DecodeError: A value cannot be read.
        """
        if len(form) == 1 and type(body[0]) in SIMPLE and type(body[1]) in SIMPLE:
            ((head, tail),) = form
            place = head if tail is None else f"{head}{key}{tail}"
            return (Change(place, body[0], body[1]),)
        values = list(map(self._value, body))
        return tuple(
            [
                Change(head if tail is None else f"{head}{key}{tail}", old, new)
                for (head, tail), old, new in zip(form, values[::2], values[1::2], strict=True)
            ]
        )

    def _plain(self, place: str, value: object) -> object:
        """A value as MessagePack knows it."""
        kind = type(value)
        if kind is str:
            text: str = value  # type: ignore[assignment] # which is what was asked
            return text if text.isascii() or _is_utf8(text) else self._coded(text)
        if kind is int and value not in _INT_RANGE:
            raise EncodeError(f"change of {place}: {value} does not fit into 64 bits")
        if kind in _PLAIN or (kind in (list, dict) and not value):
            return value
        return _REMOVED if value is DELETED else self._coded(value, self._kind(place, value))

    def _kind(self, place: str, value: object) -> Kind | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            return self._properties.property(place).node.kind
        except InvalidInputError as error:
            raise EncodeError(f"change of unknown property {place!r}: {error}") from error

    def _coded(self, value: object, kind: Kind | None = None) -> object:
        return msgspec.msgpack.Ext(_CODED, self._codec.encode(value, kind=kind))

    def _value(self, value: object) -> object:
        if not isinstance(value, msgspec.msgpack.Ext):
            return value
        if value.code == _CODED:
            return self._codec.decode(bytes(value.data))
        if value.code == _REMOVED.code:
            return DELETED
        raise DecodeError(f"a value of unknown type {value.code}")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
