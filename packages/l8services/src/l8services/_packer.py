# SPDX-License-Identifier: Apache-2.0
"""Makes batches of changes and reads them: the frame, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from l8services._batch import Batch, Frame, Row, open_frame, seal_frame
from l8services._batch_items import BatchItems
from l8services._batch_values import SIMPLE, BatchValues
from l8types.enums import NotificationType
from l8types.errors import DecodeError, EncodeError, L8Error
from l8types.values import Change, ChangeSet, ItemChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from l8services._batch import Form
    from l8services._versions import Stamp
    from l8types.protocols.data import ObjectCodec
    from l8types.protocols.models import PropertyResolver

__all__ = ["Packer"]

_encode: Final = msgspec.msgpack.Encoder().encode
_WHOLE: Final = frozenset({int(NotificationType.POST)})
_BY_PARTS: Final = frozenset({int(NotificationType.PUT), int(NotificationType.PATCH)})
_DELETE: Final = int(NotificationType.DELETE)
_KINDS: Final = {
    int(kind): kind
    for kind in (
        NotificationType.POST,
        NotificationType.PUT,
        NotificationType.PATCH,
        NotificationType.DELETE,
    )
}


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
        self._name = name
        self._items = BatchItems(model, name, codec)
        self._values = BatchValues(codec, properties)
        self._received = received

    def row(self, change: ItemChange, stamp: Stamp, base: Stamp) -> Row:
        """A change on its way out.

        Raises:
            EncodeError: A value or the key cannot be represented.
        """
        key, parts = change.key, change.changes
        try:
            key.isascii() or key.encode()
            if parts is not None:
                form, values = self._values.write(key, parts)
                body = _encode(values)
            else:
                form = ()
                gone = change.type is NotificationType.DELETE
                body = b"" if gone else self._items.write(change.item)
        except UnicodeEncodeError as error:
            raise EncodeError(f"change of {change.model} {key!r}: {error}") from error
        return Row(change, stamp, base, form, body)

    def pack(self, rows: Sequence[Row]) -> bytes:
        """Byte string of changes whose numbers follow each other."""
        sources: dict[str, int] = {}
        forms: dict[Form, int] = {}
        first = rows[0].change
        frame = Frame(
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
        return seal_frame(frame)

    def unpack(self, data: bytes) -> Batch:
        """The changes of a byte string.

        Raises:
            DecodeError: It is none, or was damaged.
        """
        frame = open_frame(data)
        self._check(frame)
        try:
            alike = self._alike(frame) if frame.values else self._all_whole(frame)
            return Batch(frame, alike or self._changes(frame), alike=alike is not None)
        except (msgspec.MsgspecError, ValueError, IndexError, RecursionError) as error:
            raise DecodeError(f"a batch of changes cannot be read: {error}") from error

    def _check(self, frame: Frame) -> None:
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

    def _changes(self, frame: Frame) -> list[ItemChange | L8Error]:
        items = iter(self._items.read(frame.items))
        values = iter(frame.values)
        return [
            self._change(frame, kind, key, frame.forms[form], sequence, items, values)
            for sequence, (kind, key, form) in enumerate(
                zip(frame.kinds, frame.keys, frame.form_of, strict=True), frame.first
            )
        ]

    def _all_whole(self, frame: Frame) -> list[ItemChange | L8Error] | None:
        """Changes that are nothing but items, of which each can be read."""
        if self._received is not None or not _WHOLE.issuperset(frame.kinds) or any(frame.forms):
            return None
        items = self._items.read_alike(frame.items)
        if items is None or len(items) != len(frame.keys):
            return None
        model, source, kind = frame.model, frame.source, NotificationType.POST
        return [
            ItemChange(kind, model, key, item, None, source, sequence)
            for sequence, (key, item) in enumerate(zip(frame.keys, items, strict=True), frame.first)
        ]

    def _alike(self, frame: Frame) -> list[ItemChange | L8Error] | None:
        """Changes of one attribute, the same of all items, whose values need no look: the usual."""
        if len(frame.values) != len(frame.keys) or len(frame.forms) != 1:
            return None
        (form,) = frame.forms
        if len(form) != 1 or self._received is not None or not _BY_PARTS.issuperset(frame.kinds):
            return None
        ((head, tail),) = form
        if tail is None:
            return None
        model, source, simple = frame.model, frame.source, SIMPLE
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
        frame: Frame,
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
                parts = ChangeSet(self._name, key, self._values.read(form, key, body))
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


def _wire_type(change: ItemChange) -> int:
    # A whole item means the same whatever led to it: this is the item now.
    if change.changes is None and change.type is not NotificationType.DELETE:
        return int(NotificationType.POST)
    return int(change.type)
