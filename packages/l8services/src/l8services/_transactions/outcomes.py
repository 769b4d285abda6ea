# SPDX-License-Identifier: Apache-2.0
"""The results of the last commands, for clients that ask again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8services._transactions.messages import Result

__all__ = ["Results"]


class Results:
    """Remembers results by the id of the command, up to a limit, the oldest are forgotten.

    Args:
        limit: How many.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: dict[str, Result] = {}

    def __len__(self) -> int:
        return len(self._results)

    def add(self, results: Iterable[Result]) -> None:
        """Remember these."""
        for result in results:
            self._results[result.id] = result
        while len(self._results) > self._limit:
            del self._results[next(iter(self._results))]

    def get(self, identifier: str) -> Result | None:
        """What a command resulted in, ``None`` when it is not known (any more)."""
        return self._results.get(identifier)

    def all(self) -> tuple[Result, ...]:
        """All of them, the oldest first."""
        return tuple(self._results.values())

    def last(self, count: int) -> tuple[Result, ...]:
        """The latest ones."""
        return tuple(islice(reversed(self._results.values()), count))[::-1]

    def replace(self, results: Iterable[Result]) -> None:
        """Know these and no others."""
        self._results.clear()
        self.add(results)
