# SPDX-License-Identifier: Apache-2.0
"""How a node becomes a copy of a member, and then a member."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from l8services._transactions.dropping import dropped
from l8services._transactions.messages import Fetch, Given, Joined, Page, Ready, Tail, Want
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8services._transactions.desk import MemberDesk
    from l8services._transactions.messages import Message
    from l8services._transactions.timing import Timing

    Ask = Callable[[str, Message, float], Awaitable[Message]]

__all__ = ["Joiner"]

ROUNDS = 1000
"""How often the rest is asked for before the copy is begun anew."""

_log = logging.getLogger(__name__)


class Joiner:
    """Fetches copies, one at a time.

    Args:
        desk: The member of this node.
        ask: Sends a message to a node.
        timing: Times and limits.
    """

    def __init__(self, desk: MemberDesk, ask: Ask, timing: Timing) -> None:
        self._desk = desk
        self._ask = ask
        self._timing = timing
        self._busy = False

    async def copy(self, source: str) -> bool:
        """Become a copy of a node whose items do not change meanwhile.

        Returns:
            Whether it worked.
        """
        try:
            await self._fetch(source)
        except L8Error as error:
            _log.warning("no copy of %s: %s", source, error)
            return False
        return True

    async def join(self, leader: str) -> None:
        """Become a member of the group; nothing happens while that is being tried already."""
        if self._busy:
            return
        self._busy = True
        try:
            await self._fetch(leader)
            await self._follow(leader)
        except L8Error as error:
            # The leader invites again.
            _log.info("not yet a member: %s", error)
        finally:
            self._busy = False

    async def _fetch(self, source: str) -> None:
        items: dict[str, bytes | None] = {}
        page = await self._page(source, start=True)
        items.update(page.items)
        while page.more:
            page = await self._page(source, start=False)
            items.update(page.items)
        lost = dropped(self._desk.member, page, self._timing.remembered)
        if lost:
            # Two groups went on without knowing of each other; one of them has to give way.
            _log.error("written here only, and dropped: %s", lost)
        await self._desk.become(items.items(), page)
        await self.complete(source)

    async def complete(self, source: str) -> None:
        """Ask for what the copy should have had; what cannot be had now is asked for again."""
        lacking, size = self._desk.items.lacking, self._timing.page_size
        for start in range(0, len(lacking), size):
            question = Want(lacking[start : start + size])
            try:
                reply = await self._ask(source, question, self._timing.member_timeout)
            except L8Error as error:
                _log.info("%d items are lacking: %s", len(lacking), error)
                return
            if isinstance(reply, Given):
                await self._desk.fill(reply.items)

    async def _page(self, source: str, *, start: bool) -> Page:
        question = Fetch(self._desk.member.id, start)
        reply = await self._ask(source, question, self._timing.member_timeout)
        if not isinstance(reply, Page):
            raise _unexpected(reply)
        return reply

    async def _follow(self, leader: str) -> None:
        member = self._desk.member
        for _ in range(ROUNDS):
            lineage = "" if member.view is None else member.view.lineage
            question = Ready(member.id, lineage, member.outcome.number)
            reply = await self._ask(leader, question, self._timing.member_timeout)
            match reply:
                case Tail():
                    await self._desk.catch_up(reply)
                case Joined():
                    self._desk.learn(reply.view)
                    return
                case _:
                    raise _unexpected(reply)


def _unexpected(reply: object) -> L8Error:
    reason = getattr(reply, "reason", "") or f"unexpected {type(reply).__name__}"
    return L8Error(reason)
