# SPDX-License-Identifier: Apache-2.0
"""Who takes part in a service and who leads it, read off the directory of nodes.

The leader is the participant with the greatest id, and its term counts the changes that this node
saw. This holds while all nodes see the same directory; it is no lock. The part that an election
with messages would replace is :class:`LeaderView`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.data import Subscription
    from l8types.protocols.net import NodeDirectory
    from l8types.values import DirectoryEvent, ServiceKey

__all__ = ["DirectoryLeadership", "LeaderView", "RoundRobin"]


class LeaderView:
    """Leader and term of each service as participants come and go; a synchronous core."""

    def __init__(self) -> None:
        self._leaders: dict[ServiceKey, str] = {}
        self._epochs: dict[ServiceKey, int] = {}

    def observe(self, key: ServiceKey, participants: Sequence[str]) -> str:
        """The leader among these participants, "" when there are none."""
        leader = max(participants, default="")
        if leader != self._leaders.get(key, ""):
            self._leaders[key] = leader
            if leader:
                self._epochs[key] = self._epochs.get(key, 0) + 1
        return leader

    def epoch(self, key: ServiceKey) -> int:
        """Term of the last leader, 0 when there never was one."""
        return self._epochs.get(key, 0)

    def keys(self) -> tuple[ServiceKey, ...]:
        """The services that were asked about."""
        return tuple(self._leaders)


class RoundRobin:
    """Picks participants in turn, evenly also while they come and go; a synchronous core."""

    def __init__(self) -> None:
        self._last: dict[ServiceKey, str] = {}

    def pick(self, key: ServiceKey, participants: Sequence[str], count: int) -> tuple[str, ...]:
        """The next ``count`` participants, all of them when there are not more.

        Args:
            key: The service whose turn it is.
            participants: Ids, sorted.
            count: How many; the position in the result is the replica number.
        """
        size = len(participants)
        if not size or count < 1:
            return ()
        start = bisect_right(participants, self._last.get(key, ""))
        picked = tuple(participants[(start + step) % size] for step in range(min(count, size)))
        self._last[key] = picked[-1]
        return picked


class DirectoryLeadership:
    """Leadership as the directory of nodes shows it."""

    def __init__(self) -> None:
        self._directory: NodeDirectory | None = None
        self._subscription: Subscription | None = None
        self._leaders = LeaderView()
        self._turns = RoundRobin()

    def attach(self, directory: NodeDirectory) -> None:
        """Use this directory from now on."""
        if directory is self._directory:
            return
        self.close()
        self._directory = directory
        self._subscription = directory.watch(self._changed)

    def close(self) -> None:
        """Stop watching the directory; what it shows can still be asked."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def leader(self, key: ServiceKey) -> str:
        """Node id of the leader, "" when there is none."""
        return self._leaders.observe(key, self.participants(key))

    def epoch(self, key: ServiceKey) -> int:
        """Term of the leader, 0 when there never was one."""
        self.leader(key)
        return self._leaders.epoch(key)

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        """Node ids of the participants, sorted."""
        return self._directory.providers(key) if self._directory is not None else ()

    def placement(self, key: ServiceKey, count: int) -> tuple[str, ...]:
        """The next ``count`` participants in turn."""
        return self._turns.pick(key, self.participants(key), count)

    def _changed(self, event: DirectoryEvent) -> None:
        # Terms count every change, also those between two questions.
        for key in {*self._leaders.keys(), *event.node.services}:
            self.leader(key)
