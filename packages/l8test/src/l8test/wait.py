# SPDX-License-Identifier: Apache-2.0
"""Waiting for what has to become true, instead of sleeping for what may be long enough."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["until"]

INTERVAL: Final = 0.01
"""Seconds between two looks: short against a network's reactions, long against a look."""


async def until(
    condition: Callable[[], object], timeout: float = 5.0, *, message: str = ""
) -> object:
    """Wait until a condition holds.

    Args:
        condition: Looked at again and again; may be a coroutine function.
        timeout: Seconds that it has, on the loop's clock.
        message: What was waited for; by default the condition's name.

    Returns:
        The first true result.

    Raises:
        TimeoutError: It did not hold in time; tells what was waited for and the last result.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        found = condition()
        result = await found if inspect.isawaitable(found) else found
        if result:
            return result
        if asyncio.get_running_loop().time() >= deadline:
            what = message or getattr(condition, "__qualname__", repr(condition))
            raise TimeoutError(f"{what} did not hold within {timeout} s; last result {result!r}")
        await asyncio.sleep(INTERVAL)
