# SPDX-License-Identifier: Apache-2.0
"""One lock per key."""

from __future__ import annotations

import asyncio

from l8services._locks import KeyLocks

from .virtual import run


def test_locks_exist_while_they_are_used() -> None:
    """Each key has its own lock, and none is left when nobody needs it."""

    async def scenario() -> None:
        locks, order = KeyLocks(), []

        async def hold(key: str, name: str) -> None:
            async with locks.hold(key):
                await asyncio.sleep(1)
                order.append(name)

        async with asyncio.TaskGroup() as group:
            for key, name in (("1", "first"), ("1", "second"), ("2", "other")):
                group.create_task(hold(key, name))
        assert order == ["first", "other", "second"]
        assert len(locks) == 0

    run(scenario())
