# SPDX-License-Identifier: Apache-2.0
"""One live answer with those who read it."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from l8services._live.core import LiveAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.errors import L8Error
    from l8types.protocols.data import Query, Scope
    from l8types.protocols.services import Call

__all__ = ["Feed"]


class Feed:
    """A live answer that callers of one identity share.

    Args:
        query: The question.
        call: Of the one who asked first; the others have the same identity.
        scope: What that identity may see.
        now: Monotonic seconds.
    """

    def __init__(self, query: Query, call: Call, scope: Scope | None, now: float) -> None:
        self.query = query
        self.call = call
        self.answer = LiveAnswer(query, scope)
        self.filled = False
        """Whether the answer was ever complete."""
        self.outdated = True
        """Whether it is to be worked out from all items."""
        self.checked = now
        """When it was worked out from all items the last time."""
        self.left = now
        """When the last reader left."""
        self.error: L8Error | None = None
        self._epoch = uuid.uuid4().hex[:12]
        self._waiting: set[asyncio.Event] = set()

    @property
    def readers(self) -> int:
        """How many read it."""
        return len(self._waiting)

    @contextmanager
    def reading(self) -> Iterator[asyncio.Event]:
        """Count a reader; the event is set when there may be something to read."""
        news = asyncio.Event()
        self.listen(news)
        try:
            yield news
        finally:
            self.unlisten(news)

    def listen(self, news: asyncio.Event) -> None:
        """Count a reader, whose event is set when there may be something to read."""
        self._waiting.add(news)

    def unlisten(self, news: asyncio.Event) -> None:
        """It reads no more."""
        self._waiting.discard(news)

    async def wait_filled(self) -> None:
        """Wait until the answer is complete.

        Raises:
            L8Error: It failed.
        """
        with self.reading() as news:
            while not self.filled and self.error is None:
                await news.wait()
                news.clear()
        if self.error is not None:
            raise self.error

    def wake(self) -> None:
        """Tell the readers that there is something."""
        for news in self._waiting:
            news.set()

    def fail(self, error: L8Error) -> None:
        """End the answer with an error for all who read it."""
        self.error = error
        self.wake()

    def token(self, revision: int) -> str:
        """Text that stands for a revision of this very answer."""
        return f"{self._epoch}.{revision}"

    def revision_of(self, token: str) -> int | None:
        """Revision of a token, ``None`` for one of another answer."""
        epoch, _, number = token.partition(".")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()):
            return None
        return int(number)
