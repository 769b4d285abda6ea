# SPDX-License-Identifier: Apache-2.0
"""Carries out effects of elections in their order: remember, then tell, then send."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from l8services._election._memory import save_epochs
from l8services._election._notes import write
from l8types.enums import MulticastMode
from l8types.errors import ConfigurationError, L8Error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from l8services._election._race import Race
    from l8types.protocols.net import VNic
    from l8types.protocols.services import ElectionEffect

__all__ = ["Courier", "epoch_file"]

_log = logging.getLogger(__name__)

_OUTBOX: Final = 1000
"""Messages that wait to be sent; above it the oldest are dropped, for all are said again."""
_SEND_TIMEOUT: Final = 5.0
"""Seconds that one message may wait for room in the queue of the interface."""


def epoch_file(vnic: VNic) -> Path | None:
    """Where epochs are kept, ``None`` when the node has no place for files."""
    try:
        return vnic.resources.data_directory / "elections.json"
    except ConfigurationError as error:
        _log.info("epochs are not kept beyond the life of this process: %s", error)
        return None


class Courier:
    """Two workers with a queue each.

    Args:
        vnic: The interface of the node.
        file: Where epochs are kept, if anywhere.
        terms: Whether messages name epochs.
        lead: Told of each change of a leader.
    """

    def __init__(
        self,
        vnic: VNic,
        file: Path | None,
        lead: Callable[[Race, ElectionEffect], None],
        *,
        terms: bool,
    ) -> None:
        self._vnic = vnic
        self._file = file
        self._lead = lead
        self._terms = terms
        self._effects: list[tuple[Race, ElectionEffect]] = []
        self._outbox: deque[tuple[Race, ElectionEffect]] = deque(maxlen=_OUTBOX)
        self._todo = asyncio.Event()
        self._mail = asyncio.Event()
        self._idle = asyncio.Event()

    def take(self, race: Race, effect: ElectionEffect) -> None:
        """Carry out an effect, after those before it."""
        self._effects.append((race, effect))
        self._idle.clear()
        self._todo.set()

    async def wait_idle(self) -> None:
        """Wait until everything is carried out."""
        if self._effects or self._outbox:
            await self._idle.wait()

    async def work(self) -> None:
        """Carry out what waits, epochs of all elections with one access to the disk."""
        await self._todo.wait()
        self._todo.clear()
        batch, self._effects = self._effects, []
        await self._keep(batch)
        for race, effect in batch:
            if effect.leader is not None:
                self._lead(race, effect)
            elif effect.action is not None:
                self._outbox.append((race, effect))
        self._rest()
        self._mail.set()

    async def post(self) -> None:
        """Send what waits."""
        await self._mail.wait()
        self._mail.clear()
        while self._outbox:
            race, effect = self._outbox[0]
            try:
                await self._send(race, effect)
            finally:
                # Only now: what is being sent is not carried out yet.
                if self._outbox and self._outbox[0] == (race, effect):
                    self._outbox.popleft()
        self._rest()

    async def _keep(self, batch: list[tuple[Race, ElectionEffect]]) -> None:
        epochs = {
            str(race.key): effect.keep
            for race, effect in batch
            if effect.keep is not None and race.member
        }
        if not epochs or self._file is None:
            return
        try:
            await asyncio.to_thread(save_epochs, self._file, epochs)
        except OSError as error:
            # An election in time is worth more: other nodes know the epoch as well.
            _log.warning("epochs cannot be kept in %s: %s", self._file, error)

    async def _send(self, race: Race, effect: ElectionEffect) -> None:
        assert effect.action is not None  # noqa: S101 - only such effects come here
        payload = write(effect, self._vnic.resources.elements, terms=self._terms)
        target = effect.target or MulticastMode.ALL
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                await self._vnic.send(target, race.key.name, race.key.area, effect.action, payload)
        except (L8Error, TimeoutError) as error:
            _log.debug("%s of %s is not sent: %s", effect.action.name, race.key, error)

    def _rest(self) -> None:
        if not self._effects and not self._outbox:
            self._idle.set()
