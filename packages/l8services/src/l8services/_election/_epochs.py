# SPDX-License-Identifier: Apache-2.0
"""Numbers of terms: they only rise, and no two nodes use the same one.

Parts of a network that do not see each other elect leaders of their own. When they counted
epochs one by one, both leaders would have the same, and a write fenced by it could not be told from
one of the other. So the numbers are dealt out: the upper part counts the rounds, the lower one is a
mark of the node. A leader takes its number in the next round.
"""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["next_epoch", "round_of"]

_MARK_BITS: Final = 24
"""One in 16 million for two nodes to have the same mark; leaves 2**29 rounds to what holds
integers in a double, and 2**39 to the 63 bits of a message."""


def next_epoch(highest: int, node: str) -> int:
    """Smallest epoch of a node in the round after ``highest``."""
    mark = zlib.crc32(node.encode()) & ((1 << _MARK_BITS) - 1)
    return (round_of(highest) + 1) << _MARK_BITS | mark


def round_of(epoch: int) -> int:
    """How many leaders there were up to an epoch, at least; what people want to read."""
    return epoch >> _MARK_BITS
