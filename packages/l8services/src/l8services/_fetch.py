# SPDX-License-Identifier: Apache-2.0
"""Fetches the copy of another instance, whole or single items, and takes over what is newer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from l8services._copies import CopyPage, ask_examples, ask_page, read_copy
from l8services._digests.frames import ask_ranges, read_ranges
from l8types.enums import Action
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8services._replica import Replica
    from l8services._tuning import Tuning
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic

__all__ = ["CopyFetcher"]

MAX_REREADS: Final = 16
"""How often pages are read again because items were deleted meanwhile."""

_log = logging.getLogger(__name__)


class CopyFetcher:
    """Asks other instances on behalf of one replica.

    Args:
        vnic: The way to the other instances.
        replica: Takes over what is newer.
        model: Short name of the model.
        tuning: Times and sizes.
    """

    def __init__(self, vnic: VNic, replica: Replica, model: str, tuning: Tuning) -> None:
        self._vnic = vnic
        self._replica = replica
        self._model = model
        self._tuning = tuning

    async def recover(self, peers: Iterable[str]) -> bool:
        """Fetch all items from the first instance that has any and answers in time.

        Returns:
            Whether any instance answered, be it that it has no items.
        """
        answered = False
        for peer in peers:
            try:
                async with asyncio.timeout(self._tuning.recovery_timeout):
                    await self.fetch_all(peer)
                answered = True
            except (L8Error, TimeoutError) as error:
                _log.warning("%s: no copy from %s: %s", self._replica.key, peer, error)
            if len(self._replica.cache):
                break
        return answered

    async def fetch_all(self, peer: str) -> int:
        """Fetch all items of an instance, page by page.

        Returns:
            How many items changed here.

        Raises:
            L8Error: It did not answer, or with an error; what was fetched so far stays.
        """
        size = self._tuning.page_size
        seen = {peer: self._replica.tracker.through(peer)}
        times: dict[str, int] = {}
        known: set[str] = set()
        number = adopted = rereads = 0
        removed: int | None = None
        while True:
            page = await self._page(peer, number)
            adopted += self._replica.adopt(page.copy, peer)
            known.update(self._replica.cache.key_of(item) for item, _ in page.copy.items)
            if removed is None:
                # Changes made after the first page was told may be missing on it.
                seen, times = page.seen or seen, page.times
            moved = 0 if removed is None else page.removed - removed
            removed = page.removed
            if moved > 0 and rereads < MAX_REREADS:
                # What was behind this page moved forward, to pages that were read already.
                rereads += 1
                number = max(0, number * size - moved) // size
                continue
            if len(page.copy.items) < size:
                break
            number += 1
        adopted += self._replica.drop_forgotten(page.horizon, page.times, known)
        self._replica.complete(page.horizon, times)
        self._settle(seen)
        return adopted

    async def fetch_some(self, peer: str, keys: Iterable[str]) -> int:
        """Fetch single items of an instance; all when one of them is not known here.

        Returns:
            How many items changed here.

        Raises:
            L8Error: It did not answer, or with an error.
        """
        items = [self._replica.cache.get(key) for key in keys]
        if None in items:
            return await self.fetch_all(peer)
        question = ask_examples(items, self._vnic.resources.elements)
        page = await self._request(peer, question)
        return self._replica.adopt(page.copy, peer)

    async def fetch_ranges(self, peer: str, ranges: Iterable[int]) -> int:
        """Fetch the items of an instance in some ranges of keys, and what it deleted in them.

        Returns:
            How many items changed here.

        Raises:
            L8Error: It did not answer, or with an error; what was fetched so far stays.
        """
        left = set(ranges)
        adopted = 0
        while left:
            answer = read_ranges(await self._ask(peer, ask_ranges(self._model, left)))
            told = left & answer.ranges
            if not told:
                break
            left -= told
            page = answer.page
            adopted += self._replica.adopt(page.copy, peer)
            known = {self._replica.cache.key_of(item) for item, _ in page.copy.items}
            among = self._replica.digests.keys(told)
            adopted += self._replica.drop_forgotten(page.horizon, page.times, known, among=among)
        return adopted

    async def _page(self, peer: str, number: int) -> CopyPage:
        return await self._request(
            peer, ask_page(self._model, size=self._tuning.page_size, page=number)
        )

    async def _request(self, peer: str, payload: object) -> CopyPage:
        return read_copy(await self._ask(peer, payload))

    async def _ask(self, peer: str, payload: object) -> Elements:
        key = self._replica.key
        return await self._vnic.request(
            peer,
            key.name,
            key.area,
            Action.GET,
            payload,
            timeout=self._tuning.request_timeout,
        )

    def _settle(self, seen: dict[str, int]) -> None:
        for source, number in seen.items():
            if source != self._replica.uuid:
                self._replica.tracker.settle(source, number)
