# SPDX-License-Identifier: Apache-2.0
"""What a leader has in hand: the batch on its way, the view that is being agreed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from l8services._transactions.messages import Batch
from l8services._transactions.views import View

__all__ = ["SAFE", "Inflight", "Phase", "Proposal", "certainly"]

SAFE: Final = 0.8
"""Share of a lease that the leader uses; clocks may differ in speed by less than the rest."""


class Phase(Enum):
    """Where a node stands."""

    FOLLOWING = auto()
    CAMPAIGNING = auto()
    LEADING = auto()


@dataclass(slots=True)
class Inflight:
    """The batch on its way."""

    batch: Batch
    deadlines: list[float]
    waiting: set[str]
    results: dict[str, tuple[str, ...]] = field(default_factory=dict)
    since: float = 0.0


@dataclass(slots=True)
class Proposal:
    """A view that is being agreed on."""

    view: View
    since: float
    accepted: set[str] = field(default_factory=set)
    repeat_at: float = 0.0


def certainly(reason: str, certain: bool) -> str:
    """The error of a command; one that was in a batch before is not certain not to happen."""
    return reason if certain else f"outcome-unknown: {reason.partition(': ')[2]}"
