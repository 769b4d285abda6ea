# SPDX-License-Identifier: Apache-2.0
"""Random kills, pauses and partitions of a network of processes, from one seed."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from l8test.topology import Place

from .support import restart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8test.faults import Lan

    from .support import Network

    Undo = Callable[[], Awaitable[None]]

MOST: Final = 3
"""Faults at a time; with more of them a majority is hardly ever there, and little is written."""

_log = logging.getLogger(__name__)


class Havoc:
    """Breaks things for a while and repairs them, each fault after a time of its own.

    Args:
        net: The network.
        seed: Of the sequence of faults; when each of them strikes depends on the machine too.
        lan: The hosts of the switches, ``None`` when there are none that could be parted.
        revived: Called with the place of each member that was started again.
    """

    def __init__(
        self, net: Network, seed: int, lan: Lan | None, revived: Callable[[Place], Awaitable[None]]
    ) -> None:
        self._net = net
        self._dice = random.Random(seed)
        self._lan = lan
        self._revived = revived
        self._open: list[tuple[float, str, Undo]] = []
        self._paused: set[Place] = set()
        self.counts: dict[str, int] = {}

    async def wreak(self, seconds: float) -> None:
        """Go on for so long, then repair all."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        while clock() < begin + seconds:
            await self._repair(clock())
            if len(self._open) < MOST:
                await self._break(clock())
            await asyncio.sleep(self._dice.uniform(0.1, 0.8))  # the pace, nothing is waited for
        await self._repair(float("inf"))

    async def _repair(self, now: float) -> None:
        for fault in sorted(self._open, key=lambda one: one[0]):
            if fault[0] <= now:
                self._open.remove(fault)
                _log.info("end of %s", fault[1])
                await fault[2]()

    async def _break(self, now: float) -> None:
        well = [place for place in self._net.living() if place not in self._paused]
        dice = self._dice.random()
        if dice < 0.2 and self._lan is not None and "partition" not in {f[1] for f in self._open}:
            what, undo = "partition", self._part(self._lan)
        elif dice < 0.5:
            what, undo = "pause", self._pause(self._dice.choice(well))
        else:
            what, undo = "kill", await self._kill(self._dice.choice(well))
        self.counts[what] = self.counts.get(what, 0) + 1
        self._open.append((now + self._dice.uniform(0.3, 5.0), what, undo))

    def _part(self, lan: Lan) -> Undo:
        alone = self._dice.randrange(len(lan.namespaces))
        _log.info("host %d is cut off", alone + 1)
        lan.partition([alone])

        async def undo() -> None:
            lan.heal()

        return undo

    def _pause(self, place: Place) -> Undo:
        _log.info("%s is paused", place.name)
        member = self._net.members[place]
        member.pause()
        self._paused.add(place)

        async def undo() -> None:
            member.resume()
            self._paused.discard(place)

        return undo

    async def _kill(self, place: Place) -> Undo:
        _log.info("%s is killed", place.name)
        await self._net.members[place].kill()

        async def undo() -> None:
            await self._revive(place)

        return undo

    async def _revive(self, place: Place) -> None:
        """A node without its switch would wait for it: the switch has to be there first."""
        switch = Place(place.switch)
        if switch in self._paused:
            self._net.members[switch].resume()
            self._paused.discard(switch)
        if place.node and not self._net.members[switch].alive:
            await self._revive(switch)
        if not self._net.members[place].alive:
            await restart(self._net, place)
            await self._revived(place)
