# SPDX-License-Identifier: Apache-2.0
"""A relational store as a service of the network."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from l8types.constants import METADATA_TOTAL
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.naming import list_type_name
from l8types.pb import L8MetaData, L8Query
from l8types.sla import ServiceLevelAgreement
from l8types.values import Element, Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.data import Elements, Orm, Query, Scope, Storage
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHook
    from l8types.protocols.web import WebService
    from l8types.values import ServiceKey

__all__ = ["OrmService", "orm_sla"]

_log = logging.getLogger(__name__)


def orm_sla(
    service: ServiceKey,
    model: type,
    orm: Orm,
    *,
    primary_keys: tuple[str, ...] = (),
    unique_keys: tuple[str, ...] = (),
    non_unique_keys: tuple[str, ...] = (),
    hook: ServiceHook | None = None,
    web: WebService | None = None,
) -> ServiceLevelAgreement:
    """Agreement under which a store serves one model.

    Args:
        service: Name and area.
        model: Model of the items.
        orm: The store; whoever opened it closes it.
        primary_keys: Attributes that identify an item; without any, what is declared already.
        unique_keys: Attributes that no two items share.
        non_unique_keys: Attributes to index.
        hook: User code around the operations.
        web: How the service shows on the web; ``None`` keeps it off.
    """
    return ServiceLevelAgreement(
        name=service.name,
        area=service.area,
        handler=lambda: OrmService(orm),
        model=model,
        primary_keys=primary_keys,
        unique_keys=unique_keys,
        non_unique_keys=non_unique_keys,
        stateful=False,
        hook=hook,
        web=web,
    )


class OrmService:
    """Serves the items of one model from a store; implements ``l8types`` ``ServiceHandler``.

    A write is one transaction: all items of a request are written or none. Nothing is kept in
    memory, so any number of instances may serve one database.

    Args:
        orm: The store; whoever opened it closes it.
    """

    def __init__(self, orm: Orm) -> None:
        self._orm = orm
        self._active: _Active | None = None

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the tables of the model.

        Raises:
            InvalidInputError: The agreement has no model.
            ConflictError: The database was written by a newer or incompatible schema.
            UnavailableError: The database cannot be reached.
        """
        if sla.model is None:
            raise InvalidInputError(f"service {sla.key} has no model to keep; name one")
        await self._orm.prepare(sla.model)
        self._active = _Active(self._orm, sla.model, vnic.resources, sla.hook)

    async def deactivate(self) -> None:
        """Refuse further calls; the store stays open."""
        self._active = None

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Add items or replace those with their keys; the answer has the key of each."""
        return await self._running.write(Action.POST, elements, call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Replace items as a whole, or add them; answer as for :meth:`post`."""
        return await self._running.write(Action.PUT, elements, call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Merge what is present into items, or add them; answer as for :meth:`post`."""
        return await self._running.write(Action.PATCH, elements, call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Delete the matches of a query, or items by example or key text.

        The answer of a query tells the number as ``Total``. Otherwise it has one entry per item:
        what was deleted, an error for an example without an item, ``None`` for such a key text.
        """
        return await self._running.delete(elements, call)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find items by example or key text; entries as for :meth:`delete`."""
        return await self._running.get(elements, call)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Changes on another instance: they are in the database already, nothing is to be done."""
        _log.debug("%s: %d changes on another instance", call.key, len(elements))

    async def failed(self, elements: Elements, call: Call) -> None:
        """A message came back undelivered: log it, the database holds the truth."""
        _log.warning("%s: a message came back undelivered: %s", call.key, elements.error)

    @property
    def _running(self) -> _Active:
        if self._active is None:
            raise ClosedError("the service is not active; activate it first")
        return self._active


class _Active:
    """The work of an active service."""

    def __init__(
        self, orm: Orm, model: type, resources: Resources, hook: ServiceHook | None
    ) -> None:
        self._orm = orm
        self._model = model
        self._resources = resources
        self._hook = hook
        self._storage: Storage = orm.storage(model)

    async def write(self, action: Action, elements: Elements, call: Call) -> Elements:
        items: list[object] = []
        keys: list[str] = []
        for given in self._unpacked(elements.values):
            item = self._checked(given, call)
            if self._hook is not None:
                decision = await self._hook.before(item, call)
                if not decision.proceed:
                    continue
                item = item if decision.item is None else self._checked(decision.item, call)
            key = self._resources.introspector.primary_key(item)
            await self._permit(key, call)
            items.append(item)
            keys.append(key)
        await self._orm.write(action, items)
        if self._hook is not None:
            for item in items:
                await self._hook.after(item, call)
        return self._resources.elements.entries([Element(key=key) for key in keys])

    async def get(self, elements: Elements, call: Call) -> Elements:
        factory = self._resources.elements
        if self._hook is not None:
            decision = await self._hook.before(elements, call)
            if not decision.proceed:
                return factory.of()
            elements = elements if decision.item is None else cast("Elements", decision.item)
        if elements.query is not None:
            page = await self._orm.read(self._query(elements.query, call), scope=self._scope(call))
            shown = [each for item in page.items for each in await self._shown(item, call)]
            return factory.page(replace(page, items=shown))
        self._check_asked(elements, call)
        return factory.entries([await self._entry(each, call) for each in elements.values])

    async def delete(self, elements: Elements, call: Call) -> Elements:
        factory = self._resources.elements
        if elements.query is not None:
            query = self._query(elements.query, call)
            count = await self._orm.delete(query, scope=self._scope(call))
            metadata = L8MetaData()
            metadata.key_count.counts[METADATA_TOTAL] = float(count)
            return factory.page(Page((), metadata))
        self._check_asked(elements, call)
        return factory.entries(
            [await self._entry(each, call, delete=True) for each in elements.values]
        )

    async def _entry(self, example: object, call: Call, *, delete: bool = False) -> Element:
        """What is found by an example or key text, or what is wrong."""
        try:
            item = await self._found(example, call, delete=delete)
        except L8Error as error:
            return Element(error=self._resources.elements.error(error).error)
        return Element(item, key=self._key(example, call))

    async def _found(self, example: object, call: Call, *, delete: bool) -> object | None:
        key = self._key(example, call)
        item = await self._storage.get(key)
        shown = None if item is None else self._resources.security.scope_item(call.identity, item)
        if delete and shown is not None:
            if self._hook is not None:
                decision = await self._hook.before(item, call)
                if not decision.proceed:
                    return shown
            await self._storage.delete(key)
        found = [] if shown is None else await self._shown(shown, call)
        if found:
            return found[0]
        if isinstance(example, str):
            return None
        raise NotFoundError(f"service {call.key} has no item with the key {key!r}")

    async def _shown(self, item: object, call: Call) -> list[object]:
        """An item of an answer as the hook leaves it, if it does."""
        if self._hook is None:
            return [item]
        decision = await self._hook.after(item, call)
        if not decision.proceed:
            return []
        return [item if decision.item is None else decision.item]

    def _query(self, message: L8Query, call: Call) -> Query:
        query = self._resources.queries.from_wire(message)
        if query.root.model is not self._model:
            raise InvalidInputError(
                f"a query about {query.root.type_name} reached service {call.key}, which keeps "
                f"{self._model.__name__}"
            )
        return query

    def _scope(self, call: Call) -> Scope | None:
        """What the caller may see; the network itself may see everything."""
        if not call.identity:
            return None
        scope_item, identity = self._resources.security.scope_item, call.identity
        return lambda item: scope_item(identity, item)

    async def _permit(self, key: str, call: Call) -> None:
        """Refuse to change what the caller may not see."""
        scope = self._scope(call)
        if scope is None:
            return
        present = await self._storage.get(key)
        if present is not None and scope(present) is None:
            raise PermissionDeniedError(
                f"{call.identity!r} may not {call.action.name} item {key!r} of service {call.key}"
            )

    def _key(self, example: object, call: Call) -> str:
        if isinstance(example, str):
            return example
        return self._resources.introspector.primary_key(self._checked(example, call))

    def _checked(self, item: object, call: Call) -> object:
        if not isinstance(item, self._model):
            raise InvalidInputError(
                f"service {call.key} keeps {self._model.__name__}, not {type(item).__name__}"
            )
        return item

    def _check_asked(self, elements: Elements, call: Call) -> None:
        if not len(elements):
            raise InvalidInputError(f"service {call.key} was asked neither a query nor an example")

    def _unpacked(self, values: Sequence[object]) -> Sequence[object]:
        """The items of a list message, which is how one request of the web brings several."""
        if len(values) != 1 or isinstance(values[0], self._model):
            return values
        only: Any = values[0]
        if type(only).__name__ != list_type_name(
            self._resources.registry.info_of(self._model).name
        ):
            return values
        return list(only.list)
