# SPDX-License-Identifier: Apache-2.0
"""Items in a batch: as MessagePack where that knows the model, else as bytes of the codec."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import msgspec

from l8types.errors import DecodeError, L8Error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from l8types.protocols.data import ObjectCodec

__all__ = ["BatchItems"]

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_list: Final = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_any: Final = msgspec.msgpack.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
"""What MessagePack or the constructor of a model raise when the bytes do not fit."""
_UNWRITABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)


class BatchItems:
    """Writes and reads the items of one model.

    Args:
        model: The model.
        name: Its short name.
        codec: Writes and reads what MessagePack does not know.
    """

    def __init__(self, model: type, name: str, codec: ObjectCodec) -> None:
        self._model = model
        self._name = name
        self._codec = codec
        self._read_items = _reader_of(model)

    def write(self, item: object) -> bytes:
        """MessagePack of an item: its own if it has such a form, else that of its bytes."""
        if self._read_items is not None and type(item) is self._model:
            try:
                return _encode(item)
            except _UNWRITABLE:
                # It holds something that only the codec knows.
                pass
        return _encode(self._codec.encode(item))

    def read_alike(self, data: msgspec.Raw) -> Sequence[object] | None:
        """The items of a list if MessagePack can read all of them, else ``None``."""
        if self._read_items is None:
            return None
        try:
            return self._read_items(data)
        except _UNREADABLE:
            return None

    def read(self, data: msgspec.Raw) -> Sequence[object]:
        """The items; in place of one that cannot be read, why."""
        alike = self.read_alike(data)
        return [self._item(one) for one in _decode_list(data)] if alike is None else alike

    def _item(self, data: msgspec.Raw) -> object:
        try:
            body = _decode_any(data)
            if isinstance(body, (dict, list)) and self._read_items is not None:
                (item,) = self._read_items(b"\x91" + bytes(data))
                return item
            if not isinstance(body, bytes):
                return DecodeError(f"a change of a {self._name} carries no item")
            item = self._codec.decode(body)
        except L8Error as error:
            return error
        except _UNREADABLE as error:
            return DecodeError(f"a change carries no {self._name}: {error}")
        if not isinstance(item, self._model):
            return DecodeError(f"a change of a {self._name} carries a {type(item).__name__}")
        return item


def _reader_of(model: type) -> Callable[[Buffer], Sequence[object]] | None:
    """What reads a list of items that MessagePack knows by itself, ``None`` for other models."""
    if not (dataclasses.is_dataclass(model) or issubclass(model, msgspec.Struct)):
        return None
    try:
        if not _is_known(msgspec.inspect.type_info(model), set()):
            return None
        read: Callable[[Buffer], Sequence[object]] = msgspec.msgpack.Decoder(list[model]).decode  # type: ignore[valid-type] # a type, if not for mypy
    except (TypeError, NameError):
        # An attribute is of a type that only the codec knows.
        return None
    return read


def _is_known(part: object, seen: set[int]) -> bool:
    """Whether MessagePack itself knows a type and all that it consists of."""
    if isinstance(part, msgspec.inspect.CustomType):
        return False
    if isinstance(part, tuple | list):
        return all(_is_known(inner, seen) for inner in part)
    if id(part) in seen or not isinstance(part, msgspec.inspect.Type | msgspec.inspect.Field):
        return True
    seen.add(id(part))
    return all(_is_known(getattr(part, name), seen) for name in part.__struct_fields__)
