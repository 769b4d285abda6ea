# SPDX-License-Identifier: Apache-2.0
"""Scenarios in virtual time come to an end, whatever becomes of their tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from .virtual import LONGEST, EndlessError, run

if TYPE_CHECKING:
    from collections.abc import Coroutine


class AlarmError(BaseException):
    """As what a test runner raises from a signal: no exception that anybody handles."""


async def _tick() -> None:
    while True:
        await asyncio.sleep(1.0)


async def _spin() -> None:
    while True:
        await asyncio.sleep(0)


async def _scenario(other: Coroutine[object, object, None]) -> None:
    """Waits for what never comes, while another task goes on."""
    async with asyncio.TaskGroup() as group:
        group.create_task(other)
        await asyncio.Event().wait()


def test_time_that_goes_on() -> None:
    """Timers alone do not keep a scenario alive for ever; the error says who waits where."""
    with pytest.raises(EndlessError, match=f"after {LONGEST:g} virtual seconds.*_scenario > Event"):
        run(_scenario(_tick()))


def test_time_that_stands_still() -> None:
    """Nor do tasks that wake each other without any time passing."""
    with pytest.raises(EndlessError, match=r"no time passed: .*_spin"):
        run(_scenario(_spin()))


def test_an_alarm_within_a_task() -> None:
    """What a runner raises to end a test may end a task only; the test ends all the same."""

    async def strike() -> None:
        await asyncio.sleep(1.0)
        asyncio.get_running_loop().call_later(1.0, _alarm)
        await _tick()

    def _alarm() -> None:
        raise AlarmError

    with pytest.raises(EndlessError):
        run(_scenario(strike()))


def test_everybody_waits() -> None:
    """Without any timer nothing can come any more, and that is said at once."""
    with pytest.raises(RuntimeError, match="never comes"):
        run(asyncio.Event().wait())
