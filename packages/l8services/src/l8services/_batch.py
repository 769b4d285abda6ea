# SPDX-License-Identifier: Apache-2.0
"""Many changes of one instance as one byte string, which its receivers read in one go.

What all changes have in common is told once: the source, the model, where in an item the changes
are. The rest stands in columns, so that neither side makes an object per change before it needs
one. Values are those of the object codec; what MessagePack can tell by itself goes without it.

    "L8" | version | CRC-32 of what follows | MessagePack of the frame

Between instances of the native profile only. A synchronous core.
"""

from __future__ import annotations

import dataclasses
import zlib
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Final

import msgspec

from l8services._versions import Stamp
from l8types.enums import Kind, NotificationType
from l8types.errors import DecodeError, EncodeError, InvalidInputError, L8Error
from l8types.values import DELETED, Change, ChangeSet, ItemChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Buffer

    from l8types.protocols.data import ObjectCodec
    from l8types.protocols.models import PropertyResolver

__all__ = ["Batch", "Packer", "Row"]

_MAGIC: Final = b"L8\x01"
_HEAD: Final = len(_MAGIC) + 4
_CODED: Final = 1
"""Extension type of a value of the object codec."""
_REMOVED: Final = msgspec.msgpack.Ext(2, b"")
_PLAIN: Final = frozenset({type(None), bool, int, float, bytes})
_INT_RANGE: Final = range(-(2**63), 2**64)
_ROW_BYTES: Final = 40
"""What a change takes beside its key and body, generously."""

_BY_PARTS: Final = frozenset({int(NotificationType.PUT), int(NotificationType.PATCH)})
_KINDS: Final = {
    int(kind): kind
    for kind in (
        NotificationType.POST,
        NotificationType.PUT,
        NotificationType.PATCH,
        NotificationType.DELETE,
    )
}
_POST: Final = int(NotificationType.POST)
_WHOLE: Final = frozenset({_POST})
_DELETE: Final = int(NotificationType.DELETE)

Form = tuple[tuple[str, str | None], ...]
"""Property ids of a change, each in front of and behind the key of the item."""


class Row(msgspec.Struct, frozen=True):
    """One change on its way out.

    Attributes:
        change: The change.
        stamp: The version that it leads to.
        base: The version that it was made from.
        form: Where in the item something changed.
        body: MessagePack of the item or the values, empty for neither.
    """

    change: ItemChange
    stamp: Stamp
    base: Stamp
    form: Form
    body: bytes

    @property
    def size_bytes(self) -> int:
        """About how much it adds to a message."""
        return len(self.body) + len(self.change.key) + _ROW_BYTES


class _Frame(msgspec.Struct, array_like=True, frozen=True):
    """What travels. Columns have one entry per change, but for the last two."""

    source: str
    first: int
    model: str
    sources: list[str]
    forms: list[Form]
    kinds: bytes
    keys: list[str]
    times: list[int]
    base_times: list[int]
    base_sources: list[int]
    form_of: list[int]
    items: msgspec.Raw
    """List of the items of the changes that carry one."""
    values: list[list[object]]
    """Old and new value of each attribute, of the changes that name attributes."""


class Batch:
    """Changes of one instance that follow each other.

    Attributes:
        source: The instance.
        first: Number of the first change.
        keys: Keys of the items.
        stamps: Versions that they lead to.
        times: Times of these versions.
        whole: For each, whether it carries the whole item.
        bases: Versions that they were made from, each as a time and a source; ``None`` for one
            that is not to be applied together with others: a deletion, or not understood.
        changes: The changes; in place of one that cannot be understood, why.
    """

    __slots__ = ("bases", "changes", "first", "keys", "source", "stamps", "times", "whole")

    def __init__(self, frame: _Frame, changes: list[ItemChange | L8Error], *, alike: bool) -> None:
        self.source = frame.source
        self.first = frame.first
        self.keys: Sequence[str] = frame.keys
        self.times: Sequence[int] = frame.times
        self.whole: list[bool] = [kind == _POST for kind in frame.kinds]
        self.stamps: list[Stamp] = list(map(_stamp, zip(frame.times, repeat(frame.source))))
        names = frame.sources
        self.bases: list[tuple[int, str] | None] = [
            (time, names[number])
            for time, number in zip(frame.base_times, frame.base_sources, strict=True)
        ]
        self.changes = changes
        if alike:
            return
        for at, change in enumerate(changes):
            if type(change) is not ItemChange or change.type is NotificationType.DELETE:
                self.bases[at] = None

    def __len__(self) -> int:
        return len(self.keys)


