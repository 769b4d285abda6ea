# SPDX-License-Identifier: Apache-2.0
"""A network of one service: what a handler and a remote store meet there."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from l8orm import OrmService
from l8types.criteria import SortKey
from l8types.enums import Action, MulticastMode, NotificationType, Operator
from l8types.errors import L8Error, error_class
from l8types.pb import L8MetaData, L8Query
from l8types.protocols.models import Introspector
from l8types.protocols.services import Call
from l8types.values import Element, ItemChange, Page, ServiceKey

from .queries import FakeQuery, path, where

if TYPE_CHECKING:
    from l8types.protocols.data import Elements, Query
    from l8types.protocols.net import VNic
    from l8types.sla import ServiceLevelAgreement


@dataclass(frozen=True)
class FakeElements:
    """A container as it is after a trip over the network."""

    entries: tuple[Element, ...] = ()
    query: L8Query | None = None
    metadata: L8MetaData | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Any:
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
        code, _, message = self.error.partition(": ")
        if code:
            raise error_class(code)(message)
        return self

    def to_page(self) -> Page:
        return Page(self.values, self.metadata or L8MetaData())


class FakeFactory:
    """Makes containers."""

    def of(self, *values: object) -> FakeElements:
        return FakeElements(tuple(Element(value) for value in values))

    def entries(self, entries: Iterable[Element]) -> FakeElements:
        return FakeElements(tuple(entries))

    def error(self, error: L8Error) -> FakeElements:
        return FakeElements((Element(error=f"{error.code}: {error.message}"),))

    def page(self, page: Page) -> FakeElements:
        # Some nodes put one empty entry into an answer that has none.
        entries = tuple(Element(item) for item in page.items) or (Element(),)
        return FakeElements(entries, metadata=page.metadata)


class FakeCache:
    """All items in a dictionary; counts how often it was asked."""

    def __init__(self, models: Introspector, items: Iterable[object]) -> None:
        self._key_of = models.primary_key
        self._items = {self._key_of(item): item for item in items}
        self.asked = 0

    def put(self, item: object) -> ItemChange | None:
        key = self._key_of(item)
        before, self._items[key] = self._items.get(key), item
        if before == item:
            return None
        kind = NotificationType.POST if before is None else NotificationType.PUT
        return ItemChange(kind, type(item).__name__, key, item)

    def items(self) -> Iterator[tuple[str, object]]:
        return iter(deepcopy(self._items).items())

    def get(self, key: str) -> object | None:
        self.asked += 1
        return deepcopy(self._items.get(key))

    def fetch(self, query: Query, *, scope: Any = None) -> Page:
        self.asked += 1
        found = [self._items[key] for key in sorted(self._items)]
        if scope is not None:
            found = [shown for item in found if (shown := scope(item)) is not None]
        found = query.sort(query.filter(found))
        metadata = L8MetaData()
        metadata.key_count.counts["Total"] = float(len(found))
        start = query.page * query.limit
        return Page(
            deepcopy(found[start : start + query.limit] if query.limit else found), metadata
        )


@dataclass
class FakeCaches:
    """Makes caches and remembers them."""

    models: Introspector
    made: list[FakeCache] = field(default_factory=list)

    def create(self, model: type, *, items: Iterable[object] = ()) -> FakeCache:
        self.made.append(FakeCache(self.models, items))
        return self.made[-1]


QUERY = re.compile(
    r"select \* from (\w+)(?: where (\w+) ([<>=]+) (\S+))?(?: limit (\d+))?(?: page (\d+))?"
    r"(?: sort-by (\w+))?(?: match-case)?"
)


class FakeQueries:
    """Reads the few shapes of text that the tests need; a literal is written as JSON."""

    def __init__(self, models: Introspector, roots: dict[str, type]) -> None:
        self._models = models
        self._roots = roots

    def parse(self, text: str, **parameters: object) -> Any:
        for name, value in parameters.items():
            text = text.replace(f":{name}", json.dumps(value))
        return SimpleNamespace(to_wire=lambda: L8Query(text=text))

    def from_wire(self, message: L8Query) -> Query:
        found = QUERY.fullmatch(message.text)
        assert found is not None, message.text
        name, attribute, operator, value, limit, page, by = found.groups()
        root = self._models.inspect(self._roots[name])
        criteria = None
        if attribute:
            criteria = where(root, attribute, Operator(operator), json.loads(value))
        keys = (SortKey(path(root, by)),) if by else ()
        facts = FakeQuery(root, criteria, keys, limit=int(limit or 0), page=int(page or 0))
        return cast("Query", facts)


@dataclass
class FakeNode:
    """A node with the parts that are needed, and the way to one service."""

    models: Introspector
    roots: dict[str, type]
    scope: Callable[[str, Any], object | None] = lambda _, item: item
    identity: str = ""
    service: OrmService | None = None
    asked: list[tuple[str, Action]] = field(default_factory=list)
    before_request: Callable[[FakeNode], Any] | None = None
    caches: FakeCaches = field(init=False)
    watched: bool = False
    """Whether somebody offers the service of those who watch."""
    told: list[tuple[str, Action, object]] = field(default_factory=list)
    """What was sent to them."""
    deaf: L8Error | None = None
    """What sending fails with."""

    def __post_init__(self) -> None:
        self.caches = FakeCaches(self.models)

    @property
    def resources(self) -> Any:
        return SimpleNamespace(
            introspector=self.models,
            elements=FakeFactory(),
            caches=self.caches,
            notifications=SimpleNamespace(
                encode=lambda change, service, area: (service, area, change.type, change.key)
            ),
            queries=FakeQueries(self.models, self.roots),
            security=SimpleNamespace(scope_item=self.scope),
            registry=SimpleNamespace(info_of=lambda model: SimpleNamespace(name=model.__name__)),
        )

    @property
    def directory(self) -> Any:
        return SimpleNamespace(providers=lambda key: ("w",) if self.watched else ())

    async def send(
        self, target: object, service: str, area: int, action: Action, payload: object
    ) -> None:
        if self.deaf is not None:
            raise self.deaf
        self.told.append((f"{service}--{area}", action, payload))

    @property
    def vnic(self) -> VNic:
        return cast("VNic", self)

    def call(self, action: Action) -> Call:
        return Call(self.vnic, action, ServiceKey("things", 3), identity=self.identity)

    async def ask(self, action: Action, *values: object) -> FakeElements:
        """Call the service as the dispatcher does: errors become entries."""
        assert self.service is not None
        only = values[0] if len(values) == 1 else None
        elements = FakeFactory().of(*values)
        if isinstance(only, FakeElements):
            elements = only
        elif isinstance(only, L8Query):
            elements = FakeElements(query=only)
        handler = getattr(self.service, action.name.lower())
        try:
            answer = await handler(cast("Elements", elements), self.call(action))
        except L8Error as error:
            return FakeFactory().error(error)
        return cast("FakeElements", answer)

    async def parts(self, *values: object) -> list[list[object]]:
        """Read the answer of the service in parts."""
        assert self.service is not None
        elements = FakeFactory().of(*values)
        if len(values) == 1 and isinstance(values[0], L8Query):
            elements = FakeElements(query=values[0])
        found = self.service.stream(cast("Elements", elements), self.call(Action.GET))
        return [list(part.values) async for part in found]

    async def request(
        self,
        target: MulticastMode,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        timeout: float | None = None,
    ) -> FakeElements:
        """What a remote store calls."""
        if self.before_request is not None:
            await self.before_request(self)
        self.asked.append((f"{target.name} {service} {area}", action))
        return (await self.ask(action, payload)).raise_for_error()


@asynccontextmanager
async def active(node: FakeNode, sla: ServiceLevelAgreement) -> AsyncIterator[FakeNode]:
    """The node with its service activated."""
    service = cast("OrmService", sla.handler())
    await service.activate(sla, node.vnic)
    node.service = service
    yield node
    await service.deactivate()
