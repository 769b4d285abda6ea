# SPDX-License-Identifier: Apache-2.0
"""Scenarios of services without transactions at nine nodes, in both forms and both profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test import until
from l8test.topology import Place

from .support import FEW, ask, at, everywhere, hosts

if TYPE_CHECKING:
    from .support import Net, Standard

ITEMS = {f"item-{number}": number for number in range(10)}


async def participants(net: Net, service: str) -> None:
    """Wait until every host knows all nine as participants."""

    async def known() -> bool:
        seen = await everywhere(net, "standing", service=service)
        return all(len(one["participants"]) == 9 for one in seen)

    await until(known, 20.0, message=f"nine participants of {service}")


@pytest.mark.parametrize("form", FEW)
@pytest.mark.feature("l8services:MAP-01")
async def test_one_answer_of_all(standard: Standard) -> None:
    """T-10: what one node asks all nine work on, and the answer has the share of each."""
    async with standard() as net:
        await participants(net, "Merged")
        assert await at(net, 1, 1, "merged", text="share") == ["share"] * 9
        counts = await everywhere(net, "counts", service="Merged")
        assert [one["GET"] for one in counts] == [1] * 9
        # A node that offers nothing asks in the same way.
        assert await at(net, 2, 4, "merged", text="guest") == ["guest"] * 9


async def cached(net: Net, expected: dict[str, int], within: float) -> None:
    """Wait until all hosts have these items."""

    async def same() -> bool:
        return all(one == expected for one in await everywhere(net, "cache"))

    await until(same, within, message="the same items everywhere")


@pytest.mark.parametrize("form", FEW)
@pytest.mark.feature("DCH-01", "l8services:NTF-01", "l8services:REC-01", "SVC-09", "SVC-13")
async def test_the_distributed_cache(standard: Standard) -> None:
    """T-11: ten posts at one node are at all nine.

    T-17: post, put, patch and delete are four changes for each of the others. T-12: a node is
    replaced by a new one, which has all items within ten seconds. T-13: a node that offers the
    service no longer is listed without it within five.
    """
    async with standard() as net:
        await participants(net, "base")
        for key, value in ITEMS.items():
            await at(net, 1, 1, "cached", action="POST", items=[key], value=value)
        await cached(net, ITEMS, 5.0)

        writer = net.uuids[Place(1, 1)]
        for number, action in enumerate(("POST", "PUT", "PATCH", "DELETE"), 1):
            await at(net, 1, 1, "cached", action=action, items=["told"], value=number)
            await told(net, writer, len(ITEMS) + number)

        gone = Place(2, 3)
        await net.members[gone].aclose()
        await net.start(gone)
        await net.converged()
        await cached(net, ITEMS, 10.0)

        await at(net, 2, 2, "withdraw")
        left = net.uuids[Place(2, 2)]

        async def listed() -> bool:
            return left in await ask(net, Place(1, 3), "providers", service="base")

        async def unlisted() -> bool:
            return not await listed()

        await until(unlisted, 5.0, message="the node without the service")


async def told(net: Net, writer: str, number: int) -> None:
    """Wait until each of the others has seen so many changes of a node, and no more."""

    async def same() -> bool:
        places = [place for place in hosts(net) if net.uuids[place] != writer]
        seen = [await ask(net, place, "seen") for place in places]
        return all(one.get(writer) == number for one in seen)

    await until(same, 5.0, message=f"change {number} at the others")
