# SPDX-License-Identifier: Apache-2.0
"""How long to wait before the next attempt to connect."""

from __future__ import annotations

__all__ = ["Backoff"]


class Backoff:
    """Exponential back-off with a cap and jitter.

    Args:
        first: Longest first pause in seconds.
        cap: Longest pause; the network promises to converge within 15 s, so it must be well below.
    """

    def __init__(self, first: float = 0.1, cap: float = 3.0) -> None:
        self._first = first
        self._cap = cap
        self._longest = first

    def next(self, jitter: float) -> float:
        """Seconds to wait now, between half and all of the current longest pause.

        Args:
            jitter: Random number from 0 to 1; it keeps the nodes of a restarted switch from
                coming back all at once.
        """
        longest = self._longest
        self._longest = min(self._cap, longest * 2)
        return longest * (0.5 + jitter / 2)

    def reset(self) -> None:
        """Start over after a success."""
        self._longest = self._first
