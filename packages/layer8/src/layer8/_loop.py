# SPDX-License-Identifier: Apache-2.0
"""The event loop of a process."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

__all__ = ["run"]

T = TypeVar("T")

GARBAGE: Final = 20_000
"""New objects after which the garbage collector looks for cycles. A node keeps many objects for
long and makes few cycles: with the default of 700 a third of the work of a busy one was looking."""


def run(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end on a new event loop, uvloop where it is installed.

    Meanwhile the garbage collector looks for cycles less often than by default.
    """
    with _patient_collector(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


@contextmanager
def _patient_collector() -> Iterator[None]:
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(GARBAGE, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - optional, absent on Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
