# SPDX-License-Identifier: Apache-2.0
"""Reads of a replicated service, at its leader: who is asked, and what becomes one answer.

Each member that is asked does first what the last order says, so that it answers with all that was
acknowledged. An answer by key comes from the first holder that gives one, also that to a query
which nothing but one key can match. An answer to another query is made of the shares of all
members: each answers for the keys whose first holder it is. What comes from several members shows
one moment: each key once, and no write by half.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from l8services._replication.placement import live
from l8services._transactions.messages import Answered, Look, Refused, Share
from l8types.enums import Action
from l8types.errors import L8Error, UnavailableError
from l8types.pb import L8MetaData
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from l8services._replication.items import ReplicatedItems
    from l8services._replication.steady import Steady
    from l8services._transactions.leader import Leader
    from l8services._transactions.messages import Command, Message
    from l8services._transactions.timing import Timing
    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call
    from l8types.values import ServiceKey

    Ask = Callable[[str, Message, float], Awaitable[Message]]

__all__ = ["MATCH", "MISSING", "REPLICATION", "ReplicaReads"]

MATCH: Final = Action.MAP_REDUCE_GET
"""Action of a read that asks for the keys of what matches a query."""

REPLICATION: Final = "replication"
"""Name in the metadata of an answer under which it tells what is not in it."""
MISSING: Final = "unavailable"
"""How many keys cannot be answered for at present: all their holders are away."""

_log = logging.getLogger(__name__)


class ReplicaReads:
    """Answers reads that the leader may answer.

    Args:
        key: The service.
        items: The index, and the items of this node.
        leader: Gives the leader of this node.
        ask: Sends a message to a node, this one included.
        steady: Makes reads of several members show one moment.
        resources: The parts of the node.
        timing: Times and limits.
    """

    def __init__(
        self,
        key: ServiceKey,
        items: ReplicatedItems,
        leader: Callable[[], Leader],
        ask: Ask,
        steady: Steady,
        resources: Resources,
        timing: Timing,
    ) -> None:
        self._key = key
        self._items = items
        self._leader = leader
        self._ask = ask
        self._steady = steady
        self._elements = resources.elements
        self._resources = resources
        self._clock = resources.clock
        self._timing = timing

    async def answer(self, command: Command, limit: float) -> Message:
        """Answer within so many seconds."""
        end = self._clock.monotonic() + limit

        async def get(elements: Elements, call: Call) -> Elements:
            if command.action == MATCH:
                return await self._matching(command, elements, end)
            if elements.query is not None:
                return await self._query(command, elements, call, end)
            return await self._by_key(command, elements, end)

        result = await self._items.read_with(command, get)
        if result.error.startswith(f"{UnavailableError.code}: "):
            # Another leader, or this one a little later, may be able to.
            return Refused(self._leader().ballot, result.error)
        return Answered(result)

    # By key

    async def _by_key(self, command: Command, elements: Elements, end: float) -> Elements:
        keys = self._items.handler.keys_of(elements)

        async def gather() -> Elements:
            return await self._find_all(command, tuple(elements), keys, end)

        # One member answers with one moment by itself.
        alone = len(self._groups(keys, {}, defaultdict(set))) <= 1
        return await (gather() if alone else self._steady.read(gather, end))

    async def _find_all(
        self, command: Command, entries: Sequence[Element], keys: Sequence[str], end: float
    ) -> Elements:
        found: dict[int, Element] = {}
        tried: defaultdict[str, set[str]] = defaultdict(set)
        while len(found) < len(keys):
            groups = self._groups(keys, found, tried)
            async with asyncio.TaskGroup() as tasks:
                for (member, number), positions in groups.items():
                    part = self._elements.entries([entries[p] for p in positions])
                    look = self._look(command, part, number)
                    tasks.create_task(self._find(member, look, positions, found, end))
            for (member, _), positions in groups.items():
                for position in positions:
                    tried[keys[position]].add(member)
            if self._clock.monotonic() + self._timing.retry / 3 > end:
                late = self._unanswered("no holder of it answered in time")
                found = dict.fromkeys(range(len(keys)), late) | found
            elif not groups and len(found) < len(keys):
                # Their holders are there, but none could answer: they are asked again.
                tried.clear()
                await asyncio.sleep(self._timing.retry / 3)
        return self._elements.entries(found[position] for position in range(len(keys)))

    def _groups(
        self, keys: Sequence[str], found: dict[int, Element], tried: dict[str, set[str]]
    ) -> dict[tuple[str, int], list[int]]:
        """Whom to ask next, as which replica, for which of the keys."""
        view = self._steady.view()
        groups: dict[tuple[str, int], list[int]] = {}
        for position, key in enumerate(keys):
            if position in found:
                continue
            place = self._items.index.get(key)
            # A key that is nowhere is asked for here: how it is missed, the handler says.
            holders = (self._items.me,) if place is None else live(place, view.members)
            if not holders:
                found[position] = self._unanswered("all nodes that hold it are away")
            for number, holder in enumerate(holders):
                if holder not in tried[key]:
                    groups.setdefault((holder, number), []).append(position)
                    break
        return groups

    async def _find(
        self,
        member: str,
        look: Look,
        positions: Sequence[int],
        found: dict[int, Element],
        end: float,
    ) -> None:
        reply = await self._reply(member, look, end)
        if not isinstance(reply, Answered):
            return
        if reply.result.error:
            _log.info("%s: %s does not answer: %s", self._key, member, reply.result.error)
            return
        try:
            answer = self._elements.decode(reply.result.answer)
        except L8Error as error:
            _log.warning("%s: the answer of %s is not understood: %s", self._key, member, error)
            return
        if len(answer) == len(positions):
            found.update(zip(positions, answer, strict=True))

    def _unanswered(self, reason: str) -> Element:
        return Element(
            error=f"{UnavailableError.code}: item of service {self._key} cannot be read: {reason}"
        )

    # Queries

    async def _query(
        self, command: Command, elements: Elements, call: Call, end: float
    ) -> Elements:
        missing = 0

        async def ask(question: Elements, /, *, key: str | None = None) -> list[Elements]:
            nonlocal missing
            keys = None if key is None else self._items.index.alike(key)
            if keys is None or len(keys) > 1:
                shares, missing = await self._shares(command, question, end)
            elif keys:
                shares, missing = await self._share_of(keys[0], command, question, end)
            else:
                shares = []
            return shares

        answer = await self._items.handler.whole(elements, call, ask)
        if not missing:
            return answer
        metadata = L8MetaData()
        if answer.metadata is not None:
            metadata.CopyFrom(answer.metadata)
        metadata.value_count[REPLICATION].counts[MISSING] = missing
        return self._elements.entries(answer, metadata=metadata)

    async def _matching(self, command: Command, elements: Elements, end: float) -> Elements:
        """Keys of the items that match a query and that the caller may see."""
        shares, missing = await self._shares(command, elements, end)
        if missing:
            raise UnavailableError(
                f"{missing} items of service {self._key} cannot be read, so it is not known "
                "whether the query matches them"
            )
        entries = [entry for share in shares for entry in share]
        keys = [str(entry.key) for entry in entries if entry.value is None]
        scope = self._resources.security.scope_item
        values = [entry.value for entry in entries if entry.value is not None]
        shown = [value for value in values if scope(command.identity, value) is not None]
        keys += self._items.handler.keys_of(self._elements.of(*shown))
        return self._elements.of(*sorted(keys))

    async def _share_of(
        self, key: str, command: Command, question: Elements, end: float
    ) -> tuple[list[Elements], int]:
        """What one holder of a key has of an answer; the next one is asked where that fails."""
        tried: set[str] = set()
        while True:
            view, place = self._steady.view(), self._items.index.get(key)
            if place is None:
                return [], 0
            holders = live(place, view.members)
            if not holders:
                return [], 1
            member = next((holder for holder in holders if holder not in tried), "")
            if member:
                tried.add(member)
                look = self._look(command, question, None, key)
                share = await self._reply(member, look, end)
                if isinstance(share, Share) and not share.missing:
                    return [self._opened(share)], 0
                continue
            if self._clock.monotonic() + self._timing.retry / 3 > end:
                raise UnavailableError(
                    f"no node that holds item {key!r} of service {self._key} answered in time"
                )
            tried.clear()
            await asyncio.sleep(self._timing.retry / 3)

    async def _shares(
        self, command: Command, question: Elements, end: float
    ) -> tuple[list[Elements], int]:
        """What all members have of an answer, and how many keys nobody answers for."""
        look = self._look(command, question, None)
        shares = await self._steady.read(lambda: self._ask_all(look, end), end)
        missing = len(self._items.index.unavailable(self._steady.view().members))
        missing += sum(share.missing for share in shares)
        return [self._opened(share) for share in shares], missing

    def _opened(self, share: Share) -> Elements:
        """What is in a share; its error is raised."""
        if share.result.error:
            self._elements.error(share.result.error).raise_for_error()
        return self._elements.decode(share.result.answer)

    async def _ask_all(self, look: Look, end: float) -> list[Share] | None:
        """The shares of all members, ``None`` when one is missing."""
        look = msgspec.structs.replace(look, order=self._leader().standing_order())
        async with asyncio.TaskGroup() as tasks:
            members = self._steady.view().members
            asked = [tasks.create_task(self._reply(m, look, end)) for m in members]
        replies = [task.result() for task in asked]
        shares = [reply for reply in replies if isinstance(reply, Share)]
        return shares if len(shares) == len(replies) else None

    # Both

    def _look(
        self, command: Command, elements: Elements, number: int | None, key: str | None = None
    ) -> Look:
        part = msgspec.structs.replace(command, data=elements.encode())
        return Look(self._leader().standing_order(), part, number, key)

    async def _reply(self, member: str, look: Look, end: float) -> Message | None:
        """What a member answers, ``None`` when it does not."""
        left = min(end - self._clock.monotonic(), self._timing.round_timeout)
        try:
            async with asyncio.timeout(left):
                reply = await self._ask(self._leader().node_of(member), look, left)
        except (L8Error, TimeoutError) as error:
            _log.debug("%s: nothing from %s: %s", self._key, member, error)
            return None
        if isinstance(reply, Refused):
            _log.debug("%s: %s does not answer: %s", self._key, member, reply.reason)
        return reply
