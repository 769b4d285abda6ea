# SPDX-License-Identifier: Apache-2.0
"""From a schedule that breaks something to the few faults that are needed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["shrink"]


def shrink(count: int, fails: Callable[[Sequence[int]], bool]) -> list[int]:
    """Find a smallest set of parts that still fails: none of them can be left out alone.

    Delta debugging: halves, quarters and so on are left out while the rest still fails.

    Args:
        count: Number of parts; all together fail.
        fails: Tries some of the parts, by their numbers from 0.

    Returns:
        The numbers of the parts that are left.
    """
    left = list(range(count))
    if left and fails([]):
        return []
    chunk = max(1, len(left) // 2)
    while True:
        smaller = _without_chunk(left, chunk, fails)
        if smaller is not None:
            left = smaller
            chunk = max(1, min(chunk, len(left) // 2))
        elif chunk > 1:
            chunk = max(1, chunk // 2)
        else:
            return left


def _without_chunk(
    parts: list[int], size: int, fails: Callable[[Sequence[int]], bool]
) -> list[int] | None:
    if len(parts) <= 1:
        return None
    for start in range(0, len(parts), size):
        rest = parts[:start] + parts[start + size :]
        if rest and fails(rest):
            return rest
    return None
