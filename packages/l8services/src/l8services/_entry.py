# SPDX-License-Identifier: Apache-2.0
"""One active service and the calls that it works on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from l8services._measure import Meter
from l8types.protocols.net import VNic
from l8types.protocols.services import ServiceHandler, TransactionEngine
from l8types.sla import ServiceLevelAgreement

__all__ = ["ServiceEntry"]


@dataclass(slots=True, eq=False)
class ServiceEntry:
    """A service between its activation and its deactivation.

    Whoever calls its handler tells so with :meth:`begin` and :meth:`end`.
    """

    sla: ServiceLevelAgreement
    handler: ServiceHandler
    vnic: VNic
    model: str
    """Short name of the model, "" without one."""
    meter: Meter
    """Reports its calls."""
    transactions: TransactionEngine | None = None
    """Orders the writes of a transactional service."""
    _calls: int = 0
    _idle: asyncio.Event | None = None

    def begin(self) -> None:
        """A call begins; deactivation waits for its end."""
        self._calls += 1

    def end(self) -> None:
        """A call has ended."""
        self._calls -= 1
        if self._idle is not None and not self._calls:
            self._idle.set()

    async def wait_idle(self) -> None:
        """Wait until no call is worked on."""
        while self._calls:
            if self._idle is None or self._idle.is_set():
                self._idle = asyncio.Event()
            await self._idle.wait()
