# SPDX-License-Identifier: Apache-2.0
"""A network of one: services answer from dictionaries, users are two."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec

from l8types.constants import HEALTH_SERVICE
from l8types.enums import Action, AuthStatus, SerializerMode
from l8types.errors import (
    AuthenticationError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
    QueryError,
)
from l8types.pb import L8MetaData
from l8types.protocols.web import WebEndpoint
from l8types.values import AuthResult, Element, Identity, NodeInfo, ServiceKey

if TYPE_CHECKING:
    from collections.abc import Callable

BOOKS = ServiceKey("Books")


@dataclass
class Book:
    """What the service holds."""

    isbn: str
    title: str = ""


class Json:
    """JSON of dataclasses; of the metadata only the total."""

    mode = SerializerMode.JSON

    def marshal(self, value: object) -> bytes:
        if isinstance(value, L8MetaData):
            return msgspec.json.encode({"total": value.key_count.counts["Total"]})
        return msgspec.json.encode(value)

    def unmarshal(self, data: bytes, model: type) -> Any:
        try:
            return msgspec.json.decode(data, type=model)
        except msgspec.DecodeError as error:
            raise DecodeError(str(error)) from error


@dataclass(frozen=True)
class Values:
    """A container of values."""

    values: list[object] = field(default_factory=list)
    metadata: L8MetaData | None = None
    query: None = None
    error: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Any:
        return (Element(value) for value in self.values)


class Users:
    """Ada may do all, Vera may read."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    async def authenticate(self, user: str, password: str) -> AuthResult:
        if user == "tfa":
            return AuthResult(AuthStatus.NEEDS_TFA, pending="p1")
        if (user, password) in {("ada", "right"), ("vera", "right")}:
            return AuthResult(AuthStatus.OK, token=f"token-{user}")
        return AuthResult(AuthStatus.REFUSED, reason="wrong user or password")

    async def validate(self, token: str) -> Identity:
        if token in self.revoked or token not in {"token-ada", "token-vera"}:
            raise AuthenticationError("the token is not valid; log in again")
        return Identity(token.removeprefix("token-"), token.removeprefix("token-"))

    async def revoke(self, token: str) -> None:
        self.revoked.add(token)

    async def allowed_actions(self, identity: str) -> dict[str, frozenset[Action]]:
        return {"*": frozenset({Action.GET})}


class Directory:
    """Two nodes."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Any], None]] = []
        self.infos = {
            "a" * 36: NodeInfo("a" * 36, "books", "s" * 36, services={BOOKS: "Book"}),
            "s" * 36: NodeInfo("s" * 36, "switch", "s" * 36, is_switch=True),
        }

    def nodes(self) -> tuple[NodeInfo, ...]:
        return tuple(self.infos.values())

    def node(self, uuid: str) -> NodeInfo | None:
        return self.infos.get(uuid)

    def providers(self, key: ServiceKey) -> tuple[str, ...]:
        return tuple(uuid for uuid, info in self.infos.items() if key in info.services)

    def services_of_model(self, model: str) -> tuple[ServiceKey, ...]:
        return (BOOKS,) if model == "Book" else ()

    def watch(self, listener: Callable[[Any], None]) -> Any:
        self.listeners.append(listener)
        return SimpleNamespace(close=lambda: self.listeners.remove(listener))


class Registry:
    """One model."""

    def info(self, name: str) -> Any:
        if name != "Book":
            raise NotFoundError(f"no type {name!r}")
        return SimpleNamespace(name="Book", model=Book)

    def register(self, model: type) -> None:
        """Every model is known."""


class Services:
    """Remembers what is active."""

    def __init__(self) -> None:
        self.active: dict[ServiceKey, Any] = {}

    async def activate(self, sla: Any, vnic: Any) -> Any:
        self.active[sla.key] = sla.handler()
        await self.active[sla.key].activate(sla, vnic)
        return self.active[sla.key]

    async def deactivate(self, key: ServiceKey) -> None:
        if key not in self.active:
            raise NotFoundError(f"{key} is not active")
        await self.active.pop(key).deactivate()


class Queries:
    """Understands the model after ``from``."""

    def parse(self, text: str) -> Any:
        words = text.split()
        if "from" not in words[:-1]:
            raise QueryError("line 1, column 1: expected 'select'", line=1, column=1)
        return SimpleNamespace(root=SimpleNamespace(type_name=words[words.index("from") + 1]))


class Network:
    """A vnic whose only service is a dictionary of books."""

    def __init__(self) -> None:
        self.books = {"1": Book("1", "Dune"), "2": Book("2", "<b>Emma</b>")}
        self.directory = Directory()
        self.failure: BaseException | None = None
        self.calls: list[tuple[Action, object, str]] = []
        self.asked: list[str] = []
        self.resources: Any = SimpleNamespace(
            security=Users(),
            registry=Registry(),
            services=Services(),
            queries=Queries(),
            metrics=SimpleNamespace(render=lambda: "layer8_nodes 2\n"),
            elements=SimpleNamespace(of=lambda *values: Values(list(values))),
            serializer=lambda mode: Json(),
            settings=SimpleNamespace(request_timeout=5.0),
        )

    async def send(self, target: str, service: str, area: int, action: Action) -> None:
        assert (service, action) == (HEALTH_SERVICE, Action.END_POINTS)
        self.asked.append(target)

    async def request(
        self,
        target: object,
        service: str,
        area: int,
        action: Action,
        payload: object,
        *,
        timeout: float,
        identity: str,
    ) -> Values:
        self.calls.append((action, payload, identity))
        if self.failure:
            raise self.failure
        if identity == "vera" and action is not Action.GET:
            raise PermissionDeniedError("user 'vera' may not do this")
        if isinstance(payload, list) and action is not Action.GET:
            for book in payload:
                self.books[book.isbn] = book
            return Values()
        if action is Action.DELETE:
            self.books.clear()
            return Values()
        metadata = L8MetaData()
        metadata.key_count.counts["Total"] = len(self.books)
        return Values([*self.books.values()], metadata)


ENDPOINTS = [WebEndpoint(action, "Book", "Book") for action in list(Action)[:5]]
