# SPDX-License-Identifier: Apache-2.0
"""Compares digests with other instances at intervals and fetches the ranges that differ.

The instance with the greatest id tells its root to all. Who has another one compares its ranges
with it, and tells it the own root, so that it compares as well: each takes over what is newer at
the other. When all agree, that is one small message per instance and interval.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from l8services._digests.divergence import DivergenceTracker
from l8services._digests.frames import ask_digests, read_digests
from l8services._tasks import forever
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import L8Error
from l8types.pb.notification_pb2 import L8NotificationType

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8services._fetch import CopyFetcher
    from l8services._replica import Replica
    from l8services._tuning import Tuning
    from l8types.pb import L8NotificationSet
    from l8types.protocols.net import VNic

__all__ = ["DIVERGENCE", "DigestExchange"]

DIVERGENCE: Final = "layer8_cache_divergence"
"""Gauge: ranges of keys in which this instance of a service differs from others."""
MANY: Final = 64
"""Ranges worth fetching one by one; above it everything is fetched, page by page."""
SECOND: Final = 3
"""How much longer the greater of two instances waits before it takes over anything."""
FOLD: Final = 2000
"""Changed keys counted between two looks at other work."""

_BEACON: Final = L8NotificationType.Invalid_Notify
_log = logging.getLogger(__name__)


class DigestExchange:
    """The shell around the digests of a replica.

    Args:
        vnic: The way to the other instances.
        replica: What is kept in agreement.
        fetcher: Fetches what differs.
        model: Short name of the model.
        tuning: Times and sizes.
        others: Ids of the other instances.
        fetch_all: Has the complete copy of an instance fetched.
    """

    def __init__(
        self,
        vnic: VNic,
        replica: Replica,
        fetcher: CopyFetcher,
        model: str,
        tuning: Tuning,
        *,
        others: Callable[[], frozenset[str]],
        fetch_all: Callable[[str], None],
    ) -> None:
        self._vnic = vnic
        self._replica = replica
        self._fetcher = fetcher
        self._model = model
        self._tuning = tuning
        self._others = others
        self._fetch_all = fetch_all
        self._clock = vnic.resources.clock
        self._tracker = DivergenceTracker()
        self._told: dict[str, str] = {}
        self._due: dict[str, float] = {}
        """When to compare with which instance."""
        self._beat_at = 0.0
        self._wake = asyncio.Event()
        self._reported = -1

    @property
    def enabled(self) -> bool:
        """Whether the network's nodes know digests."""
        return self._vnic.resources.settings.profile is WireProfile.NATIVE

    @property
    def divergence(self) -> int:
        """How many ranges differ, as far as known; 0 when the copies agree."""
        return self._tracker.divergence

    def heard(self, message: L8NotificationSet) -> None:
        """Another instance told its root with its count of changes; other messages are ignored."""
        if message.type != _BEACON or not message.model_key:
            return
        if message.source and message.source != self._replica.uuid:
            self._told[message.source] = message.model_key
            self._wake.set()

    async def run_for_ever(self) -> None:
        """Tell the root, compare and fetch, until cancelled."""
        self._report()
        self._beat_at = self._clock.monotonic() + self._tuning.digest_interval
        await forever(self._step, what=f"{self._replica.key}: comparing digests")

    async def _step(self) -> None:
        await self._wait()
        await self._count()
        now = self._clock.monotonic()
        if self._beat_at <= now:
            await self._beat(now)
        told, self._told = self._told, {}
        for source, root in told.items():
            await self._take(source, root)
        for source in [source for source, due in self._due.items() if due <= now]:
            await self._compare(source)
        self._report()

    async def _count(self) -> None:
        """Count what changed, letting others work in between."""
        for _ in range(self._replica.digests.waiting // FOLD):
            self._replica.digests.fold(FOLD)
            await asyncio.sleep(0)

    async def _wait(self) -> None:
        until = min(self._due.values(), default=self._beat_at)
        delay = max(0.0, min(until, self._beat_at) - self._clock.monotonic())
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _beat(self, now: float) -> None:
        others = self._others()
        for gone in [source for source in self._due if source not in others]:
            self._settle(gone)
        self._beat_at = now + self._tuning.digest_interval
        if others and max(others) < self._replica.uuid:
            await self._tell(MulticastMode.ALL)

    async def _tell(self, target: str | MulticastMode) -> None:
        if self._replica.outbox:
            # The count would be ahead of the changes; their receivers would take them for lost.
            return
        key = self._replica.key
        message = self._replica.beacon()
        message.model_key = self._replica.digests.root()
        payload = self._vnic.resources.elements.of(message)
        try:
            await self._vnic.send(target, key.name, key.area, Action.NOTIFY, payload)
        except L8Error as error:
            _log.debug("%s: digests were not sent: %s", key, error)

    async def _take(self, source: str, root: str) -> None:
        if root == self._replica.digests.root():
            self._settle(source)
            return
        self._due.setdefault(source, self._clock.monotonic())
        if source > self._replica.uuid:
            await self._tell(source)

    async def _compare(self, source: str) -> None:
        known = self._tracker.differs(source)
        try:
            theirs = await self._ask(source)
            if theirs is None:
                self._settle(source)
                return
            ranges = self._tracker.compare(source, self._replica.digests.sums(), theirs)
            self._report()
            await self._repair(source, ranges)
        except L8Error as error:
            _log.info("%s: no comparison with %s: %s", self._replica.key, source, error)
            known = True
        if not self._tracker.differs(source):
            self._settle(source)
            return
        pause = self._tuning.digest_interval if known else self._second(source)
        self._due[source] = self._clock.monotonic() + pause

    def _second(self, source: str) -> float:
        """Pause before the comparison that tells what is really different: a short one.

        Of two instances the lesser one takes over first, so that the other one need not fetch what
        it has told a moment ago.
        """
        delay = self._tuning.resync_delay
        return delay if source > self._replica.uuid else SECOND * delay

    async def _ask(self, source: str) -> tuple[int, ...] | None:
        key = self._replica.key
        answer = await self._vnic.request(
            source,
            key.name,
            key.area,
            Action.GET,
            ask_digests(self._model),
            timeout=self._tuning.digest_timeout,
        )
        return read_digests(answer)

    async def _repair(self, source: str, ranges: list[int]) -> None:
        if len(ranges) > MANY:
            self._fetch_all(source)
            return
        if not ranges:
            return
        try:
            adopted = await self._fetcher.fetch_ranges(source, ranges)
        except L8Error:
            self._tracker.failed(source, ranges)
            raise
        _log.info(
            "%s: %d ranges differed from %s, %d items taken over",
            self._replica.key,
            len(ranges),
            source,
            adopted,
        )

    def _settle(self, source: str) -> None:
        self._tracker.agree(source)
        self._due.pop(source, None)

    def _report(self) -> None:
        divergence = self._tracker.divergence
        if divergence != self._reported:
            self._reported = divergence
            key = self._replica.key
            self._vnic.resources.metrics.gauge(
                DIVERGENCE, divergence, service=key.name, area=str(key.area)
            )
