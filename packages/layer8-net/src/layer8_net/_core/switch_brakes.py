# SPDX-License-Identifier: Apache-2.0
"""Who is held back because of whom: back-pressure from slow receivers to their senders.

What is slow is named by a key: the number of a connection, or the id of a node behind another
switch. Only connections of nodes are held back, never those of switches: a switch that stopped
reading from another one would hold up messages to nodes that keep up, and two of them could wait
for each other.
"""

from __future__ import annotations

__all__ = ["Brakes", "Slow"]

Slow = int | bytes
"""A slow connection, or a slow node behind another switch."""


class Brakes:
    """The relation between slow receivers and the connections that are held because of them."""

    def __init__(self) -> None:
        self._held: dict[int, set[Slow]] = {}
        self._holding: dict[Slow, set[int]] = {}

    def hold(self, connection: int, because: Slow) -> bool:
        """Hold a connection back; whether it was free until now."""
        reasons = self._held.setdefault(connection, set())
        first = not reasons
        reasons.add(because)
        self._holding.setdefault(because, set()).add(connection)
        return first

    def release(self, because: Slow) -> list[int]:
        """The receiver has caught up, or is gone: the connections that are free now."""
        free = []
        for connection in sorted(self._holding.pop(because, ())):
            reasons = self._held[connection]
            reasons.discard(because)
            if not reasons:
                del self._held[connection]
                free.append(connection)
        return free

    def forget(self, connection: int) -> None:
        """A connection that may be held back is gone."""
        for because in self._held.pop(connection, ()):
            holding = self._holding[because]
            holding.discard(connection)
            if not holding:
                del self._holding[because]
