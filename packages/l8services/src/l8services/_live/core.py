# SPDX-License-Identifier: Apache-2.0
"""The answer to a query that is kept up to date, and what changed in it since any earlier moment.

Readers are not kept here. An answer remembers when each of its entries changed last, so that
whoever knows how far it has read is told the rest, one change per item however often that changed:
a slow reader costs nothing, and one that comes back is told what it missed. A synchronous core
without clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.data import Query, Scope

__all__ = ["LiveAnswer", "LiveChange", "LiveKind", "check_live"]

HISTORY: Final = 4096
"""Entries whose last change is remembered at least; at most as many as the answer has."""
_MAX_FLIPS: Final = 64
"""How often one entry may come and go before readers from before that start anew."""


class LiveKind(Enum):
    """How an entry of an answer changed."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"


@dataclass(frozen=True, slots=True)
class LiveChange:
    """One entry of an answer changed.

    Attributes:
        kind: How.
        key: Primary key text of the item.
        item: The item as the caller may see it, reduced to the columns of the query; ``None`` when
            it is in the answer no longer. Not to be changed.
    """

    kind: LiveKind
    key: str
    item: object | None = None


def check_live(query: Query) -> None:
    """Refuse a query whose answer has no entries by key.

    Raises:
        InvalidInputError: It asks for aggregates, for distinct results, or for all providers.
    """
    if query.aggregates:
        raise InvalidInputError(f"aggregates cannot stay live, ask again: {query.text!r}")
    if query.distinct:
        raise InvalidInputError(f"distinct results cannot stay live, ask again: {query.text!r}")
    if query.map_reduce:
        raise InvalidInputError(f"the answer of many nodes cannot stay live: {query.text!r}")


@dataclass(slots=True)
class _Track:
    """The past of one entry."""

    revision: int = 0
    """When it changed last."""
    flips: list[int] = field(default_factory=list)
    """When it came or went, ascending."""


class LiveAnswer:
    """What one query gives to one caller, by key.

    A query with a limit has a window: an entry that leaves it lets another one in.

    Args:
        query: The question; see :func:`check_live`.
        scope: What the caller may see, asked about the present state of each item that changes;
            ``None`` shows everything.
        history: Entries whose last change is remembered at least.
    """

    def __init__(self, query: Query, scope: Scope | None = None, *, history: int = HISTORY) -> None:
        self.revision = 0
        """Counts the updates that changed something."""
        self._query = query
        self._scope = scope
        self._history = history
        self._matches: dict[str, object] = {}
        self._told: dict[str, object] = {}
        self._tracks: OrderedDict[str, _Track] = OrderedDict()
        self._horizon = 0

    def __len__(self) -> int:
        return len(self._told)

    def visible(self, item: object | None) -> object | None:
        """A state of an item as it belongs to the answer, ``None`` when it does not.

        A redacted item must match as it is shown, or the answer would tell what was redacted.
        """
        if item is None or not self._query.matches(item):
            return None
        shown = item if self._scope is None else self._scope(item)
        if shown is item or shown is None:
            return shown
        return shown if self._query.matches(shown) else None

    def update(self, states: Mapping[str, object | None]) -> bool:
        """Take over the present states of items; whether the answer is another one now.

        Args:
            states: Items as :meth:`visible` gave them, ``None`` for those that do not belong.
        """
        for key, item in states.items():
            if item is None:
                self._matches.pop(key, None)
            else:
                self._matches[key] = item
        told = self._window() if self._query.limit else self._projected(states)
        changed = {key: item for key, item in told.items() if self._told.get(key) != item}
        if not changed:
            return False
        self.revision += 1
        for key, item in changed.items():
            self._note(key, item)
        self._forget()
        return True

    def snapshot(self) -> list[tuple[str, object]]:
        """Keys and items of the whole answer in its order."""
        keys = sorted(self._told)
        if self._query.sort_keys:
            keys = self._in_order(keys)
        return [(key, self._told[key]) for key in keys]

    def since(self, revision: int) -> list[LiveChange] | None:
        """What changed since a revision, removals first.

        Returns:
            One change per entry, ``None`` when the revision is unknown or too long ago, so that
            the whole answer is needed.
        """
        if not self._horizon <= revision <= self.revision:
            return None
        gone, present = [], []
        for key, track in reversed(self._tracks.items()):
            if track.revision <= revision:
                break
            item = self._told.get(key)
            flips = len(track.flips) - bisect_right(track.flips, revision)
            known = (item is not None) != bool(flips % 2)
            if item is not None:
                kind = LiveKind.CHANGED if known else LiveKind.ADDED
                present.append(LiveChange(kind, key, item))
            elif known:
                gone.append(LiveChange(LiveKind.REMOVED, key))
        return [*reversed(gone), *reversed(present)]

    def _projected(self, states: Mapping[str, object | None]) -> dict[str, object | None]:
        project = self._query.project
        return {key: None if item is None else project(item) for key, item in states.items()}

    def _window(self) -> dict[str, object | None]:
        """The entries of the window, and those that are in it no longer."""
        begin = self._query.page * self._query.limit
        keys = self._in_order(sorted(self._matches))[begin : begin + self._query.limit]
        gone: dict[str, object | None] = dict.fromkeys(self._told)
        return gone | {key: self._query.project(self._matches[key]) for key in keys}

    def _in_order(self, keys: list[str]) -> list[str]:
        if not self._query.sort_keys:
            return keys
        items = [self._matches[key] for key in keys]
        by_identity = {id(item): key for key, item in zip(keys, items, strict=True)}
        return [by_identity[id(item)] for item in self._query.sort(items)]

    def _note(self, key: str, item: object | None) -> None:
        track = self._tracks.setdefault(key, _Track())
        track.revision = self.revision
        self._tracks.move_to_end(key)
        if (item is None) != (key not in self._told):
            track.flips.append(self.revision)
            if len(track.flips) > _MAX_FLIPS:
                self._horizon = max(self._horizon, track.flips.pop(0))
        if item is None:
            del self._told[key]
        else:
            self._told[key] = item

    def _forget(self) -> None:
        limit = max(self._history, len(self._told))
        while len(self._tracks) > limit:
            _, track = self._tracks.popitem(last=False)
            self._horizon = max(self._horizon, track.revision)
