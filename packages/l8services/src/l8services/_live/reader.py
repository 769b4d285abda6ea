# SPDX-License-Identifier: Apache-2.0
"""Tells one reader of a live answer what is new, at the reader's own pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from l8services._live.core import LiveChange, LiveKind
from l8services._live.frames import PartKind, parts_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator

    from l8services._live.feed import Feed
    from l8types.protocols.data import Elements, ElementsFactory
    from l8types.protocols.runtime import Clock

__all__ = ["LiveReader"]

_PART: Final = 500
"""Entries per part of an answer."""


class LiveReader:
    """Reads one feed. All that it keeps is how far it has read.

    Args:
        feed: What is read.
        clock: Tells the time.
        factory: Makes containers.
        pulse: Seconds of silence after which the reader gets a sign of life.
        allowed: Asks whether the reader may still read, and raises when not.
        recheck: Seconds after which that is asked again.
        interval: Seconds between two updates; what changes meanwhile is told together.
    """

    def __init__(
        self,
        feed: Feed,
        clock: Clock,
        factory: ElementsFactory,
        *,
        pulse: float,
        allowed: Callable[[], Awaitable[None]],
        recheck: float,
        interval: float,
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._factory = factory
        self._pulse = pulse
        self._allowed = allowed
        self._recheck = recheck
        self._interval = interval
        self._asked = clock.monotonic()

    async def parts(
        self, token: str, leaving: Callable[[], bool]
    ) -> AsyncGenerator[Elements, None]:
        """The answer from a token on, until the service leaves; the last part says so.

        Args:
            token: Of the last part that the reader has; "" begins anew.
            leaving: Whether the service leaves; the feed is woken when it does.

        Raises:
            L8Error: The answer failed, or the caller may not read it any more.
        """
        feed = self._feed
        revision = feed.revision_of(token)
        with feed.reading() as news:
            while not leaving():
                news.clear()
                await self._check()
                if feed.filled and revision != feed.answer.revision:
                    now = feed.answer.revision
                    for part in self._news(revision):
                        yield part
                    revision = now
                    await asyncio.sleep(self._interval)
                    continue
                if not await self._heard(news) and revision is not None:
                    for part in self._told(PartKind.CHANGES, (), feed.token(revision)):
                        yield part
            last = "" if revision is None else feed.token(revision)
            for part in self._told(PartKind.MOVED, (), last):
                yield part

    def _news(self, revision: int | None) -> Iterator[Elements]:
        """What a reader does not know that knows a revision, ``None`` for nothing at all."""
        answer = self._feed.answer
        token = self._feed.token(answer.revision)
        changes = None if revision is None else answer.since(revision)
        if changes is None:
            whole = (LiveChange(LiveKind.ADDED, key, item) for key, item in answer.snapshot())
            return self._told(PartKind.FIRST, whole, token)
        return self._told(PartKind.CHANGES, changes, token)

    def _told(
        self, kind: PartKind, changes: Iterable[LiveChange], token: str
    ) -> Iterator[Elements]:
        return parts_of(kind, list(changes), token, self._factory, size=_PART)

    async def _check(self) -> None:
        if self._feed.error is not None:
            raise self._feed.error
        now = self._clock.monotonic()
        if now - self._asked >= self._recheck:
            self._asked = now
            await self._allowed()

    async def _heard(self, news: asyncio.Event) -> bool:
        """Whether there was news before it was time for a sign of life."""
        try:
            async with asyncio.timeout(self._pulse):
                await news.wait()
        except TimeoutError:
            return False
        return True
