# SPDX-License-Identifier: Apache-2.0
"""Where transactions stand, for whoever asks while they are not done.

The leader knows it; to tell it costs nothing until somebody asks. It is in seconds of the clock of
its node, and lives as long as that node leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from l8services._transactions.messages import Answered
from l8types.enums import TransactionState
from l8types.pb import L8Transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from l8services._transactions.messages import Refused
    from l8types.protocols.runtime import Clock

__all__ = ["Progress"]

KEPT: Final = 1024
"""Transactions that ended last, of which it can be told how."""


class _End(NamedTuple):
    """How a transaction ended, and when."""

    created: float
    at: float
    message: Answered | Refused


class Progress:
    """The transactions that a leader has in hand, and those that ended last.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, float] = {}
        self._ended: dict[str, _End] = {}

    def begun(self, identifier: str) -> None:
        """A leader took a transaction, perhaps not for the first time."""
        if identifier not in self._open:
            self._open[identifier] = self._clock.now()

    def ended(self, identifier: str, message: Answered | Refused) -> None:
        """It has its result, or was given up."""
        created = self._open.pop(identifier, None)
        if created is None:
            return
        self._ended.pop(identifier, None)
        self._ended[identifier] = _End(created, self._clock.now(), message)
        if len(self._ended) > KEPT:
            del self._ended[next(iter(self._ended))]

    def of(
        self, identifiers: Collection[str], running: Collection[str], since: float
    ) -> Iterator[L8Transaction]:
        """Where some transactions stand; one that is not known is left out.

        Args:
            identifiers: Of those that are asked for; none for all that have not ended.
            running: Ids of those that the members work on now.
            since: Monotonic time when they began to.
        """
        for identifier in identifiers or tuple(self._open):
            created = self._open.get(identifier)
            if created is not None:
                yield self._going_on(identifier, created, identifier in running, since)
            elif identifier in self._ended:
                yield _told(identifier, self._ended[identifier])

    def _going_on(
        self, identifier: str, created: float, is_running: bool, since: float
    ) -> L8Transaction:
        # A leader takes what comes at once into its queue.
        told = L8Transaction(id=identifier, created=int(created), queued=int(created))
        told.State = TransactionState.QUEUED
        if is_running:
            told.State = TransactionState.RUNNING
            told.running = int(self._clock.now() - (self._clock.monotonic() - since))
        return told


def _told(identifier: str, end: _End) -> L8Transaction:
    message = end.message
    error = message.result.error if isinstance(message, Answered) else message.reason
    state = TransactionState.FAILED if error else TransactionState.COMMITTED
    created = int(end.created)
    return L8Transaction(
        State=state,
        id=identifier,
        err_msg=error,
        created=created,
        queued=created,
        end=max(1, int(end.at)),
    )
