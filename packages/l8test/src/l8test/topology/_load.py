# SPDX-License-Identifier: Apache-2.0
"""A steady load: requests in an even pace, and books on how each of them ended."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from l8types.enums import Action, MulticastMode
from l8types.errors import L8Error

if TYPE_CHECKING:
    from l8types.protocols.net import Target, VNic
    from l8types.values import ServiceKey

__all__ = ["Load"]

_SLACK: Final = 2.0
"""Seconds by which an end may be later than the time-out, on a busy machine."""
_STANDSTILL: Final = 0.5
"""Seconds without a turn after which a process has stood still: paused, or without a processor."""


class Load:
    """Asks a service again and again, in turn by each of the rules and by name.

    Args:
        vnic: Asks.
        key: The service, which has to echo.
        pace: Seconds between two requests.
        timeout: Seconds that each has.
        target: Who is asked, "" for all ways in turn.
    """

    def __init__(
        self, vnic: VNic, key: ServiceKey, *, pace: float, timeout: float, target: str = ""
    ) -> None:
        self._vnic = vnic
        self._key = key
        self._pace = pace
        self._timeout = timeout
        self._target = target
        self._stopped = asyncio.Event()
        self._sent = 0
        self._ended = 0
        self._outcomes: Counter[str] = Counter()
        self._replied: list[str] = []
        self._faults: list[str] = []
        self._late: list[tuple[float, float, str]] = []
        self._standstills: list[tuple[float, float]] = []

    async def run(self) -> None:
        """Ask until :meth:`stop`; returns when every request has its end."""
        clock = asyncio.get_running_loop().time
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                self._sent += 1
                tasks.create_task(self._ask(number), name="load: request")
                begin = clock()
                try:
                    async with asyncio.timeout(self._pace):
                        await self._stopped.wait()
                except TimeoutError:
                    if clock() - begin > self._pace + _STANDSTILL:
                        self._standstills.append((begin, clock()))
                    continue
                return

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped.set()

    def report(self) -> dict[str, Any]:
        """How the requests ended, as it fits into JSON."""
        return {
            "sent": self._sent,
            "ended": self._ended,
            "outcomes": dict(self._outcomes),
            "replied": self._replied,
            "faults": self._faults + self._too_late(),
        }

    async def _ask(self, number: int) -> None:
        own = f"{self._vnic.uuid}/{number}"
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            answer = await self._vnic.request(
                self._pick(number),
                self._key.name,
                self._key.area,
                Action.POST,
                [own],
                timeout=self._timeout,
            )
        except L8Error as error:
            outcome = type(error).__name__
        except Exception as error:  # noqa: BLE001 - any other class breaks the promise
            outcome = "fault"
            self._faults.append(f"{own} ended with {error!r}")
        else:
            outcome = "reply"
            self._replied.append(own)
            if list(answer.values) != [own]:
                self._faults.append(f"{own} was answered {list(answer.values)!r:.200}")
        if loop.time() - begin > self._timeout + _SLACK:
            self._late.append((begin, loop.time(), f"{own} ended with {outcome}"))
        self._ended += 1
        self._outcomes[outcome] += 1

    def _too_late(self) -> list[str]:
        """Requests that ended late although their process did not stand still meanwhile."""
        found = []
        for begin, end, what in self._late:
            still = sum(max(0.0, min(end, e) - max(begin, b)) for b, e in self._standstills)
            if end - begin - still > self._timeout + _SLACK:
                found.append(f"{what} after {end - begin:.1f} s")
        return found

    def _pick(self, number: int) -> Target:
        if self._target:
            return self._target
        ways: list[Target] = [MulticastMode.ROUND_ROBIN, MulticastMode.PROXIMITY]
        providers = self._vnic.directory.providers(self._key)
        if providers:
            ways.append(providers[number // 3 % len(providers)])
        return ways[number % len(ways)]
