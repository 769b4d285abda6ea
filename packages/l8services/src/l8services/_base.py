# SPDX-License-Identifier: Apache-2.0
"""A complete service made from a model and an agreement: the distributed cache as a handler."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast

from l8services._batch import Batch
from l8services._live import asks_live
from l8services._parts import BaseParts
from l8services._stateless import StatelessParts
from l8services._transactional import TransactionalParts
from l8services._tuning import Tuning
from l8types.enums import Action
from l8types.errors import ClosedError, InvalidInputError, L8Error
from l8types.pb import L8NotificationSet, L8Query

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from l8services._replication.shares import Shares
    from l8types.protocols.data import Cache, Counter, Elements, Query, Scope
    from l8types.protocols.net import VNic
    from l8types.protocols.services import AskAll, Call, Staged, TimeSeriesService
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import Page

__all__ = ["BaseService"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


class BaseService:
    """Keeps the items of one model in memory, equal on all nodes that offer the service.

    Each instance takes writes; it tells the others what changed, and they repair what they missed.
    An instance that starts fetches the items from another one, or else from the store, before it
    serves.

    With a store, a write is stored before it is acknowledged (``write_behind=None``), or collected
    and stored later. The instance that took a write stores it: instances of one service share a
    store.

    With ``transactional=True`` writes are ordered by the leader, and made on all instances or on
    none; see ``ServiceLevelAgreement``.

    Args:
        tuning: Times and limits of the agreement between instances.
    """

    def __init__(self, tuning: Tuning | None = None) -> None:
        self._tuning = tuning or Tuning()
        self._parts: BaseParts | None = None
        self._transactional: TransactionalParts | None = None
        self._stateless: StatelessParts | None = None

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Fill the cache and start the background tasks.

        Raises:
            InvalidInputError: The agreement has no model, or asks for a service without state that
                has neither hook nor store.
            L8Error: No other instance has items, and the store cannot be read.
        """
        if not sla.stateful:
            self._stateless = StatelessParts(sla, vnic.resources)
            return
        if sla.model is None:
            raise InvalidInputError(
                f"service {sla.key} has no model to keep; it needs a handler of its own"
            )
        if sla.transactional:
            self._transactional = TransactionalParts(sla, sla.model, vnic, self._tuning)
            return
        points = callable(getattr(self, "add_points", None))
        parts = BaseParts(sla, sla.model, vnic, self._tuning, points=points)
        try:
            parts.start(complete=await parts.fill(sla))
        except BaseException:
            await parts.aclose()
            raise
        self._parts = parts

    async def deactivate(self) -> None:
        """Send and store what is left, within the time to close, then stop."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.aclose()
        self._stateless = None
        ordered, self._transactional = self._transactional, None
        if ordered is not None:
            await ordered.aclose()

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Add items or replace those with their keys; the answer has one entry per item."""
        return await self._write(Action.POST, elements, call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Replace items as a whole, or add them; answer as for :meth:`post`."""
        return await self._write(Action.PUT, elements, call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Merge what is present into the items, or add them; answer as for :meth:`post`."""
        return await self._write(Action.PATCH, elements, call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Remove items by example or key text, or all that a query matches.

        One entry of the answer per item; one that is not there is an error of its entry.
        """
        if elements.query is not None and self._stateless is None:
            return await self._running.writer.delete_matching(elements, call)
        return await self._write(Action.DELETE, elements, call)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find items by example or key text.

        Who asks a query with ``register`` and an identity is told of the changes of the answer by
        the gateways, through the service ``websock``, for some minutes until it asks again.

        Raises:
            QueryError: It is no query.
            InvalidInputError: It is about another model, or asks nothing.
        """
        if self._stateless is not None:
            return await self._stateless.get(elements, call)
        parts = self._transactional or self._running
        if self._wants_changes(elements.query, call):
            await parts.watchers.register(cast("L8Query", elements.query), call)
        return await parts.reader.get(elements, call)

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """Answer as :meth:`get` in one part, or a live query until the reader leaves.

        The parts of a live answer come from this instance; see ``l8services.live``.

        Raises:
            InvalidInputError: The answer cannot stay live.
            L8Error: As for :meth:`get`.
        """
        if not asks_live(elements):
            yield await self.get(elements, call)
            return
        if self._stateless is not None:
            raise InvalidInputError(f"service {call.key} keeps no items: nothing tells of changes")
        if self._transactional is not None and self._transactional.shares is not None:
            raise InvalidInputError(
                f"service {call.key} is replicated, and an answer of it cannot stay live"
            )
        parts = self._transactional or self._running
        async with aclosing(parts.live.stream(elements, call)) as live_parts:
            async for part in live_parts:
                yield part

    async def notify(self, elements: Elements, call: Call) -> None:
        """Apply changes of other instances, one by one.

        Samples among them go to ``add_points`` of a service that has it, see ``TimeSeriesService``.

        Raises:
            PermissionDeniedError: They come from a node that does not offer the service.
            InvalidInputError: They are no changes.
        """
        parts = self._running
        parts.sync.authorize((), call)
        messages = parts.opened(elements.values, call)
        parts.sync.authorize(messages, call)
        for message in messages:
            if isinstance(message, Batch):
                parts.replica.receive_all(message)
                continue
            if not isinstance(message, L8NotificationSet):
                raise InvalidInputError(
                    f"service {call.key} was notified of {type(message).__name__}, not of a change"
                )
            parts.digests.heard(message)
            try:
                parts.replica.receive(message)
            except L8Error as error:
                # One change that is not understood must not keep the next ones away.
                _log.warning("%s: a change of %s is lost: %s", call.key, message.source, error)
        parts.sync.received()
        for property_id, points in parts.points().items():
            await cast("TimeSeriesService", self).add_points(property_id, points)

    def changes_seen(self) -> dict[str, int]:
        """Per instance, this one included, up to which of its changes this one has them all."""
        return self._running.replica.seen()

    async def failed(self, elements: Elements, call: Call) -> None:
        """A change that did not reach an instance; that one sees the gap and fetches."""
        _log.debug("%s: %d changes came back undelivered", call.key, len(elements))

    async def stage(self, elements: Elements, call: Call) -> Staged:
        """Work out a write of a transaction; one that is refused changes nothing."""
        return await self._ordered.items.stage(elements, call)

    def unstage(self) -> None:
        """Drop what was worked out."""
        self._ordered.items.unstage()

    def apply(self, changes: Sequence[tuple[str, object]]) -> None:
        """Make changes visible."""
        self._ordered.items.apply(changes)

    def content(self) -> Iterator[tuple[str, object]]:
        """Keys and items that are visible now."""
        return self._ordered.items.content()

    async def initial(self) -> Sequence[tuple[str, object]]:
        """What a service that is entirely new begins with: the store, else the initial items."""
        return await self._ordered.initial()

    def leading(self) -> None:
        """This instance writes to the store from now on."""
        self._ordered.leading()

    def applied(self, keys: Sequence[str]) -> None:
        """Store what this instance acknowledged."""
        self._ordered.applied(keys)

    def keys_of(self, elements: Elements) -> Sequence[str]:
        """Keys of the items of a request to a replicated service."""
        return self._spread.keys_of(elements)

    async def share(self, elements: Elements, call: Call, mine: Callable[[str], bool]) -> Elements:
        """What this instance has of an answer; see ``ReplicatedService``."""
        return self._spread.share(elements, call, mine)

    async def whole(self, elements: Elements, call: Call, ask: AskAll) -> Elements:
        """Answer a query from the shares of all instances; see ``ReplicatedService``."""
        return await self._spread.whole(elements, call, ask)

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be sent, fetched or stored."""
        parts = self._transactional or self._parts
        return parts is None or parts.settled

    @property
    def divergence(self) -> int:
        """Ranges of keys in which this instance is known to differ from others, 0 in agreement.

        A transactional service is ordered by its leader and always says 0.
        """
        return 0 if self._parts is None else self._parts.digests.divergence

    def __len__(self) -> int:
        return len(self._cache)

    # The cache as it is here, for code of this process; nobody is authorized.

    def item(self, key: object) -> object | None:
        """Copy of the item with this key text or example, ``None`` when absent."""
        return self._cache.get(key)

    def items(self) -> Iterator[tuple[str, object]]:
        """Keys and copies of all items at the time of the call."""
        return self._cache.items()

    def collect(self, transform: Callable[[object], T | None]) -> dict[str, T]:
        """What a function makes of copies of the items, by key; ``None`` leaves one out."""
        made = ((key, transform(item)) for key, item in self._cache.items())
        return {key: value for key, value in made if value is not None}

    def fetch(self, query: Query, *, scope: Scope | None = None) -> Page:
        """Answer of a query with its counters, see ``Cache.fetch``."""
        return self._cache.fetch(query, scope=scope)

    def add_counter(self, name: str, counter: Counter) -> None:
        """Count items in the metadata of answers from now on."""
        self._cache.add_counter(name, counter)

    @property
    def _cache(self) -> Cache:
        return (self._transactional or self._running).replica.cache

    @staticmethod
    def _wants_changes(message: L8Query | None, call: Call) -> bool:
        if message is None or not call.identity:
            return False
        if message.register:
            return True
        # A text is parsed twice only when it is likely to ask for it.
        text_only = not message.rootType and "register" in message.text.lower()
        return text_only and call.vnic.resources.queries.from_wire(message).register

    async def _write(self, action: Action, elements: Elements, call: Call) -> Elements:
        if self._stateless is not None:
            return await self._stateless.write(action, elements, call)
        return await self._running.writer.write(action, elements.values, call)

    @property
    def _ordered(self) -> TransactionalParts:
        if self._transactional is None:
            raise ClosedError("the service is not active as a transactional one")
        return self._transactional

    @property
    def _spread(self) -> Shares:
        shares = self._ordered.shares
        if shares is None:
            raise ClosedError("the service is not active as a replicated one")
        return shares

    @property
    def _running(self) -> BaseParts:
        if self._parts is None:
            raise ClosedError("the service is not active; activate it first")
        return self._parts
