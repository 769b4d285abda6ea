# SPDX-License-Identifier: Apache-2.0
"""A connection to a switch from its first byte until it is a member of the network, or refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.errors import BusyError, HandshakeError, L8Error, UnavailableError
from layer8_net._core.handshake import Endpoint

if TYPE_CHECKING:
    from l8types.protocols.security import ConnectionGuard
    from layer8_net._link import Link
    from layer8_net._machines import AcceptorSide

__all__ = ["Entrance", "EntranceEvents"]

_log = logging.getLogger(__name__)

_HANDSHAKE_SECONDS: Final = 10.0
"""A stranger that says nothing holds a connection for no longer than this."""


@dataclass(frozen=True, slots=True)
class EntranceEvents:
    """Whom an entrance asks and tells."""

    objection: Callable[[Endpoint, str], L8Error | None]
    """Why a peer at an address may not join."""
    joined: Callable[[Endpoint], None]
    """The peer is a member now; the welcome was sent, and nothing of it was read since."""
    refused: Callable[[], None]
    """The peer was refused."""


class Entrance:
    """Shakes hands with one peer and asks the security provider whether to admit it.

    Args:
        link: The connection.
        acceptor: This side of the handshake.
        guard: Admits peers.
        tasks: Owner of the task that waits for the admission.
        events: Whom to ask and tell.
    """

    def __init__(
        self,
        link: Link,
        acceptor: AcceptorSide,
        guard: ConnectionGuard,
        tasks: asyncio.TaskGroup,
        events: EntranceEvents,
    ) -> None:
        self._link = link
        self._acceptor = acceptor
        self._guard = guard
        self._tasks = tasks
        self._events = events
        self._admission: asyncio.Task[None] | None = None
        self._alarm = asyncio.get_running_loop().call_later(
            _HANDSHAKE_SECONDS, self._refuse, HandshakeError("the handshake took too long")
        )
        self._send(acceptor.start())

    def frames(self, frames: list[bytes]) -> None:
        """Take frames of the peer."""
        for frame in frames:
            if self._admission is not None:
                self._admission.cancel()
                self._refuse(HandshakeError("the peer did not wait to be admitted"))
                return
            try:
                answer = self._acceptor.receive(frame)
            except HandshakeError as error:
                self._refuse(error)
                return
            self._send(answer)
            if self._acceptor.proved:
                self._admission = self._tasks.create_task(self._admit(), name="switch: admission")

    def cancel(self) -> None:
        """Give up; the connection is gone or to be closed by the caller."""
        self._alarm.cancel()
        if self._admission is not None:
            self._admission.cancel()

    def _send(self, frame: bytes) -> None:
        if frame:
            self._link.send([frame])

    async def _admit(self) -> None:
        peer, address = self._acceptor.peer, self._link.address
        if peer is None:
            return
        try:
            await self._guard.admit(peer.uuid, peer.alias, address)
            objection = self._events.objection(peer, address)
        except L8Error as error:
            objection = error
        except Exception:  # noqa: BLE001 - foreign code at the edge: deny when it fails
            _log.exception("the security provider failed on node %s", peer.uuid)
            objection = UnavailableError("the switch cannot decide on admissions now")
        if not self._link.open:
            return
        if objection is not None:
            self._refuse(objection)
            return
        self._alarm.cancel()
        self._send(self._acceptor.welcome())
        self._events.joined(peer)

    def _refuse(self, error: L8Error) -> None:
        self._alarm.cancel()
        peer = self._acceptor.peer
        who = f"node {peer.alias!r} " if peer is not None else ""
        # Two switches that dial each other at once are nothing that anybody has to look at.
        level = logging.DEBUG if isinstance(error, BusyError) else logging.WARNING
        _log.log(level, "refused %sat %s: %s", who, self._link.address, error.message)
        self._send(self._acceptor.refuse(error))
        self._link.close(error.message)
        self._events.refused()
