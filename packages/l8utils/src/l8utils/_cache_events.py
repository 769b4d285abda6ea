# SPDX-License-Identifier: Apache-2.0
"""Who is told of the changes of a cache, and in which order."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.data import Subscription
    from l8types.values import ItemChange

    CacheWatcher = Callable[[ItemChange, object | None], None]
    """Told of every change, and of the state of the item before it (``None`` for absence)."""

_logger = logging.getLogger(__name__)


class _Subscription:
    """Registration of one watcher; closing it is idempotent."""

    __slots__ = ("_token", "_watchers")

    def __init__(self, watchers: dict[object, CacheWatcher], watcher: CacheWatcher) -> None:
        self._watchers = watchers
        self._token = object()
        watchers[self._token] = watcher

    def close(self) -> None:
        """Stop listening."""
        self._watchers.pop(self._token, None)


class CacheEvents:
    """Tells watchers of changes, one change after the other.

    A change that a watcher makes is told after the present one. Without watchers an event need not
    even be made: ask :attr:`wanted` first.

    Args:
        name: What the log calls the cache.
    """

    __slots__ = ("_delivering", "_name", "_waiting", "wanted")

    def __init__(self, name: str) -> None:
        self._name = name
        self.wanted: dict[object, CacheWatcher] = {}
        """The watchers; false when there are none."""
        self._waiting: deque[tuple[ItemChange, object | None]] = deque()
        self._delivering = False

    def __len__(self) -> int:
        return len(self.wanted)

    def watch(self, watcher: CacheWatcher) -> Subscription:
        """Be told from now on."""
        return _Subscription(self.wanted, watcher)

    def tell(self, event: ItemChange, before: object | None) -> None:
        """Tell of a change that has happened."""
        self._waiting.append((event, before))
        if not self._delivering:
            self._delivering = True
            try:
                self._deliver()
            finally:
                self._delivering = False

    def _deliver(self) -> None:
        while self._waiting:
            event, before = self._waiting.popleft()
            for watcher in list(self.wanted.values()):
                try:
                    watcher(event, before)
                except Exception:
                    # The change has happened; one listener must not hide it from the others.
                    _logger.exception("listener of the cache of %s failed", self._name)
