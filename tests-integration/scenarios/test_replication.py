# SPDX-License-Identifier: Apache-2.0
"""Scenarios of a service of which two of nine nodes hold each item."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from l8test import until

from .offers import SPREAD
from .support import FORMS, ask, at, everywhere, hosts

if TYPE_CHECKING:
    from l8test.faults import Child
    from l8test.topology import Place

    from .support import Net, Standard

KEYS: Final = ("test1", "test2")


async def led(net: Net) -> None:
    """Wait until nine take part, and all know the same leader."""

    async def agreed() -> bool:
        seen = await everywhere(net, "standing", service=SPREAD.name, area=SPREAD.area)
        return seen[0]["leader"] != "" and all(
            one == seen[0] and len(one["participants"]) == 9 for one in seen
        )

    await until(agreed, 20.0, message="one leader of nine")


async def settled(net: Net, *keys: str) -> dict[str, list[str]]:
    """Wait until all hosts that live know the same two holders of each key, and these have it."""
    found: dict[str, list[str]] = {}

    async def spread() -> bool:
        living = [place for place in hosts(net) if net.members[place].alive]
        having: dict[str, list[str]] = {}
        for place in living:
            for key in (await ask(net, place, "held"))["keys"]:
                having.setdefault(key, []).append(net.uuids[place])
        found.clear()
        found.update({key: sorted(nodes) for key, nodes in having.items()})
        if sorted(found) != sorted(keys) or any(len(nodes) != 2 for nodes in found.values()):
            return False
        indexes = [await ask(net, place, "index") for place in living]
        return all(index == found for index in indexes)

    await until(spread, 30.0, message="two holders of each key")
    return found


async def write(net: Net, key: str, value: int) -> None:
    """Write an item at one node."""
    await at(net, 2, 1, "write", key=key, value=value, area=SPREAD.area)


@pytest.mark.feature("l8services:REP-01", "REP-02", "REP-04")
@pytest.mark.parametrize("form", [f"{where}, native" for where in FORMS])
async def test_two_of_nine(standard: Standard) -> None:
    """T-09: two keys are written twice each; each write is made by the two replicas of its key.

    The index has the two keys, and what is asked for at any node is found.
    """
    async with standard() as net:
        await led(net)
        for value in (1, 2):
            for key in KEYS:
                await write(net, key, value)
        await settled(net, *KEYS)
        for switch, node in ((1, 1), (3, 3), (2, 4)):
            assert await at(net, switch, node, "find", key="test1", area=SPREAD.area) == [2]
        replicas: Counter[tuple[str, int]] = Counter()
        for one in await everywhere(net, "held"):
            for key, number, count in one["replicas"]:
                replicas[key, number] += count
        # The second write of a key is made where the first one was, as both of its replicas.
        assert {key for key, _ in replicas} == set(KEYS)
        assert all(replicas[key, number] >= 2 for key in KEYS for number in (0, 1))


@pytest.mark.feature("REP-05")
@pytest.mark.parametrize("form", ["processes, native"])
async def test_a_holder_is_killed(standard: Standard) -> None:
    """Its items are on two nodes again soon, without it, and are found all the time."""
    async with standard() as net:
        await led(net)
        for number, key in enumerate(KEYS):
            await write(net, key, number)
        before = await settled(net, *KEYS)
        places: dict[str, Any] = {net.uuids[place]: place for place in hosts(net)}
        gone: Place = places[before["test1"][0]]
        child: Child = net.members[gone]  # type: ignore[assignment]
        await child.kill()
        asker = next(place for place in hosts(net) if place != gone)
        assert await ask(net, asker, "find", key="test1", area=SPREAD.area) == [0]
        after = await settled(net, *KEYS)
        assert net.uuids[gone] not in after["test1"]
        assert before["test1"][1] in after["test1"]
        assert await ask(net, asker, "find", key="test2", area=SPREAD.area) == [1]
