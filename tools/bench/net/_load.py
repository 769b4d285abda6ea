# SPDX-License-Identifier: Apache-2.0
"""The load that every network is put under: requests outstanding, for a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["OUTSTANDING", "SIZES", "figure", "replies_per_second"]

OUTSTANDING: Final = (1, 64)
"""How many requests wait for their replies at a time."""
SIZES: Final = (100, 1024)
"""Bytes of a payload."""
WARM_UP: Final = 0.3
"""Seconds of traffic before the clock is started."""


def figure(outstanding: int, size: int) -> str:
    """Name of a figure."""
    return f"{outstanding} outst., {size} B"


async def replies_per_second(
    ask: Callable[[], Awaitable[object]], outstanding: int, seconds: float
) -> float:
    """Return the replies per second.

    Args:
        ask: Makes one request and waits for its reply.
        outstanding: How many are kept on their way.
        seconds: How long is measured.
    """
    replies, over = 0, False

    async def go_on() -> None:
        nonlocal replies
        while not over:
            await ask()
            replies += 1

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(go_on(), name=f"bench: request {number}")
            for number in range(outstanding)
        ]
        await asyncio.sleep(WARM_UP)
        before, begin = replies, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (replies - before) / (time.perf_counter() - begin)
        # Not by cancelling: a client that swallows a cancellation would go on for ever.
        over = True
        await asyncio.wait(tasks)
    return rate
