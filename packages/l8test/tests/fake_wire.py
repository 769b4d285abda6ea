# SPDX-License-Identifier: Apache-2.0
"""The smallest codec, containers, serializer and notifications that keep their promises."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from l8types.constants import METADATA_TOTAL
from l8types.enums import Kind, NotificationType, SerializerMode
from l8types.errors import DecodeError, EncodeError, L8Error, RemoteError, error_class
from l8types.frozen import replace
from l8types.pb import L8MetaData, L8Notification, L8NotificationSet, L8Query
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.values import DELETED, Change, ChangeSet, Element, ItemChange, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RANGES = {
    Kind.INT32: (-(2**31), 2**31),
    Kind.UINT32: (0, 2**32),
    Kind.INT64: (-(2**63), 2**63),
}


class FakeCodec:
    """Values as tagged msgpack."""

    def __init__(self, *models: type) -> None:
        self.models = {model.__name__: model for model in models}

    def encode(
        self, value: object, *, kind: Kind | None = None, key_kind: Kind | None = None
    ) -> bytes:
        for one in value if isinstance(value, list) else [value]:
            low, high = RANGES.get(kind or Kind.BOOL, (0, 0))
            if low < high and isinstance(one, int) and not low <= one < high:
                raise EncodeError(f"{one} is no {kind}")
        return msgspec.msgpack.encode(self.tagged(value))

    def tagged(self, value: object) -> object:
        """The value with tags for what msgpack does not tell apart."""
        if isinstance(value, list):
            return ["l", [self.tagged(one) for one in value]]
        if isinstance(value, dict):
            return ["d", [[self.tagged(k), self.tagged(v)] for k, v in value.items()]]
        if dataclasses.is_dataclass(value) and type(value).__name__ in self.models:
            return ["m", type(value).__name__, msgspec.to_builtins(value)]
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        raise EncodeError(f"{type(value).__name__} cannot travel")

    def decode(self, data: bytes | memoryview) -> Any:
        try:
            return self.plain(msgspec.msgpack.decode(data))
        except (msgspec.DecodeError, TypeError, ValueError, KeyError, IndexError) as error:
            raise DecodeError(f"no value: {error}") from error

    def plain(self, value: Any) -> Any:
        """The value without tags."""
        if not isinstance(value, list):
            return value
        if value[0] == "l":
            return [self.plain(one) for one in value[1]]
        if value[0] == "d":
            return {self.plain(key): self.plain(one) for key, one in value[1]}
        return msgspec.convert(value[2], self.models[value[1]])


class FakeSerializer:
    """JSON."""

    mode = SerializerMode.JSON

    def marshal(self, value: object) -> bytes:
        try:
            return msgspec.json.encode(value)
        except TypeError as error:
            raise EncodeError(str(error)) from error

    def unmarshal(self, data: bytes, model: Any) -> Any:
        try:
            return msgspec.json.decode(data, type=model)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DecodeError(str(error)) from error


@dataclass(frozen=True)
class FakeElements:
    """A container."""

    codec: FakeCodec
    entries: tuple[Element, ...] = ()
    query: L8Query | None = None
    metadata: L8MetaData | None = None
    notification: bool = False
    replica: int | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.entries)

    @property
    def values(self) -> list[object]:
        return [entry.value for entry in self.entries]

    @property
    def first(self) -> object:
        return self.entries[0].value if self.entries else None

    @property
    def error(self) -> str:
        return next((entry.error for entry in self.entries if entry.error), "")

    def raise_for_error(self) -> FakeElements:
        if self.error:
            code, separator, message = self.error.partition(": ")
            cls = error_class(code) if separator else RemoteError
            raise RemoteError(self.error) if cls is RemoteError else cls(message)
        return self

    def to_page(self) -> Page:
        return Page(self.values, self.metadata or L8MetaData())

    def encode(self) -> bytes:
        rows: list[object] = [[one.value, one.key, one.error] for one in self.entries]
        parts = [one.SerializeToString() if one else None for one in (self.query, self.metadata)]
        return b"E" + self.codec.encode([rows, *parts])


class FakeElementsFactory:
    """Makes containers."""

    def __init__(self, codec: FakeCodec) -> None:
        self.codec = codec

    def of(self, *values: object, notification: bool = False) -> FakeElements:
        entries = tuple(Element(value) for value in values)
        return FakeElements(self.codec, entries, notification=notification)

    def entries(
        self, entries: Iterable[Element], *, metadata: L8MetaData | None = None
    ) -> FakeElements:
        return FakeElements(self.codec, tuple(entries), metadata=metadata)

    def error(self, error: BaseException | str) -> FakeElements:
        code = f"{error.code}: " if isinstance(error, L8Error) else ""
        text = f"{code}{error}"
        return self.entries([Element(error=text)])

    def query(self, query: str | L8Query) -> FakeElements:
        message = L8Query(text=query) if isinstance(query, str) else query
        return FakeElements(self.codec, query=message)

    def page(self, page: Page) -> FakeElements:
        entries = tuple(Element(item) for item in page.items)
        return FakeElements(self.codec, entries, metadata=page.metadata)

    def replica(self, elements: FakeElements, number: int) -> FakeElements:
        return replace(elements, replica=number)

    def decode(self, data: bytes | memoryview) -> FakeElements:
        if bytes(data[:1]) != b"E":
            raise DecodeError("no container")
        rows, query, metadata = self.codec.decode(data[1:])
        return FakeElements(
            self.codec,
            tuple(Element(*row) for row in rows),
            None if query is None else L8Query.FromString(query),
            None if metadata is None else L8MetaData.FromString(metadata),
        )


class FakeNotifications:
    """Changes as messages."""

    def __init__(self, codec: FakeCodec) -> None:
        self.codec = codec

    def encode(self, change: ItemChange, *, service: str, area: int) -> L8NotificationSet:
        message = L8NotificationSet(
            service_name=service,
            service_area=area,
            model_type=change.model,
            model_key=change.key,
            source=change.source,
            sequence=change.sequence,
            type=L8NotificationType.ValueType(change.type),
        )
        for one in change.changes or [Change("", None, change.item)]:
            message.notification_list.append(
                L8Notification(
                    property_id=one.property_id,
                    oldValue=self.codec.encode(one.old),
                    newValue=b"" if one.new is DELETED else self.codec.encode(one.new),
                )
            )
        return message

    def decode(self, message: L8NotificationSet) -> ItemChange:
        if message.model_type not in self.codec.models:
            raise DecodeError(f"unknown type {message.model_type}")
        changes = [
            Change(
                one.property_id,
                self.codec.decode(one.oldValue),
                self.codec.decode(one.newValue) if one.newValue else DELETED,
            )
            for one in message.notification_list
        ]
        whole = not changes[0].property_id
        return ItemChange(
            NotificationType(message.type),
            message.model_type,
            message.model_key,
            changes[0].new if whole else None,
            None if whole else ChangeSet(message.model_type, message.model_key, tuple(changes)),
            message.source,
            message.sequence,
        )


def metadata_of(total: int) -> L8MetaData:
    """Metadata with the number of matches."""
    metadata = L8MetaData()
    metadata.key_count.counts[METADATA_TOTAL] = total
    return metadata
