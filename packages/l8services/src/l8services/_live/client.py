# SPDX-License-Identifier: Apache-2.0
"""The reader's end of a live query: goes on wherever the service is, and keeps the answer."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from l8services._live.core import LiveChange, LiveKind
from l8services._live.frames import PartKind, ask_live, read_part
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import (
    BrokenError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8types.protocols.data import Elements, Query
    from l8types.protocols.net import Target, VNic
    from l8types.values import ServiceKey

__all__ = ["LiveUpdate", "LiveView", "live"]

_AWAY: Final = (BrokenError, NotFoundError, OverloadedError, RequestTimeoutError, UnavailableError)
"""Errors after which another provider, or the same one later, may go on."""
_FIRST_PAUSE: Final = 0.05
"""Seconds before an answer that broke off is asked for again; doubles with every attempt."""
_LONGEST_PAUSE: Final = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """What a reader of a live query is told at once.

    Attributes:
        changes: Entries of the answer; those of a whole answer are additions in its order.
        fresh: Whether the answer begins anew with these: what was known before does not count.
        token: With it :func:`live` goes on after this update, also in another process; "" when
            the next update belongs to this one.
    """

    changes: tuple[LiveChange, ...] = ()
    fresh: bool = False
    token: str = ""


async def live(
    vnic: VNic,
    service: ServiceKey,
    query: str,
    *,
    identity: str = "",
    token: str = "",
    target: Target = MulticastMode.PROXIMITY,
    patience: float = 60.0,
) -> AsyncGenerator[LiveUpdate, None]:
    """Read the answer to a query, then what changes in it, until the caller stops.

    When the link breaks or the provider leaves, the same or another provider goes on: with what
    was missed meanwhile, or else with a fresh answer. Changes of one item in quick succession may
    come as one. Leave the loop best with ``contextlib.aclosing``.

    Args:
        vnic: The interface of the node.
        service: Who answers.
        query: Text of the query; not one of aggregates or distinct results.
        identity: Who asks.
        token: Of the last update of an earlier answer, to go on after it.
        target: Which provider answers.
        patience: Seconds for which it is tried to go on when nobody answers.

    Raises:
        InvalidInputError: The network has the ``go`` profile, the service cannot keep answers
            live, or the query cannot be kept so.
        UnavailableError: Nobody went on within ``patience``; the last error of an attempt.
        L8Error: What the provider answered.
    """
    if vnic.resources.settings.profile is WireProfile.GO:
        raise InvalidInputError(
            "a network of the go profile has no streams; send the query with 'register' and an "
            "identity instead, its changes then go to the service websock"
        )
    message = vnic.resources.elements.query(query).query
    if message is None:
        raise InvalidInputError(f"{query!r} is no query")
    attempts = _Attempts(vnic, patience)
    while True:
        trouble: L8Error = UnavailableError(f"service {service} left its node")
        question = ask_live(message, token)
        try:
            stream = vnic.stream(
                target, service.name, service.area, Action.GET, question, identity=identity
            )
            # What an interface gives is a generator, which has to be closed.
            async with aclosing(cast("AsyncGenerator[Elements, None]", stream)) as parts:
                async for elements in parts:
                    part = read_part(elements)
                    if part.kind is PartKind.MOVED:
                        break
                    attempts.worked()
                    # Half of an answer that begins anew is nothing that could go on.
                    token = part.token or ("" if part.kind is PartKind.FIRST else token)
                    if part.changes or part.kind is PartKind.FIRST:
                        yield LiveUpdate(part.changes, part.kind is PartKind.FIRST, part.token)
        except _AWAY as error:
            trouble = error
        _log.debug("live query to %s goes on elsewhere: %s", service, trouble)
        await attempts.failed(trouble)


class _Attempts:
    """Patience with a service that does not answer."""

    def __init__(self, vnic: VNic, patience: float) -> None:
        self._clock = vnic.resources.clock
        self._patience = patience
        self.worked()

    def worked(self) -> None:
        """An answer came."""
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    async def failed(self, error: L8Error) -> None:
        """Wait a moment, or raise the error when there is no patience left."""
        now = self._clock.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._patience:
            raise error
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


class LiveView:
    """The present answer to a live query, kept from its updates.

    Args:
        query: The question; its sort keys decide on the order. ``None`` keeps the order of keys.
    """

    def __init__(self, query: Query | None = None) -> None:
        self._query = query
        self._items: dict[str, object] = {}
        self._fresh: set[str] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def apply(self, update: LiveUpdate) -> list[LiveChange]:
        """Take over an update.

        Returns:
            What really changed: of an answer that began anew only what differs from what was known,
            removals once it is complete.
        """
        if update.fresh:
            self._fresh = set()
        told = [net for change in update.changes if (net := self._one(change)) is not None]
        if self._fresh is not None and update.token:
            known, self._fresh = self._fresh, None
            gone = [key for key in self._items if key not in known]
            told += [LiveChange(LiveKind.REMOVED, key) for key in gone]
            for key in gone:
                del self._items[key]
        return told

    def items(self) -> list[object]:
        """The items in the order of the query, ties by key."""
        in_order = [self._items[key] for key in sorted(self._items)]
        return in_order if self._query is None else self._query.sort(in_order)

    def _one(self, change: LiveChange) -> LiveChange | None:
        key, item = change.key, change.item
        if self._fresh is not None:
            self._fresh.add(key)
        if change.kind is LiveKind.REMOVED or item is None:
            return None if self._items.pop(key, None) is None else LiveChange(LiveKind.REMOVED, key)
        known = self._items.get(key)
        self._items[key] = item
        if known is None:
            return LiveChange(LiveKind.ADDED, key, item)
        return None if known == item else LiveChange(LiveKind.CHANGED, key, item)
