# SPDX-License-Identifier: Apache-2.0
"""How one provider is picked when a message names a service and a rule instead of a node."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from l8types.enums import MulticastMode

__all__ = ["LeaderRule", "Picker", "highest_id"]

LeaderRule = Callable[[Sequence[str]], str]
"""Picks the leader among the sorted ids of the live providers, of which there is at least one."""


def highest_id(providers: Sequence[str]) -> str:
    """The highest id leads: every switch that knows the same providers names the same one."""
    return providers[-1]


class Picker:
    """Picks providers and remembers whose turn it was, per service and area.

    The memory is the id that was served last, not a position, so that the turn survives nodes
    that come and go.

    Args:
        leader: Rule for ``MulticastMode.LEADER``.
    """

    def __init__(self, leader: LeaderRule = highest_id) -> None:
        self._leader = leader
        self._last: dict[tuple[bytes, int], str] = {}

    def pick(
        self,
        mode: MulticastMode,
        service: tuple[bytes, int],
        providers: Sequence[str],
        nearby: Sequence[str],
        source: str,
    ) -> str | None:
        """The provider that a message goes to, ``None`` when no one fits.

        Args:
            mode: The rule; ``ALL`` picks one as ``ROUND_ROBIN`` does.
            service: Name and area, whose turn is remembered.
            providers: Ids of the live providers, sorted.
            nearby: Those of them that live behind the sender's switch, sorted.
            source: Id of the sender.
        """
        if not providers:
            return None
        if mode is MulticastMode.LOCAL:
            return source if source in providers else None
        if mode is MulticastMode.LEADER:
            return self._leader(providers)
        if mode is MulticastMode.PROXIMITY and nearby:
            return self._next(service, nearby)
        return self._next(service, providers)

    def forget(self, service: tuple[bytes, int]) -> None:
        """Drop the memory of a service that nobody offers any more."""
        self._last.pop(service, None)

    def _next(self, service: tuple[bytes, int], candidates: Sequence[str]) -> str:
        position = bisect_right(candidates, self._last.get(service, ""))
        chosen = candidates[position % len(candidates)]
        self._last[service] = chosen
        return chosen
