# SPDX-License-Identifier: Apache-2.0
"""What the session adds to the SNMP library."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest

pytest.importorskip("gufo.snmp", reason="gufo-snmp is not installed")
from gufo.snmp import SnmpError

from collect._snmp._session import _Session
from l8types.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gufo.snmp.aio import SnmpSession


class Forgetful:
    """A session of the library to which cancellation and outcome come at the same moment."""

    def __init__(self, error: Exception | None) -> None:
        self.asked = asyncio.Event()
        self._error = error

    async def get_many(self, oids: object) -> dict[str, int]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._error is not None:
                raise self._error from None
        return {"1.3": 1}

    async def getbulk(self, oid: str) -> AsyncIterator[tuple[str, int]]:
        for item in (await self.get_many([oid])).items():
            yield item


@pytest.mark.parametrize("walking", [False, True], ids=["get", "walk"])
@pytest.mark.parametrize(
    "error", [None, TimeoutError(), SnmpError("genErr")], ids=["answer", "time-out", "refusal"]
)
async def test_a_cancellation_is_not_lost(error: Exception | None, walking: bool) -> None:
    """A task that polls for ever ends when it is cancelled, whatever the library has to say."""
    library = Forgetful(error)
    session = _Session(cast("SnmpSession", library))

    async def poll_for_ever() -> None:
        while True:
            with suppress(TimeoutError, RemoteError):
                if walking:
                    _ = [item async for item in session.getbulk("1.3")]
                else:
                    await session.get_many(["1.3"])

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(poll_for_ever(), name="test: polling")
        await library.asked.wait()
        task.cancel()
    assert task.cancelled()
