# SPDX-License-Identifier: Apache-2.0
"""What the tests of live answers have in common: whoever reads one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Self, cast

from l8services import BaseService, LiveUpdate, LiveView, live

from .network import BOOKS, FakeNode

if TYPE_CHECKING:
    from types import TracebackType

    from l8services._live import LiveHub

    from .model import Book


ALL = "select * from Book"


class Reader:
    """Reads a live query in a task of its own, and keeps what it was told."""

    def __init__(self, node: FakeNode, query: str = ALL, **options: object) -> None:
        self.updates: list[LiveUpdate] = []
        self.view = LiveView()
        self.error: BaseException | None = None
        self.paused = asyncio.Event()
        self.paused.set()
        self._source = live(node.nic, BOOKS, query, **options)  # type: ignore[arg-type]
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._read())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        await self._group.__aexit__(exc_type, exc, traceback)

    async def stop(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _read(self) -> None:
        try:
            async with aclosing(self._source) as updates:
                async for update in updates:
                    self.updates.append(update)
                    self.view.apply(update)
                    await self.paused.wait()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    @property
    def titles(self) -> list[str]:
        return [cast("Book", item).title for item in self.view.items()]

    @property
    def fresh(self) -> int:
        """How often the answer began anew."""
        return sum(update.fresh for update in self.updates)

    def told(self) -> list[tuple[str, str]]:
        """Kind and key of all changes after the first answer."""
        return [(c.kind.name, c.key) for update in self.updates[1:] for c in update.changes]


def hub(service: BaseService) -> LiveHub:
    """The live answers of a service."""
    parts = service._parts
    assert parts is not None
    return parts.live
