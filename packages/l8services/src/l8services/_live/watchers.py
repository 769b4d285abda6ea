# SPDX-License-Identifier: Apache-2.0
"""Tells callers of changes through the gateways of the network, which need no streams.

A query with ``register`` that somebody asks with an identity makes its answer one that is told of:
each change of it goes as a change set, addressed to that identity, to the service of those who pass
changes on to people. The whole item goes with a change, as its reader may not know the rest of it.
Asking again keeps it so; who asks no more is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8services._live.core import LiveChange, LiveKind
from l8services._live.feed import Feed
from l8services._tasks import forever
from l8types.enums import Action, MulticastMode, NotificationType
from l8types.errors import InvalidInputError, L8Error
from l8types.values import ItemChange, ServiceKey

if TYPE_CHECKING:
    from l8services._live.hub import LiveHub
    from l8services._tuning import Tuning
    from l8types.pb import L8Query
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call

__all__ = ["WATCHERS", "Watchers", "action_of"]

WATCHERS: Final = ServiceKey("websock", 0)
"""The service that passes changes on to people."""

_ACTIONS: Final = {
    NotificationType.POST: Action.POST,
    NotificationType.PUT: Action.PUT,
    NotificationType.PATCH: Action.PATCH,
    NotificationType.DELETE: Action.DELETE,
}
_TYPES: Final = {
    LiveKind.ADDED: NotificationType.POST,
    LiveKind.CHANGED: NotificationType.PATCH,
    LiveKind.REMOVED: NotificationType.DELETE,
}

_log = logging.getLogger(__name__)


def action_of(kind: NotificationType) -> Action:
    """The action that does at a receiver what a kind of notification tells.

    Raises:
        InvalidInputError: It tells of no change.
    """
    action = _ACTIONS.get(kind)
    if action is None:
        raise InvalidInputError(f"a notification of type {kind.name} tells of no change")
    return action


@dataclass(slots=True)
class _Watch:
    """One answer of one identity."""

    feed: Feed
    identity: str
    revision: int
    until: float


class Watchers:
    """The answers of one service that are told of.

    Args:
        key: The service.
        model: Short name of its model.
        hub: Keeps the answers.
        vnic: The interface of the node.
        tuning: Times and limits.
    """

    def __init__(
        self, key: ServiceKey, model: str, hub: LiveHub, vnic: VNic, tuning: Tuning
    ) -> None:
        self._key = key
        self._model = model
        self._hub = hub
        self._vnic = vnic
        self._clock = vnic.resources.clock
        self._tuning = tuning
        self._watches: list[_Watch] = []
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._watches)

    async def register(self, query: L8Query, call: Call) -> None:
        """Tell a caller of the changes of an answer for a while from now on.

        Whoever asks for the answer when this returns misses nothing. Without an identity nobody
        could be told, and nothing happens.

        Raises:
            InvalidInputError: The answer cannot be told of.
            OverloadedError: There are too many different ones.
            L8Error: The answer could not be worked out.
        """
        if not call.identity:
            return
        feed = self._hub.feed(query, call)
        await feed.wait_filled()
        until = self._clock.monotonic() + self._tuning.watch_time
        known = next((watch for watch in self._watches if watch.feed is feed), None)
        if known is not None:
            known.until = until
            return
        feed.listen(self._news)
        self._watches.append(_Watch(feed, call.identity, feed.answer.revision, until))

    async def run_for_ever(self) -> None:
        """Tell what is new."""
        await forever(self._step, what=f"{self._key}: telling those who watch")

    async def _step(self) -> None:
        try:
            async with asyncio.timeout(self._tuning.watch_time if self._watches else None):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()
        now = self._clock.monotonic()
        for watch in tuple(self._watches):
            if watch.until <= now or watch.feed.error is not None:
                watch.feed.unlisten(self._news)
                self._watches.remove(watch)
            else:
                await self._tell(watch)

    async def _tell(self, watch: _Watch) -> None:
        answer = watch.feed.answer
        begun, watch.revision = watch.revision, answer.revision
        changes = answer.since(begun)
        if changes is None:
            changes = [LiveChange(LiveKind.CHANGED, *entry) for entry in answer.snapshot()]
        if self._vnic.directory.providers(WATCHERS):
            for change in changes:
                await self._send(change, watch.identity)

    async def _send(self, change: LiveChange, identity: str) -> None:
        kind = _TYPES[change.kind]
        told = ItemChange(kind, self._model, change.key, change.item, source=self._vnic.uuid)
        try:
            message = self._vnic.resources.notifications.encode(
                told, service=self._key.name, area=self._key.area
            )
            message.aaa_ids[identity] = True
            await self._vnic.send(
                MulticastMode.ALL, WATCHERS.name, WATCHERS.area, action_of(kind), message
            )
        except L8Error as error:
            _log.warning("%s: a change is not told to those who watch: %s", self._key, error)
