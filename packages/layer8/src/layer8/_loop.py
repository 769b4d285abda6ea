# SPDX-License-Identifier: Apache-2.0
"""The event loop of a process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run"]

T = TypeVar("T")


def run(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end on a new event loop, uvloop where it is installed."""
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - optional, absent on Windows
    except ImportError:
        new_event_loop = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
