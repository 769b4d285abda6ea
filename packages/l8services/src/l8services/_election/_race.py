# SPDX-License-Identifier: Apache-2.0
"""What a node knows of one election."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from l8types.protocols.services import ElectionStrategy
from l8types.values import ServiceKey

__all__ = ["Race"]


@dataclass(slots=True, eq=False)
class Race:
    """One election, of a service or group that this node serves, or that it asked about."""

    key: ServiceKey
    strategy: ElectionStrategy
    voter: bool
    member: bool = False
    """Whether this node serves it."""
    listed: bool = False
    """Whether the network is told so."""
    peers: frozenset[str] = frozenset()
    leader: str = ""
    epoch: int = 0
    why: str = ""
    wake_at: float | None = None
    asked: float = float("-inf")
    """When the leader was asked for last on behalf of a caller."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set and replaced with each news of the leader."""

    def news(self) -> None:
        """Wake those who wait for news."""
        self.changed.set()
        self.changed = asyncio.Event()
