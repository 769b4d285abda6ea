# SPDX-License-Identifier: Apache-2.0
"""Which items the store does not have yet in their present state; a synchronous core."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DirtyKeys"]


class DirtyKeys:
    """Keys in the order in which they were first marked, each once however often it changes.

    Args:
        retry: First pause after the store refused, in seconds; doubles with every repetition.
        retry_max: Longest pause.
    """

    def __init__(self, *, retry: float, retry_max: float) -> None:
        self._retry = retry
        self._retry_max = retry_max
        self._keys: dict[str, None] = {}
        self._failures = 0

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def failing(self) -> bool:
        """Whether the store refused the last time."""
        return self._failures > 0

    def mark(self, *keys: str) -> None:
        """The state of these items is to be stored."""
        self._keys.update(dict.fromkeys(keys))

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
        pause = self._retry * 2.0 ** min(self._failures, 16)
        self._failures += 1
        return min(pause, self._retry_max)

    def stored(self) -> bool:
        """The store took a batch; whether it had refused before."""
        failed, self._failures = self.failing, 0
        return failed
