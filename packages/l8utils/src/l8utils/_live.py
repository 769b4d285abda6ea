# SPDX-License-Identifier: Apache-2.0
"""Queries that stay live: a caller that got an answer is told how it changes.

A subscriber hears of an item when it enters the answer, changes within it, or leaves it, and only
of what it may see. Nothing about visibility is kept: it is decided anew for each change, for the
state before and the state after. Whether an item matches is worked out once for all subscribers
that ask the same.

Like the cache this is a synchronous core: a subscriber that is not heard of any more is dropped at
the next change, without a task of its own.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from l8types.enums import NotificationType
from l8types.errors import ConflictError, InvalidInputError, OverloadedError
from l8types.values import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from l8types.protocols.data import Query, Scope
    from l8types.protocols.runtime import Clock
    from l8types.values import ItemChange
    from l8utils._cache import MemoryCache

    LiveListener = Callable[["LiveChange"], None]
    """Told of every change of an answer, in order; must not block."""

SUBSCRIPTION_TTL: Final = 300.0
"""Seconds after which a subscription that was not refreshed is dropped."""

MAX_SUBSCRIPTIONS: Final = 10_000
"""Subscriptions to one cache; each costs a look at every change."""

_logger = logging.getLogger(__name__)


class LiveChangeType(Enum):
    """How an answer changed."""

    ENTER = "enter"
    """An item is in the answer now."""
    UPDATE = "update"
    """An item of the answer changed and still is in it."""
    LEAVE = "leave"
    """An item is not in the answer any more, or not to be seen any more."""


@dataclass(frozen=True, slots=True)
class LiveChange:
    """A change of the answer to a live query.

    Attributes:
        type: How it changed.
        key: Primary key of the item.
        sequence: Counts what this subscription was told, from 1.
        item: The item as the subscriber may see it, reduced to the columns of the query; ``None``
            when it left. Not to be changed.
        changes: What changed in an ``UPDATE``, ``None`` where it would tell more than ``item``.
    """

    type: LiveChangeType
    key: str
    sequence: int
    item: object | None = None
    changes: ChangeSet | None = None


@dataclass(frozen=True, slots=True)
class LiveSubscription:
    """One subscription, as a value.

    Attributes:
        id: Names it; a caller may have several.
        caller: Who subscribed.
        text: The query as text.
        refreshed: When it was last heard of, on the monotonic clock.
    """

    id: str
    caller: str
    text: str
    refreshed: float


class _Subscriber:
    """State of one subscription."""

    __slots__ = ("caller", "group", "id", "listener", "query", "refreshed", "scope", "sequence")

    def __init__(
        self,
        name: str,
        caller: str,
        query: Query,
        listener: LiveListener,
        scope: Scope | None,
        now: float,
    ) -> None:
        self.id = name
        self.caller = caller
        self.query = query
        self.listener = listener
        self.scope = scope
        self.group = _group(query)
        self.refreshed = now
        self.sequence = 0

    def tell(self, key: str, old: object | None, new: object | None, change: ItemChange) -> None:
        """Tell what became of an item; both states match the query or are ``None``."""
        before, after = self._shown(old), self._shown(new)
        if after is None:
            if before is not None:
                self._send(LiveChangeType.LEAVE, key)
            return
        item = self.query.project(after)
        if before is None:
            self._send(LiveChangeType.ENTER, key, item)
        elif item != self.query.project(before):
            # Redacted or left out attributes must not come back as changes.
            whole = after is new and item is after
            self._send(LiveChangeType.UPDATE, key, item, change.changes if whole else None)

    def _shown(self, item: object | None) -> object | None:
        if item is None or self.scope is None:
            return item
        shown = self.scope(item)
        if shown is item or shown is None:
            return shown
        # A redacted item is in the answer only when it matches as it is shown.
        return shown if self.query.matches(shown) else None

    def _send(
        self,
        kind: LiveChangeType,
        key: str,
        item: object | None = None,
        changes: ChangeSet | None = None,
    ) -> None:
        self.sequence += 1
        self.listener(LiveChange(kind, key, self.sequence, item, changes))


class LiveQueries:
    """Subscriptions to the answers of one cache.

    Page and order of a live query do not matter: its subscriber is told of all matches. Whoever
    wants the answer first fetches it in the same step of the event loop, so that nothing lies
    between the two.

    Args:
        cache: Where the items are.
        clock: Tells how long a subscriber was not heard of.
        ttl: Seconds after which such a subscriber is dropped.
        max_subscriptions: How many subscriptions there may be.
    """

    def __init__(
        self,
        cache: MemoryCache,
        clock: Clock,
        *,
        ttl: float = SUBSCRIPTION_TTL,
        max_subscriptions: int = MAX_SUBSCRIPTIONS,
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._ttl = ttl
        self._max_subscriptions = max_subscriptions
        self._subscribers: dict[str, _Subscriber] = {}
        self._groups: dict[Hashable, dict[str, _Subscriber]] = {}
        self._watching = cache.watch(self._changed)

    def __len__(self) -> int:
        return len(self._subscribers)

    def subscribe(
        self,
        caller: str,
        query: Query,
        listener: LiveListener,
        *,
        scope: Scope | None = None,
        name: str = "",
    ) -> str:
        """Be told how the answer of a query changes from now on.

        Args:
            caller: Who subscribes; one caller may have several subscriptions.
            query: What the answer is to.
            listener: Whom to tell.
            scope: What the caller may see; asked about each change, so that a permission that is
                taken away takes effect at once. ``None`` shows everything.
            name: Id of the subscription, by default a new random one. A known one of the same
                caller is replaced.

        Returns:
            The id of the subscription.

        Raises:
            InvalidInputError: The query is about another model, or asks for aggregates.
            ConflictError: Another caller has a subscription of this id.
            OverloadedError: There are too many subscriptions.
        """
        if query.root.type_name != self._cache.name:
            raise InvalidInputError(
                f"query about {query.root.type_name!r} in a cache of {self._cache.name!r}"
            )
        if query.aggregates:
            raise InvalidInputError(f"aggregates cannot stay live, ask again: {query.text!r}")
        self.evict()
        known = self._subscribers.get(name)
        if known is not None and known.caller != caller:
            raise ConflictError(f"subscription {name!r} belongs to another caller")
        if known is None and len(self._subscribers) >= self._max_subscriptions:
            raise OverloadedError(
                f"{len(self._subscribers)} subscriptions to {self._cache.name!r} are the limit"
            )
        self.unsubscribe(name)
        now = self._clock.monotonic()
        one = _Subscriber(name or str(uuid.uuid4()), caller, query, listener, scope, now)
        self._subscribers[one.id] = one
        self._groups.setdefault(one.group, {})[one.id] = one
        return one.id

    def unsubscribe(self, name: str) -> bool:
        """End a subscription; whether there was one."""
        one = self._subscribers.pop(name, None)
        if one is None:
            return False
        group = self._groups[one.group]
        del group[name]
        if not group:
            del self._groups[one.group]
        return True

    def refresh(self, name: str) -> bool:
        """Keep a subscription alive for another while; whether there is one."""
        one = self._subscribers.get(name)
        if one is None:
            return False
        one.refreshed = self._clock.monotonic()
        return True

    def evict(self) -> int:
        """Drop the subscriptions that were not refreshed in time; how many there were."""
        since = self._clock.monotonic() - self._ttl
        stale = [one.id for one in self._subscribers.values() if one.refreshed < since]
        for name in stale:
            self.unsubscribe(name)
        if stale:
            _logger.info("%d subscriptions to %s are stale", len(stale), self._cache.name)
        return len(stale)

    def subscriptions(self) -> tuple[LiveSubscription, ...]:
        """All subscriptions, in the order in which they were made."""
        return tuple(
            LiveSubscription(one.id, one.caller, one.query.text, one.refreshed)
            for one in self._subscribers.values()
        )

    def close(self) -> None:
        """End all subscriptions and stop listening to the cache; idempotent."""
        self._watching.close()
        self._subscribers.clear()
        self._groups.clear()

    def _changed(self, change: ItemChange, before: object | None) -> None:
        if not self._subscribers:
            return
        self.evict()
        after = None if change.type is NotificationType.DELETE else change.item
        for group in list(self._groups.values()):
            # A listener may unsubscribe others of its group while it is told.
            members = list(group.values())
            query = members[0].query
            old = before if before is not None and query.matches(before) else None
            new = after if after is not None and query.matches(after) else None
            if old is not None or new is not None:
                self._tell(members, old, new, change)

    def _tell(
        self,
        members: list[_Subscriber],
        old: object | None,
        new: object | None,
        change: ItemChange,
    ) -> None:
        for one in members:
            if one.id not in self._subscribers:
                continue
            try:
                one.tell(change.key, old, new, change)
            except Exception:
                # It cannot be told any more what it should know, so it has to ask again.
                _logger.exception("subscription %s of %s ends", one.id, self._cache.name)
                self.unsubscribe(one.id)


def _group(query: Query) -> Hashable:
    """What queries that match the same items have in common, compared in full."""
    identity = query.criteria, query.match_case
    try:
        hash(identity)
    except TypeError:
        return object()
    return identity
