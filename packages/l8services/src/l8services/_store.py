# SPDX-License-Identifier: Apache-2.0
"""Brings the items of a cache to their store, repeatedly until the store takes them.

A batch is one transaction of the store. One that is refused because of an item in it is halved
until that item is found: it is put aside and tried again later, and all others are stored.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from l8services._dirty import DirtyKeys
from l8services._tasks import forever
from l8services._versions import ORIGIN
from l8types.errors import (
    AuthenticationError,
    BrokenError,
    BusyError,
    ClosedError,
    OutcomeUnknownError,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)

if TYPE_CHECKING:
    from l8services._replica import Replica
    from l8services._tuning import Tuning
    from l8types.protocols.stores import Storage
    from l8types.values import ServiceKey

__all__ = ["StoreWriter"]

REPAIR_DELAY = 0.5
"""Seconds for which repairs of a store that is written through are collected."""

_AWAY: Final = (
    AuthenticationError,
    BrokenError,
    BusyError,
    ClosedError,
    OutcomeUnknownError,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)
"""Errors that say nothing about the items: the store itself could not be used."""

_log = logging.getLogger(__name__)


class StoreWriter:
    """Stores marked items in batches.

    What is stored is the state at that moment: changes of one item between two batches are one
    write, and an item that is gone is deleted from the store. Of an item that the store refuses
    the latest state is tried again, ever more slowly, and at once when it changes.

    Args:
        store: Where to.
        replica: Where from.
        key: Name of the service for the log.
        delay: Seconds for which writes are collected, ``None`` when writes are stored directly and
            only repairs are left to do here.
        tuning: Times and sizes.
    """

    def __init__(
        self,
        store: Storage,
        replica: Replica,
        key: ServiceKey,
        *,
        delay: float | None,
        tuning: Tuning,
    ) -> None:
        self._store = store
        self._replica = replica
        self._key = key
        self._delay = REPAIR_DELAY if delay is None else delay
        self._tuning = tuning
        self._dirty = DirtyKeys(retry=tuning.flush_retry, retry_max=tuning.flush_retry_max)
        self._marked = asyncio.Event()
        self._again: float | None = None
        """Loop time at which what was refused is tried again, ``None`` when nothing was."""
        self._taken = 0
        """Items of the batch with which the store is busy."""
        self._told: set[str] = set()
        """Keys of which the log tells already that they are refused."""

    def __len__(self) -> int:
        """Items that are not stored yet, those included with which the store is busy."""
        return len(self._dirty) + self._taken

    def mark(self, *keys: str) -> None:
        """These items are to be stored."""
        self._dirty.mark(*keys)
        self._marked.set()

    def mark_all(self) -> None:
        """All items are to be stored, and the late deletions to be repeated."""
        self.mark(*(entry[0] for entry in self._replica.versions.tombstones()))
        self.mark(*(entry[0] for entry in self._replica.cache.items()))

    async def load(self) -> None:
        """Fill the cache from the store, but for what another instance told to be deleted.

        Raises:
            L8Error: The store cannot be read.
        """
        async for key, item in self._store.items():
            if self._replica.versions.current(key) == ORIGIN:
                self._replica.cache.post(item)

    async def run_for_ever(self) -> None:
        """Store what is marked, collected for a while, until the store takes it."""
        await forever(self._step, what=f"{self._key}: storing")

    async def _step(self) -> None:
        try:
            async with asyncio.timeout_at(self._again):
                await self._marked.wait()
        except TimeoutError:
            self._again = None
            self._dirty.try_again()
        else:
            await asyncio.sleep(self._delay)
        self._marked.clear()
        await self._flush()
        patience = self._dirty.patience()
        if patience is None:
            self._again = None
        elif self._again is None:
            self._again = asyncio.get_running_loop().time() + patience

    async def drain(self) -> None:
        """Store what is marked, as far as the time to close allows; what is refused, once more."""
        self._dirty.try_again()
        try:
            async with asyncio.timeout(self._tuning.close_timeout):
                await self._flush()
        except TimeoutError:
            pass  # told below, as is what was refused
        if len(self._dirty):
            _log.error("%s: closed with %d items not stored", self._key, len(self._dirty))

    async def _flush(self) -> None:
        """Store all that is marked and not refused."""
        while self._dirty.pending:
            if (pause := await self._flush_batch()) > 0:
                await asyncio.sleep(pause)

    async def _flush_batch(self) -> float:
        """Store one batch; the seconds to wait before the next one."""
        parts = [self._dirty.take(self._tuning.flush_batch)]
        self._taken = len(parts[0])
        stored = False
        try:
            while parts:
                stored = await self._store_part(parts) or stored
        except _AWAY as error:
            return self._put_back(parts, error)
        except BaseException:
            self._dirty.put_back(_in_order(parts))
            raise
        finally:
            self._taken = 0
        if stored and self._dirty.stored():
            # A store that was away may have lost what it took before; what is here is complete.
            _log.info("%s: the store takes items again, all are stored anew", self._key)
            self.mark_all()
        return 0.0

    async def _store_part(self, parts: list[list[str]]) -> bool:
        """Store the last part, or put its halves in its place; whether it was stored."""
        part = parts[-1]
        try:
            await self._write(part)
        except _AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one item provokes, the others go on
            parts.pop()
            if len(part) == 1:
                self._taken -= 1
                self._put_aside(part[0], error)
            else:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
            return False
        parts.pop()
        self._taken -= len(part)
        self._told.difference_update(part)
        return True

    def _put_aside(self, key: str, error: Exception) -> None:
        level = logging.DEBUG if key in self._told else logging.WARNING
        self._told.add(key)
        self._dirty.put_aside(key)
        _log.log(level, "%s: the store refuses item %r, others go on: %s", self._key, key, error)

    def _put_back(self, parts: list[list[str]], error: Exception) -> float:
        level = logging.DEBUG if self._dirty.failing else logging.WARNING
        pause = self._dirty.put_back(_in_order(parts))
        _log.log(
            level,
            "%s: %d items are not stored, next attempt in %.1f s: %s",
            self._key,
            len(self._dirty),
            pause,
            error,
        )
        return pause

    async def _write(self, keys: list[str]) -> None:
        """Bring the present state of items to the store."""
        present = self._present(keys)
        if len(present) < len(keys):
            # Before the others, one of which may have got the unique key of an item that is gone.
            here = {key for key, _ in present}
            await self._store.delete_many([key for key in keys if key not in here])
            present = self._present(keys)
        if present:
            await self._store.put_many(present)

    def _present(self, keys: list[str]) -> list[tuple[str, object]]:
        items = ((key, self._replica.cache.get(key)) for key in keys)
        return [(key, item) for key, item in items if item is not None]


def _in_order(parts: list[list[str]]) -> list[str]:
    """Keys of parts, of which the last one is the next."""
    return [key for part in reversed(parts) for key in part]
