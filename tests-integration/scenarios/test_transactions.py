# SPDX-License-Identifier: Apache-2.0
"""Scenarios of transactions: nine participants behind three switches, in both forms."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from l8test import until
from l8test.faults import Refused
from l8types.errors import L8Error

from .offers import ORDERED
from .support import FORMS, at, everywhere

if TYPE_CHECKING:
    from .support import Net, Standard

WITHIN = 15.0
pytestmark = pytest.mark.parametrize("form", [f"{where}, native" for where in FORMS])


async def led(net: Net) -> None:
    """Wait until nine take part, and all know the same leader."""

    async def agreed() -> bool:
        seen = await everywhere(net, "standing", service=ORDERED.name, area=ORDERED.area)
        return seen[0]["leader"] != "" and all(
            one == seen[0] and len(one["participants"]) == 9 for one in seen
        )

    await until(agreed, WITHIN, message="one leader of nine")

    attempts = count()

    async def members() -> bool:
        # Who takes part in the election becomes a member of the group a moment later.
        await everywhere(net, "reset", service=ORDERED.name, area=ORDERED.area)
        await at(net, 1, 1, "write", key=f"first-{next(attempts)}", value=0)
        counts = await everywhere(net, "counts", service=ORDERED.name, area=ORDERED.area)
        return all(one.get("POST", 0) == 1 for one in counts)

    await until(members, WITHIN, message="a write at all nine")
    last = f"first-{next(attempts) - 1}"

    async def visible() -> bool:
        return all(last in one for one in await everywhere(net, "changed"))

    await until(visible, WITHIN, message="the same at all nine")
    await everywhere(net, "reset", service=ORDERED.name, area=ORDERED.area)


async def counted(net: Net, verb: str, number: int) -> None:
    """Wait until every handler has worked on so many writes."""

    async def same() -> bool:
        counts = await everywhere(net, "counts", service=ORDERED.name, area=ORDERED.area)
        return all(one.get(verb, 0) == number for one in counts)

    await until(same, WITHIN, message=f"{number} {verb}s at all handlers")


async def changed(net: Net, expected: dict[str, int]) -> None:
    """Wait until every handler has made each item visible so many times."""

    async def same() -> bool:
        return all(one == expected for one in await everywhere(net, "changed"))

    await until(same, WITHIN, message=f"{expected} changes at all handlers")


@pytest.mark.feature("TRX-06", "l8services:ELE-01")
async def test_writes_are_made_everywhere(standard: Standard) -> None:
    """T-01: two nodes name the same leader. T-02: three posts from three nodes, one after another.

    Each is acknowledged and made once at each of the nine. T-03: so is a put. T-04: a read of one
    key is answered by one handler.
    """
    async with standard() as net:
        await led(net)
        leaders = [
            (await at(net, switch, node, "standing", service="Tests", area=1))["leader"]
            for switch, node in ((2, 2), (1, 1))
        ]
        assert leaders[0] == leaders[1] != ""
        for number, (switch, node) in enumerate([(2, 2), (2, 2), (1, 1)], 1):
            await at(net, switch, node, "write", key=f"key-{number}", value=number)
            await counted(net, "POST", number)
        await at(net, 3, 2, "write", key="key-1", value=7, action="PUT")
        await counted(net, "PUT", 1)
        await changed(net, {"key-1": 2, "key-2": 1, "key-3": 1})
        assert await at(net, 3, 1, "find", key="key-1") == [7]
        counts = await everywhere(net, "counts", service="Tests", area=1)
        assert sum(one.get("GET", 0) for one in counts) == 1


@pytest.mark.feature("TRX-07")
async def test_a_write_that_one_handler_refuses_is_made_nowhere(standard: Standard) -> None:
    """T-05: a put that one handler refuses fails, and no handler shows it.

    T-06: so do three posts. Where the Go handlers would make a write and take it back, nobody
    sees anything of it here. When the handler takes writes again they are acknowledged.
    """
    async with standard() as net:
        await led(net)
        await at(net, 1, 1, "write", key="kept", value=1)
        await changed(net, {"kept": 1})
        await at(net, 2, 1, "fail", on=True)
        await refused(net, 3, 1, key="kept", value=2, action="PUT")
        await at(net, 2, 1, "fail", on=False)
        await at(net, 1, 3, "fail", on=True)
        for number in range(3):
            await refused(net, 1, 2, key=f"new-{number}", value=number)
        await changed(net, {"kept": 1})
        # That node may be the leader, who answers reads.
        await at(net, 1, 3, "fail", on=False)
        assert await at(net, 3, 3, "find", key="kept") == [1]
        assert await at(net, 3, 3, "find", key="new-0") == []
        await at(net, 1, 2, "write", key="kept", value=3)
        await changed(net, {"kept": 2})


async def refused(net: Net, switch: int, node: int, **write: Any) -> None:
    """A write ends with the error of the handler."""
    with pytest.raises((Refused, L8Error), match="told to fail"):
        await at(net, switch, node, "write", **write)


@pytest.mark.feature("TRX-06")
async def test_two_hundred_calls_at_once(standard: Standard) -> None:
    """T-07: a hundred posts and a hundred reads from four nodes at once, all without an error."""
    async with standard() as net:
        await led(net)
        for number in range(50):
            await at(net, 1, 2, "write", key=f"old-{number}", value=number)
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                for switch, node in ((3, 3), (2, 2)):
                    key = f"new-{switch}-{number}"
                    group.create_task(at(net, switch, node, "write", key=key, value=number))
            reads = [
                (number, group.create_task(at(net, switch, node, "find", key=f"old-{number}")))
                for number in range(50)
                for switch, node in ((3, 3), (1, 1))
            ]
        assert all(task.result() == [number] for number, task in reads)
        await counted(net, "POST", 150)


@pytest.mark.feature("TRX-06")
async def test_writes_that_nobody_waits_for(standard: Standard) -> None:
    """T-08: three posts that are sent and not asked for reach all handlers, one after the other."""
    async with standard() as net:
        await led(net)
        for number in range(1, 4):
            await at(net, 2, 1, "write", key="sent", value=number, asynchronous=True)
            await changed(net, {"sent": number})
        assert await at(net, 1, 1, "find", key="sent") == [3]
