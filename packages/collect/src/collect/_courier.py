# SPDX-License-Identifier: Apache-2.0
"""Brings what waits in an outbox to a service of the network, which may be absent for a while."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collect._outbox import Outbox
from l8types.errors import (
    BrokenError,
    BusyError,
    ClosedError,
    L8Error,
    NotFoundError,
    OutcomeUnknownError,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from collect._outbox import OutboxStatistics
    from l8types.enums import Action, MulticastMode
    from l8types.protocols.net import VNic
    from l8types.values import ServiceKey

__all__ = ["Courier", "CourierSettings"]

_log = logging.getLogger(__name__)

_PASSING: Final = (
    BrokenError,
    BusyError,
    ClosedError,
    NotFoundError,  # the node is there, the service not yet
    OutcomeUnknownError,  # what is sent here may arrive twice
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)
"""Errors that a later attempt may not meet; after any other one the batch is given up."""


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """Settings of a courier."""

    limit: int = 10_000
    """Most entries that wait for a receiver; a full set of three polls for some 3000 devices."""
    batch: int = 64
    """Most entries in one message, so that a message stays far below the largest frame."""
    timeout: float = 10.0
    """Seconds to wait for the receiver's answer."""
    pause: float = 0.2
    """Seconds before the second attempt; doubled with every further one."""
    longest_pause: float = 5.0
    """Seconds that a pause grows to at most; short enough to catch up within 15 s of a heal."""


class Courier:
    """Sends entries to one service, each at least once or counted as dropped.

    Args:
        vnic: Interface to the network.
        service: The receiver.
        action: What the receiver does with the entries.
        mode: Which provider of the service receives them.
        settings: Limits and times.
    """

    def __init__(
        self,
        vnic: VNic,
        service: ServiceKey,
        action: Action,
        mode: MulticastMode,
        settings: CourierSettings,
    ) -> None:
        self._vnic = vnic
        self._service = service
        self._action = action
        self._mode = mode
        self._settings = settings
        self._outbox = Outbox[object, object](settings.limit)
        self._filled = asyncio.Event()
        self._refused = 0

    @property
    def refused(self) -> int:
        """Entries that the receiver did not take for a reason that will not pass."""
        return self._refused

    def put(self, key: Hashable, payload: object) -> None:
        """Hand over an entry; it replaces one with the same key that still waits."""
        self._outbox.put(key, payload)
        self._filled.set()

    def statistics(self) -> OutboxStatistics:
        """Counters of the outbox."""
        return self._outbox.statistics()

    async def run(self) -> None:
        """Send whatever comes, until cancelled."""
        failures = 0
        while True:
            await self._filled.wait()
            entries = self._outbox.take(self._settings.batch)
            if not entries:
                self._filled.clear()
                continue
            failures = 0 if await self._deliver(entries, failures) else failures + 1
            if failures:
                await asyncio.sleep(self._pause(failures))

    async def _deliver(self, entries: Sequence[tuple[object, object]], failures: int) -> bool:
        """Try once; ``False`` when the entries wait for the next attempt."""
        sent = False
        try:
            await self._vnic.request(
                self._mode,
                self._service.name,
                self._service.area,
                self._action,
                [payload for _, payload in entries],
                timeout=self._settings.timeout,
            )
            sent = True
        except _PASSING as error:
            level = logging.DEBUG if failures else logging.INFO
            _log.log(level, "%s is not available, will try again: %s", self._service, error)
            return False
        except L8Error as error:
            sent = True
            self._refused += len(entries)
            _log.warning("%s refused %d entries: %s", self._service, len(entries), error)
        except Exception:  # noqa: BLE001 - the boundary of a delivery, which must not end the others
            _log.exception("delivery to %s failed", self._service)
            return False
        finally:
            if not sent:
                self._outbox.restore(entries)
        if failures:
            _log.info("%s is available again", self._service)
        return True

    def _pause(self, failures: int) -> float:
        """Seconds to wait: doubling up to the cap, and half of it drawn, so that senders spread."""
        full = min(
            self._settings.longest_pause, self._settings.pause * 2.0 ** min(failures, 30) / 2
        )
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, protects nothing
