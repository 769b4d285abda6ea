# SPDX-License-Identifier: Apache-2.0
"""Moves what a replica decided: sends its outbox, makes its fetches, follows the directory."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from l8services._batch import Batch, Row
from l8services._tasks import forever
from l8types.enums import Action, DirectoryEventType, MulticastMode, WireProfile
from l8types.errors import L8Error, PermissionDeniedError
from l8types.pb import L8NotificationSet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from l8services._fetch import CopyFetcher
    from l8services._rebase import Created
    from l8services._replica import Replica
    from l8services._resync import Job
    from l8services._tuning import Tuning
    from l8types.protocols.data import Subscription
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.values import ChangeSet, DirectoryEvent

__all__ = ["ReplicaSync"]

MAX_BATCH_BYTES: Final = 262_144
"""Size above which a message takes no further change; a larger change travels alone."""

_log = logging.getLogger(__name__)


class ReplicaSync:
    """The shell around a replica.

    Args:
        vnic: The way to the other instances.
        replica: What is kept in agreement.
        fetcher: Fetches copies.
        tuning: Times and sizes.
        repeat: Makes an own change again that a concurrent one replaced.
        on_left: Called when another instance went away.
    """

    def __init__(
        self,
        vnic: VNic,
        replica: Replica,
        fetcher: CopyFetcher,
        tuning: Tuning,
        *,
        repeat: Callable[[str, ChangeSet | Created], Awaitable[None]],
        on_left: Callable[[], None],
    ) -> None:
        self._vnic = vnic
        self._replica = replica
        self._fetcher = fetcher
        self._tuning = tuning
        self._repeat = repeat
        self._on_left = on_left
        self._clock = vnic.resources.clock
        native = vnic.resources.settings.profile is WireProfile.NATIVE
        self._beacons = native
        self._beacon_pause = tuning.beacon_interval
        self._beacon_at: float | None = None
        self._known: frozenset[str] = frozenset()
        self._instances: frozenset[str] = frozenset()
        """All that were ever seen to offer the service and did not leave the network."""
        self._complete = False
        self._to_send = asyncio.Event()
        self._to_fetch = asyncio.Event()
        self._watch: Subscription | None = None

    def others(self) -> frozenset[str]:
        """Ids of the other instances."""
        return frozenset(self._vnic.directory.providers(self._replica.key)) - {self._replica.uuid}

    def open(self, *, complete: bool) -> None:
        """Follow the directory from now on.

        Args:
            complete: Whether another instance told its items. Otherwise the first one that shows
                is asked for them: it may have been there, but not in the directory yet.
        """
        self._complete = complete
        self._watch = self._vnic.directory.watch(self._directory_changed)
        self._look_around()

    def close(self) -> None:
        """No longer follow the directory."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def changed(self) -> None:
        """Something was put into the outbox."""
        self._beacon_pause = self._tuning.beacon_interval
        self._beacon_at = self._clock.monotonic() + self._beacon_pause
        self._to_send.set()

    def fetch_all(self, source: str) -> None:
        """The complete copy of an instance is wanted."""
        self._replica.planner.request(source, self._clock.monotonic(), forced=True)
        self.received()

    def received(self) -> None:
        """Messages of others may have made fetches or repetitions necessary."""
        if len(self._replica.planner) or self._replica.replaced:
            self._to_fetch.set()

    def authorize(self, changes: Iterable[object], call: Call) -> None:
        """See that changes come from an instance of the service, and are its own.

        One that has withdrawn the service still sends what it had to tell. One that the directory
        does not show yet is refused; what it told is fetched when it is seen.

        Raises:
            PermissionDeniedError: They do not.
        """
        if not call.source or call.source == self._replica.uuid:
            return
        if call.source not in self._instances:
            self._instances |= self.others()
        if call.source not in self._instances:
            raise PermissionDeniedError(
                f"node {call.source} does not offer service {call.key}: its changes are refused"
            )
        for change in changes:
            if isinstance(change, (L8NotificationSet, Batch)) and change.source != call.source:
                raise PermissionDeniedError(
                    f"node {call.source} told service {call.key} of a change as if it were "
                    f"{change.source or 'nobody'}"
                )

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting to be sent, fetched or repeated."""
        replica = self._replica
        return not (replica.outbox or len(replica.planner) or replica.replaced)

    async def send_for_ever(self) -> None:
        """Send the outbox as it fills, and beacons."""
        await forever(self._send_step, what=f"{self._replica.key}: sending changes")

    async def fetch_for_ever(self) -> None:
        """Make fetches when they are due, and repeat replaced changes."""
        await forever(self._fetch_step, what=f"{self._replica.key}: fetching changes")

    async def drain(self) -> None:
        """Send what is in the outbox, as far as the time to close allows."""
        try:
            async with asyncio.timeout(self._tuning.close_timeout):
                await self._send_outbox()
        except TimeoutError:
            _log.warning("%s: closed with changes not sent", self._replica.key)

    async def _send_step(self) -> None:
        await self._wait(self._to_send, self._beacon_at)
        await self._send_outbox()
        if self._beacon_at is not None and self._beacon_at <= self._clock.monotonic():
            await self._send_beacon()

    async def _send_outbox(self) -> None:
        while self._replica.outbox:
            message = self._take_batch()
            # Alone, nobody needs the messages: who joins fetches a copy, and a beacon tells those
            # who joined in between that they missed something.
            if self.others():
                await self._send(message)

    def _take_batch(self) -> L8NotificationSet | bytes:
        """The next changes that travel together: one of a network whose nodes expect one."""
        outbox = self._replica.outbox
        first = outbox.popleft()
        if not isinstance(first, Row):
            return first
        rows, size = [first], first.size_bytes
        sequence = first.change.sequence
        while outbox and len(rows) < self._tuning.send_batch:
            row = outbox[0]
            if not isinstance(row, Row) or row.change.sequence != sequence + len(rows):
                break
            size += row.size_bytes
            if size > MAX_BATCH_BYTES:
                break
            rows.append(row)
            outbox.popleft()
        return self._replica.message(rows)

    async def _send_beacon(self) -> None:
        self._beacon_pause = min(self._beacon_pause * 2, self._tuning.beacon_interval_max)
        self._beacon_at = self._clock.monotonic() + self._beacon_pause
        if self._beacons and self._replica.sequence and self.others():
            await self._send(self._replica.beacon())

    async def _send(self, message: L8NotificationSet | bytes) -> None:
        key = self._replica.key
        payload = self._vnic.resources.elements.of(message)
        try:
            await self._vnic.send(MulticastMode.ALL, key.name, key.area, Action.NOTIFY, payload)
        except L8Error as error:
            # Lost like any other message: the others see the gap and fetch.
            _log.debug("%s: a change was not sent: %s", key, error)

    async def _fetch_step(self) -> None:
        await self._wait(self._to_fetch, self._replica.planner.wake_at())
        while (job := self._replica.planner.due(self._clock.monotonic())) is not None:
            await self._fetch(job)
        replaced = self._replica.replaced
        while replaced:
            key, changes = replaced.popitem()
            for change in changes:
                await self._repeat(key, change)

    async def _fetch(self, job: Job) -> None:
        planner = self._replica.planner
        if job.source not in self.others():
            planner.forget(job.source)
            return
        try:
            adopted = await self._run(job)
        except L8Error as error:
            _log.info("%s: no copy from %s: %s", self._replica.key, job.source, error)
            planner.failed(job, self._clock.monotonic())
            return
        planner.done(job, self._clock.monotonic())
        if adopted and job.sweep:
            # The others may miss the same changes, of an instance that cannot send them any more.
            self._replica.skip()
            self.changed()

    async def _run(self, job: Job) -> int:
        if job.keys:
            return await self._fetcher.fetch_some(job.source, job.keys)
        if not (job.forced or job.sweep or self._replica.tracker.gap(job.source)):
            return 0
        adopted = await self._fetcher.fetch_all(job.source)
        self._complete = True
        return adopted

    async def _wait(self, event: asyncio.Event, until: float | None) -> None:
        """Wait for an event or a time, whichever comes first."""
        delay = None if until is None else max(0.0, until - self._clock.monotonic())
        try:
            async with asyncio.timeout(delay):
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    def _directory_changed(self, event: DirectoryEvent) -> None:
        if event.node.uuid == self._replica.uuid:
            return
        self._look_around()
        self._instances |= self._known
        if event.type is DirectoryEventType.LEFT:
            self._instances -= {event.node.uuid}

    def _look_around(self) -> None:
        others = self.others()
        came, left = others - self._known, self._known - others
        self._known = others
        if came:
            self.changed()
            # At once: a change made just before this node learnt of the newcomer was not sent.
            self._beacon_at = self._clock.monotonic()
            if not self._complete:
                self._replica.planner.request(max(came), self._clock.monotonic(), forced=True)
                self.received()
        if left:
            self._instances_left(left, others)

    def _instances_left(self, left: frozenset[str], others: frozenset[str]) -> None:
        planner = self._replica.planner
        for uuid in left:
            planner.forget(uuid)
        if others and max(others) < self._replica.uuid:
            # The last changes of the lost instance may have reached some of the others only. The
            # leader collects them; what it finds is fetched from it by all.
            for uuid in others:
                planner.request(uuid, self._clock.monotonic(), sweep=True)
            self.received()
        self._on_left()