_stamp: Final = partial(tuple.__new__, Stamp)
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Frame).decode
_decode_list: Final = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_any: Final = msgspec.msgpack.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
"""What MessagePack or the constructor of a model raise when the bytes do not fit."""
_UNWRITABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)


class Packer:
    """Makes rows of changes, byte strings of rows, and batches of byte strings.

    Args:
        model: The model of the items.
        name: Its short name.
        codec: Writes and reads items, and values that MessagePack does not know.
        properties: Tells which kind of number an attribute holds.
        received: What is made of each change that was read, by default the change itself.
    """

    def __init__(
        self,
        model: type,
        name: str,
        *,
        codec: ObjectCodec,
        properties: PropertyResolver,
        received: Callable[[ItemChange], ItemChange] | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._codec = codec
        self._properties = properties
        self._received = received
        self._read_items = _reader_of(model)

    def row(self, change: ItemChange, stamp: Stamp, base: Stamp) -> Row:
        """A change on its way out.

        Raises:
            EncodeError: A value or the key cannot be represented.
        """
        key, parts = change.key, change.changes
        try:
            key.isascii() or key.encode()
            if parts is not None:
                form, values = self._parts(key, parts)
                body = _encode(values)
            else:
                form = ()
                gone = change.type is NotificationType.DELETE
                body = b"" if gone else self._written(change.item)
        except UnicodeEncodeError as error:
            raise EncodeError(f"change of {change.model} {key!r}: {error}") from error
        return Row(change, stamp, base, form, body)

    def pack(self, rows: Sequence[Row]) -> bytes:
        """Byte string of changes whose numbers follow each other."""
        sources: dict[str, int] = {}
        forms: dict[Form, int] = {}
        first = rows[0].change
        frame = _Frame(
            first.source,
            first.sequence,
            self._name,
            [],
            [],
            bytes([_wire_type(row.change) for row in rows]),
            [row.change.key for row in rows],
            [row.stamp.time for row in rows],
            [row.base.time for row in rows],
            [sources.setdefault(row.base.source, len(sources)) for row in rows],
            [forms.setdefault(row.form, len(forms)) for row in rows],
            msgspec.Raw(
                _encode([msgspec.Raw(row.body) for row in rows if not row.form and row.body])
            ),
            [msgspec.Raw(row.body) for row in rows if row.form],  # type: ignore[misc] # as a list
        )
        frame.sources.extend(sources)
        frame.forms.extend(forms)
        data = _encode(frame)
        return b"".join((_MAGIC, zlib.crc32(data).to_bytes(4, "big"), data))

    def unpack(self, data: bytes) -> Batch:
        """The changes of a byte string.

        Raises:
            DecodeError: It is none, or was damaged.
        """
        if data[: len(_MAGIC)] != _MAGIC:
            raise DecodeError(f"{len(data)} bytes are no batch of changes of this version")
        body = data[_HEAD:]
        if zlib.crc32(body) != int.from_bytes(data[len(_MAGIC) : _HEAD], "big"):
            raise DecodeError(f"a batch of changes of {len(data)} bytes was damaged")
        try:
            frame = _decode(body)
            self._check(frame)
            alike = self._alike(frame) if frame.values else self._all_whole(frame)
            return Batch(frame, alike or self._changes(frame), alike=alike is not None)
        except (msgspec.MsgspecError, ValueError, IndexError, RecursionError) as error:
            raise DecodeError(f"a batch of changes cannot be read: {error}") from error

    def _check(self, frame: _Frame) -> None:
        if frame.model != self._name:
            raise DecodeError(f"changes of {frame.model!r} for a cache of {self._name!r}")
        count = len(frame.keys)
        columns = (
            frame.kinds,
            frame.times,
            frame.base_times,
            frame.base_sources,
            frame.form_of,
        )
        if not count or any(len(column) != count for column in columns):
            raise DecodeError("a batch of changes has no changes, or columns of different lengths")
        numbers = (*frame.base_sources, *frame.form_of, frame.first - 1, min(frame.times) - 1)
        if min(numbers) < 0 or not _KINDS.keys() >= set(frame.kinds):
            raise DecodeError("a batch of changes has numbers that are out of range")

    def _changes(self, frame: _Frame) -> list[ItemChange | L8Error]:
        items = iter(self._items(frame))
        values = iter(frame.values)
        return [
            self._change(frame, kind, key, frame.forms[form], sequence, items, values)
            for sequence, (kind, key, form) in enumerate(
                zip(frame.kinds, frame.keys, frame.form_of, strict=True), frame.first
            )
        ]

    def _all_whole(self, frame: _Frame) -> list[ItemChange | L8Error] | None:
        """Changes that are nothing but items, of which each can be read."""
        if self._read_items is None or self._received is not None or any(frame.forms):
            return None
        try:
            items = self._read_items(frame.items)
        except _UNREADABLE:
            return None
        if len(items) != len(frame.keys) or not _WHOLE.issuperset(frame.kinds):
            return None
        model, source, kind = frame.model, frame.source, NotificationType.POST
        return [
            ItemChange(kind, model, key, item, None, source, sequence)
            for sequence, (key, item) in enumerate(zip(frame.keys, items, strict=True), frame.first)
        ]

    def _alike(self, frame: _Frame) -> list[ItemChange | L8Error] | None:
        """Changes of one attribute, the same of all items, whose values need no look: the usual."""
        if len(frame.values) != len(frame.keys) or len(frame.forms) != 1:
            return None
        (form,) = frame.forms
        if len(form) != 1 or self._received is not None or not _BY_PARTS.issuperset(frame.kinds):
            return None
        ((head, tail),) = form
        if tail is None:
            return None
        model, source, simple = frame.model, frame.source, _SIMPLE
        made: list[ItemChange | L8Error] = []
        add = made.append
        rows = zip(frame.kinds, frame.keys, frame.values, strict=True)
        for sequence, (kind, key, (old, new)) in enumerate(rows, frame.first):
            if type(new) not in simple or type(old) not in simple:
                return None
            parts = ChangeSet(model, key, (Change(f"{head}{key}{tail}", old, new),))
            add(ItemChange(_KINDS[kind], model, key, None, parts, source, sequence))
        return made

    def _change(
        self,
        frame: _Frame,
        number: int,
        key: str,
        form: Form,
        sequence: int,
        items: Iterator[object],
        values: Iterator[list[object]],
    ) -> ItemChange | L8Error:
        item: object = None
        parts: ChangeSet | None = None
        if form:
            body = next(values, [])
            if number not in _BY_PARTS or len(body) != 2 * len(form):
                return DecodeError(f"a change of {self._name} {key!r} has not one value per place")
            try:
                parts = ChangeSet(self._name, key, self._read_parts(form, key, body))
            except L8Error as error:
                return error
        elif number != _DELETE:
            item = next(items, None)
            if isinstance(item, L8Error):
                return item
            if item is None:
                return DecodeError(f"a change of {self._name} {key!r} has no item")
        change = ItemChange(_KINDS[number], self._name, key, item, parts, frame.source, sequence)
        return change if self._received is None else self._received(change)

    def _written(self, item: object) -> bytes:
        """MessagePack of an item: its own if it has such a form, else that of its bytes."""
        if self._read_items is not None and type(item) is self._model:
            try:
                return _encode(item)
            except _UNWRITABLE:
                # It holds something that only the codec knows.
                pass
        return _encode(self._codec.encode(item))

    def _items(self, frame: _Frame) -> Sequence[object]:
        """The items; in place of one that cannot be read, why."""
        if self._read_items is not None:
            try:
                return self._read_items(frame.items)
            except _UNREADABLE:
                pass
        return [self._item(data) for data in _decode_list(frame.items)]

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

    def _parts(self, key: str, parts: ChangeSet) -> tuple[Form, list[object]]:
        """Where something changed, and the values before and after in turn."""
        form: list[tuple[str, str | None]] = []
        values: list[object] = []
        for part in parts.changes:
            place = part.property_id
            head, found, tail = place.partition(key)
            form.append((head, tail if found else None))
            values += (self._plain(place, part.old), self._plain(place, part.new))
        return tuple(form), values

    def _read_parts(self, form: Form, key: str, body: list[object]) -> tuple[Change, ...]:
        if len(form) == 1 and type(body[0]) in _SIMPLE and type(body[1]) in _SIMPLE:
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


_SIMPLE: Final = _PLAIN | {str}


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


def _wire_type(change: ItemChange) -> int:
    # A whole item means the same whatever led to it: this is the item now.
    if change.changes is None and change.type is not NotificationType.DELETE:
        return int(NotificationType.POST)
    return int(change.type)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
