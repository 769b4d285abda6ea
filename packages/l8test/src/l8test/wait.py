# SPDX-License-Identifier: Apache-2.0
"""Waiting for what has to become true, instead of sleeping for what may be long enough."""

from __future__ import annotations

import asyncio
import inspect
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["budget", "until"]

INTERVAL: Final = 0.01
"""Seconds between two looks: short against a network's reactions, long against a look."""


def budget(seconds: float) -> float:
    """How long a promise of so many seconds may take on this machine now.

    A promise is one of a machine that is not overloaded. Where more processes want to run than
    there are processors, each of them takes as many times longer; the average of the last minute
    says how many want to. A limit for processes that share the machine is asked for anew at each
    look, since the load of a network that starts or recovers is a part of it.
    """
    try:
        wanted = os.getloadavg()[0]
    except OSError:
        return seconds
    return seconds * max(1.0, wanted / (os.cpu_count() or 1))


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
