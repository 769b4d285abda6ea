# SPDX-License-Identifier: Apache-2.0
"""Small fakes of elements, queries, caches, notifications and stores."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import re
from typing import TYPE_CHECKING

from l8types.enums import Kind, NotificationType, UpdateMode
from l8types.errors import (
    ConflictError,
    DecodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    QueryError,
    error_class,
)
from l8types.pb import L8MetaData, L8Notification, L8NotificationSet, L8Query
from l8types.values import Change, ChangeSet, Element, ItemChange, Page

from .model import MODELS, FakeCloner, FakeIntrospector, FakeUpdater

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from l8types.pb.notification_pb2 import L8NotificationType


class FakeElements:
    """The container, in memory."""

    def __init__(
        self,
        entries: Iterable[Element] = (),
        query: L8Query | None = None,
        metadata: L8MetaData | None = None,
    ) -> None:
        self.entries = list(entries)
        self.query = query
        self.metadata = metadata
        self.notification = False
        self.replica: int | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.entries)

    @property
    def values(self) -> Sequence[object]:
        return [entry.value for entry in self.entries]

    @property
    def first(self) -> object:
        return self.entries[0].value if self.entries else None

    @property
    def error(self) -> str:
        return next((entry.error for entry in self.entries if entry.error), "")

    def raise_for_error(self) -> FakeElements:
        if self.error:
            code, _, message = self.error.partition(": ")
            error = error_class(code)(message)
            error.answer = self
            raise error
        return self

    def to_page(self) -> Page:
        return Page(self.values, self.metadata or L8MetaData())

    def encode(self) -> bytes:
        return repr(self.entries).encode()


class FakeElementsFactory:
    """Makes containers."""

    def of(self, *values: object, notification: bool = False) -> FakeElements:
        return FakeElements(Element(value) for value in values)

    def entries(
        self, entries: Iterable[Element], *, metadata: L8MetaData | None = None
    ) -> FakeElements:
        return FakeElements(entries, metadata=metadata)

    def error(self, error: BaseException | str) -> FakeElements:
        text = f"{error.code}: {error.message}" if isinstance(error, L8Error) else str(error)
        return FakeElements([Element(error=text)])

    def query(self, query: str | L8Query) -> FakeElements:
        return FakeElements(query=L8Query(text=query) if isinstance(query, str) else query)

    def replica(self, elements: FakeElements, number: int) -> FakeElements:
        tagged = copy.copy(elements)
        tagged.replica = number
        return tagged

    def page(self, page: Page) -> FakeElements:
        return FakeElements([Element(item) for item in page.items], metadata=page.metadata)


class FakeNode:
    """Root of a model's tree."""

    def __init__(self, model: type) -> None:
        self.model = model
        self.type_name = model.__name__


class FakeQuery:
    """``select * from Model [where attribute=value] [sort-by attribute] [limit n] [page n]``."""

    PATTERN = re.compile(
        r"select \* from (\w+)(?: where (\w+)=(\w+))?(?: sort-by (\w+))?(?: limit (\d+))?"
        r"(?: page (\d+))?( mapreduce)?( register)?"
    )

    def __init__(self, text: str) -> None:
        match = self.PATTERN.fullmatch(text)
        if match is None or match[1] not in MODELS:
            raise QueryError(f"cannot understand {text!r}")
        self.root = FakeNode(MODELS[match[1]])
        self.attribute, self.value = match[2], match[3]
        self.text = text
        self.key = self.value if self.attribute == "isbn" else None
        self.sort_keys = (match[4],) if match[4] else ()
        self.limit = int(match[5] or 0)
        self.page = int(match[6] or 0)
        self.map_reduce = bool(match[7])
        self.register = bool(match[8])
        self.distinct = False
        self.aggregates = ()

    def matches(self, item: object) -> bool:
        return not self.attribute or str(getattr(item, self.attribute)) == self.value

    def sort(self, items: Iterable[object]) -> list[object]:
        by = self.sort_keys
        return sorted(items, key=lambda item: getattr(item, by[0])) if by else list(items)

    def project(self, item: object) -> object:
        return item

    def to_wire(self) -> L8Query:
        return L8Query(text=self.text, register=self.register)


class FakeQueries:
    """Parses queries."""

    def from_wire(self, message: L8Query) -> FakeQuery:
        return FakeQuery(message.text)


class FakeSubscription:
    """Takes a listener out of its list."""

    def __init__(self, listeners: list[Callable[..., None]], listener: Callable[..., None]) -> None:
        self._listeners = listeners
        self._listener = listener
        listeners.append(listener)

    def close(self) -> None:
        if self._listener in self._listeners:
            self._listeners.remove(self._listener)


