# SPDX-License-Identifier: Apache-2.0
"""Tasks that live between two calls."""

from __future__ import annotations

import asyncio

import pytest

from l8services._tasks import TaskScope, forever

from .virtual import run, until


def test_background_step_survives_its_failures(caplog: pytest.LogCaptureFixture) -> None:
    """A failing step is logged and repeated after a pause; closing ends it."""

    async def scenario() -> None:
        starts: list[float] = []

        async def step() -> None:
            starts.append(asyncio.get_running_loop().time())
            raise ValueError("oh")

        scope = TaskScope("test")
        scope.start(work=lambda: forever(step, what="the step", pause=2.0))
        await until(lambda: len(starts) == 3, "three attempts")
        await scope.aclose()
        await scope.aclose()
        assert starts[2] - starts[0] == pytest.approx(4.0)
        assert len(asyncio.all_tasks()) == 1

    run(scenario())
    assert "the step failed" in caplog.text


def test_worker_that_ends_in_an_error_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """An error beyond all boundaries shows at the latest when the scope is closed."""

    async def scenario() -> None:
        async def break_down() -> None:
            raise ValueError("oh")

        scope = TaskScope("test")
        scope.start(work=break_down)
        await asyncio.sleep(1)
        await scope.aclose()

    run(scenario())
    assert "test: ended with" in caplog.text
