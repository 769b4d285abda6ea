# SPDX-License-Identifier: Apache-2.0
"""Brings the items of a cache to their store, repeatedly until the store takes them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from l8services._dirty import DirtyKeys
from l8services._tasks import forever
from l8services._versions import ORIGIN
from l8types.errors import L8Error

if TYPE_CHECKING:
    from l8services._replica import Replica
    from l8services._tuning import Tuning
    from l8types.protocols.data import Storage
    from l8types.values import ServiceKey

__all__ = ["StoreWriter"]

REPAIR_DELAY = 0.5
"""Seconds for which repairs of a store that is written through are collected."""

_log = logging.getLogger(__name__)


class StoreWriter:
    """Stores marked items in batches.

    What is stored is the state at that moment: changes of one item between two batches are one
    write, and an item that is gone is deleted from the store.

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

    def __len__(self) -> int:
        return len(self._dirty)

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
        await self._marked.wait()
        await asyncio.sleep(self._delay)
        self._marked.clear()
        while len(self._dirty):
            if (pause := await self._flush_batch()) > 0:
                await asyncio.sleep(pause)

    async def drain(self) -> None:
        """Store what is marked, as far as the time to close allows."""
        try:
            async with asyncio.timeout(self._tuning.close_timeout):
                while len(self._dirty):
                    if (pause := await self._flush_batch()) > 0:
                        await asyncio.sleep(pause)
        except TimeoutError:
            _log.error("%s: closed with %d items not stored", self._key, len(self._dirty))

    async def _flush_batch(self) -> float:
        """Store one batch; the seconds to wait before the next one."""
        batch = self._dirty.take(self._tuning.flush_batch)
        done = 0
        try:
            for key in batch:
                await self._write(key)
                done += 1
        except L8Error as error:
            return self._refused(batch[done:], error)
        except BaseException:
            self._dirty.put_back(batch[done:])
            raise
        if self._dirty.stored():
            # A store that was away may have lost what it took before; what is here is complete.
            _log.info("%s: the store takes items again, all are stored anew", self._key)
            self.mark_all()
        return 0.0

    def _refused(self, keys: list[str], error: L8Error) -> float:
        level = logging.DEBUG if self._dirty.failing else logging.WARNING
        pause = self._dirty.put_back(keys)
        _log.log(
            level,
            "%s: %d items are not stored, next attempt in %.1f s: %s",
            self._key,
            len(self._dirty),
            pause,
            error,
        )
        return pause

    async def _write(self, key: str) -> None:
        item = self._replica.cache.get(key)
        if item is None:
            await self._store.delete(key)
        else:
            await self._store.put(key, item)
