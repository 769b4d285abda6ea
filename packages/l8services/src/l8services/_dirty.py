# SPDX-License-Identifier: Apache-2.0
"""Which items are to be stored, and when to try again what the store did not take.

Pure state without a clock: pauses are told, and whoever uses this waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DirtyKeys"]


class DirtyKeys:
    """Keys in the order in which they were first marked, each once however often it changes.

    A key whose item the store refuses is put aside, where it is in nobody's way: until it is
    marked again, which may have made it acceptable, or tried again.

    Args:
        retry: First pause after the store refused, in seconds; doubles with every repetition.
        retry_max: Longest pause.
    """

    def __init__(self, *, retry: float, retry_max: float) -> None:
        self._retry = retry
        self._retry_max = retry_max
        self._keys: dict[str, None] = {}
        self._aside: dict[str, None] = {}
        self._failures = 0
        self._rounds = 0

    def __len__(self) -> int:
        return len(self._keys) + len(self._aside)

    @property
    def pending(self) -> bool:
        """Whether there are keys to take."""
        return bool(self._keys)

    @property
    def failing(self) -> bool:
        """Whether the store refused the last time."""
        return self._failures > 0

    def mark(self, *keys: str) -> None:
        """The state of these items is to be stored."""
        for key in keys:
            self._aside.pop(key, None)
            self._keys[key] = None

    def take(self, count: int) -> list[str]:
        """The next keys to store, no longer marked."""
        batch = list(self._keys)[:count]
        for key in batch:
            del self._keys[key]
        return batch

    def put_back(self, keys: Iterable[str]) -> float:
        """The store refused; the keys are marked again, before the others.

        Returns:
            Seconds to wait before the next attempt.
        """
        self._keys = dict.fromkeys([*keys, *self._keys])
        self._failures += 1
        return self._pause(self._failures)

    def stored(self) -> bool:
        """The store took a batch; whether it had refused before."""
        failed, self._failures = self.failing, 0
        return failed

    def put_aside(self, key: str) -> None:
        """The store refused this item, and not because of itself."""
        if key not in self._keys:
            self._aside[key] = None

    def patience(self) -> float | None:
        """Seconds after which what is aside is to be tried again, ``None`` when nothing is."""
        if not self._aside:
            self._rounds = 0
            return None
        return self._pause(self._rounds + 1)

    def try_again(self) -> None:
        """What is aside is marked, behind the others."""
        self._rounds += 1
        self._keys.update(self._aside)
        self._aside = {}

    def _pause(self, attempts: int) -> float:
        return min(self._retry * 2.0 ** min(attempts - 1, 16), self._retry_max)
