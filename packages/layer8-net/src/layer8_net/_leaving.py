# SPDX-License-Identifier: Apache-2.0
"""What becomes of messages that come while an interface closes: they go back to their senders.

A message that names this node goes back to who sent it. One to all providers of a service does
not, since the others got it; it is counted. To have all that is on its way before the connection
ends, the node tells its switch that it takes nothing more, and reads until the switch confirms.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from l8types.errors import EncodeError
from layer8_net.errors import MovedError

if TYPE_CHECKING:
    from l8types.errors import L8Error
    from l8types.values import Message
    from layer8_net._session import Session

__all__ = ["Leaving"]

_log = logging.getLogger(__name__)

_CONFIRM_SECONDS: Final = 1.0
"""How long the switch may take to confirm; it is a round trip, behind what waits to be read."""


class Leaving:
    """Gives back what the services of a node will not see any more.

    Args:
        session: The running half of the interface.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._left: asyncio.Event | None = None
        self.returned = 0
        """Messages that went back to their senders."""
        self.dropped = 0
        """Messages to all providers of a service that nobody handled here."""

    def refuse(self, messages: list[Message], error: L8Error) -> None:
        """Give messages back, requests and others; nothing was executed."""
        session = self._session
        frames = [frame for one in messages if (frame := self._refusal(one, error))]
        if session.link is None:
            # Those of requests learn it from the end of the connection.
            frames.clear()
        else:
            session.link.send(frames)
        self.returned += len(frames)
        self.dropped += len(messages) - len(frames)

    def _refusal(self, message: Message, error: L8Error) -> bytes:
        """Frame on the way back, empty for what does not go back."""
        if not message.request and message.destination != self._session.me.uuid:
            return b""
        try:
            return self._session.core.refusal_frame(message, error)
        except EncodeError:
            # What a switch of the network could not take.
            return b""

    def turn_away(self, messages: list[Message]) -> list[Message]:
        """Give back what came when it was too late.

        Returns:
            What came back itself; its sender is a service of this node, which is to know.
        """
        error = MovedError(f"node {self._session.me.alias!r} is shutting down")
        self.refuse([one for one in messages if not one.reply], error)
        return [one for one in messages if one.reply]

    async def leave(self) -> None:
        """Have the switch send nothing more, and wait until all that it sent before is here."""
        link, frame = self._session.link, self._session.core.leave_frame()
        if link is None or not frame:
            return
        self._left = asyncio.Event()
        link.send([frame])
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await self._left.wait()
        except TimeoutError:
            _log.warning(
                "%s: the switch did not confirm the end within %g s; messages may be on their way",
                self._session.me.alias,
                _CONFIRM_SECONDS,
            )

    def confirmed(self) -> None:
        """The switch confirmed, or there is no connection to it any more."""
        if self._left is not None:
            self._left.set()

    def tell(self) -> None:
        """Log what was lost, once everything is over."""
        if self.dropped:
            _log.warning(
                "%s: %d messages were not handled, since they came while it was shut down",
                self._session.me.alias,
                self.dropped,
            )
