# SPDX-License-Identifier: Apache-2.0
"""What is kept while there is no connection to the switch, if the options say so."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from l8types.errors import OverloadedError
from l8types.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.values import Message
    from layer8_net._core.usual import Letter

__all__ = ["Held", "Waitlist"]


class Held(NamedTuple):
    """A message without an answer that waits for the connection."""

    build: Callable[[], bytes | Letter]
    """Makes its frame; only then, since a frame names the switch that it goes through."""
    message: Message
    """The same as a value, in case it never leaves."""

    def returned(self, failure: str) -> Message:
        """The message on its way back, with the reason."""
        return replace(self.message, reply=True, failure=failure)


class Waitlist:
    """Messages in order and the bytes of the requests that wait, within one limit.

    Args:
        limit_bytes: What may wait in all.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._messages: deque[Held] = deque()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def hold(self, held: Held) -> None:
        """Keep a message.

        Raises:
            OverloadedError: There is no room for it.
        """
        self.reserve(len(held.message.data))
        self._messages.append(held)

    def reserve(self, size_bytes: int) -> None:
        """Account for a request whose caller waits; :meth:`release` must follow.

        Raises:
            OverloadedError: There is no room for it.
        """
        if self.size_bytes + size_bytes > self._limit:
            raise OverloadedError(
                f"no connection to the switch, and no room for {size_bytes} bytes more beside the "
                f"{self.size_bytes} of {self._limit} that wait for it"
            )
        self.size_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """A request waits no longer."""
        self.size_bytes -= size_bytes

    def take(self) -> list[Held]:
        """Remove and return the messages, in order."""
        messages = list(self._messages)
        self._messages.clear()
        self.size_bytes -= sum(len(held.message.data) for held in messages)
        return messages