class FakeCache:
    """Items of one model in a dictionary."""

    def __init__(self, model: type, introspector: FakeIntrospector, updater: FakeUpdater) -> None:
        self.model = model
        self.content: dict[str, object] = {}
        self.counters: dict[str, Callable[[object], tuple[bool, str]]] = {}
        self.listeners: list[Callable[[ItemChange], None]] = []
        self._introspector = introspector
        self._updater = updater

    def __len__(self) -> int:
        return len(self.content)

    def post(self, item: object) -> ItemChange | None:
        return self.put(item)

    def put(self, item: object) -> ItemChange | None:
        return self._merge(item, UpdateMode.PUT, NotificationType.PUT)

    def patch(self, item: object) -> ItemChange | None:
        return self._merge(item, UpdateMode.PATCH, NotificationType.PATCH)

    def delete(self, item: object) -> ItemChange | None:
        key = item if isinstance(item, str) else self.key_of(item)
        gone = self.content.pop(key, None)
        return None if gone is None else self._change(NotificationType.DELETE, key, gone)

    def apply(self, change: ItemChange) -> ItemChange | None:
        if change.type is NotificationType.DELETE:
            return self.delete(change.key)
        if change.changes is None:
            return self.put(change.item)
        if change.key not in self.content:
            raise NotFoundError(f"changes of {change.key!r}, which is not here")
        self._updater.apply(change.changes, self.content[change.key])
        return self._tell(change)

    def apply_all(self, changes: Sequence[ItemChange]) -> int:
        for done, change in enumerate(changes):
            try:
                self.apply(change)
            except L8Error:
                return done
        return len(changes)

    def get(self, key: object) -> object | None:
        text = key if isinstance(key, str) else self.key_of(key)
        return copy.deepcopy(self.content.get(text))

    def fetch(
        self, query: FakeQuery, *, scope: Callable[[object], object | None] | None = None
    ) -> Page:
        found = [copy.deepcopy(self.content[key]) for key in sorted(self.content)]
        shown = [scope(item) if scope else item for item in found if query.matches(item)]
        items = query.sort(item for item in shown if item is not None)
        metadata = L8MetaData()
        metadata.key_count.counts["Total"] = len(items)
        for name, counter in self.counters.items():
            metadata.key_count.counts[name] = sum(counter(item)[0] for item in items)
        if query.limit:
            items = items[query.page * query.limit : (query.page + 1) * query.limit]
        return Page(items, metadata)

    def items(self) -> Iterator[tuple[str, object]]:
        return iter(copy.deepcopy(self.content).items())

    def key_of(self, item: object) -> str:
        if not isinstance(item, self.model):
            raise InvalidInputError(f"a {type(item).__name__} is no {self.model.__name__}")
        return self._introspector.primary_key(item)

    def add_counter(self, name: str, counter: Callable[[object], tuple[bool, str]]) -> None:
        self.counters[name] = counter

    def _merge(self, item: object, mode: UpdateMode, kind: NotificationType) -> ItemChange | None:
        key = self.key_of(item)
        self._check_unique(key, item)
        old = self.content.get(key)
        if old is None:
            self.content[key] = copy.deepcopy(item)
            return self._change(NotificationType.POST, key, item)
        changes = self._updater.diff(old, item, mode=mode)
        if not changes:
            return None
        self.content[key] = self._updater.apply(changes, copy.deepcopy(old))
        return self._change(kind, key, self.content[key], changes)

    def _check_unique(self, key: str, item: object) -> None:
        unique = self._introspector.unique_key(item)
        for other, known in self.content.items():
            if unique and other != key and self._introspector.unique_key(known) == unique:
                raise ConflictError(f"unique key {unique!r} belongs to {other!r}")

    def _change(
        self,
        kind: NotificationType,
        key: str,
        item: object,
        changes: ChangeSet | None = None,
    ) -> ItemChange:
        return self._tell(ItemChange(kind, self.model.__name__, key, copy.deepcopy(item), changes))

    def _tell(self, change: ItemChange) -> ItemChange:
        for listener in tuple(self.listeners):
            listener(change)
        return change

    def subscribe(self, listener: Callable[[ItemChange], None]) -> FakeSubscription:
        return FakeSubscription(self.listeners, listener)


