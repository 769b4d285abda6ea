# SPDX-License-Identifier: Apache-2.0
"""Copies that other nodes take from this one, page by page while writes go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from l8services._transactions.messages import Change, Outcome, Page, Refused, Result, Tail

if TYPE_CHECKING:
    from l8services._transactions.items import GroupItems
    from l8services._transactions.member import Member

__all__ = ["CopyDesk"]

IDLE: Final = 30.0
"""Seconds after which a copy that nobody reads is given up."""


@dataclass(slots=True)
class _Session:
    """One copy: the items, and what was written since it began."""

    items: Iterator[Change]
    outcome: Outcome
    used: float
    tail: list[tuple[int, tuple[Change, ...], tuple[Result, ...]]] = field(default_factory=list)


class CopyDesk:
    """Serves copies.

    The items may be newer than the number that they begin with; the changes that follow have whole
    items and are applied in order, so that the copy is right in the end.

    Args:
        items: What is copied.
        member: Knows what it is the state of.
        page_size: Items per page.
    """

    def __init__(self, items: GroupItems, member: Member, page_size: int) -> None:
        self._items = items
        self._member = member
        self._size = page_size
        self._sessions: dict[str, _Session] = {}

    def page(self, reader: str, *, start: bool, now: float) -> Page | Refused:
        """The first page of a new copy, or the next one."""
        member = self._member
        if start:
            self._sessions[reader] = _Session(self._items.encoded(reader), member.outcome, now)
        session = self._sessions.get(reader)
        if session is None or member.view is None:
            return Refused(member.promised, "not-found: no such copy is being read")
        session.used = now
        items = tuple(islice(session.items, self._size))
        more = len(items) == self._size
        results = () if more else member.results.all()
        return Page(items, more, session.outcome.number, member.view, session.outcome, results)

    def tail(self, reader: str, number: int, now: float) -> Tail | Refused:
        """What was written after a batch."""
        session = self._sessions.get(reader)
        if session is None or number < session.outcome.number:
            return Refused(self._member.promised, "not-found: no such copy is being read")
        session.used = now
        session.tail = [entry for entry in session.tail if entry[0] > number]
        changes = tuple(entry[1] for entry in session.tail)
        results = tuple(result for entry in session.tail for result in entry[2])
        return Tail(self._member.outcome, changes, results)

    def written(self, number: int, changes: tuple[Change, ...], batch_limit: int) -> None:
        """A batch of up to so many commands was committed."""
        if self._sessions:
            results = self._member.results.last(batch_limit)
            for session in self._sessions.values():
                session.tail.append((number, changes, results))

    def end(self, reader: str) -> None:
        """The copy is complete."""
        self._sessions.pop(reader, None)

    def clear(self) -> None:
        """The items were replaced: no copy of them can be completed."""
        self._sessions.clear()

    def expire(self, now: float) -> None:
        """Give up copies that nobody reads."""
        for reader in [r for r, s in self._sessions.items() if s.used + IDLE < now]:
            del self._sessions[reader]
