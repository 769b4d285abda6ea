# SPDX-License-Identifier: Apache-2.0
"""Brings items to the leader that are to go to other holders, as many at a time as fit."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from l8services._replication.entries import Transfer, decode_entry
from l8services._replication.placement import live
from l8services._transactions.messages import Given, Want
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from l8services._replication.items import ReplicatedItems
    from l8services._replication.repair import Move
    from l8services._transactions.messages import Change, Message
    from l8services._transactions.timing import Timing
    from l8services._transactions.views import View
    from l8types.values import ServiceKey

    Ask = Callable[[str, Message, float], Awaitable[Message]]

__all__ = ["Gatherer"]

SLICE: Final = 16
"""Items that are asked for together; so many of them the leader has in hand beyond the limit."""

_log = logging.getLogger(__name__)


class Gatherer:
    """Gets items from those who hold them.

    Args:
        key: The service.
        items: The index, and the items of this node.
        ask: Sends a message to a node.
        node_of: Gives the node of a member.
        timing: Times and limits.
    """

    def __init__(
        self,
        key: ServiceKey,
        items: ReplicatedItems,
        ask: Ask,
        node_of: Callable[[str], str],
        timing: Timing,
    ) -> None:
        self._key = key
        self._items = items
        self._ask = ask
        self._node_of = node_of
        self._timing = timing

    async def transfers(
        self, moves: Sequence[Move], view: View | None
    ) -> tuple[list[Transfer], set[str]]:
        """The first of some moves with their items, as many as fit into one batch.

        Returns:
            Them, and the keys whose items could not be had.
        """
        transfers: list[Transfer] = []
        missing: set[str] = set()
        size = 0
        for start in range(0, len(moves), SLICE):
            some = moves[start : start + SLICE]
            entries = dict(await self.collect([move.key for move in some], view))
            for move in some:
                data = entries.get(move.key)
                place, item = (None, None) if data is None else decode_entry(data)
                if item is None or place is None or place.revision != move.revision:
                    missing.add(move.key)
                    continue
                size += len(item)
                if transfers and size > self._timing.batch_bytes:
                    return transfers, missing
                transfers.append(Transfer(move.key, move.revision, move.holders, item))
        return transfers, missing

    async def collect(self, keys: Iterable[str], view: View | None) -> list[Change]:
        """Entries with items, from here or from the holders that are there; what can be had."""
        found = dict(self._items.given(keys))
        asked: set[tuple[str, str]] = set()
        while view is not None:
            groups: defaultdict[str, list[str]] = defaultdict(list)
            for key in keys:
                place = self._items.index.get(key)
                if key in found or place is None:
                    continue
                holders = [h for h in live(place, view.members) if (key, h) not in asked]
                if holders and holders[0] != self._items.me:
                    groups[holders[0]].append(key)
                asked.update((key, holder) for holder in holders[:1])
            if not groups:
                break
            for member, wanted in groups.items():
                found.update(await self._want(member, wanted))
        return list(found.items())

    async def _want(self, member: str, keys: Sequence[str]) -> tuple[Change, ...]:
        try:
            node, limit = self._node_of(member), self._timing.round_timeout
            reply = await self._ask(node, Want(tuple(keys)), limit)
        except L8Error as error:
            _log.info("%s: no items from %s: %s", self._key, member, error)
            return ()
        return reply.items if isinstance(reply, Given) else ()
