# SPDX-License-Identifier: Apache-2.0
"""Scenarios of messages between twelve nodes behind three switches, in both forms and profiles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from l8test import until
from l8test.faults import Refused
from l8test.topology import Place
from l8types.errors import L8Error

from .support import EVERY, FEW, ask, at, everywhere, hosts

if TYPE_CHECKING:
    from .support import Net, Standard

SERVICE = "Tests"
MANY = 1000


async def posts(net: Net) -> list[int]:
    """How many posts each host has received."""
    counts = await everywhere(net, "counts", service=SERVICE)
    return [one.get("POST", 0) for one in counts]


async def received(net: Net, *expected: int) -> None:
    """Wait until the hosts have received so many posts, in the order of their places."""

    async def same() -> bool:
        return await posts(net) == list(expected)

    await until(same, 10.0, message=f"{expected} posts")


@pytest.mark.parametrize("form", EVERY[:-1])
@pytest.mark.feature("NET-05", "NET-06", "NET-07")
async def test_ways_of_a_message(standard: Standard) -> None:
    """T-01: every node knows 15 records. T-02: nine participants and one leader on every host.

    T-03: a multicast reaches nine handlers once each, the sender's included. T-04: a message to a
    node behind another switch reaches that one. T-05: one to anybody reaches one of the nine.
    T-06: a request is answered with what was sent.
    """
    async with standard() as net:
        views = await net.views(net.places())
        assert len(views) == 12
        assert all(view["nodes"] == sorted(net.uuids.values()) for view in views.values())
        assert len(net.uuids) == 15

        async def led() -> bool:
            seen = await everywhere(net, "standing", service=SERVICE)
            leader = seen[0]["leader"]
            return leader != "" and all(
                one["leader"] == leader and len(one["participants"]) == 9 for one in seen
            )

        await until(led, 20.0, message="a leader of nine")

        await at(net, 1, 1, "send", text="to all", target="ALL")
        await received(net, *[1] * 9)
        await at(net, 1, 2, "send", text="to one", target=net.uuids[Place(3, 3)])
        await received(net, *[1] * 8, 2)
        await at(net, 2, 2, "send", text="to anybody", target="ROUND_ROBIN")

        async def one_more() -> bool:
            return sum(await posts(net)) == 11

        await until(one_more, 10.0, message="one post more")
        before = await posts(net)
        target = net.uuids[Place(1, 2)]
        answer = await at(net, 3, 1, "send", text="request", target=target, request=True)
        assert answer == ["request"]
        after = await posts(net)
        assert [a - b for a, b in zip(after, before, strict=True)] == [0, 1, *[0] * 7]


@pytest.mark.parametrize("form", FEW)
async def test_a_message_above_the_limit(standard: Standard) -> None:
    """T-07: one that is too large is an error of its sender; what he sends afterwards arrives.

    In the Go network the connection breaks and is made anew.
    """
    async with standard() as net:
        target = net.uuids[Place(1, 3)]
        before = (await at(net, 2, 1, "figures"))["connections"]
        with pytest.raises((Refused, L8Error), match="is above max_frame_bytes"):
            await at(net, 2, 1, "flood", target=target)
        for number in range(3):
            await at(net, 2, 1, "send", text=f"small-{number}", target=target)
        await received(net, 0, 0, 3, *[0] * 6)
        assert (await at(net, 2, 1, "figures"))["connections"] == before


@pytest.mark.parametrize("form", FEW)
@pytest.mark.feature("NET-09", "NET-18")
async def test_a_node_that_left(standard: Standard) -> None:
    """T-08: a message to it comes back to the service that sent it, and its record is gone.

    T-13: when it was the leader another one is known everywhere.
    """
    async with standard() as net:
        gone = next(p for p in hosts(net) if net.uuids[p] == max(net.uuids[q] for q in hosts(net)))
        uuid = net.uuids[gone]
        leader = (await ask(net, gone, "standing", service=SERVICE))["leader"]
        await net.members[gone].aclose()

        async def unknown(place: Place) -> bool:
            return uuid not in (await ask(net, place, "view"))["nodes"]

        # What its switch sends before it notices that the connection is gone is lost with that.
        await until(partial(unknown, Place(gone.switch)), 5.0, message="no record at its switch")
        asker = next(place for place in hosts(net) if place.switch != gone.switch)
        rest = [place for place in hosts(net) if place != gone]
        await ask(net, asker, "send", text="too late", target=uuid)

        async def returned() -> bool:
            counts = await ask(net, asker, "counts", service=SERVICE)
            return bool(counts["undelivered"] == 1)

        await until(returned, 10.0, message="the message came back")

        for place in rest:
            await until(partial(unknown, place), 5.0, message=f"no record at {place.name}")

        async def led_anew() -> bool:
            seen = [await ask(net, place, "standing", service=SERVICE) for place in rest]
            leaders = {one["leader"] for one in seen}
            return len(leaders) == 1 and not leaders & {"", uuid}

        await until(led_anew, 15.0, message="another leader")
        assert leader


@pytest.mark.parametrize("form", FEW)
@pytest.mark.feature("NIC-14")
async def test_figures_of_others(standard: Standard) -> None:
    """T-09: some seconds later every node knows how much every other one has sent."""
    async with standard() as net:
        await at(net, 1, 1, "send", text="to all", target="ALL")
        names = {place.name for place in net.places()}

        async def told() -> bool:
            for place in (Place(1, 1), Place(3, 4)):
                reports = await ask(net, place, "reports")
                if any(not reports.get(name) for name in names):
                    return False
            return True

        await until(told, 15.0, message="figures of all")


@pytest.mark.parametrize("form", FEW)
@pytest.mark.feature("NET-06")
async def test_many_messages_across_switches(standard: Standard) -> None:
    """T-10: a thousand messages to a node behind another switch, and ten thousand: all arrive."""
    async with standard() as net:
        target = net.uuids[Place(2, 1)]
        for total in (MANY, 11 * MANY):
            already = (await posts(net))[3]
            await at(net, 1, 2, "send_many", target=target, number=total - already)

            async def all_there(wanted: int = total) -> bool:
                return (await posts(net))[3] >= wanted

            await until(all_there, 20.0, message=f"{total} messages")
        assert await posts(net) == [0, 0, 0, 11 * MANY, *[0] * 5]
