# SPDX-License-Identifier: Apache-2.0
"""Writes on their way to a leader, and what became of them on its way back: told, not asked.

What clients submit in one turn of the loop travels as one message, and so do the answers. A message
that is told may be lost in silence: whoever gets no answer for a while asks, which always ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from l8services._transactions.messages import Answered, Command, Refused, Submits
from l8types.enums import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Outbox", "Submissions", "may_be_told"]

LARGE_BYTES: Final = 65_536
"""Commands above this size are asked for one by one, and messages above it are not added to."""
_WRITES: Final = frozenset({Action.POST, Action.PUT, Action.PATCH, Action.DELETE})

T = TypeVar("T")


def may_be_told(command: Command) -> bool:
    """Whether a command may travel together with others."""
    return command.action in _WRITES and len(command.data) <= LARGE_BYTES


class Outbox(Generic[T]):
    """Collects what goes to each node in one turn of the loop.

    Args:
        send: Sends to a node what was collected for it, in order.
        size_of: How many bytes one of these takes, about.
    """

    def __init__(self, send: Callable[[str, list[T]], None], size_of: Callable[[T], int]) -> None:
        self._send = send
        self._size_of = size_of
        self._collected: dict[str, list[T]] = {}

    def add(self, target: str, value: T) -> None:
        """Send this at the end of the turn."""
        if not self._collected:
            asyncio.get_running_loop().call_soon(self._flush)
        self._collected.setdefault(target, []).append(value)

    def _flush(self) -> None:
        collected, self._collected = self._collected, {}
        for target, values in collected.items():
            part: list[T] = []
            size = 0
            for value in values:
                part.append(value)
                size += self._size_of(value)
                if size > LARGE_BYTES:
                    self._send(target, part)
                    part, size = [], 0
            if part:
                self._send(target, part)


class Submissions:
    """Commands that were told to leaders, and who waits for their answers.

    Args:
        send: Sends a message to a node; :meth:`failed` is to be called when it cannot be sent.
    """

    def __init__(self, send: Callable[[str, Submits], None]) -> None:
        self._tell = send
        self._open: dict[str, tuple[str, asyncio.Future[Answered | Refused | None]]] = {}
        self._outbox: Outbox[tuple[Command, float]] = Outbox(
            self._send, lambda entry: len(entry[0].data)
        )

    def _send(self, target: str, entries: list[tuple[Command, float]]) -> None:
        commands, limits = zip(*entries, strict=True)
        self._tell(target, Submits(commands, limits))

    async def submit(
        self, target: str, command: Command, limit: float, patience: float
    ) -> Answered | Refused | None:
        """Tell a leader to carry out a command.

        Args:
            target: Its node.
            command: The command.
            limit: Seconds that it has.
            patience: Seconds to wait.

        Returns:
            What became of it, ``None`` when that is not known: the leader has to be asked.

        Raises:
            L8Error: It could not be sent.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answered | Refused | None] = loop.create_future()
        self._open[command.id] = target, future
        timer = loop.call_later(patience, _give_up, future)
        try:
            self._outbox.add(target, (command, limit))
            return await future
        finally:
            timer.cancel()
            del self._open[command.id]

    def ended(self, identifier: str, answer: Answered | Refused) -> None:
        """A leader told what became of a command."""
        entry = self._open.get(identifier)
        if entry is not None and not entry[1].done():
            entry[1].set_result(answer)

    def failed(self, message: Submits, error: Exception) -> None:
        """A message could not be sent."""
        for command in message.commands:
            entry = self._open.get(command.id)
            if entry is not None and not entry[1].done():
                entry[1].set_exception(error)

    def lost(self, nodes: Collection[str]) -> None:
        """Only these nodes are there: nothing will come from others."""
        for target, future in self._open.values():
            if target not in nodes:
                _give_up(future)


def _give_up(future: asyncio.Future[Answered | Refused | None]) -> None:
    if not future.done():
        future.set_result(None)