class FakeCaches:
    """Makes caches and remembers the last one."""

    def __init__(self, introspector: FakeIntrospector, updater: FakeUpdater) -> None:
        self._introspector = introspector
        self._updater = updater
        self.last: FakeCache | None = None

    def create(self, model: type, *, items: Iterable[object] | None = None) -> FakeCache:
        cache = FakeCache(model, self._introspector, self._updater)
        if items is None:
            self.last = cache
        for item in items or ():
            cache.put(item)
        return cache


class FakeCodec:
    """Values as JSON, with the model's name where it is an item."""

    def encode(self, value: object, *, kind: Kind | None = None) -> bytes:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return json.dumps([type(value).__name__, dataclasses.asdict(value)]).encode()
        return json.dumps(value).encode()

    def decode(self, data: bytes) -> object:
        try:
            value = json.loads(data)
        except ValueError as error:
            raise DecodeError(f"no value: {error}") from error
        if isinstance(value, list) and len(value) == 2 and value[0] in MODELS:
            return MODELS[value[0]](**value[1])
        return value


class FakeNotifications:
    """Changes as messages with JSON values."""

    def encode(self, change: ItemChange, *, service: str, area: int) -> L8NotificationSet:
        message = L8NotificationSet(
            source=change.source,
            sequence=change.sequence,
            service_name=service,
            service_area=area,
            model_type=change.model,
            model_key=change.key,
        )
        message.type = _wire_type(change.type)
        for part in change.changes or ():
            message.notification_list.append(
                L8Notification(
                    property_id=part.property_id,
                    oldValue=json.dumps(part.old).encode(),
                    newValue=json.dumps(part.new).encode(),
                )
            )
        if change.changes is None and change.item is not None:
            data = json.dumps(dataclasses.asdict(change.item)).encode()  # type: ignore[call-overload]
            message.notification_list.append(L8Notification(newValue=data))
        return message

    def decode(self, message: L8NotificationSet) -> ItemChange:
        kind = NotificationType(message.type)
        model, key = message.model_type, message.model_key
        parts = message.notification_list
        if parts and not parts[0].property_id:
            item = MODELS[model](**json.loads(parts[0].newValue))
            return ItemChange(
                kind, model, key, item, source=message.source, sequence=message.sequence
            )
        changes = ChangeSet(
            model,
            key,
            tuple(
                Change(part.property_id, json.loads(part.oldValue), json.loads(part.newValue))
                for part in parts
            ),
        )
        return ItemChange(kind, model, key, None, changes, message.source, message.sequence)


def _wire_type(kind: NotificationType) -> L8NotificationType.ValueType:
    return kind.value  # type: ignore[return-value]


class FakeStore:
    """A store in memory that can refuse, and can be slow."""

    def __init__(self, *items: object) -> None:
        self.content: dict[str, object] = {
            getattr(item, "isbn", ""): copy.deepcopy(item) for item in items
        }
        self.failing: L8Error | None = None
        self.writes: list[str] = []
        self.attempts = 0
        self.delay = 0.0
        self.refused: set[str] = set()
        self.batches: list[list[str]] = []
        self.late = 0.0
        """Seconds until a write that is done already is acknowledged."""

    async def put(self, key: str, item: object) -> None:
        await self.put_many([(key, item)])

    async def put_many(self, items: Sequence[tuple[str, object]]) -> None:
        await self._write(*(key for key, _ in items))
        self.content |= {key: copy.deepcopy(item) for key, item in items}
        await asyncio.sleep(self.late)

    async def get(self, key: str) -> object | None:
        return copy.deepcopy(self.content.get(key))

    async def delete(self, key: str) -> object | None:
        await self._write(key)
        return self.content.pop(key, None)

    async def delete_many(self, keys: Sequence[str]) -> None:
        await self._write(*keys)
        for key in keys:
            self.content.pop(key, None)

    async def items(self) -> AsyncIterator[tuple[str, object]]:
        if self.failing is not None:
            raise self.failing
        for key in sorted(self.content):
            yield key, copy.deepcopy(self.content[key])

    async def aclose(self) -> None:
        self.content.clear()

    async def _write(self, *keys: str) -> None:
        self.attempts += 1
        self.batches.append(list(keys))
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.failing is not None:
            raise self.failing
        if not self.refused.isdisjoint(keys):
            raise InvalidInputError("an item that does not fit")
        self.writes += keys


def fake_parts() -> tuple[FakeIntrospector, FakeUpdater, FakeCloner]:
    """What a cache works with."""
    introspector = FakeIntrospector()
    return introspector, FakeUpdater(introspector), FakeCloner()
