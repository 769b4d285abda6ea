# SPDX-License-Identifier: Apache-2.0
"""How good the way between two hosts is, and what makes it worse for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["LAN", "LOCAL", "Condition", "LinkQuality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuality:
    """Properties of the way from one host to another.

    Of several that hold at a time, the worst value of each counts.
    """

    latency: float = 0.0
    """Seconds that everything takes at least."""
    jitter: float = 0.0
    """Mean of the seconds that are added at random (exponentially distributed)."""
    loss: float = 0.0
    """Share of packets that are lost: datagrams for good, those of a connection are repeated."""
    duplicate: float = 0.0
    """Share of datagrams that arrive twice."""
    reorder: float = 0.0
    """Share of datagrams that are held up until others have overtaken them."""
    bandwidth: float = 0.0
    """Bytes per second of each connection, 0 for no limit."""
    cut: bool = False
    """Nothing gets through."""

    def __post_init__(self) -> None:
        if min(self.latency, self.jitter, self.bandwidth) < 0:
            raise ValueError(f"latency, jitter and bandwidth are not below zero: {self}")
        for share in (self.loss, self.duplicate, self.reorder):
            if not 0 <= share < 1:
                raise ValueError(f"share {share} is not at least 0 and below 1; use cut=True for 1")

    def worse(self, other: LinkQuality) -> LinkQuality:
        """What remains when both hold."""
        limits = [one for one in (self.bandwidth, other.bandwidth) if one]
        return LinkQuality(
            latency=max(self.latency, other.latency),
            jitter=max(self.jitter, other.jitter),
            loss=max(self.loss, other.loss),
            duplicate=max(self.duplicate, other.duplicate),
            reorder=max(self.reorder, other.reorder),
            bandwidth=min(limits, default=0.0),
            cut=self.cut or other.cut,
        )


LAN: Final = LinkQuality(latency=0.0002, jitter=0.0001)
"""A quiet network in one building."""
LOCAL: Final = LinkQuality(latency=0.00002)
"""From a host to itself; no fault changes it."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A quality that holds between groups of hosts until it is lifted.

    A packet is concerned when its ends are in different groups; a host in no group is not
    concerned at all.
    """

    quality: LinkQuality
    groups: tuple[frozenset[str], ...]
    """Names of hosts."""
    one_way: bool = False
    """Concern only what goes from the first group to another one."""
    name: str = field(default="condition")

    def concerns(self, source: str, destination: str) -> bool:
        """Whether packets from one host to another are under it."""
        here, there = self._group(source), self._group(destination)
        if here is None or there is None or here == there:
            return False
        return here == 0 or not self.one_way

    def _group(self, host: str) -> int | None:
        for number, group in enumerate(self.groups):
            if host in group:
                return number
        return None
