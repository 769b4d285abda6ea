# SPDX-License-Identifier: Apache-2.0
"""Time limits that cost nothing where nobody waits.

Most handlers work out a write without waiting for anything. A timer that is set and cancelled for
each of them would cost more than some of them take.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

__all__ = ["within"]

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``; the timer is set when it waits for the first time.

    Raises:
        TimeoutError: The time was over before ``work`` was done; it was cancelled.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    async with asyncio.timeout(seconds):
        return await _Begun(work, awaited)


class _Begun(Generic[T]):
    """A coroutine that was run up to where it waits for the first time."""

    __slots__ = ("_awaited", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], awaited: object) -> None:
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, T]:
        """Go on with it as ``await`` would."""
        work, awaited = self._work, self._awaited
        while True:
            try:
                try:
                    value = yield awaited
                except BaseException as error:  # noqa: BLE001 - it is for the coroutine to handle
                    awaited = work.throw(error)
                else:
                    awaited = work.send(value)
            except StopIteration as done:
                result: T = done.value
                return result
