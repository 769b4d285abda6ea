# SPDX-License-Identifier: Apache-2.0
"""Keeps the live answers of one service: each is worked out once for all who ask the same."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, cast

from l8services._live.core import check_live
from l8services._live.feed import Feed
from l8services._live.frames import token_of
from l8services._live.reader import LiveReader
from l8services._reads import parse_query
from l8services._tasks import forever
from l8types.enums import Action
from l8types.errors import (
    InvalidInputError,
    L8Error,
    OverloadedError,
    PermissionDeniedError,
    RemoteError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8services._tuning import Tuning
    from l8types.pb import L8Query
    from l8types.protocols.data import Cache, Elements, Query, Scope, Subscription
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ServiceHook
    from l8types.values import DirectoryEvent, ItemChange, ServiceKey

__all__ = ["LiveHub"]

_BATCH: Final = 200
"""Items that are looked at without letting anybody else run."""

_log = logging.getLogger(__name__)


class LiveHub:
    """The live answers to the queries about one cache.

    A write only marks its item. A task of the hub looks at the present state of the marked items,
    so that neither many readers nor slow ones hold up a write, and an item that changes quickly is
    looked at once for several changes.

    Args:
        key: The service.
        cache: Its items.
        vnic: The interface of the node.
        hook: User code that shapes what callers are shown.
        tuning: Times and limits.
    """

    def __init__(
        self, key: ServiceKey, cache: Cache, vnic: VNic, hook: ServiceHook | None, tuning: Tuning
    ) -> None:
        self._key = key
        self._cache = cache
        self._vnic = vnic
        self._resources = vnic.resources
        self._clock = vnic.resources.clock
        self._hook = hook
        self._tuning = tuning
        self._feeds: dict[tuple[bytes, str], Feed] = {}
        self._dirty: dict[str, None] = {}
        self._work = asyncio.Event()
        self._changes: Subscription | None = None
        self._offered = False
        self._leaving = False
        self._directory = vnic.directory.watch(self._directory_changed)

    def __len__(self) -> int:
        return len(self._feeds)

    def close(self) -> None:
        """End all answers: their readers are told to go on elsewhere."""
        self._directory.close()
        self._leave()
        if self._changes is not None:
            self._changes.close()
            self._changes = None

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """Answer a query, and go on with what changes until the reader or the service leaves.

        Raises:
            QueryError: It is no query.
            InvalidInputError: It is about another model, or its answer cannot stay live.
            PermissionDeniedError: The caller may not ask any more.
            OverloadedError: There are too many different live answers.
        """
        message = (await self._question(elements, call)).query
        if message is None:
            raise InvalidInputError(f"service {self._key} keeps answers to queries live only")
        feed = self.feed(message, call)
        reader = LiveReader(
            feed,
            self._clock,
            self._resources.elements,
            pulse=self._pulse(call),
            allowed=lambda: self._still_allowed(feed, elements, call),
            recheck=self._tuning.live_recheck,
            interval=self._tuning.live_interval,
        )
        async with aclosing(reader.parts(token_of(message), lambda: self._leaving)) as parts:
            async for part in parts:
                yield part

    def feed(self, message: L8Query, call: Call) -> Feed:
        """The live answer to a question; a new one is worked out soon.

        Raises:
            QueryError: It is no query.
            InvalidInputError: It is about another model, or its answer cannot stay live.
            OverloadedError: There are too many different live answers.
        """
        query = parse_query(message, self._cache.model, self._resources)
        check_live(query)
        name = _same_question(query), call.identity
        feed = self._feeds.get(name)
        if feed is not None:
            return feed
        if len(self._feeds) >= self._tuning.live_limit:
            raise OverloadedError(
                f"service {self._key} keeps {len(self._feeds)} answers live and no more; "
                "ask the same as others, or try again later"
            )
        feed = Feed(query, call, self._scope(call), self._clock.monotonic())
        self._feeds[name] = feed
        if self._changes is None:
            self._changes = self._cache.subscribe(self._changed)
        self._work.set()
        return feed

    async def run_for_ever(self) -> None:
        """Work out answers and bring them up to date."""
        await forever(self._step, what=f"{self._key}: live answers")

    def _pulse(self, call: Call) -> float:
        """Seconds of silence after which a reader gets a sign of life."""
        patience = call.message.timeout if call.message is not None else 0.0
        return min(self._tuning.live_pulse, patience / 3 or self._tuning.live_pulse)

    async def _still_allowed(self, feed: Feed, elements: Elements, call: Call) -> None:
        """Ask again whether the caller may read, and have looked through what it may see."""
        security = self._resources.security
        await security.authorize(call.identity, Action.GET, self._key, elements)
        if call.identity and self._clock.monotonic() - feed.checked >= self._tuning.live_recheck:
            feed.outdated = True
            self._work.set()

    async def _question(self, elements: Elements, call: Call) -> Elements:
        """The question as the hook leaves it.

        Raises:
            PermissionDeniedError: The hook ends it.
        """
        if self._hook is None:
            return elements
        decision = await self._hook.before(elements, call)
        if not decision.proceed:
            raise PermissionDeniedError(f"service {self._key} does not answer this question")
        return elements if decision.item is None else cast("Elements", decision.item)

    # What is worked out

    async def _step(self) -> None:
        try:
            async with asyncio.timeout(self._tuning.live_linger if self._feeds else None):
                await self._work.wait()
        except TimeoutError:
            pass
        self._work.clear()
        self._drop_unread()
        for feed in tuple(self._feeds.values()):
            if feed.outdated:
                await self._guarded(feed, None)
        dirty, self._dirty = list(self._dirty), {}
        for at in range(0, len(dirty), _BATCH):
            states = [(key, self._cache.get(key)) for key in dirty[at : at + _BATCH]]
            for feed in tuple(self._feeds.values()):
                await self._guarded(feed, states)
            await asyncio.sleep(0)

    async def _guarded(self, feed: Feed, states: list[tuple[str, object | None]] | None) -> None:
        """Bring one answer up to date, or work it out from all items; its failure is its own."""
        try:
            if states is None:
                await self._fill(feed)
            elif feed.filled:
                await self._take(feed, states)
        except Exception as error:  # noqa: BLE001 - hooks and scopes are foreign code
            _log.exception("%s: the live answer to %r ends", self._key, feed.query.text)
            self._discard(feed)
            if not isinstance(error, L8Error):
                error = RemoteError(f"service {self._key} failed on a live query")
            feed.fail(error)

    async def _fill(self, feed: Feed) -> None:
        """Work out an answer; what changes meanwhile is marked and looked at afterwards."""
        feed.outdated = False
        feed.checked = self._clock.monotonic()
        states: list[tuple[str, object | None]] = []
        for entry in self._cache.items():
            states.append(entry)
            if len(states) % _BATCH == 0:
                await asyncio.sleep(0)
        await self._take(feed, states)
        feed.filled = True
        feed.wake()

    async def _take(self, feed: Feed, states: list[tuple[str, object | None]]) -> None:
        shown: dict[str, object | None] = {}
        for number, (key, item) in enumerate(states, start=1):
            visible = feed.answer.visible(item)
            if visible is not None and self._hook is not None:
                visible = await self._shaped(self._hook, visible, feed.call)
            shown[key] = visible
            if number % _BATCH == 0:
                await asyncio.sleep(0)
        if feed.answer.update(shown):
            feed.wake()

    @staticmethod
    async def _shaped(hook: ServiceHook, item: object, call: Call) -> object | None:
        """An item as the hook leaves it, as in an ordinary answer."""
        decision = await hook.after(item, call)
        if not decision.proceed:
            return None
        return item if decision.item is None else decision.item

    def _scope(self, call: Call) -> Scope:
        scope_item = self._resources.security.scope_item
        return lambda item: scope_item(call.identity, item)

    def _drop_unread(self) -> None:
        now = self._clock.monotonic()
        for feed in tuple(self._feeds.values()):
            if feed.readers:
                feed.left = now
            elif now - feed.left > self._tuning.live_linger:
                self._discard(feed)
        if not self._feeds and self._changes is not None:
            self._changes.close()
            self._changes = None
            self._dirty.clear()

    def _discard(self, feed: Feed) -> None:
        for name, known in tuple(self._feeds.items()):
            if known is feed:
                del self._feeds[name]

    def _changed(self, change: ItemChange) -> None:
        self._dirty[change.key] = None
        self._work.set()

    # Coming and going

    def _directory_changed(self, event: DirectoryEvent) -> None:
        if event.node.uuid != self._vnic.uuid:
            return
        offered = self._vnic.uuid in self._vnic.directory.providers(self._key)
        if self._offered and not offered:
            self._leave()
        elif offered:
            self._leaving = False
        self._offered = offered

    def _leave(self) -> None:
        self._leaving = True
        for feed in self._feeds.values():
            feed.wake()


def _same_question(query: Query) -> bytes:
    """What equal questions have in common, however they are written."""
    message = query.to_wire()
    if message.rootType:
        message.ClearField("text")
    for name in ("schema", "register", "aaa_id"):
        message.ClearField(name)
    return message.SerializeToString(deterministic=True)
