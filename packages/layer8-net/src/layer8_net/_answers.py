# SPDX-License-Identifier: Apache-2.0
"""Received messages on their way to the services of this node, and the answers on the way back."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from l8types.errors import EncodeError, L8Error, RemoteError, UnavailableError
from layer8_net.errors import MovedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.values import Message
    from layer8_net._link import Link
    from layer8_net._session import Session

__all__ = ["Answers"]

_log = logging.getLogger(__name__)


class Answers:
    """Hands messages to the services and makes answers of whatever happens.

    Args:
        session: The running half of the interface.
        vnic: The interface, as the services see it.
    """

    def __init__(self, session: Session, vnic: VNic) -> None:
        self._session = session
        self._vnic = vnic
        self._resources = session.resources

    def handle(self, message: Message) -> Awaitable[object]:
        """Handle a received message, and answer it if it is a request."""
        # Not a coroutine of its own: messages come by thousands, and each step down is felt.
        return self._respond(message) if message.request else self.answer(message)

    async def _respond(self, message: Message) -> None:
        if not self._session.offers.serves(message):
            self._session.refuse([message], self._moved(message))
            return
        answer = await self.answer(message)
        if answer is None:
            answer = self._resources.elements.of()
        try:
            link = self._reply(message, answer)
            if link.pressure:
                await link.drain()
        except UnavailableError as error:
            _log.debug("an answer to %s was lost: %s", message.source, error.message)

    def _reply(self, message: Message, answer: Elements) -> Link:
        try:
            return self._session.reply(message, answer)
        except EncodeError as error:
            return self._session.reply(message, self._resources.elements.error(error))

    def _moved(self, message: Message) -> MovedError:
        return MovedError(
            f"node {self._vnic.alias!r} does not offer service {message.service!r} "
            f"area {message.area} any more"
        )

    async def answer(self, message: Message) -> Elements | None:
        """What the services answer; errors are part of it."""
        try:
            elements = self._resources.elements.decode(message.data)
            return await self._resources.services.handle(elements, message, self._vnic)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            return self._error(message, error)

    async def parts(self, message: Message) -> AsyncGenerator[bytes, None]:
        """Encoded parts of the answer to a request; an error is the last one."""
        if not self._session.offers.serves(message):
            raise self._moved(message)
        try:
            elements = self._resources.elements.decode(message.data)
            source = self._session.services().stream(elements, message, self._vnic)
            try:
                async for part in source:
                    yield part.encode()
            finally:
                await _close(source)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            yield self._error(message, error).encode()

    def _error(self, message: Message, error: Exception) -> Elements:
        """Container of an error."""
        if isinstance(error, L8Error):
            return self._resources.elements.error(error)
        # The caller learns that it failed, the log why.
        _log.error("service %s area %d failed", message.service, message.area, exc_info=error)
        return self._resources.elements.error(
            RemoteError(f"the service failed: {type(error).__name__}")
        )


async def _close(source: AsyncIterator[Elements]) -> None:
    """Let a service release what it made parts of; a plain iterator has nothing to release."""
    if isinstance(source, AsyncGenerator):
        await source.aclose()
